"""Read and write the baseline file.

A check with a baseline reports only new findings. The file has one finding a line, sorted, so that
git diffs show what changed and merges of two branches work. It also stores the settings that
findings depend on: a baseline created with other settings can't be compared.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.baseline.match import FindingKey, KnownFindings, follow_moves
from vaultlink.config.settings import Config
from vaultlink.disk.scan import BASELINE_FILE
from vaultlink.engine.checks import LinterSettings
from vaultlink.errors import ConfigError
from vaultlink.files import UnusualFileError, read_within
from vaultlink.history.git_renames import git_history
from vaultlink.report.layout import format_count

_SCHEMA = 1

MAX_BASELINE_BYTES = 256_000_000
"""Bytes of the largest baseline file that is read, about a million findings."""

_RECREATE_HINT = (
    "Run `vaultlink baseline` to create it again, or check with `--no-baseline` to ignore it."
)


class _BaselineRow(msgspec.Struct, frozen=True):
    path: str
    code: str
    about: str
    line: str


class _BaselineFile(msgspec.Struct, frozen=True):
    schema: int
    version: str
    settings: dict[str, Any]
    findings: tuple[_BaselineRow, ...]


class Baseline(msgspec.Struct, frozen=True):
    """Recorded findings.

    `version` is the version of vaultlink that recorded them, `settings` the settings they depend
    on, `findings` their keys by path.
    """

    version: str
    settings: Mapping[str, Any]
    findings: Mapping[str, Sequence[FindingKey]]


def record_baseline(
    settings: LinterSettings, findings: Mapping[str, Sequence[FindingKey]]
) -> Baseline:
    """Return a baseline of findings made with these settings."""
    return Baseline(__version__, snapshot_settings(settings), findings)


def snapshot_settings(settings: LinterSettings) -> dict[str, Any]:
    """Return the settings that findings depend on, by dotted key.

    Severities are left out: they do not change what is found.
    """
    config = settings.config
    values = {key: value for key, value in config.values.items() if _affects_findings(key, config)}
    snapshot = {
        "rules": sorted(config.enabled),
        **values,
        "Obsidian's excluded files": settings.obsidian.ignore_filters,
    }
    return json.loads(json.dumps(snapshot))  # type: ignore[no-any-return] # tuples become lists, as in the file


def _affects_findings(key: str, config: Config) -> bool:
    table, _, rest = key.partition(".")
    if table == "rules":
        return rest.partition(".")[0] in config.enabled
    return table in ("exclude", "allow-dangling", "quiet", "per-file-ignores", "backlinks")


# -- file format ---------------------------------------------------------------------------------


def format_baseline(baseline: Baseline) -> str:
    """Return the text of the file. Equal findings give equal bytes."""
    rows = sorted((path, *key) for path, found in baseline.findings.items() for key in found)
    header = {"schema": _SCHEMA, "version": baseline.version, "settings": baseline.settings}
    lines = [
        _format_row(dict(zip(_BaselineRow.__struct_fields__, row, strict=True))) for row in rows
    ]
    body = "\n" + ",\n".join(lines) + "\n " if lines else ""
    return json.dumps(header, indent=1, ensure_ascii=False)[:-2] + f',\n "findings": [{body}]\n}}\n'


def _format_row(value: object) -> str:
    return "  " + json.dumps(value, ensure_ascii=False)


def read_baseline_file(root: Path) -> bytes | None:
    """Return the bytes of the baseline file, or None if it does not exist.

    Raises:
        ConfigError: The file can't be read.
    """
    try:
        return read_within(root / BASELINE_FILE, root, MAX_BASELINE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{root / BASELINE_FILE}: {error.strerror}. {_RECREATE_HINT}"
            if isinstance(error, UnusualFileError)
            else f"{root / BASELINE_FILE}: {error.strerror}."
        ) from None


def parse_baseline(root: Path, data: bytes) -> Baseline:
    """Parse the bytes of a baseline file.

    Raises:
        ConfigError: The bytes are not a baseline, or one of a format that is not supported. The
            message of a syntax error has the line number.
    """
    file_path = root / BASELINE_FILE
    try:
        json.loads(data)  # its errors have a line number
        file = msgspec.json.decode(data, type=_BaselineFile)
    except json.JSONDecodeError as error:
        conflict_hint = " It contains merge conflicts." if b"\n<<<<<<<" in data else ""
        raise ConfigError(
            f"{file_path}:{error.lineno}: not valid JSON: {error.msg}.{conflict_hint} "
            f"{_RECREATE_HINT}"
        ) from None
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file_path}: not a baseline file: {error}. {_RECREATE_HINT}") from None
    if file.schema != _SCHEMA:
        raise ConfigError(
            f"{file_path}: vaultlink {file.version} created it in a format that this version "
            f"can't read. {_RECREATE_HINT}"
        )
    findings: dict[str, list[FindingKey]] = {}
    for row in file.findings:
        findings.setdefault(row.path, []).append(FindingKey(row.code, row.about, row.line))
    return Baseline(file.version, file.settings, findings)


# -- comparison with a vault ---------------------------------------------------------------------


def require_same_settings(root: Path, baseline: Baseline, settings: LinterSettings) -> Baseline:
    """Return the baseline if it was created with these settings.

    Raises:
        ConfigError: The settings differ. The message lists the first three differences.
    """
    differences = list(_describe_differences(baseline.settings, snapshot_settings(settings)))
    if not differences:
        return baseline
    rest = f"; and {len(differences) - 3} more" if len(differences) > 3 else ""
    version = f" by vaultlink {baseline.version}" if baseline.version != __version__ else ""
    raise ConfigError(
        f"{root / BASELINE_FILE}: the baseline was created with other settings{version}: "
        f"{'; '.join(differences[:3])}{rest}. {_RECREATE_HINT}"
    )


_NOT_COMPARED = {"rules", "backlinks.order", "backlinks.group"}
"""Recorded settings that are compared otherwise, or on which findings do not depend."""


def _describe_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old_rules, new_rules = set(before.get("rules", ())), set(now["rules"])
    if new_rules - old_rules:
        yield f"now with {_format_rules(new_rules - old_rules)}"
    if old_rules - new_rules:
        yield f"now without {_format_rules(old_rules - new_rules)}"
    for key in sorted((before.keys() | now.keys()) - _NOT_COMPARED):
        if (
            before.get(key) != now.get(key)
            and key.removeprefix("rules.").partition(".")[0] not in old_rules ^ new_rules
        ):
            yield f"{key} was {_format_value(before.get(key))} and is {_format_value(now.get(key))}"


def _format_rules(rules: set[str]) -> str:
    first, more = sorted(rules)[:3], len(rules) - 3
    return ", ".join(first) + (f" and {format_count(more, 'other rule')}" if more > 0 else "")


def _format_value(value: object) -> str:
    text = "not set" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def findings_in_baseline(vault: Vault, data: bytes) -> KnownFindings:
    """Return the known findings that a baseline file's bytes contain.

    Findings of notes that were renamed since belong to the renamed notes.

    Raises:
        ConfigError: The bytes are not a baseline, or it was created with other settings.
    """
    findings = require_same_settings(
        vault.root, parse_baseline(vault.root, data), vault.state.settings
    ).findings
    files, moves = vault.scan.listing.files, vault.state.settings.history.moves
    if any(path not in files for path in findings):
        moves = {**git_history(vault.root, files, vault.index.notes, any_alike=True).moves, **moves}
    old_paths_by_new = follow_moves(findings, moves)
    return KnownFindings(
        "baseline",
        BASELINE_FILE,
        frozenset(old_paths_by_new),
        lambda path: [key for old_path in old_paths_by_new[path] for key in findings[old_path]],
    )
