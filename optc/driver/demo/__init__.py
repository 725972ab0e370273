"""The journey of `optc demo`, and the network and pictures that it is made with."""
