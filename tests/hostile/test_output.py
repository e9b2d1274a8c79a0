"""Names and texts of a vault can neither control a terminal nor give commands to a CI service."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from machine import require_program
from repositories import create_repository
from running import CommandResult, RunCommand, create_vault
from tables import each
from test_diffs import patched
from vaultlink.cli.command_table import ALIASES, COMMANDS
from vaultlink.fix.diff import unified_diff
from vaultlink.report.json_document import encode_json_lines
from vaultlink.report.layout import COLORED, PLAIN, escape_commands, escape_json
from vaultlink.report.plan_result import render_diff

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names with control characters")

CONTROLS = "\x1b[2J\x07\x0b\x7f\x9b31m\u202e\u2066\u2028"
COLOR = "\x1b[31m"
COMMANDS_OF_CI = (
    "::warning title=x::PWN",
    " ::stop-commands::tok",
    "\u3000::error::x",
    "x ##[error]y",
    "##vso[task.setvariable variable=x]y",
    "\u200b:\u200b:notice::x",
)
STEMS = (f"a{CONTROLS}z", f"c{COLOR}z", "r\rz", "n\n::error::z", *COMMANDS_OF_CI)
TEXT = "".join(
    f"{stem}\n[[{stem.strip()}]] [[gone {stem}]] [[Peir{stem}]] [t](<{stem}>)\n" for stem in STEMS
).replace("n\n::", "n ::")


def create_hostile_vault(root: Path) -> Path:
    """Create a vault of notes with hostile names, titles, links and properties."""
    head = "---\naliases: ['{0}']\ntags: ['{0}']\n\"{0}\": x\n---\n# {0}\n\n## {0}\n"
    notes = {"Pier.md": "[[Peir]]\n" + TEXT, "plain.md": "x\n"}
    for stem in STEMS:
        shown = re.sub(r"[\x00-\x1f\x7f-\x9f]", "", stem)
        notes[f"{stem}.md"] = head.format(shown) + TEXT
        notes[f"{stem} folder/{stem}.md"] = f"[[Pier]] [[Peir]] {stem}\n"
    create_vault(root, notes)
    return root


UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
CI_COMMAND = re.compile(r"(?m)^[^!-9;-~\w\n]*:[^!-~\w\n]*:|##(?:\[|vso\[|teamcity\[)")


def find_unsafe(text: str) -> list[str]:
    """Return what a terminal or a CI service may obey, with what follows it."""
    return [
        ascii(text[match.start() : match.start() + 40])
        for pattern in (UNSAFE, CI_COMMAND)
        for match in pattern.finditer(text)
    ]


NOTE = f"{COMMANDS_OF_CI[0]}.md"
ARGUMENTS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "check": [
        *(("--output-format", name) for name in ("concise", "full", "json", "json-lines", "sarif")),
        *(("--output-format", name) for name in ("gitlab", "junit", "markdown")),
        ("--select", "ALL", "--output-format", "concise"),
        ("--statistics",),
        ("--color", "never", "--output-format", "full"),
    ],
    "fix": [("--diff",), ("--diff", "--unsafe-fixes"), ("--output-format", "full")],
    "undo": [("--list",), ("--list", "--output-format", "json"), ("--output-format", "table")],
    "baseline": [("--diff",), ()],
    "graph": [(), *(("--format", name) for name in ("json", "graphml", "gexf", "dot"))],
    "rule": [("dangling-link",)],
    "serve": [("--idle", "0.001"), ("--stop",)],
    "init": [("--diff",), ("--ci", "github", "--diff")],
    "merge-driver": [("plain.md", "plain.md", "plain.md", "7", CONTROLS)],
    **{
        name: [(*words, NOTE) for words in ((), ("--output-format", "table"))]
        + [(NOTE, "--output-format", "json"), (f"no {CONTROLS}",)]
        for name in ("show", "backlinks", "history")
    },
}
LISTING = [(), ("--output-format", "table"), ("--output-format", "json")]


def runs() -> Iterator[tuple[str, ...]]:
    """Yield the command lines to run; all but the watcher."""
    for name in (*COMMANDS, *ALIASES):
        if name != "watch":
            for words in ARGUMENTS.get(name, LISTING):
                yield name, *words
    for words in ((CONTROLS,), ("check", f"--{CONTROLS}"), ("check", CONTROLS), ("::error::x",)):
        yield words
    yield "check", "--select", CONTROLS
    yield "check", "--output-format", f"x\n::error::{CONTROLS}"
    yield "check", "--config", f"{CONTROLS}.toml"
    yield "check", "--changed-since", f"x\n::error::{CONTROLS}"


def check_output(done: CommandResult, words: Sequence[str]) -> list[str]:
    """Return the unsafe parts of the output of a command."""
    is_diff = "--diff" in words
    out = "" if is_diff else done.out
    found = find_unsafe(out) + find_unsafe(done.err)
    if is_diff:  # exact; only what a CI service takes for the beginning of a line can be avoided
        found += [line for line in done.out.split("\n") if re.match(r"\s*::", line)]
    return found


@pytest.mark.thorough
@pytest.mark.usefixtures("plain_git")
def test_no_command_prints_anything_to_obey(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_hostile_vault(tmp_path / "v")
    create_repository(root, {})
    monkeypatch.chdir(root)
    found = {}
    for words in runs():
        done = run(*words)
        assert "internal error" not in done.err
        if unsafe := check_output(done, words):
            found[ascii(words)] = unsafe[:3]
    assert found == {}


@each("variable", ["VAULTLINK_OUTPUT_FORMAT", "VAULTLINK_CONFIG"])
def test_environment_is_shown_escaped(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": ""})
    monkeypatch.setenv(variable, f"x\n::error::y{CONTROLS}")
    done = run("check", "--vault", str(root))
    assert done.code == 2
    assert find_unsafe(done.out + done.err) == []


@each(
    "text",
    [
        '"{}" = 1\n',
        '[severity]\n"{}" = "error"\n',
        '[severity]\ndangling-link = "{}"\n',
        'exclude = "{}"\n',
        'select = ["{}"]\n',
        '[backlinks]\nheading = "{}"\n',
        '[rules."{}"]\nx = 1\n',
        '[per-file-ignores]\n"{}" = ["{}"]\n',
        'quiet = ["{}"]\n',
    ],
)
@each("command", ["check", "config", "fix"])
def test_settings_are_shown_escaped(
    tmp_path: Path, run: RunCommand, text: str, command: str
) -> None:
    spelled = "".join(f"\\u{ord(char):04x}" for char in f"x\n::error::y{CONTROLS}")
    root = create_vault(tmp_path / "v", {"a.md": "", "vaultlink.toml": text.replace("{}", spelled)})
    done = run(command, "--vault", str(root))
    assert "internal error" not in done.err
    assert find_unsafe(done.out + done.err) == []


# -- terminals ----------------------------------------------------------------------------------------------------

PALETTE = re.compile("|".join(re.escape(style) for style in COLORED))


def run_on_terminal(root: Path, *words: str) -> str:
    """Run a command with a terminal as its output, and return what it printed."""
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vaultlink", *words],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(follower)
    data = b""
    while True:
        try:
            part = os.read(leader, 1 << 16)
        except OSError:
            break
        if not part:
            break
        data += part
    os.close(leader)
    process.wait(timeout=30)
    return data.decode("utf-8", "surrogateescape").replace("\r\n", "\n")


@pytest.mark.thorough
@each(
    "words",
    [
        ("check",),
        ("check", "--output-format", "concise"),
        ("fix", "--diff", "--unsafe-fixes"),
        ("links",),
        ("topics",),
        ("orphans",),
        ("show", NOTE),
        ("backlinks", NOTE),
        ("backlinks", f"no {CONTROLS}"),
        (CONTROLS,),
        ("fix",),
    ],
    ids=lambda words: ascii(" ".join(words)),
)
def test_terminal_is_not_controlled(tmp_path: Path, words: Sequence[str]) -> None:
    root = create_hostile_vault(tmp_path / "v")
    shown = PALETTE.sub("", run_on_terminal(root, *words))
    shown = re.sub(r"\r(?:[^\r\n]*\r)+", "", shown)  # the progress line, drawn once or more
    assert [ascii(found) for found in UNSAFE.findall(shown)] == []


# -- diffs --------------------------------------------------------------------------------------------------------

LINES = some.lists(
    some.sampled_from(
        ["a", "b", "c", "::error::x", " ::x", "\u200b:\u200b:x", "", "x::y", "\x1b[2J", "r\r::x"]
    ),
    max_size=14,
)
TEXTS = some.builds(lambda lines, end: "\n".join(lines) + end, LINES, some.sampled_from(["", "\n"]))


@given(TEXTS, TEXTS)
def test_no_context_line_is_a_command_and_diffs_stay_exact(old: str, new: str) -> None:
    if old == new:
        return
    diff = render_diff(unified_diff([("a.md", old, new)]), PLAIN)
    assert patched(old, diff) == new
    assert [line for line in diff.split("\n") if re.match(r"[^!-9;-~\w]*:[^!-~\w]*:", line)] == []


@each("program", ["git apply", "patch -p1"])
def test_other_programs_apply_diffs_with_commands(tmp_path: Path, program: str) -> None:
    require_program(program.split(maxsplit=1)[0])
    lines = [f"line {number}" for number in range(30)]
    commands = dict.fromkeys((0, 3, 4, 5, 6, 12, 13, 14, 20, 28, 29), "::error::x")
    for changed in range(30):
        old = [commands.get(number, line) for number, line in enumerate(lines)]
        new = [*old[:changed], f"new\x1b[2J\x9b {changed}", *old[changed + 1 :]]
        before, after = ("\n".join(part) + "\n" for part in (old, new))
        (tmp_path / "a.md").write_text(before)
        diff = render_diff(unified_diff([("a.md", before, after)]), PLAIN)
        subprocess.run(
            program.split(), cwd=tmp_path, input=diff.encode(), check=True, capture_output=True
        )
        assert (tmp_path / "a.md").read_text() == after


COMMAND_LOGS = ("GITHUB_ACTIONS=true", "TF_BUILD=True", "TEAMCITY_VERSION=2025.1")
OTHER_LOGS = ("CI=true", "CI=1", "CI=woodpecker", "JENKINS_URL=http://ci", "CODEBUILD_BUILD_ID=a:b")
NO_LOGS = ("CI=", "CI=false", "CI=0", "JENKINS_URL=")
TEXTS_IN_NOTES = {
    "controls": "\x1b[2J\x1b]0;x\x07 section_start:0:x\r\x1b[0K \x9b1m \u202e",
    "commands": "##[error]x\r::warning::y\n::error::z",
    "commands only": "##[error]x\n::error::z",
    "Windows": "plain\r\ntext",
}
SPELLED_OUT = {
    "controls": COMMAND_LOGS + OTHER_LOGS,
    "commands": COMMAND_LOGS + OTHER_LOGS,
    "commands only": COMMAND_LOGS,
    "Windows": (),
}
"""Where a diff with such lines is not exact."""


SOME = (COMMAND_LOGS[0], OTHER_LOGS[0], NO_LOGS[0])
TRIED = {
    "controls": SOME,
    "commands": COMMAND_LOGS[:1] + OTHER_LOGS + NO_LOGS,
    "commands only": COMMAND_LOGS + OTHER_LOGS,
    "Windows": SOME,
}
"""The settings that tell apart where a diff with such lines is spelled out."""

DIFF = [sys.executable, "-m", "vaultlink", "fix", "--diff", "--unsafe-fixes"]


@pytest.mark.parametrize("kind", TEXTS_IN_NOTES)
def test_diffs_in_ci_logs_are_harmless_and_in_files_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests, kind: str
) -> None:
    note = f"[[Peir]] {TEXTS_IN_NOTES[kind]}\n"
    root = create_vault(tmp_path / "v", {"a.md": note, "Pier.md": ""})
    command, file = [*DIFF, "--vault", str(root)], tmp_path / "out.diff"
    for setting in TRIED[kind]:
        with subtests.test(setting), monkeypatch.context() as context:
            context.setenv(*setting.split("=", 1))
            if not file.exists():
                line = [*command, "--output-file", str(file)]
                subprocess.run(line, capture_output=True, check=False)
                with (tmp_path / "stdout.diff").open("wb") as stdout:
                    subprocess.run(command, stdout=stdout, stderr=subprocess.DEVNULL, check=False)
                assert file.read_bytes() == (tmp_path / "stdout.diff").read_bytes()
            piped = subprocess.run(command, capture_output=True, check=False)
            is_exact = setting not in SPELLED_OUT[kind]
            assert (piped.stdout == file.read_bytes()) == is_exact
            assert (b"Use --output-file FILE for an exact one." in piped.stderr) != is_exact
            if setting not in NO_LOGS:
                assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(piped.stdout.decode())
                assert not re.search(rb"\r(?!\n)", piped.stdout)
            if setting in COMMAND_LOGS:
                assert not CI_COMMAND.search(piped.stdout.decode())
    git_apply = [require_program("git"), "apply", str(file)]
    subprocess.run(git_apply, cwd=root, check=True)
    assert (root / "a.md").read_bytes() == note.replace("Peir", "Pier|Peir").encode()


# -- encodings ----------------------------------------------------------------------------------------------------


@given(some.text())
def test_json_keeps_its_values(text: str) -> None:
    data = json.dumps({text: text}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if "\ud800" <= max(text, default="") <= "\udfff":
        return
    assert json.loads(escape_json(data)) == {text: text}


@each("char", ["\x7f", "\x80", "\x9b", "\x9f", "\u202a", "\u202e", "\u2066", "\u2069", "\u2028"])
def test_json_spells_out_unsafe_characters(char: str) -> None:
    assert encode_json_lines([f"a{char}b“é"]) == f'"a\\u{ord(char):04x}b“é"\n'.encode()


@each(
    ("text", "expected"),
    [
        ("::error::x", "\\u003a:error::x"),
        ("a\n  ::x\n", "a\n  \\u003a:x\n"),
        ("a.md:1:2: VL101 x::y", "a.md:1:2: VL101 x::y"),
        ("a ##[x]", "a \\u0023#[x]"),
        ("## Heading [x]", "## Heading [x]"),
        ("###[x]", "#\\u0023#[x]"),
        ("std::vector", "std::vector"),
    ],
)
def test_commands_are_spelled_out(text: str, expected: str) -> None:
    assert escape_commands(text) == expected
