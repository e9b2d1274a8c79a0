"""The baseline: findings of a day, kept in a file of the vault so that later checks report only what is new.

One finding a line, sorted, so that git shows what changed and merges what two people changed. The settings that findings depend
on stand beside them: under others, the comparison would say nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.baseline.known import BASELINE_FILE, FindingKey, KnownFindings, follow_moves
from vaultlink.config.settings import Config
from vaultlink.engine.checks import LinterSettings
from vaultlink.errors import ConfigError
from vaultlink.history.git_renames import git_moves
from vaultlink.report.layout import format_count

_SCHEMA = 1
_RECREATE_HINT = "`vaultlink baseline` makes it anew, `--no-baseline` checks without it."


class _BaselineRow(msgspec.Struct, frozen=True):
    """A finding as the file has it."""

    path: str
    code: str
    about: str
    line: str


class _BaselineFile(msgspec.Struct, frozen=True):
    """The file as a whole."""

    schema: int
    version: str
    settings: dict[str, Any]
    findings: tuple[_BaselineRow, ...]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A recorded day: the version of vaultlink, the settings that findings depend on, and by path what was found."""

    version: str
    settings: Mapping[str, Any]
    findings: Mapping[str, Sequence[FindingKey]]


def record_baseline(
    settings: LinterSettings, findings: Mapping[str, Sequence[FindingKey]]
) -> Baseline:
    """The baseline of findings made under a setting."""
    return Baseline(__version__, snapshot_settings(settings), findings)


def snapshot_settings(settings: LinterSettings) -> dict[str, Any]:
    """The settings that findings depend on, by dotted key. How severe a finding is makes it no other one."""
    config = settings.config
    asked = {key: value for key, value in config.values.items() if _affects_findings(key, config)}
    told = {
        "rules": sorted(config.enabled),
        **asked,
        "Obsidian's excluded files": settings.obsidian.ignore_filters,
    }
    return json.loads(json.dumps(told))  # type: ignore[no-any-return] # as they come back from the file: lists, no tuples


def _affects_findings(key: str, config: Config) -> bool:
    table, _, rest = key.partition(".")
    if table == "rules":
        return rest.partition(".")[0] in config.enabled
    return table in ("exclude", "allow-dangling", "per-file-ignores", "backlinks")


# -- from and to the file -----------------------------------------------------------------------------------------------


def format_baseline(baseline: Baseline) -> str:
    """The file's text. Equal findings give equal bytes."""
    rows = sorted((path, *mark) for path, found in baseline.findings.items() for mark in found)
    head = {"schema": _SCHEMA, "version": baseline.version, "settings": baseline.settings}
    lines = [
        _format_row(dict(zip(_BaselineRow.__struct_fields__, row, strict=True))) for row in rows
    ]
    listed = "\n" + ",\n".join(lines) + "\n " if lines else ""
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "findings": [{listed}]\n}}\n'


def _format_row(value: object) -> str:
    return "  " + json.dumps(value, ensure_ascii=False)


def read_baseline_file(root: Path) -> bytes | None:
    """What the file holds; None if there is none. Raises ConfigError if it can't be read."""
    try:
        return (root / BASELINE_FILE).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{root / BASELINE_FILE}: {error.strerror}.") from None


def parse_baseline(root: Path, data: bytes) -> Baseline:
    """The baseline that a file's bytes hold. Raises ConfigError, with the line, if they hold none."""
    where = root / BASELINE_FILE
    try:
        json.loads(data)  # which knows the line of what is wrong
        file = msgspec.json.decode(data, type=_BaselineFile)
    except json.JSONDecodeError as error:
        merged = " It has conflicts of a merge." if b"\n<<<<<<<" in data else ""
        raise ConfigError(
            f"{where}:{error.lineno}: this is no valid JSON: {error.msg}.{merged} {_RECREATE_HINT}"
        ) from None
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: this is no baseline: {error}. {_RECREATE_HINT}") from None
    if file.schema != _SCHEMA:
        raise ConfigError(
            f"{where}: it was made by vaultlink {file.version}, whose baselines this version can't read. {_RECREATE_HINT}"
        )
    findings: dict[str, list[FindingKey]] = {}
    for row in file.findings:
        findings.setdefault(row.path, []).append(FindingKey(row.code, row.about, row.line))
    return Baseline(file.version, file.settings, findings)


# -- holding a vault to it ----------------------------------------------------------------------------------------------


def require_same_settings(root: Path, baseline: Baseline, settings: LinterSettings) -> Baseline:
    """The baseline, if it was made under this setting. Raises ConfigError that says in what they differ."""
    differences = list(_describe_differences(baseline.settings, snapshot_settings(settings)))
    if not differences:
        return baseline
    more = f"; and {len(differences) - 3} more" if len(differences) > 3 else ""
    version = f" by vaultlink {baseline.version}" if baseline.version != __version__ else ""
    raise ConfigError(
        f"{root / BASELINE_FILE}: the baseline was made under other settings{version}: "
        f"{'; '.join(differences[:3])}{more}. {_RECREATE_HINT}"
    )


def _describe_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    was, enabled = set(before.get("rules", ())), set(now["rules"])
    if enabled - was:
        yield f"now with {_format_rules(enabled - was)}"
    if was - enabled:
        yield f"now without {_format_rules(was - enabled)}"
    for key in sorted((before.keys() | now.keys()) - {"rules"}):
        if (
            before.get(key) != now.get(key)
            and key.removeprefix("rules.").partition(".")[0] not in was ^ enabled
        ):
            yield f"{key} was {_format_value(before.get(key))} and is {_format_value(now.get(key))}"


def _format_rules(rules: set[str]) -> str:
    first, more = sorted(rules)[:3], len(rules) - 3
    return ", ".join(first) + (f" and {format_count(more, 'other rule')}" if more > 0 else "")


def _format_value(value: object) -> str:
    text = "not set" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def findings_in_baseline(vault: Vault, data: bytes) -> KnownFindings:
    """The findings that a baseline's bytes know of a vault; those of a note that was renamed since go with it. Raises ConfigError
    if they are no baseline, or one made under other settings."""
    found = require_same_settings(
        vault.root, parse_baseline(vault.root, data), vault.state.settings
    ).findings
    files, moves = vault.scan.listing.files, vault.state.settings.moves
    if any(path not in files for path in found):
        moves = {**git_moves(vault.root, files, any_alike=True), **moves}
    now = follow_moves(found, moves)
    return KnownFindings(
        "baseline",
        BASELINE_FILE,
        frozenset(now),
        lambda path: [mark for old in now[path] for mark in found[old]],
    )
