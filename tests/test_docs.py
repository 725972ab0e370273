"""The examples of the longer texts run."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "testing.md"

IDLE = """
def abs_once(source):
    return source.builder.add(Abs(source.fresh(TensorType(DType.F32, (2,)))))

from optc.ir.dtypes import DType
from optc.ir.types import TensorType
"""


def test_the_example_of_a_property_tested_pass_runs() -> None:
    if not PAGE.is_file():
        pytest.skip("the docs are not beside the tests")
    text = PAGE.read_text("utf-8")
    start, end = text.index("    from typing"), text.index("`check_pass` draws")
    example = re.sub(r"^    ", "", text[start:end], flags=re.MULTILINE)
    exec(compile(example, "testing.md", "exec"), {})
    idle = example.replace("idioms=(abs_twice,)", "samplers={}, idioms=(abs_once,)")
    idle = idle.replace("\ncheck_pass(", f"\n{IDLE}\ncheck_pass(")
    with pytest.raises(AssertionError, match="changed only 0 of"):
        exec(compile(idle, "testing.md", "exec"), {})
