"""Pages of the rules, from their declarations in rules/."""

import re
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import Any

from markdown_text import escape, format_code, format_table
from vaultlink.disk.read import load_rules
from vaultlink.rules.registry import Rule, build_catalog

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "reference/rules/"

SUBJECTS = {
    "0": "Files and syntax",
    "1": "Links",
    "2": "Structure",
    "3": "Properties and tags",
    "4": "Graph and backlinks",
}
"""What the first digit of a code means."""

SAFETY = {
    "safe": "safe",
    "unsafe": "only with `--unsafe-fixes`",
    "either": "safe for some findings, only with `--unsafe-fixes` for others",
}
SCOPES = {
    "note": "a note",
    "links": "a note and the targets of its links",
    "files": "the names of the vault's files",
    "vault": "the whole vault",
}
_SETTINGS = (
    "app",
    "types",
    "obsidian",
    "gitignore",
    "allow-dangling",
    "quiet",
    "select",
    "backlinks",
)
"""Keys of an example that define settings; `options` is shown as TOML."""

_HISTORY_KEYS = (*("moves", "deleted", "anchors", "led-to", "reasons", "likely", "former-names"),)
_CODE = re.compile(r"(`+[^`]*`+)")


@cache
def load_catalog() -> tuple[Rule, ...]:
    """Return all rules, by code."""
    return tuple(sorted(build_catalog(load_rules()), key=lambda rule: rule.code))


def list_navigation() -> list[Any]:
    """Return the pages as in `nav`."""
    groups = [
        {title: [f"{FOLDER}{rule.name}.md" for rule in load_catalog() if rule.code[2] == digit]}
        for digit, title in SUBJECTS.items()
    ]
    return [f"{FOLDER}index.md", *groups]


def render_files() -> dict[str, str]:
    """Return the text of each page."""
    pages = {f"{FOLDER}{rule.name}.md": _render_rule(rule) for rule in load_catalog()}
    return {f"{FOLDER}index.md": _render_index(), **pages}


def _render_index() -> str:
    parts = [
        "# Rules\n",
        "Each page is generated from the declaration of the rule, whose examples are its tests. "
        "`vaultlink rule NAME` prints the same. "
        "Rules about what Obsidian itself does not call broken are off by default.\n",
    ]
    for digit, title in SUBJECTS.items():
        rows = [
            (
                f"[`{rule.name}`]({rule.name}.md)",
                escape(rule.summary),
                _describe_default(rule),
                "" if rule.fix_when == "never" else rule.fix_safety.replace("either", "both"),
                rule.code,
            )
            for rule in load_catalog()
            if rule.code[2] == digit
        ]
        parts += [
            f"## {title}\n",
            format_table(("Rule", "What it reports", "By default", "Fix", "Code"), rows),
        ]
    return "\n".join(parts)


def _describe_default(rule: Rule) -> str:
    if rule.preview:
        return f"preview ({rule.severity.value})"
    return rule.severity.value if rule.enabled_by_default else f"off ({rule.severity.value})"


def _describe_switch(rule: Rule) -> str:
    """Return how the rule is switched off or on."""
    settings = "[settings](../../configuration.md)"
    if not rule.enabled_by_default:
        return f'on: `extend-select = ["{rule.name}"]` in the {settings}'
    return (
        f'off: `ignore = ["{rule.name}"]` in the {settings}; '
        f"on one line: `%%vaultlink-disable-line {rule.name}%%`"
    )


def _render_rule(rule: Rule) -> str:
    facts = [
        ("Severity", rule.severity.value),
        ("By\xa0default", "on" if rule.enabled_by_default else "off"),
        *([("Preview", "runs only with `--preview` or `preview = true`")] if rule.preview else []),
        ("Switch", _describe_switch(rule)),
        ("Reads", SCOPES[rule.scope]),
        ("Message", escape(rule.message)),
    ]
    parts = [
        f"# {rule.name} ({rule.code})\n",
        f"{escape(rule.summary)}\n",
        format_table(("Code", f"`{rule.code}`"), facts),
        "## Why\n",
        f"{_link_rules(rule.why.strip(), rule.name)}\n",
        "## Fix\n",
        _describe_fix(rule),
        "## Options\n",
        _render_options(rule),
        "## Examples\n",
        *(
            part
            for example in sorted(rule.examples, key=lambda item: "good" in item)
            for part in _render_example(rule, example)
        ),
        "## History\n",
        f"Since version {rule.since}.\n",
        *_list_changes(rule),
    ]
    return "\n".join(parts)


def _link_rules(text: str, own: str) -> str:
    """Return text as Markdown in which the names of other rules are links."""
    names = "|".join(sorted((rule.name for rule in load_catalog() if "-" in rule.name), key=len))
    name = re.compile(rf"(?<![\w-])(?:{names})(?![\w-])")

    def link(match: re.Match[str]) -> str:
        return match[0] if match[0] == own else f"[{match[0]}]({match[0]}.md)"

    parts = _CODE.split(text)
    parts[::2] = [name.sub(link, escape(part)) for part in parts[::2]]
    return "".join(parts)


def _describe_fix(rule: Rule) -> str:
    if rule.fix_when == "never":
        return "This rule has no fix.\n"
    when = "Every finding has a fix" if rule.fix_when == "always" else "Some findings have a fix"
    return f"{when}. It is applied: {SAFETY[rule.fix_safety]}.\n\n> {escape(rule.fix_title)}.\n"


def _render_options(rule: Rule) -> str:
    if not rule.options:
        return "This rule has no options.\n"
    rows = [
        (
            f"`{option.name}`",
            " ".join(f"`{choice}`" for choice in option.choices)
            or (f"list of {option.element_type}s" if option.element_type else option.type),
            f"`{format_toml(option.default)}`",
            escape(option.help),
        )
        for option in rule.options
    ]
    lines = [f"{item.name} = {format_toml(item.default)}" for item in rule.options]
    return (
        format_table(("Option", "Type", "Default", "Meaning"), rows)
        + "\n"
        + format_code("\n".join([f"[rules.{rule.name}]", *lines]), "toml", "vaultlink.toml")
    )


def format_toml(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(format_toml, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {format_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def _render_example(rule: Rule, example: Mapping[str, Any]) -> Iterator[str]:
    label = "Right" if "good" in example else "Wrong"
    yield f"### {label}: {escape(str(example.get('good', example.get('bad'))))}\n"
    if options := example.get("options"):
        lines = [f"{key} = {format_toml(value)}" for key, value in options.items()]
        yield format_code("\n".join([f"[rules.{rule.name}]", *lines]), "toml", "vaultlink.toml")
    given = [
        f"`{key}`: `{format_toml(example[key])}`"
        for key in (*_SETTINGS, *_HISTORY_KEYS)
        if key in example
    ]
    if given:
        yield f"With {'; '.join(given)}.\n"
    for path, text in example["vault"].items():
        yield from _render_file(path, text)
    for finding in example.get("finds", ()):
        if isinstance(finding, Mapping):
            yield _describe_finding(finding)
    for key, label in (
        ("fixed", "Fix"),
        ("unsafe-fixed", "Fix with --unsafe-fixes"),
        ("unlinked", "Fix with --unlink"),
    ):
        for path, text in example.get(key, {}).items():
            before = str(example["vault"].get(path, "")).splitlines()
            diff = list(unified_diff(before, str(text).splitlines(), lineterm="", n=1))[3:]
            yield format_code("\n".join(diff), "diff", f"{label}: {path}")


def _render_file(path: str, text: object) -> Iterator[str]:
    if not isinstance(text, str) or not text.strip():
        state = "is empty" if isinstance(text, str) or not text else f"is {text}"
        yield f"`{path}` {escape(state)}.\n"
    else:
        yield format_code(text, "json" if path.endswith(".canvas") else "markdown", path)


def _describe_finding(finding: Mapping[str, Any]) -> str:
    place = str(finding.get("text", "")).split("\n")[0]
    said = f": {escape(str(finding['says']))}" if "says" in finding else ""
    marked = f"`` {place} ``" if place else "the file"
    return f"Finding in `{finding.get('in', '')}` at {marked}{said}\n"


def _list_changes(rule: Rule) -> Iterator[str]:
    """Yield the entries of CHANGELOG.md that name a rule, by version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, entries = section.partition("\n")
        version = heading.partition(" - ")[0]
        for entry in re.findall(r"^- (.*(?:\n  .*)*)", entries, re.MULTILINE):
            if re.search(rf"(?<![\w-])(?:{rule.name}|{rule.code})(?![\w-])", entry):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(entry.split()))
                yield f"- {escape(version.strip())}: {escape(plain)}"
