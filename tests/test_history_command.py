"""Tests of what vaultlink explains of the past: `vaultlink history`, causes of broken links, `--no-history`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from builder import build_state, collect_findings, make_settings
from repositories import commit, create_repository, git, update_files
from running import CommandResult, RunCommand, let_time_pass
from tables import each
from vaultlink.api import make_suggester, open_vault, replace_state
from vaultlink.cli.commands.lists import choose_columns
from vaultlink.engine.step import step
from vaultlink.history.git_log import read_log
from vaultlink.history.git_renames import NoteHistory, git_history, read_note_history
from vaultlink.history.link_changes import remember_names
from vaultlink.history.matcher import PieceIndex
from vaultlink.model import NO_HISTORY, FormerName, History
from vaultlink.report.listings import DanglingTopicRow

pytestmark = pytest.mark.usefixtures("plain_git")

LONG = "".join(f"Line {number} says something of its own.\n" for number in range(20))
DATE = "2024-01-30"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a repository in which Plan became Goals in two commits, and Draft was deleted."""
    root = create_repository(
        tmp_path / "vault",
        {
            ".obsidian/app.json": "{}",
            "Plan.md": LONG,
            "Draft.md": "Only words.\n",
            "Home.md": "[[Plan]] and [[Draft]], [[Nowhere]]\n",
            "Other.md": "[[Goals]]\n",
        },
    )
    rename(root, "Plan.md", "Ideas/Aims.md")
    rename(root, "Ideas/Aims.md", "Goals.md")
    update_files(root, {"Draft.md": None})
    commit(root)
    return root


def rename(root: Path, old: str, new: str) -> None:
    """Rename a file and commit."""
    (root / new).parent.mkdir(parents=True, exist_ok=True)
    (root / old).rename(root / new)
    commit(root)


@pytest.fixture
def run(run_anywhere: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Return a function that runs a command in the vault."""
    monkeypatch.chdir(vault)
    return run_anywhere


def history_of(run: RunCommand, note: str) -> dict[str, object]:
    """Return the JSON of `vaultlink history`."""
    data = run("history", note, "--output-format", "json").data
    assert isinstance(data, dict)
    return data


def hashes(root: Path) -> list[str]:
    """Return the abbreviated hashes of all commits, the latest first."""
    return git(root, "log", "--format=%h", "--abbrev=7").split()


# -- the command --------------------------------------------------------------------------------------------------


def table_of(run: RunCommand, note: str) -> CommandResult:
    """Return the result of `vaultlink history` as a table."""
    return run("history", note, "--output-format", "table")


def test_table_has_former_paths_and_broken_links(run: RunCommand, vault: Path) -> None:
    _, second, first, start = hashes(vault)
    done = table_of(run, "Goals")
    assert done.lines == [
        "when        what                 where          details",
        f"{DATE}  former path          Ideas/Aims.md  until {second}",
        f"{DATE}  former path          Plan.md        until {first}",
        f"{DATE}  created              Plan.md        in {start}",
        "            link to former path  Home.md:1      [[Plan]]",
    ]
    assert (done.code, done.err) == (0, "Goals.md: 2 former paths, 1 broken link.\n")


def test_json_and_tsv(run: RunCommand, vault: Path) -> None:
    _, second, first, start = hashes(vault)
    assert history_of(run, "Goals") == {
        "schema": 1,
        "note": "Goals.md",
        "deleted": None,
        "created": {"commit": start, "date": DATE},
        "names": [
            {"path": "Ideas/Aims.md", "commit": second, "until": DATE},
            {"path": "Plan.md", "commit": first, "until": DATE},
        ],
        "headings": [],
        "links": [{"path": "Home.md", "line": 1, "column": 1, "raw": "[[Plan]]", "cause": "moved"}],
    }
    assert run("history", "Goals").lines == [
        "kind\tpath\tline\ttext\tdetail",
        f"name\tIdeas/Aims.md\t\t{second}\t{DATE}",
        f"name\tPlan.md\t\t{first}\t{DATE}",
        "link\tHome.md\t1\t[[Plan]]\tmoved",
    ]


@pytest.mark.parametrize("name", ["Plan", "Plan.md", "Ideas/Aims", "aims", "Goals.md"])
def test_note_is_found_by_former_names(run: RunCommand, name: str) -> None:
    assert history_of(run, name)["note"] == "Goals.md"


def test_deleted_note(run: RunCommand, vault: Path) -> None:
    data = history_of(run, "Draft")
    assert data["note"] == "Draft.md"
    assert data["deleted"] == f"deleted in {hashes(vault)[0]} on {DATE}"
    assert data["links"] == [
        {"path": "Home.md", "line": 1, "column": 14, "raw": "[[Draft]]", "cause": "deleted"}
    ]
    assert table_of(run, "Draft").lines[1].split(maxsplit=2) == [
        "deleted",
        "Draft.md",
        data["deleted"],
    ]


def test_note_without_a_past(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"New.md": "Not committed.\n"})
    done = table_of(run, "New")
    assert (done.lines, done.err) == ([], "No history of New.md found.\n")
    assert history_of(run, "Home")["names"] == []


def test_rename_after_the_last_commit(run: RunCommand, vault: Path) -> None:
    (vault / "Goals.md").rename(vault / "Targets.md")
    names = history_of(run, "Targets")["names"]
    assert isinstance(names, list)
    assert [(row["path"], row["until"]) for row in names] == [
        ("Goals.md", None),
        ("Ideas/Aims.md", DATE),
        ("Plan.md", DATE),
    ]
    assert table_of(run, "Targets").lines[1].split(maxsplit=3)[2:] == [
        "Goals.md",
        "until an uncommitted change",
    ]
    assert [row["raw"] for row in history_of(run, "Targets")["links"]] == [  # type: ignore[attr-defined]
        "[[Plan]]",
        "[[Goals]]",
    ]


def test_renames_are_found_although_no_link_is_broken(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"Home.md": "", "Other.md": ""})
    (vault / "Goals.md").rename(vault / "Targets.md")
    data = history_of(run, "Goals")
    assert data["note"] == "Targets.md"
    assert data["links"] == []


def test_without_git_earlier_runs_are_used(run: RunCommand, vault: Path) -> None:
    shutil.rmtree(vault / ".git")
    update_files(vault, {"Home.md": "[[Goals]]\n"})
    let_time_pass()
    run("check")
    (vault / "Goals.md").rename(vault / "Targets.md")
    data = history_of(run, "Goals")
    assert (data["note"], data["created"]) == ("Targets.md", None)
    assert data["names"] == [{"path": "Goals.md", "commit": None, "until": None}]
    assert [row["path"] for row in data["links"]] == ["Home.md", "Other.md"]  # type: ignore[attr-defined]
    assert table_of(run, "Goals").lines[1].split() == ["former", "path", "Goals.md"]


def test_former_headings_that_links_name(run: RunCommand, vault: Path) -> None:
    text = "# Goals\n\n## Steps\n\nOne by one, [[Other]].\n\n## End\n"
    update_files(vault, {"Goals.md": text, "Home.md": "[[Goals#Steps]] [[Goals#Missing]]\n"})
    run("check")
    update_files(vault, {"Goals.md": text.replace("## Steps", "## Next steps")})
    data = history_of(run, "Goals")
    assert data["headings"] == [
        {"subpath": "#Steps", "path": "Goals.md", "now": "#Next steps", "links": 1}
    ]
    assert [(row["raw"], row["cause"]) for row in data["links"]] == [  # type: ignore[attr-defined]
        ("[[Goals#Steps]]", "heading")
    ]
    [line] = [line for line in table_of(run, "Goals").lines if "#Next steps" in line]
    assert line.split(maxsplit=3) == [
        "former",
        "heading",
        "Goals.md",
        "#Steps is #Next steps now, 1 link",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("history",), "error: history requires a note, as in `vaultlink history NOTE`."),
        (("history", "Gaols"), "error: there is no note “Gaols” in "),
        (("history", "Goals", "Home"), "unexpected argument: Home"),
        (
            ("history", "Goals", "--no-history"),
            "error: --no-history can't be used with `vaultlink history`.",
        ),
    ],
)
def test_usage_errors(run: RunCommand, words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


# -- git ----------------------------------------------------------------------------------------------------------


def recorded_past(root: Path, path: str) -> NoteHistory:
    """Return what git knows of a note."""
    return read_note_history(root, read_log(root, (), PieceIndex({})).commits, path)


def test_vault_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"out.md": LONG, "v/x.md": "x\n"})
    rename(root, "out.md", "v/Plan [1].md")
    rename(root, "v/Plan [1].md", "v/Goals.md")
    second, first, _ = hashes(root)
    recorded = recorded_past(root / "v", "Goals.md")
    assert [(item.path, item.until and item.until.commit) for item in recorded.paths] == [
        ("Plan [1].md", second)
    ]
    assert recorded.created is not None
    assert recorded.created.commit == first, "the note came into the vault"


def test_copy_has_no_former_paths(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG})
    update_files(root, {"b.md": LONG, "a.md": LONG + "One more.\n"})
    commit(root)
    assert recorded_past(root, "b.md").paths == ()


def test_note_that_took_a_former_path_has_its_own_past(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG})
    rename(root, "a.md", "b.md")
    update_files(root, {"a.md": "Another note.\n"})
    commit(root)
    assert recorded_past(root, "a.md").paths == ()
    assert [item.path for item in recorded_past(root, "b.md").paths] == ["a.md"]


def test_exchanged_names_are_former_names(tmp_path: Path) -> None:
    other = LONG.replace("Line", "Row")
    root = create_repository(tmp_path, {"a.md": LONG, "b.md": other})
    update_files(root, {"a.md": other, "b.md": LONG})
    commit(root)
    assert [item.path for item in recorded_past(root, "b.md").paths] == ["a.md"]


def test_note_that_was_deleted_and_created_again_has_its_later_creation(tmp_path: Path) -> None:
    root = create_repository(tmp_path, {"a.md": LONG, "b.md": "B\n"})
    for text in (None, "Another note.\n"):
        update_files(root, {"a.md": text})
        commit(root)
    recorded, last = recorded_past(root, "a.md"), hashes(root)[0]
    assert recorded.deleted is None
    assert recorded.created is not None
    assert recorded.created.commit == last


def test_outside_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert recorded_past(tmp_path, "a.md").created is None


# -- causes of broken links ---------------------------------------------------------------------------------------


def test_topics_have_a_cause(run: RunCommand) -> None:
    data = run("topics", "--output-format", "json").data
    assert isinstance(data, dict)
    causes = {row["topic"]: row["cause"] for row in data["topics"]}
    assert (causes["Draft"] or "").startswith("deleted")
    assert causes["Nowhere"] is None
    assert run("topics", "--output-format", "table").lines[0].split()[-1] == "cause"


@each(
    ("cause", "width", "columns"),
    [
        (None, 40, ["count", "topic"]),
        (None, 80, ["count", "topic", "kind", "similar note"]),
        (None, 120, ["count", "topic", "kind", "similar note", "reason", "score"]),
        ("deleted", 80, ["count", "topic", "kind", "similar note", "cause"]),
        ("deleted", 120, ["count", "topic", "kind", "similar note", "reason", "score", "cause"]),
    ],
)
def test_cause_is_a_column_where_there_is_one(
    cause: str | None, width: int, columns: list[str]
) -> None:
    rows = [
        DanglingTopicRow("Plan", 1, (), (), None, "planned"),
        DanglingTopicRow("Draft", 1, (), (), cause, "mistake"),
    ]
    assert list(choose_columns(rows, width)) == columns


def test_suggestions_begin_with_what_the_target_may_be_now(vault: Path) -> None:
    update_files(
        vault,
        {"Home.md": "[[Old plan]] [[Weekly plan]]\n", "Weekly plans.md": "", "Old plans.md": ""},
    )
    opened = open_vault(vault)
    history = History(likely_moves={"Old plan.md": "Goals.md"}, vanished={"Old plan.md": 1})
    state = step(opened.state, [], replace(opened.state.settings, history=history))
    changed = replace_state(opened, state)
    findings = [item for item in changed.check() if item.rule == "dangling-link"]
    suggest = make_suggester(changed, findings)
    assert [[item.path for item in suggest(finding)] for finding in findings] == [
        ["Goals.md", "Old plans.md"],
        ["Weekly plans.md"],
    ]
    assert findings[0].message.endswith("in the vault; it may be “Goals” now.")


Vaults = tuple[Mapping[str, str], Mapping[str, str]]
REMOVED: dict[str, tuple[Vaults, dict[str, FormerName]]] = {
    "an alias": (
        (
            {"a.md": "---\naliases: [LTP, Tide]\n---\n", "b.md": "[[ltp]] [[Tide]]"},
            {"a.md": "---\naliases: [Tide]\n---\n", "b.md": "[[ltp]] [[Tide]]"},
        ),
        {"ltp": FormerName("a.md", "alias")},
    ),
    "a title": (
        (
            {"a.md": "---\ntitle: The tide\n---\n", "b.md": "[[The tide]]"},
            {"a.md": "---\ntitle: The sea\n---\n", "b.md": "[[The tide]]"},
        ),
        {"the tide": FormerName("a.md", "title")},
    ),
    "an alias that no link names": (
        ({"a.md": "---\naliases: [LTP]\n---\n", "b.md": ""}, {"a.md": "", "b.md": ""}),
        {},
    ),
    "an alias that another note had too": (
        (
            {
                "a.md": "---\naliases: [LTP]\n---\n",
                "c.md": "---\ntitle: LTP\n---\n",
                "b.md": "[[LTP]]",
            },
            {"a.md": "", "c.md": "", "b.md": "[[LTP]]"},
        ),
        {},
    ),
    "an alias that another note has now": (
        (
            {"a.md": "---\naliases: [LTP]\n---\n", "c.md": "", "b.md": "[[LTP]]"},
            {"a.md": "", "c.md": "---\naliases: [LTP]\n---\n", "b.md": "[[LTP]]"},
        ),
        {},
    ),
    "the alias of a note that is gone": (
        ({"a.md": "---\naliases: [LTP]\n---\n", "b.md": "[[LTP]]"}, {"b.md": "[[LTP]]"}),
        {},
    ),
    "an alias in another case": (
        (
            {"a.md": "---\naliases: [LTP]\n---\n", "b.md": "[[LTP]]"},
            {"a.md": "---\naliases: [ltp]\n---\n", "b.md": "[[LTP]]"},
        ),
        {},
    ),
}


@each("name", REMOVED)
def test_removed_names_are_remembered(name: str) -> None:
    (before, now), expected = REMOVED[name]
    found = remember_names(NO_HISTORY, build_state(before).index, build_state(now).index, {})
    assert found.names == expected


def test_remembered_name_follows_its_note_until_it_is_used_again() -> None:
    known = History(names={"ltp": FormerName("a.md", "alias")})
    files = {"n.md": "", "b.md": "[[LTP]]"}
    index = build_state(files).index
    moved = remember_names(known, index, index, {"a.md": "n.md"})
    assert moved.names == {"ltp": FormerName("n.md", "alias")}
    again = build_state({**files, "n.md": "---\naliases: [ltp]\n---\n"}).index
    assert remember_names(moved, index, again, {}).names == {}


def test_change_of_a_name_in_the_history_is_a_step_like_any_other() -> None:
    files = {"Home.md": "[[The tide]]\n", "Tide.md": ""}
    settings = make_settings(["dangling-link"])
    history = History(names={"the tide": FormerName("Tide.md", "title")})
    after = step(build_state(files, settings), [], replace(settings, history=history))
    [finding] = collect_findings(after)
    assert finding.message.endswith("; was the title of “Tide” before.")
    assert collect_findings(after) == collect_findings(
        build_state(files, replace(settings, history=history))
    )


@each(
    "before",
    [
        pytest.param({"vanished": {"Log.md": 3}}, id="the note itself vanished before"),
        pytest.param(
            {"moves": {"Old.md": "Log.md"}, "vanished": {"Old.md": 2, "Log.md": 3}},
            id="the note was moved before the file vanished",
        ),
    ],
)
def test_change_of_what_became_of_a_note_itself_is_a_step_like_any_other(
    before: Mapping[str, Any],
) -> None:
    files = {"Log.md": "[[Tide]]\n", "Other.md": ""}
    settings = make_settings(["dangling-link"])
    after = History(deleted=frozenset({"Tide.md"}), vanished={"Tide.md": 5})
    known = replace(after, **{**before, "vanished": {**after.vanished, **before["vanished"]}})
    stepped = step(
        build_state(files, replace(settings, history=known)), [], replace(settings, history=after)
    )
    [finding] = collect_findings(stepped)
    assert finding.message.endswith("; deleted.")


# -- --no-history -------------------------------------------------------------------------------------------------


def checked(run: RunCommand, *options: str) -> CommandResult:
    return run("check", "--select", "VL1", *options)


def test_without_history_links_are_only_dangling(run: RunCommand, vault: Path) -> None:
    assert "moved-link" in checked(run).out
    plain = checked(run, "--no-history")
    assert [line.split()[2] for line in plain.lines] == ["planned-note"] * 3
    assert "deleted" not in plain.out
    assert checked(run, "--no-history", "--no-cache").out == plain.out
    assert "moved-link" in checked(run).out
    assert run("fix", "--no-history").err.count("Fixed") == 0
    assert (vault / "Home.md").read_text(encoding="utf-8").startswith("[[Plan]]")


def test_run_without_history_keeps_what_earlier_runs_remember(run: RunCommand, vault: Path) -> None:
    shutil.rmtree(vault / ".git")
    let_time_pass()
    checked(run)
    (vault / "Other.md").rename(vault / "Others.md")
    update_files(vault, {"Home.md": "[[Other]]\n"})
    assert "moved-link" not in checked(run, "--no-history").out
    assert "moved-link" in checked(run).out


def test_without_history_the_first_run_is_cached(run: RunCommand, vault: Path) -> None:
    first = checked(run, "--no-history")
    assert checked(run, "--no-history") == first
    assert git_history(vault, {}, {}).moves == {}
