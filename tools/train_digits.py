"""Trains the network that ships with optc, `digits.onnx`, and picks the pictures of `digits_held_out.npz`.

    pip install torch scikit-learn onnx && python tools/train_digits.py [FOLDER]

Data: the Optical Recognition of Handwritten Digits of E. Alpaydin and C. Kaynak (UCI Machine Learning Repository,
CC BY 4.0), 1,797 pictures of 8 by 8, as scikit-learn ships them. A fifth is held out by a fixed permutation. The
model is written node by node, with batch normalisation as its own nodes, as exporters of trained models leave it.
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

FOLDER = Path(__file__).resolve().parent.parent / "optc" / "driver" / "demo" / "data"
CHANNELS = (1, 32, 64, 64)
EPOCHS = 40
THREADS = 2
"""Sums are cut up among threads: with another number the last bits of the weights are others, on any machine."""


def network() -> torch.nn.Sequential:
    """Three blocks of convolution, batch normalisation and ReLU, a pooling, and a linear layer."""
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(CHANNELS):
        layers += [
            torch.nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), torch.nn.BatchNorm2d(outputs), torch.nn.ReLU(),
        ]  # fmt: skip
    return torch.nn.Sequential(
        *layers, torch.nn.MaxPool2d(4), torch.nn.Flatten(), torch.nn.Linear(CHANNELS[-1] * 4, 10)
    )


def train(model: torch.nn.Sequential, pictures: torch.Tensor, labels: torch.Tensor) -> None:
    """Adam with a cosine schedule, on pictures shifted by up to one pixel."""
    optimizer = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    model.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(pictures)).split(64):
            shift = tuple(int(s) for s in torch.randint(-1, 2, (2,)))
            loss = torch.nn.functional.cross_entropy(model(pictures[batch].roll(shift, (2, 3))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    model.eval()


def to_onnx(model: torch.nn.Sequential) -> onnx.ModelProto:
    """The trained network as an ONNX model of opset 17."""
    weights = {name: value.numpy() for name, value in model.state_dict().items() if "tracked" not in name}
    nodes, x = [], "picture"
    for index, layer in enumerate(model):
        out = "logits" if index == len(model) - 1 else f"{index}.out"
        if isinstance(layer, torch.nn.Conv2d):
            nodes.append(helper.make_node("Conv", [x, f"{index}.weight"], [out], pads=[1, 1, 1, 1]))
        elif isinstance(layer, torch.nn.BatchNorm2d):
            names = [f"{index}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
            nodes.append(helper.make_node("BatchNormalization", [x, *names], [out], epsilon=layer.eps))
        elif isinstance(layer, torch.nn.MaxPool2d):
            nodes.append(helper.make_node("MaxPool", [x], [out], kernel_shape=[4, 4], strides=[4, 4]))
        elif isinstance(layer, torch.nn.Linear):
            nodes.append(helper.make_node("Gemm", [x, f"{index}.weight", f"{index}.bias"], [out], transB=1))
        else:
            nodes.append(helper.make_node(type(layer).__name__.replace("ReLU", "Relu"), [x], [out]))
        x = out
    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def main() -> None:
    """Train, say how good it is, and write both files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    digits = load_digits()
    pictures = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels))
    held_out, kept = order[: len(order) // 5], order[len(order) // 5 :]
    model = network()
    train(model, pictures[kept], labels[kept])
    right = int((model(pictures[held_out]).argmax(1) == labels[held_out]).sum())
    print(f"{right} of {len(held_out)} held-out pictures are recognised")
    folder.mkdir(exist_ok=True)
    onnx.save(to_onnx(model), folder / "digits.onnx")
    np.savez_compressed(
        folder / "digits_held_out.npz", picture=pictures[held_out].numpy(), label=labels[held_out].numpy()
    )


if __name__ == "__main__":
    main()
