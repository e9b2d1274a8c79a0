"""Tests of how lines of a shell are read: compared with what bash does, and against lines made to be slow."""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exploring import count_examples
from machine import require_program
from vaultlink.serve.shell_commands import ActionKind, read_shell_line

FILES = ["A.md", "B.md", "Two words.md", "Sub/C.md", "Sub/Deep/D.md", "it's.md", "[x].md"]
STUB = """\
#!/bin/sh
for word in "$@"; do printf '%s\\0%s\\0' "$PWD" "$word"; done >> "$LOG"
"""
"""A program that writes down its folder and its words, in the place of `rm` and `mv`."""

READ_HEADS = [
    *("rm", "rm -r", "mv -t Arch", "unlink", "\\rm", "echo", "true", "cd Sub", "cd Arch"),
    *("cd ..", "bash -c 'rm A.md'", 'sh -c "cd Sub; rm C.md"'),
]  # fmt: skip
OTHER_HEADS = [
    *("command rm", "env rm", "X=1 rm", "time rm", "! rm", "{ rm", "if true; then rm", "f() { rm"),
    *('cd "$X"', "cd nowhere", "(cd Sub", "eval 'cd Sub';", "pushd Sub;", "X=1 cd Sub;", "exit;"),
    *("for f in A.md; do rm", "command cd Sub; rm"),
]  # fmt: skip
READ_WORDS = [
    *("A.md", "B.md", "'Two words.md'", "Two\\ words.md", '"Two words.md"', "*.md", "Sub/*.md"),
    *("?.md", "[AB].md", "[!A].md", "Sub", "Sub/", "./A.md", "../vault/A.md", '"it\'s.md"', ".*"),
    *("it\\'s.md", "'[x].md'", "\\[x\\].md", "'$X'", "-f", "-r", "--", "''", "A'.'md", "A\\.md"),
    *("\\*.md", '"*.md"', "#x", "a#b", "2>/dev/null", "<A.md", "\\\nB.md", "*/C.md", "*/*.md"),
]  # fmt: skip
OTHER_WORDS = [
    *("{A,B}.md", "$X", '"$X"', "$(echo A.md)", "`echo B.md`", "\"a$(echo 'b)')c\"", "$'A.md'"),
    *("${X:-A.md}", '"${X:-"A.md"}"', "$((1+2))", "~root/A.md", "~+/A.md"),
]  # fmt: skip
TAILS = [")", "; done", "; }", "; fi", " | cat", " | xargs rm"]
OPERATORS = ["; ", " | ", "\n", " && "]
"""What stands between commands, all of which run if none fails."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / "vault" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "vault" / name).touch()
    (tmp_path / "vault" / "Arch").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("rm", "mv", "unlink"):
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def make_line(chance: random.Random) -> str:
    """Return a line of which most parts are read."""

    def choose(usual: list[str], odd: list[str]) -> str:
        return chance.choice(usual if chance.random() < 0.9 else odd)

    parts = list[str]()
    for number in range(chance.randrange(1, 4)):
        words = [choose(READ_WORDS, OTHER_WORDS) for _ in range(chance.randrange(4))]
        operator = choose(OPERATORS, [" & "]) if number else ""
        parts.append(f"{operator}{' '.join([choose(READ_HEADS, OTHER_HEADS), *words])}")
        parts.append(choose([""], TAILS))
    return "".join(parts)


def list_what_bash_names(folder: Path, line: str) -> set[str] | None:
    """Return the paths that bash gives to `rm` and others; None for a line that is no shell."""
    log = folder / "log"
    log.write_bytes(b"")
    environment = {
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "LOG": str(log),
        "X": "unknown",
    }
    command = [require_program("bash"), "-c", f"{line}\nwait"]
    done = subprocess.run(
        command,
        cwd=folder / "vault",
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if b"syntax error" in done.stderr or b"unexpected EOF" in done.stderr:
        return None
    fields = iter(os.fsdecode(log.read_bytes()).split("\0")[:-1])
    return {os.path.normpath(Path(place, word)) for place, word in zip(fields, fields, strict=True)}


def test_what_is_read_from_a_line_is_what_bash_does(folder: Path) -> None:
    chance, known = random.Random(3), 0
    for _ in range(count_examples(600)):
        line = make_line(chance)
        named = list_what_bash_names(folder, line)
        read = read_shell_line(line, str(folder / "vault"))
        paths = {action.path for action in read if action.kind is not ActionKind.WRITE}
        if named is not None:
            assert paths <= named, line
            known += len(paths)
    assert known > 100


SLOW = {
    "substitutions": "$(" * 50_000,
    "quotes": '"' * 99_999,
    "backticks": "`" * 100_001,
    "braces": "rm " + "{a,b}" * 300,
    "open braces": "rm " + "{a," * 2_000,
    "here documents": "<<a " * 20_000 + "\n",
    "stars": "rm " + "*" * 5_000,
    "stars and letters": "rm " + "*a" * 20_000,
    "folders": "rm /*/*/*/*/*/*/nothing*",
    "parentheses": "(" * 100_000,
    "shells": "bash -c '" * 1_000,
    "commands": "rm x;" * 40_000,
    "too long": "rm x;" * 100_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_line_made_to_be_slow_is_read_in_time(folder: Path, name: str) -> None:
    start = time.process_time()
    read_shell_line(SLOW[name], str(folder / "vault"))
    assert time.process_time() - start < 5


def test_pattern_without_a_match_stands_for_itself(folder: Path) -> None:
    def removed(line: str) -> Iterator[str]:
        return (action.path for action in read_shell_line(line, str(folder / "vault")))

    assert len(list(removed("rm *.md"))) == 5
    assert list(removed("rm .*")) == [str(folder / "vault" / ".*")]
