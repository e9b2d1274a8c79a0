"""Random lists of changes of random vaults, and what must hold for each list, from a seed."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from msgspec.structs import replace

from machine import require_program
from random_renames import FOLDERS, HEADINGS, NAMES, generate_vault
from running import create_vault
from vaultlink import Settings, UsageError, Vault, open_vault, read_request
from vaultlink.fix.plan import Plan
from vaultlink.index.resolve import is_note, list_outer_folders
from vaultlink.report.plan_result import render_plan

Change = dict[str, Any]
Contents = dict[str, bytes | None]
"""Path to bytes; None for a folder."""

TRASHES = ("local", "none", "system")
TAGS = ("sea", "sea/low", "Harbour", "land")
TRIES = 12


def read_contents(root: Path) -> Contents:
    """Return all files and folders of a vault."""
    return {
        path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(root.rglob("*"))
    }


# -- vaults ---------------------------------------------------------------------------------------


def generate_files(random: Random) -> dict[str, bytes]:
    """Return a vault with tags, aliases, mistakes, byte order marks and other line ends."""
    files = generate_vault(random)
    for path in sorted(files):
        if not path.endswith(".md"):
            continue
        text = files[path].decode()
        text += "".join(f"\n#{random.choice(TAGS)}\n" for _ in range(random.randint(0, 2)))
        text += "\n[[red-wine]]\n" * (random.random() < 0.2)
        if random.random() < 0.2 and not text.startswith("---"):
            name = random.choice((*NAMES[:4], "Alias"))
            text = f"---\naliases: [{name}]\ntags: [{random.choice(TAGS)}]\n---\n{text}"
        if random.random() < 0.1:
            text = "\ufeff" + text
        files[path] = text.encode()
    for folder in list_folders([*files]):
        if random.random() < 0.15:
            files[f"{folder}/.hidden"] = b"hidden"
    return files


# -- changes --------------------------------------------------------------------------------------


class Choice:
    """Chooses changes of a vault, rather of what earlier changes of the list have touched."""

    def __init__(self, random: Random) -> None:
        self.random, self.hot, self.freed = random, list[str](), list[str]()

    def see(self, plan: Plan) -> None:
        """Remember what a plan makes, changes and leaves."""
        self.hot += [*plan.files.values(), *map(plan.find_new_path, plan.texts)]
        self.hot += [place for path in [*plan.files.values()] for place in list_outer_folders(path)]
        self.freed += [*plan.files, *(path for path, (_, new) in plan.texts.items() if new is None)]
        self.freed += [place for path in [*plan.files] for place in list_outer_folders(path)]

    def change(self, vault: Vault) -> Change:
        """Return a change, which may be refused."""
        files = sorted(vault.index.files)
        kinds: Sequence[tuple[Callable[[Vault, list[str]], Change], int]] = (
            (self._rename_file, 6),
            (self._rename_folder, 4),
            (self._rename_part, 3),
            (self._move, 4),
            (self._delete, 4),
            (self._merge, 3),
            (self._extract, 3),
            (self._fix, 1),
            (self._topic, 1),
            (self._mentions, 1),
        )
        make = self.random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        return make(vault, files)

    def _pick(self, things: Sequence[str]) -> str:
        hot = [path for path in things if path in self.hot]
        return self.random.choice(hot if hot and self.random.random() < 0.6 else things)

    def _word(self, vault: Vault, path: str) -> str:
        if not path.endswith(".md") or self.random.random() < 0.6:
            return path
        note = vault.index.notes[path]
        names = [path[:-3], path[:-3].rpartition("/")[2], *note.aliases]
        return self.random.choice(names)

    def _new_folder(self, files: Sequence[str]) -> str:
        kinds = [*FOLDERS, "new/", "new/er/", *(f"{path}/" for path in list_folders(files))]
        kinds += [f"{path}/" for path in self.freed if not Path(path).suffix]
        return self.random.choice(kinds)

    def _new_path(self, old: str, files: Sequence[str]) -> str:
        random, (folder, slash, name) = self.random, old.rpartition("/")
        ending = Path(name).suffix
        kind = random.choice(("name", "name", "name", "case", "taken", "freed", "freed", "folder"))
        if kind == "case":
            return in_vault(
                folder + slash + change_case(random, name.removesuffix(ending)) + ending
            )
        same = [path for path in files if path.endswith(ending) and path != old]
        freed = [path for path in self.freed if path.endswith(ending) and ending]
        if kind in ("taken", "freed") and (pool := freed if kind == "freed" else same):
            return in_vault(random.choice(pool))
        new = random.choice((*NAMES, "fresh", "missing", "It's 100% (new)")) + ending
        return in_vault((self._new_folder(files) if kind == "folder" else folder + slash) + new)

    def _rename_file(self, vault: Vault, files: list[str]) -> Change:
        old = self._pick(files)
        more: Change = {"display": False} if self.random.random() < 0.1 else {}
        return {"rename": self._word(vault, old), "to": self._new_path(old, files), **more}

    def _rename_folder(self, vault: Vault, files: list[str]) -> Change:
        folders = list_folders(files)
        if not folders:
            return self._rename_file(vault, files)
        old, random = self._pick(folders), self.random
        name = old.rpartition("/")[2]
        new = random.choice(("new", "Port", "alpha", "beta", "ny (2)", change_case(random, name)))
        if random.random() < 0.3:
            new = in_vault(f"{self._new_folder(files)}{new}")
        elif random.random() < 0.3:
            new = in_vault(random.choice([*folders, *self.freed]))
        return {"rename": f"{old}/", "to": f"{new}/"}

    def _rename_part(self, vault: Vault, files: list[str]) -> Change:
        random = self.random
        tags = sorted({tag.name for note in vault.notes.values() for tag in note.tags})
        if tags and random.random() < 0.4:
            more: Change = {"merge": True} if random.random() < 0.3 else {}
            new = random.choice((*TAGS, "port", "port/new"))
            return {"rename": f"#{random.choice(tags)}", "to": f"#{new}", **more}
        path = self._pick([path for path in files if path.endswith(".md")])
        note = vault.index.notes[path]
        parts = [
            (f"#{item.text}", random.choice((*HEADINGS, "New head"))) for item in note.headings
        ]
        parts += [(f"#^{item.id}", random.choice(("new", "block"))) for item in note.blocks]
        if not parts:
            return self._rename_file(vault, files)
        subpath, new = random.choice(parts)
        return {"rename": f"{path}{subpath}", "to": new}

    def _move(self, _vault: Vault, files: list[str]) -> Change:
        sources = [self._pick(files) for _ in range(self.random.randint(1, 2))]
        folders = list_folders(files)
        if folders and self.random.random() < 0.3:
            sources[0] = self._pick(folders) + "/"
        return {"move": sources, "to": self._new_folder(files) or "/"}

    def _delete(self, _vault: Vault, files: list[str]) -> Change:
        random = self.random
        names = [self._pick(files) for _ in range(random.choice((1, 1, 2)))]
        folders = list_folders(files)
        if folders and random.random() < 0.3:
            names[0] = self._pick(folders) + "/"
        choices: list[Change] = [{"unlink": True}, {"unlink": True}, {"leave": True}, {}]
        choices += [{"to": self._pick([path for path in files if path.endswith(".md")])}] * 2
        more: Change = {"attachments": True} if random.random() < 0.2 else {}
        return {"delete": names, **random.choice(choices), **more}

    def _merge(self, vault: Vault, files: list[str]) -> Change:
        notes = [path for path in files if path.endswith(".md")]
        return {
            "merge": self._word(vault, self._pick(notes)),
            "into": self._word(vault, self._pick(notes)),
        }

    def _extract(self, vault: Vault, files: list[str]) -> Change:
        random = self.random
        notes = [
            path for path in files if path.endswith(".md") and vault.index.notes[path].headings
        ]
        if not notes:
            return self._merge(vault, files)
        path = self._pick(notes)
        heading = random.choice(vault.index.notes[path].headings).text
        to: list[Change] = [{}, {}, {"to": self._new_folder(files) or "new/"}]
        to += [{"to": self._new_path(path, files)}] * 2
        more: Change = {"embed": True} if random.random() < 0.3 else {}
        return {"extract": f"{path}#{heading}", **random.choice(to), **more}

    def _topic(self, vault: Vault, files: list[str]) -> Change:
        topics = sorted(vault.index.unresolved_sources)
        if not topics:
            return self._merge(vault, files)
        ways: list[Change] = [{"unlink": True}, {"link": self._pick(files)}]
        ways += [{"create": self._new_folder(files) or "/"}]
        return {"unresolved": self.random.choice(topics), **self.random.choice(ways)}

    def _mentions(self, _vault: Vault, files: list[str]) -> Change:
        notes = [path for path in files if path.endswith(".md")]
        return {"link": {"note": self._pick(notes), "to": self._pick(notes)}}

    def _fix(self, _vault: Vault, _files: list[str]) -> Change:
        return {"fix": self.random.choice(("safe", "unsafe"))}


def in_vault(path: str) -> str:
    """Return a path as a new name is written: with a slash, so that it is not one in the same folder."""
    return path if "/" in path else f"/{path}"


def list_folders(files: Sequence[str]) -> list[str]:
    return sorted({place for path in files for place in list_outer_folders(path)})


def change_case(random: Random, name: str) -> str:
    return random.choice((str.upper, str.lower, str.title))(name)


# -- lists of changes ----------------------------------------------------------------------------


class Example(NamedTuple):
    """A vault, where Obsidian puts deleted files, and changes."""

    files: Mapping[str, bytes]
    trash: str
    changes: Sequence[Change]


def open_root(root: Path) -> Vault:
    return open_vault(root, Settings(cache=False, jobs=1))


def make_root(folder: Path, example: Example) -> Path:
    create_vault(folder, example.files)
    (folder / ".obsidian/app.json").write_text(json.dumps({"trashOption": example.trash}))
    return folder


def generate(seed: int, folder: Path, files: Mapping[str, bytes] | None = None) -> Example:
    """Choose changes one after the other, in a vault in an empty folder. The last may be refused."""
    random = Random(f"requests {seed}")
    example = Example(files or generate_files(random), random.choice(TRASHES), [])
    choice, changes, count = Choice(random), list[Change](), random.randint(2, 6)
    root, may_refuse = make_root(folder, example), random.random() < 0.25
    for _ in range(TRIES):
        vault = open_root(root)
        change = choice.change(vault)
        try:
            plan = vault.plan(read_request(change))
        except UsageError:
            if may_refuse and changes and random.random() < 0.3:
                changes.append(change)
                break
            continue
        if plan and not plan.skipped and any(map(is_note, plan.after.index.files)):
            vault.apply(plan)
            changes.append(change)
            choice.see(plan)
        if len(changes) == count:
            break
    return example._replace(changes=changes)


def is_move(change: Change) -> bool:
    return "rename" in change or "move" in change


def group_changes(changes: Sequence[Change]) -> list[list[Change]]:
    """Return changes with neighbouring renames and moves together."""
    groups: list[list[Change]] = []
    for change in changes:
        if groups and is_move(change) and is_move(groups[-1][-1]):
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


class Outcome(NamedTuple):
    """A vault after changes; or the message of the refusal, and the number of the change."""

    contents: Contents
    refusal: str = ""
    number: int = 0


def make_changes(root: Path, groups: Sequence[Sequence[Change]]) -> Outcome:
    """Make each group of changes in the vault as the ones before leave it."""
    for number, group in enumerate(groups, 1):
        vault = open_root(root)
        try:
            plan = vault.plan(*map(read_request, group))
        except UsageError as error:
            return Outcome({}, str(error), number)
        if plan:
            result = vault.apply(plan)
            assert (result.skipped, result.is_outdated) == ((), False), result.skipped
    return Outcome(read_contents(root))


# -- the plan by other means ---------------------------------------------------------------------


def interpret(before: Contents, data: Mapping[str, Any]) -> Contents:
    """Return files and folders after the plan that a JSON document describes.

    Bytes of edits are those of the files before. Files of `to` null are removed, unless they go to
    the trash.
    """
    files: dict[str, bytes] = {path: text for path, text in before.items() if text is not None}
    edits: dict[str, list[Mapping[str, Any]]] = {}
    for edit in data["edits"]:
        edits.setdefault(edit["path"], []).append(edit)
    created = {item["path"]: item["text"] for item in data["creates"]}
    moves = {item["from"]: item["to"] for item in data["files"]}
    trash = {item["path"]: item["trash"] for item in data["deletes"]}
    assert {old for old, new in moves.items() if new is None} == trash.keys()
    assert created.keys() <= edits.keys() | {path for path, text in created.items() if not text}
    after: dict[str, bytes] = {}
    for path, group in edits.items():
        assert (path in files) is (path not in created), f"{path} is edited"
        assert path not in trash or trash[path], f"{path} is edited and removed"
        at, parts, old = 0, list[bytes](), files.get(path, b"")
        for edit in sorted(group, key=lambda item: (item["start"], item["end"])):
            assert at <= edit["start"] <= edit["end"] <= len(old), f"edits of {path} overlap"
            parts += [old[at : edit["start"]], edit["text"].encode()]
            at = edit["end"]
        files[path] = b"".join([*parts, old[at:]])
    for path, text in files.items():
        new = trash[path] if path in trash else moves.get(path, path)
        if new is None:
            continue
        assert new not in after, f"two files get {new}"
        after[new] = text
    assert moves.keys() <= files.keys(), f"files that are none: {moves.keys() - files.keys()}"
    return {**after}


def only_files(contents: Contents) -> dict[str, bytes]:
    return {path: data for path, data in contents.items() if data is not None}


def apply_patch(folder: Path, before: Contents, patch: str) -> Contents:
    """Return a copy of a vault after `git apply`."""
    for path, data in before.items():
        if data is None:
            (folder / path).mkdir(parents=True, exist_ok=True)
        else:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    done = subprocess.run(
        [require_program("git"), "apply", "-p1", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=patch.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )
    assert done.returncode == 0, f"git apply: {done.stderr.decode()}"
    return read_contents(folder)


# -- links ---------------------------------------------------------------------------------------


def find_lost_links(
    before: Vault, after: Vault, plan: Plan, changes: Sequence[Change]
) -> Iterator[str]:
    """Yield links that lead elsewhere or nowhere, though only names and places changed."""
    if not all(is_move(change) and "#" not in str(change.get("rename")) for change in changes):
        return
    broken = Counter(item.path for item in plan.breaks)
    captured = {(item.path, item.target) for item in plan.captured}
    for path in before.index.notes:
        new = plan.find_new_path(path)
        wanted = [target for _, target in before.index.resolved_links(path)]
        found = [target for _, target in after.index.resolved_links(new)]
        if len(wanted) != len(found):
            yield f"{path}: {len(wanted)} links became {len(found)}"
            continue
        for old, now in zip(wanted, found, strict=True):
            if old is None and now is not None and (path, now) not in captured:
                yield f"{path}: an unresolved link leads to {now}"
            elif old is not None and now != plan.find_new_path(old):
                if now is None and broken[path]:
                    broken[path] -= 1
                else:
                    yield f"{path}: a link to {old} leads to {now}"


# -- what must hold ------------------------------------------------------------------------------


def find_problems(example: Example, folder: Path) -> list[str]:
    """Return what does not hold for a list of changes; `folder` is empty."""
    if not example.changes:
        return []
    apart = make_changes(make_root(folder / "apart", example), [[c] for c in example.changes])
    root = make_root(folder / "vault", example)
    before, vault = read_contents(root), open_root(root)
    try:
        plan = vault.plan(*map(read_request, example.changes))
    except UsageError as error:
        unchanged = [] if read_contents(root) == before else ["a refused list wrote something"]
        return [*unchanged, *check_refusal(example, str(error), apart)]
    if not plan:
        return [] if apart.contents in ({}, before) else ["the plan is empty"]
    result = vault.apply(plan)
    assert not result.is_outdated
    after = read_contents(root)
    if result.skipped and after == before and any(path.endswith("/.hidden") for path in before):
        return []  # a hidden file keeps a folder at the new path of another one
    found = [f"skipped: {note}" for note in result.skipped]
    hidden = [sum(path.endswith("/.hidden") for path in all_) for all_ in (before, after)]
    found += ["a hidden file is lost"] * (hidden[0] != hidden[1])
    found += check_data(plan, before, after)
    found += check_patch(folder / "patched", plan, before, after)
    renewed = open_root(root)
    found += check_state(plan, renewed)
    found += find_lost_links(vault, renewed, plan, example.changes)
    found += compare_apart(example, after, apart, folder)
    vault.undo(result.run_id)
    found += list_differences("after undo", read_contents(root), before)
    with suppress(UsageError):
        vault.undo()
        found.append("there was another run")
    return found


def check_data(plan: Plan, before: Contents, after: Contents) -> list[str]:
    data = json.loads(render_plan("change", plan, plan.skipped))
    try:
        done = interpret(before, data)
    except (AssertionError, KeyError) as error:
        return [f"data: {error!r}"]
    return list_differences("data", done, only_files(after))


def check_patch(folder: Path, plan: Plan, before: Contents, after: Contents) -> list[str]:
    try:
        done = apply_patch(folder, before, plan.diff())
    except AssertionError as error:
        return [str(error)]
    return list_differences("patch", only_files(done), only_files(after))


def check_state(plan: Plan, renewed: Vault) -> Iterator[str]:
    """Yield in what the planned state differs from that of the written vault.

    Which links to itself a note has on lines of their own is not found again for a new name.
    """
    if {*plan.after.index.files} != {*renewed.index.files}:
        yield "state: files"
    old, new = (
        {path: replace(note, lone_self_links=()) for path, note in state.index.notes.items()}
        for state in (plan.after, renewed.state)
    )
    yield from (f"state: note {path}" for path in {*old, *new} if old.get(path) != new.get(path))
    before, after = (
        {
            path: [d for d in found if d.rule != "self-link"]
            for path, found in state.diagnostics.items()
        }
        for state in (plan.after, renewed.state)
    )
    if {k: v for k, v in before.items() if v} != {k: v for k, v in after.items() if v}:
        yield "state: findings"


def compare_apart(example: Example, after: Contents, apart: Outcome, folder: Path) -> Iterator[str]:
    """Yield differences to the changes one after the other; neighbouring renames at once, too."""
    if apart.contents == after:
        return
    groups = group_changes(example.changes)
    if len(groups) == len(example.changes):
        if ON_DISK in apart.refusal:
            return
        if apart.refusal:
            yield f"alone refused: change {apart.number}: {apart.refusal}"
            return
        yield from compare_folders("apart", after, apart.contents)
        return
    grouped = make_changes(make_root(folder / "grouped", example), groups)
    if ON_DISK in grouped.refusal:
        return  # a run left a folder empty that one run never makes
    if grouped.refusal:
        yield f"grouped refused: group {grouped.number}: {grouped.refusal}"
        return
    yield from compare_folders("grouped", after, grouped.contents)


def without_trash(contents: Contents) -> Contents:
    return {path: data for path, data in contents.items() if not path.startswith(".trash")}


def compare_folders(what: str, found: Contents, wanted: Contents) -> list[str]:
    """Return differences; a folder that one run makes and another empties may be missing.

    A folder that has hidden files stays unless it is moved as a whole.
    """
    found, wanted = without_trash(found), without_trash(wanted)
    missing = {path for path, data in wanted.items() if data is None and path not in found}
    hiding = {place for path in found if "/.hidden" in path for place in list_outer_folders(path)}
    return list_differences(
        what,
        {path: data for path, data in found.items() if path in wanted or path not in hiding},
        {path: data for path, data in wanted.items() if path not in missing},
    )


def without_hidden(contents: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
    """Return contents without hidden files, which no plan names: only a whole folder takes them along."""
    return {path: data for path, data in contents.items() if not path.endswith("/.hidden")}


def list_differences(
    what: str, found: Mapping[str, bytes | None], wanted: Mapping[str, bytes | None]
) -> list[str]:
    """Return the paths whose bytes differ, or that one of them lacks."""

    found, wanted = without_hidden(found), without_hidden(wanted)

    def show(contents: Mapping[str, bytes | None], path: str) -> str:
        if path not in contents:
            return "no file"
        data = contents[path]
        return "a folder" if data is None else repr(data.decode("utf-8", "backslashreplace"))

    return [
        f"{what}: {path}: {show(found, path)} instead of {show(wanted, path)}"
        for path in sorted({*found, *wanted})
        if (path in found) != (path in wanted) or found.get(path) != wanted.get(path)
    ]


ON_DISK = "on the disk already, which Obsidian does not show"
REUSED = "is the path of what an earlier change moves or removes"


def check_refusal(example: Example, message: str, apart: Outcome) -> Iterator[str]:
    total = len(example.changes)
    found = re.match(rf"change (\d+) of {total}: ", message)
    first, rest = (int(found[1]), message[found.end() :]) if found else (1, message)
    if total > 1 and not found:
        yield f"refusal without number: {message}"
    if message[-1] not in ".?" or "Traceback" in message:
        yield f"refusal: {message}"
    if REUSED in rest or first < apart.number or (first, rest) == (apart.number, apart.refusal):
        return  # of changes that are made at once the first is named
    yield f"refused: {message}" + (
        f" (alone: change {apart.number}: {apart.refusal})" if apart.refusal else " (alone: done)"
    )
