"""Tests of invalid input: a clear message and the documented exit code, no traceback, no hang.

All tests run processes with limits on time and memory.
"""

import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from threading import Event, Thread

import pytest

from exploring import spread
from running import PROGRAM, RunCommand, fork_command
from tables import each
from vaultlink.disk.scan import list_files

SECONDS = 60
MEMORY_BYTES = 4 << 30
Done = subprocess.CompletedProcess[str]


def command(*arguments: str | Path) -> list[str]:
    """Return the command with these arguments."""
    return [*PROGRAM, *map(str, arguments)]


def limit_process() -> None:
    """Limit the memory of this process, and let root read only what a user may read."""
    if sys.platform != "linux":
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    library = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the version of the sets, and this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, of 32 capabilities each
    library.capget(header, sets)
    for capability in (1, 2):  # reading and searching whatever the modes of files allow
        library.prctl(24, capability, 0, 0, 0)  # another program can't have it
        for number in range(3):
            sets[number] &= ~(1 << capability)
    library.capset(header, sets)


def vaultlink(
    *arguments: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> Done:
    """Run vaultlink, and assert that it prints no traceback and ends in time."""
    cache = (folder or Path(str(arguments[-1]))).resolve().parent / "cache"
    whole = {**os.environ, "VAULTLINK_CACHE_DIR": str(cache), **(env or {})}
    run = fork_command(arguments, whole)

    def start() -> None:
        limit_process()
        if run:
            run()

    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=whole,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
        preexec_fn=start,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "internal error" not in done.stderr, done.stderr
    return done


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A vault on disk."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return folder


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a vault of two notes without findings."""
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    return written(tmp_path / "vault", {"Quay.md": "[[Pier]]\n", "Pier.md": "[[Quay]]\n"})


def refused(done: Done, *words: str) -> None:
    """Assert a usage error: exit code 2, these words on stderr, nothing on stdout."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def check(vault: Path, *options: str) -> list[dict[str, object]]:
    """Return the findings of a check that must not fail."""
    done = vaultlink("check", *options, "--output-format", "json", vault)
    assert done.returncode in (0, 1), done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert isinstance(findings, list)
    return findings


def rules(vault: Path, *options: str) -> list[tuple[object, object]]:
    """Return the path and rule of every finding."""
    return [(finding["path"], finding["rule"]) for finding in check(vault, *options)]


# -- what is asked wrongly --------------------------------------------------------------------------------------------


@each(
    ("text", "words"),
    [
        ("selct = ['VL1']\n", ("selct", "select", "vaultlink.toml")),
        ("[per-file-ignores]\n'*' = ['orphan-nte']\n", ("orphan-nte", "orphan-note")),
        ("select = [\n", ("vaultlink.toml",)),
        ("select = ['VL1']\nselect = ['VL2']\n", ("vaultlink.toml",)),
        ("\x00", ("vaultlink.toml",)),
    ],
)
def test_configuration_error(vault: Path, text: str, words: Sequence[str]) -> None:
    written(vault, {"vaultlink.toml": text})
    refused(vaultlink("check", folder=vault), *words)


def test_configuration_in_another_encoding(vault: Path) -> None:
    written(vault, {"vaultlink.toml": b"exclude = ['\xe9']\n"})
    refused(vaultlink("check", folder=vault), "vaultlink.toml")


SETTINGS = (
    "{",
    "[]",
    '{"userIgnoreFilters": "x"}',
    '{"userIgnoreFilters": [3, "/(/"]}',
    '{"newLinkFormat": 7}',
    "\x00",
    '{"types": 3}',
    '{"types": {"due": 3}}',
    "[" * 100_000,
)


@each("text", SETTINGS, ids=range(len(SETTINGS)))
def test_invalid_obsidian_settings_are_ignored(vault: Path, text: str) -> None:
    written(vault, {".obsidian/app.json": text, ".obsidian/types.json": text})
    assert rules(vault) == []


def test_invalid_environment_variable(vault: Path) -> None:
    done = vaultlink("check", folder=vault, env={"VAULTLINK_OUTPUT_FORMAT": "jsn"})
    refused(done, "jsn", "json")


# -- what is not there or can't be read -------------------------------------------------------------------------------


def test_no_notes(tmp_path: Path) -> None:
    written(tmp_path / "empty", {"picture.png": "", ".trash/a.md": "", ".b.md": ""})
    refused(vaultlink("check", folder=tmp_path / "empty"), "no note")


def test_unreadable_folder_and_note(vault: Path) -> None:
    written(vault, {"locked/Mole.md": "", "Secret.md": "[[Nowhere]]\n", "Open.md": "[[Secret]]\n"})
    (vault / "locked").chmod(0)
    (vault / "Secret.md").chmod(0)
    try:
        done = vaultlink("check", "--output-format", "concise", folder=vault)
        assert done.returncode == 1
        assert "locked" in done.stderr
        (line,) = done.stdout.splitlines()
        assert line.startswith("Secret.md:1:1: VL001 ")
    finally:
        (vault / "locked").chmod(0o755)
        (vault / "Secret.md").chmod(0o644)


def test_ignore_file_that_leads_nowhere_hides_no_file(vault: Path) -> None:
    before = list_files(vault)
    (vault / ".gitignore").symlink_to("gone")
    written(vault, {"sub/Note.md": ""})
    (vault / "sub/.gitignore").symlink_to(".gitignore")  # to itself
    after = list_files(vault)
    assert (after.files.keys() - before.files.keys(), after.unreadable_folders) == (
        {"sub/Note.md"},
        (),
    )


def test_files_that_are_only_in_icloud_are_named(run: RunCommand, vault: Path) -> None:
    written(vault, {".Far.md.icloud": "", "sub/.Quay.md.icloud": "", ".icloud": ""})
    [first, *_] = run("check", "--vault", vault).err.splitlines()
    assert first.startswith("warning: iCloud has removed files from this disk: Far.md and 1 more.")
    written(vault, {"Far.md": "", "sub/Quay.md": ""})
    assert "iCloud" not in run("check", "--vault", vault).err


def test_files_and_folders_removed_during_a_scan_hide_no_others(tmp_path: Path) -> None:
    stable = {f"{folder}/n{number}.md" for folder in "abc" for number in range(40)}
    vault = written(tmp_path / "vault", dict.fromkeys(stable, ""))
    stop = Event()

    def churn() -> None:
        while not stop.is_set():
            for folder in ("a", "b/x", "c/y"):
                (vault / folder).mkdir(exist_ok=True)
                for number in range(20):
                    (vault / folder / f"gone{number}.md").touch()
            for folder in ("a", "b/x", "c/y"):
                for number in range(20):
                    (vault / folder / f"gone{number}.md").unlink()
            for folder in ("b/x", "c/y"):
                (vault / folder).rmdir()

    thread = Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            listing = list_files(vault)
            assert listing.unreadable_folders == ()
            assert stable <= listing.files.keys()
    finally:
        stop.set()
        thread.join()


def test_unreadable_vault(vault: Path) -> None:
    vault.chmod(0)
    try:
        refused(vaultlink("check", "--vault", str(vault), folder=vault.parent), "vault")
    finally:
        vault.chmod(0o755)


def test_undecodable_notes_are_findings(vault: Path) -> None:
    written(
        vault,
        {
            "a.md": b"caf\xe9 [[Nowhere]]\n",
            "b.md": "[[Nowhere]]".encode("utf-16"),
            "c.md": b"\xff\xfe\x00",
        },
    )
    assert [found for found in rules(vault) if found[1] != "undecodable-note"] == []
    assert {path for path, _ in rules(vault)} == {"a.md", "b.md", "c.md"}


def test_undecodable_file_names(vault: Path) -> None:
    name = os.fsdecode(b"caf\xe9.md")
    written(vault, {name: "[[Nowhere]]\n", "Start.md": "[[Nowhere too]]\n"})
    done = vaultlink("check", "--output-format", "json", folder=vault)
    assert done.returncode == 1
    assert "Start.md" in {finding["path"] for finding in json.loads(done.stdout)["findings"]}


def test_folder_with_the_name_of_a_note(vault: Path) -> None:
    written(vault, {"Mole.md/Inside.md": "[[Mole]]\n", "Start.md": "[[Mole]] [[Inside]]\n"})
    assert rules(vault) == [("Mole.md/Inside.md", "planned-note"), ("Start.md", "planned-note")]


def test_pipes_and_broken_symlinks_are_not_notes(vault: Path) -> None:
    os.mkfifo(vault / "Pipe.md")
    (vault / "Gone.md").symlink_to("nowhere.md")
    (vault / "Twice.md").symlink_to("Pier.md")
    assert rules(vault) == []
    summary = json.loads(vaultlink("check", "--output-format", "json", vault).stdout)["summary"]
    assert summary["notes"] == 2


def test_symlink_loops_end(vault: Path) -> None:
    (vault / "sub").mkdir()
    (vault / "sub" / "up").symlink_to("..")
    (vault / "self").symlink_to("self")
    (vault / "everything").symlink_to("/")
    (vault / "a").symlink_to("b")
    (vault / "b").symlink_to("a")
    assert rules(vault) == []
    summary = json.loads(vaultlink("check", "--output-format", "json", vault).stdout)["summary"]
    assert summary["notes"] == 2


def test_linked_folders_outside_are_followed_once(vault: Path) -> None:
    outside = written(vault.parent / "outside", {"Mole.md": "[[Nowhere]]\n"})
    (outside / "back").symlink_to(outside)
    (vault / "linked").symlink_to(outside)
    written(vault, {"Start.md": "[[Mole]]\n"})
    assert rules(vault) == [("linked/Mole.md", "planned-note")]


def test_links_out_of_the_vault_are_unresolved(vault: Path) -> None:
    written(vault.parent, {"Secret.md": "# Secret\n"})
    written(
        vault,
        {"Start.md": "[[../Secret]] [s](../../Secret.md) ![[/etc/passwd]] [p](./etc/passwd)\n"},
    )
    assert [path for path, _ in rules(vault)] == ["Start.md"] * 4


# -- what is too much -------------------------------------------------------------------------------------------------


def laughs(levels: int) -> str:
    """Return properties that grow ninefold with each level."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
    return "---\n" + "\n".join(lines) + "\n---\n[[Nowhere]]\n"


HARD = {
    "laughs": laughs(9),
    "laughs-deep": laughs(60),
    "self-reference": "---\na: &a [*a]\n---\n[[Nowhere]]\n",
    "nested-lists": "---\na: " + "[" * 10_000 + "]" * 10_000 + "\n---\n[[Nowhere]]\n",
    "nested-maps": "---\n"
    + "\n".join(" " * n + f"k{n}:" for n in range(2_000))
    + "\n---\n[[Nowhere]]\n",
    "long-merge": "---\nbase: &b {k: 1}\nx:\n  <<: *b\n  <<: [*b, *b]\n---\n[[Nowhere]]\n",
    "tags-of-yaml": "---\na: !!python/object/apply:os.system ['false']\nb: !!binary x\n---\n[[Nowhere]]\n",
    "many-keys": "---\n" + "".join(f"key{n}: {n}\n" for n in range(20_000)) + "---\n[[Nowhere]]\n",
    "quotes": "[[Nowhere]]\n\n" + ">" * 10_000 + " [[Pier]]\n",
    "quotes-spaced": "[[Nowhere]]\n\n" + "> " * 10_000 + "[[Pier]]\n" * 3,
    "lists": "[[Nowhere]]\n\n" + "- " * 10_000 + "[[Pier]]\n",
    "list-stairs": "[[Nowhere]]\n\n" + "".join("  " * n + "- x\n" for n in range(1_500)),
    "brackets": "[[Nowhere]]\n\n" + "[" * 200_000 + "\n",
    "closing-brackets": "[[Nowhere]]\n\n" + "]" * 200_000 + "\n",
    "half-links": "[[Nowhere]]\n\n" + "[[a " * 50_000 + "\n",
    "nested-links": "[[Nowhere]]\n\n" + "[a](" * 50_000 + "\n",
    "nested-images": "[[Nowhere]]\n\n" + "![" * 50_000 + "](a)" * 50_000 + "\n",
    "backticks": "[[Nowhere]]\n\n" + "".join("`" * n + " " for n in range(1, 1_000)) + "\n",
    "dollars": "[[Nowhere]]\n\n" + "$a " * 100_000 + "\n",
    "stars": "[[Nowhere]]\n\n" + "*a **b " * 50_000 + "\n",
    "comments": "[[Nowhere]]\n\n" + "%% <!-- " * 50_000 + "\n",
    "angles": "[[Nowhere]]\n\n" + "<a " * 100_000 + "\n",
    "html": "[[Nowhere]]\n\n" + "<div>\n" * 50_000,
    "fences": "[[Nowhere]]\n\n" + "```\n" * 50_001,
    "tables": "[[Nowhere]]\n\n|"
    + " a |" * 5_000
    + "\n|"
    + "-|" * 5_000
    + "\n|"
    + " b |" * 5_000
    + "\n",
    "rows": "[[Nowhere]]\n\n| a |\n|---|\n" + "| [[Pier\\|x]] |\n" * 20_000,
    "references": "[[Nowhere]]\n\n" + "".join(f"[r{n}]: x{n}\n" for n in range(20_000)),
    "hashes": "[[Nowhere]]\n\n" + "#" * 200_000 + "\n" + "#a" * 100_000 + "\n",
    "headings": "[[Nowhere#x]]\n\n" + "# Head\n" * 50_000,
    "footnotes": "[[Nowhere]]\n\n" + "^[" * 50_000 + "\n",
    "setext": "[[Nowhere]]\n\n" + "a\n" * 50_000 + "---\n",
    "spaces": "[[Nowhere]]\n\n" + " " * 1_000_000 + "x\n",
    "blank-lines": "[[Nowhere]]\n" + "\n" * 500_000,
    "returns": "[[Nowhere]]\n" + "\r" * 500_000,
    "nul": "[[Nowhere]]\n\x00\x00[[Pi\x00er]]\n\x00",
    "one-line": "[[Nowhere]] " + "words and words " * 330_000,
    "one-line-of-links": "[[Nowhere]] " + "see [[Pier | [00:05:19]]] then " * 40_000,
    "many-links": "[[Nowhere]]\n\n" + "[[Pier]] [p](Pier.md)\n" * 15_000,
    "ten-megabytes": "[[Nowhere]]\n\n"
    + ("By the sea, the [[Pier]] in it.\n\n" * 30 + "# H\n\n`a`\n\n") * 10_000,
}
ODD_PROPERTIES = (
    "laughs",
    "laughs-deep",
    "self-reference",
    "nested-lists",
    "nested-maps",
    "long-merge",
    "tags-of-yaml",
)


@pytest.mark.thorough
@pytest.mark.parametrize("name", spread(sorted(HARD, key=lambda name: len(HARD[name])), -2))
def test_hard_note(vault: Path, name: str) -> None:
    written(vault, {"Hard.md": HARD[name], "After.md": "[[Nowhere else]] [[Hard]]\n"})
    found = check(vault, "--select", "VL0,VL1,invalid-frontmatter")
    dangling = {
        (finding["path"], finding["target"])
        for finding in found
        if finding["rule"] == "planned-note"
    }
    assert {("After.md", "Nowhere else"), ("Hard.md", "Nowhere")} <= dangling
    if name in ("laughs-deep", "nested-lists"):
        assert ("Hard.md", "invalid-frontmatter") in {
            (finding["path"], finding["rule"]) for finding in found
        }


def test_show_survives_yaml_bombs(vault: Path) -> None:
    written(vault, {f"{name}.md": HARD[name] for name in ODD_PROPERTIES})
    done = vaultlink("show", "--output-format", "json", folder=vault)
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["notes"]) == 2 + len(ODD_PROPERTIES)
    assert len(done.stdout) < 10_000_000


@pytest.mark.thorough
def test_note_with_a_thousand_namesakes(vault: Path) -> None:
    written(vault, {f"{number}/Same.md": "[[Same]]\n" for number in range(1_000)})
    assert vaultlink("check", "--exit-zero", folder=vault).returncode == 0


def test_deep_folders(vault: Path) -> None:
    written(vault, {"/".join(["d"] * 400) + "/Deep.md": "[[Nowhere]]\n"})
    assert [rule for _, rule in rules(vault) if rule == "planned-note"] == ["planned-note"]


# -- what happens meanwhile -------------------------------------------------------------------------------------------


def many_findings(vault: Path) -> Path:
    """Write a vault whose findings fill a pipe."""
    text = "".join(f"[[Nowhere at all {number}]]\n" for number in range(100))
    return written(vault, {f"n{number}.md": text for number in range(50)})


def test_full_disk_behind_stdout(vault: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        return
    many_findings(vault)
    with full.open("wb") as out:
        done = subprocess.run(
            command("check"), cwd=vault, stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr


def interrupted(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Send Ctrl-C to all processes as a terminal does; return the exit code and stderr."""
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    return process.returncode, errors.decode()


def test_interrupt_while_printing(vault: Path) -> None:
    many_findings(vault)
    process = subprocess.Popen(
        command("check"),
        cwd=vault,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout
    process.stdout.read(10)
    time.sleep(0.2)
    code, errors = interrupted(process)
    assert (code, errors) == (130, "stopped\n")


@pytest.mark.thorough
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupt_while_reading(tmp_path: Path, jobs: str) -> None:
    text = "".join(
        f"## Head {part}\n\n- `x` [[Nowhere {part}]] and [p](Pier.md) *at* $5\n\n"
        for part in range(250)
    )
    vault = written(tmp_path / "vault", {f"n{number}.md": text for number in range(40)})
    arguments = command("check", "--no-cache", "--quiet", "--jobs", jobs)
    start = time.monotonic()
    subprocess.run(
        arguments, cwd=vault, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    whole = time.monotonic() - start
    codes = list[int]()
    delay = whole / 2
    while codes.count(130) < 2 and len(codes) < 12:
        with subprocess.Popen(
            arguments,
            cwd=vault,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            time.sleep(delay)
            code, errors = interrupted(process)
        assert "Traceback" not in errors
        codes.append(code)
        delay *= 1.1 if code == 130 else 0.7  # runs take less time when other processes have ended
    assert set(codes) <= {0, 1, 130}
    assert 130 in codes


def test_cache_folder_that_can_not_be_written(vault: Path) -> None:
    written(vault.parent, {"file": "not a folder"})
    done = vaultlink("check", folder=vault, env={"VAULTLINK_CACHE_DIR": str(vault.parent / "file")})
    assert done.returncode == 0
    assert done.stdout == ""


def test_truncated_cache_is_ignored(vault: Path) -> None:
    written(vault, {"Start.md": "[[Nowhere]]\n"})
    first = vaultlink("check", folder=vault)
    files = [path for path in (vault.parent / "cache").rglob("*") if path.is_file()]
    assert files
    for file in files:
        content = file.read_bytes()
        for torn in (content[: len(content) // 2], b"", b"\x00" * 100, content[::-1]):
            file.write_bytes(torn)
            assert vaultlink("check", folder=vault).stdout == first.stdout


def test_note_deleted_during_the_scan(vault: Path) -> None:
    (vault / "Loop.md").symlink_to("Loop.md")
    assert rules(vault) == []


def test_home_folder_is_not_required(vault: Path) -> None:
    nowhere = str(vault.parent / "no" / "home")
    bare = {"PATH": os.defpath, "HOME": nowhere, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command("check"), cwd=vault, env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "rror" not in done.stderr


def test_ascii_terminal(vault: Path) -> None:
    written(vault, {"Été.md": "[[Nulle part é]]\n"})
    done = vaultlink("check", folder=vault, env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "planned-note" in done.stdout


def run_shell(text: str, folder: Path, **env: str) -> Done:
    """Run `vaultlink TEXT` in a shell, in a folder; the text may have redirections."""
    place = {"VAULTLINK_CACHE_DIR": str(folder.parent / "cache"), **env}
    return subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m vaultlink {text}'],
        cwd=folder,
        env={**os.environ, **place},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


@needs_shell
@each(
    ("line", "code", "words"),
    [
        ("check", 1, ("1 warning",)),
        ("check --output-file ../found.txt", 1, ("1 warning",)),
        ("links", 0, ()),
        ("report --output ../page.json", 0, ("Health score",)),
        ("--version", 0, ()),
        ("check --help", 0, ()),
        ("show Nowhere", 2, ("Nowhere",)),
    ],
)
def test_closed_streams(vault: Path, line: str, code: int, words: Sequence[str]) -> None:
    written(vault, {"Start.md": "[[Nowhere]]\n"})
    done = run_shell(f"{line} >&-", vault)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
    assert [word for word in words if word not in done.stderr] == []
    for closed in ("2>&-", "<&-", "<&- >&- 2>&-"):
        assert run_shell(f"{line} {closed}", vault).returncode == code, closed
    for file in vault.parent.glob("found.txt"):
        assert "planned-note" in file.read_text(encoding="utf-8")


@needs_shell
@each(
    ("line", "word"),
    [
        ("fix --interactive", "terminal"),
        ("mentions --interactive", "terminal"),
        ("rename --from-file -", "closed"),
        ("check --stdin-filename Start.md -", "closed"),
        ("check --stdin-drafts -", "closed"),
    ],
)
def test_closed_standard_input(vault: Path, line: str, word: str) -> None:
    done = run_shell(f"{line} <&-", vault)
    refused(done, word)
    assert "internal error" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@each("line", ["check", "links", "--help", "--version", "check --help"])
def test_full_standard_output(vault: Path, line: str) -> None:
    written(vault, {"Start.md": "[[Nowhere]]\n"})
    refused(run_shell(f"{line} >/dev/full", vault), "error: can't write results: No space left")


@needs_shell
def test_help_whose_reader_ended(vault: Path) -> None:
    done = run_shell("check --help 2>error.txt | true", vault)
    assert (done.returncode, (vault / "error.txt").read_text()) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep the current folder")
@each("line", ["check", "doctor", "init", "report", "check ../vault"])
def test_current_folder_that_was_removed(vault: Path, line: str) -> None:
    (vault.parent / "gone").mkdir()
    script = f'rmdir ../gone; exec "{sys.executable}" -m vaultlink {line}'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=vault.parent / "gone",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    refused(done, "error: the current folder no longer exists. Change to another folder")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems read names as UTF-8")
@each("line", ["check", "links", "baseline"])
def test_names_that_are_not_read_as_utf_8(vault: Path, line: str) -> None:
    written(vault, {"Été.md": "[[Nulle part]]\n"})
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    refused(run_shell(line, vault, **old), "names are read as ascii", "Set PYTHONUTF8=1")
    assert run_shell(line, vault, **{**old, "PYTHONUTF8": "1"}).returncode in (0, 1)


@each("line", ["init Quay.md", "init --vault Quay.md", "undo --vault Quay.md"])
def test_vault_that_is_a_file(vault: Path, line: str) -> None:
    refused(vaultlink(*line.split(), folder=vault), "Quay.md: it is a file, not a folder.")


FEW_BYTES = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))
os.execv(sys.executable, [sys.executable, "-m", "vaultlink", *sys.argv[1:]])
"""
"""Runs vaultlink so that writing more bytes to a file fails, as on a full disk."""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
@each(
    "line",
    [
        "report --output out.html",
        "report --output-format json --output out.json",
        "check --output-format sarif --output-file out.html",
        "graph --format svg --output-file out.html",
    ],
)
def test_full_disk_leaves_the_old_output_file(vault: Path, line: str) -> None:
    written(vault, {"Start.md": "[[Nowhere]]\n" * 20})
    for name in ("new", "old"):
        (vault.parent / name).mkdir()
    file = line.rsplit(maxsplit=1)[-1]
    assert vaultlink("report", vault, "--output", vault.parent / "old/out.html").returncode == 0
    (vault.parent / "old/out.html").rename(vault.parent / "old" / file)
    old = (vault.parent / "old" / file).read_bytes()
    for name, expected in (("new", []), ("old", [file])):
        folder = vault.parent / name
        done = subprocess.run(
            [sys.executable, "-c", FEW_BYTES, *line.split(), "--vault", vault, "--no-cache"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        refused(done, f"can't write {file}: File too large.")
        assert [path.name for path in folder.iterdir() if path.name != "cache"] == expected
    assert (vault.parent / "old" / file).read_bytes() == old


def test_output_file_keeps_mode_and_links(vault: Path) -> None:
    folder = vault.parent
    line = ("check", "--output-file")
    (folder / "found.txt").write_text("old")
    (folder / "found.txt").chmod(0o640)
    (folder / "link.txt").symlink_to("found.txt")
    (folder / "missing.txt").symlink_to("made.txt")
    (folder / "twin.txt").write_text("old")
    (folder / "other.txt").hardlink_to(folder / "twin.txt")
    written(vault, {"Start.md": "[[Nowhere]]\n"})
    for name in ("link.txt", "missing.txt", "twin.txt"):
        assert vaultlink(*line, folder / name, folder=vault).returncode == 1
    for name in ("found.txt", "made.txt", "other.txt"):
        assert "planned-note" in (folder / name).read_text()
    assert (folder / "link.txt").is_symlink()
    assert (folder / "found.txt").stat().st_mode & 0o777 == 0o640
    assert not list(folder.glob(".vaultlink-*"))


@needs_shell
def test_output_file_in_a_folder_that_is_not_writable(vault: Path) -> None:
    (vault.parent / "fixed").mkdir()
    file = vault.parent / "fixed/found.txt"
    file.write_text("old")
    file.parent.chmod(0o555)
    try:
        assert vaultlink("check", "--output-file", file, folder=vault).returncode == 0
        assert file.read_text() == ""
        file.chmod(0o444)
        done = vaultlink("check", "--output-file", file, folder=vault)
    finally:
        file.parent.chmod(0o755)
    refused(done, "found.txt: Permission denied.")


def test_lone_surrogate_in_a_canvas_is_accepted(tmp_path: Path) -> None:
    vault = written(
        tmp_path / "vault",
        {
            "a.md": "[[m.canvas]]\n",
            "m.canvas": json.dumps(
                {
                    "nodes": [
                        {"id": "1", "type": "file", "file": "\ud800.md"},
                        {"id": "2", "type": "text", "text": "[[\udfff x]] and [[🐝]]"},
                    ]
                }
            ),
        },
    )
    done = vaultlink("check", vault)
    assert done.returncode == 1
    assert [
        re.sub(r".*: VL... (\S+ “.*?”).*", r"\1", line) for line in done.stdout.splitlines()
    ] == [
        "dangling-link “\ufffd.md”",
        "planned-note “\ufffd x”",
        "planned-note “🐝”",
    ]
    assert vaultlink("baseline", vault).returncode == 0
    for form in ("json", "github", "gitlab", "sarif", "junit", "markdown"):
        assert vaultlink("check", "--no-baseline", "--output-format", form, vault).returncode == 1


# -- words that no file system takes -----------------------------------------------------------------------------------

LONG = "L" * 280
HEADING = "長" * 100
TOO_LONG = "the name is too long (280 bytes, at most 255)."
NO_FILE = "there is no note, attachment or folder"

LONG_WORDS: Mapping[str, tuple[Sequence[str], str]] = {
    "vault": (("check", "--vault", LONG), f"--vault: {TOO_LONG}"),
    "paths": (("check", LONG), f"PATHS: {TOO_LONG}"),
    "config": (("check", "--config", LONG), f"--config: {TOO_LONG}"),
    "cache": (("check", "--cache-dir", LONG), f"--cache-dir: {TOO_LONG}"),
    "output": (("check", "--output-file", LONG), f"--output-file: {TOO_LONG}"),
    "init": (("init", LONG), TOO_LONG),
    "watch": (("watch", LONG), TOO_LONG),
    "clean": (("clean", "--vault", LONG), TOO_LONG),
    "undo": (("undo", "--vault", LONG), TOO_LONG),
    "rename, old": (("rename", LONG, "New"), NO_FILE),
    "rename, new": (("rename", "Quay", LONG), "is 283 bytes long; the limit is 255. Nothing was"),
    "rename, folder": (("rename", "Quay", f"{LONG}/"), "is 280 bytes long; the limit is 255."),
    "move, folder": (("move", "Quay", LONG), "is 280 bytes long; the limit is 255."),
    "delete": (("delete", LONG), NO_FILE),
    "delete, to": (("delete", "Quay", "--to", LONG), NO_FILE),
    "merge": (("merge", "Quay", LONG), NO_FILE),
    "extract": (("extract", f"Long#{HEADING}", LONG), "is 283 bytes long; the limit is 255."),
    "heading": (("extract", f"Long#{HEADING}"), "is 303 bytes long; the limit is 255."),
    "a part": (("show", f"{LONG}#{LONG}"), "there is no note"),
    "a path": (("check", "/".join(["a" * 200] * 40)), "the path is too long (8,039 bytes)"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
@each(("words", "message"), LONG_WORDS.values(), ids=LONG_WORDS)
def test_words_that_are_too_long_get_a_sentence(
    vault: Path, words: Sequence[str], message: str
) -> None:
    written(vault, {"Long.md": f"# {HEADING}\n\ntext\n"})
    before = list_files(vault)
    done = vaultlink(*words, folder=vault)
    refused(done, message)
    assert len(done.stderr.splitlines()) == 1
    assert list_files(vault).files == before.files


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
@each("command", ["clean", "rename Quay Dock"])
@each("name", ["VAULTLINK_CACHE_DIR", "VAULTLINK_STATE_DIR"])
def test_variables_that_are_too_long_get_a_sentence(vault: Path, name: str, command: str) -> None:
    done = vaultlink(*command.split(), folder=vault, env={name: LONG})
    refused(done, f"error: {name}: the name is too long (280 bytes, at most 255).")
    done = vaultlink("doctor", folder=vault, env={name: LONG})
    assert done.returncode in (1, 2)
    assert f"{name}: the name is too long" in " ".join((done.stdout + done.stderr).split())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_a_section_with_a_long_heading_gets_a_short_name(vault: Path) -> None:
    written(vault, {"Long.md": f"# {HEADING}\n\ntext\n"})
    assert vaultlink("extract", f"Long#{HEADING}", "Short", folder=vault).returncode == 0
    assert (vault / "Short.md").exists()


EMPTY = (
    *(
        ("check", *words)
        for option in ("vault", "config", "cache-dir", "select", "ignore", "extend-select")
        for words in ((f"--{option}", ""), (f"--{option}=",))
    ),
    *(("check", f"--{name}", "") for name in ("output-file", "output-format", "jobs", "color")),
    ("check", "--select", ","),
    ("check", ""),
    ("check", "Quay.md", ""),
    ("fix", ""),
    ("show", ""),
    ("init", ""),
    ("undo", ""),
    ("rename", "", "New"),
    ("rename", "Quay", ""),
    ("rename", "--from-file", ""),
    ("delete", "Quay", "--to", ""),
)


@each("words", EMPTY, ids=" ".join)
def test_empty_words_are_refused(run: RunCommand, vault: Path, words: Sequence[str]) -> None:
    with chdir(vault):
        done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(" is empty. Check the variable that should hold it.\n")
    assert sorted(file.name for file in vault.iterdir()) == [".obsidian", "Pier.md", "Quay.md"]


def test_only_labels_of_the_merge_driver_may_be_empty(run: RunCommand, vault: Path) -> None:
    labels = ("--base-label=", "--ours-label=", "--theirs-label=", "--path=")
    with chdir(vault):
        assert run("merge-driver", "Quay.md", "Quay.md", "Quay.md", *labels).code == 0


NO_PERMISSION = "the folder sub can't be read: Permission denied."
UNREADABLE = {
    ("report", "sub", "--output-file", "r.json"): (0, f"warning: {NO_PERMISSION}"),
    ("check", "sub", "Quay.md"): (0, f"warning: {NO_PERMISSION}"),
    ("check", "sub"): (2, f"error: {NO_PERMISSION}\n"),
    ("check", "sub", "--json"): (2, f"error: {NO_PERMISSION}\n"),
    ("rename", "sub", "new"): (2, f"error: {NO_PERMISSION} Nothing was written."),
    ("rename", "top", "new"): (2, "error: the folder top/deep can't be read: Permission denied."),
    ("delete", "sub", "--leave"): (2, f"error: {NO_PERMISSION} Nothing was written."),
    ("move", "sub", "new/"): (2, f"error: {NO_PERMISSION} Nothing was written."),
    ("rename", "Quay", "x"): (0, "Links in sub/ and 1 more stay as they are."),
    ("move", "Quay", "new/"): (0, "Links in sub/ and 1 more stay as they are."),
    ("merge", "Quay", "Pier"): (0, "Links in sub/ and 1 more stay as they are."),
    ("delete", "Quay", "--leave"): (0, "Links in sub/ and 1 more stay as they are."),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@each(("words", "code", "message"), [(key, *UNREADABLE[key]) for key in UNREADABLE])
def test_unreadable_folders_are_named(
    vault: Path, words: Sequence[str], code: int, message: str
) -> None:
    written(vault, {"sub/Note.md": "[[Quay]]\n", "top/deep/Note.md": "", "top/a.md": ""})
    locked = (vault / "sub", vault / "top/deep")
    for folder in locked:
        folder.chmod(0)
    try:
        done = vaultlink(*words, folder=vault)
        assert code != 2 or all(folder.is_dir() for folder in locked)
    finally:
        for folder in filter(Path.is_dir, locked):
            folder.chmod(0o755)
    assert done.returncode == code, done.stderr
    assert message in done.stderr


# -- where something is missing ----------------------------------------------------------------------------------------


@each(
    ("words", "code", "message"),
    [
        (
            ("init", "--ci", "github", "--package", "x"),
            0,
            "is not in a git repository, where alone",
        ),
        (
            ("init", "--ci", "pre-commit", "--package", "x"),
            0,
            "is not in a git repository, where alone",
        ),
        (
            ("fix", "--unsafe-fixes", "--create", "New", "--template", "nope.md"),
            2,
            "nope.md can't be",
        ),
        (
            ("merge-driver", "Quay.md", "Quay.md", "c"),
            129,
            "can't merge c: No such file or directory.",
        ),
    ],
)
def test_what_is_missing_is_named(
    vault: Path, words: Sequence[str], code: int, message: str
) -> None:
    done = vaultlink(*words, folder=vault)
    assert done.returncode == code
    assert message in done.stderr
    assert "Errno" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_notes_in_a_folder_without_permissions_are_counted(vault: Path) -> None:
    files = {f"Log/{number}.md": "[[Pier]]\n" for number in range(20)}
    written(vault, {**files, "Few/1.md": "[[Pier]]\n"})
    folders = [vault / name for name in ("Log", "Few")]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = vaultlink("rename", "Pier", "Dock", folder=vault)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Log/: 20 notes skipped: the folder is not writable.",
        "Few/1.md: skipped: its folder is not writable.",
        "Nothing was written.",
    ]
