"""The commands, in the groups of the overview; a module is imported when it runs."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


class Command(NamedTuple):
    """A command: where its function is, and the first line of its help.

    `target` is the name of a module in `commands`; the name of the function follows behind a colon
    if it is another one. `is_hidden` is True if only its own help and the manual show it.
    """

    target: str
    summary: str
    is_hidden: bool = False

    def load(self) -> Callable[[Any], int]:
        """Import the module and return the function, whose argument is an option class."""
        module, _, name = self.target.partition(":")
        commands = import_module(f"vaultlink.cli.commands.{module}")
        function: Callable[[Any], int] = getattr(commands, name or module)
        return function


GROUPS: dict[str, dict[str, Command]] = {
    "Check": {
        "check": Command("check", "Check the vault's links and report findings."),
        "status": Command(
            "check:status", "Print an overview: mistakes, planned notes, and what to do next."
        ),
        "baseline": Command(
            "baseline", "Record current findings, so that `check` reports only new ones."
        ),
        "watch": Command("watch", "Check, and with --fix also fix, the vault whenever it changes."),
        "guard": Command("guard", "Refuse changes that break links, in hooks of tools and git."),
        "lsp": Command("protocols:lsp", "Serve editors over the Language Server Protocol."),
        "mcp": Command(
            "protocols:mcp", "Serve the vault to agents over the Model Context Protocol."
        ),
        "serve": Command(
            "serve", "Do nothing: commands read the vault themselves.", is_hidden=True
        ),
    },
    "Fix": {
        "fix": Command("fix", "Apply all safe fixes, including those of backlinks sections."),
        "sections": Command("sections", "Write, check, adopt or remove backlinks sections."),
        "undo": Command("undo", "Revert a run of vaultlink, byte for byte."),
    },
    "Rename": {
        "rename": Command("rename", "Rename a note, file, folder, heading or tag; links follow."),
        "move": Command("rename:move", "Move notes, attachments and folders; links follow."),
        "extract": Command("rename:extract", "Move a section into a new note; links follow."),
        "merge": Command(
            "rename:merge", "Append a note to another one and remove it; links follow."
        ),
        "delete": Command(
            "delete", "Delete notes, attachments or folders; unlink or redirect links."
        ),
    },
    "Inspect": {
        "show": Command("lists:show", "Show the contents of notes as vaultlink reads them."),
        "open": Command("open_note", "Open a note in Obsidian.", is_hidden=True),
        "links": Command("lists:links", "List links with their destinations."),
        "unresolved": Command(
            "lists:unresolved", "List what unresolved links name, most links first."
        ),
        "backlinks": Command("backlinks", "List the backlinks of a note."),
        "related": Command(
            "lists:related", "List the notes related to a note, or near-duplicates."
        ),
        "mentions": Command(
            "mentions", "List where notes name other notes without a link, or link them."
        ),
        "history": Command(
            "lists:history", "List the former paths of a note, and the links they broke."
        ),
        "orphans": Command("lists:orphans", "List files without backlinks."),
        "deadends": Command("lists:deadends", "List notes without links to files."),
        "graph": Command("graph", "Summarize the vault's graph, or export it."),
        "report": Command("report", "Write a page about the whole vault, with a score."),
    },
    "Set up": {
        "rule": Command("config:rule", "Explain a rule."),
        "rules": Command("config:rules", "List all rules.", is_hidden=True),
        "config": Command("config", "List the settings in force and the source of each."),
        "doctor": Command("doctor", "Check the installation, the vault and the system."),
        "clean": Command(
            "clean", "Remove the cache of a vault, and on request its records of runs."
        ),
        "init": Command("init", "Create a settings file, or CI files that check changes."),
        "completion": Command("completion", "Print the completion script of a shell."),
        "merge-driver": Command(
            "merge_driver",
            "Merge three versions of a note, as a git merge driver.",
            is_hidden=True,
        ),
    },
}

COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}

ALIASES = {"topics": "unresolved"}

OLD_WORDS = {
    "backlinks --group none": "backlinks",
    "backlinks --group folder": "backlinks",
    "backlinks --order rank": "backlinks --order title",
    "backlinks --order recent": "backlinks --order title",
    "backlinks --write": "sections write",
    "backlinks --adopt": "sections adopt",
    "backlinks --remove": "sections remove",
    "backlinks --check": "sections check",
    "backlinks --diff": "sections write --diff",
    "backlinks --dry-run": "sections write --diff",
    "init --pre-commit": "init --ci pre-commit",
}
"""Words of a line that still work, and what is written now. Help and completions hide them."""

REMOVED_WORDS = {
    "fix --mentions": "`vaultlink fix`, then `vaultlink mentions --write`, do the same.",
    "backlinks --mentions": "`vaultlink mentions --to NOTE` lists the mentions of a note.",
    "mentions --headings": "The setting `headings` under `[mentions]` does the same.",
    "mentions --each-section": "The setting `each-section` under `[mentions]` does the same.",
    "report --commits": "`vaultlink check --changed-since REV` shows what a commit changed.",
    "report --history": "`vaultlink check --changed-since REV` shows what a commit changed.",
    "doctor --against-obsidian": "`obsidian unresolved` lists what Obsidian reads.",
}
"""Words of a line that no longer work, and what does the same."""
