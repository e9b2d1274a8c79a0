"""The facts of a report: what is listed of a vault, in which order, and that all numbers are those of other commands."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import msgspec
import networkx as nx
from hypothesis import given
from hypothesis import strategies as some

from builder import VaultFiles, build_state, make_settings
from running import RunCommand, create_vault, read_files
from source import ROOT
from tables import each
from vaultlink.dashboard.facts import (
    ReportInputs,
    ReportLabels,
    build_report,
    describe_fixes,
    sort_fixes,
)
from vaultlink.dashboard.markdown_report import (
    MAX_ROWS,
    SCORE_HEADING,
    render_markdown_report,
)
from vaultlink.dashboard.model import (
    LinkSource,
    VaultReport,
)
from vaultlink.fix.forecast import count_fixes
from vaultlink.graph.build import find_bridges, find_islands
from vaultlink.mentions.mention import Mention, NameKind, NoteName
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity, Suggestion
from vaultlink.report import MARKDOWN_MARK
from vaultlink.report.json_document import encode_tables

NOTES: VaultFiles = {
    "Home.md": "---\ntitle: Start\n---\n[[Quay]] [[Quay]] [[Board.canvas]] [[Nowhere]] [[nowhere.md]]\n",
    "a/Quay.md": "[[Home]] [[Nowhere]] ![[plan.png]] [site](https://example.org)\n",
    "a/End.md": "",
    "a/To end.md": "[[End]] [[Quay]]\n",
    "b/North.md": "[[South]]\n",
    "b/South.md": "",
    "b/Alone.md": "",
    "Board.canvas": "{}",
    "map.png": "",
    "notes.txt": "",
}


def make_report(
    files: VaultFiles, max_rows: int | None = None, select: Sequence[str] = ("VL1",)
) -> VaultReport:
    """Return the report of a vault in memory, with one suggestion for the topic `Nowhere`."""
    state = build_state(files, make_settings(select))
    known = {"Nowhere": (Suggestion("b/North.md", "near", 0.7),)}
    sources = ReportInputs(
        state,
        lambda path: str(files[path]),
        lambda names: {name: known.get(name, ()) for name in names},
        lambda findings: count_fixes(item.fix for item in findings),
    )
    return build_report(sources, ReportLabels("Notes", "1.0", "c0ffee"), max_rows)


def table(report: VaultReport, name: str, *fields: str) -> list[tuple[Any, ...]]:
    """Return some fields of all rows of a table."""
    return [tuple(getattr(row, field) for field in fields) for row in getattr(report, name)]


REPORT = make_report(NOTES)


@each(
    ("name", "fields", "rows"),
    [
        ("orphans", ("path", "outgoing"), [("a/To end.md", 2), ("b/Alone.md", 0), ("b/North.md", 1)]),
        (
            *("dead_ends", ("path", "incoming")),
            [("a/End.md", 1), ("b/Alone.md", 0), ("b/South.md", 1)],
        ),
        ("hubs", ("path", "title", "incoming"), [
            ("a/Quay.md", "Quay", 3), ("Home.md", "Start", 1), ("a/End.md", "End", 1), ("b/South.md", "South", 1),
        ]),
        ("worst", ("path", "findings"), [("Home.md", 2), ("a/Quay.md", 2)]),
        ("islands", ("size", "notes"), [(2, ("b/North.md", "b/South.md"))]),
        ("bridges", ("path", "separated"), [("a/Quay.md", 1), ("a/To end.md", 1)]),
        ("topics", ("name", "links", "notes", "suggestion", "reason"), [
            ("Nowhere", 3, 2, "b/North.md", "similar"), ("plan.png", 1, 1, "", ""),
        ]),
        ("missing_attachments", ("name", "links"), [("plan.png", 1)]),
        ("rules", ("code", "severity", "findings", "notes"), [("VL125", "warning", 3, 2), ("VL104", "error", 1, 1)]),
        ("folders", ("folder", "notes", "links", "dangling", "findings"), [
            ("", 1, 5, 2, 2), ("a", 3, 6, 2, 2), ("b", 3, 1, 0, 0),
        ]),
    ],
)  # fmt: skip
def test_rows_of_tables(name: str, fields: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    assert table(REPORT, name, *fields) == rows


def test_attachments_are_unused_although_the_rule_is_off() -> None:
    assert REPORT.unused_attachments == ("map.png",)


def test_links_of_a_topic_are_named_with_their_lines() -> None:
    assert REPORT.topics[0].sources == (
        LinkSource("Home.md", 4),
        LinkSource("Home.md", 4),
        LinkSource("a/Quay.md", 1),
    )


@each("max_rows", [1, 2, 100])
def test_tables_are_cut_and_say_so(max_rows: int) -> None:
    report = make_report(NOTES, max_rows)
    for name in ("orphans", "dead_ends", "topics", "folders", "worst", "rules"):
        everything, part = getattr(REPORT, name), getattr(report, name)
        assert part == everything[:max_rows]
        cuts = [(cut.rows, cut.total) for cut in report.cuts if cut.table == name]
        assert cuts == ([(max_rows, len(everything))] if len(everything) > max_rows else [])
    assert report.totals == REPORT.totals
    assert report.score == REPORT.score


def test_vault_without_defects_has_100_and_empty_tables() -> None:
    report = make_report({"A.md": "[[B]]", "B.md": "[[A]]"}, select=("ALL",))
    assert report.score.value == 100
    tables = ("rules", "topics", "orphans", "dead_ends", "islands", "bridges", "worst", "fixes")
    assert [name for name in tables if getattr(report, name)] == []


SECTION = "**Add backlinks using these topics:**\n\n"


def test_sections_out_of_step_come_first_with_what_is_wrong() -> None:
    report = make_report(
        {
            "A.md": f"Text.\n\n{SECTION}Cup – [[Cup | Cup]]\n",
            "B.md": f"Text.\n\n{SECTION}Cup — [[Cup | Cup]]\n",
            "C.md": "## Backlinks\n\n- [[Cup]]\n",
            "Cup.md": "",
        },
        select=("ALL",),
    )
    assert table(report, "sections", "path", "line", "managed", "in_step") == [
        ("B.md", 3, False, False),
        ("A.md", 3, False, True),
    ]
    assert "expected “–” (en dash)" in report.sections[0].status
    assert report.sections[1].status == "in step"
    assert (report.totals.sections_in_step, report.totals.sections_out_of_step) == (1, 1)


# -- fixes ----------------------------------------------------------------------------------------------------------------


def finding(path: str, *edits: Edit, safety: Safety = Safety.SAFE) -> Diagnostic:
    """Return a finding with a fix."""
    fix = Fix("Change it", safety, edits)
    return Diagnostic(
        *("VL1", "some", Severity.ERROR, path, 0, 1, 7, 1, 7, 2, "It is wrong."), fix=fix
    )


@each(
    ("text", "edits", "before", "after"),
    [
        ("a\nsee [[x]] here\nb\n", [(8, 9, "y")], "see [[x]] here", "see [[y]] here"),
        ("see [[x]] and [[x]]", [(6, 7, "y"), (16, 17, "z")], "see [[x]] and [[x]]", "see [[y]] and [[z]]"),
        ("a\nb\nc\n", [(2, 4, "")], "b", ""),
        ("a\nc\n", [(2, 2, "b\n")], "", "b"),
        ("a", [(1, 1, "\n")], "", ""),
        ("a\n", [(2, 2, "\nmore\n")], "", ""),
        ("one\ntwo\nthree\n", [(4, 13, "TWO\nthree")], "two", "TWO"),
        ("", [(0, 0, "new")], "", "new"),
    ],
)  # fmt: skip
def test_fix_shows_the_first_line_that_changes(
    text: str, edits: Sequence[tuple[int, int, str]], before: str, after: str
) -> None:
    item = finding("A.md", *[Edit("A.md", *edit) for edit in edits])
    assert item.fix
    [row] = describe_fixes([(item, item.fix)], lambda _path: text)
    assert (row.path, row.line, row.before, row.after) == ("A.md", 7, before, after)


def test_long_line_is_cut_around_the_change() -> None:
    text = "x" * 5_000_000 + "[[a]]" + "y" * 5_000_000
    item = finding("A.md", Edit("A.md", 5_000_002, 5_000_003, "b"))
    assert item.fix
    [row] = describe_fixes([(item, item.fix)], lambda _path: text)
    assert "[[a]]" in row.before
    assert "[[b]]" in row.after
    assert len(row.before) == len(row.after) < 310
    assert row.before[0] == row.before[-1] == "…"


def test_fix_of_another_note_shows_its_line() -> None:
    item = finding("a.png", Edit("A.md", 0, 1, "b"))
    assert item.fix
    [row] = describe_fixes([(item, item.fix)], lambda path: {"A.md": "a"}[path])
    assert (row.path, row.before, row.after) == ("a.png", "a", "b")


def test_safe_fixes_come_first_and_findings_without_fix_are_left_out() -> None:
    edit = Edit("A.md", 0, 1, "b")
    unsafe, safe = finding("A.md", edit, safety=Safety.UNSAFE), finding("B.md", edit)
    pairs = sort_fixes([unsafe, unsafe, safe], [unsafe.fix, None, safe.fix])
    assert [(item.path, fix.safety.value) for item, fix in pairs] == [
        ("B.md", "safe"),
        ("A.md", "unsafe"),
    ]


# -- what to do next ------------------------------------------------------------------------------------------------------


BAD_SECTION = "Text.\n\n**Add backlinks using these topics:**\n\nCup — [[Cup | Cup]]\n"


def mention(
    path: str, line: int, target: str, words: str = "quay", before: str = "The "
) -> Mention:
    """Return a mention in a text that is `before`, the words and " ends."."""
    start, end = len(before), len(before) + len(words)
    name = NoteName(target, words, NameKind.FILE)
    return Mention(
        *(path, start, end, line, start + 1, words, target, name, 0.9, "its name", True),
        sentence_start=0,
        sentence_end=end + len(" ends."),
    )


def make_steps(
    files: VaultFiles,
    mentions: Sequence[Mention] | None = (),
    fixable: Mapping[str, Safety] = MappingProxyType({}),
    select: Sequence[str] = ("VL1", "VL406"),
) -> list[tuple[str, str, int]]:
    """Return kind, purpose and gain of the steps; the findings of some codes get a fix."""
    state = build_state(files, make_settings(select))
    fix = {code: Fix("f", safety, (Edit("A.md", 0, 1, "b"),)) for code, safety in fixable.items()}
    sources = ReportInputs(
        state,
        lambda path: str(files[path]),
        lambda names: dict.fromkeys(names, ()),
        lambda findings: count_fixes(fix.get(item.code) for item in findings),
        lambda: mentions,
    )
    report = build_report(sources, ReportLabels("Notes"))
    assert list(report.next) == sorted(report.next, key=lambda step: (-step.points, -step.gain))
    return [(step.kind, step.purpose, step.gain) for step in report.next]


PLANS: VaultFiles = {"A.md": "[[Plan]] [[plan]] ![[map.png]] [[Quay]]", "Quay.md": "[[A]]"}


@each(
    ("steps", "expected"),
    [
        (make_steps({"A.md": "[[B]]", "B.md": "[[A]]"}), []),
        (
            make_steps(PLANS),
            [("unresolved", "Look through 2 names in links that have no file", 0)],
        ),
        (
            make_steps(PLANS, None, {"VL104": Safety.SAFE}),
            [
                ("safe-fixes", "Apply 1 safe fix", 1),
                ("unresolved", "Look through 2 names in links that have no file", 0),
            ],
        ),
        (
            make_steps(PLANS, (), {"VL104": Safety.UNSAFE, "VL125": Safety.UNSAFE}),
            [
                ("proposals", "Decide on the proposals for 1 mistake and 2 planned notes", 3),
                ("unresolved", "Look through 2 names in links that have no file", 0),
            ],
        ),
        (
            make_steps({"A.md": BAD_SECTION, "Cup.md": ""}, (), {"VL406": Safety.SAFE}),
            [
                ("safe-fixes", "Apply 1 safe fix", 1),
                ("sections", "Update 1 backlinks section out of date", 1),
            ],
        ),
        (
            make_steps({"A.md": BAD_SECTION, "Cup.md": ""}),
            [("sections", "Correct 1 backlinks section out of date", 1)],
        ),
        (
            make_steps(
                {"A.md": "The quay ends.", "B.md": "The quay ends.", "Quay.md": ""},
                [mention("A.md", 1, "Quay.md"), mention("B.md", 1, "Quay.md")],
            ),
            [("mentions", "Link 2 places that certainly name 1 note", 2)],
        ),
    ],
    ids=[
        *("nothing to do", "unresolved names", "a safe fix", "proposals", "a section with a fix"),
        *("a section without a fix", "mentions"),
    ],
)
def test_next_steps_are_there_only_if_there_is_something_to_do(
    steps: Sequence[tuple[str, str, int]], expected: Sequence[tuple[str, str, int]]
) -> None:
    assert steps == expected


def test_what_gains_most_points_comes_first() -> None:
    files: VaultFiles = {
        **{f"{number}.md": "[[Quay]]" for number in range(9)},
        "A.md": "[[Plan]] [[Plan]] [[Plan]] ![[map.png]]",
        "Quay.md": "",
    }
    fixes = {"VL104": Safety.SAFE, "VL125": Safety.UNSAFE}
    kinds = [kind for kind, _, _ in make_steps(files, (), fixes)]
    assert kinds == ["proposals", "safe-fixes", "unresolved"]


def test_mentions_are_listed_by_target_with_their_passages() -> None:
    files: VaultFiles = {"A.md": "The quay ends.", "B.md": "x" * 200 + " quay", "Quay.md": ""}
    found = [mention("A.md", 1, "Quay.md"), mention("B.md", 2, "Quay.md", before="x" * 200 + " ")]
    sources = ReportInputs(
        build_state(files, make_settings(("VL1",))),
        lambda path: str(files[path]),
        lambda _names: {},
        lambda findings: count_fixes(item.fix for item in findings),
        lambda: found,
    )
    report = build_report(sources, ReportLabels("Notes"))
    [row] = report.mentions
    assert (row.path, row.title, row.mentions) == ("Quay.md", "Quay", 2)
    first, second = row.places
    assert (first.path, first.line) == ("A.md", 1)
    assert (first.before, first.words, first.after) == ("The ", "quay", " ends.")
    assert second.before == "…" + "x" * 89 + " "
    assert report.totals.mentions == 2
    assert (
        build_report(
            sources._replace(find_mentions=lambda: None), ReportLabels("Notes")
        ).totals.mentions
        is None
    )


def test_twins_are_listed() -> None:
    text = "".join(f"Sentence number {number} of a long text on the sea.\n" for number in range(9))
    rows = make_report({"A.md": text, "B.md": text, "C.md": "Nothing of it.\n"}).twins
    assert [(item.path, item.twin, item.score) for item in rows] == [("A.md", "B.md", 1)]


def test_isolated_notes_have_related_notes() -> None:
    files: VaultFiles = {
        "A.md": "[[Hub]]",
        "B.md": "[[Hub]] [[A]]",
        "Hub.md": "",
        "C.md": "[[Hub]]",
    }
    rows = make_report(files).related
    assert [(row.path, row.outgoing) for row in rows] == [("C.md", 1), ("B.md", 2)]
    assert [item.path for item in rows[0].related] == ["A.md", "B.md"]


# -- islands and bridges --------------------------------------------------------------------------------------------------

PATHS = ("A.md", "B.md", "C.md", "D.md", "E.md", "f.png")
LINKS = some.dictionaries(
    some.sampled_from(PATHS[:-1]), some.lists(some.sampled_from(PATHS), max_size=3)
)


@given(LINKS)
def test_bridges_are_what_networkx_finds_by_removing_each_note(
    links: Mapping[str, Sequence[str]],
) -> None:
    files = {path: " ".join(f"[[{name}]]" for name in links.get(path, ())) for path in PATHS}
    index = build_state(files, make_settings(("VL101",))).index
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(path for path in PATHS if path != "f.png")
    graph.add_edges_from((path, name) for path in links for name in links[path] if path != name)
    expected: dict[str, int] = {}
    for group in nx.connected_components(graph):
        for path in group - {"f.png"}:
            rest = graph.subgraph(group - {path})
            sizes = [len(part - {"f.png"}) for part in nx.connected_components(rest)]
            if apart := sum(sorted(sizes)[:-1]):
                expected[path] = apart
    bridges = find_bridges(index)
    assert dict(bridges) == expected
    assert [count for _, count in bridges] == sorted(expected.values(), reverse=True)
    sizes = sorted(len(part - {"f.png"}) for part in nx.connected_components(graph))
    assert sorted(map(len, find_islands(index))) == [size for size in sizes[:-1] if size > 1]


# -- numbers of other commands --------------------------------------------------------------------------------------------


def copy_fixture(name: str, folder: Path) -> Path:
    """Copy a sample vault."""
    return create_vault(folder / name, read_files(ROOT / "fixtures" / name))


@each(
    "name",
    ["podcast-wiki", "every-link", "embeds", "same-names", "unicode", "windows", "code-and-math"],
)
def test_numbers_are_those_of_the_other_commands(
    run: RunCommand, tmp_path: Path, name: str
) -> None:
    vault = copy_fixture(name, tmp_path)

    def read(*words: str) -> Any:
        return run(*words, "--vault", vault, "--output-format", "json").data

    report = read("report")
    totals, check = report["totals"], read("check", "--exit-zero")
    assert {key: totals[key] for key in ("notes", "attachments", "links", "resolved")} == {
        key: check["summary"][key] for key in ("notes", "attachments", "links", "resolved")
    }
    for key in ("dangling", "ambiguous", "external"):
        assert totals[key] == check["summary"][key]
    assert totals["errors"] + totals["warnings"] + totals["infos"] == len(check["findings"])
    fixes = [item["fix"]["safety"] for item in check["findings"] if item["fix"]]
    assert (totals["fixes_safe"], totals["fixes_unsafe"]) == (
        fixes.count("safe"),
        fixes.count("unsafe"),
    )
    assert len(report["fixes"]) == len(fixes)

    topics = read("topics")["topics"]
    assert totals["topics"] == len(topics)
    assert [(row["name"], row["links"]) for row in report["topics"]] == [
        (row["topic"], row["count"]) for row in topics
    ]
    assert [row["suggestion"] for row in report["topics"]] == [
        row["suggestions"][0]["path"] if row["suggestions"] else "" for row in topics
    ]

    orphans = [path for path in read("orphans")["notes"] if path.endswith(".md")]
    assert [row["path"] for row in report["orphans"]] == orphans
    assert [row["path"] for row in report["dead_ends"]] == read("deadends")["notes"]
    assert (totals["orphans"], totals["dead_ends"]) == (len(orphans), len(report["dead_ends"]))

    rows = [line.split("\t") for line in run("graph", "--vault", vault).lines[1:]]
    figures = {figure: int(count) for figure, count, *_ in rows if figure != "hub"}
    hubs = [(path, int(count)) for figure, count, path in (row for row in rows if row[0] == "hub")]
    known = {row["path"]: row["incoming"] for row in report["hubs"]}
    assert [known[path] for path, _ in hubs if path.endswith(".md")] == [
        count for path, count in hubs if path.endswith(".md")
    ]
    assert figures["notes"] == totals["notes"]
    assert figures["dangling links"] == totals["dangling"]

    found = read("check", "--exit-zero", "--select", "island,unused-attachment")["findings"]
    assert totals["islands"] == sum(item["rule"] == "island" for item in found)
    assert report["unused_attachments"] == [
        item["path"] for item in found if item["rule"] == "unused-attachment"
    ]
    for key in ("notes", "links", "dangling", "findings"):
        total = totals.get(key, len(check["findings"]))
        assert sum(row[key] for row in report["folders"]) == total


# -- JSON and Markdown ----------------------------------------------------------------------------------------------------

HOSTILE = [
    "</script><img onerror=alert(1)>",
    "a`b``c",
    "| --- |",
    "@team #12 :smile:",
    "\u202eevil\u2066",
    "::error::x",
    "##[error]x",
    "\udcff",
    "x" * 10_000,
]


def test_json_is_one_object_with_a_line_for_each_row() -> None:
    data = encode_tables(REPORT)
    assert data.startswith(b'{"schema":1,\n"vault":')
    loaded = json.loads(data)
    assert msgspec.convert(loaded, VaultReport) == REPORT
    assert list(loaded) == list(VaultReport.__struct_fields__)
    lines = data.decode().splitlines()
    assert sum(line.startswith('{"name":"Nowhere"') for line in lines) == 1


def list_keys(value: Any) -> list[str]:
    """Return the keys of a field of the report, or of its items."""
    item = next((part for part in get_args(value) if hasattr(part, "__struct_fields__")), value)
    return list(getattr(item, "__struct_fields__", ()))


def test_keys_of_json_are_documented() -> None:
    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    _, rest = page.split("## JSON\n")
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", rest.split("\n## ")[0], re.MULTILINE)
    listed = {
        name: re.findall(r"`(\w+)`", keys)
        for names, keys in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    hints = get_type_hints(VaultReport)
    head = ["schema", "vault", "version", "commit", "date"]
    assert list(hints)[:5] == head
    assert listed == {name: list_keys(hint) for name, hint in hints.items() if name not in head}


def test_json_keeps_names_that_are_not_unicode() -> None:
    report = make_report({"\udcff.md": "[[\udcfe]]"})
    assert msgspec.convert(json.loads(encode_tables(report)), VaultReport) == report


def test_markdown_has_the_score_and_the_first_rows() -> None:
    many = {f"{number:02}.md": "[[Nowhere]]" for number in range(30)}
    lines = render_markdown_report(make_report({**NOTES, **many}, MAX_ROWS)).splitlines()
    assert lines[0] == MARKDOWN_MARK
    assert lines[2].startswith("## Health score of `Notes`: ")
    assert "| `Nowhere` | 33 | 32 | `b/North.md` |" in lines
    assert "The first 10 of 32." in lines
    assert "commit c0ffee, vaultlink 1.0" in lines


def test_markdown_of_a_clean_vault_has_no_tables_of_defects() -> None:
    text = render_markdown_report(make_report({"A.md": "[[B]]", "B.md": "[[A]]"}))
    assert "100 of 100" in text
    assert re.findall("^### (.*)", text, re.MULTILINE) == ["What to do next", "Score"]
    assert "Nothing is left to do: no fix waits" in text


def test_markdown_begins_with_what_to_do_next() -> None:
    text = render_markdown_report(REPORT)
    first, rest = text.split(SCORE_HEADING)
    assert "| points | what | command |" in first
    assert (
        "|  | Look through 2 names in links that have no file | `vaultlink unresolved` |" in first
    )
    assert "| `Nowhere` |" not in first
    assert "| `Nowhere` |" in rest


def test_hostile_names_stay_in_code_spans_and_the_page_is_short() -> None:
    files = {f"{number}/{name.replace('/', '')}.md": "" for number, name in enumerate(HOSTILE)}
    files |= {f"n{number}.md": f"[[{name}]]" for number, name in enumerate(HOSTILE)}
    report = make_report(files, MAX_ROWS, ("ALL",))
    text = render_markdown_report(msgspec.structs.replace(report, vault=HOSTILE[0]))
    assert len(text.encode("utf-8", "replace")) < 60_000
    for line in text.splitlines():
        outside = "".join(line.replace("``", "`").split("`")[::2])
        assert "<img" not in outside
        assert "@team" not in outside
    assert "\u202e" not in text
