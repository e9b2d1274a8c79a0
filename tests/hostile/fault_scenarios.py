"""Commands that are run with faults: one table for a sample of the faults and for all of them."""

from collections.abc import Mapping
from typing import NamedTuple

Line = tuple[str, ...]

VAULT: Mapping[str, bytes] = {
    ".obsidian/app.json": b"{}",
    "Home.md": b"[[long-tide]] [[sub/missing]] [[Harbour wall]] [[Nowhere Two]] [[quay]\r\n" * 4,
    "long_tide.md": b"# Tide\n\n[[home]] and [[Harbour walls]]\n",
    "a/Quay.md": b"\xef\xbb\xbf[[Long Tide]] ![[long-tide]] ![[chart.png]]\n",
    "a/b/Pier.md": b"| a |\n|---|\n| [[quay|q]] |\n\n[[Nowhere Two]]\n",
    "a/b/Mole.md": b"[[long-tide]]" * 3 + b" ![](../../img/chart.png)\n",
    "Map.md": b"---\nup: [[quay]]\n---\nmap #sea\n",
    "Index.md": b"[[long_tide#Tide]] ![[Map]] #sea/low [[long_tide]] [[a/b/Pier]]\n",
    "Swap.txt": b"long_tide\tMap\nMap\tlong_tide\n",
    "Cycle.txt": b"long_tide\ta/Quay\na/Quay\ta/b/Pier\na/b/Pier\t/long_tide\n",
    "Folders.txt": b"a/\tz/\nimg/\ta/\n",
    "Log.md": b"Lightship Anna left, and the Harbour Office saw Lightship Anna.\n",
    "Lightship Anna.md": b"# Lightship Anna\n\nSeen from the Harbour Office.\n",
    "Harbour Office.md": b"It wrote to Lightship Anna.\n",
    "img/chart.png": bytes(range(256)) * 40,
}
MANY = b"[[long-tide]] and [[home]] and [[Number 7]]\n"


CHANGES = "changes"
"""Stands for a program: the changes that follow as JSON are planned and applied in Python."""

_FREEING = ("rename", "move", "merge", "delete", CHANGES)
"""Commands that take files away from their paths."""


class Scenario(NamedTuple):
    """A command line, and those that are run before it without faults.

    `killed`, if there is one, is run after them and killed half way. `files` are added to the vault.
    """

    line: Line
    before: tuple[Line, ...] = ()
    killed: Line | None = None
    files: Mapping[str, bytes] = {}

    @property
    def is_recovery(self) -> bool:
        """True if the command undoes or reverts what another one did."""
        return self.line[0] == "undo" or self.killed is not None

    @property
    def has_cache_faults(self) -> bool:
        """True for a command that is tried with faults of the cache, too."""
        return self.line == ("fix",) or self.cleans

    @property
    def cleans(self) -> bool:
        """True for a command that removes the cache, and changes nothing in the vault."""
        return self.line[0] == "clean"

    @property
    def removes_records(self) -> bool:
        """True for a command after which earlier runs can't be undone."""
        return "--records" in self.line

    @property
    def frees_paths(self) -> bool:
        """True for a command after which files are no longer at their old paths."""
        return self.line[0] in _FREEING and "Long_Tide" not in self.line

    @property
    def has_journal(self) -> bool:
        """True for a command that can be undone."""
        is_recorded = self.line[0] not in ("init", "report") or "--agents" in self.line
        return is_recorded and not self.removes_records


UNDO: Line = ("undo",)
LINKS: Line = ("links", "--output-format", "json")
CHECK: Line = ("check", "--output-format", "json")
FIX_NOTHING: Line = ("fix", "--select", "dead-end")
"""A command that may write and has nothing to write: no fix of this rule exists."""

_CREATE: Line = ("fix", "--unsafe-fixes", "--create", "new")
_FIXED: tuple[Line, ...] = (("fix",),)
_LIST: Line = (
    CHANGES,
    '{"rename": "long_tide", "to": "b/Flood"}',
    '{"move": "a/b/", "to": "Sea/"}',
    '{"merge": "Map", "into": "b/Flood"}',
    '{"extract": "b/Flood#Tide", "to": "Sea/Tides"}',
    '{"rename": "#sea", "to": "#ocean"}',
    '{"delete": ["img/chart.png", "Log"], "unlink": true}',
    '{"rename": "a/", "to": "Harbour"}',
    '{"rename": "Sea/b/Pier", "to": "Harbour/Jetty"}',
)
_REPORT: Line = ("report", "--date", "2026-01-01", "--output-file")

_RECORDED: Mapping[str, Scenario] = {
    "fix": Scenario(("fix",)),
    "fix-create": Scenario(_CREATE),
    "rename": Scenario(("rename", "long_tide", "b/Flood"), _FIXED),
    "rename-folder": Scenario(("rename", "a/", "Harbour/Old"), _FIXED),
    "rename-heading": Scenario(("rename", "long_tide#Tide", "Flood"), _FIXED),
    "rename-tag": Scenario(("rename", "#sea", "#ocean"), _FIXED),
    "rename-attachment": Scenario(("rename", "img/chart.png", "img/new/map.png"), _FIXED),
    "case": Scenario(("rename", "long_tide", "Long_Tide"), _FIXED),
    "swap": Scenario(("rename", "--from-file", "Swap.txt"), _FIXED),
    "cycle": Scenario(("rename", "--from-file", "Cycle.txt"), _FIXED),
    "folders": Scenario(("rename", "--from-file", "Folders.txt"), _FIXED),
    "move": Scenario(("move", "Map", "img/chart.png", "a/b", "Sea"), _FIXED),
    "merge": Scenario(("merge", "Map", "long_tide"), _FIXED),
    "extract": Scenario(("extract", "long_tide#Tide", "new/Tides"), _FIXED),
    "delete": Scenario(("delete", "a", "Map", "img/chart.png", "--unlink"), _FIXED),
    "delete-local": Scenario(
        ("delete", "a", "Map", "img/chart.png", "--to", "Home"),
        _FIXED,
        files={".obsidian/app.json": b'{"trashOption": "local"}'},
    ),
    "list": Scenario(_LIST, _FIXED),
    "mentions": Scenario(("mentions", "--write"), _FIXED),
    "backlinks": Scenario(("sections", "write"), _FIXED),
    "backlinks-remove": Scenario(("sections", "remove"), (("sections", "write"),)),
    "baseline": Scenario(("baseline",)),
    "agents": Scenario(
        ("init", "--agents", "--yes"),
        files={
            "AGENTS.md": b"# Mine\n",
            ".claude/settings.json": b'{"model": "x"}\n',
            ".codex/config.toml": b"",
        },
    ),
}
"""Commands that are recorded, and can be undone."""

SCENARIOS: Mapping[str, Scenario] = {
    **_RECORDED,
    "cached-fix": Scenario(("fix",), (("check",),)),
    "watch": Scenario(("watch", "--fix")),
    "baseline-prune": Scenario(("baseline", "--prune"), (("baseline",), ("fix",))),
    "clean": Scenario(("clean",), (("fix",), ("check",))),
    "clean-records": Scenario(
        ("clean", "--records", "--yes"),
        (
            ("fix",),
            ("rename", "long_tide", "b/Flood"),
            UNDO,
            ("rename", "Map", "Chart"),
            ("check",),
        ),
    ),
    "init": Scenario(("init",)),
    "init-ci": Scenario(("init", "--ci", "github", "--package", "vaultlink")),
    "report": Scenario((*_REPORT, "Report.html")),
    "report-again": Scenario((*_REPORT, "Report.html"), ((*_REPORT, "Report.html"), ("fix",))),
    **{
        f"undo-{name}": scenario._replace(line=UNDO, before=(*scenario.before, scenario.line))
        for name, scenario in _RECORDED.items()
    },
    **{
        f"recover-{name}": scenario._replace(line=FIX_NOTHING, killed=scenario.line)
        for name, scenario in _RECORDED.items()
    },
    **{
        f"recover-undo-{name}": scenario._replace(
            line=FIX_NOTHING, before=(*scenario.before, scenario.line), killed=UNDO
        )
        for name, scenario in _RECORDED.items()
        if name.startswith(
            (*("fix-create", "swap", "cycle", "folders", "merge", "extract", "delete", "list"),)
        )
    },
}
"""Commands by name; of `watch`, which does not end, the first fix."""
