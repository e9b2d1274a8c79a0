"""Read which files a line of a shell removes, moves or writes.

Nothing is run. What depends on variables, on the output of programs or on commands that are not
known here yields nothing: only what is certain is returned.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from fnmatch import fnmatchcase
from itertools import dropwhile, islice, takewhile
from typing import NamedTuple

from vaultlink.serve.shell_words import (
    ASSIGNMENT,
    MAX_FILES,
    UNKNOWN,
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

_MAX_COMMANDS = 20_000
"""Commands that a line may run, with those of loops and of other shells."""

_MAX_NESTING = 5
"""Shells that may start each other."""


def read_shell_line(line: str, cwd: str) -> list[FileAction]:
    """Return what a line of a shell, which may have several lines, does with files.

    It runs in the folder at the absolute path `cwd`. The actions have their order.
    """
    reader = _Reader(cwd)
    if len(line) <= _MAX_LINE and "\0" not in line and UNKNOWN not in line:
        reader.read(line)
    return reader.actions


def read_shell_words(words: Sequence[str], cwd: str) -> list[FileAction]:
    """Return what a command does with files, given as its words after all expansions."""
    reader = _Reader(cwd)
    reader.execute(words, ())
    return reader.actions


# -- commands --------------------------------------------------------------------------------------

_RESERVED = frozenset({"{", "}", "!", "if", "then", "else", "elif", "fi", "do", "done", "while"})
_WRAPPERS = {
    "builtin": "",
    "command": "",
    "doas": "uC",
    "env": "uCS",
    "exec": "a",
    "ionice": "cnp",
    "nice": "n",
    "nohup": "",
    "setsid": "",
    "stdbuf": "ioe",
    "sudo": "ugpCrtTUDhR",
    "time": "fo",
    "timeout": "ks",
    "busybox": "",
    "toybox": "",
}
"""Commands that run the command behind them, and their short options with a value."""

_SETTING = frozenset({"declare", "export", "local", "read", "readonly", "typeset", "unset"})
"""Commands that set variables."""

_IN_LIST = frozenset({"&&", "||", "|", "|&"})
"""Operators that do not end a list of commands."""

_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "ash"})


class _Output(NamedTuple):
    """A file to which the output of a command goes."""

    word: str
    is_appended: bool

    def make_edit(self, text: str) -> Edit | None:
        """Return a function that writes a text; None if that is not known."""
        if not text or UNKNOWN in text:
            return None
        return (lambda old: f"{old}{text}") if self.is_appended else (lambda _old: text)


class _Command(NamedTuple):
    """A command up to an operator.

    `assigned` are the variables set before its words, and `here` is the text of its here document,
    "" without one.
    """

    words: list[str]
    assigned: list[str]
    outputs: list[_Output]
    here: str
    operator: str


def _split_commands(line: str) -> Iterator[_Command]:
    """Yield the commands of a line, up to what is not understood."""
    words, assigned, outputs = list[str](), list[str](), list[_Output]()
    here, redirection, has_here = "", "", False
    with suppress(NotUnderstoodError):
        for kind, text in split_tokens(line):
            if kind is TokenKind.HERE_TEXT:
                here = text if has_here else ""
            elif kind is TokenKind.REDIRECTION:
                redirection = text
                has_here |= "<<" in text
            elif kind is TokenKind.OPERATOR:
                yield _Command(words, assigned, outputs, here, text)
                words, assigned, outputs, here, has_here = [], [], [], "", False
            elif redirection:
                if ">" in redirection and not redirection.endswith("&"):
                    outputs.append(_Output(text, is_appended=">>" in redirection))
                redirection = ""
            elif _RESERVED.issuperset(words) and (found := ASSIGNMENT.match(text)):
                assigned.append(found[1])
            else:
                words.append(text)


class _Reader:
    """Collects the actions of the commands of a line, in one folder after the other."""

    def __init__(self, cwd: str | None, outer: "_Reader | None" = None):
        self.actions = list[FileAction]()
        self.cwd = cwd
        self._nesting: int = outer._nesting + 1 if outer else 0
        self._left: Iterator[int] = outer._left if outer else iter(range(_MAX_COMMANDS))
        self._made = set[str]()
        self._values = dict[str, str]()

    # -- lines: which commands run, and in which folder

    def read(self, line: str) -> None:
        """Read a line; stop at what is not understood."""
        with suppress(NotUnderstoodError):
            self._read_commands(list(_split_commands(f"{line}\n")))

    def _read_commands(self, commands: "Sequence[_Command]") -> None:
        folders, names, start, number = list[str | None](), None, self.cwd, 0
        while number < len(commands):
            command = commands[number]
            if command.words[:1] == ["for"]:
                number = self._read_loop(commands, number)
                continue
            number += 1
            names = self._read_command(command, names)
            if command.operator == "&":
                self.cwd = start  # a list in the background has a shell of its own
            self._change_scope(command.operator, folders)
            start = start if command.operator in _IN_LIST else self.cwd

    def _read_loop(self, commands: "Sequence[_Command]", number: int) -> int:
        """Read a loop once for each of its words; return the number behind it."""
        header, depth, end = commands[number], 0, number + 1
        while end < len(commands):
            depth += (commands[end].words[:1] == ["do"]) - (commands[end].words[:1] == ["done"])
            if depth <= 0 and commands[end].words:
                break
            end += 1
        _for, name, *words = [*header.words, "", ""]
        items = [item for word in words[1:-2] for item in self._expand(word)]
        for item in items if words[:1] == ["in"] else [None]:
            self._set_variable(name, item)
            self._read_commands(commands[number + 1 : end])
        self._set_variable(name, None)
        return end

    def _set_variable(self, name: str, value: str | None) -> None:
        self._values.pop(name, None)
        if value is not None:
            self._values[name] = value

    def _expand(self, word: str) -> list[str | None]:
        return expand_word(word, self.cwd, self._values)

    def _change_scope(self, operator: str, folders: list[str | None]) -> None:
        if operator == "(":
            folders.append(self.cwd)
        elif operator == ")":
            if not folders:  # a pattern of `case`
                raise NotUnderstoodError
            self.cwd = folders.pop()

    def _read_command(
        self, command: "_Command", names: Sequence[str] | None
    ) -> Sequence[str] | None:
        """Read a whole command; return the names that it prints, if a pipe reads them."""
        if next(self._left, None) is None:
            raise NotUnderstoodError
        cwd, is_piped = self.cwd, command.operator in ("|", "|&")
        expanded = [item for word in command.words for item in self._expand(word)]
        for output in command.outputs:
            edit = output.make_edit(command.here) if expanded == ["cat"] else None
            self._write(filter(None, self._expand(output.word)), edit)
        for assigned in command.assigned:
            self._set_variable(assigned, None)
        self.execute(expanded, names or (), command.here)
        if is_piped or names is not None:
            self.cwd = cwd  # each command of a pipe has a shell of its own
        return self._list_printed(expanded) if is_piped else None

    # -- commands

    def execute(
        self, words: Sequence[str | None], names: Sequence[str] = (), here: str = ""
    ) -> None:
        """Read a command, given as its words; `names` are the lines of its input."""
        words = _strip_wrappers(words)
        if not words or words[0] is None:
            return
        name, rest = os.path.basename(words[0]), words[1:]
        if {"--help", "--version"} & set(rest):
            return
        if name in _SETTING:
            self._values.clear()
        elif name in _SHELLS:
            self._start_shell(rest)
        elif name == "eval" and None not in rest:
            self._read_nested(" ".join(filter(None, rest)), keeps_folder=True)
        elif name == "xargs":
            self._run_for_names(rest, names)
        elif name == "apply_patch":
            self.actions += read_patch(here or next(filter(None, rest), ""), self.cwd or "")
        elif command := _COMMANDS.get(name):
            command(self, rest)

    def _start_shell(self, words: Sequence[str | None]) -> None:
        for number, word in enumerate(words):
            if word is None or not word.startswith("-"):
                return
            if not word.startswith("--") and "c" in word:
                script = next(iter(words[number + 1 :]), None)
                self._read_nested(script or "", keeps_folder=False)
                return

    def _read_nested(self, line: str, *, keeps_folder: bool) -> None:
        if self._nesting >= _MAX_NESTING:
            return
        nested = _Reader(self.cwd, self)
        nested.read(line)
        self.actions += nested.actions
        if keeps_folder:
            self.cwd = nested.cwd

    def _run_for_names(self, words: Sequence[str | None], names: Sequence[str]) -> None:
        options = dict[str, str]()
        rest = list(words)
        while rest and (word := rest[0]) and word.startswith("-"):
            del rest[0]
            letter = word[1:2]
            options[letter] = word[2:]
            if letter in "InLPsdE" and not word[2:] and rest:
                options[letter] = rest.pop(0) or ""
        if "0" not in options:
            if any(re.search(r"['\"\\]", name) for name in names):
                return  # quotes that xargs reads
            words_of_names = names if "I" in options else " ".join(names).split()
            names = [name.strip() for name in words_of_names]
        if not names:
            return
        if mark := options.get("I"):
            for name in names:
                self.execute([word and word.replace(mark, name) for word in rest])
        else:
            self.execute([*rest, *names])

    def _list_printed(self, words: Sequence[str | None]) -> list[str]:
        """Return the names that a command prints, one in a line."""
        words = _strip_wrappers(words)
        known = [word for word in words if word is not None]
        if not words or len(known) < len(words):
            return []
        name = os.path.basename(known[0])
        if name == "find":
            return self._find(known[1:], runs=False)
        if name == "printf":
            return known[2:]
        if name == "ls":
            return [word for word in known[1:] if not word.startswith("-") and self._is_file(word)]
        return [" ".join(known[1:])] if name == "echo" else []

    # -- folders

    def change_folder(self, words: Sequence[str | None]) -> None:
        known = list(dropwhile(lambda word: word and re.match(r"-\w", word), words))
        target = known[0] if known else os.path.expanduser("~")
        path = None if target in (None, "-") or len(known) > 1 else self._join(target or "")
        self.cwd = path if path and (os.path.isdir(path) or path in self._made) else None

    def leave_folder(self, _words: Sequence[str | None]) -> None:
        self.cwd = None

    def make_folders(self, words: Sequence[str | None]) -> None:
        self._made.update(filter(None, map(self._join, parse_words(words, "m").operands)))

    def _join(self, word: str) -> str | None:
        """Return the absolute path of a word; None if the current folder is not known."""
        if not word or (self.cwd is None and not os.path.isabs(word)):
            return None
        return os.path.abspath(os.path.join(self.cwd or "", word))  # keeps symbolic links

    def _is_file(self, word: str) -> bool:
        return os.path.isfile(self._join(word) or "")

    def _is_folder(self, word: str) -> bool:
        path = self._join(word) or ""
        is_link = os.path.islink(path) and not word.endswith("/")
        return path in self._made or (os.path.isdir(path) and not is_link)

    # -- removals, moves and writes

    def remove(self, words: Sequence[str | None]) -> None:
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

    def move(self, words: Sequence[str | None]) -> None:
        if None not in words:
            options, operands = parse_words(words, "tS")
            for source, target in self._pair(options, operands):
                keeps = "n" in options or "no-clobber" in options
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

    def copy(self, words: Sequence[str | None]) -> None:
        if None not in words:
            options, operands = parse_words(words, "tS")
            self._write(target for _source, target in self._pair(options, operands))

    def tee(self, words: Sequence[str | None]) -> None:
        self._write(parse_words(words).operands)

    def edit_stream(self, words: Sequence[str | None]) -> None:
        """Read `sed -i`, with the script in an option or as the first operand."""
        if any(word and re.match(r"-\w*i|--in-place", word) for word in words):
            options, operands = parse_words(words, "efl")
            has_script = not options.keys().isdisjoint(("e", "f", "expression", "file"))
            self._write(word for word in operands[not has_script :] if self._is_file(word))

    # -- git and find

    def git(self, words: Sequence[str | None]) -> None:
        rest, cwd = list(words), self.cwd
        while rest and (word := rest.pop(0)):
            if word == "-C" and rest:
                self.cwd = self._join(rest.pop(0) or "")
            elif word in ("-c", "--exec-path") and rest:
                del rest[0]
            elif word.startswith(("--git-dir", "--work-tree")):
                break
            elif not word.startswith("-"):
                self._run_git(word, rest)
                break
        self.cwd = cwd

    def _run_git(self, name: str, words: Sequence[str | None]) -> None:
        options, operands = parse_words(words)
        if {"n", "dry-run", "cached", "pathspec-from-file"} & options.keys() or None in words:
            return
        if name == "mv":
            for source, target in self._pair({}, operands):
                self._add(ActionKind.MOVE, source, target)
        elif name == "rm":
            found = [path for word in operands for path in self._match_files(word)]
            self.remove(["-r"] * ("r" in options) + ["--", *found])

    def _match_files(self, word: str) -> Iterator[str]:
        """Yield the files of a path or a pattern of git, whose `*` matches slashes."""
        if word.startswith(":") or self.cwd is None:
            return
        if not re.search(r"[*?\[]", word) or os.path.lexists(self._join(word) or ""):
            yield word
            return
        for path, _is_folder in islice(_walk(self.cwd), MAX_FILES):
            if fnmatchcase(path, word) or fnmatchcase(path, f"{word}/*"):
                yield path

    def find(self, words: Sequence[str | None]) -> None:
        known = [word for word in words if word is not None]
        if len(known) == len(words):
            self._find(known, runs=True)

    def _find(self, words: Sequence[str], *, runs: bool) -> list[str]:
        """Return the paths that `find` prints; if it `runs`, read what it does."""
        starts, expression = _split_find(words)
        tests = list[_Test]()
        while expression:
            name = expression.pop(0)
            if name in ("-delete", "-exec"):
                command = _cut_command(expression) if name == "-exec" else None
                if not runs or command == []:
                    return []
                found = self._list_found(starts, tests)
                self._run_found(found, command)
            elif name in _TESTS and expression:
                tests.append((_TESTS[name], expression.pop(0)))
            elif name not in ("-print", "-print0", "-depth", "-xdev", "-mount"):
                return []
        return [] if runs else self._list_found(starts, tests)

    def _run_found(self, found: Sequence[str], command: Sequence[str] | None) -> None:
        if command is None:
            self.remove(["-r", "--", *found])
        elif "{}" in command and command[-1] == "{}":
            self.execute([*command[:-1], *found])
        else:
            for path in found:
                self.execute([word.replace("{}", path) for word in command])

    def _list_found(self, starts: Sequence[str], tests: "Sequence[_Test]") -> list[str]:
        paths = list[str]()
        for start in starts:
            folder = self._join(start)
            for path, is_folder in islice(_walk(folder) if folder else (), MAX_FILES):
                if all(test(path, start, value, is_folder) for test, value in tests):
                    paths.append(os.path.join(start, path))
        return paths


_Test = tuple[Callable[[str, str, str, bool], bool], str]


def _has_name(path: str, _start: str, value: str, _is_folder: bool) -> bool:
    return fnmatchcase(path.rpartition("/")[2], value)


_TESTS: dict[str, Callable[[str, str, str, bool], bool]] = {
    "-name": _has_name,
    "-iname": lambda path, start, value, is_folder: _has_name(
        path.lower(), start, value.lower(), is_folder
    ),
    "-path": lambda path, start, value, _: fnmatchcase(os.path.join(start, path), value),
    "-type": lambda _path, _start, value, is_folder: value == ("d" if is_folder else "f"),
    "-maxdepth": lambda path, _start, value, _: path.count("/") < _to_number(value),
    "-mindepth": lambda path, _start, value, _: path.count("/") + 1 >= _to_number(value),
}


def _to_number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def _split_find(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the folders in which `find` begins, and its expression."""
    starts = list(takewhile(lambda word: not word.startswith(("-", "(", "!")), words))
    return starts or ["."], list(words[len(starts) :])


def _cut_command(expression: list[str]) -> list[str]:
    """Cut the command of `-exec` from an expression; return [] without an end."""
    for number, word in enumerate(expression):
        if word in (";", "+"):
            command = expression[:number]
            del expression[: number + 1]
            return command
    return []


def _walk(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the paths below a folder, relative to it, and True for folders."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        prefix = place[len(folder) :].lstrip("/")
        prefix = f"{prefix}/" if prefix else ""
        yield from ((f"{prefix}{name}", True) for name in folders)
        yield from ((f"{prefix}{name}", False) for name in sorted(files))


def _strip_wrappers(words: Sequence[str | None]) -> Sequence[str | None]:
    """Return a command without reserved words, assignments, and commands that run it."""
    rest = list(words)
    while rest and (word := rest[0]):
        name = os.path.basename(word)
        if word in _RESERVED or ASSIGNMENT.match(word):
            del rest[0]
        elif name in _WRAPPERS:
            del rest[0]
            if name == "command" and rest[:1] in (["-v"], ["-V"]):
                return []  # only asks which command there is
            _drop_options(rest, _WRAPPERS[name])
            if name == "timeout" and rest:
                del rest[0]
        else:
            break
    return rest


def _drop_options(words: list[str | None], with_value: str) -> None:
    while words and (word := words[0]) and word.startswith("-"):
        del words[0]
        if word == "--":
            return
        if len(word) == 2 and word[1] in with_value and words:
            del words[0]


_COMMANDS: dict[str, Callable[[_Reader, Sequence[str | None]], None]] = {
    "cd": _Reader.change_folder,
    "chdir": _Reader.change_folder,
    "pushd": _Reader.change_folder,
    "popd": _Reader.leave_folder,
    "mkdir": _Reader.make_folders,
    "rm": _Reader.remove,
    "unlink": _Reader.remove,
    "mv": _Reader.move,
    "cp": _Reader.copy,
    "tee": _Reader.tee,
    "sed": _Reader.edit_stream,
    "git": _Reader.git,
    "find": _Reader.find,
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
