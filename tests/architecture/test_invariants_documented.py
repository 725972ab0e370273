"""ARCHITECTURE.md lists the invariants that the verifier cites."""

from pathlib import Path

import pytest

from optc.ir.verifier import INVARIANTS

PAGE = Path(__file__).resolve().parents[2] / "ARCHITECTURE.md"


def test_the_architecture_page_lists_every_invariant_of_the_verifier_in_order() -> None:
    if not PAGE.is_file():
        pytest.skip("ARCHITECTURE.md is not beside the tests")
    listed = "\n".join(f"{rule.number}. `{rule.slug}`: {rule.says}" for rule in INVARIANTS)
    assert listed in PAGE.read_text("utf-8")
