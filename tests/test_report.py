"""Tests of output: source frames, tables, findings and listings as text and data."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from builder import RULES, build_state
from running import measure_cpu_seconds
from tables import each
from vaultlink.engine.diagnostics import fingerprint_all
from vaultlink.fix.forecast import count_by_rule
from vaultlink.index.index import Index
from vaultlink.model import Diagnostic, Severity, Suggestion
from vaultlink.report.check_result import make_target_formatter
from vaultlink.report.concise import render_concise, render_statistics, summarize_counts
from vaultlink.report.full import FullRenderer
from vaultlink.report.json_document import (
    FindingRow,
    encode_document,
    encode_json_lines,
    finding_rows,
)
from vaultlink.report.layout import (
    COLORED,
    display_width,
    escape_controls,
    fold_text,
    format_count,
    pad,
    render_table,
    render_tsv,
    truncate,
    truncate_left,
    truncate_middle,
)
from vaultlink.report.listings import (
    all_backlink_rows,
    backlink_rows,
    describe_totals,
    link_rows,
    note_rows,
    render_note_page,
    topic_rows,
)
from vaultlink.report.rule_manual import render_rule_page
from vaultlink.text import line_and_column, line_starts


def finding(text: str, span: str, after: int = 0, **more: Any) -> Diagnostic:
    """Return a finding about a span of a text: a dangling link to “plan”, with these changes."""
    start = text.index(span, after)
    starts = line_starts(text)
    (line, column), (end_line, end_column) = (
        line_and_column(starts, start),
        line_and_column(starts, start + len(span)),
    )
    plain = Diagnostic(
        "VL101",
        "dangling-link",
        Severity.ERROR,
        "a.md",
        start,
        start + len(span),
        line,
        column,
        end_line,
        end_column,
        "“plan” does not resolve to any file in the vault.",
        "plan",
    )
    return msgspec.structs.replace(plain, **more)


def nothing(_: object) -> Sequence[Suggestion]:
    """No suggestions."""
    return ()


def framed(text: str, span: str, room: int = 40, **more: Any) -> list[str]:
    """Return the lines of one finding in the full format."""
    frames = FullRenderer(lambda _path: text, nothing, lambda path: path, room)
    return frames.render([finding(text, span, **more)]).splitlines()


# -- frames -----------------------------------------------------------------------------------------------------------


def test_full_shows_the_line_with_the_span_marked() -> None:
    assert framed("one\nsee [[plan]] there\n", "[[plan]]") == [
        "VL101 dangling-link “plan” does not resolve to any file in the vault.",
        " --> a.md:2:5",
        "  |",
        "2 | see [[plan]] there",
        "  |     ^^^^^^^^",
    ]


@each(
    ("text", "span", "line", "mark"),
    [
        ("see [[plan]]\r\nmore\r\n", "[[plan]]", "see [[plan]]", "    ^^^^^^^^"),
        ("\tsee [[plan]]", "[[plan]]", "    see [[plan]]", "        ^^^^^^^^"),
        ("港 see [[plan]]", "[[plan]]", "港 see [[plan]]", "       ^^^^^^^^"),
        ("see [[港]]", "[[港]]", "see [[港]]", "    ^^^^^^"),
        (
            "e\u0301 \u200bsee\u200b [[plan]]",
            "[[plan]]",
            "e\u0301 \u200bsee\u200b [[plan]]",
            "      ^^^^^^^^",
        ),
        (
            "e \u2068see\u2069 [[plan]]",
            "[[plan]]",
            "e \\u2068see\\u2069 [[plan]]",
            "                  ^^^^^^^^",
        ),
        (
            "see \x1b[31m [[plan]]",
            "[[plan]]",
            "see \\u001b[31m [[plan]]",
            "               ^^^^^^^^",
        ),
        (
            "- a paragraph that is far too long, see [[plan]] for what is meant by that in the end",
            "[[plan]]",
            "…g, see [[plan]] for what is meant …",
            "        ^^^^^^^^",
        ),
        (
            "[[plan]] is what a paragraph that is far too long may begin with",
            "[[plan]]",
            "[[plan]] is what a paragraph that i…",
            "^^^^^^^^",
        ),
        (
            "what a paragraph that is far too long may end with is [[plan]]",
            "[[plan]]",
            "…r too long may end with is [[plan]]",
            "                            ^^^^^^^^",
        ),
        (
            "港港港港港港港港港港港港港港港港港港港港 [[plan]] 港港港港港港港港港港港港",
            "[[plan]]",
            "…港港港 [[plan]] 港港港港港港港港港…",
            "        ^^^^^^^^",
        ),
        (
            "a [[link that is itself longer than what fits there]]",
            "[[link that is itself longer than what fits there]]",
            "[[link that is itself longer than w…",
            "^" * 36,
        ),
        ("```\ncode\nmore\n", "```\ncode\nmore\n", "```", "^^^"),
        ("---\nx: a: b\n---\n", ": b", "x: a: b", "    ^^^"),
        ("end", "d", "end", "  ^"),
    ],
)
def test_line_is_cut_around_the_span_by_the_columns_it_takes(
    text: str, span: str, line: str, mark: str
) -> None:
    shown = framed(text, span)
    assert shown[3].partition(" | ")[2] == line
    assert shown[4].partition("| ")[2] == mark
    assert all(display_width(part) <= 40 for part in shown[1:])


def test_empty_span_is_one_mark_and_at_the_start_means_the_file() -> None:
    text = "abc\n"
    inside = Diagnostic(
        "VL301", "invalid-frontmatter", Severity.ERROR, "a.md", 1, 1, 1, 2, 1, 2, "Odd."
    )
    whole = Diagnostic("VL401", "orphan-note", Severity.WARNING, "a.md", 0, 0, 1, 1, 1, 1, "Alone.")
    frames = FullRenderer(lambda _path: text, nothing, lambda path: path, 80)
    narrow = FullRenderer(lambda _path: text, nothing, lambda path: path, len("1 | abc"))
    assert narrow.render([inside]).splitlines()[-2:] == ["1 | abc", "  |  ^"]
    assert frames.render([inside]).splitlines()[3:] == ["1 | abc", "  |  ^"]
    assert frames.render([whole]) == "VL401 orphan-note Alone.\n --> a.md:1:1 (warning)\n"


def test_missing_or_changed_text_has_no_frame() -> None:
    d = finding("one\nsee [[plan]]\n", "[[plan]]")
    for now in ("", "short", "one see [[plan]] in one line\n"):
        frames = FullRenderer({"a.md": now}.__getitem__, nothing, lambda path: path, 80)
        assert len(frames.render([d]).splitlines()) == 2


def test_suggestions_have_a_target_a_reason_and_a_score() -> None:
    text = "[[plan]] and [[plans]] and [[plot]]"
    offered = {
        "plan": (Suggestion("Plans.md", "title", 0.9312),),
        "plans": (Suggestion("Plans.md", "near", 0.9), Suggestion("old/Plan.md", "alias", 0.8)),
        "plot": (),
    }
    frames = FullRenderer(
        lambda _path: text, lambda d: offered[d.target or ""], lambda path: path[:-3], 80
    )
    blocks = frames.render([finding(text, f"[[{name}]]", target=name) for name in offered]).split(
        "\n\n"
    )
    assert [block.splitlines()[5:] for block in blocks] == [
        ["  = help: did you mean [[Plans]] (title, 0.93)?"],
        ["  = help: did you mean [[Plans]] (similar, 0.90) or [[old/Plan]] (alias, 0.80)?"],
        [],
    ]


@given(st.text(alphabet=st.sampled_from("ab \t港e\u0301\u2068\x1b🙂\r\n"), max_size=120), st.data())
def test_frame_fits_the_width_for_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    line, column = line_and_column(line_starts(text), start)
    d = Diagnostic(
        "VL101",
        "dangling-link",
        Severity.ERROR,
        "a.md",
        start,
        end,
        line,
        column,
        line,
        column,
        "m",
    )
    for row in (
        FullRenderer(lambda _path: text, nothing, lambda path: path, 30)
        .render([d])
        .splitlines()[2:]
    ):
        assert display_width(row) <= 30
        assert "\x1b" not in row


def test_render_time_of_a_finding_is_independent_of_line_length() -> None:
    def measure(links: int) -> float:
        text = "[[plan]] " * links
        found = [finding(text, "[[plan]]", 9 * (links // 500) * number) for number in range(500)]
        return measure_cpu_seconds(
            lambda: FullRenderer(lambda _path: text, nothing, lambda path: path, 80).render(found)
        )

    assert measure(500_000) < 20 * measure(500)  # 1,000 if each finding read its line to the end


# -- other forms of findings ------------------------------------------------------------------------------------------


TEXT = "[[plan]] [[plan]] [[plot]]\n\n# A\n\n# A\n"
SAMPLE = [
    finding(TEXT, "[[plan]]"),
    finding(TEXT, "[[plan]]", 3),
    finding(
        TEXT, "[[plot]]", target="plot", message="“plot” does not resolve to any file in the vault."
    ),
    finding(
        TEXT, "A", 30, code="VL203", rule="duplicate-heading", target=None, severity=Severity.INFO
    ),
]


def test_concise_prints_one_line_for_each_finding() -> None:
    assert (
        render_concise(SAMPLE[:1])
        == "a.md:1:1: VL101 dangling-link “plan” does not resolve to any file in the vault.\n"
    )
    assert render_concise([]) == ""
    assert render_concise(SAMPLE[:1], COLORED) == (
        "\x1b[1ma.md\x1b[0m:1:1: \x1b[31mVL101\x1b[0m \x1b[1mdangling-link\x1b[0m “plan” does not resolve to any file in the vault.\n"
    )


def test_control_characters_in_names_are_escaped() -> None:
    d = finding(TEXT, "[[plan]]", path="a\nb\x1b[2J.md", message="x\ty")
    assert render_concise([d]) == "a\\nb\\u001b[2J.md:1:1: VL101 dangling-link x\\ty\n"


def test_statistics_count_by_rule_most_first() -> None:
    counts = count_by_rule(SAMPLE)
    assert render_statistics(counts) == (
        "findings  fix  unsafe  rule\n"
        "       3    0       0  VL101 dangling-link\n"
        "       1    0       0  VL203 duplicate-heading\n"
    )
    assert render_statistics(counts, has_fixes=False).startswith("findings  rule\n       3  VL101")
    assert render_statistics([]) == ""
    assert [row.findings for row in counts] == [3, 1]


@each(
    ("diagnostics", "notes", "sentence"),
    [
        ([], 1, "No findings in 1 note."),
        ([], 1234, "No findings in 1,234 notes."),
        (SAMPLE[:1], 2, "Found 1 error in 1 file; 2 notes checked."),
        (SAMPLE, 2, "Found 3 errors, 1 info in 1 file; 2 notes checked."),
        (SAMPLE * 2, 2, "Found 6 errors, 2 infos in 1 file; 2 notes checked."),
    ],
)
def test_summary(diagnostics: Sequence[Diagnostic], notes: int, sentence: str) -> None:
    severities = Counter(item.severity for item in diagnostics)
    files = len({item.path for item in diagnostics})
    assert summarize_counts(severities, files, notes) == sentence


def test_json_keys_and_their_order() -> None:
    offered = (Suggestion("Plans.md", "title", 0.93),)
    [row] = [
        json.loads(line)
        for line in encode_json_lines(
            finding_rows(SAMPLE[:1], lambda _path: TEXT, lambda _d: offered)
        ).splitlines()
    ]
    assert row.pop("fingerprint")
    assert list(row.items()) == [
        ("code", "VL101"),
        ("rule", "dangling-link"),
        ("severity", "error"),
        ("path", "a.md"),
        ("line", 1),
        ("column", 1),
        ("end_line", 1),
        ("end_column", 9),
        ("message", "“plan” does not resolve to any file in the vault."),
        ("target", "plan"),
        ("subpath", None),
        ("resolved", None),
        ("suggestions", [{"path": "Plans.md", "reason": "title", "score": 0.93, "subpath": None}]),
        ("fix", None),
    ]


def test_json_document_has_one_line_for_each_row() -> None:
    rows = finding_rows(SAMPLE, lambda _path: TEXT, nothing)
    data = encode_document({"vault": "é"}, "findings", rows)
    assert list(json.loads(data)) == ["schema", "vault", "findings"]
    assert len(json.loads(data)["findings"]) == 4
    assert data.count(b"\n") == 6
    assert encode_document({}, "findings", []) == b'{"schema":1,"findings":[]}\n'


def test_json_of_surrogates_and_large_integers() -> None:
    row = FindingRow(
        "VL101",
        "dangling-link",
        "error",
        "a\udcff.md",
        1,
        1,
        1,
        1,
        "m",
        None,
        None,
        None,
        (),
        None,
        "f",
    )
    assert json.loads(encode_json_lines([row]))["path"] == "a\udcff.md"
    assert json.loads(encode_document({"n": 10**30}, "rows", [row]))["n"] == 10**30


def test_fingerprints_survive_moved_lines_and_distinguish_equal_findings() -> None:
    moved = "new line\n\n" + TEXT
    again = [
        finding(
            moved,
            moved[d.start + 10 : d.end + 10],
            d.start + 10,
            code=d.code,
            rule=d.rule,
            target=d.target,
        )
        for d in SAMPLE
    ]
    prints = fingerprint_all(SAMPLE, lambda _path: TEXT)
    assert fingerprint_all(again, lambda _path: moved) == prints
    assert len(set(prints)) == 4
    assert (
        fingerprint_all(SAMPLE[1:], lambda _path: TEXT)[0] == prints[0]
    )  # the first of its equals again


@each("form", ["concise", "json-lines", "full"])
def test_render_time_is_linear_in_the_number_of_findings(form: str) -> None:
    text = (
        "Some words before it and [[a link to nowhere]] and some words after, as there are in notes.\n"
        * 100
    )
    d = [
        finding(text, "[[a link to nowhere]]", place, target=f"t{place}")
        for place in range(0, len(text) - 90, 92)
    ]

    def render(count: int) -> None:
        many = d * (count // len(d))
        if form == "concise":
            render_concise(many)
        elif form == "full":
            FullRenderer(lambda _path: text, nothing, lambda path: path, 80).render(many)
        else:
            encode_json_lines(finding_rows(many, lambda _path: text, nothing))

    few, many = (measure_cpu_seconds(partial(render, count)) for count in (4_000, 40_000))
    assert many < 50 * few  # 10 if linear, 100 if quadratic


# -- layout -----------------------------------------------------------------------------------------------------------


@each(
    ("text", "columns"),
    [
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("港", 2),
        ("🙂", 2),
        ("\u2068a\u2069", 1),
        ("жω“€…", 5),
        ("🗂", 1),
        ("🗂\ufe0f", 2),
        ("☕\ufe0f a", 4),
        ("", 0),
    ],
)
def test_width(text: str, columns: int) -> None:
    assert display_width(text) == columns


@each(
    ("text", "room", "head", "tail"),
    [
        ("harbour", 7, "harbour", "harbour"),
        ("harbour", 5, "harb…", "…bour"),
        ("harbour", 1, "…", "…"),
        ("harbour", 0, "", ""),
        ("港港港", 5, "港港…", "…港港"),
        ("港港港", 4, "港…", "…港"),
        ("xxxe\u0301yy", 4, "xxx…", "…e\u0301yy"),
        ("xxxe\u0301yy", 3, "xx…", "…yy"),
        ("xxxe\u0301", 1, "…", "…"),
    ],
)
def test_truncate(text: str, room: int, head: str, tail: str) -> None:
    assert truncate(text, room) == head
    assert truncate_left(text, room) == tail


@each(
    ("text", "room", "shown"),
    [
        ("harbour", 7, "harbour"),
        ("harbour", 5, "ha…ur"),
        ("harbour", 0, ""),
        ("港港港港", 5, "港…港"),
        ("xxxxxxxxe\u0301yyy", 8, "xxxx…yyy"),
        ("🗂\ufe0f Index 🗂\ufe0f", 7, "🗂\ufe0f … 🗂\ufe0f"),
    ],
)
def test_truncate_in_the_middle(text: str, room: int, shown: str) -> None:
    assert truncate_middle(text, room) == shown


@given(st.text(max_size=30), st.integers(0, 20))
def test_truncated_text_fits(text: str, room: int) -> None:
    text = escape_controls(unicodedata.normalize("NFC", text))
    assert display_width(truncate(text, room)) <= room
    assert display_width(truncate_left(text, room)) <= room
    assert display_width(pad(truncate(text, room), room)) == room


@each(("count", "words"), [(0, "0 notes"), (1, "1 note"), (2, "2 notes"), (21273, "21,273 notes")])
def test_number(count: int, words: str) -> None:
    assert format_count(count, "note") == words


ROWS = [("Plans.md", 12, None), ("a/longer name.md", 3, "[[a link | with display]]")]


def test_table_aligns_text_left_and_numbers_right() -> None:
    assert render_table(("file", "links", "raw"), ROWS, 80) == (
        "file              links  raw\n"
        "Plans.md             12\n"
        "a/longer name.md      3  [[a link | with display]]\n"
    )


@each("room", range(24, 60))
def test_table_shrinks_its_widest_column(room: int) -> None:
    lines = render_table(("file", "links", "raw"), ROWS, room).splitlines()
    assert max(map(display_width, lines)) <= max(room, 8 + 2 + 5 + 2 + 8)
    assert lines[1].startswith("Plans.md")


def test_table_wraps_its_last_column_if_allowed() -> None:
    assert render_table(
        ("code", "finds"), [("VL101", "A link leads to no file.")], 20, fold=True
    ) == ("code   finds\nVL101  A link leads\n       to no file.\n")


TABLES: dict[str, tuple[list[str], int, list[str]]] = {
    "names that fit are whole": (["tide_tables.md", "x.md"], 14, ["tide_tables.md", "x.md"]),
    "a name is cut in the middle": (["the_tables_of_tides.md"], 14, ["the_tab…des.md"]),
    "different ends tell names apart": (
        ["impact_of_tides_on_ports", "impact_of_tides_on_ships"],
        14,
        ["impact_…_ports", "impact_…_ships"],
    ),
    "names with the same ends are whole": (
        ["impact_of_tides_on_ports", "impact_of_waves_on_ports", "x"],
        14,
        ["impact_of_", "tides_on_ports", "impact_of_", "waves_on_ports", "x"],
    ),
    "a name in two rows is one name": (
        ["impact_of_tides_on_ports", "impact_of_tides_on_ports"],
        14,
        ["impact_…_ports", "impact_…_ports"],
    ),
    "wide characters": (["東京の潮汐表と航海日誌"] * 2, 14, ["東京の…海日誌"] * 2),
    "without a place to break": (
        ["a" * 12 + "x" + "b" * 12, "a" * 12 + "y" + "b" * 12],
        14,
        ["a" * 12 + "xb", "b" * 11, "a" * 12 + "yb", "b" * 11],
    ),
}


@each(("names", "room", "expected"), TABLES.values(), ids=TABLES)
def test_table_cuts_a_name_only_if_its_ends_tell_it_apart(
    names: list[str], room: int, expected: list[str]
) -> None:
    rows = render_table(("name", "links"), [(name, 1) for name in names], room + 7).splitlines()
    assert [row.removesuffix("1").rstrip() for row in rows[1:]] == expected
    assert max(map(display_width, rows)) <= room + 7


@given(st.text(st.sampled_from("ab_/- 東"), max_size=60), st.integers(2, 20))
def test_folded_text_is_whole_and_fits(text: str, room: int) -> None:
    lines = fold_text(text, room)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert max(map(display_width, lines)) <= room


def test_tsv_has_a_header_and_keeps_a_row_on_a_line() -> None:
    assert (
        render_tsv(list("vwxyz"), [("a\tb.md", 1, None, True, "x\ny")])
        == "v\tw\tx\ty\tz\na\\tb.md\t1\t\ttrue\tx\\ny\n"
    )


# -- listings ---------------------------------------------------------------------------------------------------------


VAULT: Mapping[str, str] = {
    "s.md": "[[a#Top|x]] [[zz]]\n[[b]] [[a#^gone]]\n",
    "a.md": "---\ntitle: The A\naliases: [alpha]\ntags: [x]\nempty:\n---\n# Top\n\ntext #y ^b1\n\n"
    "[site](https://a.b) [[#Top]]\n",
    "t.md": "[[zz.md]] ![[p.png#page=3]]\n",
    "b.md": "",
    "d/b.md": "[[s]]\n",
    "p.png": "",
    "q.png": "",
}
STATE = build_state(VAULT)
INDEX: Index = STATE.index


def test_links_have_a_status_a_target_and_an_anchor() -> None:
    rows = [
        (row.path, row.raw, row.status, row.resolved, row.subpath, row.anchor)
        for row in link_rows(INDEX, sorted(INDEX.notes))
    ]
    assert rows == [
        ("a.md", "[site](https://a.b)", "external", None, None, None),
        ("a.md", "[[#Top]]", "resolved", "a.md", "#Top", "found"),
        ("d/b.md", "[[s]]", "resolved", "s.md", None, None),
        ("s.md", "[[a#Top|x]]", "resolved", "a.md", "#Top", "found"),
        ("s.md", "[[zz]]", "dangling", None, None, None),
        ("s.md", "[[b]]", "ambiguous", "b.md", None, None),
        ("s.md", "[[a#^gone]]", "resolved", "a.md", "#^gone", "missing"),
        ("t.md", "[[zz.md]]", "dangling", None, None, None),
        ("t.md", "![[p.png#page=3]]", "resolved", "p.png", "#page=3", None),
    ]


def test_topics_are_ranked_and_list_their_sources() -> None:
    offered = {"zz": (Suggestion("a.md", "near", 0.5),)}
    [row] = topic_rows(STATE, lambda topic: offered[topic])
    assert (row.topic, row.count, [(source.path, source.line) for source in row.sources]) == (
        "zz",
        2,
        [("s.md", 1), ("t.md", 1)],
    )
    assert [item.path for item in row.suggestions] == ["a.md"]


def test_backlinks_count_links_and_name_lines() -> None:
    rows = [(row.path, row.count, row.lines) for row in backlink_rows(INDEX, "a.md")]
    assert rows == [("a.md", 1, (11,)), ("s.md", 2, (1, 2))]
    assert backlink_rows(INDEX, "d/b.md") == []
    every = {row.note: list(row.backlinks) for row in all_backlink_rows(INDEX)}
    assert every == {note: backlink_rows(INDEX, note) for note in ("a.md", "b.md", "p.png", "s.md")}


@each(("path", "words"), [("a.md", "a"), ("d/b.md", "d/b"), ("p.png", "p.png")])
def test_suggested_link_is_as_short_as_possible(path: str, words: str) -> None:
    assert make_target_formatter(INDEX)(path) == words


def test_note_page_is_complete() -> None:
    [row] = note_rows(INDEX, ["a.md"])
    shown = json.loads(encode_json_lines([row]))
    assert list(shown) == ["path", "properties", "aliases", "tags", "headings", "blocks", "links"]
    assert shown["properties"] == {
        "title": "The A",
        "aliases": ["alpha"],
        "tags": ["x"],
        "empty": None,
    }
    assert shown["aliases"] == ["alpha"]
    assert shown["tags"] == [
        {"name": "x", "line": 4, "place": "property"},
        {"name": "y", "line": 9, "place": "body"},
    ]
    assert shown["headings"] == [{"level": 1, "text": "Top", "line": 7}]
    assert shown["blocks"] == [{"id": "b1", "line": 9}]
    assert [link["raw"] for link in shown["links"]] == ["[site](https://a.b)", "[[#Top]]"]


def test_properties_are_null_without_frontmatter_and_empty_if_they_cannot_be_read() -> None:
    index = build_state({"none.md": "text\n", "bad.md": "---\na: b: c\n---\n"}).index
    assert [row.properties for row in note_rows(index, ["none.md", "bad.md"])] == [None, {}]


def test_note_page_is_grouped() -> None:
    rows = note_rows(INDEX, ["a.md", "b.md"])
    assert render_note_page(rows[0], 60).splitlines() == [
        "a.md",
        "  properties",
        "    title    The A",
        "    aliases  alpha",
        "    tags     x",
        "    empty",
        "  aliases",
        "    alpha",
        "  tags",
        "    #x  line 4",
        "    #y  line 9",
        "  headings",
        "    # Top",
        "  blocks",
        "    ^b1  line 9",
        "  links",
        "    [site](https://a.b)  external",
        "    [[#Top]]             a.md #Top",
    ]
    assert render_note_page(rows[1], 60) == "b.md\n  nothing found\n"
    assert describe_totals(rows) == "2 notes: 1 heading, 1 block, 2 tags, 2 links."


# -- the manual -------------------------------------------------------------------------------------------------------


@each("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_a_page_with_its_examples(rule: Any) -> None:
    text = render_rule_page(rule, 80)
    for part in (
        rule.code,
        rule.name,
        rule.severity.value,
        *(option.name for option in rule.options),
    ):
        assert part in text
    assert (f'ignore = ["{rule.name}"]' in text) == rule.enabled_by_default
    assert text.count("\nWrong: ") + text.count("\nRight: ") == len(rule.examples)
    assert "\x1b" not in text.replace("\\u001b", "")
