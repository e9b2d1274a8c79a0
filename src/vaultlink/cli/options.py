"""The options of all commands: one frozen class for each group, and how each field is written on the command line.

Declarations only. They name no parser, so that a plain command line can be read without importing one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from vaultlink.errors import UsageError


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """How a field is written: an option's names, or none for words without a name; `choices` are all it may be."""

    help: str
    names: tuple[str, ...] = ()
    metavar: str = ""
    choices: tuple[str, ...] = ()


def option(
    *names: str,
    help: str,  # noqa: A002
    metavar: str = "",
    choices: tuple[str, ...] = (),
) -> ParameterSpec:
    """A field written as an option."""
    return ParameterSpec(help, names, metavar or "|".join(choices), choices)


def argument(metavar: str, help: str) -> ParameterSpec:  # noqa: A002
    """A field written as words without a name."""
    return ParameterSpec(help, (), metavar)


@dataclass(frozen=True, kw_only=True)
class PrintOptions:
    """Where and how results are printed."""

    output_format: Annotated[
        str,
        option(
            "--output-format",
            metavar="FORM",
            help="How results are printed; see above. (VAULTLINK_OUTPUT_FORMAT)",
        ),
    ] = ""
    output_file: Annotated[
        Path | None,
        option("--output-file", metavar="FILE", help="Print results into a file instead."),
    ] = None
    color: Annotated[
        str,
        option(
            "--color",
            choices=("auto", "always", "never"),
            help="When to use colour. (NO_COLOR, FORCE_COLOR)",
        ),
    ] = "auto"
    quiet: Annotated[
        bool, option("-q", "--quiet", help="Print results only, nothing beside them.")
    ] = False
    verbose: Annotated[bool, option("-v", "--verbose", help="Say more about what is done.")] = False


@dataclass(frozen=True, kw_only=True)
class VaultOptions(PrintOptions):
    """Where the vault is."""

    vault: Annotated[
        Path | None,
        option(
            "--vault",
            metavar="DIR",
            help="The vault. Without it: found upward, by settings or .obsidian.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class OpenOptions(VaultOptions):
    """With which settings the vault is opened."""

    config: Annotated[
        Path | None,
        option("--config", metavar="FILE", help="Settings from this file only. (VAULTLINK_CONFIG)"),
    ] = None
    isolated: Annotated[bool, option("--isolated", help="Read no settings file.")] = False
    no_cache: Annotated[
        bool, option("--no-cache", help="Neither use nor keep what earlier runs read.")
    ] = False
    cache_dir: Annotated[
        Path | None,
        option(
            "--cache-dir", metavar="DIR", help="Where to keep what was read. (VAULTLINK_CACHE_DIR)"
        ),
    ] = None
    jobs: Annotated[
        int | None, option("--jobs", metavar="N", help="How many processes may read notes.")
    ] = None


@dataclass(frozen=True, kw_only=True)
class RuleSelectionOptions(OpenOptions):
    """Which rules run. Rules are given by code, beginning of a code, or name, with commas between them."""

    select: Annotated[
        tuple[str, ...],
        option("--select", metavar="RULES", help="Only these rules, such as VL1,orphan-note."),
    ] = ()
    ignore: Annotated[
        tuple[str, ...], option("--ignore", metavar="RULES", help="Not these rules.")
    ] = ()
    extend_select: Annotated[
        tuple[str, ...], option("--extend-select", metavar="RULES", help="These rules too.")
    ] = ()
    fixable: Annotated[
        tuple[str, ...],
        option("--fixable", metavar="RULES", help="Repair findings of these rules only."),
    ] = ()
    unfixable: Annotated[
        tuple[str, ...],
        option("--unfixable", metavar="RULES", help="Never repair findings of these rules."),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class ReportOptions(RuleSelectionOptions):
    """What is reported, and what the exit code says of it."""

    paths: Annotated[
        tuple[Path, ...],
        argument("PATHS", "Files and folders; only what is found in them is reported, and fixed."),
    ] = ()
    statistics: Annotated[
        bool, option("--statistics", help="Count findings by rule instead of listing them.")
    ] = False
    fail_on: Annotated[
        str,
        option(
            "--fail-on",
            choices=("error", "warning", "info", "never"),
            help="The mildest finding that ends with 1.",
        ),
    ] = "warning"
    exit_zero: Annotated[
        bool, option("--exit-zero", help="End with 0 even if there are findings.")
    ] = False
    changed_since: Annotated[
        str | None,
        option(
            "--changed-since",
            metavar="REV",
            help="Only findings that the changes since this git revision brought about.",
        ),
    ] = None
    stdin_filename: Annotated[
        Path | None,
        option(
            "--stdin-filename",
            metavar="NOTE",
            help="Take the text on standard input (-) as if it stood in this note.",
        ),
    ] = None
    no_baseline: Annotated[
        bool, option("--no-baseline", help="Report what the baseline knows as well.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class FixSelectionOptions(ReportOptions):
    """Which fixes are made, and whether they are written."""

    diff: Annotated[
        bool,
        option(
            "--diff",
            "--dry-run",
            help="Print what would be written as a unified diff, and write nothing.",
        ),
    ] = False
    unsafe_fixes: Annotated[
        bool,
        option(
            "--unsafe-fixes",
            help="Make unsafe fixes too: those that guess, such as the nearest name.",
        ),
    ] = False
    unlink: Annotated[
        bool,
        option(
            "--unlink", help="With --unsafe-fixes: take dangling links out and keep their argument."
        ),
    ] = False
    create: Annotated[
        Path | None,
        option(
            "--create",
            metavar="FOLDER",
            help="With --unsafe-fixes: make notes for dangling topics in this folder.",
        ),
    ] = None
    template: Annotated[
        Path | None,
        option(
            "--template",
            metavar="FILE",
            help="The text of notes that --create makes; {{title}} stands for the topic.",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class FolderOptions(OpenOptions):
    """Commands about the vault as a whole."""

    folder: Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")] = None


@dataclass(frozen=True, kw_only=True)
class NotesOptions(OpenOptions):
    """Commands about notes; none named means all."""

    notes: Annotated[
        tuple[str, ...], argument("NOTE", "Paths in the vault, or names as a link would give them.")
    ] = ()


RawValues = Mapping[str, bool | str | list[str]]


@dataclass(frozen=True, slots=True)
class OptionField:
    """A field of an option class: its word, the type of one value, and whether there may be several."""

    name: str
    spec: ParameterSpec
    type: type
    is_repeatable: bool

    def convert(self, raw: bool | str | list[str]) -> Any:
        """What was written, as a value of the field's type."""
        if isinstance(raw, list):
            parts = (
                [part.strip() for text in raw for part in text.split(",")]
                if self.spec.names
                else raw
            )
            return tuple(self._convert_one(part) for part in parts if part or not self.spec.names)
        return raw if isinstance(raw, bool) else self._convert_one(raw)

    def _convert_one(self, text: str) -> Any:
        """One written value."""
        if self.spec.choices and text not in self.spec.choices:
            raise UsageError(
                f'{self.spec.names[-1]}: "{text}" is none of {", ".join(self.spec.choices)}.'
            )
        if self.type is int:
            if not text.isdecimal() or int(text) < 1:
                raise UsageError(
                    f'{self.spec.names[-1]}: must be a whole number from 1 on, not "{text}".'
                )
            return int(text)
        if self.type is float:
            return self._convert_number(text)
        return Path(text) if self.type is Path else text

    def _convert_number(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise UsageError(f'{self.spec.names[-1]}: must be a number above 0, not "{text}".')
        return number


def list_option_fields(options: type) -> list[OptionField]:
    """The fields of an option class, its own first, then those of the classes it extends."""
    hints = get_type_hints(options, include_extras=True)
    names = [name for base in options.__mro__ for name in vars(base).get("__annotations__", {})]
    return [_make_field(name, hints[name]) for name in names]


def _make_field(name: str, hint: Any) -> OptionField:
    if get_origin(hint) is not Annotated:
        raise TypeError(f"{name}: says not how it is written")
    kind, word = get_args(hint)
    many = get_origin(kind) is tuple
    if many or get_origin(kind) is UnionType:
        kind = get_args(kind)[0]
    return OptionField(name, word, kind, many)
