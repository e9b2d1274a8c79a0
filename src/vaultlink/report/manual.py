"""The manual of the rules: the table of all, and a page for each, made of their declarations alone.

Rules enter, rows and text leave.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from vaultlink.catalog import Option, Rule
from vaultlink.report.findings import severity_hues
from vaultlink.report.layout import PLAIN, Palette, clean, width

HEADER = ("code", "rule", "default", "severity", "finds")


class OptionRow(msgspec.Struct, frozen=True):
    """A rule's option."""

    name: str
    type: str
    of: str | None
    default: Any
    choices: tuple[Any, ...]
    help: str


class FixRow(msgspec.Struct, frozen=True):
    """How a rule's findings can be mended: `when` is sometimes or always, `safety` safe, unsafe or either."""

    when: str
    safety: str
    title: str


class RuleRow(msgspec.Struct, frozen=True):
    """A rule as `rules --output-format json` has it."""

    code: str
    name: str
    severity: str
    default: bool
    scope: str
    since: str
    summary: str
    why: str
    message: str
    fix: FixRow | None
    options: tuple[OptionRow, ...]
    examples: tuple[Mapping[str, Any], ...]


def rule_row(rule: Rule) -> RuleRow:
    """A rule as data."""
    options = tuple(
        OptionRow(item.name, item.type, item.of, item.default, item.choices, item.help)
        for item in rule.options
    )
    fix = (
        None if rule.fix_when == "never" else FixRow(rule.fix_when, rule.fix_safety, rule.fix_title)
    )
    return RuleRow(
        rule.code,
        rule.name,
        rule.severity,
        rule.default,
        rule.scope,
        rule.since,
        rule.summary,
        rule.why,
        rule.message,
        fix,
        options,
        rule.examples,
    )


def rule_cells(rule: Rule) -> tuple[str, ...]:
    """A rule as a row under `HEADER`."""
    return rule.code, rule.name, "on" if rule.default else "off", rule.severity.value, rule.summary


def rule_page(rule: Rule, room: int, palette: Palette = PLAIN) -> str:
    """A rule's page: what it finds and why, what it says, its options, and examples that are its tests as well."""
    p, hue = palette, severity_hues(palette)[rule.severity]
    default = (
        "on by default" if rule.default else f'off by default: extend-select = ["{rule.name}"]'
    )
    parts = [
        f"{hue}{p.bold}{rule.code}{p.off} {p.bold}{rule.name}{p.off}\n"
        f"{rule.severity.value}, {default}, since {rule.since}",
        _wrapped(rule.summary, room),
        _wrapped(rule.why, room),
        f"{p.bold}Message{p.off}\n{_wrapped(rule.message, room, '  ')}",
    ]
    if rule.fix_when != "never":
        parts.append(
            f"{p.bold}Fix{p.off} {p.dim}({_fix_words(rule)}){p.off}\n{_wrapped(rule.fix_title + '.', room, '  ')}"
        )
    if rule.options:
        entries = "\n".join([line for option in rule.options for line in _option(option, room, p)])
        parts.append(
            f"{p.bold}Options{p.off} {p.dim}([rules.{rule.name}] in vaultlink.toml){p.off}\n{entries}"
        )
    parts += [
        _example(example, p) for example in sorted(rule.examples, key=lambda item: "good" in item)
    ]
    return "\n\n".join(parts) + "\n"


def _fix_words(rule: Rule) -> str:
    safety = {
        "safe": "safe",
        "unsafe": "only with --unsafe-fixes",
        "either": "some only with --unsafe-fixes",
    }
    return f"{rule.fix_when}; {safety[rule.fix_safety]}"


def _wrapped(text: str, room: int, indent: str = "") -> str:
    """Text filled to the room; blank lines still part paragraphs."""
    columns = min(room, 96)
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join(
        textwrap.fill(
            part,
            columns,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for part in paragraphs
    )


def _option(option: Option, room: int, palette: Palette) -> list[str]:
    kind = " | ".join(map(str, option.choices)) or (
        f"list of {option.of}s" if option.of else option.type
    )
    return [
        f"  {palette.bold}{option.name}{palette.off} = {_toml(option.default)}  {palette.dim}{kind}{palette.off}",
        _wrapped(option.help, room, "    "),
    ]


def _toml(value: Any) -> str:
    """A value as one would write it in the settings."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return (
        '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(value, str)
        else str(value)
    )


_SETTINGS = ("options", "app", "types", "allow-dangling")


def _example(example: Mapping[str, Any], palette: Palette) -> str:
    good = "good" in example
    p = palette
    title = f"{p.cyan if good else p.red}{'Right' if good else 'Wrong'}{p.off}: {example['good' if good else 'bad']}"
    lines = [title]
    lines += [
        f"  {p.dim}{key}: {_inline(example[key])}{p.off}" for key in _SETTINGS if key in example
    ]
    for path, text in example["vault"].items():
        found = [
            item.get("text", "") for item in example.get("finds", ()) if item.get("in") == path
        ]
        lines += [f"  {p.dim}{clean(path)}{p.off}", *_marked(str(text), found, p)]
    for key, words in (("fixed", "Fixed"), ("unsafe-fixed", "Fixed with --unsafe-fixes")):
        for path, text in example.get(key, {}).items():
            lines += [
                f"  {p.green}{words}{p.off}: {p.dim}{clean(path)}{p.off}",
                *_marked(str(text), (), p),
            ]
    return "\n".join(lines)


def _marked(text: str, found: Sequence[str], palette: Palette) -> Iterator[str]:
    """A file's lines, with marks below what is found in them."""
    if not text.strip():
        return
    for line in text.rstrip("\n").split("\n"):
        yield f"    {clean(line)}".rstrip()
        for piece in found:
            begin = line.find(piece.split("\n")[0]) if piece else -1
            if begin != -1:
                size = max(width(clean(piece.split(chr(10))[0])), 1)
                yield f"    {' ' * width(clean(line[:begin]))}{palette.red}{'^' * size}{palette.off}"


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
    return _toml(value)
