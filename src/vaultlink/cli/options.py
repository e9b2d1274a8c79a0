"""Options of all commands: one frozen class for each group.

Each field is annotated with its form on the command line. Nothing here imports a parser, so that a
plain command line can be parsed without one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec.structs import replace

from vaultlink.errors import UsageError
from vaultlink.files import describe_long_name
from vaultlink.text import quote_name


class _ParameterSpec(msgspec.Struct, frozen=True):
    """Form of a field on the command line.

    `names` are the names of an option, empty for an argument. `choices` are all valid values, empty
    if any value is valid. `requires` are the names of the options without one of which this one has
    no effect and is a usage error. `highest` is the highest number of an option whose lowest is 0;
    other numbers must be above 0. `hidden_names` are former names that still work; `is_hidden` is
    True if all are. Neither is in help and completions. `is_required` is True for an argument that
    the help shows without brackets; the command says what is missing.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str = ""
    choices: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    highest: float | None = None
    hidden_names: tuple[str, ...] = ()
    is_hidden: bool = False
    is_required: bool = False
    is_option: bool = False

    @property
    def all_names(self) -> tuple[str, ...]:
        """The names of an option, former ones included."""
        return self.names + self.hidden_names


def option(
    help: str,  # noqa: A002
    *names: str,
    metavar: str = "",
    choices: tuple[str, ...] = (),
    requires: tuple[str, ...] = (),
    highest: float | None = None,
    hidden_names: tuple[str, ...] = (),
) -> _ParameterSpec:
    """Return an option. Its long name is that of its field, unless `names` has one."""
    shown = metavar or "|".join(choices)
    return _ParameterSpec(
        help, names, shown, choices, requires, highest, hidden_names, is_option=True
    )


def argument(
    metavar: str,
    help: str,  # noqa: A002
    choices: tuple[str, ...] = (),
    *,
    is_required: bool = False,
) -> _ParameterSpec:
    return _ParameterSpec(help, (), metavar, choices, is_required=is_required)


DiffOption = Annotated[
    bool, option("Print a unified diff of the changes; write nothing.", "--diff", "--dry-run")
]
"""The option of a writing command that writes nothing."""

FolderArgument = Annotated[Path | None, argument("VAULT", "The vault, or a folder in it.")]
"""The vault of a command on all of it."""

VaultArgument = Annotated[
    Path | None, argument("VAULT", "The vault; by default that of the current folder.")
]
"""The vault of a command that starts or watches one."""

PathsArgument = Annotated[
    tuple[Path, ...], argument("PATHS", "Files and folders; only what is in them is listed.")
]
"""The part of the vault that a listing is about. The whole vault is read."""

NoteArgument = Annotated[
    str | None, argument("NOTE", "A path in the vault, or a name as in a link.")
]
"""The note of a command on one."""

LimitOption = Annotated[int | None, option("List at most N rows.", metavar="N")]
"""The option of a listing for its first rows only."""

AfterOption = Annotated[
    str,
    option("List the rows behind this place: the `next` of the page before it.", metavar="CURSOR"),
]
"""The option of a listing for its next rows."""


class PrintOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Output: options on its form and place."""

    output_format: Annotated[
        str, option("Output format; see above. (VAULTLINK_OUTPUT_FORMAT)", metavar="FORMAT")
    ] = ""
    json_output: Annotated[bool, option("The same as --output-format json.", "--json")] = False
    output_file: Annotated[
        Path | None, option("Write results to a file instead of stdout.", metavar="FILE")
    ] = None
    color: Annotated[
        str,
        option("When to use color. (NO_COLOR, FORCE_COLOR)", choices=("auto", "always", "never")),
    ] = "auto"
    quiet: Annotated[bool, option("Print results only, without summary and progress.", "-q")] = (
        False
    )
    verbose: Annotated[bool, option("Print more details.", "-v")] = False


class VaultOptions(PrintOptions, frozen=True, kw_only=True):
    """Vault: the option that names it."""

    vault: Annotated[
        Path | None,
        option(
            "The vault. Default: from the paths upward, the first with .obsidian or settings.",
            metavar="DIR",
        ),
    ] = None


class OpenOptions(VaultOptions, frozen=True, kw_only=True):
    """Vault: options on opening it."""

    config: Annotated[
        Path | None, option("Read settings from this file only. (VAULTLINK_CONFIG)", metavar="FILE")
    ] = None
    isolated: Annotated[bool, option("Ignore all settings files.")] = False
    no_cache: Annotated[bool, option("Neither read nor write the cache.")] = False
    cache_dir: Annotated[
        Path | None, option("Folder of the cache. (VAULTLINK_CACHE_DIR)", metavar="DIR")
    ] = None
    no_history: Annotated[bool, option("Look up nothing in git's history or in earlier runs.")] = (
        False
    )
    jobs: Annotated[
        int | None, option("Maximum number of processes that read notes.", metavar="N")
    ] = None


class RuleSelectionOptions(OpenOptions, frozen=True, kw_only=True):
    """Rules: options that name them, separated by commas.

    A rule is named by its code, the start of a code, or its name.
    """

    select: Annotated[
        tuple[str, ...],
        option(
            "Run only these rules, such as VL1,orphan-note. One that was split from another "
            "runs with that, unless it is named, too.",
            metavar="RULES",
        ),
    ] = ()
    ignore: Annotated[tuple[str, ...], option("Do not run these rules.", metavar="RULES")] = ()
    extend_select: Annotated[
        tuple[str, ...], option("Run these rules as well.", metavar="RULES")
    ] = ()
    preview: Annotated[bool, option("Run new rules too that are still in preview.")] = False
    no_preview: Annotated[bool, option("Do not run rules that are in preview.")] = False
    fixable: Annotated[
        tuple[str, ...], option("Fix findings of these rules only.", metavar="RULES")
    ] = ()
    unfixable: Annotated[
        tuple[str, ...], option("Do not fix findings of these rules.", metavar="RULES")
    ] = ()


class ReportOptions(RuleSelectionOptions, frozen=True, kw_only=True):
    """Findings: options on those that are reported, and on the exit code."""

    paths: Annotated[
        tuple[Path, ...],
        argument("PATHS", "Files and folders; only findings in them are reported and fixed."),
    ] = ()
    statistics: Annotated[bool, option("Count findings by rule instead of listing them.")] = False
    show: Annotated[
        str,
        option(
            "On a terminal: an overview if not all findings fit (auto), or always, or all.",
            choices=("auto", "all", "overview"),
        ),
    ] = "auto"
    fail_on: Annotated[
        str,
        option(
            "Exit with 1 if a finding is at or above this severity; by default warning.",
            choices=("error", "warning", "info", "never"),
        ),
    ] = "warning"
    exit_zero: Annotated[bool, option("Exit with 0 even if there are findings.")] = False
    changed_since: Annotated[
        str | None,
        option("Report only findings that changes since this git revision caused.", metavar="REV"),
    ] = None
    stdin_filename: Annotated[
        Path | None, option("Read the text of this note from standard input (-).", metavar="NOTE")
    ] = None
    no_baseline: Annotated[bool, option("Report findings of the baseline as well.")] = False


class FixSelectionOptions(ReportOptions, frozen=True, kw_only=True):
    """Fixes: options on those that are applied."""

    diff: DiffOption = False
    unsafe_fixes: Annotated[
        bool, option("Apply unsafe fixes too: those that guess, such as the most similar note.")
    ] = False
    unlink: Annotated[
        bool,
        option(
            "With --unsafe-fixes: replace broken links by their text.",
            requires=("--unsafe-fixes", "--interactive"),
        ),
    ] = False
    create: Annotated[
        Path | None,
        option(
            "With --unsafe-fixes: create notes for unresolved topics in this folder.",
            metavar="FOLDER",
            requires=("--unsafe-fixes", "--interactive"),
        ),
    ] = None
    template: Annotated[
        Path | None,
        option(
            "Text of notes that --create makes; {{title}} is replaced by the topic.",
            metavar="FILE",
            requires=("--create",),
        ),
    ] = None
    created: Annotated[
        bool,
        option("Add the date to notes that --create makes, as `created`.", requires=("--create",)),
    ] = False


class CheckOptions(FixSelectionOptions, frozen=True, kw_only=True):
    """Fixes: options of `check`."""

    hidden_fields: ClassVar[tuple[str, ...]] = ("unlink", "create", "template", "created")
    """Options that `fix` shows; they still work here."""

    fix: Annotated[bool, option("Apply safe fixes, as `vaultlink fix` does.")] = False
    stdin_drafts: Annotated[
        bool,
        option(
            "Report only what drafts add, here and in other notes. Standard input (-) has "
            "them as a JSON object: the text of each note by its path in the vault."
        ),
    ] = False
    max_deleted_notes: Annotated[
        int | None,
        option(
            "Exit with 1 if more notes were deleted since the revision.",
            metavar="N",
            requires=("--changed-since",),
            highest=math.inf,
        ),
    ] = None
    max_removed_links: Annotated[
        int | None,
        option(
            "Exit with 1 if more links to notes that are still there were removed since then.",
            metavar="N",
            requires=("--changed-since",),
            highest=math.inf,
        ),
    ] = None
    limit: LimitOption = None
    after: AfterOption = ""


class PathsOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of commands that list a part of the vault; by default all of it."""

    paths: PathsArgument = ()


class ListOptions(PathsOptions, frozen=True, kw_only=True):
    """Options of commands that list rows of a part of the vault."""

    limit: LimitOption = None
    after: AfterOption = ""


class NotesOptions(OpenOptions, frozen=True, kw_only=True):
    """Options of commands that list rows of notes; no note means all."""

    notes: Annotated[
        tuple[str, ...], argument("NOTE", "Paths in the vault, or names as in a link.")
    ] = ()
    limit: LimitOption = None
    after: AfterOption = ""


_MAY_BE_EMPTY = frozenset({"--path", "--base-label", "--ours-label", "--theirs-label"})
"""Options whose value may be empty. They are those that git gives to the merge driver."""

_MAX_DIGITS = 15
"""Digits of the highest number."""

RawValues = Mapping[str, bool | str | list[str]]


class OptionField(msgspec.Struct, frozen=True):
    """A field of an option class.

    `type` is the type of one value. `is_repeatable` is True if there may be several.
    """

    name: str
    spec: _ParameterSpec
    type: type
    is_repeatable: bool

    @property
    def name_on_line(self) -> str:
        """The option's longest name, or the word for an argument."""
        return self.spec.names[-1] if self.spec.names else self.spec.metavar

    def convert(self, raw: bool | str | list[str]) -> Any:
        """Return the raw value as a value of the field's type. Raises UsageError."""
        if not (isinstance(raw, bool) or self.name_on_line in _MAY_BE_EMPTY):
            self._require_text([raw] if isinstance(raw, str) else raw)
        if isinstance(raw, list):
            parts = (
                [part.strip() for text in raw for part in text.split(",")]
                if self.spec.names
                else raw
            )
            return tuple(self._convert_one(part) for part in parts if part or not self.spec.names)
        return raw if isinstance(raw, bool) else self._convert_one(raw)

    def _require_text(self, texts: Sequence[str]) -> None:
        """Raise UsageError for an empty word, which mostly is a variable without a value."""
        if all(text.strip(",") for text in texts):
            return
        name = self.name_on_line if self.spec.names else f"the argument {self.name_on_line}"
        raise UsageError(f"{name} is empty. Check the variable that should hold it.")

    def _convert_one(self, text: str) -> Any:
        if self.spec.choices and text not in self.spec.choices:
            raise UsageError(
                f"{self.name_on_line}: invalid value {quote_name(text)}. Valid values: "
                f"{', '.join(self.spec.choices)}."
            )
        if self.type is int:
            lowest = 1 if self.spec.highest is None else 0
            if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < lowest:
                limit = "above 0" if lowest else "from 0"
                raise UsageError(
                    f"{self.spec.names[-1]}: must be a whole number {limit}, not "
                    f"{quote_name(text)}."
                )
            return int(text)
        if self.type is float:
            highest = self.spec.highest
            with suppress(ValueError):
                number = float(text)
                if 0 < number < math.inf if highest is None else 0 <= number <= highest:
                    return number
            limits = "above 0" if highest is None else f"from 0 to {highest:g}"
            raise UsageError(
                f"{self.spec.names[-1]}: must be a number {limits}, not {quote_name(text)}."
            )
        return read_path(self.name_on_line, text) if self.type is Path else text


def read_path(name: str, text: str) -> Path:
    """Return the path that an option or variable names.

    Raises UsageError if no file or folder can have this name.
    """
    if problem := describe_long_name(text):
        raise UsageError(f"{name}: {problem}.")
    return Path(text)


def get_option_class(run: Callable[..., int]) -> type[Any]:
    """Return the class of the options that the function of a command takes."""
    options: type[Any]
    [options] = [hint for name, hint in get_type_hints(run).items() if name != "return"]
    return options


def list_option_fields(options: type) -> list[OptionField]:
    """Return the fields of an option class: its own, then those of its base classes.

    Those that its class variable `hidden_fields` names are hidden.
    """
    hints = get_type_hints(options, include_extras=True)
    names = dict.fromkeys(
        name
        for base in options.__mro__
        for name in getattr(base, "__annotations__", {})
        if get_origin(hints.get(name)) is Annotated
    )
    hidden = getattr(options, "hidden_fields", ())
    return [_make_field(name, hints[name], is_hidden=name in hidden) for name in names]


def group_option_fields(options: type) -> dict[str, list[OptionField]]:
    """Return the visible options of an option class by the title of their group.

    A title is the first word of a class's docstring with a colon behind it, else "Options".
    """
    fields = {field.name: field for field in list_option_fields(options)}
    groups: dict[str, list[OptionField]] = {}
    for base in options.__mro__:
        title, colon, _ = (base.__doc__ or "").partition(": ")
        for name in getattr(base, "__annotations__", {}):
            field = fields.pop(name, None)
            if field is not None and field.spec.names and not field.spec.is_hidden:
                groups.setdefault(title if colon else "Options", []).append(field)
    return groups


def format_argument(field: OptionField) -> str:
    """Return an argument as a usage line has it: in brackets unless it is required."""
    word = field.spec.metavar
    word = word if field.spec.is_required else f"[{word}]"
    return word + ("..." if field.is_repeatable and " " not in word else "")


def _make_field(name: str, hint: Any, *, is_hidden: bool) -> OptionField:
    value_type, spec = get_args(hint)
    is_repeatable = get_origin(value_type) is tuple
    if is_repeatable or get_origin(value_type) is UnionType:
        value_type = get_args(value_type)[0]
    if spec.is_option and not any(word.startswith("--") for word in spec.names):
        spec = replace(spec, names=(*spec.names, f"--{name.replace('_', '-')}"))
    return OptionField(name, replace(spec, is_hidden=is_hidden), value_type, is_repeatable)
