"""The trend of a vault: each point equals a fresh check of a checkout of its commit."""

import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from zlib import adler32

import msgspec
import pytest

from repositories import commit, create_repository, git, update_files
from running import RunCommand
from tables import each
from test_engine import FOLDERS, NAMES, some_text
from vaultlink.api import Vault, open_vault
from vaultlink.cli.commands.report import compute_trend
from vaultlink.cli.terminal import ProgressLine
from vaultlink.dashboard.model import Trend, TrendPoint
from vaultlink.dashboard.score import compute_score, count_score
from vaultlink.disk.scan import Settings
from vaultlink.report.listings import topic_rows

pytestmark = pytest.mark.usefixtures("plain_git")

encode = msgspec.msgpack.encode

EVERYTHING = 'select = ["ALL"]\n'
CONFIGS = (
    EVERYTHING,
    'extend-select = ["orphan-note"]\nexclude = ["x/*"]\n',
    'allow-dangling = ["c*"]\n[rules.empty-note]\n',
    '[backlinks]\nmode = "write"\n',
)
OBSIDIAN = ('{"userIgnoreFilters": ["x/"]}', "{}", '{"attachmentFolderPath": "x"}')
FILES = ("p.png", "x/p.png", "x/q.pdf", "m.canvas", "x/t.base")


def open_at(root: Path, cache: Path | None = None, jobs: int | None = None) -> Vault:
    """Open a vault with a cache in a folder; without a cache if there is none."""
    return open_vault(root, Settings(cache=cache is not None, cache_dir=cache, jobs=jobs))


def check_checkout(vault: Vault, there: Path, name: str, date: str) -> TrendPoint:
    """Check the vault of a checkout with the current settings of a vault."""
    shutil.rmtree(there / ".obsidian", ignore_errors=True)
    if (vault.root / ".obsidian").exists():
        shutil.copytree(vault.root / ".obsidian", there / ".obsidian")
    config = vault.root / "vaultlink.toml"
    fresh = open_vault(there, Settings(cache=False, history=False, config_file=config))
    counts = fresh.summary()
    return TrendPoint(
        name,
        date,
        compute_score(count_score(fresh.state)).value,
        counts["notes"],
        counts["links"],
        counts["dangling"],
        len(topic_rows(fresh.state, lambda _topic: ())),
        len(fresh.check()),
    )


# -- each point is that of a fresh check ----------------------------------------------------------------------------------


def draw_changes(dice: random.Random, root: Path) -> None:
    """Draw a batch of creations, edits, deletions and renames of notes and other files, and settings."""
    for _ in range(dice.randint(1, 6)):
        there = sorted(
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.is_file()
            and not path.is_symlink()
            and ".git" not in path.parts
            and path.name not in ("keep.md", "vaultlink.toml", "app.json", ".gitignore", ".git")
        )
        path, what = f"{dice.choice(FOLDERS)}{dice.choice(NAMES)}.md", dice.random()
        if there and what < 0.2:
            (root / dice.choice(there)).unlink()
        elif there and what < 0.4:
            old = dice.choice(there)
            new = f"{path.removesuffix('.md')}{Path(old).suffix}"
            if not (root / new).exists():
                (root / new).parent.mkdir(parents=True, exist_ok=True)
                (root / old).rename(root / new)
        elif what < 0.55:
            update_files(root, {dice.choice(FILES): draw_content(dice)})
        elif what < 0.65:
            update_files(root, {"vaultlink.toml": dice.choice(CONFIGS)})
        elif what < 0.7:
            update_files(root, {".obsidian/app.json": dice.choice(OBSIDIAN)})
        elif what < 0.75:
            update_files(root, {path: b"\xff\xfe not UTF-8"})
        else:
            update_files(root, {path: some_text(dice, path)})


def draw_content(dice: random.Random) -> str:
    """Draw the content of a canvas, a base or an attachment."""
    name = dice.choice(NAMES)
    return dice.choice(
        (
            f'{{"nodes":[{{"id":"1","type":"file","file":"{name}.md"}}]}}',
            f'{{"nodes":[{{"id":"1","type":"text","text":"[[{name}]]"}}]}}',
            "views: []\n",
            "x",
        )
    )


def draw_history(dice: random.Random, root: Path, vault: Path) -> None:
    """Draw commits, some of them on a branch that is merged, and changes that are not committed."""
    for number in range(6):
        if dice.random() < 0.4:
            git(root, "switch", "--quiet", "--create", f"side{number}")
            draw_changes(dice, vault)
            commit(root)
            git(root, "switch", "--quiet", "main")
            git(root, "merge", "--quiet", "--no-ff", "--no-edit", f"side{number}")
        draw_changes(dice, vault)
        commit(root)
    draw_changes(dice, vault)
    update_files(vault, {"ignored/x.md": "[[gone]] [[keep]]\n", "untracked.md": "[[a]]\n"})


@pytest.mark.parametrize("seed", range(10))
def test_each_point_equals_a_fresh_check_of_its_commit(tmp_path: Path, seed: int) -> None:
    """The vault is a repository in every second case, and a folder of one otherwise."""
    dice, folder = random.Random(seed), "my notes" if seed % 2 else ""
    root = tmp_path / "repo"
    vault_folder = root / folder
    create_repository(root, {".gitignore": "ignored/\n", "README.txt": "x"})
    update_files(vault_folder, {"keep.md": "[[a]]\n", "vaultlink.toml": EVERYTHING})
    commit(root)
    draw_history(dice, root, vault_folder)
    vault = open_at(vault_folder, tmp_path / "cache")
    trend = compute_trend(vault, 50)
    log = git(vault_folder, "log", "--first-parent", "--reverse", "--format=%H %cs", "--", ".")
    expected = []
    for number, line in enumerate(log.splitlines()):
        name, date = line.split()
        place = tmp_path / f"then{number}"
        git(root, "worktree", "add", "--quiet", "--detach", str(place), name)
        if any((place / folder).rglob("*.md")):
            expected.append(check_checkout(vault, place / folder, name, date))
    assert list(trend.points) == expected
    assert len(expected) >= 5


def compute_measures(
    root: Path, cache: Path | None = None, jobs: int | None = None
) -> list[TrendPoint]:
    """Return the points of all commits of a vault."""
    return list(compute_trend(open_at(root, cache, jobs), 50).points)


def count_links(trend: Trend) -> list[int]:
    """Return the number of links at each point."""
    return [point.links for point in trend.points]


def test_points_are_the_same_in_one_process_and_in_several(tmp_path: Path) -> None:
    dice, names = random.Random(1), [f"n{number}.md" for number in range(120)]
    root = create_repository(tmp_path / "v", dict.fromkeys(names, "x\n"))
    for _ in range(8):
        update_files(root, {name: some_text(dice, name) for name in names})
        commit(root)
    alone, together = (compute_measures(root, jobs=jobs) for jobs in (1, 4))
    assert alone == together
    assert len({point.links for point in alone}) > 5


# -- what is not committed does not count ---------------------------------------------------------------------------------

COMMITTED = {
    ".gitignore": "ignored.md\n",
    "a.md": "[[b]] [[gone]]\n",
    "b.md": "x\n",
    "vaultlink.toml": "",
}


def replace_by_link(root: Path) -> None:
    """Put a link in the place of a note."""
    (root / "b.md").unlink()
    (root / "b.md").symlink_to("a.md")


def leave_out_of_checkout(root: Path) -> None:
    """Leave a note out of the working tree, as a sparse checkout does."""
    git(root, "update-index", "--skip-worktree", "b.md")
    (root / "b.md").unlink()


def stage_note(root: Path) -> None:
    """Add a note to git's index."""
    update_files(root, {"c.md": "[[a]]\n"})
    git(root, "add", "c.md")


NOT_COMMITTED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _root: None,
    "an edit": lambda root: update_files(root, {"a.md": "[[b]] [[c]] [[d]]\n"}),
    "a deleted note": lambda root: (root / "b.md").unlink(),
    "an untracked note": lambda root: update_files(root, {"c.md": "[[gone]]\n"}),
    "an ignored note": lambda root: update_files(root, {"ignored.md": "[[gone]]\n"}),
    "a staged note": stage_note,
    "a note taken out of the index": lambda root: git(root, "rm", "--quiet", "--cached", "b.md"),
    "a link in place of a note": replace_by_link,
    "other times": lambda root: os.utime(root / "a.md", (1, 1)),
    "a sparse checkout": leave_out_of_checkout,
    "a repository in a folder": lambda root: create_repository(root / "sub", {"c.md": "[[a]]\n"}),
}


@pytest.mark.skipif(sys.platform == "win32", reason="one case makes a symbolic link")
@pytest.mark.parametrize("change", NOT_COMMITTED.values(), ids=NOT_COMMITTED)
def test_points_are_those_of_committed_files(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    root = create_repository(tmp_path / "v", COMMITTED)
    change(root)
    (point,) = compute_measures(root)
    assert (point.notes, point.links, point.dangling, point.topics) == (2, 2, 1, 1)
    assert point.findings == 1


def test_unsaved_texts_do_not_count(tmp_path: Path) -> None:
    vault = open_at(create_repository(tmp_path / "v", COMMITTED)).holding("a.md", "no link\n")
    assert vault.summary()["links"] == 0
    assert count_links(compute_trend(vault, 5)) == [2]


def test_names_outside_the_vault_do_not_count(tmp_path: Path) -> None:
    root = create_repository(tmp_path / "v", COMMITTED)
    blob = git(root, "rev-parse", "HEAD:a.md").strip()
    names = (".hidden/c.md", "~$c.docx", "c\udcff.md")
    for name in names:
        git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")
    git(root, "update-index", "--add", "--cacheinfo", f"120000,{blob},link.md")
    git(root, "commit", "--quiet", "--message", "odd names")
    git(root, "checkout", "--quiet", "--force", "HEAD~1")
    git(root, "checkout", "--quiet", "main")
    assert [(point.notes, point.links) for point in compute_measures(root)] == [(2, 2), (2, 2)]


# -- commits --------------------------------------------------------------------------------------------------------------


def create_history(root: Path, folder: str = "") -> list[str]:
    """Create a repository with four commits, which have notes with one to four links."""
    create_repository(root, {f"{folder}a.md": "[[b]]\n", f"{folder}vaultlink.toml": ""})
    names = [git(root, "rev-parse", "HEAD").strip()]
    for number in range(2, 5):
        update_files(root, {f"{folder}a.md": "[[b]]\n" * number})
        names.append(commit(root))
    return names


def test_points_are_in_the_order_of_commits_with_their_dates(tmp_path: Path) -> None:
    names = create_history(tmp_path / "v")
    trend = compute_trend(open_at(tmp_path / "v"), 3)
    assert [point.commit for point in trend.points] == names[1:]
    assert {point.date for point in trend.points} == {"2024-01-30"}
    assert (count_links(trend), trend.note) == ([2, 3, 4], "")


def test_merge_counts_as_one_change(tmp_path: Path) -> None:
    root = tmp_path / "v"
    create_history(root)
    git(root, "switch", "--quiet", "--create", "side")
    for number in (5, 6):
        update_files(root, {"c.md": "[[b]]\n" * number})
        commit(root)
    git(root, "switch", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert count_links(compute_trend(open_at(root), 3)) == [3, 4, 10]


def test_commits_that_change_only_other_folders_are_no_points(tmp_path: Path) -> None:
    root = tmp_path / "v"
    names = create_history(root, "my notes/")
    update_files(root, {"program.py": "x"})
    commit(root)
    trend = compute_trend(open_at(root / "my notes"), 4)
    assert [point.commit for point in trend.points] == names
    assert count_links(trend) == [1, 2, 3, 4]


def remove_objects(root: Path) -> None:
    """Create a repository, and remove the objects that its commit consists of."""
    create_repository(root, {})
    for folder in (root / ".git/objects").glob("??"):
        shutil.rmtree(folder)


def remove_object_folder(root: Path) -> None:
    """Create a repository, and remove the folder of its objects."""
    create_repository(root, {})
    shutil.rmtree(root / ".git/objects")


def damage_branch(root: Path) -> None:
    """Create a repository, and damage the file of its branch."""
    create_repository(root, {})
    [branch] = (root / ".git/refs/heads").iterdir()
    branch.write_text("x", encoding="ascii")


NO_COMMITS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no repository": (lambda root: root, "The vault is not in a git repository."),
    "no commit": (lambda root: git(root, "init", "--quiet"), "The repository has no commit yet."),
    "a vault that is not tracked": (
        lambda root: create_repository(root.parent, {".gitignore": "v\n"}),
        "No commit has a file of the vault.",
    ),
    "a damaged repository": (
        lambda root: (create_repository(root, {}), (root / ".git/HEAD").write_text("x")),
        "git can't read the repository: `git status` in the vault's folder says why.",
    ),
    "no folder of objects": (
        remove_object_folder,
        "git can't read the repository: `git status` in the vault's folder says why.",
    ),
    "no objects": (
        remove_objects,
        "git can't list the commits: `git log` in the vault's folder says why.",
    ),
    "a damaged branch": (
        damage_branch,
        "git can't list the commits: `git log` in the vault's folder says why.",
    ),
}


@each(("prepare", "note"), NO_COMMITS.values(), ids=NO_COMMITS)
def test_trend_without_commits_says_why(
    tmp_path: Path, prepare: Callable[[Path], object], note: str
) -> None:
    root = tmp_path / "parent" / "v"
    update_files(root, {"a.md": "[[b]]\n"})
    prepare(root)
    assert compute_trend(open_at(root), 20) == Trend((), note)


def test_short_history_says_how_far_it_reaches(tmp_path: Path) -> None:
    create_history(tmp_path / "v")
    trend = compute_trend(open_at(tmp_path / "v"), 20)
    assert (len(trend.points), trend.note) == (4, "Only 4 commits changed the vault.")


def test_shallow_clone_says_how_far_it_reaches_and_what_fetches_more(tmp_path: Path) -> None:
    create_history(tmp_path / "v")
    uri = (tmp_path / "v").as_uri()
    git(tmp_path, "clone", "--quiet", "--depth", "2", uri, "clone")
    trend = compute_trend(open_at(tmp_path / "clone"), 4)
    assert count_links(trend) == [3, 4]
    assert trend.note == (
        "The clone is shallow and has only 2 commits of the vault. `git fetch --deepen 2` fetches more."
    )
    git(tmp_path / "clone", "fetch", "--quiet", "--deepen", "2")
    trend = compute_trend(open_at(tmp_path / "clone"), 4)
    assert (count_links(trend), trend.note) == ([1, 2, 3, 4], "")


def test_commits_without_notes_are_left_out(tmp_path: Path) -> None:
    root = create_repository(tmp_path / "v", {"vaultlink.toml": ""})
    for text in ("[[b]]\n", None, "[[b]] [[c]]\n"):
        update_files(root, {"a.md": text})
        commit(root)
    trend = compute_trend(open_at(root), 4)
    assert (count_links(trend), trend.note) == ([1, 2], "2 commits without notes are left out.")


def test_missing_content_ends_the_trend(tmp_path: Path) -> None:
    root = tmp_path / "v"
    names = create_history(root)
    delete_blob(root, f"{names[1]}:a.md")
    trend = compute_trend(open_at(root), 4)
    assert count_links(trend) == [3, 4]
    assert trend.note == (
        f"Commits before {names[2][:7]} are left out: git can't read a.md in commit {names[1][:7]}, "
        "or it is too large (in a partial clone, fetch it first)."
    )


def test_note_with_a_filter_program_ends_the_trend(tmp_path: Path) -> None:
    root = tmp_path / "v"
    create_history(root)
    update_files(root, {".gitattributes": "*.md filter=crypt\n"})
    git(root, "config", "filter.crypt.smudge", "false")
    trend = compute_trend(open_at(root), 4)
    assert count_links(trend) == [4]
    assert "a.md has the git filter “crypt”, which is a program" in trend.note


def test_huge_number_of_commits_means_all(tmp_path: Path) -> None:
    create_history(tmp_path / "v")
    assert count_links(compute_trend(open_at(tmp_path / "v"), 10**30)) == [1, 2, 3, 4]


def test_report_has_the_trend_and_the_same_score(tmp_path: Path, run: RunCommand) -> None:
    names = create_history(tmp_path / "v")
    for _ in range(2):
        data = run(
            "report", "--vault", tmp_path / "v", "--history", "3", "--output-format", "json"
        ).data
        assert isinstance(data, dict)
        points, note = data["trend"]["points"], data["trend"]["note"]
        assert ([point["commit"] for point in points], note) == (names[1:], "")
        assert points[-1]["score"] == data["score"]["value"]
        assert [point["links"] for point in points] == [2, 3, 4]


def test_progress_counts_the_commits(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_history(tmp_path / "v")
    shown: list[tuple[str, int, int]] = []
    monkeypatch.setattr(
        ProgressLine,
        "__call__",
        lambda line, done, total: shown.append((line._label, done, total)),
    )
    assert run("report", "--json", "--vault", tmp_path / "v", "--history", "3").code == 0
    assert [item for item in shown if item[0] == "Measuring commits"] == [
        ("Measuring commits", number, 3) for number in (1, 2, 3)
    ]


def test_report_without_commits_has_a_note(tmp_path: Path, run: RunCommand) -> None:
    update_files(tmp_path / "v", {"a.md": "x\n"})
    done = run("report", "--vault", tmp_path / "v", "--history", "3", "--output-format", "markdown")
    assert (done.code, "The vault is not in a git repository." in done.out) == (0, True)


# -- the cache ------------------------------------------------------------------------------------------------------------


def delete_blob(root: Path, name: str) -> None:
    """Delete the content of a file in a commit from the repository."""
    blob = git(root, "rev-parse", name).strip()
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


def test_only_new_commits_are_measured(tmp_path: Path) -> None:
    root, cache = tmp_path / "v", tmp_path / "cache"
    names = create_history(root)
    first = compute_measures(root, cache)
    for name in names[:3]:
        delete_blob(root, f"{name}:a.md")
    update_files(root, {"c.md": "[[a]]\n"})
    commit(root)
    again = compute_measures(root, cache)
    assert again[:4] == first
    assert [point.links for point in again] == [1, 2, 3, 4, 5]
    assert len(compute_measures(root)) == 2  # the other contents are gone


def test_other_settings_measure_again(tmp_path: Path) -> None:
    root, cache = tmp_path / "v", tmp_path / "cache"
    create_history(root)
    assert [point.findings for point in compute_measures(root, cache)] == [1, 2, 3, 4]
    update_files(root, {"vaultlink.toml": 'ignore = ["dangling-link"]\n'})
    assert [point.findings for point in compute_measures(root, cache)] == [0, 0, 0, 0]


DAMAGED: dict[str, Callable[[dict[str, list[int]]], bytes]] = {
    "no message": lambda _known: b"\xc1",
    "nothing": lambda _known: b"",
    "another type": lambda known: encode(list(known)),
    "text that is not Unicode": lambda _: b"\x81\xa1\xff" + encode([90, 1, 1, 1, 1, 1]),
    "a negative number": lambda known: encode({tree: [90, -1, 1, 1, 1, 1] for tree in known}),
    "a score above 100": lambda known: encode({tree: [101, 1, 1, 1, 1, 1] for tree in known}),
    "too few numbers": lambda known: encode({tree: [90, 1] for tree in known}),
    "text": lambda known: encode({tree: [90, "<b>", 1, 1, 1, 1] for tree in known}),
    "a very large entry": lambda known: encode(
        {**known, **{str(number): [0] * 6 for number in range(90_000)}}
    ),
}


@each("damage", DAMAGED.values(), ids=DAMAGED)
def test_damaged_cache_is_ignored(
    tmp_path: Path, damage: Callable[[dict[str, list[int]]], bytes]
) -> None:
    root, cache = tmp_path / "v", tmp_path / "cache"
    create_history(root)
    points = compute_measures(root, cache)
    (file,) = cache.glob("*/trend")
    whole = file.read_bytes()
    start = len(whole) - len(encode({})) - 1
    while (known := try_decode(whole[start:])) is None:
        start -= 1
    query = whole[start - 16 : start]
    body = query + damage(known)
    head = whole[: start - 20]
    file.write_bytes(head + adler32(body).to_bytes(4, "big") + body)
    assert compute_measures(root, cache) == points


def try_decode(data: bytes) -> dict[str, list[int]] | None:
    """Return the decoded numbers of trees; None if the data begin in the middle."""
    try:
        return msgspec.msgpack.decode(data, type=dict[str, list[int]])
    except msgspec.MsgspecError:
        return None
