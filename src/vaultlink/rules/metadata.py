"""Checks of properties and tags."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vaultlink.index.resolve import is_note, resolve
from vaultlink.model import Edit, Note, Property, PropertyValue, Safety, SourceSpan
from vaultlink.parse.link_parts import parse_wikilink
from vaultlink.rules.context import FILE_START, Context, Finding
from vaultlink.text import has_placeholder, lazy_pattern

# Tags are compared in groups that are equal except for case up to a level. A group of one tag has
# no variants below that level, so that the time grows with the length of the tags, not with its
# square.

_Variant = list[tuple[str, int]]
"""Tags with equal levels up to an offset, and the offset at which the next level starts."""


def _find_usual_tags(uses: Mapping[str, int]) -> dict[str, str]:
    """Return the tags that differ from the most frequent case, with that case.

    `uses` is the number of uses of each tag. A use of a nested tag is also one of its parents. If
    two variants are equally frequent, the first in the order of code points is the usual one.
    """
    changes: dict[str, list[tuple[int, int, str]]] = {}
    groups: list[list[_Variant]] = [[[(name, 0) for name in uses]]]
    while groups:
        for usual, group in _split_by_level(groups.pop(), uses):
            if sum(map(len, group)) < 2:
                continue
            groups.append(group)
            for variant in group:
                for name, end in variant:
                    start = name.rfind("/", 0, end - 1) + 1
                    if name[start : end - 1] != usual:
                        changes.setdefault(name, []).append((start, end - 1, usual))
    return {name: _apply_changes(name, levels) for name, levels in changes.items()}


def _split_by_level(
    variants: list[_Variant], uses: Mapping[str, int]
) -> Iterator[tuple[str, list[_Variant]]]:
    """Yield the groups of a group at the next level, and the usual case of that level."""
    groups: dict[str, dict[tuple[int, str], _Variant]] = {}
    for number, variant in enumerate(variants):
        for name, start in variant:
            if start > len(name):
                continue
            end = name.find("/", start)
            end = len(name) if end == -1 else end
            level = name[start:end]
            below = groups.setdefault(level.lower(), {})
            below.setdefault((number, level), []).append((name, end + 1))
    for below in groups.values():
        keys = sorted(below)
        usual = max(keys, key=lambda key: sum(uses[name] for name, _ in below[key]))
        yield usual[1], [below[key] for key in keys]


def _apply_changes(name: str, changes: list[tuple[int, int, str]]) -> str:
    """Replace spans of a tag, which are in order."""
    parts: list[str] = []
    done = 0
    for start, end, level in changes:
        parts += name[done:start], level
        done = end
    return "".join((*parts, name[done:]))


_CURRENT_NAMES = {"tag": "tags", "alias": "aliases", "cssclass": "cssclasses"}
"""Current names of properties, by their deprecated names."""


def _is_read_by_logseq(context: Context) -> bool:
    """Return True if Logseq reads the notes, which knows `alias` and lists without quotes."""
    return context.obsidian.linking_program == "Logseq"


def invalid_frontmatter(note: Note, context: Context) -> Iterator[Finding]:
    for problem in note.problems:
        if problem.kind == "invalid-frontmatter" and not _is_read_by_logseq(context):
            yield Finding(problem, {"problem": problem.detail})


def duplicate_property(note: Note, _context: Context) -> Iterator[Finding]:
    for problem in note.problems:
        if problem.kind == "duplicate-property":
            yield Finding(problem, {"key": problem.detail})


def deprecated_property(note: Note, context: Context) -> Iterator[Finding]:
    for item in note.properties or ():
        current = _CURRENT_NAMES.get(item.key.lower())
        if current and item.value not in (None, "", []) and not _is_read_by_logseq(context):
            is_fixable = _can_rename_property(current, item, note)
            edits = (Edit(note.path, item.start, item.end, current),) if is_fixable else ()
            is_read = item.key.lower() in context.obsidian.read_properties
            safety = Safety.UNSAFE if is_read else Safety.SAFE
            yield Finding(item, {"key": item.key, "now": current}, edits=edits, safety=safety)


def _can_rename_property(current: str, item: Property, note: Note) -> bool:
    """Return True if the current name is free and Obsidian reads the whole value."""
    names = [other.key.lower() for other in note.properties or ()]
    is_taken = [_CURRENT_NAMES.get(name, name) for name in names].count(current) > 1
    is_list = isinstance(item.value, list)
    entries = item.value if isinstance(item.value, list) else [item.value]
    if is_taken or item.end - item.start != len(item.key):
        return False
    if not all(isinstance(entry, str) for entry in entries):
        return False
    if current == "tags":
        return not any(_find_tag_problem(entry, alone=not is_list) for entry in entries)
    return is_list or "," not in entries[0]


def unquoted_property_link(note: Note, context: Context) -> Iterator[Finding]:
    for problem in note.problems:
        if problem.kind == "unquoted-property-link" and not _is_read_by_logseq(context):
            text = f"[[{problem.target}]]"
            quoted, target = _quote_link(text, problem), parse_wikilink(problem.target)[0]
            resolved = target and resolve(note.path, target, context.index.names)
            is_fixable = quoted and target
            edits = (Edit(note.path, problem.start, problem.end, quoted),) if is_fixable else ()
            is_safe = resolved and "Logseq" not in context.obsidian.programs
            safety = Safety.SAFE if is_safe else Safety.UNSAFE
            yield Finding(problem, {"link": text}, edits=edits, safety=safety)


def _quote_link(text: str, span: SourceSpan) -> str:
    """Return a link in quotes that YAML reads as a string; "" if that is not possible."""
    inner = text[2:-2]
    is_written_so = span.end - span.start == len(text) and not set("[]\n\r") & set(inner)
    if not is_written_so or inner.strip()[:1] in ("'", '"'):
        return ""
    if '"' in inner or "\\" in inner:
        return "" if "'" in inner else f"'{text}'"
    return f'"{text}"'


def property_type(note: Note, context: Context) -> Iterator[Finding]:
    types = context.obsidian.types
    if not types or not note.properties:
        return
    types_by_key = {key.lower(): kind for key, kind in types.items()}
    for item in note.properties:
        name, is_valid = _TYPES.get(types_by_key.get(item.key.lower(), ""), ("", None))
        if is_valid and not _is_empty_or_template(item.value) and not is_valid(item.value):
            actual = _describe_value(item.value)
            yield Finding(item, {"key": item.key, "type": name, "actual": actual})


_DATE = lazy_pattern(r"\s*\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?\s*")
_NUMBER = lazy_pattern(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")


def _is_empty_or_template(value: PropertyValue) -> bool:
    """Return True for an empty value or a placeholder, as `{{tag}}` or `<tag>`: all types fit."""
    text = str(value)
    is_bracketed = text[:1] == "<" and text[-1:] == ">"
    return value is None or value in ("", []) or is_bracketed or has_placeholder(text)


def _is_scalar(value: PropertyValue) -> bool:
    return not isinstance(value, (list, dict))


def _is_flat(value: PropertyValue) -> bool:
    return all(map(_is_scalar, value)) if isinstance(value, list) else _is_scalar(value)


def _is_date(value: PropertyValue) -> bool:
    return isinstance(value, str) and (_DATE.fullmatch(value) is not None or value.startswith("[["))


def _is_number(value: PropertyValue) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_checkbox(value: PropertyValue) -> bool:
    is_text = isinstance(value, str) and value.strip().lower() in ("true", "false")
    return isinstance(value, bool) or is_text


_TYPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("text", _is_scalar),
    "number": ("a number", _is_number),
    "checkbox": ("a checkbox", _is_checkbox),
    "date": ("a date", _is_date),
    "datetime": ("a date and time", _is_date),
    "multitext": ("a list", _is_flat),
    "tags": ("a list of tags", _is_flat),
    "aliases": ("a list of aliases", _is_flat),
}
"""Obsidian's types of properties, each with its name in messages and its check."""


def _describe_value(value: PropertyValue) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if _is_flat(value) else "a nested list"
    return "a number" if isinstance(value, (int, float)) else "text"


_NOT_IN_TAGS = lazy_pattern("[\\s!\"#$%&'()*+,.:;<=>?@^{|}~\\[\\]`\\\\\u2000-\u206f\u2e00-\u2e7f]")


def invalid_tag(note: Note, context: Context) -> Iterator[Finding]:
    for item in (not _is_read_by_logseq(context) and note.properties) or ():
        if item.key.lower() == "tags" and not _is_empty_or_template(item.value):
            for entry in item.value if isinstance(item.value, list) else [item.value]:
                problem = _find_tag_problem(entry, alone=not isinstance(item.value, list))
                if problem and not _is_empty_or_template(entry):
                    yield Finding(item, {"tag": entry, "problem": problem})


def _find_tag_problem(entry: PropertyValue, alone: bool) -> str:
    """Return the problem of an entry, or "". `alone`: it is the whole value."""
    if isinstance(entry, (int, float)) and not isinstance(entry, bool):
        return "a tag needs a character that is not a digit"
    if not isinstance(entry, str) or not entry.strip():
        return ""
    name = entry.strip().removeprefix("#")
    if alone and "," in name:
        return "several tags must be a list"
    match = _NOT_IN_TAGS.search(name)
    if match:
        return f"a tag can't contain {'a space' if match[0].isspace() else match[0]}"
    return "a tag needs a character that is not a digit" if name.isdigit() else ""


def tag_case(context: Context) -> Iterator[Finding]:
    notes = context.index.notes
    usual = _find_usual_tags(Counter(tag.name for note in notes.values() for tag in note.tags))
    for path, note in notes.items() if usual else ():
        for tag in note.tags:
            if tag.name in usual:
                yield Finding(tag, {"tag": tag.name, "usual": usual[tag.name]}, path=path)


def required_property(note: Note, context: Context) -> Iterator[Finding]:
    required, allow_empty = context.options["properties"], context.options["allow-empty"]
    if not required or not is_note(note.path):
        return
    if any(problem.kind in _UNREADABLE_KINDS for problem in note.problems):
        return
    items = note.properties or ()
    present = {it.key.lower() for it in items if allow_empty or it.value not in (None, "", [])}
    for key in required:
        if key.lower() not in present:
            yield Finding(FILE_START, {"key": key})


_UNREADABLE_KINDS = ("undecodable", "unreadable", "invalid-frontmatter")
