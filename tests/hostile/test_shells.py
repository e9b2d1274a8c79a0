"""Names of notes that are code for a shell are completed, in real shells, as names."""

import json
from pathlib import Path

import pytest

from exploring import spread
from machine import require_program
from running import create_vault
from shells import INTERACTIVE, Shell

NAMES = {
    "A": "A$(touch pwned).md",
    "B": "B`touch pwned`.md",
    "C": "C; touch pwned; #.md",
    "D": "D%n%s%F{red}.md",
    "E": "E*?[a-z].md",
    "F": "F'; touch pwned; '.md",
    "G": 'G"$(touch pwned)".md',
    "H": "H\\n\\$(touch pwned).md",
    "I": "I {a,b} ~ !!.md",
    "J": "J&|<>(touch pwned).md",
    "K": "K\u00a0$HOME.md",
    "-- -r": "-rf.md",
    "-- --": "--help.md",
}
"""Names by the keys that are typed before the key that completes."""

UNPRINTABLE = {
    "M": "M\ntouch pwned\n.md",
    "N": "N\x1b[31mred.md",
    "O": "O\x07\x08.md",
    "P": "P\u202edm.md",
    "Q": "Q\ttab.md",
    "R": "R\r.md",
}
"""Names that are left out, as they would change what the terminal shows."""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Create a vault with all names."""
    names = [*NAMES.values(), *UNPRINTABLE.values(), "Map.md"]
    return create_vault(tmp_path / "vault", dict.fromkeys(names, "text\n"))


def start(shell: str, folder: Path) -> Shell:
    """Start a shell with the completion of vaultlink."""
    (program, *options), load = INTERACTIVE[shell]
    terminal = Shell([require_program(program), *options], folder)
    terminal.type(f"{load}; echo rea''dy\n", "ready")
    return terminal


@pytest.mark.thorough
@pytest.mark.parametrize("shell", spread(INTERACTIVE))
def test_completed_name_is_one_argument(vault: Path, shell: str) -> None:
    terminal, found = start(shell, vault), {}
    try:
        for number, key in enumerate(NAMES):
            out = vault.parent / f"{number}.json"
            line = f"vaultlink show --output-format json {key}\t >{out}; echo do''ne{number}\n"
            terminal.type(line, f"done{number}")
            [note] = json.loads(out.read_text("utf-8") or '{"notes": [{"path": ""}]}')["notes"]
            found[key] = note["path"]
    finally:
        terminal.close()
    assert found == NAMES
    assert not (vault / "pwned").exists()


LISTED = {
    "bash": "vaultlink show \t\t",
    "zsh": "vaultlink show \t",
    "fish": "complete --do-complete 'vaultlink show '\n",
}
"""The keys that list all names in each shell."""


@pytest.mark.thorough
@pytest.mark.parametrize("shell", INTERACTIVE)
def test_list_of_names_runs_and_prints_nothing_hostile(vault: Path, shell: str) -> None:
    terminal = start(shell, vault)
    try:
        seen = terminal.type(LISTED[shell], "Map.md")
        while "D%n%s%F{red}.md" not in seen.replace("\\", ""):  # the order is that of the shell
            seen += terminal.type("", ".md")
    finally:
        terminal.close()
    assert "D%n%s%F{red}.md" in seen.replace("\\", "")
    assert [name for name in ("red.md", "dm.md", "tab.md", "touch pwned\r\n") if name in seen] == []
    assert not {"\x08", "\u202e"}.intersection(seen)
    assert not (vault / "pwned").exists()
