"""The documentation site in Chromium: it fits on a phone, is legible in both schemes, can be searched, and loads nothing from elsewhere."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from browsing import Browser, Page
from built_site import make_site
from tables import each

pytestmark = [pytest.mark.project, pytest.mark.xdist_group("browser")]

PAGES = [
    "index.html",
    "tutorial.html",
    "platforms.html",
    "comparison.html",
    "configuration.html",
    "reference/commands/check.html",
    "reference/rules/dangling-link.html",
    "reference/json.html",
    "reference/python.html",
    "reference/settings.html",
]
"""A page of each kind, and those with the widest tables."""

MEASURE = """async (paths) => {
    const found = {};
    const measure = (path) => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.style.cssText = "width: 360px; height: 740px; border: 0";
        frame.onload = () => requestAnimationFrame(() => {
            const root = frame.contentDocument.documentElement;
            const title = frame.contentDocument.querySelector("article h1");
            found[path] = [root.clientWidth, root.scrollWidth, Boolean(title)];
            frame.remove();
            done();
        });
        frame.src = path;
        document.body.append(frame);
    });
    const work = async () => { while (paths.length) await measure(paths.pop()); };
    await Promise.all([work(), work(), work(), work()]);
    return found;
}"""
"""Loads pages in frames of the width of a phone, and returns their widths, and whether they have a title."""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base
        """Print nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory)


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Serve the site, and return the address of its folder."""
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def assert_quiet(page: Page, address: str) -> None:
    """Assert that a page reported nothing, and sent no request to another server."""
    seen = page.seen()
    # Frames are removed before their search is ready.
    seen["failures"] = [
        item for item in seen["failures"] if not item.startswith("net::ERR_ABORTED")
    ]
    foreign = [item for item in seen["requests"] if not item.startswith((address, "blob:"))]
    assert {**seen, "requests": foreign} == {
        "console": [],
        "errors": [],
        "requests": [],
        "failures": [],
        "dialogs": 0,
    }


def list_pages(site: Path) -> list[str]:
    """Return the paths of all pages, and of generated ones of the same form each fourth."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    pages.remove("404.html")
    generated = [page for page in pages if page.count("/") > 1]
    return [
        page for page in pages if page not in generated[1::4] + generated[2::4] + generated[3::4]
    ]


def test_no_page_scrolls_sideways_on_a_phone(browser: Browser, site: Path, address: str) -> None:
    paths = list_pages(site)
    page = browser.open(f"{address}index.html", width=400)
    widths = page.evaluate(MEASURE, paths)
    assert widths == {path: [360, 360, True] for path in paths}
    assert_quiet(page, address)


@each("path", PAGES)
def test_page_is_accessible_in_light_and_dark(browser: Browser, address: str, path: str) -> None:
    page = browser.open(address + path, width=360, height=740)
    assert page.faults() == []
    page.do("media", media="screen", scheme="dark")
    page.wait_for("document.body.dataset.mdColorScheme === 'slate'")
    page.evaluate("() => new Promise((done) => setTimeout(done, 400))")  # colors change slowly
    assert page.faults("color-contrast", "link-in-text-block") == []
    assert_quiet(page, address)


def test_first_page_shows_what_vaultlink_is_on_one_screen(browser: Browser, address: str) -> None:
    page = browser.open(address, width=1280, height=800)
    bottoms = page.evaluate(
        "() => ['h1', '.start a', '.start img'].map((item) => document.querySelector(item).getBoundingClientRect().bottom)"
    )
    assert max(bottoms) < 800
    page.do("resize", width=360, height=740)
    tops = page.evaluate(
        "() => ['h1', '.start a', '.start img'].map((item) => document.querySelector(item).getBoundingClientRect().top)"
    )
    assert max(tops) < 640


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("dangling-link", "reference/rules/dangling-link.html"),
        ("VL101", "reference/rules/dangling-link.html"),
        ("--changed-since", ""),  # a guide, which may change
        ("undo", "reference/commands/undo.html"),
    ],
)
def test_first_result_of_the_search_opens_a_page(
    browser: Browser, address: str, words: str, path: str
) -> None:
    page = browser.open(address)
    page.fill(".md-search__input", words)
    page.press("End")
    page.wait_for("document.querySelector('.md-search-result__link')")
    page.click(".md-search-result__link >> nth=0")
    page.wait_for(f"location.pathname === '/{path}'" if path else "location.pathname !== '/'")
    assert page.evaluate("() => document.querySelector('article h1').textContent.length > 1")
    text = page.evaluate("() => document.querySelector('article').textContent")
    assert words in text
    assert_quiet(page, address)
