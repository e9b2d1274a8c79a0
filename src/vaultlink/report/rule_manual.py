"""The manual of the rules, rendered from their declarations.

It has a table of all rules and a page for each rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from vaultlink.report.concise import severity_colors
from vaultlink.report.layout import PLAIN, Palette, display_width, escape_controls, wrap_text
from vaultlink.rules.registry import Option, Rule

_MAX_TEXT_WIDTH = 96
"""The columns of filled text on a wide terminal."""

_SAFETY_LABELS = {
    "safe": "safe",
    "unsafe": "only with --unsafe-fixes",
    "either": "some only with --unsafe-fixes",
}


class OptionRow(msgspec.Struct, frozen=True):
    """An option of a rule.

    Attributes:
        name: The key in the table of the rule in `vaultlink.toml`.
        type: The type of the value.
        of: The type of the elements of a list; None for other types.
        default: The value that applies if the key is not set.
        choices: The values that are allowed; empty if any value of the type is.
        help: What the option does.
    """

    name: str
    type: str
    of: str | None
    default: Any
    choices: tuple[Any, ...]
    help: str


class RuleFixRow(msgspec.Struct, frozen=True):
    """The fix of a rule's findings.

    Attributes:
        when: `sometimes` or `always`. It says how many findings have a fix.
        safety: `safe`, `unsafe`, or `either` if it differs between findings.
        title: The action, without a full stop. Words in braces stand for values of the finding.
    """

    when: str
    safety: str
    title: str


class RuleManualRow(msgspec.Struct, frozen=True):
    """A rule in `rules --output-format json`. Field names are JSON keys.

    Attributes:
        code: Rule code, such as `VL101`. It never changes.
        name: Rule name, such as `dangling-link`.
        severity: The default severity, `error`, `warning` or `info`.
        default: True if the rule is on by default.
        preview: True if the rule runs only if the setting `preview` is on.
        scope: What the rule reads. `note`, `links` (a note and the targets of its links), `files`
            (the names of all files) or `vault`.
        since: The version of vaultlink that introduced the rule.
        summary: What the rule reports, in one sentence.
        why: Why that matters, in Markdown.
        message: The message of its findings. Words in braces stand for values of the finding.
        fix: The fix of its findings; None if it has none.
        options: The options of the rule.
        examples: Vaults with the findings they cause, and vaults without; `rules/README.md`
            explains the keys.
    """

    code: str
    name: str
    severity: str
    default: bool
    preview: bool
    scope: str
    since: str
    summary: str
    why: str
    message: str
    fix: RuleFixRow | None
    options: tuple[OptionRow, ...]
    examples: tuple[Mapping[str, Any], ...]


def rule_row(rule: Rule) -> RuleManualRow:
    return RuleManualRow(
        rule.code,
        rule.name,
        rule.severity,
        rule.enabled_by_default,
        rule.preview,
        rule.scope,
        rule.since,
        rule.summary,
        rule.why,
        rule.message,
        None
        if rule.fix_when == "never"
        else RuleFixRow(rule.fix_when, rule.fix_safety, rule.fix_title),
        tuple(
            OptionRow(opt.name, opt.type, opt.element_type, opt.default, opt.choices, opt.help)
            for opt in rule.options
        ),
        rule.examples,
    )


def render_rule_page(rule: Rule, width: int, palette: Palette = PLAIN) -> str:
    """Render a rule's page: summary, reason, message, fix, options and examples.

    The examples are also the rule's tests.
    """
    p, color = palette, severity_colors(palette)[rule.severity]
    default = "on by default"
    if not rule.enabled_by_default:
        default = f'off by default: extend-select = ["{rule.name}"]'
    if rule.preview:
        default += ", in preview: runs only with --preview or `preview = true`"
    parts = [
        f"{color}{p.bold}{rule.code}{p.reset} {p.bold}{rule.name}{p.reset}\n"
        f"{rule.severity.value}, {default}, since {rule.since}",
        _wrap(rule.summary, width),
        _wrap(rule.why, width),
        f"{p.bold}Message{p.reset}\n{_wrap(rule.message, width, '  ')}",
    ]
    if rule.fix_when != "never":
        parts.append(
            f"{p.bold}Fix{p.reset} "
            f"{p.dim}({rule.fix_when}; {_SAFETY_LABELS[rule.fix_safety]}){p.reset}\n"
            f"{_wrap(rule.fix_title + '.', width, '  ')}"
        )
    if rule.options:
        entries = "\n".join(
            [line for option in rule.options for line in _format_option(option, width, p)]
        )
        parts.append(
            f"{p.bold}Options{p.reset} "
            f"{p.dim}([rules.{rule.name}] in vaultlink.toml){p.reset}\n{entries}"
        )
    if rule.enabled_by_default:
        parts.append(
            f"{p.bold}Switch it off{p.reset}\n"
            f'  in the vault: ignore = ["{rule.name}"] in vaultlink.toml\n'
            f"  on one line:  %%vaultlink-disable-line {rule.name}%%"
        )
    parts += [
        _render_example(example, p)
        for example in sorted(rule.examples, key=lambda item: "good" in item)
    ]
    return "\n\n".join(parts) + "\n"


def _wrap(text: str, width: int, indent: str = "") -> str:
    """Fill paragraphs, which blank lines separate, to the width or `_MAX_TEXT_WIDTH`."""
    columns = min(width, _MAX_TEXT_WIDTH)
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    return "\n\n".join("\n".join(wrap_text(part, columns, indent)) for part in paragraphs)


def _format_option(option: Option, width: int, palette: Palette) -> list[str]:
    kind = " | ".join(map(str, option.choices)) or (
        f"list of {option.element_type}s" if option.element_type else option.type
    )
    return [
        f"  {palette.bold}{option.name}{palette.reset} = {_format_toml(option.default)}  "
        f"{palette.dim}{kind}{palette.reset}",
        _wrap(option.help, width, "    "),
    ]


def _format_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_format_toml, value))}]"
    return (
        '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if isinstance(value, str)
        else str(value)
    )


_EXAMPLE_SETTINGS = ("options", "app", "types", "allow-dangling")


def _render_example(example: Mapping[str, Any], palette: Palette) -> str:
    good = "good" in example
    p = palette
    label = f"{p.cyan}Right{p.reset}" if good else f"{p.red}Wrong{p.reset}"
    lines = [f"{label}: {example['good' if good else 'bad']}"]
    lines += [
        f"  {p.dim}{key}: {_format_inline(example[key])}{p.reset}"
        for key in _EXAMPLE_SETTINGS
        if key in example
    ]
    for path, text in example["vault"].items():
        spans = [
            item.get("text", "") for item in example.get("finds", ()) if item.get("in") == path
        ]
        lines += [f"  {p.dim}{escape_controls(path)}{p.reset}", *_mark_lines(str(text), spans, p)]
    for key, label in (
        ("fixed", "Fixed"),
        ("unsafe-fixed", "Fixed with --unsafe-fixes"),
        ("unlinked", "Fixed with --unlink"),
    ):
        for path, text in example.get(key, {}).items():
            lines += [
                f"  {p.green}{label}{p.reset}: {p.dim}{escape_controls(path)}{p.reset}",
                *_mark_lines(str(text), (), p),
            ]
    return "\n".join(lines)


def _mark_lines(text: str, spans: Sequence[str], palette: Palette) -> Iterator[str]:
    """Yield the lines of a file, with marks below the first line of each span."""
    if not text.strip():
        return
    for line in text.rstrip("\n").split("\n"):
        yield f"    {escape_controls(line)}".rstrip()
        for span in spans:
            first = span.split("\n")[0]
            start = line.find(first) if span else -1
            if start != -1:
                indent = " " * display_width(escape_controls(line[:start]))
                marks = "^" * max(display_width(escape_controls(first)), 1)
                yield f"    {indent}{palette.red}{marks}{palette.reset}"


def _format_inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_format_toml(item)}" for key, item in value.items())
    return _format_toml(value)
