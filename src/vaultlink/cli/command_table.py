"""The commands, in the groups of the overview; a module is imported when it runs."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


class Command(NamedTuple):
    """A command: `module:function`, and the first line of its help.

    `is_hidden` is True if only its own help and the manual show it.
    """

    target: str
    summary: str
    is_hidden: bool = False

    def load(self) -> Callable[[Any], int]:
        """Import the module and return the function, whose argument is an option class."""
        module, _, name = self.target.partition(":")
        function: Callable[[Any], int] = getattr(import_module(module), name)
        return function


GROUPS: dict[str, dict[str, Command]] = {
    "Check": {
        "check": Command(
            "vaultlink.cli.commands.check:check", "Check the vault's links and report findings."
        ),
        "status": Command(
            "vaultlink.cli.commands.check:status",
            "Print an overview: mistakes, planned notes, and what to do next.",
        ),
        "baseline": Command(
            "vaultlink.cli.commands.baseline:baseline",
            "Record current findings, so that `check` reports only new ones.",
        ),
        "watch": Command(
            "vaultlink.cli.commands.watch:watch",
            "Check, and with --fix also fix, the vault whenever it changes.",
        ),
        "guard": Command(
            "vaultlink.cli.commands.guard:guard",
            "Refuse changes that break links, in hooks of tools and git.",
        ),
        "lsp": Command(
            "vaultlink.cli.commands.protocols:lsp",
            "Serve editors over the Language Server Protocol.",
        ),
        "mcp": Command(
            "vaultlink.cli.commands.protocols:mcp",
            "Serve the vault to agents over the Model Context Protocol.",
        ),
        "serve": Command(
            "vaultlink.cli.commands.serve:serve",
            "Keep a vault in memory for commands that ask about it.",
        ),
    },
    "Fix": {
        "fix": Command(
            "vaultlink.cli.commands.fix:fix",
            "Apply all safe fixes, including those of backlinks sections.",
        ),
        "sections": Command(
            "vaultlink.cli.commands.sections:sections",
            "Write, check, adopt or remove backlinks sections.",
        ),
        "undo": Command(
            "vaultlink.cli.commands.undo:undo", "Revert a run of vaultlink, byte for byte."
        ),
    },
    "Rename": {
        "rename": Command(
            "vaultlink.cli.commands.rename:rename",
            "Rename a note, file, folder, heading or tag; links follow.",
        ),
        "move": Command(
            "vaultlink.cli.commands.rename:move",
            "Move notes, attachments and folders; links follow.",
        ),
        "extract": Command(
            "vaultlink.cli.commands.rename:extract", "Move a section into a new note; links follow."
        ),
        "merge": Command(
            "vaultlink.cli.commands.rename:merge",
            "Append a note to another one and remove it; links follow.",
        ),
        "delete": Command(
            "vaultlink.cli.commands.delete:delete",
            "Delete notes, attachments or folders; unlink or redirect links.",
        ),
    },
    "Inspect": {
        "show": Command(
            "vaultlink.cli.commands.lists:show",
            "Show the contents of notes as vaultlink reads them.",
        ),
        "open": Command("vaultlink.cli.commands.open_note:open_note", "Open a note in Obsidian."),
        "links": Command(
            "vaultlink.cli.commands.lists:links", "List links with their destinations."
        ),
        "unresolved": Command(
            "vaultlink.cli.commands.lists:unresolved",
            "List what unresolved links name, most links first.",
        ),
        "backlinks": Command(
            "vaultlink.cli.commands.backlinks:backlinks",
            "List the backlinks of a note, or maintain backlinks sections.",
        ),
        "related": Command(
            "vaultlink.cli.commands.lists:related",
            "List the notes related to a note, or near-duplicates.",
        ),
        "mentions": Command(
            "vaultlink.cli.commands.mentions:mentions",
            "List where notes name other notes without a link, or link them.",
        ),
        "history": Command(
            "vaultlink.cli.commands.lists:history",
            "List the former paths of a note, and the links they broke.",
        ),
        "orphans": Command("vaultlink.cli.commands.lists:orphans", "List files without backlinks."),
        "deadends": Command(
            "vaultlink.cli.commands.lists:deadends", "List notes without links to files."
        ),
        "graph": Command(
            "vaultlink.cli.commands.graph:graph", "Summarize the vault's graph, or export it."
        ),
        "report": Command(
            "vaultlink.cli.commands.report:report",
            "Write a page about the whole vault, with a score.",
        ),
    },
    "Set up": {
        "rule": Command("vaultlink.cli.commands.config:rule", "Explain a rule."),
        "rules": Command("vaultlink.cli.commands.config:rules", "List all rules.", is_hidden=True),
        "config": Command(
            "vaultlink.cli.commands.config:config",
            "List the settings in force and the source of each.",
        ),
        "doctor": Command(
            "vaultlink.cli.commands.doctor:doctor",
            "Check the installation, the vault and the system.",
        ),
        "clean": Command(
            "vaultlink.cli.commands.clean:clean",
            "Remove the cache of a vault, and on request its records of runs.",
        ),
        "init": Command(
            "vaultlink.cli.commands.init:init",
            "Create a settings file, or CI files that check changes.",
        ),
        "completion": Command(
            "vaultlink.cli.commands.completion:completion",
            "Print the completion script of a shell.",
        ),
        "merge-driver": Command(
            "vaultlink.cli.commands.merge_driver:merge_driver",
            "Merge three versions of a note, as a git merge driver.",
            is_hidden=True,
        ),
    },
}

COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}

ALIASES = {"topics": "unresolved"}
