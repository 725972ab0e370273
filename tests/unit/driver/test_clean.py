"""A compressed model is held against what compression started from."""

import json
from pathlib import Path

import optc
from tests.command_line import optc as command


def test_with_clean_norms_that_were_folded_are_no_errors_of_compression(tmp_path: Path) -> None:
    model, small = optc.demo_model(), tmp_path / "small.onnx"
    assert command("compress", model, "--palettize", 8, "-o", small).code == 0
    worst = {}
    for options in ((), ("--clean",)):
        done = command("diff", model, small, "--json", *options)
        rows = {row["name"]: row["snr_db"] for row in json.loads(done.out)["weights"]}
        worst[options] = min(rows[name] for name in ("3.weight", "6.weight"))
    assert worst[()] < 10 < 35 < worst[("--clean",)]
    pages = [tmp_path / "raw.html", tmp_path / "clean.html"]
    for page, options in zip(pages, ((), ("--clean",)), strict=True):
        assert command("report", small, "--against", model, *options, "-o", page).code == 0
    assert pages[0].read_text("utf-8") != pages[1].read_text("utf-8")
