"""Run programs on states of a vault, and judge what they say about the links of the cases."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from replay_cases import Case, Event, Place
from replay_history import (
    PROBE,
    History,
    Tree,
    WorkTree,
    add_probe,
    check_out,
    decode_text,
    group_names,
    parse_text,
)
from vaultlink.index.anchors import find_anchor
from vaultlink.index.resolve import PathsByName, is_note, resolve
from vaultlink.model import Link

_TIMEOUT_SECONDS = 600
Finding = Mapping[str, Any]


class Outcome(NamedTuple):
    """What a program said about a link, and its message."""

    result: str
    message: str


class AfterState:
    """The files of a vault after the commits of an event."""

    def __init__(self, history: History, tree: Tree, probe: str):
        self._history, self._tree, self._probe = history, tree, probe
        self.names: PathsByName = group_names((*tree, PROBE))

    def read_bytes(self, path: str) -> bytes:
        """Return the content of a note."""
        if path == PROBE:
            return self._probe.encode("utf-8", "surrogateescape")
        return self._history.read_bytes(self._tree[path])

    def read_text(self, path: str) -> str:
        """Return the text of a note."""
        return decode_text(self.read_bytes(path))

    def find_anchor_start(self, place: Place) -> int | None:
        """Return the offset of the heading or block; -1 for none, None if it is missing."""
        if not place.subpath:
            return -1
        if not is_note(place.path) or place.path not in self._tree:
            return None
        anchor = find_anchor(parse_text(place.path, self.read_text(place.path)), place.subpath)
        return anchor.start if anchor else None

    def resolve_link(self, source: str, link: Link) -> Place | None:
        """Return what a link leads to."""
        path = resolve(source, link.lookup_target, self.names)
        return Place(path, link.subpath) if path else None

    def find_link(self, case: Case, text: str) -> Link | None:
        """Return the link of a case in a version of its source."""
        links = parse_text(case.source, text).links
        return next((link for link in links if link.start == case.start), None)

    def is_same(self, one: Place | None, other: Place | None) -> bool:
        """Return True if two places are the same file, and heading or block."""
        if one is None or other is None or one.path != other.path:
            return False
        start = self.find_anchor_start(one)
        return start is not None and start == self.find_anchor_start(other)


def apply_edits(content: bytes, path: str, edits: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a file's content with the edits of a fix, whose offsets count bytes."""
    for edit in sorted(edits, key=lambda item: -int(item["start"])):
        if edit["path"] == path:
            content = content[: edit["start"]] + edit["text"].encode() + content[edit["end"] :]
    return content


def judge_case(case: Case, findings: Sequence[Finding], state: AfterState) -> Outcome:
    """Say whether a program leads the link of a case to the truth."""
    text = state.read_text(case.source)
    link = state.find_link(case, text)
    if link is None:
        return Outcome("error", "the link is not in its note")
    own = [
        item
        for item in findings
        if item["path"] == case.source
        and (item["line"], item["column"]) == (link.line, link.column)
    ]
    rules = {item["rule"] for item in own}
    message = " | ".join(f"{item['rule']}: {item['message']}" for item in own)
    fixed = [item for item in own if item["fix"]]
    if case.kind == "retargets":
        return Outcome(_judge_retarget(case, own, state), message)
    now = state.resolve_link(case.source, link)
    if now is not None and state.find_anchor_start(now) is not None and not fixed:
        return Outcome("resolves", message)
    for item in sorted(fixed, key=lambda found: found["fix"]["safety"] != "safe"):
        is_safe = item["fix"]["safety"] == "safe"
        place = _find_fixed_place(case, item, state)
        is_right = state.is_same(place, case.truth)
        message = f"{message} -> {place}"
        if not case.is_scored:
            return Outcome("fixed" if is_safe else "offered", message)
        if is_right:
            return Outcome("right" if is_safe else "suggested", message)
        return Outcome("wrong" if is_safe else "wrong-suggested", message)
    return Outcome(_judge_suggestions(case, own, state), message or f"nothing: {sorted(rules)}")


def _find_fixed_place(case: Case, finding: Finding, state: AfterState) -> Place | None:
    content = state.read_bytes(case.source)
    text = decode_text(apply_edits(content, case.source, finding["fix"]["edits"]))
    link = state.find_link(case, text)
    return state.resolve_link(case.source, link) if link else None


def _judge_suggestions(case: Case, findings: Sequence[Finding], state: AfterState) -> str:
    """Return whether a suggestion names the truth; "wrong-suggested" for a likely other place."""
    result = "nothing"
    for item in findings:
        likely = item.get("likely") or ()
        for named in (*([likely] if isinstance(likely, dict) else likely), *item["suggestions"]):
            if isinstance(named, str):
                named = {"path": named}  # noqa: PLW2901
            place = Place(named["path"], named.get("subpath") or "")
            if case.truth and case.is_scored and state.is_same(place, case.truth):
                return "suggested"
            if named not in item["suggestions"] or named.get("reason") == "history":
                result = "wrong-suggested" if case.is_scored else "offered"
    return result


def _judge_retarget(case: Case, findings: Sequence[Finding], state: AfterState) -> str:
    """Return "led back" for a right safe fix, else what the program noticed."""
    told = [item for item in findings if item["rule"] == "retargeted-link"]
    for item in told:
        if item["fix"] and item["fix"]["safety"] == "safe":
            place = _find_fixed_place(case, item, state)
            is_right = (
                place is not None and case.truth is not None and place.path == case.truth.path
            )
            return "led back" if is_right else "wrong"
    if told:
        return "noticed"
    return "ambiguous" if any(item["rule"] == "ambiguous-link" for item in findings) else "nothing"


# -- runs -----------------------------------------------------------------------------------------


class ProgramError(Exception):
    """A program failed; its message is the end of what it printed."""


@dataclass(frozen=True, slots=True)
class ProgramFolder:
    """A program under test and the folder of its caches."""

    name: str
    path: Path
    folder: Path

    def clear(self) -> None:
        """Delete all that earlier runs left."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)

    def check(self, vault: Path, paths: Sequence[str]) -> list[Finding]:
        """Check a vault and return the findings in some notes; in all if none are given."""
        environment = {
            **{name: value for name, value in os.environ.items() if "VAULTLINK" not in name},
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }
        try:
            done = subprocess.run(
                (
                    *(str(self.path), "check", "--vault", str(vault), "--output-format", "json"),
                    *("--isolated", "--exit-zero", "--no-baseline", "--jobs", "1", "--quiet", "--"),
                    *(str(vault / path) for path in paths),
                ),
                cwd=vault,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ProgramError(str(error)) from error
        if done.returncode:
            tail = done.stderr.decode(errors="replace").strip()[-300:]
            raise ProgramError(f"exit code {done.returncode}: {tail}")
        findings: list[Finding] = json.loads(done.stdout)["findings"]
        return findings


class EventResults(NamedTuple):
    """The outcomes of an event: by variant and program, one for each case."""

    cases: Sequence[Case]
    outcomes: Mapping[tuple[str, str], Sequence[Outcome]]


class Replay:
    """The work trees of a history, and the programs that run on them."""

    def __init__(self, history: History, programs: Sequence[ProgramFolder], folder: Path):
        self._history, self._programs = history, programs
        self._with_git = WorkTree(folder / "git" / history.name, history)
        self._plain = WorkTree(folder / "plain" / history.name, history)

    def run_event(self, event: Event) -> EventResults:
        """Run all programs on the states of an event."""
        history = self._history
        cases, probe = write_probe(event.cases)
        names = [commit.name for commit in history.commits[event.before : event.after + 1]]
        before, after = history.read_tree(names[0]), history.read_tree(names[-1])
        state = AfterState(history, after, probe)
        commits = add_probe(history, names, probe)
        paths = sorted({case.source for case in cases})
        outcomes: dict[tuple[str, str], list[Outcome]] = {}

        def check(variant: str, tree: WorkTree, *, fresh: bool = True) -> None:
            for program in self._programs:
                if fresh:
                    program.clear()
                try:
                    findings = program.check(tree.folder, paths)
                except ProgramError as error:
                    outcomes[variant, program.name] = [Outcome("error", str(error)) for _ in cases]
                    continue
                outcomes[variant, program.name] = [
                    judge_case(case, findings, state) for case in cases
                ]

        self._with_git.switch(after, probe)
        check_out(history, self._with_git, commits[-1])
        check("b", self._with_git)
        if any(case.kind == "retargets" for case in cases):
            check_out(history, self._with_git, commits[0])
            check("a", self._with_git)
        self._plain.switch(before, probe)
        for program in self._programs:
            program.clear()
            with suppress(ProgramError):  # the next run fails too, or shows what is missing
                program.check(self._plain.folder, ())
        self._plain.switch(after, probe)
        check("d", self._plain, fresh=False)
        return EventResults(cases, outcomes)

    def run_window(self, first: int, last: int) -> Iterator[tuple[int, str, Finding]]:
        """Check the commits of a window as they were, one after the other, with a cache.

        Yield each new finding about the past with the number of its commit and the program.
        """
        known: set[tuple[str, str, str]] = set()
        for program in self._programs:
            program.clear()
        for number in range(first, last + 1):
            name = self._history.commits[number].name
            self._with_git.switch(self._history.read_tree(name), "")
            check_out(self._history, self._with_git, name)
            for program in self._programs:
                for finding in self._check_all(program):
                    key = (program.name, finding["path"], finding["message"])
                    if is_alarm(finding) and key not in known:
                        known.add(key)
                        yield number, program.name, finding

    def _check_all(self, program: ProgramFolder) -> list[Finding]:
        """Check the vault with git; a failure is reported and yields no findings."""
        try:
            return program.check(self._with_git.folder, ())
        except ProgramError as error:
            print(f"{program.name}, {self._history.name}: {error}", file=sys.stderr)
            return []


def is_alarm(finding: Finding) -> bool:
    """Return True if a finding says that something went elsewhere."""
    return finding["rule"] in ("moved-link", "retargeted-link") or (
        finding["rule"] in ("missing-heading", "missing-block") and " now" in finding["message"]
    )


def write_probe(cases: Sequence[Case]) -> tuple[list[Case], str]:
    """Return the cases with the places of their links, and the note that has these."""
    text, placed = "", []
    for case in cases:
        if not case.link:
            placed.append(case)
            continue
        placed.append(
            Case(
                case.kind,
                case.sort,
                case.former,
                case.truth,
                case.is_scored,
                case.link,
                PROBE,
                len(text),
            )
        )
        text += f"{case.link}\n"
    return placed, text
