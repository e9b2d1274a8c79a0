"""Read which files a line of a shell removes, moves or writes.

Nothing is run. Only simple commands are read: literal words with quotes and patterns, joined by
`&&`, `||`, `;`, `|` and line ends. At anything else, reading ends: only what is certain is
returned.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from vaultlink.serve.shell_words import (
    NotUnderstoodError,
    TokenKind,
    expand_word,
    parse_words,
    split_tokens,
)


class ActionKind(Enum):
    """A kind of change of a file."""

    REMOVE = "remove"
    MOVE = "move"
    WRITE = "write"


Edit = Callable[[str], str | None]
"""Makes the new text of a file from its old one; it returns None if the tool will fail."""


class FileAction(NamedTuple):
    """A change that a tool is about to make of a file or folder, as absolute paths.

    `to` is the new path of what is moved. `edit` makes the new text of a written file; the old one
    of a new file is "". Without `edit`, the new text is not known.
    """

    kind: ActionKind
    path: str
    to: str = ""
    edit: Edit | None = None


_MAX_LINE = 200_000
"""Characters of the longest line that is read."""


def read_shell_line(line: str, cwd: str) -> list[FileAction]:
    """Return what a line of a shell, which may have several lines, does with files.

    It runs in the folder at the absolute path `cwd`. The actions have their order.
    """
    reader = _Reader(cwd)
    if len(line) <= _MAX_LINE and "\0" not in line:
        with suppress(NotUnderstoodError):
            reader.read(line)
    return reader.actions


def read_shell_words(words: Sequence[str], cwd: str) -> list[FileAction]:
    """Return what a command does with files, given as its words after all expansions."""
    reader = _Reader(cwd)
    with suppress(NotUnderstoodError):
        reader.execute(words)
    return reader.actions


# -- commands --------------------------------------------------------------------------------------

_NOT_READ = frozenset(
    {
        *("!", "[[", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for"),
        *("function", "if", "select", "then", "time", "until", "while", "}"),
        *(".", "builtin", "chdir", "command", "eval", "exec", "exit", "popd", "pushd", "source"),
    }
)
"""Words that begin other things than simple commands, or decide what runs behind them and where."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "ash"})


class _Output(NamedTuple):
    """A file to which the output of a command goes."""

    word: str
    is_appended: bool

    def make_edit(self, text: str) -> Edit | None:
        """Return a function that writes a text; None if that is not known."""
        if not text:
            return None
        return (lambda old: f"{old}{text}") if self.is_appended else (lambda _old: text)


class _Command(NamedTuple):
    """A command up to an operator. `here` is the text of its here document, "" if not known."""

    words: list[str]
    outputs: list[_Output]
    here: str
    operator: str


def _split_commands(line: str) -> Iterator[_Command]:
    """Yield the commands of a line. Raises NotUnderstoodError."""
    words, outputs = list[str](), list[_Output]()
    here, redirection, has_here = "", "", False
    for kind, text in split_tokens(line):
        if kind is TokenKind.HERE_TEXT:
            here = text if has_here else ""
        elif kind is TokenKind.REDIRECTION:
            redirection = text
            has_here |= "<<" in text
        elif kind is TokenKind.OPERATOR:
            if words or outputs:
                yield _Command(words, outputs, here, text)
            words, outputs, here, has_here = [], [], "", False
        elif redirection:
            if ">" in redirection and not redirection.endswith("&"):
                outputs.append(_Output(text, is_appended=">>" in redirection))
            redirection = ""
        else:
            words.append(text)


class _Reader:
    """Collects the actions of the commands of a line, in one folder after the other."""

    def __init__(self, cwd: str):
        self.actions = list[FileAction]()
        self.cwd = cwd
        self._made = set[str]()

    def read(self, line: str) -> None:
        """Read a line. Raises NotUnderstoodError."""
        was_piped = False
        for command in _split_commands(f"{line}\n"):
            cwd, is_piped = self.cwd, command.operator == "|"
            self._read_command(command)
            if was_piped or is_piped:
                self.cwd = cwd  # each command of a pipe has a shell of its own
            was_piped = is_piped

    def _read_command(self, command: _Command) -> None:
        expanded = [item for word in command.words for item in expand_word(word, self.cwd)]
        for output in command.outputs:
            edit = output.make_edit(command.here) if expanded == ["cat"] else None
            self._write(expand_word(output.word, self.cwd), edit)
        self.execute(expanded, command.here)

    def execute(self, words: Sequence[str], here: str = "") -> None:
        """Read a command, given as its words. Raises NotUnderstoodError."""
        if not words:
            return
        if words[0] in _NOT_READ or _ASSIGNMENT.match(words[0]):
            raise NotUnderstoodError
        name, rest = os.path.basename(words[0]), words[1:]
        if {"--help", "--version"} & set(rest):
            return
        if name in _SHELLS and len(rest) == 2 and rest[0] in ("-c", "-lc"):
            self.actions += read_shell_line(rest[1], self.cwd)
        elif name == "apply_patch":
            self.actions += read_patch(here or next(iter(rest), ""), self.cwd)
        elif command := _COMMANDS.get(name):
            command(self, rest)

    # -- folders

    def change_folder(self, words: Sequence[str]) -> None:
        path = self._join(words[0] if words else os.path.expanduser("~"))
        is_known = path is not None and (os.path.isdir(path) or path in self._made)
        if path is None or not is_known or len(words) > 1 or words[:1] == ["-"]:
            raise NotUnderstoodError
        self.cwd = path

    def make_folders(self, words: Sequence[str]) -> None:
        self._made.update(filter(None, map(self._join, parse_words(words, "m").operands)))

    def _join(self, word: str) -> str | None:
        """Return the absolute path of a word; None for an empty one."""
        return os.path.abspath(os.path.join(self.cwd, word)) if word else None  # keeps links

    def _is_file(self, word: str) -> bool:
        return os.path.isfile(self._join(word) or "")

    def _is_folder(self, word: str) -> bool:
        path = self._join(word) or ""
        is_link = os.path.islink(path) and not word.endswith("/")
        return path in self._made or (os.path.isdir(path) and not is_link)

    # -- removals, moves and writes

    def remove(self, words: Sequence[str]) -> None:
        options, operands = parse_words(words)
        is_deep = not options.keys().isdisjoint(("r", "R", "recursive"))
        for word in operands:
            if is_deep or not self._is_folder(word):
                self._add(ActionKind.REMOVE, word)

    def _add(self, kind: ActionKind, word: str, to: str = "", edit: Edit | None = None) -> None:
        path, target = self._join(word), self._join(to) if to else ""
        if path is not None and target is not None:
            self.actions.append(FileAction(kind, path, target, edit))

    def _write(self, words: Iterable[str], edit: Edit | None = None) -> None:
        for word in words:
            self._add(ActionKind.WRITE, word, edit=edit)

    def move(self, words: Sequence[str]) -> None:
        options, operands = parse_words(words, "tS")
        keeps = "n" in options or "no-clobber" in options
        for source, target in self._pair(options, operands):
            if not (keeps and os.path.lexists(self._join(target) or "")):
                self._add(ActionKind.MOVE, source, target)

    def _pair(self, options: Mapping[str, str], operands: list[str]) -> Iterator[tuple[str, str]]:
        """Yield the sources of a move or copy with the paths to which they go."""
        folder = options.get("t") or options.get("target-directory")
        if folder is None and len(operands) < 2:
            return
        *sources, target = [*operands, folder] if folder else operands
        is_into = bool(folder) or len(sources) > 1 or target.endswith("/")
        if "T" not in options and (is_into or os.path.isdir(self._join(target) or "")):
            is_into = True
        is_into = is_into or (self._join(target) or "") in self._made
        for source in sources:
            name = os.path.basename(source.rstrip("/"))
            yield source, os.path.join(target, name) if is_into else target

    def copy(self, words: Sequence[str]) -> None:
        options, operands = parse_words(words, "tS")
        self._write(target for _source, target in self._pair(options, operands))

    def tee(self, words: Sequence[str]) -> None:
        self._write(parse_words(words).operands)

    def edit_stream(self, words: Sequence[str]) -> None:
        """Read `sed -i`, with the script in an option or as the first operand."""
        if any(re.match(r"-\w*i|--in-place", word) for word in words):
            options, operands = parse_words(words, "efl")
            has_script = not options.keys().isdisjoint(("e", "f", "expression", "file"))
            self._write(word for word in operands[not has_script :] if self._is_file(word))

    # -- git

    def git(self, words: Sequence[str]) -> None:
        cwd = self.cwd
        if words[:1] == ["-C"] and len(words) > 1:
            self.cwd, words = self._join(words[1]) or cwd, words[2:]
        if words:
            self._run_git(words[0], words[1:])
        self.cwd = cwd

    def _run_git(self, name: str, words: Sequence[str]) -> None:
        options, operands = parse_words(words)
        has_magic = any(word.startswith(":") for word in operands)
        if has_magic or {"n", "dry-run", "cached", "pathspec-from-file"} & options.keys():
            return
        if name == "mv":
            for source, target in self._pair({}, operands):
                self._add(ActionKind.MOVE, source, target)
        elif name == "rm":
            self.remove(["-r"] * ("r" in options) + ["--", *operands])


_COMMANDS: dict[str, Callable[[_Reader, Sequence[str]], None]] = {
    "cd": _Reader.change_folder,
    "mkdir": _Reader.make_folders,
    "rm": _Reader.remove,
    "unlink": _Reader.remove,
    "mv": _Reader.move,
    "cp": _Reader.copy,
    "tee": _Reader.tee,
    "sed": _Reader.edit_stream,
    "git": _Reader.git,
}


# -- patches of Codex ------------------------------------------------------------------------------

_PATCH_LINE = re.compile(r"\*\*\* (Add File|Delete File|Update File|Move to): (.*)")


def read_patch(patch: str, cwd: str) -> list[FileAction]:
    """Return what a patch in the form of Codex does with files, in order.

    It is the text from `*** Begin Patch` to `*** End Patch`, with paths relative to `cwd`.
    """
    actions, lines = list[FileAction](), patch.splitlines()
    for number, line in enumerate(lines):
        found = _PATCH_LINE.fullmatch(line.rstrip())
        if found is None or "\0" in line or not cwd:
            continue
        path = os.path.abspath(os.path.join(cwd, found[2].strip()))
        if found[1] == "Delete File":
            actions.append(FileAction(ActionKind.REMOVE, path))
        elif found[1] == "Move to" and actions:
            actions[-1:] = [FileAction(ActionKind.MOVE, actions[-1].path, path, actions[-1].edit)]
        elif found[1] != "Move to":
            body = _cut_body(lines, number + 1)
            edit = _make_patch(body) if found[1] == "Update File" else _make_new_text(body)
            actions.append(FileAction(ActionKind.WRITE, path, edit=edit))
    return actions


def normalize_line_ends(text: str) -> str:
    """Return a text with line feeds alone, as tools compare texts."""
    return text.replace("\r\n", "\n")


def _cut_body(lines: Sequence[str], start: int) -> list[str]:
    """Return the lines of a patch from a line up to the next file."""
    body = list[str]()
    for line in lines[start:]:
        if line.startswith("*** ") and not line.startswith(("*** Move to:", "*** End of File")):
            break
        if not line.startswith("*** "):
            body.append(line)
    return body


def _make_new_text(body: Sequence[str]) -> Edit:
    text = "".join(f"{line[1:]}\n" for line in body if line.startswith("+"))
    return lambda _old: text


def _make_patch(body: Sequence[str]) -> Edit:
    """Return a function that applies hunks, or returns None if one does not fit."""

    def apply(text: str) -> str | None:
        lines, place = normalize_line_ends(text).split("\n"), 0
        for anchor, old, new in _split_hunks(body):
            if anchor:
                if anchor not in lines[place:]:
                    return None
                place = lines.index(anchor, place) + 1
            ends = range(place, len(lines) - len(old) + 1)
            found = next((at for at in ends if lines[at : at + len(old)] == old), None)
            if found is None:
                return None
            lines[found : found + len(old)] = new
            place = found + len(new)
        return "\n".join(lines)

    return apply


def _split_hunks(body: Sequence[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield the anchor, the old and the new lines of each hunk."""
    anchor, old, new = "", list[str](), list[str]()
    for line in [*body, "@@"]:
        if line.startswith("@@"):
            if old or new:
                yield anchor, old, new
            anchor, old, new = line[2:].strip(), [], []
            continue
        sign, text = line[:1], line[1:]
        old += [text] if sign != "+" else []
        new += [text] if sign != "-" else []
