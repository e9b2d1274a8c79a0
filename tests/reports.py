"""Reports and pictures for tests of pages, made by hand: an empty vault, a small one, a large one, and one with hostile names."""

from collections.abc import Sequence
from typing import Any

import msgspec

from vaultlink.dashboard.model import (
    Bridge,
    FixRow,
    FolderRow,
    HealthScore,
    Island,
    IsolatedNote,
    LinkSource,
    MentionedNote,
    MentionPlace,
    MissingAttachment,
    NoteRow,
    RelatedNoteRow,
    ReportStep,
    RuleRow,
    ScorePart,
    SectionRow,
    TableCut,
    TopicRow,
    Totals,
    TwinRow,
    VaultReport,
)
from vaultlink.graph.picture import SIZE, GraphPicture, PictureNode

NO_TOTALS = msgspec.convert(
    {field.name: 0 for field in msgspec.structs.fields(Totals) if field.required}, Totals
)
FULL_SCORE = HealthScore(
    100,
    (
        ScorePart("links", "links that resolve", 3, 3, 60, 66.67, 66.67),
        ScorePart("notes", "notes without errors and warnings", 2, 2, 20, 22.22, 22.22),
        ScorePart("connections", "notes linked with another file", 2, 2, 10, 11.11, 11.11),
        ScorePart("sections", "backlinks sections up to date", 0, 0, 10, 0.0, 0.0),
    ),
)
NO_ROWS: tuple[Any, ...] = ()
EMPTY = VaultReport(
    1,
    "Empty",
    "0.4.0",
    "",
    "",
    FULL_SCORE,
    NO_TOTALS,
    rules=NO_ROWS,
    folders=NO_ROWS,
    topics=NO_ROWS,
    orphans=NO_ROWS,
    dead_ends=NO_ROWS,
    islands=NO_ROWS,
    hubs=NO_ROWS,
    bridges=NO_ROWS,
    worst=NO_ROWS,
    unused_attachments=NO_ROWS,
    missing_attachments=NO_ROWS,
    sections=NO_ROWS,
    fixes=NO_ROWS,
)
NO_PICTURE = GraphPicture((), (), (), ())


def change_report(report: VaultReport, **fields: Any) -> VaultReport:
    """Return a report with other values of some fields."""
    return msgspec.structs.replace(report, **fields)


def draw_names(names: Sequence[str], kinds: Sequence[str] = ("note",)) -> GraphPicture:
    """Return a picture of nodes on a spiral, each linked to an earlier one; `kinds` are repeated."""
    nodes, edges = [], []
    for number, name in enumerate(names):
        kind = kinds[number % len(kinds)]
        place = number * 7919
        x, y = place % (SIZE - 400) + 200, place // 3 % (SIZE - 400) + 200
        nodes.append(PictureNode(name, name, kind, x, y, 60, number % 9, 1, number % 5, 0))
        if number:
            edges.append((number, number // 2))
    return GraphPicture(tuple(nodes), tuple(sorted(edges)), ("",), tuple("ABCDE"))


# -- a small vault ----------------------------------------------------------------------------------------------------

NAMES = (
    "Pier.md",
    "ports/Mole.md",
    "ports/Breakwater.md",
    "Café Zürich.md",
    "日本/東京.md",
    "עברית/שלום.md",
    "index.md",
)
SMALL = VaultReport(
    schema=1,
    vault="Harbour notes",
    version="0.4.0",
    commit="0123456789abcdef0123456789abcdef01234567",
    date="2025-06-14",
    score=HealthScore(
        57,
        (
            ScorePart("links", "links that resolve", 8, 10, 60, 38.4, 60.0),
            ScorePart("notes", "notes without errors and warnings", 4, 7, 20, 6.53, 20.0),
            ScorePart("connections", "notes linked with another file", 7, 7, 10, 10.0, 10.0),
            ScorePart("sections", "backlinks sections up to date", 1, 2, 10, 2.5, 10.0),
        ),
        97,
    ),
    totals=Totals(
        notes=7,
        attachments=2,
        links=1_250,
        resolved=8,
        dangling=2,
        ambiguous=0,
        external=1_240,
        topics=2,
        errors=2,
        warnings=12,
        infos=0,
        fixes_safe=2,
        fixes_unsafe=1,
        orphans=1,
        dead_ends=1,
        islands=1,
        sections_in_step=1,
        sections_out_of_step=1,
        mentions=3,
    ),
    rules=(
        RuleRow("VL102", "missing-heading", "warning", 12, 2, 0, 0, "A link names a heading."),
        RuleRow("VL101", "dangling-link", "error", 2, 1, 2, 1, "A link does not resolve."),
        RuleRow("VL108", "ambiguous-link", "info", 1, 1, 0, 0, "A link matches several files."),
    ),
    folders=(FolderRow("ports", 2, 4, 1, 9), FolderRow("", 3, 6, 1, 5)),
    topics=(
        TopicRow(
            "Lighthouse",
            3,
            2,
            (LinkSource("Pier.md", 3), LinkSource("ports/Mole.md", 12)),
            "index.md",
            "title",
        ),
        TopicRow("Tide table", 1, 1, (LinkSource("Pier.md", 9),)),
    ),
    orphans=(NoteRow("日本/東京.md", "東京", 0, 0, 0),),
    dead_ends=(NoteRow("עברית/שלום.md", "שלום", 2, 0, 1),),
    islands=(Island(2, ("ports/Mole.md", "ports/Breakwater.md")),),
    hubs=tuple(
        NoteRow(path, path.rpartition("/")[2][:-3], 10 - number, number, 0)
        for number, path in enumerate(NAMES)
    ),
    bridges=(Bridge("Pier.md", 3),),
    worst=(NoteRow("Pier.md", "The pier", 4, 2, 9), NoteRow("ports/Mole.md", "Mole", 1, 10, 3)),
    unused_attachments=("images/chart one.png",),
    missing_attachments=(MissingAttachment("chart.png", 1, (LinkSource("index.md", 4),)),),
    sections=(
        SectionRow("Pier.md", 20, False, False, "Entry “Mole”: expected “–”, found “-”."),
        SectionRow("index.md", 8, True, True, "in step"),
    ),
    fixes=(
        FixRow(
            "Pier.md", 3, "VL105", "“LTP” is an alias.", True, "See [[LTP]].", "See [[long tide]]."
        ),
        FixRow("Pier.md", 9, "VL406", "The line is doubled.", False, "- [[Mole]]", ""),
    ),
    cuts=(TableCut("hubs", 7, 1204), TableCut("mentions", 2, 60)),
    next=(
        ReportStep("proposals", "vaultlink fix --interactive", "Decide on 1 proposal", 1, 4.8),
        ReportStep("safe-fixes", "vaultlink fix", "Apply 2 safe fixes", 2, 0.8),
        ReportStep("mentions", "vaultlink mentions --write", "Link 3 places", 3, 0.0),
    ),
    mentions=(
        MentionedNote(
            "ports/Mole.md",
            "Mole",
            7,
            (
                MentionPlace("Pier.md", 4, "Behind the ", "mole", " is the pier."),
                MentionPlace("index.md", 9, "…the ", "Mole", " of 1890"),
            ),
        ),
        MentionedNote(
            "日本/東京.md", "東京", 1, (MentionPlace("Pier.md", 5, "From ", "東京", "."),)
        ),
    ),
    related=(
        IsolatedNote(
            "日本/東京.md",
            "東京",
            0,
            (RelatedNoteRow("Pier.md", "The pier", 0.5, "shared neighbours: Mole"),),
        ),
    ),
    twins=(TwinRow("Pier.md", "The pier", "ports/Mole.md", "Mole", 0.87),),
)
SMALL_PICTURE = draw_names([*NAMES, "Lighthouse", "Tide table"])

# -- a large vault ----------------------------------------------------------------------------------------------------

SHOWN_ROWS = 300


def make_large_report(notes: int = 15_000) -> VaultReport:
    """Return the report of a vault with many notes, whose tables have `SHOWN_ROWS` rows."""
    paths = [f"{number // 100:03} folder/A note with number {number}.md" for number in range(notes)]
    rows = tuple(
        NoteRow(path, f"Title {number}", number % 90, number % 7, number % 11)
        for number, path in enumerate(paths[:SHOWN_ROWS])
    )
    sources = tuple(LinkSource(path, 7) for path in paths[:5])
    tables: dict[str, tuple[Any, ...]] = {
        "topics": tuple(
            TopicRow(f"Topic {number}", 400 - number, 9, sources, paths[number], "near")
            for number in range(SHOWN_ROWS)
        ),
        "fixes": tuple(
            FixRow(path, 4, "VL106", "It is a title.", True, "[[Title | a]]", "[[title | a]]")
            for path in paths[:SHOWN_ROWS]
        ),
        "worst": rows,
        "hubs": rows,
        "orphans": rows,
        "dead_ends": rows,
        "unused_attachments": tuple(f"images/{number}.png" for number in range(SHOWN_ROWS)),
    }
    cuts = tuple(TableCut(name, SHOWN_ROWS, notes) for name in tables)
    totals = msgspec.structs.replace(SMALL.totals, notes=notes, orphans=notes)
    return change_report(SMALL, vault="Large", totals=totals, cuts=cuts, **tables)


LARGE_PICTURE = draw_names([f"A note with number {number}" for number in range(15_000)])

# -- hostile names ----------------------------------------------------------------------------------------------------

LONG_NAME = "long " * 2_000_000 + "end"
HOSTILE_NAMES = (
    "</script><img src=x onerror=attack()>",
    "</title></style><script>attack()</script>",
    '"><svg onload=attack()>',
    "' onmouseover='attack()",
    "javascript:attack()",
    "data:text/html,<script>attack()</script>",
    "</noscript><iframe src=//example.com></iframe>",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>",
    "]]>--!><base href=//example.com>",
    "invoice\u202egnp.md",
    "isolate\u2066 first \u2067 second",
    "line\u2028separator\nfeed\ttab\x00null\x7f",
    "bytes \udce9\udcff",
    "half \ud800 pair",
    "z\u0335\u0321\u0322" + "\u0336" * 200,
    LONG_NAME,
)


def make_hostile_report() -> VaultReport:
    """Return a report that has each of `HOSTILE_NAMES` in every place for a text of a vault."""
    names = HOSTILE_NAMES
    sources = {name: (LinkSource(name, 1), LinkSource(f"folder/{name}.md", 2)) for name in names}
    notes = tuple(NoteRow(f"{name}/{name}.md", name, 1, 1, 1) for name in names)
    return change_report(
        SMALL,
        vault="</script><img src=x onerror=attack()>\u202e",
        folders=tuple(FolderRow(name, 1, 1, 1, 1) for name in names),
        topics=tuple(TopicRow(name, 2, 2, sources[name], name, "near") for name in names),
        fixes=tuple(FixRow(name, 1, "VL101", name, True, name, f"x{name}") for name in names),
        worst=notes,
        hubs=notes,
        orphans=notes,
        dead_ends=notes,
        islands=(Island(len(names), names),),
        bridges=tuple(Bridge(name, 1) for name in names),
        unused_attachments=names,
        missing_attachments=tuple(MissingAttachment(name, 2, sources[name]) for name in names),
        sections=tuple(SectionRow(name, 1, True, False, name) for name in names),
        mentions=tuple(
            MentionedNote(name, name, 9, (MentionPlace(name, 1, name, name, name),) * 2)
            for name in names
        ),
        related=tuple(
            IsolatedNote(name, name, 1, (RelatedNoteRow(name, name, 1.0, name),)) for name in names
        ),
        cuts=(),
    )


HOSTILE_PICTURE = draw_names(HOSTILE_NAMES[:-1], ("note", "dangling"))
