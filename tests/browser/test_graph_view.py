"""The graph of a page in Chromium: it is drawn, and answers to the mouse, the keyboard and a search."""

from pathlib import Path

import pytest

from browsing import Browser, Page
from reports import LARGE_PICTURE, SMALL, SMALL_PICTURE, make_large_report
from tables import each
from vaultlink.dashboard.page import render_page
from vaultlink.graph.picture import GraphPicture, PictureNode

pytestmark = [pytest.mark.project, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("graph") / "small.html"
    file.write_text(render_page(SMALL, SMALL_PICTURE), encoding="utf-8")
    return file


@pytest.fixture
def page(browser: Browser, small_file: Path) -> Page:
    page = browser.open(small_file)
    page.evaluate("() => window.vaultGraph.ready.then(() => true)")
    page.evaluate("() => document.getElementById('graph').scrollIntoView()")
    return page


def center(page: Page) -> dict[str, float]:
    """Return the middle of the graph in the window."""
    script = """() => {
        const box = document.querySelector("#graph canvas").getBoundingClientRect();
        return {x: box.left + box.width / 2, y: box.top + box.height / 2};
    }"""
    result: dict[str, float] = page.evaluate(script)
    return result


def shown_text(page: Page, selector: str) -> str:
    """Return the text of an element, "" while it is hidden."""
    script = """(selector) => {
        const found = document.querySelector(selector);
        return found && found.getClientRects().length ? found.innerText : "";
    }"""
    result: str = page.evaluate(script, selector)
    return result


def count_colors(page: Page) -> int:
    """Return the number of colours in the graph's bitmap."""
    script = """() => {
        const canvas = document.querySelector("#graph canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(pixels.buffer)).size;
    }"""
    result: int = page.evaluate(script)
    return result


def test_graph_draws_all_nodes_and_edges(page: Page) -> None:
    counts = page.evaluate("() => window.vaultGraph.ready")
    assert counts == {"nodes": len(SMALL_PICTURE.nodes), "edges": len(SMALL_PICTURE.edges)}
    assert count_colors(page) > 10


def test_names_of_all_scripts_are_found(page: Page) -> None:
    assert page.evaluate("() => window.vaultGraph.search('東京')") == ["日本/東京.md"]
    assert page.evaluate("() => window.vaultGraph.search('no such name')") == []
    assert page.evaluate("() => window.vaultGraph.search('')") == []
    assert page.evaluate("() => window.vaultGraph.focus('nothing.md')") is False
    assert page.seen()["errors"] == []
    page.fill("#graph input", "mole")
    assert "Mole" in shown_text(page, ".graph-results")
    page.fill("#graph input", "")
    assert shown_text(page, ".graph-results") == ""


def test_hover_shows_counts_and_a_click_neighbours_and_a_link(page: Page) -> None:
    assert page.evaluate("() => window.vaultGraph.focus('ports/Mole.md')")
    page.evaluate("() => new Promise((done) => setTimeout(done, 800))")  # the view moves
    place = center(page)
    page.do("move", **place)
    page.wait_for("document.querySelector('.graph-tip').getClientRects().length")
    text = shown_text(page, ".graph-tip")
    assert "Mole" in text
    assert "1 link in" in text
    page.do("move", x=place["x"] - 300, y=place["y"] - 40)
    page.wait_for("!document.querySelector('.graph-tip').getClientRects().length")
    page.press("Escape")
    page.do("press_at", **place)
    text = shown_text(page, ".graph-panel")
    assert "Mole" in text
    assert "Pier" in text
    links = page.evaluate(
        "() => [...document.querySelectorAll('.graph-panel a')].map((item) => item.getAttribute('href'))"
    )
    assert links == ["obsidian://open?vault=Harbour%20notes&file=ports%2FMole.md"]


def test_focus_stays_where_the_keyboard_is(page: Page) -> None:
    focused = "() => document.activeElement.closest('.graph-legend, .graph-panel')?.className"
    page.evaluate("() => document.querySelector('.graph-legend button').focus()")
    page.press("Enter")
    assert page.evaluate(focused) == "graph-legend"
    assert page.evaluate("() => document.activeElement.getAttribute('aria-pressed')") == "true"
    page.fill("#graph input", "mole")
    page.evaluate("() => document.querySelector('.graph-results button').focus()")
    page.press("Enter")
    assert page.evaluate(focused) == "graph-panel"
    page.fill("#graph input", "mole")
    page.evaluate("() => document.querySelector('.graph-results button').focus()")
    page.press("Escape")
    assert shown_text(page, ".graph-results") == ""
    assert page.evaluate("() => document.activeElement.tagName") == "CANVAS"


def test_slash_in_the_graph_searches_the_graph(page: Page) -> None:
    page.evaluate("() => document.querySelector('#graph canvas').focus()")
    page.press("/")
    assert page.evaluate("() => document.activeElement.closest('#graph') !== null")


def test_print_has_the_still_picture_in_place_of_the_bitmap(page: Page) -> None:
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.do("media", media="print", scheme="dark")
    assert shown_text(page, "#graph canvas") == ""
    assert page.evaluate(
        "() => document.querySelector('.still svg').getBoundingClientRect().width > 200"
    )
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("() => document.querySelector('.still')") is None


# -- labels and colours -------------------------------------------------------------------------------------------------


def draw_groups(count: int, size: int = 12) -> GraphPicture:
    """Return a picture of groups of notes in rows of four, each named after its first note."""
    nodes = []
    for group in range(count):
        left, top = 1_500 + group % 4 * 4_400, 1_500 + group // 4 * 4_400
        for number in range(size):
            name = f"{'Leader' if number == size - 1 else 'Note'} {group}.{number} of the harbour"
            x, y = left + number % 4 * 700, top + number // 4 * 700
            radius = 160 if number == size - 1 else 60
            nodes.append(PictureNode(name, name, "note", x, y, radius, 1, 1, group, 0))
    nodes.sort(key=lambda node: node.radius)
    edges = tuple((number, number + 1) for number in range(len(nodes) - 1))
    names = tuple(f"Leader {group}.{size - 1} of the harbour" for group in range(count))
    return GraphPicture(tuple(nodes), edges, ("",), names)


@pytest.fixture(scope="module")
def grouped_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("graph") / "groups.html"
    file.write_text(render_page(SMALL, draw_groups(14)), encoding="utf-8")
    return file


def open_graph(browser: Browser, file: Path, width: int) -> Page:
    page = browser.open(file, width=width, height=900 if width > 500 else 844)
    page.evaluate("() => window.vaultGraph.ready.then(() => true)")
    page.evaluate("() => new Promise((done) => setTimeout(done, 500))")
    return page


READ_LEGEND = (
    "() => [...document.querySelectorAll('.graph-legend button')].map((item) => item.textContent)"
)
READ_LABELS = """() => {
    const {view} = window.vaultGraph;
    return view.labelled.map(({node, box}) => [view.graph.labels[node], box]);
}"""
READ_CONTROLS = """() => {
    const outer = document.getElementById("graph").getBoundingClientRect();
    return [...document.querySelectorAll(".graph-legend, .graph-zoom, .graph-search, .graph-choice")]
        .map((item) => item.getBoundingClientRect())
        .map((box) => [box.left - outer.left, box.top - outer.top, box.right - outer.left, box.bottom - outer.top]);
}"""


@each("width", [390, 768, 1280])
def test_groups_of_the_legend_have_labels_below_no_control(
    browser: Browser, grouped_file: Path, width: int
) -> None:
    page = open_graph(browser, grouped_file, width)
    names = [name for name in page.evaluate(READ_LEGEND) if name.startswith("Leader")]
    controls, labels = page.evaluate(READ_CONTROLS), page.evaluate(READ_LABELS)
    assert len(names) == 8
    assert set(names) <= {name for name, _ in labels}
    assert len(controls) == 4
    assert [
        name
        for name, (left, top, right, bottom) in labels
        for box in controls
        if left < box[2] and box[0] < right and top < box[3] and box[1] < bottom
    ] == []


def test_groups_without_a_colour_of_their_own_are_grey(
    browser: Browser, grouped_file: Path
) -> None:
    page = open_graph(browser, grouped_file, 1280)
    assert page.evaluate(READ_LEGEND)[-1] == "6 smaller groups"
    colors = page.evaluate(
        "() => [...document.querySelectorAll('.graph-legend .graph-dot')].map((item) => item.style.color)"
    )
    assert len(set(colors)) == len(colors) == 9
    numbers = page.evaluate("() => [...new Set(window.vaultGraph.view.numbers)].sort()")
    assert len(numbers) == 9


def test_graph_of_a_large_vault_is_drawn(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "large.html"
    file.write_text(render_page(make_large_report(), LARGE_PICTURE), encoding="utf-8")
    page = browser.open(file)
    counts = page.evaluate("() => window.vaultGraph.ready")
    assert counts["nodes"] == len(LARGE_PICTURE.nodes)
    assert count_colors(page) > 10
