"""The files that teach programs which write notes, for `vaultlink init --agents`."""

import json
import os
import shutil
import tomllib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from errno import EFBIG
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vaultlink.api import build_linter
from vaultlink.cli.exit_codes import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INTERRUPTED
from vaultlink.cli.installation import read_starter
from vaultlink.cli.listings import choose_document_format, print_plan
from vaultlink.cli.opening import name_vault
from vaultlink.cli.terminal import Terminal, can_ask, print_stderr
from vaultlink.cli.write_run import format_command_line, hold_write_lock
from vaultlink.config.list_items import insert_json_item, insert_list_items, insert_value
from vaultlink.disk.scan import VaultScan, scan_vault
from vaultlink.errors import UsageError
from vaultlink.files import NO_FOLLOW, read_regular
from vaultlink.fix.plan import VaultChanges
from vaultlink.git.location import find_work_tree
from vaultlink.index.resolve import is_note
from vaultlink.model import SkippedNote
from vaultlink.parse.note import parse_note
from vaultlink.report.layout import escape_controls, format_count
from vaultlink.text import lazy_pattern
from vaultlink.write.fixer import apply_plan
from vaultlink.write.settings_lists import SETTINGS_TABLES, find_settings_file
from vaultlink.write.write_notes import IS_SYMLINK, describe_os_error, find_write_barriers

_MAX_BYTES = 1_000_000
"""A larger file is no file of instructions or settings that a person wrote."""

_MARKS = ("<!-- vaultlink:agents -->\n", "<!-- /vaultlink:agents -->\n")
"""The lines around the paragraph in a file of instructions: what is between them is vaultlink's."""

_INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md", "GEMINI.md")
"""Files of instructions. The first is created; the others have one program each, if they exist."""

_IMPORT = lazy_pattern(r"(?m)(?:^|\s)@(?:\./)?AGENTS\.md\b")
"""The line with which Claude Code and Gemini CLI include the first file."""

_CLAUDE, _GEMINI = (".claude", "CLAUDE.md"), (".gemini", "GEMINI.md")
_CLAUDE_SKILL = ".claude/skills/vaultlink/SKILL.md"
_COMMON_SKILL = ".agents/skills/vaultlink/SKILL.md"
"""Claude Code reads only the first, Codex and Gemini CLI only the second, other programs both."""


class ProgramHook(NamedTuple):
    """The hook by which a program asks `vaultlink guard` before it changes files.

    One of the `signs`, folders and files, exists if the program is used here. `path` is the file of
    its settings, and `starter` the template of one that has only the hook.
    """

    program: str
    signs: tuple[str, ...]
    path: str
    starter: str


PROGRAM_HOOKS = (
    ProgramHook("Claude Code", _CLAUDE, ".claude/settings.json", "claude.json"),
    ProgramHook("Codex", (".codex",), ".codex/hooks.json", "codex.json"),
    ProgramHook("Cursor", (".cursor",), ".cursor/hooks.json", "cursor.json"),
    ProgramHook("Gemini CLI", _GEMINI, ".gemini/settings.json", "gemini.json"),
    # Every exit code but 0 refuses in this one, so its lines turn a failure of the guard into 0.
    ProgramHook(
        "GitHub Copilot", (".github/hooks",), ".github/hooks/vaultlink.json", "copilot.json"
    ),
)


class _AgentFile(NamedTuple):
    """A file to write: its texts before and after, and its purpose in words."""

    path: str
    old: str | None
    new: str
    has_mark: bool
    purpose: str


class _AgentPlan(NamedTuple):
    """The files to write, those that are complete, and those that are left out.

    `texts` has what users may add by hand to files that are left out.
    """

    files: list[_AgentFile]
    complete: list[str]
    left_out: list[SkippedNote]
    texts: dict[str, str]


def init_agents(
    terminal: Terminal, vault: Path, new_settings: str, *, is_dry: bool, is_confirmed: bool
) -> int:
    """Write the files, each after a question, as one run; return the exit code.

    `new_settings` is the text of a settings file for a vault without one. Raises UsageError if
    nobody can be asked, unless all of it `is_confirmed`.
    """
    if not (is_dry or is_confirmed or can_ask()):
        raise UsageError(
            "--agents asks before it writes a file. Where no question can be asked, --yes answers "
            "all with yes, and --dry-run shows what would be written. Nothing was written."
        )
    scan = scan_vault(vault)
    plan = _plan_files(scan, new_settings)
    for note in plan.left_out:
        print_stderr(f"{escape_controls(note.path)}: left out: {escape_controls(note.reason)}.")
        if note.path in plan.texts:
            print_stderr(f"Add this to it by hand:\n{plan.texts[note.path].rstrip()}")
    if is_dry:
        choose_document_format(terminal)
        print_plan(terminal, "init", _join(plan.files), plan.left_out)
        return EXIT_FINDINGS if plan.files or plan.left_out else EXIT_CLEAN
    try:
        chosen = plan.files if is_confirmed else _ask(plan.files)
    except (KeyboardInterrupt, EOFError):
        print_stderr("Stopped: nothing was written.")
        return EXIT_INTERRUPTED
    written = _write(terminal, scan, chosen)
    terminal.print_results("".join(f"{scan.root / path}\n" for path in written))
    terminal.print_message("\n".join(_describe(scan.root, plan, written)))
    return EXIT_FINDINGS if plan.left_out or len(written) < len(chosen) else EXIT_CLEAN


def _join(files: list[_AgentFile]) -> VaultChanges:
    return VaultChanges(
        texts={file.path: (file.old, file.new) for file in files},
        marked=frozenset(file.path for file in files if file.has_mark),
        is_whole=True,
    )


def _write(terminal: Terminal, scan: VaultScan, files: list[_AgentFile]) -> tuple[str, ...]:
    """Write files as one run, and return the paths of those written."""
    if not files:
        return ()
    summary = f"Wrote {format_count(len(files), 'file')} for programs that write notes."
    with hold_write_lock(terminal, scan.root):
        result = apply_plan(scan, _join(files), format_command_line(), summary)
    for note in result.skipped:
        print_stderr(f"{escape_controls(note.path)}: {escape_controls(note.reason)}.")
    if result.skipped:
        print_stderr("Nothing was written.")
    return result.written


def _describe(root: Path, plan: _AgentPlan, written: tuple[str, ...]) -> Iterator[str]:
    """Yield sentences on what was written, and what is still to do."""
    if not plan.files and not plan.left_out:
        yield f"Nothing to write: {', '.join(plan.complete)} are complete."
    if not written:
        return
    option = name_vault(None, root)
    yield f"Wrote {format_count(len(written), 'file')}. `vaultlink undo{option}` reverts it."
    hooks = [hook for hook in PROGRAM_HOOKS if hook.path in written]
    if any(hook.program == "Codex" for hook in hooks):
        yield "Codex runs the hook after you have trusted it once with /hooks."
    if hooks and shutil.which("vaultlink") is None:
        yield "warning: the hooks run `vaultlink`, which is not on your PATH."
    work_tree = find_work_tree(root)
    if work_tree is not None and work_tree != root:
        yield (
            f"Programs find these files if they are started in {escape_controls(str(root))}, "
            f"not in {escape_controls(str(work_tree))}."
        )


def _ask(files: list[_AgentFile]) -> list[_AgentFile]:
    """Return the files that the user wants.

    Raises KeyboardInterrupt and EOFError if the user stops.
    """
    from vaultlink.cli.interactive import KeyReader, ask_for_key  # noqa: PLC0415 - asked rarely
    from vaultlink.report.fix_question import QuestionKey  # noqa: PLC0415 - as above
    from vaultlink.report.layout import PLAIN  # noqa: PLC0415 - as above
    from vaultlink.report.plan_result import render_diff  # noqa: PLC0415 - as above

    keys = (
        QuestionKey("y", "write it"),
        QuestionKey("n", "leave it as it is"),
        QuestionKey("d", "show the change"),
        QuestionKey("a", "write it and all later ones"),
        QuestionKey("q", "write neither this one nor a later one"),
        QuestionKey("?", "show this list"),
    )
    reader, chosen = KeyReader(), list[_AgentFile]()
    for number, file in enumerate(files):
        verb = "Create" if file.old is None else "Add to"
        while (key := ask_for_key(reader, f"{verb} {file.path} ({file.purpose})?", keys)) == "d":
            diff = render_diff(_join([file]).diff_lines(), PLAIN)
            print_stderr("\n".join(map(escape_controls, diff.splitlines())))
        if key == "a":
            return [*chosen, *files[number:]]
        if key == "q":
            break
        chosen += [file] if key == "y" else []
    return chosen


class _LeftOutError(Exception):
    """The reason why a file is left out, as a clause."""


_Change = Callable[[str | None], str | None]
"""Returns the new text of a file; None if it is complete. Raises _LeftOutError."""


def _plan_files(scan: VaultScan, new_settings: str) -> _AgentPlan:
    plan = _AgentPlan([], [], [], {})
    for path in _list_instructions(scan.root):
        _add_file(plan, scan.root, path, "instructions", _append_paragraph)
    for path in _list_skills(scan.root):
        _add_file(plan, scan.root, path, "a skill", _create_skill)
    for hook in PROGRAM_HOOKS:
        if _has_any(scan.root, hook.signs):
            purpose = f"a hook of {hook.program}"
            if not _add_file(plan, scan.root, hook.path, purpose, partial(_add_hook, hook)):
                plan.texts[hook.path] = read_starter(hook.starter)
    _add_settings(plan, scan, new_settings)
    return _drop_unwritable(plan, scan)


def _add_file(plan: _AgentPlan, root: Path, path: str, purpose: str, change: _Change) -> bool:
    """Add a file to the plan; return False if it is left out."""
    try:
        data = _read(root, path)
        mark = BOM_UTF8 if data and data.startswith(BOM_UTF8) else b""
        text = None if data is None else data[len(mark) :].decode()
        new = change(text)
    except (_LeftOutError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        plan.left_out.append(SkippedNote(path, reason))
        return False
    if new is None:
        plan.complete.append(path)
    else:
        plan.files.append(_AgentFile(path, text, new, bool(mark), purpose))
    return True


def _read(root: Path, path: str) -> bytes | None:
    """Return the bytes of a file that no link leads to; None if it does not exist."""
    try:
        return read_regular(root / path, _MAX_BYTES, NO_FOLLOW)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        reason = IS_SYMLINK if (root / path).is_symlink() else describe_os_error(error)
        if isinstance(error, OSError) and error.errno == EFBIG:
            reason = "it is larger than 1 MB"
        raise _LeftOutError(reason) from None


def _list_instructions(root: Path) -> list[str]:
    """Return the files of instructions that get the paragraph.

    Those that import the first one do not need it. A symbolic link to one of the others stands for
    that one.
    """
    first = _INSTRUCTIONS[0]
    found = {first: first}
    for name in _INSTRUCTIONS:
        file = root / name
        real = os.path.realpath(file)
        same = next((other for other in _INSTRUCTIONS if real == str(root / other)), name)
        if name == first or (same == name and os.path.lexists(file) and not _imports_first(file)):
            found[name] = same
    return list(dict.fromkeys(found.values()))


def _list_skills(root: Path) -> list[str]:
    has_claude = _has_any(root, _CLAUDE)
    others = (*_GEMINI, ".agents", ".codex", ".cursor")
    has_others = _has_any(root, others) or not has_claude
    return [_CLAUDE_SKILL] * has_claude + [_COMMON_SKILL] * has_others


def _has_any(root: Path, signs: tuple[str, ...]) -> bool:
    return any(os.path.lexists(root / sign) for sign in signs)


def _imports_first(file: Path) -> bool:
    try:
        return _IMPORT.search(read_regular(file, _MAX_BYTES).decode(errors="replace")) is not None
    except OSError:
        return False


def _append_paragraph(text: str | None) -> str | None:
    paragraph = read_starter("agents.md").join(_MARKS)
    if text is None:
        return paragraph
    if _MARKS[0].strip() in text:
        if paragraph.strip() in text.replace("\r\n", "\n"):
            return None
        raise _LeftOutError("its paragraph has another text; remove it to get the present one")
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else end if text.endswith(end) else end * 2
    new = text + gap + paragraph.replace("\n", end)
    headings = parse_note(_INSTRUCTIONS[0], new).headings
    if not headings or f"## {headings[-1].text}\n" not in paragraph:
        raise _LeftOutError("a code block or comment in it is never closed")
    return new


def _create_skill(text: str | None) -> str | None:
    skill = read_starter("skill.md").replace("{paragraph}", read_starter("agents.md"))
    if text is None:
        return skill
    if text.replace("\r\n", "\n") == skill:
        return None
    raise _LeftOutError("it exists with another text; remove it to get the present one")


def _add_hook(hook: ProgramHook, text: str | None) -> str | None:
    starter = read_starter(hook.starter)
    if text is None or not text.strip():
        return starter
    if _has_guard(text):
        return None
    [(event, [item])] = json.loads(starter)["hooks"].items()
    new = insert_json_item(text, item, ("hooks", event))
    if new is None:
        raise _LeftOutError("vaultlink can't add a hook to this JSON")
    return new


def _has_guard(text: str) -> bool:
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(settings, dict) and "vaultlink guard" in json.dumps(settings.get("hooks"))


def _add_settings(plan: _AgentPlan, scan: VaultScan, new_settings: str) -> None:
    """Add the rules of `agents.toml` to the settings of the vault."""
    path, data, barrier = find_settings_file(scan, "`extend-select`")
    starter = read_starter("agents.toml")
    if barrier:
        plan.left_out.append(SkippedNote(path or "vaultlink.toml", barrier.rstrip(".")))
        plan.texts[path or "vaultlink.toml"] = starter
        return
    if data is None:
        path = "vaultlink.toml"
    if not _add_file(plan, scan.root, path, "rules", partial(_add_rules, path, new_settings)):
        plan.texts[path] = starter


def _add_rules(path: str, new_settings: str, text: str | None) -> str | None:
    starter = read_starter("agents.toml")
    if text is None:
        first, rest = new_settings.split("# Settings", 1)
        return f"{first}{starter}\n# Settings{rest}"
    values, table = tomllib.loads(starter), SETTINGS_TABLES.get(path, ())
    new: str | None = text
    for key, value in values.items():
        if isinstance(value, list) and new is not None:
            new = insert_list_items(new, value, key, table)
        elif new is not None:
            new = insert_value(new, value, key, table)
    if new is None:
        raise _LeftOutError("it has no safe place for the rules")
    return None if new == text else new


def _drop_unwritable(plan: _AgentPlan, scan: VaultScan) -> _AgentPlan:
    """Leave out files that the settings protect, and those that can't be written."""
    has_note = any(map(is_note, scan.listing.files))
    settings = build_linter(scan) if has_note else None
    barriers = find_write_barriers(scan.root, _join(plan.files).writes())
    reasons = {note.path: note.reason for note in barriers}
    for file in plan.files:
        if settings and (protection := settings.find_protection(file.path)):
            reasons[file.path] = protection
    left_out = [SkippedNote(path, reason) for path, reason in sorted(reasons.items())]
    files = [file for file in plan.files if file.path not in reasons]
    return plan._replace(files=files, left_out=[*plan.left_out, *left_out])
