"""The program: types, tensors, values, ops, blocks, their text, and the checks and analyses on them."""
