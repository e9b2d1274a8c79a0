"""All formats and commands agree about a vault, whatever ran before: random scripts of git, edits and runs."""

import json
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest

from exploring import TIMES, choose_seeds
from machine import require_program
from repositories import GIT_ENVIRONMENT, git
from running import CommandResult, RunCommand
from tables import each
from test_kept_parts import copy_without_answers
from test_link_memory import BODY, NOTE, ONE, OTHER, PLAN, TWO
from vaultlink.cli import check_output
from vaultlink.disk import load

pytestmark = pytest.mark.usefixtures("plain_git")

PATHS = [
    *("Home.md", "One.md", "Two.md", "Plan.md", "Part 1.md", "Part 2.md", "Tides.md", "Log.md"),
    *("a/Plan.md", "a/One.md", "a/Deep.md", "a/b/Plan.md", "b/Log.md", "b/Tides.md", "Map.canvas"),
    *("a.svg", "b.svg", "a/a.svg", "Old plan.md", "Log 2025.md", "One (conflicted copy).md"),
]
TEXTS = (ONE, TWO, PLAN, NOTE, BODY, OTHER, f"# Oaks\n\n{BODY}", "", "short\n")
HEADS = (
    *("",) * 6,
    "---\naliases: [Nick]\n---\n",
    "---\ntitle: Tide tables\n---\n",
    "---\naliases: [Nick, One]\nup: [[Home]]\n---\n",
)
LINES = (
    """
[[One]]; [[Two|x]]; [[Plan]]; [[a/Plan]]; [[Plan#Goals]]; [[Plan#Aims]]; [[Part 1]]; [[Part 2]]
[[Tides]]; [[Tide tables]]; [[Nick]]; [[Log]]; [[Log 2025]]; [[old plan]]; [[Gone]]; [[Plna]]
![[a.svg]]; ![i](a/a.svg); [x](../One.md); [y](./Deep.md); [z](a%20b.md); [w](a b.md)
[[Deep#Wood and bark of oaks]]; [[One#Leafs]]; [[One#^block]]; [[Two#Sails|sails]]
[[One] and [[Two]]; [[[[Home]]]]; %%vaultlink-disable-next-line VL1%%
# New heading; ## Goals; text; text ^block; <br>
""".strip()
    .replace("\n", "; ")
    .split("; ")
)
CANVAS = (
    '{"nodes":[{"id":"1","type":"file","file":"%s","x":0,"y":0,"width":9,"height":9}],"edges":[]}'
)
SETTINGS = (
    "",
    'ignore = ["VL124"]',
    'unfixable = ["VL101"]',
    'protect = ["a/**"]',
    'write-paths = ["*.md"]',
    'exclude = ["b/**"]',
    'extend-select = ["ALL"]\npreview = true',
)


# -- events that change a clone of a repository, or what is kept of it -------------------------------------------------


class World(NamedTuple):
    """A shared repository, clones of it, and the folders of caches and journals."""

    folder: Path
    dice: random.Random
    run: RunCommand

    @property
    def cache(self) -> Path:
        """The folder of all caches."""
        return self.folder / "cache"

    def list_clones(self) -> list[Path]:
        """Return the clones, in order."""
        return sorted(self.folder.glob("clone-*"))

    def add_clone(self, *options: str) -> Path:
        """Clone the repository once more."""
        clone = self.folder / f"clone-{len(self.list_clones())}"
        git(self.folder, "clone", "--quiet", *options, f"file://{self.folder}/origin", str(clone))
        (clone / ".obsidian").mkdir(exist_ok=True)
        return clone


def try_git(clone: Path, *command: str) -> bool:
    """Run git, and return whether it succeeded: a pull may be in conflict."""
    done = subprocess.run(
        [require_program("git"), "-C", str(clone), "-c", "maintenance.auto=false", *command],
        check=False,
        capture_output=True,
        env={**os.environ, **GIT_ENVIRONMENT},
    )
    return done.returncode == 0


def commit_all(clone: Path) -> None:
    try_git(clone, "add", "--all")
    try_git(clone, "commit", "--quiet", "--message", "a step")


def list_present(clone: Path) -> list[Path]:
    """Return the files of a vault."""
    return [clone / path for path in PATHS if (clone / path).is_file()]


def write_text(dice: random.Random, path: str) -> str:
    """Return a random text for a path."""
    if path.endswith(".svg"):
        return f"<svg>{dice.choice('123')}</svg>"
    if path.endswith(".canvas"):
        return CANVAS % dice.choice(PATHS)
    lines = "".join(f"{dice.choice(LINES)}\n\n" for _ in range(dice.randint(0, 4)))
    return dice.choice(HEADS) + lines + dice.choice(TEXTS)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def edit(world: World, clone: Path) -> None:
    file = world.dice.choice(list_present(clone) or [clone / "Home.md"])
    if file.suffix == ".md" and file.exists() and world.dice.random() < 0.7:
        text = file.read_text("utf-8")
        more = f"{world.dice.choice(LINES)}\n"
        write(file, world.dice.choice((text + more, more + text, text[len(text) // 2 :])))
    else:
        write(file, write_text(world.dice, file.name))


def edit_and_keep_time(world: World, clone: Path) -> None:
    """Exchange letters of a note, so that its size and its time of change stay."""
    file = world.dice.choice(list_present(clone) or [clone / "Home.md"])
    if file.exists():
        status, data = file.stat(), file.read_bytes()
        pair = world.dice.choice(
            ((b"One", b"Two"), (b"Goals", b"Goats"), (b"[[", b"(("), (b"a", b"b"))
        )
        file.write_bytes(data.replace(*pair))
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def touch(world: World, clone: Path) -> None:
    for file in list_present(clone):
        if world.dice.random() < 0.5:
            os.utime(file)


def rename(world: World, clone: Path) -> None:
    if present := list_present(clone):
        new = clone / world.dice.choice(PATHS)
        new.parent.mkdir(parents=True, exist_ok=True)
        old = world.dice.choice([file for file in present if file.suffix == new.suffix] or present)
        if world.dice.random() < 0.5:
            try_git(clone, "mv", "--force", str(old), str(new))
        else:
            old.replace(new)


def swap(world: World, clone: Path) -> None:
    notes = [file for file in list_present(clone) if file.suffix == ".md"]
    if len(notes) > 1:
        one, two = world.dice.sample(notes, 2)
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)


def copy(world: World, clone: Path) -> None:
    if present := list_present(clone):
        old = world.dice.choice(present)
        new = clone / world.dice.choice([path for path in PATHS if Path(path).suffix == old.suffix])
        new.parent.mkdir(parents=True, exist_ok=True)
        if new != old:
            world.dice.choice((shutil.copy, shutil.copy2))(old, new)


def create(world: World, clone: Path) -> None:
    path = world.dice.choice(PATHS)
    write(clone / path, write_text(world.dice, path))


def delete(world: World, clone: Path) -> None:
    if present := list_present(clone):
        world.dice.choice(present).unlink()


def link(world: World, clone: Path) -> None:
    """Give notes a second name outside the vault, or take it away: nothing writes to such notes."""
    for file in list_present(clone):
        name = file.relative_to(clone).as_posix().replace("/", "-")
        other = world.folder / f"linked-{clone.name}-{name}"
        if other.exists():
            other.unlink()
        elif world.dice.random() < 0.5:
            os.link(file, other)


GIT = (
    "checkout --quiet --force HEAD~1",
    "checkout --quiet --force main",
    "checkout --quiet --force main",
    "checkout --quiet -B topic",
    "checkout --quiet -B main",
    "checkout --quiet -- .",
    "reset --quiet --hard HEAD~1",
    "reset --quiet --soft HEAD~1",
    "reset --quiet --mixed HEAD~1",
    "stash --include-untracked",
    "stash pop",
    "gc --quiet --prune=now",
    "pack-refs --all",
    "commit --quiet --amend --all --message amended",
    "add --all",
)


def use_git(world: World, clone: Path) -> None:
    try_git(clone, *world.dice.choice(GIT).split())


def commit_some(_world: World, clone: Path) -> None:
    commit_all(clone)


def synchronise(world: World, clone: Path) -> None:
    """Commit and push in one clone, and pull in another."""
    other = world.dice.choice(world.list_clones())
    commit_all(other)
    if not try_git(other, "push", "--quiet", "origin", "HEAD:main"):
        try_git(other, "push", "--quiet", "--force", "origin", "HEAD:main")
    commit_all(clone)
    if not try_git(clone, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main"):
        try_git(clone, "merge", "--abort")
        try_git(clone, "reset", "--quiet", "--hard", "origin/main")


def run_vaultlink(world: World, clone: Path) -> None:
    """Run a command that writes to the vault."""
    old, new = world.dice.choice(PATHS), world.dice.choice(PATHS)
    commands = ["undo", "undo", "redo", "fix", "fix --unsafe-fixes", "mentions --write"]
    words = [("rename", old, new)] * 2 + [("delete", old)] + [tuple(c.split()) for c in commands]
    world.run(*world.dice.choice(words), "--vault", clone)


def look(world: World, clone: Path, log: list[str] | None = None) -> None:
    """Run a command that writes nothing but the cache, with other settings or none."""
    words = world.dice.choice(LOOKS)
    world.run(*words.split(), "--vault", clone)
    if log is not None:
        log.append(f"{clone.name} {words}")


LOOKS = (
    *("links", "unresolved", "orphans", "status", "mentions", "history Home", "related Home"),
    *("backlinks Home", "check a", "check --isolated", "check --no-history", "check --jobs 2"),
    *("check --select VL301", "check --select VL1", "check --extend-select ALL"),
    *("check --changed-since HEAD", "fix --diff --unsafe-fixes"),
)


def set_up(world: World, clone: Path) -> None:
    write(clone / ".vaultlink.toml", world.dice.choice(SETTINGS))


def lose_cache(world: World, _clone: Path) -> None:
    """Remove files of the caches, as a run that is killed between two writes leaves them out."""
    kinds = ("stamps", "state", "history", "answer*", "git-*", "suggestions", "*")
    for file in world.cache.glob(f"*/{world.dice.choice(kinds)}"):
        if file.is_file():
            file.unlink()


def clone_again(world: World, _clone: Path) -> None:
    world.add_clone(
        *world.dice.choice(((), (), ("--depth", "1"), ("--depth", "2"), ("--no-tags",)))
    )


EVENTS: Sequence[Callable[[World, Path], None]] = (
    *(edit,) * 3,
    *(rename,) * 3,
    *(commit_some,) * 3,
    *(use_git,) * 3,
    *(swap,) * 2,
    *(synchronise,) * 2,
    *(run_vaultlink,) * 2,
    *(look,) * 2,
    *(edit_and_keep_time, touch, link, copy, create, delete, set_up, lose_cache, clone_again),
)


# -- views of a vault, and what they say of its findings ---------------------------------------------------------------


class View(NamedTuple):
    """What a command says; None for what it does not say.

    `places` are path, line and code of each finding, `safe` those that `fix` would fix, `number` how many these are.
    """

    places: tuple[tuple[str, int, str], ...] | None = None
    safe: frozenset[tuple[str, int, int, str]] | None = None
    number: int | None = None
    unsafe: int | None = None
    summary: str | None = None


def sort_places(found: Any) -> tuple[tuple[str, int, str], ...]:
    return tuple(sorted((path, int(line), code) for path, line, code in found))


def read_summary(done: CommandResult) -> View:
    """Read the sentences below the results."""
    found = re.search(r"^(?:Found|No findings|All).*$", done.err, re.MULTILINE)
    fixes = re.search(r"`vaultlink fix[^`]*` can fix ([\d,]+) of them", done.err)
    is_unsafe = fixes is not None and "--unsafe-fixes" in fixes[0]
    number = int(fixes[1].replace(",", "")) if fixes and not is_unsafe else 0
    return View(number=number, summary=found[0] if found else "")


def place_safe(findings: Any) -> frozenset[tuple[str, int, int, str]]:
    return frozenset(
        (d["path"], d["line"], d["column"], d["code"])
        for d in findings
        if d["fix"] and d["fix"]["safety"] == "safe"
    )


def read_json(done: CommandResult) -> View:
    data: Any = done.data
    found, summary = data["findings"], data["summary"]
    return read_summary(done)._replace(
        places=sort_places((d["path"], d["line"], d["code"]) for d in found),
        safe=place_safe(found),
        number=summary["fixable"],
        unsafe=summary["unsafe_fixable"],
    )


def read_json_lines(done: CommandResult) -> View:
    found = [json.loads(line) for line in done.lines]
    return read_summary(done)._replace(
        places=sort_places((d["path"], d["line"], d["code"]) for d in found), safe=place_safe(found)
    )


def read_lines(pattern: str) -> Callable[[CommandResult], View]:
    """Return a reader of formats in which a finding matches a pattern of path, line and code."""

    def read(done: CommandResult) -> View:
        if "\nNot shown: " in done.out:
            return read_summary(done)  # GitHub shows only ten of each level
        return read_summary(done)._replace(
            places=sort_places(re.findall(pattern, done.out, re.MULTILINE))
        )

    return read


def read_full(done: CommandResult) -> View:
    found = re.findall(r"^(VL\d+) (?:.*\n)+? *--> (.*?):(\d+):\d+(?: |$)", done.out, re.MULTILINE)
    return read_summary(done)._replace(places=sort_places((p, n, code) for code, p, n in found))


def read_gitlab(done: CommandResult) -> View:
    data: Any = done.data
    return read_summary(done)._replace(
        places=sort_places(
            (d["location"]["path"], d["location"]["lines"]["begin"], d["description"][:5])
            for d in data
        )
    )


def read_sarif(done: CommandResult) -> View:
    data: Any = done.data
    places = []
    for item in data["runs"][0]["results"]:
        place = item["locations"][0]["physicalLocation"]
        line = place.get("region", {}).get("startLine", 1)
        places.append((unquote(place["artifactLocation"]["uri"]), line, item["ruleId"]))
    return read_summary(done)._replace(places=sort_places(places))


def read_status(done: CommandResult) -> View:
    data: Any = done.data
    gains = [
        row["gain"]
        for row in data["next"]
        if re.fullmatch(r"vaultlink fix( --vault .*)?", row["command"])
    ]
    return View(number=gains[0] if gains else 0)


def read_plan(done: CommandResult) -> View:
    data: Any = done.data
    return View(safe=place_safe(data["fixed"]), number=len(data["fixed"]))


VIEWS: dict[str, tuple[tuple[str, ...], Callable[[CommandResult], View]]] = {
    "json": (("check", "--output-format", "json"), read_json),
    "json-lines": (("check", "--output-format", "json-lines"), read_json_lines),
    "concise": (
        ("check", "--output-format", "concise"),
        read_lines(r"^(.*?):(\d+):\d+: (VL\d+)"),
    ),
    "full": (("check", "--output-format", "full"), read_full),
    "github": (
        ("check", "--output-format", "github"),
        read_lines(r"^::\w+ file=(.*?),line=(\d+),.*?title=(VL\d+)"),
    ),
    "gitlab": (("check", "--output-format", "gitlab"), read_gitlab),
    "sarif": (("check", "--output-format", "sarif"), read_sarif),
    "junit": (("check", "--output-format", "junit"), read_summary),
    "markdown": (("check", "--output-format", "markdown"), read_summary),
    "statistics": (("check", "--statistics"), read_summary),
    "status": (("status", "--json"), read_status),
    "plan": (("fix", "--diff", "--output-format", "json"), read_plan),
}


def find_differences(views: dict[str, View]) -> list[tuple[str, str, str, object, object]]:
    """Return where two views say different things."""
    found = []
    for field in View._fields:
        said = [
            (name, value)
            for name, view in views.items()
            if (value := getattr(view, field)) is not None
        ]
        for name, value in said[1:]:
            if value != said[0][1]:
                pair = (said[0][1], value)
                if isinstance(value, (tuple, frozenset)):
                    one, other = set(said[0][1]), set(value)
                    pair = sorted(one - other), sorted(other - one)
                    if pair == ([], []):
                        continue
                found.append((field, said[0][0], name, *pair))
    return found


def describe(differences: Sequence[object], log: Sequence[str]) -> str:
    """Return what a script did, and what differs after it."""
    return "\n".join(["", *map(str, differences), *log])


def look_at(world: World, clone: Path, name: str, *options: str) -> tuple[CommandResult, View]:
    words, read = VIEWS[name]
    done = world.run(*words, *options, "--jobs", "1", "--vault", clone)
    assert done.code < 2, f"{name}: {done}"
    return done, read(done)


def verify(world: World, clone: Path, log: list[str]) -> None:
    """Compare some views of a clone, one after the other."""
    dice = world.dice
    if dice.random() < 0.7:
        time.sleep(0.06)
    names = dice.choices(sorted(VIEWS), k=dice.choice((2, 3, 4)))
    if dice.random() < 0.5:
        names += ["json", "plan", "concise"]
    views: dict[str, View] = {}
    for number, name in enumerate(names):
        anew: CommandResult | None = None
        if dice.random() < 0.3:
            fresh = copy_without_answers(world.cache, world.folder / "fresh")
            anew = look_at(world, clone, name, "--cache-dir", str(fresh))[0]
        done, view = look_at(world, clone, name)
        assert anew is None or done == anew, describe([anew, done], [*log, name])
        views[f"{name} {number}"] = view
    differences = find_differences(views)
    assert not differences, describe(differences, log)


@pytest.fixture
def world(seed: int, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch) -> World:
    """Create a random repository and a clone of it."""
    dice = random.Random(seed)
    if dice.random() < 0.5:
        monkeypatch.setattr(check_output, "_MANY", 0)
    if dice.random() < 0.5:
        monkeypatch.setattr(load, "_SMALL_VAULT", 0)
        monkeypatch.setattr(load, "_RESAVE_THRESHOLD", dice.choice((1, 3, 25)))
    world = World(tmp_path, dice, run)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", "--bare", "origin")
    first = world.add_clone()
    for path in dice.sample(PATHS, dice.randint(5, 11)):
        write(first / path, write_text(dice, path))
    write(first / "Home.md", write_text(dice, "Home.md"))
    for _ in range(dice.randint(1, 4)):
        commit_all(first)
        dice.choice((edit, rename, swap, swap, create))(world, first)
    try_git(first, "push", "--quiet", "origin", "main")
    return world


@pytest.mark.thorough
@pytest.mark.parametrize("seed", choose_seeds(4))
def test_all_views_agree_after_every_random_script(seed: int, world: World) -> None:
    dice, log = world.dice, [f"seed {seed}"]
    for _ in range(20 if TIMES > 1 else 8):
        clone = dice.choice(world.list_clones())
        for _ in range(dice.choice((0, 1, 1, 2, 3))):
            event = dice.choice(EVENTS)
            event(world, clone)
            log.append(f"{clone.name} {event.__name__}")
        clone = dice.choice((clone, clone, world.list_clones()[-1]))
        log.append(f"{clone.name}?")
        if any(file.suffix == ".md" for file in list_present(clone)):
            verify(world, clone, log)


@pytest.mark.thorough
@each("seed", choose_seeds(4))
def test_earlier_runs_change_nothing_of_an_untouched_clone(seed: int, world: World) -> None:
    dice, log = world.dice, [f"seed {seed}"]
    clone = dice.choice((world.list_clones()[0], world.add_clone()))
    for _ in range(dice.randint(1, 3)):
        look(world, dice.choice(world.list_clones()), log)
        if dice.random() < 0.5:
            time.sleep(0.06)
    for name in dice.sample(sorted(VIEWS), 3):
        _, cold = look_at(world, clone, name, "--no-cache")
        _, warm = look_at(world, clone, name)
        differences = find_differences({"cold": cold, "warm": warm})
        assert not differences, describe(differences, [*log, name])
