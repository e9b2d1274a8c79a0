"""Play a month of a vault in an hour, with the real programs, and prove each day that all is well.

    python benchmarks/month.py [--vault DIR] [--seed N] [--days 30] [--minutes 60] [--output FILE]

A person in (a simulated) Obsidian, an editor over `lsp`, an agent over `mcp`, git, a sync service
and commands change a copy of the vault, while `watch --fix` runs. In the quiet moment at the end of
each day, all programs must say the same as a fresh check, each file must be byte for byte as its
last writer left it, each paragraph that nobody deleted must be there, and an event must explain
each finding. The exit code is 1 after a violation.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from generate import WORDS, generate_vault
from month_figures import collect_figures, describe_figures
from month_ledger import Ledger, describe_subject, find_tokens
from month_programs import Programs, apply_text_edits
from repositories import GIT_ENVIRONMENT
from simulated_obsidian import note_name, update_links
from vaultlink.parse.properties import body_start

_NOTES = 1_000
_QUIET_SECONDS = 4.5
"""Seconds without a run after which a watcher has fixed what it can: it waits for three."""

_STORM = 25
"""Renames of a storm, which no program answers."""


class Violation(NamedTuple):
    """Something that must not be, with the place in the script."""

    day: int
    step: int
    seed: int
    event: str
    problem: str


class Month:
    """A vault, its programs, and the people who change it.

    Args:
        vault: The vault; its files are changed.
        folder: A folder for logs of the programs.
        seed: The seed of the script.
        patience: Seconds that programs have to agree in a quiet moment.
    """

    def __init__(self, vault: Path, folder: Path, seed: int, patience: float = 60.0):
        self.vault, self.seed, self.patience = vault, seed, patience
        self._dice = random.Random(seed)
        self._set_up_vault()
        self.ledger = Ledger(vault)
        self.programs = Programs(vault, folder)
        self.initial = {*map(describe_subject, self.programs.check()["findings"])}
        self.day = self.step = 0
        self.event = "the start"
        self.events: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.violations: list[Violation] = []
        self.findings = self.forgotten = 0
        self._number = 0
        self.planned: dict[str, float] = {}
        """When a link to a note that is not written yet was saved, by the name of the note."""
        self._unwritten: list[str] = []
        self._conflicts: dict[str, str] = {}
        """The originals of conflict copies."""
        self._deck: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._report(self.programs.stop())

    def _set_up_vault(self) -> None:
        settings = self.vault / ".obsidian" / "app.json"
        settings.parent.mkdir(exist_ok=True)
        known = json.loads(settings.read_text("utf-8")) if settings.exists() else {}
        settings.write_text(json.dumps({**known, "trashOption": "local"}), encoding="utf-8")
        self._git("init", "--quiet")
        self._commit()

    # -- the days ----------------------------------------------------------------------------------

    def play(self, days: int, seconds: float) -> None:
        """Play the days, each of which takes so many seconds."""
        begun, proof = time.monotonic(), _QUIET_SECONDS + 5
        for self.day in range(1, days + 1):
            end = begun + self.day * seconds - proof
            self.step = 0
            while time.monotonic() < end or self.step < 3:
                self.act(self._draw())
                self._pause(self._dice.choice((0.05, 0.2, 0.5, 1.0, 1.5, 4.0)))
            self.act("git: commit")
            begin_proof = time.monotonic()
            self.prove()
            proof = time.monotonic() - begin_proof
            print(f"day {self.day}: {self.describe_day()}", flush=True)

    def _draw(self) -> str:
        if not self._deck:
            self._deck = [name for name, (_, often) in EVENTS.items() for _ in range(often)]
            self._dice.shuffle(self._deck)
        return self._deck.pop()

    def act(self, name: str) -> None:
        """Have one event happen."""
        self.step += 1
        self.event = name
        EVENTS[name][0](self)
        self.events[name] += 1
        self.programs.weigh(sum(map(len, self.ledger.read_known())))

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def describe_day(self) -> str:
        """Return a line about the state of the vault."""
        return (
            f"{self.step} events, {len(self.ledger.list_notes())} notes, {self.findings} findings, "
            f"{len(self.ledger.runs)} runs, {len(self.violations)} violations"
        )

    # -- what must be true -------------------------------------------------------------------------

    def prove(self) -> list[Violation]:
        """Wait for a quiet moment, and compare everything; return the new violations."""
        self.event = "the end of the day"
        known, deadline = len(self.violations), time.monotonic() + self.patience
        while True:
            self._wait_quiet(deadline)
            runs = len(self.ledger.runs)
            differences, check = self.programs.compare_views()
            self.ledger.take_runs()
            is_late = time.monotonic() > deadline
            if is_late or (not differences and runs == len(self.ledger.runs)):
                break
        self.findings = len(check["findings"])
        self.forgotten = sum(map(self.ledger.is_forgotten, check["findings"]))
        problems = self.ledger.find_problems()
        differences += self.programs.compare_cache(check)
        self._report([*problems, *differences, *self._find_unexplained(check)])
        if problems:
            self.ledger.adopt()
        return self.violations[known:]

    def _wait_quiet(self, deadline: float) -> None:
        last: object = None
        since = time.monotonic()
        while (now := time.monotonic()) < min(since + _QUIET_SECONDS, deadline):
            self.ledger.take_runs()
            state = len(self.ledger.runs), self.programs.fixer.batches
            if state != last or self.ledger.is_writing():
                last, since = state, now
            time.sleep(0.1)

    def _find_unexplained(self, check: Any) -> Iterator[str]:
        """Yield the findings that no event explains, and the fixes that the watcher left."""
        for row in check["findings"]:
            place = f"{row['path']}:{row['line']} {row['rule']} {row['message']}"
            is_fixable = (row["fix"] or {}).get("safety") == "safe"
            if is_fixable and row["path"] not in self.ledger.reverted:
                yield f"the watcher left a safe fix: {place}"
            elif not self.ledger.explain(row, self.initial):
                yield f"nothing explains {place}"

    def _report(self, problems: list[str]) -> None:
        told = {item.problem for item in self.violations}
        for problem in problems:
            if problem not in told:
                violation = Violation(self.day, self.step, self.seed, self.event, problem)
                self.violations.append(violation)
                print(
                    f"VIOLATION day {self.day}, step {self.step}, seed {self.seed} "
                    f"({self.event}): {problem}",
                    flush=True,
                )

    # -- words and notes ---------------------------------------------------------------------------

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _make_name(self) -> str:
        words = self._dice.choices(WORDS, k=2)
        return "_".join([*words, str(self._next_number())])

    def _choose(self, number: int = 1) -> list[str]:
        """Return notes that are in no conflict."""
        busy = {*self._conflicts, *self._conflicts.values()}
        notes = [path for path in self.ledger.list_notes() if path not in busy]
        return self._dice.sample(notes, min(number, len(notes)))

    def _make_link(self) -> str:
        [path] = self._choose()
        name = note_name(path)
        return self._dice.choice((f"[[{name}]]", f"[[{name}|these words]]", f"[[{name} | so]]"))

    def _make_paragraph(self, author: str, *links: str) -> str:
        words = " ".join(self._dice.choices(WORDS, k=8))
        sentence = self.ledger.add_paragraph(f"{author} thinks of the {words} on day {self.day}.")
        links = links or (self._make_link(), self._make_link())
        return f"{sentence} See {' and '.join(links)}."

    def _read(self, path: str) -> str:
        return self.ledger.read(path).decode("utf-8", "surrogateescape")

    def _write(
        self,
        author: str,
        path: str,
        text: str,
        *,
        drops: tuple[bytes, ...] = (),
        sync: bool = False,
    ) -> None:
        content = text.encode("utf-8", "surrogateescape")
        self.ledger.write(author, path, content, drops, by_rename=sync)

    def _insert(self, author: str, path: str, *links: str, sync: bool = False) -> None:
        """Write a paragraph at the start of a note."""
        paragraph = self._make_paragraph(author, *links)
        self._write(author, path, insert_paragraph(self._read(path), paragraph), sync=sync)

    # -- people in Obsidian and in the file manager ------------------------------------------------

    def write_paragraph(self) -> None:
        for path in self._choose(self._dice.choice((1, 1, 2))):
            self._insert("Ada", path)

    def write_note(self) -> None:
        [beside] = self._choose()
        path = f"{beside.rpartition('/')[0]}/{self._make_name()}.md".lstrip("/")
        self._write("Ada", path, f"# New\n\n{self._make_paragraph('Ada')}\n")
        self._insert("Ada", beside, f"[[{note_name(path)}]]")

    def link_unwritten(self) -> None:
        """Link to a note that is to be written, and take the time until its finding."""
        name = f"unwritten_{self._make_name()}"
        self.ledger.reasons[name] = f"Ada linked to it on day {self.day} before it was written"
        [path] = self._choose()
        self._insert("Ada", path, f"[[{name}]]")
        self.planned[name] = time.monotonic()
        self._unwritten.append(name)

    def write_planned(self) -> None:
        if self._unwritten:
            name = self._unwritten.pop(0)
            self._write("Ada", f"{name}.md", f"# Planned\n\n{self._make_paragraph('Ada')}\n")

    def delete_paragraph(self) -> None:
        for path in self._choose(200):
            text = self._read(path)
            if tokens := sorted(find_tokens(text.encode("utf-8", "surrogateescape"))):
                token = tokens[0]
                lines = text.split("\n")
                kept = [line for line in lines if token.decode() not in line]
                lost = find_tokens("\n".join(lines).encode("utf-8", "surrogateescape"))
                lost -= find_tokens("\n".join(kept).encode("utf-8", "surrogateescape"))
                self._write("Ada", path, "\n".join(kept), drops=tuple(lost))
                return

    def rename_in_obsidian(self) -> None:
        """Rename a note; Obsidian then updates the links in each note."""
        [old] = self._choose()
        new = f"{old.rpartition('/')[0]}/{self._make_name()}.md".lstrip("/")
        names = note_name(old), note_name(new)
        self.ledger.move("Obsidian", old, new)
        for path in self.ledger.list_notes():
            text = self._read(path)
            if (after := update_links(text, *names)) != text:
                self._write("Obsidian", path, after)
                time.sleep(self._dice.choice((0.0, 0.01, 0.05)))

    def rename_without_updates(self) -> None:
        [old] = self._choose()
        self.ledger.move("Ada", old, f"{old.rpartition('/')[0]}/{self._make_name()}.md".lstrip("/"))

    def move_note(self) -> None:
        [old] = self._choose()
        self.ledger.move("Ada", old, f"Archive/{note_name(old)}.md")

    def delete_note(self) -> None:
        [path] = self._choose()
        trash = f".trash/{note_name(path)} {self._next_number()}.md"
        self.ledger.remove("Obsidian", path, trash)

    def rename_many(self) -> None:
        """Rename many notes at once, as a script does that knows nothing of links."""
        for old in self._choose(_STORM):
            new = f"{old.rpartition('/')[0]}/{self._make_name()}.md".lstrip("/")
            self.ledger.move("a script", old, new)
            time.sleep(self._dice.choice((0.0, 0.01)))

    # -- an editor over `lsp` ----------------------------------------------------------------------

    def type_in_editor(self) -> None:
        """Type in a note, ask for completions, and save two seconds later."""
        [path] = self._choose()
        editor, text = self.programs.editor, self._read(path)
        paragraph = self._make_paragraph("Bo")
        line = text[: body_start(text)].count("\n")
        editor.open(path, text)
        editor.type(path, line, 0, f"{paragraph[:-1]} [[\n\n")
        place = editor.place(path, line, len(paragraph) + 2)
        editor.request("textDocument/completion", place)
        time.sleep(self._dice.choice((0.1, 2.0)))
        editor.type(path, line, len(paragraph) - 1, ".", length=3)
        editor.request("textDocument/hover", editor.place(path, line, len(paragraph) - 5))
        self._write("Bo", path, insert_paragraph(text, paragraph))
        document = {"textDocument": {"uri": editor.uri(path)}}
        editor.notify("textDocument/didSave", document)
        editor.notify("textDocument/didClose", document)

    def rename_in_editor(self) -> None:
        """Rename a note; the editor makes the edits that the server answers."""
        [old] = self._choose()
        new = f"{old.rpartition('/')[0]}/{self._make_name()}.md".lstrip("/")
        editor = self.programs.editor
        files = {"files": [{"oldUri": editor.uri(old), "newUri": editor.uri(new)}]}
        self.ledger.take_runs()
        runs = len(self.ledger.runs)
        answer = editor.request("workspace/willRenameFiles", files) or {}
        self.ledger.take_runs()
        if runs != len(self.ledger.runs) or self.ledger.is_writing():
            return  # the answer is about other texts
        for change in answer.get("documentChanges", ()):
            path = self.programs.read_path(change["textDocument"]["uri"])
            self._write("Bo", path, apply_text_edits(self._read(path), change["edits"]))
        self.ledger.move("Bo", old, new)
        editor.notify("workspace/didRenameFiles", files)

    # -- an agent over `mcp` -----------------------------------------------------------------------

    def _change(self, change: dict[str, Any]) -> bool:
        """Have the agent make a change; return False if it is refused."""
        reply = self.programs.agent.call("change", {"changes": [change], "apply": True})
        if not reply.is_error and reply.data["run"] is None and reply.data["counts"]["files"]:
            reply = self.programs.agent.call("apply", {"plan": reply.data["plan"]})
        if reply.is_error:
            self.refusals.append(f"mcp {change}: {reply.text}")
        self.ledger.take_runs()
        return not reply.is_error

    def rename_by_agent(self) -> None:
        [path] = self._choose()
        self._change({"rename": path, "to": self._make_name()})

    def delete_by_agent(self) -> None:
        path, other = self._choose(2)
        ways: list[dict[str, Any]] = [{"unlink": True}, {"to": other}, {"leave": True}]
        with self.ledger.deleting(path, "deleted by the agent") as done:
            done.append(self._change({"delete": path, **self._dice.choice(ways)}))

    def merge_by_agent(self) -> None:
        path, into = self._choose(2)
        with self.ledger.deleting(path, ""):
            self._change({"merge": path, "into": into})

    def fix_by_agent(self) -> None:
        self._change({"fix": "safe"})

    def write_by_agent(self) -> None:
        """Check a draft, then write it."""
        [path] = self._choose()
        text = insert_paragraph(self._read(path), self._make_paragraph("the agent"))
        reply = self.programs.agent.call("check", {"drafts": {path: text}, "limit": 3})
        if reply.is_error:
            self._report([f"mcp refused a draft of {path}: {reply.text}"])
        self._write("the agent", path, text)

    def write_stub_by_agent(self) -> None:
        if self._unwritten:
            name = self._unwritten.pop(0)
            self._change({"unresolved": name, "create": "Inbox/", "stub": True})

    def undo_by_agent(self) -> None:
        reply = self.programs.agent.call("undo", {})
        if reply.is_error:
            self.refusals.append(f"mcp undo: {reply.text}")
        self.ledger.take_runs()

    # -- git ---------------------------------------------------------------------------------------

    def _git(self, *words: str) -> str:
        settings = ("-c", "maintenance.auto=false", "-c", "core.quotePath=false")
        return subprocess.run(
            ["git", "-C", str(self.vault), *settings, *words],
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **GIT_ENVIRONMENT},
        ).stdout

    def _commit(self) -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", "Notes")

    def commit(self) -> None:
        self._commit()

    def restore_from_git(self) -> None:
        """Discard what changed in a note since the last commit."""
        changed = self._git("diff", "--name-only", "--diff-filter=M").splitlines()
        paths = [path for path in changed if path in self._choose(10_000)]
        if paths:
            path = self._dice.choice(paths)
            reason = f"git restored an earlier text of {path} on day {self.day}"
            self.ledger.replace(
                "git", path, reason, lambda: self._git("checkout", "--quiet", "--", path)
            )

    # -- a sync service ----------------------------------------------------------------------------

    def touch_all(self) -> None:
        for path in self.ledger.list_notes():
            os.utime(self.vault / path)

    def replace_by_equal(self) -> None:
        """Replace files by others with the same bytes."""
        for path in self._choose(40):
            self.ledger.write("the sync service", path, self.ledger.read(path), by_rename=True)

    def bring_batch(self) -> None:
        """Bring notes that were written on another device."""
        for path in self._choose(15):
            self._insert("the phone", path, sync=True)

    def make_conflict(self) -> None:
        [path] = self._choose()
        time_of_copy = f"2026-11-{self.day % 28 + 1:02} 10{self._next_number() % 10_000:04}"
        copy = f"{path.removesuffix('.md')} (conflicted copy {time_of_copy}).md"
        paragraph = self._make_paragraph("the phone")
        self._write("the sync service", copy, insert_paragraph(self._read(path), paragraph))
        self._conflicts[copy] = path
        self.ledger.reverted |= dict.fromkeys(
            (copy, path), "it is in a conflict of the sync service"
        )

    def resolve_conflict(self) -> None:
        """Move the paragraph of a conflict copy to its original, and delete the copy."""
        if not self._conflicts:
            return
        copy, path = self._conflicts.popitem()
        known = find_tokens(self.ledger.read(path))
        text = self._read(path)
        for line in self._read(copy).split("\n"):
            if find_tokens(line.encode("utf-8", "surrogateescape")) - known:
                text = insert_paragraph(text, line)
        self._write("Ada", path, text)
        self.ledger.remove("Ada", copy)
        for item in (copy, path):
            self.ledger.reverted.pop(item, None)

    # -- commands ----------------------------------------------------------------------------------

    def _run(self, *words: str, accepted: tuple[int, ...] = (0, 1)) -> bool:
        """Run a command; return True unless it is refused."""
        done = self.programs.run(*words)
        self.ledger.take_runs()
        if "Traceback" in done.err or done.code not in (*accepted, 2):
            self._report([f"{' '.join(words)} ended with {done.code}: {done.err[-400:]}"])
        elif done.code not in accepted:
            self.refusals.append(f"{' '.join(words)}: {done.err.strip()}")
        return done.code in accepted

    def run_check(self) -> None:
        self._run("check", "--statistics")

    def run_status(self) -> None:
        self._run("status", accepted=(0,))

    def run_report(self) -> None:
        self._run("report", "--output-file", str(self.programs.folder / "report.html"))

    def run_mentions(self) -> None:
        self._run("mentions", "--limit", "20", accepted=(0,))

    def run_fix(self) -> None:
        self._run("fix", "--quiet")

    def run_rename(self) -> None:
        [path] = self._choose()
        self._run("rename", path, self._make_name(), accepted=(0,))

    def run_delete(self) -> None:
        path, other = self._choose(2)
        ways = [("--unlink",), ("--to", other), ("--leave",)]
        with self.ledger.deleting(path, "deleted by a command") as done:
            done.append(self._run("delete", path, *self._dice.choice(ways), accepted=(0,)))

    def run_undo(self) -> None:
        """Undo the last run, or one of the last five."""
        runs = [run for run in self.ledger.runs[-5:] if not run.undoes]
        chosen = [self._dice.choice(runs).id] if runs and self._dice.random() < 0.5 else []
        self._run("undo", *chosen)

    # -- the computer ------------------------------------------------------------------------------

    def sleep(self) -> None:
        """Stop the watchers, as when the lid is closed; files change before they go on."""
        watchers = (self.programs.fixer, self.programs.verifier)
        for watcher in watchers:
            watcher.signal(signal.SIGSTOP)
        self.bring_batch()
        self.rename_without_updates()
        time.sleep(2)
        for watcher in watchers:
            watcher.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the watcher; files change before another one is started."""
        self.programs.fixer.kill()
        self.write_paragraph()
        self.rename_without_updates()
        self.programs.restart_fixer()

    def kill_in_run(self) -> None:
        """Kill the watcher as soon as it has begun to write, in hundreds of notes if there are."""
        for old in self._choose(_STORM):
            self.ledger.move("Ada", old, f"Archive/{self._make_name()}.md")
        end = time.monotonic() + 12
        while time.monotonic() < end and not self.ledger.is_writing():
            time.sleep(0.0005)
        self.programs.fixer.kill()
        self.programs.restart_fixer()

    # -- figures -----------------------------------------------------------------------------------

    def finish(self) -> dict[str, Any]:
        """Judge the memory, and return all figures."""
        self._report([*self.programs.judge_memory()])
        return collect_figures(self)


Event = Callable[[Month], None]

EVENTS: dict[str, tuple[Event, int]] = {
    "Obsidian: a paragraph": (Month.write_paragraph, 5),
    "Obsidian: a new note": (Month.write_note, 2),
    "Obsidian: a link to an unwritten note": (Month.link_unwritten, 4),
    "Obsidian: a planned note is written": (Month.write_planned, 1),
    "Obsidian: a paragraph is deleted": (Month.delete_paragraph, 2),
    "Obsidian: a rename, links updated": (Month.rename_in_obsidian, 2),
    "Obsidian: a rename, links not updated": (Month.rename_without_updates, 2),
    "Obsidian: a move": (Month.move_note, 1),
    "Obsidian: a deletion": (Month.delete_note, 1),
    "a script: a storm of renames": (Month.rename_many, 1),
    "editor: a paragraph, saved later": (Month.type_in_editor, 3),
    "editor: a rename": (Month.rename_in_editor, 1),
    "agent: a paragraph, checked before": (Month.write_by_agent, 2),
    "agent: a rename": (Month.rename_by_agent, 1),
    "agent: a deletion": (Month.delete_by_agent, 1),
    "agent: a merge": (Month.merge_by_agent, 1),
    "agent: safe fixes": (Month.fix_by_agent, 1),
    "agent: a stub": (Month.write_stub_by_agent, 1),
    "agent: undo": (Month.undo_by_agent, 1),
    "git: commit": (Month.commit, 1),
    "git: a note is restored": (Month.restore_from_git, 1),
    "sync: all times": (Month.touch_all, 1),
    "sync: equal files": (Month.replace_by_equal, 1),
    "sync: notes of another device": (Month.bring_batch, 1),
    "sync: a conflict copy": (Month.make_conflict, 1),
    "sync: a conflict is resolved": (Month.resolve_conflict, 1),
    "command: check": (Month.run_check, 1),
    "command: status": (Month.run_status, 1),
    "command: report": (Month.run_report, 1),
    "command: mentions": (Month.run_mentions, 1),
    "command: fix": (Month.run_fix, 1),
    "command: rename": (Month.run_rename, 1),
    "command: delete": (Month.run_delete, 1),
    "command: undo": (Month.run_undo, 2),
    "computer: sleep": (Month.sleep, 1),
    "computer: kill -9 of the watcher": (Month.kill, 1),
    "computer: kill -9 within a run": (Month.kill_in_run, 1),
}
"""Each kind of event, and its number in a deck that is played before the next one is shuffled."""


def insert_paragraph(text: str, paragraph: str) -> str:
    """Return a note with a paragraph at the start of its body."""
    at = body_start(text)
    return f"{text[:at]}{paragraph}\n\n{text[at:]}"


def copy_vault(source: Path | None, vault: Path) -> None:
    """Copy a vault without its repository, or generate one."""
    if source is None:
        generate_vault(vault, _NOTES)
    else:
        shutil.copytree(source, vault, ignore=shutil.ignore_patterns(".git", ".trash"))


def main() -> int:
    """Play a month in a temporary folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vault", type=Path, help="a vault to copy; default: a generated one")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices; default: 1")
    parser.add_argument("--days", type=int, default=30, help="days of the vault; default: 30")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="minutes for all of them; default: 60"
    )
    parser.add_argument("--output", type=Path, help="a file for the figures, as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vaultlink-month-")).resolve()
    os.environ["VAULTLINK_CACHE_DIR"] = str(folder / "cache")
    os.environ["VAULTLINK_STATE_DIR"] = str(folder / "state")
    try:
        copy_vault(options.vault, folder / "vault")
        with Month(folder / "vault", folder, options.seed) as month:
            month.play(options.days, options.minutes * 60 / options.days)
            figures = month.finish()
        figures["violations"] = [item._asdict() for item in month.violations]
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(*describe_figures(figures), sep="\n")
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1, ensure_ascii=False), "utf-8")
    return 1 if figures["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
