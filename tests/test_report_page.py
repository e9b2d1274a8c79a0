"""The page of a report, without a browser: what it holds, and that names of a vault stay text.

tests/browser/ looks at the same pages in Chromium.
"""

import base64
import hashlib
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

import msgspec
import pytest

from forge import ROOT, check_output, make_clean_environment
from reports import (
    EMPTY,
    HOSTILE_NAMES,
    HOSTILE_PICTURE,
    LARGE_PICTURE,
    NO_PICTURE,
    SMALL,
    SMALL_PICTURE,
    change_report,
    draw_names,
    make_hostile_report,
    make_large_report,
)
from tables import each
from vaultlink.dashboard.markdown_report import render_markdown_report
from vaultlink.dashboard.model import FixRow
from vaultlink.dashboard.page import (
    SECTIONS,
    SHOWN_CHARACTERS,
    compare_lines,
    describe_health,
    format_formula,
    list_figures,
    make_visible,
    measure_score_bar,
    render_page,
    shorten_name,
    split_folder,
)
from vaultlink.dashboard.score import ScoreCounts, compute_score
from vaultlink.errors import UsageError
from vaultlink.graph.picture import render_svg
from vaultlink.obsidian import format_address

# -- reading a page ---------------------------------------------------------------------------------------------------


class PageReader(HTMLParser):
    """Reads the elements, attributes, texts and inline scripts of a page as a browser with JavaScript does."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.CDATA_CONTENT_ELEMENTS = ("script", "style", "noscript")  # type: ignore[misc]
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.inline: dict[str, list[str]] = {"script": [], "style": [], "noscript": []}
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        is_data = tag == "script" and dict(attrs).get("type") is not None
        self._open.append("data" if is_data else tag)
        if tag in self.inline and not is_data:
            self.inline[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inline:
            self._open.append("")

    def handle_data(self, data: str) -> None:
        kind = self._open[-1] if self._open else ""
        if kind in self.inline:
            self.inline[kind][-1] += data
        elif kind != "data":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def hostile_page() -> str:
    return render_page(make_hostile_report(), HOSTILE_PICTURE)


# -- content ----------------------------------------------------------------------------------------------------------


def test_page_has_a_section_for_every_table() -> None:
    reader = PageReader(render_page(SMALL, SMALL_PICTURE))
    keys = [key for _, entries in SECTIONS for key, _ in entries]
    assert set(keys) <= set(reader.values("id"))
    assert [value for value in reader.values("data-table") if value in keys] == keys
    for name in ("Lighthouse", "東京", "שלום", "Café Zürich", "chart.png", "missing-heading"):
        assert name in reader.text


def test_page_of_an_empty_vault_says_that_nothing_is_wrong() -> None:
    reader = PageReader(render_page(EMPTY, NO_PICTURE))
    assert reader.values("data-table") == []
    assert "graph-data" not in reader.values("id")
    assert "There is nothing to draw." in reader.text
    assert "Every link leads to a file." in reader.text


def test_table_that_is_cut_says_where_the_rest_is() -> None:
    text = PageReader(render_page(SMALL, SMALL_PICTURE)).text
    assert "These are the first 7 of 1,204. vaultlink report --output-format json has all." in text
    assert "These are the first 2 of 60. vaultlink mentions has all." in text
    assert text.count("These are the first") == 2


def test_notes_are_links_that_open_obsidian() -> None:
    links = PageReader(render_page(SMALL, SMALL_PICTURE)).values("href")
    assert "obsidian://open?vault=Harbour%20notes&file=ports%2FMole.md" in links
    assert (
        "obsidian://open?vault=Harbour%20notes&file=%E6%97%A5%E6%9C%AC%2F%E6%9D%B1%E4%BA%AC.md"
        in links
    )
    assert all(link.startswith(("#", "obsidian://open?vault=")) for link in links)


def test_fix_shows_the_line_before_and_after() -> None:
    page = render_page(SMALL, SMALL_PICTURE)
    assert "See [[<del>LTP</del>]]." in page
    assert "See [[<ins>long tide</ins>]]." in page
    assert "<i>the line is removed</i>" in page


@each(
    ("date", "commit", "expected"),
    [
        ("2025-06-14", "0123456789abcdef", "2025-06-14 · commit 0123456789ab · vaultlink 0.4.0"),
        ("", "", "vaultlink 0.4.0"),
    ],
)
def test_page_names_its_origin(date: str, commit: str, expected: str) -> None:
    reader = PageReader(render_page(change_report(SMALL, date=date, commit=commit), SMALL_PICTURE))
    assert f"Harbour notes {expected} Of 10 links" in reader.text


def test_equal_reports_give_equal_pages() -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from reports import SMALL, SMALL_PICTURE\n"
        "from vaultlink.dashboard.page import render_page\n"
        "sys.stdout.buffer.write(render_page(SMALL, SMALL_PICTURE).encode())\n"
    )
    pages = {
        check_output(
            [sys.executable, "-c", program],
            ROOT,
            make_clean_environment(ROOT / ".pytest_cache", PYTHONHASHSEED=seed),
        )
        for seed in "12"
    }
    assert pages == {render_page(SMALL, SMALL_PICTURE)}


def test_page_without_jinja2_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError, match=r"pip install jinja2"):
        render_page(SMALL, SMALL_PICTURE)


def test_tables_of_a_large_vault_are_small() -> None:
    page = render_page(make_large_report(), NO_PICTURE)
    assert len(page.encode()) < 1_200_000


def test_large_picture_is_part_of_the_page() -> None:
    assert len(render_page(make_large_report(), LARGE_PICTURE).encode()) < 4_000_000


# -- security ---------------------------------------------------------------------------------------------------------


def test_policy_allows_the_inline_scripts_and_style_and_nothing_else() -> None:
    page = render_page(SMALL, SMALL_PICTURE)
    reader = PageReader(page)
    (policy,) = [value for value in reader.values("content") if "default-src" in value]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))

    def hashes(kind: str) -> str:
        digests = [hashlib.sha256(text.encode()).digest() for text in reader.inline[kind]]
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    assert rules == {
        "default-src": "'none'",
        "style-src": hashes("style"),
        "script-src": hashes("script"),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_page_has_no_style_attributes_and_no_addresses_of_files() -> None:
    reader = PageReader(render_page(SMALL, SMALL_PICTURE))
    names = {name for _, name, _ in reader.attributes}
    assert not names & {"style", "src", "srcset", "action", "formaction", "background", "poster"}
    assert not [name for name in names if name.startswith("on")]


def test_hostile_names_add_no_element_and_no_attribute(hostile_page: str) -> None:
    reader, harmless = PageReader(hostile_page), PageReader(render_page(SMALL, SMALL_PICTURE))
    assert set(reader.tags) <= set(harmless.tags)
    assert {(tag, name) for tag, name, _ in reader.attributes} <= {
        *((tag, name) for tag, name, _ in harmless.attributes),
        ("tbody", "class"),  # tables with many rows are folded
    }
    assert len(reader.inline["script"]) == len(harmless.inline["script"])


def test_hostile_names_are_no_addresses(hostile_page: str) -> None:
    for address in PageReader(hostile_page).values("href"):
        assert re.fullmatch(
            r"#[\w-]+|obsidian://open\?vault=[\w.~%-]+&file=[\w.~%-]+", address, re.ASCII
        )


def test_hostile_names_are_shown_as_text(hostile_page: str) -> None:
    text = PageReader(hostile_page).text
    for name in HOSTILE_NAMES[:9]:
        assert name in text


def test_page_is_utf_8_without_controls_and_overrides(hostile_page: str) -> None:
    data = hostile_page.encode()
    assert len(data) < 1_500_000
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", hostile_page)


def test_still_picture_stays_in_its_place(hostile_page: str) -> None:
    assert hostile_page.count("</noscript>") == 1
    assert "<svg" in hostile_page[hostile_page.index("<noscript>") :]


# -- names ------------------------------------------------------------------------------------------------------------


@each(
    ("name", "expected"),
    [
        ("Pier", "Pier"),
        ("x" * SHOWN_CHARACTERS, "x" * SHOWN_CHARACTERS),
        ("a" * 120 + "b" * 1_000 + "c" * 40, "a" * 120 + " … 1,000 characters … " + "c" * 40),
    ],
)
def test_long_names_keep_their_beginning_and_end(name: str, expected: str) -> None:
    assert shorten_name(name) == expected


@each(
    ("text", "expected"),
    [
        ("Café 東京 שלום", "Café 東京 שלום"),
        ("family 👩‍👩‍👧 zero\u200dwidth", "family 👩‍👩‍👧 zero\u200dwidth"),
        ("no\u00a0break", "no\u00a0break"),
        ("a\u202eb", r"a\u202eb"),
        ("\u2066a", r"\u2066a"),
        ("a\nb\tc", r"a\u000ab\u0009c"),
        ("\udcff", r"\udcff"),
        ("\ud800", r"\ud800"),
        ("", ""),
    ],
)
def test_invisible_characters_are_spelled_out(text: str, expected: str) -> None:
    assert make_visible(text) == expected


@each(
    ("path", "expected"),
    [
        ("Pier.md", ("", "Pier")),
        ("ports/old/Mole.md", ("ports/old/", "Mole")),
        ("images/chart.png", ("images/", "chart.png")),
        ("a.md/b", ("a.md/", "b")),
        ("", ("", "")),
    ],
)
def test_paths_are_split_into_folder_and_name(path: str, expected: tuple[str, str]) -> None:
    assert split_folder(path) == expected


@each(
    "path",
    [
        "Pier.md",
        "a b/ä?&#=%+'\"<>.md",
        "javascript:alert(1)",
        "../up.md",
        "//host/share",
        "日本.md",
    ],
)
def test_address_holds_the_path_in_one_encoded_part(path: str) -> None:
    prefix, _, encoded = format_address("My vault", path).rpartition("&file=")
    assert prefix == "obsidian://open?vault=My%20vault"
    assert re.fullmatch(r"[\w.~%-]+", encoded, re.ASCII)
    assert unquote(encoded) == path


def test_address_keeps_bytes_that_are_not_utf_8() -> None:
    assert format_address("v", "caf\udce9.md") == "obsidian://open?vault=v&file=caf%E9.md"


@each("path", ["half \ud800 pair", "x" * 5_000])
def test_names_that_no_file_can_have_get_no_address(path: str) -> None:
    assert format_address("v", path) == ""


# -- differences ------------------------------------------------------------------------------------------------------


def mark(before: str, after: str) -> tuple[str, str]:
    """Return both lines with braces around the changed parts."""
    old, new = (
        "".join(f"{{{part.text}}}" if part.changed else part.text for part in line)
        for line in compare_lines(before, after)
    )
    return old, new


@each(
    ("before", "after", "expected"),
    [
        ("[[LTP | a]]", "[[long_tide | a]]", ("[[{LTP} | a]]", "[[{long_tide} | a]]")),
        ("guest: [[a]]", 'guest: "[[a]]"', ("guest: [[a]]", 'guest: {"}[[a]]{"}')),
        ("[[Harbor]]", "[[Harbour]]", ("[[{Harbor}]]", "[[{Harbour}]]")),
        ("[[pier-one]]", "[[pier_one]]", ("[[{pier-one}]]", "[[{pier_one}]]")),
        ("text  ", "text", ("text{··}", "text")),
        ("a\tb", "a b", ("a{→}b", "a{·}b")),
        ("same", "same", ("same", "same")),
        ("", "- [[new]]", ("", "{- [[new]]}")),
        ("- [[old]]", "", ("{- [[old]]}", "")),
        ("aa", "aaa", ("{aa}", "{aaa}")),
        (
            "[[a]] or [[b]] or [[c]]",
            "[[x]] or [[b]] or [[z]]",
            ("[[{a}]] or [[b]] or [[{c}]]", "[[{x}]] or [[b]] or [[{z}]]"),
        ),
    ],
)
def test_changed_words_are_marked(before: str, after: str, expected: tuple[str, str]) -> None:
    assert mark(before, after) == expected


def test_long_lines_show_the_surroundings_of_the_change() -> None:
    before, after = mark("a " * 500 + "one" + " b" * 500, "a " * 500 + "two" + " b" * 500)
    assert before == f"…{'a ' * 24}{{one}}{' b' * 24}…"
    assert after == f"…{'a ' * 24}{{two}}{' b' * 24}…"


def test_huge_lines_are_compared_in_linear_time() -> None:
    line = "[[link]] " * 1_000_000
    before, after = mark(f"{line}1{line}", f"{line}2{line}")
    assert "{1}" in before
    assert "{2}" in after


def test_megabytes_in_a_fix_are_shortened() -> None:
    fix = FixRow("Pier.md", 1, "VL101", "m" * 9_000_000, True, "a" * 9_000_000, "b" * 9_000_000)
    page = render_page(change_report(SMALL, fixes=(fix,)), NO_PICTURE)
    assert len(page) < 200_000


# -- figures ----------------------------------------------------------------------------------------------------------


def test_formula_is_the_sum_of_the_parts() -> None:
    assert format_formula(SMALL.score) == "38.40 + 6.53 + 10.00 + 2.50 = 57.43, rounded down to 57"


def test_formula_has_the_parts_that_count_and_the_limit() -> None:
    clean = ScoreCounts(9, 9, 3, 0, 0, 0, 0)
    assert format_formula(compute_score(clean)) == (
        "66.67 + 22.22 + 11.11 = 100.00, rounded down to 100"
    )
    many = compute_score(clean._replace(errors_and_warnings=2_106))
    assert format_formula(many) == "66.67 + 22.22 + 11.11 = 100.00, limited to 90"
    assert "the score is at most 90." in render_markdown_report(change_report(EMPTY, score=many))


def test_sum_of_rounded_points_is_not_below_the_score() -> None:
    score = compute_score(ScoreCounts(1, 7, 3, 1, 1, 3, 2))
    assert sum(part.points for part in score.parts) < score.value == 19
    assert format_formula(score) == "1.22 + 8.89 + 4.44 + 4.44 = 19.00, rounded down to 19"
    assert "| sum |  |  | 19.00 | 100 |" in render_markdown_report(
        change_report(EMPTY, score=score)
    )


def test_bar_is_as_wide_as_the_weights() -> None:
    segments = measure_score_bar(SMALL.score)
    assert [segment.x for segment in segments] == [0, 60, 80, 90]
    assert [segment.filled / segment.width for segment in segments] == pytest.approx(
        [0.64, 6.53 / 20, 1, 0.25], abs=0.001
    )


def test_one_topic_is_no_plural() -> None:
    totals = msgspec.structs.replace(SMALL.totals, topics=1)
    assert [item.detail for item in list_figures(totals) if item.anchor == "topics"] == [
        "to 1 topic"
    ]
    assert "Graph of 1 file and 0 topics without a note, with 0 connections." in render_svg(
        draw_names(["A.md"]), 100
    )


def test_first_sentences_say_what_is_wrong() -> None:
    text = "Of 10 links, 8 resolve (80.0 %). 14 findings; 2 have a safe fix."
    assert describe_health(SMALL.totals) == text
    assert (
        describe_health(EMPTY.totals)
        == "No link leads to a file of the vault. There are no findings."
    )
