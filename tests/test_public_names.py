"""Tests that public names do not change unannounced: commands and options, rules, settings, JSON keys, the Python API.

tests/public_names.json holds all of them. `make refresh` writes it anew, after a change that docs/versions.md allows.
"""

import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
ADVICE = (
    "These public names changed. docs/versions.md says which changes a release may have. "
    "If this one is meant, describe it in CHANGELOG.md under “Unreleased”, and run `make refresh`."
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
    "backlinks index --mentions",
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
    """Return all leaves by their path."""
    if isinstance(value, dict) and value:
        parts = [
            flatten(item, f"{path} › {key}".removeprefix(" › ")) for key, item in value.items()
        ]
        return {place: item for part in parts for place, item in part.items()}
    if isinstance(value, list):
        return {f"{path} › {item}": True for item in value}
    return {path: value}


def describe_changes(old: Names, new: Names) -> list[str]:
    """Return one line for each name that was removed, changed or added."""
    before, after = flatten(old), flatten(new)
    lines = [f"removed: {name}" for name in before if name not in after]
    lines += [
        f"changed: {name}: {before[name]} -> {after[name]}"
        for name in before
        if name in after and before[name] != after[name]
    ]
    return lines + [f"added: {name}" for name in after if name not in before]


def test_public_names_are_as_recorded(names: Names) -> None:
    names = json.loads(json.dumps(names))
    if os.environ.get("VAULTLINK_REFRESH"):
        FILE.write_text(
            json.dumps(names, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8"
        )
    changes = describe_changes(json.loads(FILE.read_text(encoding="utf-8")), names)
    assert not changes, "\n".join([ADVICE, *changes])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": {"--x": "bool"}}, {"a": {}}, ["removed: a › --x", "added: a"]),
        ({"a": ["k", "l"]}, {"a": ["k"]}, ["removed: a › l"]),
        (
            {"VL101": {"default": "error"}},
            {"VL101": {"default": "off"}},
            ["changed: VL101 › default: error -> off"],
        ),
        ({"a": {}}, {"a": {}, "b": 1}, ["added: b"]),
        ({"a": {"b": [1]}}, {"a": {"b": [1]}}, []),
    ],
)
def test_changes_are_described(old: Names, new: Names, expected: list[str]) -> None:
    assert describe_changes(old, new) == expected
