"""The contract of passes, and what their context offers."""

from collections import Counter
from typing import ClassVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.errors import UsageError
from optc.ir.block import Program
from optc.pipeline.catalog import Catalog
from optc.pipeline.passes import Pass, PassContext, option
from tests.unit.pipeline.toys import CATALOG, Keep, Many, Shorten, chain


def test_a_pass_is_immutable_and_equal_by_its_options() -> None:
    assert Shorten(2) == Shorten(by=2) != Shorten(3)
    assert len({Shorten(2), Shorten(2), Shorten(3), Keep()}) == 3
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Shorten(2).by = 3  # type: ignore[misc]  # the point of it


def test_a_pass_without_a_run_cannot_be_made() -> None:
    @attrs.frozen
    class Nothing(Pass):
        name: ClassVar[str] = "nothing"

    with pytest.raises(TypeError, match="abstract"):
        Nothing()  # type: ignore[abstract]  # the point of it


def test_random_numbers_depend_on_the_pass_and_its_options_alone() -> None:
    def draw(running: Pass) -> list[int]:
        return [int(number) for number in PassContext(running).rng.integers(1 << 60, size=4)]

    assert draw(Shorten(2)) == draw(Shorten(by=2))
    assert draw(Shorten(2)) != draw(Shorten(3))
    cx = PassContext()
    assert cx.rng is cx.rng


def test_counters_carry_the_name_of_the_pass() -> None:
    statistics: Counter[str] = Counter()
    cx = PassContext(Keep(), statistics=statistics)
    cx.count("a")
    cx.count("a", 4)
    cx.count("b")
    assert statistics == {"keep.a": 5, "keep.b": 1}


def test_a_remark_carries_the_name_of_the_pass() -> None:
    cx = PassContext(Shorten())
    cx.remark("w", "skipped", "small", scheme="dense", bytes_before=4, bytes_after=4, numbers={"elements": 1})
    (remark,) = cx.ledger
    assert (remark.pass_name, remark.subject, remark.numbers) == ("shorten", "w", (("elements", 1),))


def test_verifying_half_way_asks_the_verifier_where_there_is_one() -> None:
    seen: list[Program] = []
    program = chain(1)
    PassContext().verify(program)
    PassContext(verify=seen.append).verify(program)
    assert [p is program for p in seen] == [True]


def test_the_catalog_makes_passes_from_plain_values() -> None:
    assert CATALOG.make("many", {"needed": 3, "names": ["x"]}) == Many(needed=3, names=("x",))
    assert CATALOG.find("many") is Many
    assert CATALOG.find("zzz") is None
    assert CATALOG.preset("@tidy") == CATALOG.preset("tidy") == "keep,fixpoint(shorten{by=2})"
    assert CATALOG.preset("zzz") is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("shortn", {}, "x.yaml: step must be a pass or a preset (got shortn); did you mean shorten?"),
        ("shorten", {"dwn_to": 1}, "x.yaml: option must be one of by, down_to (got dwn_to); did you mean down_to?"),
        ("shorten", {"by": 10}, "x.yaml: option by must be from 1 to 9 (got 10)"),
        ("many", {}, "x.yaml: option needed must be given, as it has no default"),
    ],
)
def test_wrong_plain_values_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        CATALOG.make(name, options, "x.yaml")
    assert str(caught.value) == message


def test_a_wrong_catalog_is_a_mistake_in_the_declaration() -> None:
    with pytest.raises(TypeError, match="used twice"):
        Catalog((Keep, Keep))
    with pytest.raises(TypeError, match="used twice"):
        Catalog((Keep,), {"keep": ""})
    with pytest.raises(TypeError, match="'fixpoint' is no name"):
        Catalog((), {"fixpoint": ""})
    with pytest.raises(TypeError, match="'Big Name' is no name"):
        Catalog((), {"Big Name": ""})


def test_a_catalog_takes_only_passes_whose_options_it_can_read() -> None:
    class Undeclared(Keep):
        name: ClassVar[str] = "undeclared"

    @attrs.frozen
    class Clash(Keep):
        name: ClassVar[str] = "clash"
        run: int = option(1)  # type: ignore[assignment]  # the point of it

    with pytest.raises(TypeError, match=r"Undeclared must be declared with @attrs\.frozen"):
        Catalog((Undeclared,))
    with pytest.raises(TypeError, match="option run of Clash has the name"):
        Catalog((Clash,))


@given(st.lists(st.integers(0, 5), max_size=20), st.integers(1, 4))
def test_progress_goes_up_to_the_whole_effort_in_any_number_of_threads(efforts: list[int], workers: int) -> None:
    told: list[tuple[float, float]] = []
    cx = PassContext(workers=workers, progress=lambda done, total: told.append((done, total)))
    assert cx.map(lambda effort: effort + 1, efforts, float) == [effort + 1 for effort in efforts]
    total = float(sum(efforts))
    if total == 0:
        assert told == []
        return
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert {whole for _, whole in told} == {total}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len(told) == 1 + sum(effort > 0 for effort in efforts)


def test_progress_that_nobody_waits_for_is_no_work() -> None:
    cx = PassContext()
    cx.progress(1, 2)
    assert cx.map(str, [1, 2]) == ["1", "2"]
