"""A cost table that is short, complete and valid, for tests to change."""

from backends.cost_table import SCHEMES


def figure(value: object) -> str:
    return f'{{ value = {value}, how = "assumed", source = "a test" }}'


def scheme(extra: str = "") -> str:
    return f'{{ expansion = "streams", source = "a test", decode_gweights_per_s = {figure(10)}{extra} }}'


def unit_lines(name: str, others: tuple[str, ...] = ()) -> list[str]:
    """The lines of one unit."""
    return [
        f"[units.{name}]",
        f'title = "{name}"',
        'dtype = "f16"',
        'overlap = "full"',
        'weights_overlap = "op"',
        f"arithmetic_tflops.f16 = {figure(1)}",
        *(f"{rate} = {figure(2)}" for rate in ("activation_gbps", "weight_gbps", "weight_cache_gbps")),
        *(f"{cost} = {figure(0)}" for cost in ("weight_cache_mb", "launch_ms", "op_us")),
        f"on_chip_mb = {figure(4)}",
        f"expand_gweights_per_s = {figure(1)}",
        *(f"schemes.{kind} = {scheme()}" for kind in SCHEMES),
        *(f"handover.{other} = {{ fixed_us = {figure(0)}, gbps = {figure(5)} }}" for other in others),
    ]


def table_lines() -> list[str]:
    """The lines of a device with a CPU and a neural accelerator."""
    first = ['name = "small"', 'title = "A small device"', f"disk_gbps = {figure(1)}"]
    return [*first, *unit_lines("cpu", ("npu",)), *unit_lines("npu", ("cpu",))]


def table_text(*changes: tuple[str, str]) -> str:
    """The text of the table, after each pair of texts has been put in for the other; the first place counts.

    An empty replacement leaves the lines out that have the text.
    """
    lines = table_lines()
    for old, new in changes:
        assert any(old in line for line in lines), old
        lines = [line for line in lines if old not in line] if not new else _with(lines, old, new)
    return "\n".join(lines) + "\n"


def _with(lines: list[str], old: str, new: str) -> list[str]:
    place = next(number for number, line in enumerate(lines) if old in line)
    return [*lines[:place], lines[place].replace(old, new), *lines[place + 1 :]]
