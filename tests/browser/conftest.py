"""What tests in a browser share: Debian's chromium, driven by playwright; skips where either is absent."""

from collections.abc import Iterator
from shutil import which
from typing import Any

import pytest


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running browser."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'")
    path = which("chromium")
    if path is None:
        pytest.skip("there is no chromium on the path: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        # In a container there are no namespaces to make a sandbox of; the page is our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()
