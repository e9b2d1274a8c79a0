"""Start-up: what is imported, which names stand in strings, and what tells one program from another."""

import os
import re
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from tables import each
from vaultlink.cli.command_table import COMMANDS, Command
from vaultlink.disk.cache import folders_digest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vaultlink"

HEAVY = (
    "networkx",
    "lsprotocol",
    "mcp",
    "pydantic",
    "watchdog",
    "typer",
    "rapidfuzz",
    "regex",
    "frontmatter",
    "rich",
    "yaml",
    "prompt_toolkit",
    "tomlkit",
    "wcwidth",
)
"""Libraries that a warm check of a small vault does not import. Its first check reads the rules with yaml."""


NAME = re.compile(r"""(["'])(vaultlink(?:\.[^\W\d]\w*)+)\1""")
"""A string that is a dotted name of this package."""


NO_MODULES = {
    "vaultlink.toml",
    "vaultlink.known",
    "vaultlink.addBlockId",
    "vaultlink.showReferences",
}
"""A settings file, the class name of test cases in JUnit reports, and commands of editors."""

NAMES = sorted(
    {
        name
        for path in SOURCE.rglob("*.py")
        for _, name in NAME.findall(path.read_text(encoding="utf-8"))
    }
    - NO_MODULES
)


def test_there_are_names_in_strings() -> None:
    assert "vaultlink.report.concise" in NAMES


@each("name", NAMES)
def test_name_in_a_string_can_be_imported(name: str) -> None:
    import_module(name)


@each("command", COMMANDS.values(), ids=lambda command: command.target)
def test_function_of_a_command_can_be_imported(command: Command) -> None:
    assert callable(command.load())


def heavy_modules(*words: str) -> set[str]:
    """Run a command in a process of its own and return which heavy libraries it imported."""
    code = (
        "import sys; from vaultlink.__main__ import main; main(sys.argv[1:]); "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_check_of_a_small_vault_imports_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "Home.md").write_text("[[Plan]] and [[Home]]\n", encoding="utf-8")
    words = ("check", str(tmp_path), "--output-format", "concise")
    assert heavy_modules(*words) <= {"yaml"}
    assert heavy_modules(*words) == set()


NOTE = "# Note\n\n[[Note {next}]] and a [[plan of {number}]]\n"
NEW_LINE = "\nOne more line, and a [[topic that nobody wrote]].\n"
LIMITS = {"unchanged": 65, "changed": 120, "draft": 120}
"""The modules of vaultlink and of libraries that a check may import, without Python's own."""


def count_modules(*words: str, text: str = "") -> int:
    """Return the number of modules that a command imports, without those of Python."""
    code = (
        "import sys; bare = set(sys.modules); from vaultlink.__main__ import main; "
        "main(sys.argv[1:]); new = set(sys.modules) - bare; "
        "print(sum(name.partition('.')[0] not in sys.stdlib_module_names for name in new))"
    )
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def test_checks_import_few_modules(tmp_path: Path) -> None:
    """The vault has so many findings that they are printed in parts, as those of large vaults."""
    vault = tmp_path / "vault"
    vault.mkdir()
    for number in range(40):
        links = "".join(f"- [[plan {number} of {other}]]\n" for other in range(40 * (number > 9)))
        note = NOTE.format(next=number + 1, number=number) + links
        (vault / f"Note {number}.md").write_text(note, encoding="utf-8")
    changed = vault / "Note 5.md"
    words = ("check", "--vault", str(vault), "--output-format", "concise")
    old = time.time() - 100
    for note_file in vault.iterdir():
        os.utime(note_file, (old, old))
    for _ in range(2):
        count_modules(*words)
    counts = {"unchanged": count_modules(*words)}
    draft = changed.read_text(encoding="utf-8") + NEW_LINE
    counts["draft"] = count_modules(*words, "--stdin-filename", str(changed), "-", text=draft)
    changed.write_text(draft, encoding="utf-8")
    counts["changed"] = count_modules(*words)
    assert {name: count for name, count in counts.items() if count > LIMITS[name]} == {}


def test_only_interactive_fixing_imports_the_library_of_keys(tmp_path: Path) -> None:
    (tmp_path / "Home.md").write_text("[[Plan]] and [[home]]\n", encoding="utf-8")
    (tmp_path / "plans.md").write_text("", encoding="utf-8")
    words = ("fix", str(tmp_path), "--unsafe-fixes", "--vault", str(tmp_path))
    assert heavy_modules(*words).isdisjoint({"prompt_toolkit", "tomlkit"})


@pytest.mark.parametrize("words", [("check",), ("status", "--json"), ("config", "--json")])
def test_no_command_reads_a_schema(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "Home.md").write_text("[[Plan]] and [[Home]]\n", encoding="utf-8")
    (tmp_path / "vaultlink.toml").write_text('select = ["VL1"]\n', encoding="utf-8")
    code = (
        "import sys; opened = []; "
        "sys.addaudithook(lambda event, given: event == 'open' and opened.append(str(given[0]))); "
        "from vaultlink.__main__ import main; main(sys.argv[1:]); print(*opened, sep='\\n')"
    )
    command = [sys.executable, "-c", code, *words, "--vault", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert str(tmp_path / "vaultlink.toml") in done.stdout
    assert "schemas" not in done.stdout


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, vaultlink; print([n for n in sys.modules if n.startswith('vaultlink.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("edited", ["top.py", "one/nested.py", "one/two/deep.py", "rules/a.yaml"])
def test_digest_of_a_program_changes_with_every_file(tmp_path: Path, edited: str) -> None:
    for name in ("top.py", "one/nested.py", "one/two/deep.py", "rules/a.yaml", "one/data.txt"):
        file = tmp_path / "here" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("before", encoding="utf-8")
    before = folders_digest([str(tmp_path / "here")])
    (tmp_path / "here/one/data.txt").write_text("after", encoding="utf-8")
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    os.utime(tmp_path / "there" / edited, ns=(1, 1))
    assert folders_digest([str(tmp_path / "there")]) == before
    (tmp_path / "here" / edited).write_text("after", encoding="utf-8")
    assert folders_digest([str(tmp_path / "here")]) != before
