"""Take a PyTorch module to a compressed Core ML package. Needs: pip install 'optc[torch]'; no Mac.

You learn that parameters keep their names, how to say which sizes may differ, and what a target is for.
"""

import torch

import optc

torch.manual_seed(0)
module = torch.nn.Sequential(
    torch.nn.Conv2d(3, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(),
    torch.nn.Linear(512, 10),
).eval()  # fmt: skip
example = torch.rand(2, 3, 24, 24)

program = optc.from_torch(module, (example,), input_names=["image"], output_names=["scores"])
small = optc.compress(program, optc.Quantize(dtype="int8"))
for name, weight in optc.weights(small).items():
    print(f"{name}: {weight.form}, {weight.stored_bytes:,} bytes")

outputs = optc.run(small, {"image": example.numpy()})["scores"]
print(f"largest error of an output: {abs(outputs - module(example).detach().numpy()).max():.4f}")
optc.save(small, "scores.mlpackage", target="ios17")
print(f"read back the same: {optc.load('scores.mlpackage').main.input_names == small.main.input_names}")
