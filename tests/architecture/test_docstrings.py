"""Every module says what it is for."""

import ast


def test_every_module_has_a_docstring(sources: dict[str, str]) -> None:
    assert sources
    assert [path for path, text in sources.items() if not ast.get_docstring(ast.parse(text))] == []
