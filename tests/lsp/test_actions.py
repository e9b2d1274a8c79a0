"""Code actions: what is offered, that each changes exactly what it says, and that fixes are those of the command line."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from editor import apply_edit, find_position, open_view, read_texts, view_vault
from lsprotocol import types

from running import RunCommand, new_folder, write_files
from tables import each
from vaultlink.api import open_vault
from vaultlink.errors import UsageError
from vaultlink.fix.plan import VaultChanges
from vaultlink.serve.lsp.actions import (
    COMMANDS,
    complete_action,
    format_sections,
    list_actions,
    make_change,
)
from vaultlink.serve.lsp.views import EditorSettings, View

SAMPLES = Path(__file__).resolve().parents[2] / "fixtures"
VAULTS = [path.stem for path in sorted(SAMPLES.glob("*.txt"))]


def ask(view: View, path: str, place: str | None = None, *only: str) -> list[types.CodeAction]:
    """Return the actions for a part of a text, or for all of it."""
    text = read_texts(view)[path]
    start, end = 0, len(text)
    if place is not None:
        before, inside, after = (
            place.split("¦") if place.count("¦") == 2 else (*place.split("¦"), "")
        )
        if place.count("¦") == 1:
            inside, after = "", inside
        assert text.count(before + inside + after) == 1, "the place is not clear"
        start = text.index(before + inside + after) + len(before)
        end = start + len(inside)
    places = types.Range(find_position(view, path, start), find_position(view, path, end))
    context = types.CodeActionContext([], only=list(only) or None)
    document = types.TextDocumentIdentifier(view.uri(path))
    return list_actions(view, types.CodeActionParams(document, places, context))


def choose(view: View, actions: list[types.CodeAction], title: str) -> dict[str, str]:
    """Return the texts after the action with a title."""
    [action] = [item for item in actions if item.title == title]
    return apply_edit(view, complete_action(view, action).edit)


# -- the laws --------------------------------------------------------------------------------------


def write_diff(view: View, after: dict[str, str]) -> str:
    """Return the difference of the texts that the editor has, and those after an action."""
    before = read_texts(view)
    marked = {
        path for path in before if (view.vault.root / path).read_bytes().startswith(b"\xef\xbb\xbf")
    }
    pairs = {path: (before.get(path), text) for path, text in after.items()}
    changed = {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}
    return VaultChanges(texts=changed, marked=frozenset(marked)).diff()


@pytest.mark.thorough
@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("sample", VAULTS)
def test_all_safe_fixes_are_those_of_the_command(
    tmp_path: Path, run: RunCommand, subtests: pytest.Subtests, sample: str, is_held: bool
) -> None:
    root = tmp_path / "vault"
    shutil.copytree(SAMPLES / sample, root)
    vault = open_vault(root)
    notes = [path for path in sorted(vault.index.notes) if vault.state.diagnostics.get(path)]
    held = {}
    if is_held:
        held = {path: f"{vault.text(path)}\n🌊 more [[{path}]]\n" for path in notes}
    diffs = {
        encoding: fix_all(view_vault(vault, held, encoding), notes)
        for encoding in ("utf-8", "utf-16", "utf-32")
    }
    marks = {
        path: b"\xef\xbb\xbf" * (root / path).read_bytes().startswith(b"\xef\xbb\xbf")
        for path in notes
    }
    write_files(root, {path: marks[path] + text.encode() for path, text in held.items()})
    expected = {path: run("fix", root / path, "--diff").out for path in notes}
    for encoding, found in diffs.items():
        with subtests.test(encoding):
            assert found == expected


def fix_all(view: View, notes: Sequence[str]) -> dict[str, str]:
    """Return the difference that all safe fixes of each note make."""
    answers = {path: ask(view, path, None, "source.fixAll") for path in notes}
    edits = {
        path: [complete_action(view, item).edit for item in found]
        for path, found in answers.items()
    }
    return {
        path: write_diff(view, apply_edit(view, found[0])) if found else ""
        for path, found in edits.items()
    }


@pytest.mark.parametrize("sample", VAULTS)
def test_each_fix_is_that_of_the_command(tmp_path: Path, run: RunCommand, sample: str) -> None:
    """A finding that is the only one of its rule in a note is fixed as the command fixes it."""
    root = tmp_path / "vault"
    shutil.copytree(SAMPLES / sample, root)
    view = view_vault(open_vault(root))
    for path, findings in view.vault.state.diagnostics.items():
        codes = [item.code for item in findings]
        for item in findings:
            if item.fix is None or codes.count(item.code) > 1:
                continue
            diagnostics = [
                action
                for action in ask(view, path, None, "quickfix")
                if action.title.startswith(item.fix.title)
                and action.diagnostics
                and action.diagnostics[0].code == item.code
            ]
            if not diagnostics:
                continue
            done = write_diff(view, apply_edit(view, complete_action(view, diagnostics[0]).edit))
            words = ("--unsafe-fixes",) if item.fix.safety == "unsafe" else ()
            found = run("fix", root / path, "--diff", "--select", item.code, *words).out
            assert done == found, (path, item.code)


# -- what is offered -------------------------------------------------------------------------------

NOTES: dict[str, str | bytes] = {
    "Home.md": "# Home\n\nSee [[Tied]] and [[Nowhere]] today.\n- [[Tide#Low waters]]\n\n| a | b |\n|---|---|\n| [[Nobody]] | x |\n\n"
    "> Quote [[Gone]] ^block\n\n## Part\n\nText of the part.\n",
    "Tide.md": '---\nup: "[[Away]]"\n---\n# Tide\n\n## Low water\n\n[[Home]]\n',
    "Plain.md": "Nothing here but Ada Lovelace, then Ada Lovelace.\n",
    "Links.md": "We met [[Ada Lovelace]].\n",
    "Ada Lovelace.md": "# Ada Lovelace\n\nShe wrote.\n",
}

LINK = "Link to “Tide”"


@pytest.fixture
def view(tmp_path: Path) -> View:
    return open_view(tmp_path / "vault", NOTES)


def list_titles(actions: list[types.CodeAction]) -> list[str]:
    return [item.title for item in actions]


def test_unresolved_link_has_all_ways_out(view: View) -> None:
    assert list_titles(ask(view, "Home.md", "[[Ti¦ed]]", "quickfix")) == [
        "Link to “Tide”",
        "Create the note “Tied.md”",
        "Remove the link and keep its text",
        "Allow “Tied” in .vaultlink.toml",
        "Suppress VL101 in this line",
        "Suppress VL101 in this note",
    ]


@each(
    ("path", "place", "title", "changed"),
    [
        ("Home.md", "[[Ti¦ed]]", LINK, {"Home.md": "See [[Tide|Tied]] and [[Nowhere]] today.\n"}),
        ("Home.md", "[[Ti¦ed]]", "Create the note “Tied.md”", {"Tied.md": "# Tied\n"}),
        (
            "Home.md",
            "[[Ti¦ed]]",
            "Remove the link and keep its text",
            {"Home.md": "See Tied and [[Nowhere]] today.\n"},
        ),
        (
            "Home.md",
            "[[Ti¦ed]]",
            "Allow “Tied” in .vaultlink.toml",
            {".vaultlink.toml": 'allow-dangling = ["Tied"]\n'},
        ),
        (
            "Home.md",
            "[[Tide#Low ¦waters]]",
            "Replace “Low waters” with “Low water” (unsafe)",
            {"Home.md": "- [[Tide#Low water|Tide > Low waters]]"},
        ),
        (
            "Home.md",
            "[[Ti¦ed]]",
            "Suppress VL101 in this line",
            {"Home.md": "See [[Tied]] and [[Nowhere]] today. %%vaultlink-disable-line VL101%%\n"},
        ),
        (
            "Home.md",
            "[[Ti¦ed]]",
            "Suppress VL101 in this note",
            {"Home.md": "Text of the part.\n\n%%vaultlink-disable-file VL101%%\n"},
        ),
        (
            "Home.md",
            "## ¦Part",
            "Extract the section to a note",
            {"Part.md": "Text of the part.", "Home.md": "[[Part]]"},
        ),
        (
            "Ada Lovelace.md",
            "# A¦da",
            "Write the backlinks section",
            {"Ada Lovelace.md": "- [[Links]]\n"},
        ),
        (
            "Plain.md",
            "¦Nothing",
            "Link certain mentions in this note",
            {"Plain.md": "Nothing here but [[Ada Lovelace]], then Ada Lovelace.\n"},
        ),
        (
            "Plain.md",
            "but ¦Ada Lovelace¦,",
            "Link certain mentions in this selection",
            {"Plain.md": "but [[Ada"},
        ),
    ],
)
def test_action_does_what_it_says(
    view: View, path: str, place: str, title: str, changed: dict[str, str]
) -> None:
    before, after = read_texts(view), choose(view, ask(view, path, place), title)
    assert {path for path in after if after[path] != before.get(path)} == changed.keys()
    for name, part in changed.items():
        assert part in after[name]


SUPPRESSED = [
    # text, place, scope, text afterwards
    (
        "See [[Nowhere]] now\r\nmore",
        "[[Now¦here]]",
        "line",
        "See [[Nowhere]] now %%vaultlink-disable-line VL125%%\r\nmore",
    ),
    ("See [[Nowhere]]", "[[Now¦here]]", "line", "See [[Nowhere]] %%vaultlink-disable-line VL125%%"),
    (
        "See [[Nowhere]] ^id\n",
        "[[Now¦here]]",
        "line",
        "%%vaultlink-disable-next-line VL125%%\nSee [[Nowhere]] ^id\n",
    ),
    (
        "- a\n  - See [[Nowhere]] ^id\n",
        "[[Now¦here]]",
        "line",
        "- a\n  %%vaultlink-disable-next-line VL125%%\n  - See [[Nowhere]] ^id\n",
    ),
    (
        '---\nup: "[[Nowhere]]"\n---\n',
        "[[Now¦here]]",
        "line",
        '---\nup: "[[Nowhere]]" # %%vaultlink-disable-line VL125%%\n---\n',
    ),
    (
        "# A [[Nowhere]]\n",
        "[[Now¦here]]",
        "line",
        "%%vaultlink-disable-next-line VL125%%\n# A [[Nowhere]]\n",
    ),
    (
        "See [[Nowhere]]",
        "[[Now¦here]]",
        "note",
        "See [[Nowhere]]\n\n%%vaultlink-disable-file VL125%%\n",
    ),
    (
        "See [[Nowhere]]\n\n```\ncode",
        "[[Now¦here]]",
        "note",
        "%%vaultlink-disable-file VL125%%\nSee [[Nowhere]]\n\n```\ncode",
    ),
    (
        "---\na: 1\n---\n[[Nowhere]]\n\n```\n",
        "[[Now¦here]]",
        "note",
        "---\na: 1\n---\n%%vaultlink-disable-file VL125%%\n[[Nowhere]]\n\n```\n",
    ),
    (
        "[[Nowhere]]\n%% open",
        "[[Now¦here]]",
        "note",
        "[[Nowhere]]\n%% open\n\n<!-- vaultlink-disable-file VL125 -->\n",
    ),
    (
        "%% a\n[[Nowhere]]\nb %%",
        "[[Now¦here]]",
        "line",
        "%% a\n[[Nowhere]] <!-- vaultlink-disable-line VL125 -->\nb %%",
    ),
]


@each(("text", "place", "scope", "expected"), SUPPRESSED)
def test_finding_is_suppressed_and_nothing_else_changes(
    tmp_path: Path, text: str, place: str, scope: str, expected: str
) -> None:
    view = open_view(new_folder(tmp_path), {"A.md": text, "B.md": "[[A]]\n"})
    after = choose(view, ask(view, "A.md", place), f"Suppress VL125 in this {scope}")
    assert after["A.md"] == expected
    found = view.vault.holding("A.md", expected).state.diagnostics.get("A.md", ())
    assert [item.code for item in found if item.code in ("VL125", "VL190")] == []


PROTECTED = {
    "Raw/Source.md": "# Source\n\n[[Tied]] [[Nowhere]] Ada Lovelace\n\n## Part\n\n[[Wiki/Tide]]\n",
    "Wiki/Tide.md": "# Tide\n\n[[Raw/Source]] [[Raw/Gone]] [[Soon]]\n",
    "Ada Lovelace.md": "# Ada Lovelace\n",
}
LIMITS = ['protect = ["Raw/"]', 'write-paths = ["Wiki/"]']


@each("limit", LIMITS)
def test_note_that_is_protected_has_no_actions(tmp_path: Path, limit: str) -> None:
    """All that is offered without the limit would be refused with it, also by an older menu."""
    free = open_view(new_folder(tmp_path), PROTECTED)
    places = (None, "[[T¦ied", "# ¦Source", "## ¦Part")
    offered: list[Any] = [
        action.data for place in places for action in ask(free, "Raw/Source.md", place)
    ]
    view = open_view(new_folder(tmp_path), {**PROTECTED, "vaultlink.toml": f"{limit}\n"})
    assert not [item for place in places for item in ask(view, "Raw/Source.md", place)]
    assert {data["arguments"][2] for data in offered} == {
        *("fix", "allow", "suppress", "extract", "link", "link selection", "write section")
    }
    for data in offered:
        _, title, change, *others = data["arguments"]
        creates = title.startswith("Create")
        if change != "allow" and not (creates and limit == LIMITS[0]):
            with pytest.raises(UsageError):
                make_change(view, [view.uri("Raw/Source.md"), title, change, *others])


@each(
    ("limit", "created"),
    [("", ["Raw/Gone.md", "Soon.md"]), (LIMITS[0], ["Soon.md"]), (LIMITS[1], [])],
)
def test_no_note_is_created_where_none_may_be_written(
    tmp_path: Path, limit: str, created: list[str]
) -> None:
    view = open_view(new_folder(tmp_path), {**PROTECTED, "vaultlink.toml": f"{limit}\n"})
    titles = list_titles(ask(view, "Wiki/Tide.md"))
    assert [title for title in titles if title.startswith("Create")] == [
        f"Create the note “{path}”" for path in created
    ]
    assert "Remove the link and keep its text" in titles
    assert "Suppress VL125 in this note" in titles
    assert "Write the backlinks section" in titles


def test_actions_of_a_place_concern_it_only(view: View) -> None:
    assert list_titles(ask(view, "Home.md", "[[Tied]] ¦and", "quickfix")) == []
    assert "Extract the section to a note" not in list_titles(ask(view, "Home.md", "Text of¦ the"))
    assert "Extract the section to a note" not in list_titles(ask(view, "Home.md", "# Ho¦me"))
    assert ask(view, "Links.md", "met ¦[[Ada Lovelace]]", "quickfix", "refactor") == []


@each(
    ("only", "kinds"),
    [
        ((), {"quickfix", "refactor.extract", "source.linkMentions.vaultlink"}),
        (("quickfix",), {"quickfix"}),
        (("refactor",), {"refactor.extract"}),
        (("source",), {"source.linkMentions.vaultlink"}),
        (("source.fixAll",), set()),
        (("refactor.extract", "quickfix"), {"quickfix", "refactor.extract"}),
        (("quick",), set()),
        (("",), {"quickfix", "refactor.extract", "source.linkMentions.vaultlink"}),
    ],
)
def test_only_wanted_kinds_are_offered(
    tmp_path: Path, only: tuple[str, ...], kinds: set[str]
) -> None:
    view = open_view(new_folder(tmp_path), {"A.md": "# A\n\n## B [[Nowhere]]\n"})
    found = {
        str(getattr(item.kind, "value", item.kind)) for item in ask(view, "A.md", "## ¦B", *only)
    }
    found |= {
        str(getattr(item.kind, "value", item.kind))
        for item in ask(view, "A.md", "[[No¦where", *only)
    }
    assert found == kinds


SAFE = {"A.md": "# A\n\n[[Note]] [[note.md]]\n", "note.md": "[[A]]\n"}


def test_safe_fix_is_preferred_and_names_its_finding(tmp_path: Path) -> None:
    view = open_view(tmp_path / "vault", {**SAFE, "vaultlink.toml": 'select = ["ALL"]\n'})
    preferred = [item for item in ask(view, "A.md") if item.is_preferred]
    assert preferred
    for item in preferred:
        assert item.diagnostics
        assert "unsafe" not in item.title


@each("abilities", [{"operations": frozenset()}, {"operations": frozenset({"rename"})}])
def test_notes_are_created_only_by_an_editor_that_can(
    tmp_path: Path, abilities: dict[str, Any]
) -> None:
    view = open_view(new_folder(tmp_path), NOTES, **abilities)
    titles = {*list_titles(ask(view, "Home.md")), *list_titles(ask(view, "Home.md", "## ¦Part"))}
    assert not [title for title in titles if title.startswith(("Create", "Extract"))]


def test_unsafe_fixes_can_be_left_out(view: View) -> None:
    view = View(view.vault, view.client, view.root, settings=EditorSettings(unsafe_fixes=False))
    titles = list_titles(ask(view, "Home.md", None, "quickfix"))
    assert all(title.startswith(("Allow", "Suppress")) for title in titles)


def test_editor_that_completes_no_actions_gets_edits_and_commands(tmp_path: Path) -> None:
    view = open_view(tmp_path / "vault", NOTES, resolves_edits=False)
    [action] = [item for item in ask(view, "Home.md", "[[Ti¦ed]]") if item.title == LINK]
    assert "[[Tide|Tied]]" in apply_edit(view, action.edit)["Home.md"]
    [action] = [
        item for item in ask(view, "Home.md", "## ¦Part") if item.title.startswith("Extract")
    ]
    assert action.command
    assert action.command.arguments
    edit = COMMANDS[action.command.command](view, action.command.arguments)
    assert "Part.md" in apply_edit(view, edit)


def test_action_of_a_changed_note_says_so(view: View) -> None:
    [action] = [item for item in ask(view, "Home.md", "[[Ti¦ed]]") if item.title == LINK]
    later = view_vault(view.vault, {"Home.md": "Other words\n"})
    with pytest.raises(UsageError, match="the note has changed"):
        complete_action(later, action)


@each(
    "arguments",
    [
        [],
        ["x"],
        [1, 2, 3],
        ["file:///x.md", "", "fix"],
        ["file:///x.md", "", "nothing"],
        [None, None, None],
    ],
)
def test_malformed_commands_are_refused(view: View, arguments: list[object]) -> None:
    with pytest.raises(UsageError):
        make_change(view, arguments)


def test_topic_is_allowed_in_the_configuration_in_force(tmp_path: Path) -> None:
    config = '# mine\nallow-dangling = [\n  "X",\n]\n'
    view = open_view(tmp_path / "vault", {"A.md": "[[Nowhere]]\n", "vaultlink.toml": config})
    [action] = [item for item in ask(view, "A.md", "[[No¦where") if item.title.startswith("Allow")]
    assert action.title == "Allow “Nowhere” in vaultlink.toml"
    edit = complete_action(view, action).edit
    after = apply_edit(view, edit)
    assert after["vaultlink.toml"] == '# mine\nallow-dangling = [\n  "X",\n  "Nowhere",\n]\n'


def test_topic_is_not_allowed_in_a_configuration_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "vaultlink.toml").write_text('select = ["VL101"]\n')
    view = open_view(tmp_path / "vault", {"A.md": "[[Nowhere]]\n"})
    titles = list_titles(ask(view, "A.md", "[[No¦where"))
    assert not [title for title in titles if title.startswith("Allow")]


def test_written_section_is_that_of_the_command(tmp_path: Path, run: RunCommand) -> None:
    view = open_view(tmp_path / "vault", NOTES)
    after = choose(view, ask(view, "Ada Lovelace.md", "# A¦da"), "Write the backlinks section")
    run("sections", "write", "--vault", view.vault.root, "Ada Lovelace.md")
    assert (view.vault.root / "Ada Lovelace.md").read_text() == after["Ada Lovelace.md"]


# -- formatting ------------------------------------------------------------------------------------

SECTION = """<!-- vaultlink:backlinks before=1 after=1 style=context -->

## Backlinks

- [[Old]]

<!-- /vaultlink:backlinks -->
"""


def format_note(view: View, path: str) -> list[types.TextEdit] | None:
    document = types.TextDocumentIdentifier(view.uri(path))
    return format_sections(
        view, types.DocumentFormattingParams(document, types.FormattingOptions(4, True))
    )


def test_formatting_brings_managed_sections_up_to_date(tmp_path: Path, run: RunCommand) -> None:
    note = f"# A  \n\n\n\ttext   \n\n{SECTION}\n\nbelow  "
    view = open_view(
        tmp_path / "vault", {"A.md": note, "B.md": "See [[A]] 🌊.\n", "Old.md": "old\n"}
    )
    edits = format_note(view, "A.md")
    assert edits
    done = apply_edit(view, types.WorkspaceEdit(changes={view.uri("A.md"): edits}))["A.md"]
    assert done == note.replace("- [[Old]]\n", "- [[B]]\n  - See [[A]] 🌊.\n")
    run("sections", "write", "--vault", view.vault.root, "A.md")
    assert (view.vault.root / "A.md").read_text() == done


@each("note", ["# A  \n\n\ntext\n", "# A\n\n## Backlinks\n\n- [[Old]]\n", ""])
def test_formatting_changes_nothing_else(tmp_path: Path, note: str) -> None:
    view = open_view(
        new_folder(tmp_path), {"A.md": note, "B.md": "See [[A]].\n", "Old.md": "old\n"}
    )
    assert not format_note(view, "A.md")


def test_managed_section_of_a_protected_note_stays_as_it_is(tmp_path: Path) -> None:
    files = {"A.md": f"# A\n\n{SECTION}", "B.md": "See [[A]].\n", "Old.md": "old\n"}
    free = open_view(tmp_path / "free", files)
    assert "Fix all safe findings in this note" in list_titles(ask(free, "A.md"))
    assert format_note(free, "A.md")
    view = open_view(tmp_path / "vault", {**files, "vaultlink.toml": 'protect = ["A.md"]\n'})
    assert ask(view, "A.md") == []
    assert format_note(view, "A.md") is None
