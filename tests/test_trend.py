"""The trend of a vault: each point equals a fresh check of a checkout of its commit."""

import random
import shutil
from pathlib import Path

import pytest

from repositories import commit, create_repository, git, update_files
from test_engine import FOLDERS, NAMES, some_text
from vaultlink.api import Vault, open_vault
from vaultlink.cli.report_trend import compute_trend
from vaultlink.dashboard.model import TrendPoint
from vaultlink.dashboard.score import compute_score
from vaultlink.dashboard.score_counts import count_score
from vaultlink.disk.scan import Settings
from vaultlink.report.listings import topic_rows

pytestmark = pytest.mark.usefixtures("plain_git")

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


def check_checkout(vault: Vault, place: Path, folder: str, name: str) -> TrendPoint:
    """Check out a commit elsewhere and check it with the current settings of a vault."""
    repository = vault.root
    git(repository, "worktree", "add", "--quiet", "--detach", str(place), name)
    there = place / folder
    shutil.rmtree(there / ".obsidian", ignore_errors=True)
    if (vault.root / ".obsidian").exists():
        shutil.copytree(vault.root / ".obsidian", there / ".obsidian")
    config = vault.root / "vaultlink.toml"
    fresh = open_vault(there, Settings(cache=False, history=False, config_file=config))
    git(repository, "worktree", "remove", "--force", str(place))
    counts = fresh.summary()
    return TrendPoint(
        git(repository, "rev-parse", name).strip(),
        git(repository, "log", "-1", "--format=%cs", name).strip(),
        compute_score(count_score(fresh.state)).value,
        counts["notes"],
        counts["links"],
        counts["dangling"],
        len(topic_rows(fresh.index, lambda _topic: ())),
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


@pytest.mark.parametrize("folder", ["", "my notes"], ids=["repository", "folder of one"])
@pytest.mark.parametrize("seed", range(10))
def test_each_point_equals_a_fresh_check_of_its_commit(
    tmp_path: Path, seed: int, folder: str
) -> None:
    dice = random.Random(seed)
    root = tmp_path / "repo"
    vault_folder = root / folder
    create_repository(root, {".gitignore": "ignored/\n", "README.txt": "x"})
    update_files(vault_folder, {"keep.md": "[[a]]\n", "vaultlink.toml": EVERYTHING})
    commit(root)
    draw_history(dice, root, vault_folder)
    vault = open_at(vault_folder, tmp_path / "cache")
    trend = compute_trend(vault, 50)
    names = git(vault_folder, "rev-list", "--first-parent", "HEAD", "--", ".").split()
    expected = [
        check_checkout(vault, tmp_path / f"then{number}", folder, name)
        for number, name in enumerate(reversed(names))
        if git(root, "ls-tree", "-r", "--name-only", f"{name}:{folder}").count(".md")
    ]
    assert list(trend.points) == expected
    assert len(expected) >= 5
