"""Tests that public names do not change unannounced: commands and options, rules, settings, JSON keys, the Python API.

tests/public_names.json holds those of the last release. `make refresh` writes them anew when the version has changed. Until
then names may be added freely, and what is removed or changed is listed here.
"""

import ast
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

import vaultlink
from repositories import GIT_ENVIRONMENT
from running import RunCommand, create_vault
from source import ROOT
from vaultlink.cli import exit_codes
from vaultlink.cli.command_table import ALIASES, COMMANDS
from vaultlink.cli.options import OptionField, list_option_fields
from vaultlink.disk.read import load_rules
from vaultlink.rules.registry import build_catalog

FILE = Path(__file__).with_name("public_names.json")
SAMPLE = ROOT / "fixtures" / "podcast-wiki"
MEANT_CHANGES: Mapping[str, str] = {
    "commands › report › --commits, --history": "`check --changed-since`, or a baseline",
    "json › report › trend": "`check --changed-since`, or a baseline",
    "commands › doctor › --against-obsidian": "`obsidian unresolved` and docs/comparison.md",
    "json › doctor › compared": "`obsidian unresolved` and docs/comparison.md",
    "commands › backlinks › --write": "sections write; the former word still works, as those below",
    "commands › backlinks › --check": "sections check",
    "commands › backlinks › --adopt": "sections adopt",
    "commands › backlinks › --remove": "sections remove",
    "commands › backlinks › --diff, --dry-run": "sections write --diff",
    "commands › backlinks › --style": "sections write --style",
    "commands › backlinks › --heading": "sections write --heading",
    "commands › backlinks › --entries": "sections write --entries",
    "commands › backlinks › --order": "sections write --order",
    "commands › backlinks › --group": "nothing; it had no effect",
    "commands › backlinks › --mentions": "mentions --to",
    "commands › fix › --mentions": "fix, then mentions --write",
    "json › backlinks index --mentions": "mentions --to",
    "commands › mentions › --headings": "headings under [mentions] in the settings",
    "commands › mentions › --each-section": "each-section under [mentions] in the settings",
    "commands › init › --pre-commit": "init --ci pre-commit; the former word still works",
    "rules › VL303 deprecated-property › fix": "`fix --unsafe-fixes` where a template or script reads the former name",
}
"""What was removed or changed since the last release, as docs/versions.md allows, and what is used instead.

A name stands for all names below it: `commands › check › --old`, or `commands › check`. A release empties the list.
"""
ADVICE = (
    "These public names changed since the last release. docs/versions.md says which changes a release may have. "
    "If this one is meant, describe it in CHANGELOG.md under “Unreleased”, and add the name to MEANT_CHANGES."
)
Names = Mapping[str, Any]


# -- what is public -------------------------------------------------------------------------------------------------------


def describe_option(field: OptionField) -> str:
    """Return the type and the choices of an option or argument."""
    text = field.type.__name__ + ("…" if field.is_repeatable else "")
    return text + (f" {'|'.join(field.spec.choices)}" if field.spec.choices else "")


def list_commands() -> Names:
    """Return the options and arguments of every command."""
    found: dict[str, Any] = {f"{alias} (alias)": name for alias, name in ALIASES.items()}
    for name, command in COMMANDS.items():
        hints = get_type_hints(command.load())
        [options] = [hint for place, hint in hints.items() if place != "return"]
        found[name] = {
            ", ".join(field.spec.all_names) or field.spec.metavar: describe_option(field)
            for field in list_option_fields(options)
        }
    return found


def list_rules() -> Names:
    """Return the code, name, defaults and safety of every rule."""
    return {
        f"{rule.code} {rule.name}": {
            "default": rule.severity.value if rule.enabled_by_default else "off",
            "fix": "never" if rule.fix_when == "never" else f"{rule.fix_when}, {rule.fix_safety}",
            "options": {
                option.name: msgspec.to_builtins(option.default) for option in rule.options
            },
        }
        for rule in build_catalog(load_rules())
    }


def list_python_names() -> Names:
    """Return the parameters of every public function, and the attributes and methods of every public class."""
    found: dict[str, Any] = {}
    for name in vaultlink.__all__:
        value = getattr(vaultlink, name)
        if inspect.isclass(value):
            members = {key: describe_member(value, key) for key in dir(value) if key[0] != "_"}
            found[name] = dict(members) or "class"
        else:
            found[name] = describe_parameters(value) if callable(value) else type(value).__name__
    return found


def describe_parameters(function: Any) -> str:
    """Return the parameters of a function; their types are those that mypy checks."""
    return str(
        inspect.Signature(
            [
                parameter.replace(annotation=inspect.Parameter.empty)
                for parameter in inspect.signature(function).parameters.values()
            ]
        )
    )


def describe_member(owner: type, name: str) -> str:
    """Return the parameters of a method, or `attribute`."""
    value = inspect.getattr_static(owner, name)
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    return describe_parameters(value) if inspect.isfunction(value) else "attribute"


def list_keys(value: object, path: str = "") -> Iterator[str]:
    """Yield the path of each key; `*` stands for keys that are names of a vault, and `[]` for items."""
    if isinstance(value, dict):
        is_map = any(not re.fullmatch(r"[a-z][a-z_-]*", key) for key in value)
        for key, item in value.items():
            place = f"{path}.{'*' if is_map else key}".lstrip(".")
            yield place
            if key != "examples":  # of rules: vaults of any form
                yield from list_keys(item, place)
    elif isinstance(value, list):
        for item in value:
            yield from list_keys(item, f"{path}[]")


JSON_RUNS = (
    "check",
    "check --statistics",
    "links",
    "topics",
    "backlinks",
    "backlinks index",
    "backlinks --check",
    "related index",
    "related --twins",
    "mentions",
    "history index",
    "orphans",
    "deadends",
    "graph",
    "report",
    "rules",
    "rule VL101",
    "config",
    "doctor",
    "show index",
    "rename index start --diff",
    "extract 'ports_after_automation#What the cranes see' Zz --diff",
    "merge letters_from_listeners index --diff",
    "fix",
    "undo --list",
    "undo --verify",
    "undo",
)
"""Runs in a copy of the sample vault, each with `--json`, one after the other: `fix` writes."""


def list_json_keys(run: RunCommand, vault: Path) -> Names:
    """Return the keys of every command's JSON."""
    found = {}
    for line in JSON_RUNS:
        options = ["--json"] if line.startswith("rule") else ["--json", "--vault", vault]
        done = run(*shlex.split(line), *options)
        assert done.code < 2, f"{line}: {done.err}"
        found[line] = sorted(set(list_keys(done.data)))
    return found


def list_watch_keys(vault: Path) -> list[str]:
    """Return the keys of all lines that the watcher prints until it has fixed a copy of a vault."""
    command = [sys.executable, "-m", "vaultlink", "watch", "--fix", "--output-format", "json-lines"]
    found = set[str]()
    with subprocess.Popen([*command, vault], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            row = json.loads(line)
            found.update(f"{row['event']}.{key}" for key in list_keys(row))
            if row.get("fixed"):
                break
        process.terminate()
    return sorted(found)


def list_settings(run: RunCommand, vault: Path) -> Names:
    """Return every setting with its default."""
    done = run("config", "--isolated", "--vault", vault, "--json")
    data: Any = done.data
    return {
        item["key"]: item["value"]
        for item in data["settings"]
        if item["key"] not in ("vault", "cache-dir")
    }


# -- the comparison -------------------------------------------------------------------------------------------------------


@pytest.fixture
def names(run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Names:
    """Return all public names."""
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    vault = tmp_path / "vault"
    shutil.copytree(SAMPLE, vault)
    watched = Path(shutil.copytree(SAMPLE, tmp_path / "watched"))
    empty = create_vault(tmp_path / "empty", {})
    codes = {name: code for name, code in vars(exit_codes).items() if name.startswith("EXIT_")}
    return {
        "commands": list_commands(),
        "exit codes": codes,
        "json": {**list_json_keys(run, vault), "watch": list_watch_keys(watched)},
        "python": list_python_names(),
        "rules": list_rules(),
        "settings": list_settings(run, empty),
    }


def flatten(value: object, path: str = "") -> dict[str, object]:
    """Return all leaves by their path. Lists are values, but in `json`, where they hold names."""
    if isinstance(value, dict) and value:
        parts = [
            flatten(item, f"{path} › {key}".removeprefix(" › ")) for key, item in value.items()
        ]
        return {place: item for part in parts for place, item in part.items()}
    if isinstance(value, list) and path.startswith("json › "):
        return {f"{path} › {item}": True for item in value}
    return {path: value}


def read_parameters(text: str) -> tuple[list[str], list[str]]:
    """Return the positional and the other parameters of a function, each with its default."""
    [function] = ast.parse(f"def function{text}: ...").body
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults

    def describe(names: list[ast.arg], values: Sequence[ast.expr | None]) -> list[str]:
        return [
            name.arg + (f"={ast.unparse(value)}" if value else "")
            for name, value in zip(names, values, strict=True)
        ]

    return describe(positional, defaults), describe(given.kwonlyargs, given.kw_defaults)


def extends(before: object, after: object) -> bool:
    """Return True if a value only has more: optional parameters of a function, or choices of an option."""
    if not isinstance(before, str) or not isinstance(after, str):
        return before == after
    if before.startswith("(") and after.startswith("("):
        (old, old_named), (new, new_named) = read_parameters(before), read_parameters(after)
        added = [*new[len(old) :], *(item for item in new_named if item not in old_named)]
        is_kept = new[: len(old)] == old and set(old_named) <= set(new_named)
        return is_kept and all("=" in item for item in added)
    (kind, _, choices), (new_kind, _, new_choices) = before.partition(" "), after.partition(" ")
    return kind == new_kind and set(choices.split("|")) <= set(new_choices.split("|"))


def find_changes(old: Names, new: Names) -> dict[str, str]:
    """Return each name that was removed or changed, and how."""
    before, after = flatten(old), flatten(new)
    changes = {
        name: f"{value} -> {after[name]}"
        for name, value in before.items()
        if name in after and not extends(value, after[name])
    }
    gone = [name for name in before if not any(covers(name, other) for other in after)]
    return changes | dict.fromkeys(gone, "removed")


def covers(meant: str, name: str) -> bool:
    """Return True if a meant change is that of a name."""
    return name == meant or name.startswith(f"{meant} › ")


def test_names_of_the_last_release_are_unchanged(names: Names) -> None:
    names = json.loads(json.dumps(names))
    recorded = json.loads(FILE.read_text(encoding="utf-8"))
    if os.environ.get("VAULTLINK_REFRESH") and recorded["version"] != vaultlink.__version__:
        recorded = {**names, "version": vaultlink.__version__}
        text = json.dumps(recorded, indent=1, sort_keys=True, ensure_ascii=False)
        FILE.write_text(text + "\n", "utf-8")
    assert recorded.pop("version") == vaultlink.__version__, "run `make refresh` for a release"
    changes = find_changes(recorded, names)
    unmeant = [
        f"{name}: {change}"
        for name, change in changes.items()
        if not any(covers(meant, name) for meant in MEANT_CHANGES)
    ]
    assert not unmeant, "\n".join([ADVICE, *unmeant])
    past = [meant for meant in MEANT_CHANGES if not any(covers(meant, name) for name in changes)]
    assert not past, "no changes since the last release: remove them from MEANT_CHANGES"
    assert all(MEANT_CHANGES.values())


RELEASED: dict[str, Any] = {
    "commands": {"fix": {"--safe": "bool", "--color": "str auto|never"}, "undo": {}},
    "json": {"check": ["findings", "findings[].line"]},
    "python": {"Note": "class", "fix": "(vault, path=None, *, safe=True)"},
    "rules": {"VL101": {"default": "error", "options": {}}},
    "settings": {"select": ["VL1"], "limit": 5},
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"commands": {"fix": {"--safe": "bool", "--color": "str never|auto|always"}, "undo": {"RUN": "str"}}}, []),
        ({"commands": {"fix": {"--safe": "int", "--color": "str never"}, "undo": {}}}, ["--safe: bool -> int", "--color: str auto|never -> str never"]),
        ({"commands": {"fix": RELEASED["commands"]["fix"]}}, ["undo: removed"]),
        ({"json": {"check": ["findings", "past"], "links": ["path"]}}, ["findings[].line: removed"]),
        ({"python": {"Note": {"path": "attribute"}, "fix": "(vault, path=None, deep=False, *, safe=True, dry=False)"}}, []),
        ({"python": {"Note": "class", "fix": "(vault, path=None, *, safe=True, dry)"}}, ["fix: (vault, path=None, *, safe=True) -> (vault, path=None, *, safe=True, dry)"]),
        ({"python": {"Note": "class", "fix": "(vault, path, *, safe=True)"}}, ["fix: (vault, path=None, *, safe=True) -> (vault, path, *, safe=True)"]),
        ({"python": {"Note": "class", "fix": "(path=None, vault=None, *, safe=True)"}}, ["fix: (vault, path=None, *, safe=True) -> (path=None, vault=None, *, safe=True)"]),
        ({"rules": {"VL101": {"default": "off", "options": {"ignore": []}}, "VL102": {}}}, ["default: error -> off"]),
        ({"settings": {"select": ["VL1", "VL2"], "limit": 5, "jobs": 1}}, ["select: ['VL1'] -> ['VL1', 'VL2']"]),
    ],
)  # fmt: skip
def test_only_removals_and_changes_are_found(change: Names, expected: list[str]) -> None:
    found = find_changes(RELEASED, {**RELEASED, **change})
    assert [f"{name.rpartition(' › ')[2]}: {how}" for name, how in found.items()] == expected


def test_a_meant_change_stands_for_the_names_below_it() -> None:
    assert covers("commands › check", "commands › check › --old")
    assert covers("commands › check", "commands › check")
    assert not covers("commands › check", "commands › checks › --old")
