"""The network that ships with optc, and pictures that it was not trained on.

Made by `tools/train_digits.py`; where the pictures are from stands in `data/LICENCE.txt`.
"""

from pathlib import Path

import numpy as np

from optc.ir.dtypes import Array

_DATA = Path(__file__).parent / "data"
HELD_OUT = _DATA / "digits_held_out.npz"


def demo_model() -> Path:
    """The ONNX file of a small network for handwritten digits: `picture: f32[batch,1,8,8]` to `logits: f32[batch,10]`.

    program = optc.load(optc.demo_model())
    """
    return _DATA / "digits.onnx"


def demo_data() -> tuple[Array, Array]:
    """Pictures that the network was not trained on, and the digits that they show.

    The first array is `float32[359,1,8,8]`, from 0 to 1; the second `int64[359]`.

        pictures, digits = optc.demo_data()
        right = optc.run(program, {"picture": pictures})["logits"].argmax(1) == digits
    """
    with np.load(HELD_OUT, allow_pickle=False) as held_out:
        return held_out["picture"], held_out["label"]
