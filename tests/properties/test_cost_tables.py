"""Laws of cost tables: setting a figure changes that figure only, merging takes what is said last, text is exact."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cost_table import Device
from backends.device_files import device_names, load_device, parse_device, with_settings
from backends.device_text import device_text
from backends.figure_paths import figure_at, figures_of, settable_paths, with_figure
from backends.figures import HOW, Figure
from optc.errors import UsageError

DEVICES = {name: load_device(name) for name in device_names()}
SOURCES = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=20)
PLAIN_SOURCES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=3, max_size=20)
RATES = st.floats(1e-9, 1e12)


@st.composite
def paths(draw: st.DrawFn) -> tuple[Device, str]:
    """A device and the path of a figure that can be set on it."""
    device = DEVICES[draw(st.sampled_from(sorted(DEVICES)))]
    return device, draw(st.sampled_from(settable_paths(device)))


@given(paths(), RATES)
def test_a_figure_that_is_set_is_there_and_nothing_else_changes(place: tuple[Device, str], value: float) -> None:
    device, path = place
    made = with_figure(device, path, value)
    assert (figure_at(made, path).value, figure_at(made, path).how) == (value, "set")
    before, after = dict(figures_of(device)), dict(figures_of(made))
    assert {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)} == {path}
    if path in before:  # put back, it is the same table in all that is no figure, too
        assert attrs.asdict(with_figure(made, path, before[path].value)) == attrs.asdict(
            with_figure(device, path, before[path].value)
        )


@given(paths(), RATES, RATES)
def test_the_last_setting_of_a_figure_counts(place: tuple[Device, str], first: float, last: float) -> None:
    device, path = place
    made = with_settings(device, [f"{path}={first!r}", f"{path}={last!r}"])
    assert made == with_figure(device, path, last)


@given(paths(), RATES)
def test_settings_of_different_figures_may_come_in_any_order(place: tuple[Device, str], value: float) -> None:
    device, path = place
    other = "disk_gbps" if path != "disk_gbps" else next(p for p in settable_paths(device) if p != path)
    settings = [f"{path}={value!r}", f"{other}=7"]
    assert with_settings(device, settings) == with_settings(device, settings[::-1])


@given(paths(), st.sampled_from([-1.0, -1e-300, float("inf"), float("-inf"), float("nan")]))
def test_no_figure_takes_what_is_no_number_from_0_on(place: tuple[Device, str], value: float) -> None:
    device, path = place
    with pytest.raises(UsageError) as refused:
        with_figure(device, path, value)
    assert refused.value.slug == "figure-value"


@given(st.sampled_from(sorted(DEVICES)), st.text(max_size=30))
def test_a_path_names_a_figure_or_is_refused(name: str, path: str) -> None:
    device = DEVICES[name]
    if path in dict(figures_of(device)):
        return
    with pytest.raises(UsageError) as refused:
        figure_at(device, path)
    assert refused.value.slug == "no-such-figure"


@given(st.sampled_from(sorted(DEVICES)))
def test_each_figure_is_found_at_its_path(name: str) -> None:
    found = list(figures_of(DEVICES[name]))
    assert len({path for path, _ in found}) == len(found)
    for path, figure in found:
        assert figure_at(DEVICES[name], path) is figure


@given(paths(), RATES, st.sampled_from(HOW), SOURCES)
def test_a_table_and_its_text_say_the_same(place: tuple[Device, str], value: float, how: str, source: str) -> None:
    device, path = place
    made = _placed(with_figure(device, path, value), path.split("."), Figure(value, how, source))
    assert parse_device(device_text(made), "text") == made


@given(st.data())
def test_a_derived_table_has_its_own_figures_and_of_the_rest_those_of_its_base(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(DEVICES)))
    base = DEVICES[name]
    own = data.draw(
        st.dictionaries(
            st.sampled_from(settable_paths(base)), st.builds(Figure, RATES, st.just("measured"), PLAIN_SOURCES)
        )
    )
    lines = [f'extends = "{name}"', *(_line(path, figure) for path, figure in own.items())]
    made = parse_device("\n".join(lines), "own.toml")
    assert dict(figures_of(made)) == {**dict(figures_of(base)), **own}
    assert (made.name, made.title) == (base.name, base.title)


def _line(path: str, figure: Figure) -> str:
    escaped = figure.source.replace("\\", "\\\\").replace('"', '\\"')
    place = path if path == "disk_gbps" else f"units.{path}"
    return f'{place} = {{ value = {figure.value!r}, how = "{figure.how}", source = "{escaped}" }}'


def _placed(node: Any, parts: list[str], figure: Figure) -> Any:
    """The node with exactly this figure at a path."""
    if not parts:
        return figure
    part, rest = parts[0], parts[1:]
    if isinstance(node, Device) and part != "disk_gbps":
        return attrs.evolve(node, units=_placed(node.units, parts, figure))
    if isinstance(node, dict):
        return {**node, part: _placed(node[part], rest, figure)}
    return attrs.evolve(node, **{part: _placed(getattr(node, part), rest, figure)})
