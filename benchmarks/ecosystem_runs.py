"""Run vaultlink on copies of vaults, with limits, and return what it says as comparable entries."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

SECONDS = 600
"""Limit of one run of the program."""

MEGABYTES = 4096
"""Limit of the memory of one run. It is not set on Windows."""

_OPTIONS = ("--isolated", "--no-history", "--jobs", "1", "--quiet", "--output-format", "json")
_SUGGESTIONS = 3


class FailedRunError(Exception):
    """A run without a result; the message says why."""


class Entry(NamedTuple):
    """A finding, a suggestion, a fix, an edit of the plan or a mention.

    `target` is that of the link, or the path of the note that is mentioned. `text` is what a fix or
    an edit writes, the paths that are suggested, or the words of a mention.
    """

    kind: str
    rule: str
    path: str
    line: int
    column: int
    target: str
    text: str

    @property
    def group(self) -> str:
        """Return the kind and the rule."""
        return f"{self.kind} {self.rule}".strip()

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place} {self.target}" + (f" → {self.text}" if self.text else "")


def read_version(program: Path) -> str:
    """Return the version of a vaultlink program."""
    done = subprocess.run((program, "--version"), capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def collect_entries(program: Path, vault: Path, work: Path) -> list[Entry]:
    """Check a vault, plan its safe fixes and search its mentions; nothing in it is changed.

    Raises:
        FailedRunError: A run failed or exceeded a limit.
    """
    checked = _run(program, vault, work, "check", "--exit-zero")
    planned = _run(program, vault, work, "fix", "--diff")
    found = _run(program, vault, work, "mentions")
    return sorted(
        [
            *_read_findings(checked["findings"]),
            *_read_edits(planned["edits"], vault),
            *_read_mentions(found["mentions"]),
        ]
    )


def _run(program: Path, vault: Path, work: Path, *words: str) -> Any:
    command = [str(program), *words, "--vault", str(vault), *_OPTIONS]
    if os.name == "posix":
        limits = f'ulimit -v {MEGABYTES * 1024}; ulimit -t {SECONDS}; exec "$@"'
        command = ["/bin/sh", "-c", limits, "sh", *command]
    try:
        done = subprocess.run(
            command,
            cwd=vault,
            env=create_environment(work),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FailedRunError(f"{words[0]} took more than {SECONDS} seconds") from error
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    cause = f": {lines[-1]}" if lines else ""
    if done.returncode not in (0, 1):
        raise FailedRunError(f"{words[0]} ended with code {done.returncode}{cause}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise FailedRunError(f"{words[0]} printed no JSON{cause}") from error


def create_environment(work: Path) -> dict[str, str]:
    """Return an environment without the user's settings, whose folders are all in `work`."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP") if name in os.environ}
    return {
        **kept,
        "HOME": str(work),
        "LC_ALL": "C.UTF-8",
        "GIT_CEILING_DIRECTORIES": str(work),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "VAULTLINK_CACHE_DIR": str(work / "cache"),
        "VAULTLINK_STATE_DIR": str(work / "state"),
    }


# -- read what it prints --------------------------------------------------------------------------


def _read_findings(findings: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    for found in findings:
        place = (found["rule"], found["path"], found["line"], found["column"])
        target = f"{found['target'] or ''}{found['subpath'] or ''}"
        yield Entry("finding", *place, target, "")
        suggested = [
            f"{one['path']}{one['subpath'] or ''}" for one in found["suggestions"][:_SUGGESTIONS]
        ]
        if suggested:
            yield Entry("suggestion", *place, target, ", ".join(suggested))
        if fix := found["fix"]:
            text = "; ".join(_escape(edit["text"]) for edit in fix["edits"])
            yield Entry(f"{fix['safety']} fix", *place, target, text or fix["title"])


def _read_edits(edits: Iterable[Mapping[str, Any]], vault: Path) -> Iterator[Entry]:
    texts: dict[str, str] = {}
    for edit in edits:
        path = edit["path"]
        if path not in texts:
            data = (vault / path).read_bytes() if (vault / path).is_file() else b""
            texts[path] = data.decode(errors="replace")
        before = texts[path][: edit["start"]]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        replaced = _escape(texts[path][edit["start"] : edit["end"]])
        yield Entry("planned edit", "", path, line, column, replaced, _escape(edit["text"]))


def _read_mentions(mentions: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    for found in mentions:
        kind = "certain mention" if found["certain"] else "uncertain mention"
        place = (found["note"], found["line"], found["column"])
        yield Entry(kind, "", *place, found["target"], found["words"])


def _escape(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
