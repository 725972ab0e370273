"""What `optc explain` prints, worked out again from the text alone, as a reader would with a pocket calculator."""

import re

UNITS = {"GB/s": 1e6, "G/s": 1e6, "T/s": 1e9, "MB": 1e6, "ns": 1e-6}
"""What the units of figures are in bytes, weights and operations per ms, in bytes, and in ms."""
FIGURE = re.compile(r"([\d.e+-]+) (GB/s|G/s|T/s|MB|ns) \(([\w.]+)\)")
TIME = re.compile(r"\d+\.\d{6}\b")


def redo(text: str) -> int:
    """Works out each line that has a formula again, and returns how many there were.

    Figures must be those of the list, and times that stand in a formula must have been printed before it.
    """
    return sum(_redo_one(decision.splitlines()) for decision in text.split("\n\n"))


def _redo_one(lines: list[str]) -> int:
    figures: dict[str, str] = {}
    of_unit: set[str] = set()
    told: set[str] = {"0.000000"}
    of_uses: dict[str, set[str]] = {"load": set(), "predict": set()}
    totals: list[float] = []
    done, choice = 0, ""
    for line in lines:
        if found := re.fullmatch(r"    ([\w.]+) = (\S+) \(.*\)", line):
            figures[found[1]] = found[2]
            continue
        for value, _, name in FIGURE.findall(line):
            assert figures[name] == value, line
        label, _, rest = line.partition(": ")
        formula, _, result = rest.rpartition(" = ")
        if line.startswith("  all that may run"):
            of_unit = set(times(line))
        elif line.startswith("    if expanded at"):
            choice, told = line.strip(" :").split()[-1], {"0.000000", *of_unit}
        elif line.startswith("  predict if expanded at"):
            assert set(times(formula)) <= of_uses[label.split()[-1]], line
            totals.append(float(result.split()[0]))
        elif found := re.match(r"  the choice (?:costs|saves) (\d+\.\d{6}) ms", line):
            assert abs(abs(totals[0] - totals[1]) - float(found[1])) < 2.1e-6 + 1e-9 * totals[0], line
        elif line.startswith("      "):
            assert set(times(formula or rest)) <= told, line
            told |= set(times(result))
            if "what is not hidden" in label:
                of_uses[choice] |= set(times(result))
        if formula:
            _same(formula, result, line)
            done += 1
    return done


def times(words: str) -> list[str]:
    """The times in a text; figures may have as many decimals."""
    return TIME.findall(FIGURE.sub("", words))


def value_of(formula: str) -> float:
    """A formula as it is printed, without its words."""
    plain = FIGURE.sub(lambda found: f"({float(found[1])} * {UNITS[found[2]]})", formula)
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", plain.replace("(all but zeros)", ""))
    plain = re.sub(r"\b(bytes|weights|operations)\b", "", plain).replace(" x ", " * ").replace("^", "**")
    assert re.fullmatch(r"(max|[\d.e+\-*/(), ])*", plain), formula
    return float(eval(plain, {"__builtins__": {}, "max": max}))


def _same(formula: str, result: str, line: str) -> None:
    """The result is the formula's value, but for the rounding of both."""
    number, unit = result.rsplit(" ", 1)
    expected, got = value_of(formula), float(number.replace(",", ""))
    step = 1e-6 if unit == "ms" else 1e-3
    rounded = 1 + len(times(formula))
    assert abs(expected - got) <= 0.51 * step * rounded + 1e-6 * got, (line, expected)
