"""`python -m optc`."""

from optc.driver.main import main

if __name__ == "__main__":
    main()
