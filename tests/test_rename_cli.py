"""`vaultlink rename` and `vaultlink move` on disk: arguments, output, exit codes, diff, undo and git."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from independent_reader import read_tree
from rename_checks import apply_document
from repositories import create_repository, git
from running import CommandResult, RunCommand, create_vault, read_files, write_files
from tables import each

NOTES = {
    "Home.md": "# Home\n[[Old]], [[Projects/Alpha|a]] ![[a.png]]\n[[Old#Part|x]] [[New]]\n",
    "Bom.md": "\ufeffé 🙂 [[Old]] [md](Old.md) [[Old#^b1]]\r\n",
    "Old.md": "---\nup: '[[Home]]'\n---\n# Part\n## Inner\ntext ^b1\n\n[[#Part]] [[Bom]]\n",
    "Projects/Alpha.md": "[[Beta]] [up](../Home.md)\n",
    "Projects/Beta.md": "[[Old#Part#Inner]]",
    "Tags.md": "---\ntags: [todo, area]\n---\n#todo/now and #todo #todont\n",
    "Projects/img/a.png": "",
    "Board.canvas": '{"nodes":[{"id":"1","type":"file","file":"Old.md"}],"edges":[]}',
}
KEYS = {
    *("schema", "command", "renames", "files", "creates", "deletes", "edits"),
    *("fixed", "breaks", "skipped", "captured", "mentions", "left_out", "run"),
}

CONFLICT = b"<<<<<<< a\n[[Old#Part]] [[Projects/Alpha]]\n=======\nx\n>>>>>>> b\n"

OPERATIONS = {
    "note": ("rename", "Old", "New name"),
    "note to a folder": ("rename", "Old.md", "Archive/"),
    "folder": ("rename", "Projects/", "Work"),
    "attachment": ("rename", "a.png", "b"),
    "heading": ("rename", "Old#Part", "Chapter"),
    "nested heading": ("rename", "Old#Part#Inner", "Deep"),
    "block": ("rename", "Old#^b1", "b2"),
    "tag": ("rename", "#todo", "task"),
    "merged tag": ("rename", "#todo", "#area", "--merge"),
    "extracted section": ("extract", "Old#Part"),
    "extracted section in a folder": ("extract", "Old#Part#Inner", "New/Deep"),
    "merged notes": ("merge", "Beta", "Alpha"),
    "move": ("move", "Home", "Old", "Projects/", "Archive/2024"),
}  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault and change to it."""
    monkeypatch.chdir(create_vault(tmp_path / "vault", NOTES))
    return tmp_path / "vault"


def load(done: CommandResult) -> dict[str, Any]:
    """Return the JSON document of a run, with exactly the keys of the contract."""
    data: dict[str, Any] = json.loads(done.out)
    assert data.keys() == KEYS
    assert data["schema"] == 1
    return data


# -- what is written --------------------------------------------------------------------------------------------------


@each("words", OPERATIONS.values(), ids=OPERATIONS)
def test_json_of_a_dry_run_is_what_a_run_writes(
    run: RunCommand, vault: Path, words: Sequence[str]
) -> None:
    before = read_files(vault)
    preview = run(*words, "--diff", "--json")
    assert (preview.code, read_files(vault)) == (1, before)
    data = load(preview)
    assert data["run"] is None
    done = run(*words, "--json")
    assert (done.code, read_files(vault)) == (0, apply_document(before, data))
    assert read_files(vault) != before
    written = load(done)
    assert written["run"]
    assert {**written, "run": None} == data


def test_json_names_what_was_renamed(run: RunCommand, vault: Path) -> None:
    data = load(run("rename", "Old", "New", "--json"))
    assert data["renames"] == [{"kind": "note", "old": "Old.md", "new": "New.md"}]
    assert data["files"] == [{"from": "Old.md", "to": "New.md"}]
    assert data["skipped"] == data["mentions"] == []
    assert data["captured"] == [
        {"path": "Home.md", "line": 3, "column": 16, "raw": "[[New]]", "target": "New.md"}
    ]
    assert data["edits"][1] == {"path": "Bom.md", "start": 13, "end": 16, "text": "New"}
    assert NOTES["Bom.md"].encode()[13:16] == b"Old"


@each(
    ("words", "lines"),
    [(("Topic", "Theme"), [2, 4]), (("#topic", "#theme"), [3]), (("Home", "Start"), [])],
    ids=["note", "tag", "another note"],
)
def test_lines_of_a_base_that_keep_the_old_name_are_listed(
    run: RunCommand, tmp_path: Path, words: Sequence[str], lines: list[int]
) -> None:
    base = 'filters:\n  or: [link("Topic"),\n    file.hasTag("topic"),\n    link("Topic")]\n'
    notes = {"All.base": base, "Topic.md": "[[Home]] #topic\n", "Home.md": "[[Topic]]\n"}
    vault = create_vault(tmp_path / "bases", notes)
    data = load(run("rename", *words, "--json", "--vault", vault))
    assert [(item["path"], item["line"]) for item in data["mentions"]] == [
        ("All.base", line) for line in lines
    ]


def test_json_of_a_folder_lists_its_files(run: RunCommand, vault: Path) -> None:
    data = load(run("rename", "Projects", "Work", "--diff", "--json"))
    assert data["renames"] == [{"kind": "folder", "old": "Projects", "new": "Work"}]
    assert [item["to"] for item in data["files"]] == [
        *("Work/Alpha.md", "Work/Beta.md", "Work/img/a.png"),
    ]


# -- messages ---------------------------------------------------------------------------------------------------------


@each(
    ("words", "sentence"),
    [
        (("rename", "Old", "N"), "Renamed Old.md to N.md; 7 links in 4 notes follow."),
        (("rename", "Old", "Archive/"), "Moved Old.md to Archive/Old.md; 2 links in 2 notes follow."),
        (
            ("rename", "Projects/", "Work"),
            "Renamed Projects/ to Work/ with 3 files; 1 link in 1 note follows.",
        ),
        (("rename", "a.png", "b"), "Renamed Projects/img/a.png to Projects/img/b.png; 1 link in"),
        (
            ("rename", "Old#Part", "C"),
            "Renamed the heading Old.md#Part to C; 3 links in 3 notes follow.",
        ),
        (
            ("rename", "Old#^b1", "b2"),
            "Renamed the block Old.md#^b1 to ^b2; 1 link in 1 note follows.",
        ),
        (("rename", "Beta", "B"), "Renamed Projects/Beta.md to Projects/B.md; 1 link in 1 note"),
        (("move", "Beta", "Old"), "error: "),
        (("move", "Beta", "Alpha", "/"), "Moved 2 notes to /; "),
        (("move", "Beta", "a.png", "X"), "Moved 2 items to X/; no link changes."),
        (("extract", "Old#Part"), "Extracted Old.md#Part to Part.md; 3 links in 3 notes follow."),
        (("merge", "Beta", "Alpha"), "Merged Projects/Beta.md into Projects/Alpha.md; "),
        (("move", "Projects", "X"), "Moved Projects/ to X/Projects/ with 3 files; 1 link in 1 note"),
    ],
)  # fmt: skip
def test_summary(run: RunCommand, vault: Path, words: Sequence[str], sentence: str) -> None:
    done = run(*words)
    assert done.out == ""
    assert sentence in done.err
    assert sentence.startswith("error") or "`vaultlink undo` reverts it.\n" in done.err


def test_captured_links_are_named_with_their_place(run: RunCommand, vault: Path) -> None:
    assert run("rename", "Old", "New").err.splitlines() == [
        "1 unresolved link will resolve:",
        "  Home.md:3:16: [[New]] -> New.md",
        "Renamed Old.md to New.md; 7 links in 4 notes follow. `vaultlink undo` reverts it.",
    ]


def test_captured_links_to_headings_and_blocks_are_named(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"l.md": "[[Old#Piece]] [[Old#^day]] [[Old#Other]]\n"})
    done = run("rename", "Old#Part", "Piece", "--diff")
    assert "1 unresolved link will resolve:\n  l.md:1:1: [[Old#Piece]] -> Old.md\n" in done.err
    plan = vault.parent / "plan.tsv"
    plan.write_text("Old#^b1\tday\nOld\tNew note\n")
    data = load(run("rename", "--from-file", plan, "--json"))
    assert [(item["raw"], item["target"]) for item in data["captured"]] == [
        ("[[Old#^day]]", "New note.md")
    ]


def test_details_and_tsv_list_the_changed_files(run: RunCommand, vault: Path) -> None:
    rows = run("rename", "Old", "N", "--diff", "--output-format", "tsv")
    assert rows.out.startswith("--- ") or "rename" in rows.out
    done = run("rename", "a.png", "b", "--output-format", "tsv")
    assert done.lines == [
        "path\tnew_path\tedits",
        "Home.md\tHome.md\t1",
        "Projects/img/a.png\tProjects/img/b.png\t0",
    ]
    assert run("rename", "b.png", "c", "-v").lines[0].split() == ["file", "becomes", "edits"]


def test_quiet_run_prints_nothing(run: RunCommand, vault: Path) -> None:
    assert run("rename", "Old", "New", "-q") == (0, "", "")


def test_paths_are_those_of_the_vault_or_of_the_current_folder(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(vault / "Projects")
    assert run("rename", "Alpha.md", "Gamma").code == 0
    assert run("rename", "Projects/Gamma.md", "Delta").code == 0
    assert run("rename", str(vault / "Old.md"), str(vault / "Archive" / "Old")).code == 0
    assert run("move", "img", "/").code == 0
    assert {"Projects/Delta.md", "Archive/Old.md", "img/a.png"} <= read_files(vault).keys()


def test_outside_paths_are_refused(run: RunCommand, vault: Path, tmp_path: Path) -> None:
    before = read_files(vault)
    for new in (str(tmp_path / "New"), "/etc/New", "../New", "Projects/../../New"):
        done = run("rename", "Old", new)
        assert (done.code, done.out) == (2, "")
    assert "/etc is outside the vault" in run("move", "Old", "/etc").err
    assert run("rename", "Old", "../New").err.count("New") == 1
    assert read_files(vault) == before


# -- exit codes -------------------------------------------------------------------------------------------------------


@each(
    "words",
    [
        ("rename",),
        ("rename", "Old"),
        ("rename", "Old", ""),
        ("rename", "Old", "New", "More"),
        ("rename", "Nothing", "New"),
        ("rename", "Old", "Home"),
        ("rename", "Old", ".hidden"),
        ("rename", "Old", "what?"),
        ("rename", "Old#Nothing", "New"),
        ("rename", "Old#Part", ""),
        ("rename", "Old#^b1", "not valid"),
        ("rename", "#nothing", "#new"),
        ("rename", "Projects/", "Projects/img/deep"),
        ("rename", "Old", "New", "--from-file", "plan.tsv"),
        ("rename", "--from-file", "nothing.tsv"),
        ("rename", "Old", "New", "--output-format", "github"),
        ("rename", "#todo", "#1"),
        ("rename", "#todo", "#two words"),
        ("rename", "#todo", "#area"),
        ("move",),
        ("move", "Old"),
        ("move", "Old", "Home.md"),
        ("move", "Nothing", "Projects"),
        ("move", "Old#Part", "Projects"),
        ("move", "Projects", "Projects"),
        ("extract",),
        ("extract", "Old"),
        ("extract", "Old#^b1"),
        ("extract", "Old#Part", "Home"),
        ("extract", "Old#Part", "home"),
        ("extract", "Old#Part", "../New"),
        ("extract", "Old#Part", "what?"),
        ("extract", "Old#Part", "Home.md/New"),
        ("extract", "Old#Part", ""),
        ("merge",),
        ("merge", "Old"),
        ("merge", "Old", "Old"),
        ("merge", "Old", "Projects/"),
        ("merge", "a.png", "Old"),
    ],
)
@each("diff", [(), ("--diff",)])
def test_refusals_write_nothing_and_exit_with_2(
    run: RunCommand, vault: Path, words: Sequence[str], diff: Sequence[str]
) -> None:
    before = read_files(vault)
    done = run(*words, *diff)
    assert (done.code, done.out, done.err[:7]) == (2, "", "error: ")
    assert read_files(vault) == before
    assert run("undo", "--list").lines[1:] == []


def test_merge_needs_a_tag(run: RunCommand, vault: Path) -> None:
    before = read_files(vault)
    done = run("rename", "Old", "New", "--merge")
    assert (done.code, "--merge requires a tag" in done.err) == (2, True)
    assert read_files(vault) == before


def test_git_needs_a_work_tree(run: RunCommand, vault: Path) -> None:
    before = read_files(vault)
    done = run("rename", "Old", "New", "--git")
    assert (done.code, "is not in a git work tree" in done.err) == (2, True)
    assert read_files(vault) == before


def test_missing_words_explain_quotes(run: RunCommand, vault: Path) -> None:
    assert "Put names with # or spaces in quotes" in run("rename").err
    assert "rename requires a new name for “Old”" in run("rename", "Old").err
    assert "then the folder to move them into" in run("move", "Old").err
    assert "`vaultlink extract 'Note#Heading'`" in run("extract").err
    assert "`vaultlink merge 'My note' Other`" in run("merge", "Old").err


UNWRITABLE = {
    "in conflict": (CONFLICT, "it contains merge conflict markers"),
    "read-only": (b"[[Old#Part]] [[Projects/Alpha]]\n", "it is read-only"),
    "linked twice": (
        b"[[Old#Part]] [[Projects/Alpha]]\n",
        "it has a second hard link, which would keep the old text",
    ),
}
"""Texts of a note that can't be written, with the reason."""


@each("diff", [[], ["--diff"]], ids=["run", "diff"])
@each(("text", "reason"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_nothing_is_renamed_if_a_note_can_not_be_changed(
    run: RunCommand, vault: Path, text: bytes, reason: str, diff: list[str]
) -> None:
    write_files(vault, {"Stuck.md": text})
    if "hard link" in reason:
        (vault.parent / "second name").hardlink_to(vault / "Stuck.md")
    if reason == "it is read-only":
        (vault / "Stuck.md").chmod(0o444)
    before = read_files(vault)
    for words in (
        ("rename", "Old", "N"),
        ("rename", "Projects", "Work"),
        ("extract", "Old#Part"),
        ("merge", "Old", "Bom"),
    ):
        done = run(*words, *diff)
        assert done.code == 2, words
        assert f"Stuck.md can't be changed: {reason}. Nothing was written." in done.err
        assert "--skip-unwritable" in done.err
        assert read_files(vault) == before


UNRELATED: dict[str, tuple[str, ...]] = {
    "image": ("rename", "Projects/img/a.png", "b"),
    "tag": ("rename", "#todo", "#later"),
    "note": ("rename", "Old", "New name"),
    "merge": ("merge", "Old", "Bom"),
    "extract": ("extract", "Old#Part#Inner"),
}


@each("words", UNRELATED.values(), ids=UNRELATED)
def test_a_conflict_of_a_canvas_that_names_nothing_does_not_matter(
    run: RunCommand, vault: Path, words: Sequence[str]
) -> None:
    card = '{"nodes":[{"id":"1","type":"text","text":"[[Home]] #area"}],"edges":[]}'
    copy = "Map.sync-conflict-20240102-030405-ABCDEFG.canvas"
    write_files(vault, {"Map.canvas": card, copy: card})
    done = run(*words, "--json")
    assert (done.code, load(done)["skipped"]) == (0, [])


@each(
    ("words", "card"),
    [
        (("rename", "#todo", "#later"), '{"id":"1","type":"text","text":"#todo"}'),
        (
            ("rename", "Projects/img/a.png", "b"),
            '{"id":"1","type":"group","background":"Projects/img/a.png"}',
        ),
        (("rename", "Old", "New name"), '{"id":"1","type":"file","file":"Old.md"}'),
    ],
)
def test_a_conflict_of_a_canvas_that_names_it_refuses(
    run: RunCommand, vault: Path, words: Sequence[str], card: str
) -> None:
    canvas = f'{{"nodes":[{card}],"edges":[]}}'
    copy = "Map.sync-conflict-20240102-030405-ABCDEFG.canvas"
    write_files(vault, {"Map.canvas": canvas, copy: canvas})
    done = run(*words)
    assert (done.code, "Map.canvas can't be changed" in done.err) == (2, True), done.err


def test_merge_prints_the_properties_that_are_not_taken(run: RunCommand, vault: Path) -> None:
    notes = {
        "One.md": "---\nstatus: open\nup: '[[Two]]'\n---\na\n",
        "Two.md": "---\nstatus: done\n---\nb\n",
    }
    write_files(vault, notes)
    done = run("merge", "One", "Two", "--diff")
    assert (
        "2 properties of One.md are not taken:\n  status: open (kept done)\n  up: '[[Two]]'\n"
    ) in done.err
    rows = load(run("merge", "One", "Two", "--json"))["left_out"]
    assert [tuple(row.values()) for row in rows] == [
        ("One.md", 2, "status", "open", "done"),
        ("One.md", 3, "up", "'[[Two]]'", ""),
    ]
    assert run("undo").code == 0
    assert {name: text.encode() for name, text in notes.items()}.items() <= read_files(
        vault
    ).items()


def test_merge_asks_on_a_terminal_only(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"One.md": "---\na: 1\n---\n", "Two.md": "---\na: 2\n---\n"})
    before = read_files(vault)
    done = run("merge", "One", "Two", "-i")
    assert (done.code, read_files(vault)) == (2, before)
    assert "--interactive requires a terminal" in done.err


def test_note_that_can_not_be_changed_is_skipped_on_request(run: RunCommand, vault: Path) -> None:
    conflict = CONFLICT.decode()
    write_files(vault, {"Conflict.md": conflict})
    done = run("rename", "Old", "N", "--skip-unwritable", "--json")
    assert done.code == 1
    data = load(done)
    assert data["skipped"] == [{"path": "Conflict.md", "why": "it contains merge conflict markers"}]
    assert data["breaks"] == [
        {"path": "Conflict.md", "line": 2, "column": 1, "text": "[[Old#Part]]"}
    ]
    assert "Conflict.md: skipped: it contains merge conflict markers.\n" in done.err
    after = read_files(vault)
    assert after["Conflict.md"] == conflict.encode()
    assert b"[[N]], " in after["Home.md"]
    assert "N.md" in after


def test_summary_counts_only_what_was_written(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Linked.md": "[[Old]]\n"})
    (vault.parent / "second name").hardlink_to(vault / "Linked.md")
    done = run("rename", "Old", "N", "--skip-unwritable", "--output-format", "tsv")
    assert done.code == 1
    assert "Renamed Old.md to N.md; 7 links in 4 notes follow." in done.err
    assert "Linked.md" not in done.out


# -- plans ------------------------------------------------------------------------------------------------------------


def test_plan_file_swaps_names_in_one_run(run: RunCommand, vault: Path) -> None:
    before = read_files(vault)
    (vault.parent / "plan.tsv").write_text("old\tnew\nOld\tHome\nHome\tOld\nBom\tX/\n")
    done = run("rename", "--from-file", "../plan.tsv")
    assert (done.code, done.out) == (0, "")
    assert "Made 3 renames; " in done.err
    after = read_files(vault)
    assert after["Home.md"].startswith(b"---\nup: '[[Old]]'\n---\n")
    assert b"[[Home]], [[Projects/Alpha|a]]" in after["Old.md"]
    assert "X/Bom.md" in after
    assert run("undo").code == 0
    assert read_files(vault) == before


def test_errors_of_a_plan_file_have_lines(run: RunCommand, vault: Path) -> None:
    (vault / "plan.tsv").write_text("Old\tNew\nNothing\tX\n\nHome\n")
    lines = run("rename", "--from-file", "plan.tsv").err.splitlines()
    assert "plan.tsv: line 2: there is no note" in lines[0]
    assert lines[1].startswith("line 4: expected the old name")
    (vault / "plan.tsv").write_text("Old\tNew\nNothing\tX\n")
    done = run("rename", "--from-file", "plan.tsv")
    assert (done.code, "plan.tsv: line 2: there is no note" in done.err) == (2, True)
    (vault / "plan.tsv").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in run("rename", "--from-file", "plan.tsv").err


def test_all_refusals_of_a_plan_are_listed(run: RunCommand, vault: Path) -> None:
    (vault / "plan.tsv").write_text("Old\tHome\nBom\t.hidden\nBeta\tAlpha\n")
    done = run("rename", "--from-file", "plan.tsv")
    assert done.code == 2
    assert done.err.startswith("error: nothing was written, because of ")
    assert ".hidden.md is hidden" in done.err


# -- diffs ------------------------------------------------------------------------------------------------------------


# -- git --------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("plain_git")
def test_git_sees_a_rename_and_stages_it_only_if_asked(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "vault"
    create_repository(root, NOTES)
    monkeypatch.chdir(root)
    assert run("rename", "Old", "N").code == 0
    assert git(root, "diff", "--cached", "--name-only") == ""
    assert run("undo").code == 0
    assert git(root, "status", "--porcelain") == ""
    assert run("rename", "Old", "N", "--git").code == 0
    assert "R  Old.md -> N.md" in git(root, "status", "--porcelain")


# -- the form of the output -------------------------------------------------------------------------------------------


# -- a rerun completes what was skipped --------------------------------------------------------------


CONFLICTED = "<<<<<<< ours\n%s\n=======\n>>>>>>> theirs\n"

UNFINISHED = {
    "note": (("rename", "Old", "New"), "[[Old]] [x](Old.md)", "[[New]] [x](New.md)"),
    "heading": (("rename", "Old#Part", "Piece"), "[[Old#Part]]", "[[Old#Piece]]"),
    "block": (("rename", "Old#^id", "other"), "[[Old#^id]]", "[[Old#^other]]"),
    "tag": (("rename", "#old", "#new"), "#old #old/x", "#new #new/x"),
    "folder": (("rename", "f/", "g"), "[[f/In]] [x](f/In.md)", "[[g/In]] [x](g/In.md)"),
    "move": (("move", "Old", "f/In", "h"), "[x](Old.md) [[f/In]]", "[x](h/Old.md) [[h/In]]"),
}
"""Words of a command, links of a note that it skips at first, and the links after a rerun."""


@each(("words", "before", "after"), UNFINISHED.values(), ids=UNFINISHED.keys())
def test_a_rerun_completes_a_skipped_note(
    run: RunCommand, tmp_path: Path, words: tuple[str, ...], before: str, after: str
) -> None:
    vault = create_vault(
        tmp_path / "vault",
        {
            "Old.md": "# Part\n\ntext ^id\n\n#old\n",
            "f/In.md": "[[Old]]\n",
            "s.md": CONFLICTED % before,
            "t.md": before,
        },
    )
    words = (*words, "--skip-unwritable")
    first = run(*words, "--vault", vault)
    assert (first.code, (vault / "t.md").read_text()) == (1, after)
    (vault / "s.md").write_text(before)
    again = run(*words, "--vault", vault)
    assert (again.code, (vault / "s.md").read_text()) == (0, after), again.err
    tree = read_files(vault)
    run(*words, "--vault", vault)
    assert read_files(vault) == tree


def test_a_rerun_of_a_swap_completes_it_instead_of_swapping_back(
    run: RunCommand, tmp_path: Path
) -> None:
    vault = create_vault(
        tmp_path / "vault", {"a.md": "A", "b.md": "B", "s.md": CONFLICTED % "[[a]] [[b]]"}
    )
    plan = tmp_path / "plan.tsv"
    plan.write_text("a.md\tb.md\nb.md\ta.md\n")
    words = ("rename", "--from-file", plan, "--skip-unwritable", "--vault", vault)
    assert run(*words).code == 1
    (vault / "s.md").write_text("[[a]] [[b]]")
    assert run(*words).code == 0
    assert {path.name: path.read_text() for path in vault.glob("*.md")} == {
        "a.md": "B",
        "b.md": "A",
        "s.md": "[[b]] [[a]]",
    }


def test_note_is_merged_although_a_link_to_it_stays_on_request(
    run: RunCommand, tmp_path: Path
) -> None:
    vault = create_vault(
        tmp_path / "vault", {"a.md": "A\n", "b.md": "B\n", "s.md": CONFLICTED % "[[a]]"}
    )
    before = read_files(vault)
    done = run("merge", "a", "b", "--skip-unwritable", "--json", "--vault", vault)
    assert done.code == 1
    assert [item["path"] for item in load(done)["breaks"]] == ["s.md"]
    assert read_files(vault).keys() == {"b.md", "s.md"}
    assert run("undo", "--vault", vault).code == 0
    assert read_files(vault) == before


def test_nothing_is_removed_while_a_link_to_it_stays(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault", {"a.md": "A\n", "b.md": "B\n", "s.md": CONFLICTED % "[[a]]"}
    )
    before = read_files(vault)
    assert run("merge", "a", "b", "--vault", vault).code != 0
    assert read_files(vault) == before


@each(("options", "link"), [((), "[[b/Twin|Twin]]"), (("--no-display",), "[[b/Twin]]")])
@each("words", [("rename", "Old", "b/Twin"), ("move", "/Twin.md", "b/")])
def test_no_display_adds_no_text(
    run: RunCommand, tmp_path: Path, words: Sequence[str], options: Sequence[str], link: str
) -> None:
    name = "Old" if words[0] == "rename" else "Twin"
    files = {"a/Twin.md": "", f"{name}.md": "", "s.md": f"[[{name}]]\n"}
    vault = create_vault(tmp_path / "vault", files)
    assert run(*words, *options, "--vault", vault).code == 0
    assert (vault / "s.md").read_text(encoding="utf-8") == f"{link}\n"


# -- words that likely mean something else ----------------------------------------------------------------------------


@pytest.fixture
def harbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create two vaults in a folder, which becomes the current one."""
    folder = tmp_path / "harbours"
    create_vault(folder / "a", {"n.md": "# N\n\ntext\n", "sea/p.md": ""})
    create_vault(folder / "b", {"m.md": ""})
    (folder / "free").mkdir()
    monkeypatch.chdir(folder)
    return folder


@each(
    ("words", "place"),
    [
        (("rename", "a/n.md", "b/"), "b/ is in the vault {0}/b, and a/n.md in the vault {0}/a."),
        (("rename", "a/n.md", "b/x"), "b/x is in the vault {0}/b, and a/n.md in the vault {0}/a."),
        (("rename", "a/n", "b/"), "b/ is in the vault {0}/b, and a/n in the vault {0}/a."),
        (("rename", "a/n.md", "free/"), "free/ is outside the vault {0}/a."),
        (("extract", "a/n.md#N", "b/"), "b/ is in the vault {0}/b"),
        (("move", "a/n.md", "b"), "{0}/a, {0}/b"),
        (("rename", "n", "b/", "--vault", "a"), ""),
        (("rename", "a/n.md", "New/"), ""),
        (("rename", "a/n.md", "a/New/"), ""),
        (("rename", "a/n.md", "sea/"), ""),
        (("rename", "a/n.md", "b"), ""),
    ],
)
def test_paths_of_other_vaults_are_refused(
    run: RunCommand, harbours: Path, words: Sequence[str], place: str
) -> None:
    before = read_tree(harbours)
    done = run(*words, "--diff") if not place else run(*words)
    assert done.code == (2 if place else 1), done.err
    assert place.format(harbours) in done.err
    assert read_tree(harbours) == before


@each("words", [("merge", "n", "../b/m.md"), ("delete", "../b/m.md"), ("move", "n", "../b")])
def test_paths_outside_the_vault_are_refused(
    run: RunCommand, harbours: Path, words: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(harbours / "a")
    done = run(*words)
    assert (done.code, done.err) == (
        2,
        f"error: {words[-1]} is outside the vault {harbours / 'a'}.\n",
    )


@pytest.fixture
def pier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a small vault, which becomes the current folder."""
    files = {
        "Pier.md": "# Pier\n\n## Crane: *old*\n\ntext\n",
        "Mole.md": "# Mole\n",
        "C.md": "",
        "sea/Deep.md": "",
        "-dash.md": "",
        "Folder/x.md": "",
    }
    folder = create_vault(tmp_path / "pier", files)
    monkeypatch.chdir(folder)
    return folder


@each(
    ("words", "code", "message"),
    [
        # the second word of a heading
        (
            ("rename", "Pier#Crane: *old*", "Mole#x"),
            2,
            "names a part of Mole.md. A heading or block stays",
        ),
        (("rename", "Pier#Crane: *old*", "Pier.md#New"), 1, "Pier.md#Crane: *old* to New;"),
        (("rename", "Pier#Crane: *old*", "C# and D"), 1, " to C# and D;"),
        (("rename", "Pier#Crane: *old*", "Nobody#x"), 1, " to Nobody#x;"),
        # a section with a folder, or without a name
        (("extract", "Pier#Crane: *old*", "Folder/"), 1, "to Folder/Crane old.md;"),
        (("extract", "Pier#Crane: *old*", "/"), 1, "to Crane old.md;"),
        (("extract", "Pier#Crane: *old*", "Folder/New"), 1, "to Folder/New.md;"),
        (
            ("extract", "Pier#Pier"),
            2,
            "Give the new note a name: `vaultlink extract 'Pier#Pier' NAME`.",
        ),
        (
            ("extract", "Pier#Pier", "Mole"),
            2,
            "there is a file Mole.md already. Nothing was written.\n",
        ),
        # names in which links have a meaning
        (("rename", "Mole", "a^b"), 1, "Obsidian may not follow links with ^ in a name."),
        (("rename", "Mole", "a%%b"), 1, "Obsidian may not follow links with %% in a name."),
        (("rename", "Mole", "a[b"), 1, "Obsidian may not follow links with [ in a name."),
        (("rename", "Mole", "a % b"), 1, "no link changes.\n"),
        (("rename", "Mole", "a#b"), 2, "contains #, so no wikilink can contain it"),
        # case only
        (("rename", "sea", "Sea"), 1, "Would rename sea/ to Sea/ "),
        (("rename", "sea/", "Sea/"), 1, "Would rename sea/ to Sea/ "),
        (("rename", "sea/", "Folder/"), 1, "Would move sea/ to Folder/sea/ "),
        # dashes
        (("rename", "-dash", "dash"), 2, "Put -- before names that begin with a dash."),
        (("delete", "-dash"), 2, "Put -- before names that begin with a dash."),
        (
            ("delete", "-x"),
            2,
            "there is no option -x. `vaultlink delete --help` lists all options.",
        ),
        # a name in the place of another
        (("move", "Mole", "Deep"), 2, "there is no folder “Deep”, but a file sea/Deep.md."),
        (("move", "Mole", "Deep/"), 1, "Would move Mole.md to Deep/Mole.md;"),
        (
            ("rename", "New Name", "Mole"),
            2,
            "The second word names Mole.md: the old name comes first",
        ),
        (("rename", "New Name", "Other"), 2, "note, attachment or folder"),
    ],
)
def test_likely_mistakes_in_names(
    run: RunCommand, pier: Path, words: Sequence[str], code: int, message: str
) -> None:
    before = read_tree(pier)
    done = run(*words, "--diff") if code == 1 else run(*words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert read_tree(pier) == before


@each(
    ("words", "code", "message"),
    [
        (("open", "Pier#Crane: *old*"), 0, ""),
        (("backlinks", "Pier#^x"), 0, ""),
        (("history", "[[Pier#Crane]]"), 0, ""),
        (("show", "obsidian://open?vault=pier&file=sea%2FDeep"), 0, ""),
        (("show", "obsidian://open?file=sea/Deep.md"), 0, ""),
        (("show", "obsidian://open?vault=quay&file=Pier"), 2, "is of the vault “quay”, and this"),
        (("show", "obsidian://open?vault=pier"), 2, "has neither `file` nor `path`"),
        (("show", "obsidian://open?file=%00"), 2, "the address names no note"),
        (("check", "obsidian://open?vault=pier&file=Pier"), 2, "`vaultlink show` takes it."),
        (("backlinks", "Folder/"), 2, "error: Folder/ is a folder. Name a note."),
        (("show", "sea"), 2, "error: sea/ is a folder. Name a note."),
        (("show", "Nobody#x"), 2, "there is no note “Nobody#x”"),
        (("move", "Folder/*.md", "sea"), 2, "vaultlink takes no patterns"),
        (("delete", "Fol*"), 2, "vaultlink takes no patterns"),
        (("rename", "Pier?", "New"), 2, "Did you mean Pier.md"),
        (("check", "--select", "VL101", "VL102"), 2, "Rules are separated by commas"),
        (("check", "VL1.md"), 2, "VL1.md: no such file or folder.\n"),
        (("check", "~/x"), 2, "The shell expands ~ only without quotes"),
        (("check", "--vault=~/x"), 2, "The shell expands ~ only without quotes"),
        (("show", "~/x"), 2, "The shell expands ~ only without quotes"),
        (("show", "q~/z"), 2, "A note is named by its path"),
        (("merge", "Mole", "C", "-i"), 2, "--interactive requires a terminal."),
        (("merge", "Mole", "C", "-i", "--diff"), 2, "--interactive requires a terminal."),
    ],
)
def test_words_for_another_program_or_command(
    run: RunCommand, pier: Path, words: Sequence[str], code: int, message: str
) -> None:
    before = read_tree(pier)
    done = run(*words)
    assert (done.code, message in done.err) == (code, True), done.err
    assert read_tree(pier) == before


# -- symbolic links ---------------------------------------------------------------------------------------------------

LINKED = {
    ("delete", "Shortcut.md", "--leave"): "“Shortcut.md” is a symbolic link. Name the file that it leads to: Old.md.",
    ("delete", "./Shortcut.md", "--leave"): "“./Shortcut.md” is a symbolic link. Name the file that it leads to: Old.md.",
    ("delete", "pic.png", "--leave"): "Name the file that it leads to: Projects/img/a.png.",
    ("delete", "Alias/img/a.png", "--leave"): "“Alias/img/a.png” is behind Alias, a symbolic link. Name the file",
    ("delete", "Alias", "--leave"): "“Alias” is a symbolic link. Name the folder that it leads to: Projects/.",
    ("delete", "Seen", "--leave", "--diff"): "“Seen” is a symbolic link. It leads to nothing that the vault lists.",
    ("delete", "Outer", "--leave", "--diff"): "Outer is a symbolic link, which vaultlink does not delete.",
    ("delete", "Outer/n.md", "--leave", "--diff"): "Outer/n.md is outside the vault, behind a symbolic link.",
    ("delete", "Old", "--to", "Shortcut.md"): "“Shortcut.md” is a symbolic link.",
    ("delete", "{root}/Shortcut.md", "--leave"): "Shortcut.md” is a symbolic link. Name the file that it leads to: Old.md",
    ("delete", "{root}/../outer.md", "--leave"): "outer.md” is a symbolic link. Name the file that it leads to: Old.md",
    ("rename", "Shortcut.md", "x"): "“Shortcut.md” is a symbolic link.",
    ("rename", "Shortcut.md#Part", "x"): "“Shortcut.md” is a symbolic link.",
    ("rename", "Home", "Seen/x"): "Seen/x.md is behind Seen, which is a symbolic link.",
    ("rename", "Home", "Alias/x"): "Alias/x.md is behind Alias, which is a symbolic link.",
    ("move", "Shortcut.md", "Projects"): "“Shortcut.md” is a symbolic link.",
    ("move", "Home", "Seen/"): "“Seen/” is a symbolic link.",
    ("move", "Home", "Alias/"): "“Alias/” is a symbolic link. Name the folder that it leads to: Projects/.",
    ("merge", "Shortcut.md", "Home"): "“Shortcut.md” is a symbolic link.",
    ("merge", "Home", "Shortcut.md"): "“Shortcut.md” is a symbolic link.",
    ("extract", "Shortcut.md#Part"): "“Shortcut.md” is a symbolic link.",
    ("extract", "Old#Part", "Seen/Z"): "Seen/Z.md is behind Seen, which is a symbolic link.",
}  # fmt: skip


def add_links(vault: Path) -> None:
    write_files(vault.parent / "out", {"n.md": ""})
    links = {
        **{"Shortcut.md": "Old.md", "pic.png": "Projects/img/a.png", "Alias": "Projects"},
        **{"Seen": ".obsidian", "Outer": "../out", "../whole": "vault"},
        **{"../outer.md": "vault/Old.md", "../part": "vault/Projects"},
    }
    for path, target in links.items():
        (vault / path).symlink_to(target)


@each(("words", "reason"), LINKED.items())
def test_paths_with_links_that_are_not_listed_are_refused(
    run: RunCommand, vault: Path, words: tuple[str, ...], reason: str
) -> None:
    add_links(vault)
    before = read_tree(vault)
    done = run(*[word.format(root=vault) for word in words])
    assert done.code == 2
    assert reason in done.err
    assert "Nothing was written." in done.err
    assert read_tree(vault) == before


LISTED = {
    "the file itself": ("Projects/Beta.md", "Projects/x.md"),
    "a vault behind a link": ("../whole/Projects/Beta.md", "Projects/x.md"),
    "a folder of the vault behind a link outside": ("../part/Beta.md", "Projects/x.md"),
    "a name": ("Beta", "Projects/x.md"),
}


@each(("word", "new"), LISTED.values(), ids=LISTED)
def test_links_above_a_vault_are_followed(
    run: RunCommand, vault: Path, word: str, new: str
) -> None:
    add_links(vault)
    assert run("rename", str(vault / word) if "/" in word else word, "x").code == 0
    assert (vault / new).is_file()
