"""Make an ONNX model smaller, look at what was done, and check that it still works.

You learn how to load, compress and save a model, how to leave one weight as it is, and how to run one. For a model
of yours put its path in place of `optc.demo_model()`, and inputs of its own in place of the pictures.
"""

import optc

program = optc.load(optc.demo_model())
scheme = optc.Configuration(optc.Palettize(bits=4), names={"11.weight": optc.Quantize(dtype="int8")})
small = optc.compress(program, scheme)

for name, weight in optc.weights(small, min_elements=2048).items():
    print(f"{name}: {weight.form}, {weight.stored_bytes:,} bytes of {weight.dense_bytes:,}")

pictures, digits = optc.demo_data()
for what, model in (("before", program), ("after", small)):
    right = optc.run(model, {"picture": pictures})["logits"].argmax(axis=1) == digits
    print(f"{what}: {right.sum()} of {len(digits)} pictures are recognised")

for path in ("small.onnx", "small.mlpackage"):
    optc.save(small, path)
    print(f"written: {path}")
