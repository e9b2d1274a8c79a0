"""The browser and the pager get hostile names as one argument or as text, and nothing else starts."""

import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from running import create_vault
from screens import run_on_screen
from tables import each
from vaultlink.programs import ProgramCall, RunningProgram

FAKE = """#!/usr/bin/env python3
import os, sys
text = "" if sys.stdin.isatty() else sys.stdin.read()
with open(f"{log}.new", "ab") as stream:
    stream.write(b"\\0".join([*map(os.fsencode, sys.argv[1:]), os.fsencode(text)]))
os.rename(f"{log}.new", log)
"""

NAMES = (
    "--help.html",
    "-rf.html",
    "$(touch pwned).html",
    "`touch pwned`.html",
    "a; touch pwned; #.html",
    "'; touch pwned; '.html",
    '"$(touch pwned)".html',
    "a\ntouch pwned\n.html",
    "%s %1 %n.html",
    "\x1b]0;title\x07.html",
    "javascript:alert(1).html",
)


def write_fake(file: Path, log: Path) -> Path:
    """Write a program that records its arguments and its input."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{FAKE.splitlines()[0]}\nlog = {os.fspath(log)!r}\n{FAKE}", encoding="utf-8")
    file.chmod(0o755)
    return file


def read_log(log: Path) -> list[str]:
    """Return the arguments and the input of the program, which may not have ended yet."""
    deadline = time.monotonic() + 20
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return log.read_bytes().decode("utf-8", "surrogateescape").split("\0")


# -- the browser ------------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_browser_gets_the_address_as_one_argument(tmp_path: Path, number: int) -> None:
    """It gets it in the place of `%s` in every second case, and behind its own words otherwise."""
    name, template = NAMES[number], "{} %s" if number % 2 else "{}"
    root = create_vault(tmp_path / "vault", {"a.md": "[[a]]\n"})
    log = tmp_path / "log"
    browser = write_fake(tmp_path / "bin" / "browser", log)
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "report", f"--output={name}", "--open"],
        cwd=root,
        env={**os.environ, "BROWSER": template.format(browser)},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, b"\x1b" in done.stderr) == (0, False)
    address, text = read_log(log)
    assert (urlsplit(address).scheme, text) == ("file", "")
    assert unquote(urlsplit(address).path) == str(root / name)
    assert sorted(file.name for file in root.iterdir()) == sorted([name, "a.md", ".obsidian"])


@each("program", ["xdg-open", "www-browser", "firefox", "fake"])
def test_browser_in_the_vault_is_not_started(tmp_path: Path, program: str) -> None:
    root = create_vault(tmp_path / "vault", {"a.md": "[[a]]\n"})
    write_fake(root / program, tmp_path / "log")
    empty = tmp_path / "bin"
    empty.mkdir()
    (empty / "python3").symlink_to(sys.executable)
    variables = {"PATH": f".:{empty}", "DISPLAY": ":9", "BROWSER": "fake" * (program == "fake")}
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "report", "--output=r.json", "--open"],
        cwd=root,
        env={**os.environ, **variables},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0
    time.sleep(0.5)
    assert not (tmp_path / "log").exists()


# -- the pager --------------------------------------------------------------------------------------------------------

FOLDERS = ("plain", "$(touch pwned)", "a b; touch pwned", "'q'", "new\nline", "-rf", "%s")


@pytest.mark.thorough
@each("folder", FOLDERS)
def test_pager_in_a_folder_with_a_hostile_name(tmp_path: Path, folder: str) -> None:
    """The vault has the same name, and notes with such names; the pager gets only its options."""
    root = create_vault(
        tmp_path / folder / "vault",
        {f"{name.removesuffix('.html')}.md": "[[Nowhere]]\n" * 9 for name in NAMES},
    )
    log = tmp_path / "log"
    pager = write_fake(tmp_path / folder / "pager", log)
    quoted = str(pager).replace("'", "'\\''")
    environment = {"PAGER": f"'{quoted}' --option '$(touch pwned)'"}
    with run_on_screen(root, "check", "--show", "all", environment=environment) as screen:
        screen.wait_for_end(1)
    *words, text = read_log(log)
    assert words == ["--option", "$(touch pwned)"]
    assert "VL125" in text
    assert "\x1b]0" not in text
    assert not [file for file in tmp_path.rglob("pwned*") if file.is_file()]


# -- programs that do not end -----------------------------------------------------------------------------------------

ENDLESS = {
    "it sleeps": ("import time; time.sleep(60)", True, b""),
    "it prints and sleeps": ("import time; print('a', flush=True); time.sleep(60)", True, b""),
    "it closes its output and sleeps": ("import os, time; os.close(1); time.sleep(60)", True, b""),
    "it prints for ever": ("while True: print('a' * 1000)", False, b"aaaaaaaaa"),
    "it leaves another program": (
        "import os, time; print('a', flush=True); os.fork() or time.sleep(60)",
        False,
        b"a\n",
    ),
}


@pytest.mark.skipif(sys.platform == "win32", reason="the programs fork")
@pytest.mark.parametrize("case", ENDLESS)
def test_program_without_an_end_is_not_waited_for(case: str) -> None:
    code, is_late, output = ENDLESS[case]
    call = ProgramCall((sys.executable, "-c", code), {**os.environ})
    started = time.monotonic()
    running = RunningProgram(call, limit=9, seconds=2.0)
    result = running.read_to_end()
    assert time.monotonic() - started < 15
    assert running.is_late == is_late
    assert (result is None) == is_late
    assert result is None or result.output == output
