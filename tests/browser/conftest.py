"""One browser for all tests of pages, which run in one process."""

from collections.abc import Iterator

import pytest

from browsing import Browser, start_browser


@pytest.fixture(scope="session")
def running_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start the browser."""
    with start_browser(tmp_path_factory) as browser:
        yield browser


@pytest.fixture
def browser(running_browser: Browser) -> Iterator[Browser]:
    """Close all pages of a test after it."""
    yield running_browser
    running_browser.close_pages()
