"""Only the driver prints, and only the driver reads arguments and environment."""

import ast

import pytest

DRIVER = "optc/driver/"
OF_THE_PROCESS = {
    "os": {"environ", "environb", "getenv", "getenvb", "putenv"},
    "sys": {"argv", "stdin", "stdout", "stderr", "exit"},
}


def effects(text: str) -> list[str]:
    """`line N: name` of each use of the terminal, the arguments or the environment."""
    found = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name(id="print" | "input" as name)):
                found.append(f"line {node.lineno}: {name}")
            case ast.Attribute(value=ast.Name(id=module), attr=attr) if attr in OF_THE_PROCESS.get(module, ()):
                found.append(f"line {node.lineno}: {module}.{attr}")
            case ast.ImportFrom(module=str(module), names=names):
                taken = [alias.name for alias in names if alias.name in OF_THE_PROCESS.get(module, ())]
                found += [f"line {node.lineno}: {module}.{name}" for name in taken]
    return found


def test_only_the_driver_touches_terminal_arguments_and_environment(sources: dict[str, str]) -> None:
    found = {path: effects(text) for path, text in sources.items() if not path.startswith(DRIVER)}
    assert found
    assert {path: uses for path, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    "text",
    [
        "print(1)",
        "import os\nos.environ['A']",
        "from os import getenv",
        "sys.argv[1:]",
        "x = lambda: sys.stderr.write('')",
    ],
)
def test_an_effect_is_seen(text: str) -> None:
    assert len(effects(text)) == 1


@pytest.mark.parametrize(
    "text", ["print_program(p)", "os.path.join(a)", "sys.maxsize", "cx.environ", "printer.print()"]
)
def test_what_is_no_effect_is_let_through(text: str) -> None:
    assert effects(text) == []
