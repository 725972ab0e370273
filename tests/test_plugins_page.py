"""`docs/plugins.md` shows the test package as it is, and names every slug."""

from pathlib import Path

import pytest

from tests.plugins import ACME

PAGE = Path(__file__).resolve().parent.parent / "docs" / "plugins.md"

if not PAGE.is_file():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)

TEXT = PAGE.read_text("utf-8")
SHOWN = ("pyproject.toml", "acme_optc/drop_names.py", "acme_optc/board.py", "acme_optc/board.toml")


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_shows_the_package_that_the_tests_install(name: str) -> None:
    lines = (ACME / name).read_text("utf-8").splitlines()
    assert "\n".join(f"    {line}" if line else "" for line in lines) in TEXT


def test_the_page_has_every_slug() -> None:
    for slug in ("plugin-broken", "plugin-clash", "no-such-backend"):
        assert f"| `{slug}` |" in TEXT
