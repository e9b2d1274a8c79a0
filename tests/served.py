"""A server of a vault as a process, command lines asked of it and run without it, and random questions."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from random_hook_calls import make_hook_call
from running import PROGRAM
from vaultlink.cli.dispatch import run_command
from vaultlink.serve import client
from vaultlink.serve.client import NoAnswerError, answer_line, ask, socket_path

WAIT = 120.0
"""Seconds until something that must happen has happened, on a slow machine."""


class Printed(NamedTuple):
    """The exit code of a command line, None if it was declined, and what it printed."""

    code: int | None
    out: bytes
    err: bytes


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def is_serving(vault: Path) -> bool:
    with suppress(NoAnswerError):
        return "process" in ask(socket_path(vault.resolve()), {"process": True}, 5.0)
    return False


@contextmanager
def serving(vault: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a server of a vault as long as the block lasts; it prints nothing but its first line."""
    line = [*PROGRAM, "serve", "-q", "--vault", str(vault), *options]
    with subprocess.Popen(line, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: process.poll() is not None or is_serving(vault))
            assert process.poll() is None, process.communicate()
            yield process
        finally:
            process.terminate()
            _, errors = process.communicate()
    assert errors == b"", errors.decode()


def print_line(run: Callable[[], int | None], folder: Path, data: bytes = b"") -> Printed:
    """Run something in a folder with a text on standard input, and return what it prints."""
    own = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(data))
    sys.stdout, sys.stderr = (io.TextIOWrapper(buffer, "utf-8") for buffer in (out, err))
    try:
        with chdir(folder):
            code = run()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return Printed(code, out.getvalue(), err.getvalue())
    finally:
        sys.stdin, sys.stdout, sys.stderr = own


def ask_server(line: Sequence[str], folder: Path, data: bytes = b"") -> Printed:
    """Have the server answer a command line."""
    given = data if line == ("guard",) else None  # `guard` has read it before it asks
    return print_line(lambda: answer_line(line, given), folder, data)


def run_alone(line: Sequence[str], folder: Path, data: bytes = b"") -> Printed:
    """Run a command line as if there were no server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "find_socket", lambda _places: None)
        return print_line(lambda: run_command(list(line)), folder, data)


# -- random questions ------------------------------------------------------------------------------


class Question(NamedTuple):
    """A command line, the folder it runs in, and standard input."""

    line: tuple[str, ...]
    folder: Path
    data: bytes = b""


def make_question(random: Random, vault: Path) -> Question:
    """Return a question about a vault that its server must answer."""
    notes = sorted(path.relative_to(vault).as_posix() for path in vault.rglob("*.md"))
    folders = [vault, *(path for path in sorted(vault.rglob("*")) if path.is_dir())]
    folder = random.choice([path for path in folders if ".obsidian" not in path.parts])
    note = random.choice(notes)
    form = random.choice(("json", "json-lines", "concise", "full", "sarif"))
    listing = random.choice(("json", "tsv", "table"))
    name = random.choice((note, note.removesuffix(".md"), Path(note).stem))
    kind = random.randrange(8)
    if kind <= 1:
        path = random.choice((vault / note, vault / "New note.md", vault / "Sub folder" / "N.md"))
        words = ["check", "--stdin-filename", str(path), "-", "--output-format", form]
        words += random.choice(([], [], ["--statistics"], ["--exit-zero"], ["--fail-on", "error"]))
        return Question(tuple(words), folder, make_text(random, notes).encode())
    if kind == 2:
        return Question(("backlinks", name, "--output-format", listing), folder)
    if kind == 3:
        return Question(("links", name, "--output-format", listing), folder)
    if kind == 4:
        call = make_hook_call(random, vault, notes)
        return Question(("guard",), folder, json.dumps(call).encode())
    if kind == 5:
        paths = random.sample([*notes, "New note.md", "Sub folder/N.md"], 3)
        drafts = {path: make_text(random, [*notes, *paths]) for path in paths}
        words = ["check", "--stdin-drafts", "--vault", str(vault), "-", "--output-format", form]
        words += random.choice(([], [], ["--limit", "1"]) if form.startswith("json") else ([],))
        return Question(tuple(words), folder, json.dumps(drafts).encode())
    if kind == 6:
        return Question((random.choice(("links", "backlinks")), "--json"), folder)
    return Question(("unresolved", "--output-format", listing), folder)


def make_text(random: Random, notes: Sequence[str]) -> str:
    """Return a note with links that resolve, and some that do not."""
    parts = ["---\naliases: [Other name]\n---\n"] * (random.random() < 0.2)
    for _ in range(random.randint(0, 6)):
        note = random.choice(notes)
        target = random.choice(
            (note, Path(note).stem, "Nowhere", f"{Path(note).stem}x", f"{note}#Part", "Other name")
        )
        parts.append(f"{random.choice(('# Part', 'A text', '- item'))} [[{target}]]\n\n")
    return "".join(parts)


def change_vault(random: Random, vault: Path) -> None:
    """Change something in a vault, as an editor, a file manager or git does."""
    notes = sorted(vault.rglob("*.md"))
    note = random.choice(notes)
    names = [path.relative_to(vault).as_posix() for path in notes]
    kind = random.randrange(8)
    if kind <= 2:
        note.write_text(make_text(random, names))
    elif kind == 3:
        folder = random.choice([vault, vault / "Made", note.parent])
        folder.mkdir(exist_ok=True)
        (folder / f"Made {random.randrange(10)}.md").write_text(make_text(random, names))
    elif kind == 4 and len(notes) > 8:
        note.unlink()
    elif kind == 5:
        note.rename(note.with_name(f"Renamed {random.randrange(10)}.md"))
    elif kind == 6:
        other = note.with_suffix(".tmp")
        other.write_text(make_text(random, names))
        other.replace(note)
    else:
        allowed = random.choice(("", 'allow-dangling = ["Nowhere"]\n', 'ignore = ["VL1"]\n'))
        (vault / "vaultlink.toml").write_text(allowed)
