"""`docs/remarks.md` says all that a file of remarks can hold, and a file holds what it says."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import optc
from tests.command_line import optc as command
from tests.reasons import reasons
from tests.unit.driver.small_model import write_model

PAGE = Path(__file__).resolve().parent.parent / "docs" / "remarks.md"

if not PAGE.is_file():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)

TEXT = PAGE.read_text("utf-8")
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (float, int), "null": (type(None),), "boolean": (bool,),
    "object": (dict,),
}  # fmt: skip
RUNS = [
    ["--palettize", 4], ["--palettize", 8, "--strict"], ["--quantize", "int4", "--block-size", 33], ["--sparsify", 0.5],
    ["--sparsify", 0.5, "--quantize", "int8"], ["--quantize", "int5"],
    ["--palettize", 4, "--table", "int8", "--group-size", 5, "--strict"],
    ["--pipeline", "float16,palettize,decompress,quantize,quantize"],
    ["--pipeline", "palettize{bits=8,group_size=1,min_elements=0},sparsify{min_sparsity=0.9}"],
    ["--config"],
]  # fmt: skip


def table(title: str) -> dict[str, str]:
    """The rows of the tables under a title: what stands in the second column, by key."""
    section = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE))


def fits(value: Any, written: str) -> bool:
    kinds = tuple(kind for word in written.split(" or ") for kind in KINDS[word])
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


@pytest.mark.parametrize("options", RUNS, ids=str)
def test_a_file_of_remarks_holds_what_the_page_says(options: list[Any], tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    if options == ["--config"]:
        (tmp_path / "config.yaml").write_text("default: quantize\nmin_rank: 2\nnames: {frist: palettize}\n", "utf-8")
        options = ["--config", tmp_path / "config.yaml"]
    done = command("compress", model, *options, "-o", tmp_path / "small.onnx", "--remarks", tmp_path / "remarks.json")
    assert (done.code, done.err) == (0, "")
    data = json.loads((tmp_path / "remarks.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert set(data) == {"remarks"}
    keys, numbers = table("Keys"), table("Numbers")
    assert len(data["remarks"]) >= 3
    for remark in data["remarks"]:
        assert set(remark) == set(keys)
        assert all(fits(value, keys[key]) for key, value in remark.items())
        assert remark["decision"] in ("done", "skipped", "refused")
        assert remark["reason"] in table("Reasons")
        assert (remark["weight"] is None) is (remark["kind"] != "weight")
        assert all(fits(value, numbers[key]) for key, value in remark["numbers"].items())


def test_every_reason_that_the_code_gives_is_on_the_page_and_no_other() -> None:
    assert set(table("Reasons")) == reasons()


def test_the_example_has_the_keys_of_the_page() -> None:
    start = TEXT.index("    {\n")
    example = json.loads(TEXT[start : TEXT.index("\n    }\n", start) + 7])
    assert list(example["remarks"][0]) == list(table("Keys"))


def test_the_largest_error_is_what_it_says(tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.onnx")
    command("compress", model, "--palettize", 4, "-o", tmp_path / "s.onnx", "--remarks", tmp_path / "r.json")
    before, after = (optc.weights(optc.load(path)) for path in (model, tmp_path / "s.onnx"))
    for remark in json.loads((tmp_path / "r.json").read_text("utf-8"))["remarks"]:
        if remark["decision"] == "done":
            old, new = (held[remark["weight"]].value.astype(np.float64) for held in (before, after))
            assert remark["numbers"]["max_error"] == np.abs(old - new).max()


@pytest.mark.parametrize("suffix", [".onnx", ".mlpackage", ".optc"])
@pytest.mark.parametrize(
    "text",
    [
        "palettize{bits=4}", "palettize{bits=3,group_size=16}", "palettize{bits=2,table=int8}", "quantize",
        "quantize{dtype=uint4,mode=asymmetric,granularity=per_block}", "sparsify", "sparsify,palettize{joint=true}",
        "sparsify,quantize{joint=true}", "palettize,quantize{joint=true}", "quantize,sparsify{joint=true}",
    ],
)  # fmt: skip
def test_inspect_says_of_the_file_what_the_remarks_said(text: str, suffix: str, tmp_path: Path) -> None:
    model, small = write_model(tmp_path / "model.onnx"), tmp_path / f"small{suffix}"
    pipeline = f"@cleanup,{text},dead-code"
    target = ["--target", "ios18"] if suffix == ".mlpackage" else []  # before, every scale must have an offset
    done = command("compress", model, "--pipeline", pipeline, "-o", small, "--remarks", tmp_path / "r.json", *target)
    assert (done.code, done.err) == (0, "")
    said = {r["weight"]: r for r in json.loads((tmp_path / "r.json").read_text("utf-8"))["remarks"]}
    shown = json.loads(command("inspect", small, "--json").out)["weights"]
    assert {row["name"] for row in shown} == set(said)
    for row in shown:
        assert (row["form"], row["stored_bytes"]) == (said[row["name"]]["scheme"], said[row["name"]]["bytes_after"])
