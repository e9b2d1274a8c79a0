"""Code blocks and commands in the project's documents."""

import re
import shlex
from pathlib import Path
from typing import Any

from vaultlink.cli.command_table import ALIASES, COMMANDS
from vaultlink.cli.parser import parse_options


def blocks(page: Path, language: str) -> list[str]:
    """Return a page's code blocks in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def prose(page: Path) -> str:
    """Return a page's text without its code blocks."""
    return re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )


def parsed(command: str) -> Any:
    """Parse a `vaultlink` command as the program does. Raises UsageError; an int stands for a help page."""
    name, *words = shlex.split(command, comments=True)[1:]
    name = ALIASES.get(name, name)
    return parse_options(name, COMMANDS[name].load(), words)
