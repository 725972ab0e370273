"""Remarks say one thing in one form, and the ledger keeps all of them."""

import json
import math
from typing import Any

import pytest

from optc.pipeline.remarks import Ledger, Remark

DONE = Remark(
    "palettize", "w", "done", "palettized", scheme="palettized", bytes_before=400, bytes_after=116, snr_db=41.5
)


def test_a_remark_as_data_has_the_keys_that_scripts_rely_on() -> None:
    data = DONE.to_json()
    assert {key: data[key] for key in list(data)[:8]} == {
        "weight": "w", "pass": "palettize", "decision": "done", "reason": "palettized", "scheme": "palettized",
        "bytes_before": 400, "bytes_after": 116, "snr_db": 41.5,
    }  # fmt: skip


def test_an_exact_weight_is_said_without_an_infinite_number() -> None:
    data = Remark("p", "w", "done", "ok", snr_db=math.inf).to_json()
    assert (data["snr_db"], data["exact"]) == (None, True)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert Remark("p", "w", "done", "ok").to_json()["exact"] is False


def test_a_remark_about_something_else_names_no_weight() -> None:
    data = Remark("p", "main", "refused", "round-limit", kind="program", numbers={"rounds": 3}).to_json()
    assert (data["weight"], data["subject"], data["numbers"]) == (None, "main", {"rounds": 3})


def test_numbers_are_kept_in_one_order() -> None:
    a = Remark("p", "w", "skipped", "small", numbers={"minimum": 9, "elements": 3})
    assert a == Remark("p", "w", "skipped", "small", numbers={"elements": 3, "minimum": 9})
    assert str(a) == "p: weight w: skipped, small (elements 3, minimum 9)"
    assert str(DONE) == "palettize: weight w: done, palettized"


@pytest.mark.parametrize("wrong", [{"decision": "maybe"}, {"reason": "Too small"}, {"reason": ""}, {"kind": "thing"}])
def test_a_remark_in_another_form_is_a_mistake_of_the_pass(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Remark(**{"pass_name": "p", "subject": "w", "decision": "done", "reason": "ok", **wrong})


def test_the_ledger_keeps_order_and_finds_by_subject() -> None:
    ledger = Ledger()
    other = Remark("sparsify", "v", "skipped", "small")
    again = Remark("sparsify", "w", "skipped", "small")
    for remark in (DONE, other, again):
        ledger.add(remark)
    assert list(ledger) == [DONE, other, again]
    assert len(ledger) == 3
    assert ledger.about("w") == (DONE, again)
    assert [data["weight"] for data in ledger.to_json()["remarks"]] == ["w", "v", "w"]


def test_a_weight_without_exactly_one_remark_of_a_pass_is_unaccounted() -> None:
    ledger = Ledger()
    for subject, kind in (("once", "weight"), ("twice", "weight"), ("twice", "weight"), ("an-op", "op")):
        ledger.add(Remark("p", subject, "done", "ok", kind=kind))
    ledger.add(Remark("q", "other", "done", "ok"))
    assert ledger.unaccounted("p", ["once", "twice", "an-op", "other"]) == ("twice", "an-op", "other")
