"""Read and write the baseline file.

A check with a baseline reports only new findings. The file has one finding a line, sorted, so that
git diffs show what changed and merges of two branches work. It also stores the settings that
findings depend on: a baseline created with other settings can't be compared. The selection of rules
may differ: it filters known findings as it filters findings.
"""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import msgspec

from vaultlink import __version__
from vaultlink.api import Vault
from vaultlink.baseline.match import FindingKey, KnownFindings, follow_moves, relate_rules
from vaultlink.config.settings import DEFAULT_SOURCE, Config
from vaultlink.disk.scan import BASELINE_FILE
from vaultlink.engine.checks import LinterSettings
from vaultlink.errors import ConfigError
from vaultlink.files import UnusualFileError, read_within
from vaultlink.history.git_renames import git_history
from vaultlink.text import curl_quotes, group_by, quote_name

_SCHEMA = 1

_MAX_BASELINE_BYTES = 256_000_000
"""Bytes of the largest baseline file that is read, about a million findings."""

_RECREATE_HINT = (
    "Run `vaultlink baseline` to create it again, or check with `--no-baseline` to ignore it."
)


class BaselineRow(msgspec.Struct, frozen=True):
    """A known finding, as a line of the file.

    Attributes:
        path: Vault path of the note.
        code: Rule code, such as `VL101`.
        about: The subject, such as the target of a link.
        line: A digest of the line that the finding starts on.
    """

    path: str
    code: str
    about: str
    line: str


class _BaselineFile(msgspec.Struct, frozen=True):
    schema: int
    version: str
    settings: dict[str, Any]
    findings: tuple[BaselineRow, ...]


class Baseline(msgspec.Struct, frozen=True):
    """Recorded findings.

    `version` is the version of vaultlink that recorded them, `settings` the settings they depend
    on, `findings` their keys by path.
    """

    version: str
    settings: Mapping[str, Any]
    findings: Mapping[str, Sequence[FindingKey]]

    @property
    def rules(self) -> frozenset[str]:
        """The names of the rules that ran. Some of them may no longer exist."""
        names = self.settings.get("rules")
        items = names if isinstance(names, list) else []
        return frozenset(item for item in items if isinstance(item, str))


def record_baseline(
    settings: LinterSettings, findings: Mapping[str, Sequence[FindingKey]]
) -> Baseline:
    """Return a baseline of findings made with these settings."""
    return Baseline(__version__, _snapshot_settings(settings), findings)


def update_baseline(
    before: Baseline,
    settings: LinterSettings,
    findings: Mapping[str, Sequence[FindingKey]],
    *,
    adds: bool,
) -> Baseline:
    """Return a baseline with other findings, and the settings that they depend on.

    Some may be of rules that do not run now; with `adds`, those of all that do are among them.
    """
    rules = before.rules & settings.rules_by_name.keys()
    enabled = settings.config.enabled
    snapshot = _snapshot_settings(settings, rules | enabled if adds else rules)
    for key, value in before.settings.items():
        table, _, rest = key.partition(".")
        if table == "rules" and key in snapshot and rest.partition(".")[0] in rules - enabled:
            snapshot[key] = value
    return Baseline(__version__, snapshot, findings)


def _snapshot_settings(settings: LinterSettings, rules: Set[str] | None = None) -> dict[str, Any]:
    """Return the settings that the findings of rules depend on, by dotted key.

    Without `rules`, these are the rules that are enabled. Severities are left out: they do not
    change what is found.
    """
    config = settings.config
    rules = config.enabled if rules is None else rules
    values = {key: value for key, value in config.values.items() if _affects_findings(key, rules)}
    snapshot = {
        "rules": sorted(rules),
        **values,
        "Obsidian's excluded files": settings.obsidian.ignore_filters,
    }
    return json.loads(json.dumps(snapshot))  # type: ignore[no-any-return] # tuples become lists, as in the file


def _affects_findings(key: str, rules: Set[str]) -> bool:
    table, _, rest = key.partition(".")
    if table == "rules":
        return rest.partition(".")[0] in rules
    return table in ("exclude", "allow-dangling", "quiet", "per-file-ignores", "backlinks")


# -- file format ---------------------------------------------------------------------------------


def format_baseline(baseline: Baseline) -> str:
    """Return the text of the file. Equal findings give equal bytes."""
    rows = sorted((path, *key) for path, found in baseline.findings.items() for key in found)
    header = {"schema": _SCHEMA, "version": baseline.version, "settings": baseline.settings}
    lines = [
        "  "
        + json.dumps(dict(zip(BaselineRow.__struct_fields__, row, strict=True)), ensure_ascii=False)
        for row in rows
    ]
    body = "\n" + ",\n".join(lines) + "\n " if lines else ""
    return json.dumps(header, indent=1, ensure_ascii=False)[:-2] + f',\n "findings": [{body}]\n}}\n'


def read_baseline_file(root: Path) -> bytes | None:
    """Return the bytes of the baseline file; None without one. Raises ConfigError."""
    try:
        return read_within(root / BASELINE_FILE, root, _MAX_BASELINE_BYTES)
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

    Raises ConfigError if they are not a baseline, or one of a format that is not supported. The
    message of a syntax error has the line number.
    """
    file_path = root / BASELINE_FILE
    try:
        json.loads(data)  # its errors have a line number
        file = msgspec.json.decode(data, type=_BaselineFile)
    except json.JSONDecodeError as error:
        conflict_hint = " It contains merge conflicts." if b"\n<<<<<<<" in data else ""
        raise ConfigError(
            f"{file_path}:{error.lineno}: not valid JSON: {curl_quotes(error.msg)}.{conflict_hint} "
            f"{_RECREATE_HINT}"
        ) from None
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file_path}: not a baseline file: {error}. {_RECREATE_HINT}") from None
    if file.schema != _SCHEMA:
        raise ConfigError(
            f"{file_path}: vaultlink {file.version} created it in a format that this version "
            f"can't read. {_RECREATE_HINT}"
        )
    findings = {
        path: [FindingKey(row.code, row.about, row.line) for row in rows]
        for path, rows in group_by(file.findings, lambda row: row.path).items()
    }
    return Baseline(file.version, file.settings, findings)


# -- comparison with a vault ---------------------------------------------------------------------


def _require_same_settings(root: Path, baseline: Baseline, settings: LinterSettings) -> Baseline:
    """Return the baseline if it was created with these settings, whatever the rules.

    Raises ConfigError, which lists the first three differences.
    """
    differences = list(_describe_differences(baseline, settings))
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


def _describe_differences(baseline: Baseline, settings: LinterSettings) -> Iterator[str]:
    before, now = baseline.settings, _snapshot_settings(settings)
    for key in sorted((before.keys() | now.keys()) - _NOT_COMPARED):
        if before.get(key) != now.get(key) and _is_comparable(key, baseline, settings.config):
            yield f"{key} was {_format_value(before.get(key))} and is {_format_value(now.get(key))}"


def _is_comparable(key: str, baseline: Baseline, config: Config) -> bool:
    """Return False for differences that no settings file made.

    A selection of rules or another version made them. That is an option of a rule that did not run
    or does not run, one that no longer exists, and the default value of a new option, or of `quiet`
    if it has new kinds.
    """
    table, _, rest = key.partition(".")
    if table == "rules" and rest.partition(".")[0] not in baseline.rules & config.enabled:
        return False
    if table in ("rules", "backlinks") and key not in config.values:
        return False
    if config.sources.get(key) != DEFAULT_SOURCE:
        return True
    old = baseline.settings.get(key)
    return key in baseline.settings and not (
        key == "quiet" and isinstance(old, list) and set(config.quiet).issuperset(map(str, old))
    )


def _format_value(value: object) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    if isinstance(value, str):
        return quote_name(shown)
    return f"`{shown}`" if isinstance(value, (list, dict)) else shown


def findings_in_baseline(vault: Vault, data: bytes) -> KnownFindings:
    """Return the known findings that a baseline file's bytes contain.

    Findings of notes that were renamed since belong to the renamed notes. Raises ConfigError if the
    bytes are not a baseline, or it was created with other settings.
    """
    settings = vault.state.settings
    baseline = _require_same_settings(vault.root, parse_baseline(vault.root, data), settings)
    findings, files, moves = baseline.findings, vault.scan.listing.files, settings.history.moves
    if any(path not in files for path in findings):
        moves = {**git_history(vault.root, files, vault.index.notes, any_alike=True).moves, **moves}
    old_paths_by_new = follow_moves(findings, moves)
    return KnownFindings(
        "baseline",
        BASELINE_FILE,
        frozenset(old_paths_by_new),
        lambda path: [key for old_path in old_paths_by_new[path] for key in findings[old_path]],
        rules=relate_rules(settings.rules, baseline.rules, settings.config.enabled),
    )
