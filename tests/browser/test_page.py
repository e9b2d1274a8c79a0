"""The page of a report in Chromium: what people see, hear and do, and that nothing leaves the machine."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browsing import Browser, Page
from reports import (
    EMPTY,
    HOSTILE_NAMES,
    HOSTILE_PICTURE,
    LARGE_PICTURE,
    NO_PICTURE,
    SMALL,
    SMALL_PICTURE,
    make_hostile_report,
    make_large_report,
)
from tables import each
from vaultlink.dashboard.page import render_page

pytestmark = [pytest.mark.project, pytest.mark.xdist_group("browser")]

PAGES: dict[str, Callable[[], str]] = {
    "small": lambda: render_page(SMALL, SMALL_PICTURE),
    "empty": lambda: render_page(EMPTY, NO_PICTURE),
    "large": lambda: render_page(make_large_report(), LARGE_PICTURE),
    "hostile": lambda: render_page(make_hostile_report(), HOSTILE_PICTURE),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    found = {}
    for name, render in PAGES.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(render(), encoding="utf-8")
    return found


@pytest.fixture
def small(browser: Browser, files: dict[str, Path]) -> Page:
    return browser.open(files["small"])


# -- what the page loads ------------------------------------------------------------------------------------------------


@each("name", PAGES)
def test_page_loads_nothing_and_reports_nothing(
    browser: Browser, files: dict[str, Path], name: str
) -> None:
    page = browser.open(files[name])
    page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    seen = page.seen()
    assert seen == {
        "console": [],
        "errors": [],
        "requests": [files[name].as_uri()],
        "failures": [],
        "dialogs": 0,
    }


@each(
    "attack",
    [
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.attacked = 1'}))",
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.attacked = 1\">')",
        "document.body.insertAdjacentHTML('beforeend', '<iframe src=\"//example.com\"></iframe>')",
        "fetch('https://example.com/').catch(() => 0)",
        "document.head.append(Object.assign(document.createElement('style'), {textContent: '*{color:red}'}))",
        "new Image().src = 'https://example.com/x.png'",
    ],
)
def test_policy_stops_what_gets_past_the_template(small: Page, attack: str) -> None:
    before = len(small.seen()["console"])
    small.evaluate(f"() => {{ {attack}; }}")
    small.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    assert small.evaluate("() => window.attacked ?? null") is None
    seen = small.seen()
    assert any("Content Security Policy" in message for message in seen["console"][before:])
    assert [f"csp {address}" for address in seen["requests"][1:]] == seen["failures"]


def test_hostile_names_do_nothing_and_turn_no_text_around(
    browser: Browser, files: dict[str, Path]
) -> None:
    page = browser.open(files["hostile"])
    foreign = page.evaluate(
        "() => document.querySelectorAll('img, iframe, base, object, embed, [onload], [onerror], [onmouseover]').length"
    )
    links = page.evaluate(
        "() => [...document.querySelectorAll('[href]')].map((item) => item.getAttribute('href'))"
    )
    assert foreign == 0
    assert {link.partition(":")[0] for link in links if link[0] != "#"} == {"obsidian"}
    texts = page.evaluate(
        "() => [...document.querySelectorAll('[data-table=bridges] td:first-child')].map((item) => item.textContent)"
    )
    assert len(texts) == len(HOSTILE_NAMES)
    assert r"invoice\u202egnp" in texts
    assert r"bytes \udce9\udcff" in texts
    assert not [text for text in texts if re.search("[\u202a-\u202e\u2066-\u2069]", text)]


# -- tables -------------------------------------------------------------------------------------------------------------


def read_column(page: Page, table: str, column: int = 0) -> list[str]:
    """Return the texts of a column, of rows that are shown; what is small or folded in a cell is left out."""
    script = """([table, column]) => [...document.querySelectorAll(`[data-table=${table}] tbody tr`)]
        .filter((row) => row.getClientRects().length)
        .map((row) => (row.cells[column].querySelector("b, bdi") ?? row.cells[column]).textContent)"""
    result: list[str] = page.evaluate(script, [table, column])
    return result


def read_order(page: Page, table: str) -> dict[str, str]:
    """Return the headings of a table that say how it is sorted."""
    script = """(table) => Object.fromEntries([...document.querySelectorAll(`[data-table=${table}] th[aria-sort]`)]
        .map((cell) => [cell.textContent, cell.getAttribute("aria-sort")]))"""
    result: dict[str, str] = page.evaluate(script, table)
    return result


def click_heading(page: Page, table: str, heading: str) -> None:
    page.click(f"[data-table={table}] th button:text-is('{heading}')")


def test_tables_sort_by_each_heading(small: Page) -> None:
    assert read_column(small, "rules") == ["missing-heading", "dangling-link", "ambiguous-link"]
    assert read_order(small, "rules") == {"Findings": "descending"}

    click_heading(small, "rules", "Findings")
    assert read_column(small, "rules", 2) == ["1", "2", "12"]
    assert read_order(small, "rules") == {"Findings": "ascending"}

    click_heading(small, "rules", "Safe fixes")
    assert read_column(small, "rules", 4) == ["2", "0", "0"]
    assert read_order(small, "rules") == {"Safe fixes": "descending"}

    click_heading(small, "rules", "Severity")
    assert read_column(small, "rules", 1) == ["error", "info", "warning"]
    assert read_order(small, "rules") == {"Severity": "ascending"}
    assert read_order(small, "hubs") == {"Links in": "descending"}


def test_numbers_sort_by_value(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.open(files["large"])
    click_heading(page, "topics", "Links")
    page.click("[aria-label='Show all 300 rows: Unresolved topics']")
    numbers = [int(text) for text in read_column(page, "topics", 1)]
    assert numbers == list(range(101, 401))
    click_heading(page, "topics", "Topic")
    assert read_column(page, "topics")[:3] == ["Topic 0", "Topic 1", "Topic 2"]


def test_filter_of_a_table_shows_matching_rows_of_this_table(small: Page) -> None:
    small.fill("input[aria-label='Filter: Hubs']", "PORTS mole")
    assert read_column(small, "hubs") == ["Mole"]
    assert (
        small.evaluate("() => document.querySelector('#hubs output').textContent") == "1 of 7 rows"
    )
    assert len(read_column(small, "rules")) == 3

    small.fill("input[aria-label='Filter: Hubs']", "")
    assert len(read_column(small, "hubs")) == 7
    assert small.evaluate("() => document.querySelector('#hubs output').textContent") == ""


@each("text", ["東京", "שלום", "café", "CAFE\u0301"])
def test_filter_finds_names_of_all_scripts(small: Page, text: str) -> None:
    small.fill("input[aria-label='Filter: Hubs']", text)
    assert len(read_column(small, "hubs")) == 1


def read_sections(page: Page) -> list[str]:
    """Return the ids of the sections that are shown."""
    script = "() => [...document.querySelectorAll('.sections > section')].filter((item) => !item.hidden).map((item) => item.id)"
    result: list[str] = page.evaluate(script)
    return result


def test_search_shows_matching_rows_of_all_tables(small: Page) -> None:
    everything = read_sections(small)
    small.fill("#search", "東京")
    assert read_sections(small) == ["mentions", "related", "hubs", "orphans"]
    status = "() => document.getElementById('search-status').textContent"
    assert small.evaluate(status) == "4 rows in 4 tables"

    small.fill("#search", "no such name")
    assert read_sections(small) == []
    assert small.evaluate(status) == "No row matches."

    small.press("Escape")
    assert read_sections(small) == everything
    assert small.evaluate(status) == ""


def test_search_and_filter_apply_together(small: Page) -> None:
    small.fill("input[aria-label='Filter: Hubs']", "ports")
    small.fill("#search", "breakwater")
    assert read_column(small, "hubs") == ["Breakwater"]


def test_long_tables_show_all_rows_on_request(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.open(files["large"])
    button = "[aria-label='Show all 300 rows: Hubs']"
    assert len(read_column(page, "hubs")) == 12
    page.click(button)
    assert len(read_column(page, "hubs")) == 300
    page.click("[aria-label='Show the first 12: Hubs']")
    assert len(read_column(page, "hubs")) == 12

    page.fill("input[aria-label='Filter: Hubs']", "title 299")
    assert read_column(page, "hubs") == ["Title 299"]
    page.fill("input[aria-label='Filter: Hubs']", "")
    assert len(read_column(page, "hubs")) == 12


def test_search_in_a_large_page_is_quick(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.open(files["large"])
    script = """(text) => {
        const start = performance.now();
        const search = document.getElementById("search");
        search.value = text;
        search.dispatchEvent(new Event("input"));
        document.body.offsetHeight;
        return performance.now() - start;
    }"""
    assert min(page.evaluate(script, f"number {count}") for count in range(70, 78)) < 500


READ_MARKS = "() => [...document.querySelectorAll('mark')].map((item) => item.textContent)"


def test_search_marks_what_it_found_and_opens_its_list(small: Page) -> None:
    small.fill("#search", "MOLE")
    marks = small.evaluate(READ_MARKS)
    assert set(marks) == {"Mole", "mole"}
    small.fill("#search", "mole pier")
    assert {"Mole", "mole", "Pier", "pier"} >= set(small.evaluate(READ_MARKS)) > {"Mole"}
    small.fill("#search", "")
    assert small.evaluate(READ_MARKS) == []
    is_open = "() => document.querySelector('[data-table=mentions] details').open"
    assert small.evaluate(is_open) is False
    small.fill("#search", "1890")
    assert small.evaluate(is_open) is True
    small.fill("#search", "")
    assert small.evaluate(is_open) is False


@each(
    ("text", "marks"),
    [("東京", {"東京"}), ("שלום", {"שלום"}), ("CAFÉ", {"Café"}), ("of 1890", {"of", "1890"})],
)
def test_marks_are_those_of_all_scripts(small: Page, text: str, marks: set[str]) -> None:
    small.fill("#search", text)
    assert set(small.evaluate(READ_MARKS)) == marks


def test_search_on_a_phone_hides_other_rows(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.open(files["small"], width=390, height=844)
    page.fill("#search", "breakwater")
    assert read_column(page, "hubs") == ["Breakwater"]


def test_button_shows_a_note_that_is_in_the_graph(small: Page) -> None:
    small.evaluate("() => window.vaultGraph.ready.then(() => true)")
    button = "#hubs [aria-label='Show Mole in the graph']"
    small.wait_for(f'document.querySelector("{button}")')
    small.click(button)
    small.wait_for("document.querySelector('.graph-panel h3')?.textContent === 'ports/Mole.md'")
    top = small.evaluate("() => document.getElementById('graph').getBoundingClientRect().top")
    assert -5 < top < 300
    links = small.evaluate(
        "() => [...document.querySelectorAll('.graph-panel a')].map((item) => item.getAttribute('href'))"
    )
    assert links == ["obsidian://open?vault=Harbour%20notes&file=ports%2FMole.md"]
    others = "() => document.querySelectorAll('#unused_attachments .show').length"
    assert small.evaluate(others) == 0


# -- the first screen ---------------------------------------------------------------------------------------------------


@each(("width", "height"), [(1280, 900), (390, 844)])
def test_first_screen_says_what_to_do_next(
    browser: Browser, files: dict[str, Path], width: int, height: int
) -> None:
    page = browser.open(files["small"], width=width, height=height)
    steps = page.evaluate(
        """() => [...document.querySelectorAll(".next li")].map((item) => [
            item.querySelector(".command").textContent,
            Math.round(item.getBoundingClientRect().bottom),
            item.querySelector("a").hash,
        ])"""
    )
    assert [(command, link) for command, _, link in steps] == [
        ("vaultlink fix --interactive", "#fixes"),
        ("vaultlink fix", "#fixes"),
        ("vaultlink mentions --write", "#mentions"),
    ]
    assert max(bottom for _, bottom, _ in steps) < height


@each("name", ["small", "empty", "large"])
def test_phone_page_has_at_most_six_screens_before_its_tables(
    browser: Browser, files: dict[str, Path], name: str
) -> None:
    page = browser.open(files[name], width=390, height=844)
    top = page.evaluate(
        "() => document.getElementById('tables').getBoundingClientRect().top + scrollY"
    )
    assert top <= 6 * 844


def test_options_and_counts_never_break(browser: Browser, files: dict[str, Path]) -> None:
    """A box with several lines has several rectangles."""
    page = browser.open(files["large"])
    for width in (320, 390, 768, 1280):
        page.do("resize", width=width, height=900)
        assert page.evaluate(READ_BROKEN) == [], width


READ_BROKEN = """() => [...document.querySelectorAll(".command span, .total, td.number, .gain")]
            .filter((item) => item.getClientRects().length > 1
                || item.scrollWidth > item.clientWidth + 1 && getComputedStyle(item).display !== "inline")
            .map((item) => item.textContent)"""


@each("width", [390, 1280])
def test_ring_around_the_search_is_whole(
    browser: Browser, files: dict[str, Path], width: int
) -> None:
    page = browser.open(files["small"], width=width)
    page.press("/")
    page.evaluate("() => document.getElementById('search').scrollIntoView({block: 'center'})")
    room = page.evaluate(
        """() => {
            const input = document.getElementById("search"), style = getComputedStyle(input);
            const ring = parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
            const box = input.getBoundingClientRect();
            const status = document.getElementById("search-status").getBoundingClientRect();
            const room = [status.top - box.bottom - ring];
            for (let item = input.parentNode; item !== document.documentElement; item = item.parentNode) {
                if (getComputedStyle(item).overflowX === "visible") continue;
                const outer = item.getBoundingClientRect();
                room.push(box.left - ring - outer.left, outer.right - box.right - ring);
            }
            return [ring, Math.min(...room)];
        }"""
    )
    assert room[0] >= 3
    assert room[1] >= 0


# -- people -------------------------------------------------------------------------------------------------------------


@each(
    ("name", "width", "scheme"),
    [
        ("small", 1280, "light"),
        ("small", 1280, "dark"),
        ("small", 360, "light"),
        ("empty", 1280, "dark"),
        ("hostile", 1280, "light"),
    ],
)
def test_axe_finds_no_serious_fault(
    browser: Browser, files: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    page = browser.open(files[name], width=width, scheme=scheme)
    page.evaluate(
        "() => document.querySelectorAll('details').forEach((item) => { item.open = true; })"
    )
    assert page.faults() == []


@each("name", PAGES)
def test_page_is_never_wider_than_the_window(
    browser: Browser, files: dict[str, Path], name: str
) -> None:
    page = browser.open(files[name])
    widths = []
    for width in (360, 768, 1280, 2560):
        page.do("resize", width=width, height=900)
        widths.append(page.evaluate("() => document.documentElement.scrollWidth"))
    assert widths == [360, 768, 1280, 2560]


def test_contents_are_beside_the_tables_in_wide_windows(
    browser: Browser, files: dict[str, Path]
) -> None:
    places = "() => ['nav', '#rules'].map((item) => document.querySelector(item).getBoundingClientRect().left)"
    contents, tables = browser.open(files["small"], width=1280).evaluate(places)
    assert contents + 200 < tables
    contents, tables = browser.open(files["small"], width=768).evaluate(places)
    assert contents == tables


def test_contents_stay_in_view_and_mark_the_section(small: Page) -> None:
    small.evaluate("() => document.getElementById('orphans').scrollIntoView()")
    small.wait_for("document.querySelector('nav [aria-current]')?.hash === '#orphans'")
    top = small.evaluate("() => document.querySelector('nav').getBoundingClientRect().top")
    assert 0 <= top < 300


def test_colours_follow_the_preference(browser: Browser, files: dict[str, Path]) -> None:
    script = (
        "() => ['backgroundColor', 'color'].map((name) => getComputedStyle(document.body)[name])"
    )

    def brightness(color: str) -> int:
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    paper, ink = map(brightness, browser.open(files["small"], scheme="light").evaluate(script))
    assert (paper > 700, ink < 200) == (True, True)
    paper, ink = map(brightness, browser.open(files["small"], scheme="dark").evaluate(script))
    assert (paper < 200, ink > 600) == (True, True)


def test_page_is_used_by_keyboard(small: Page) -> None:
    small.press("Tab")
    focused = "() => document.activeElement.textContent"
    assert small.evaluate(focused) == "Skip to the tables"
    small.press("Enter")
    assert small.evaluate("() => location.hash") == "#tables"

    small.press("/")
    assert small.evaluate("() => document.activeElement.id") == "search"
    small.press("m", "o", "l", "e")
    assert "hubs" in read_sections(small)
    small.press("Escape")

    small.evaluate("() => document.querySelector('[data-table=rules] th button').focus()")
    small.press("Enter")
    assert read_order(small, "rules") == {"Rule": "ascending"}


def test_numbers_are_aligned_and_right_to_left_names_do_not_move_what_follows(small: Page) -> None:
    script = """() => {
        const cell = [...document.querySelectorAll("[data-table=dead_ends] td:first-child")][0];
        return [cell.querySelector("bdi").dir || getComputedStyle(cell.querySelector("bdi")).unicodeBidi, getComputedStyle(cell).direction];
    }"""
    assert small.evaluate(script) == ["isolate", "ltr"]
    script = """() => {
        const style = getComputedStyle(document.querySelector("[data-table=hubs] td.number"));
        return [style.textAlign, style.fontVariantNumeric.includes("tabular-nums")];
    }"""
    assert small.evaluate(script) == ["end", True]


# -- without JavaScript, and on paper -------------------------------------------------------------------------------------


def test_without_javascript_all_rows_and_a_still_picture_remain(
    browser: Browser, files: dict[str, Path]
) -> None:
    page = browser.open(files["large"], scripting=False)
    assert len(read_column(page, "hubs")) == 300
    shown: dict[str, Any] = page.evaluate(
        """() => ({
            controls: [...document.querySelectorAll("input, button")].filter((item) => item.getClientRects().length).length,
            graph: document.getElementById("graph").getClientRects().length,
            still: document.querySelector(".still svg").getBoundingClientRect().width,
            order: document.querySelectorAll("th[aria-sort]").length > 0,
        })"""
    )
    assert shown["still"] > 300
    assert {**shown, "still": 0} == {"controls": 0, "graph": 0, "still": 0, "order": True}


def test_page_prints(small: Page) -> None:
    small.do("media", media="print", scheme="dark")
    controls = "() => [...document.querySelectorAll('input, nav')].filter((item) => item.getClientRects().length).length"
    paper = "() => getComputedStyle(document.documentElement).getPropertyValue('--paper')"
    assert (small.evaluate(controls), small.evaluate(paper)) == (0, "#fff")
    pdf = small.do("print")
    assert pdf.startswith("%PDF-")
    assert 2 <= len(re.findall(r"/Type\s*/Page\b", pdf)) <= 12
