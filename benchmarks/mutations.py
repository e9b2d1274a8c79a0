"""Make mutants of Python code: the same code with one small edit inside a function."""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Mutant(NamedTuple):
    """An edit of a file; offsets count bytes from 0, lines from 1."""

    file: str
    start: int
    end: int
    new: bytes
    line: int
    statement: int
    """The first line of the statement; what runs the one runs the other."""

    before: str
    after: str

    def apply(self, data: bytes) -> bytes:
        """Return the mutated code; all other lines keep their numbers."""
        breaks = data.count(b"\n", self.start, self.end) - self.new.count(b"\n")
        rest = data[self.end :].partition(b"\n")
        return data[: self.start] + self.new + rest[0] + b"\n" * breaks + b"".join(rest[1:])


OPPOSITES: dict[type[ast.AST], tuple[str, bytes]] = {
    ast.Lt: (r"<", b"<="),
    ast.LtE: (r"<=", b"<"),
    ast.Gt: (r">", b">="),
    ast.GtE: (r">=", b">"),
    ast.Eq: (r"==", b"!="),
    ast.NotEq: (r"!=", b"=="),
    ast.Is: (r"\bis\b", b"is not"),
    ast.IsNot: (r"\bis\s+not\b", b"is"),
    ast.In: (r"\bin\b", b"not in"),
    ast.NotIn: (r"\bnot\s+in\b", b"in"),
    ast.And: (r"\band\b", b"or"),
    ast.Or: (r"\bor\b", b"and"),
    ast.Add: (r"\+", b"-"),
    ast.Sub: (r"-", b"+"),
}
"""The text of each operator, and of the one that replaces it."""

COMMENT = re.compile(rb"#.*")
WORD = re.compile(r"\S{1,30}")
"""Constants of one word are keys and separators; others are messages, whose words may be open."""

FOR_TYPES = frozenset({"annotation", "returns", "decorator_list", "args", "type_params"})
"""Parts of functions and assignments that run at import, or never."""

Edit = tuple[int, int, bytes]


class _Finder:
    """Find the mutants of a file."""

    def __init__(self, file: str, data: bytes) -> None:
        self.file, self.data, self.lines = file, data, data.split(b"\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def find(self) -> Iterator[Mutant]:
        """Yield the mutants of all functions, from the top down."""
        outer = ast.parse(self.data)
        functions = [node for node in ast.walk(outer) if isinstance(node, ast.FunctionDef)]
        inner = {child for node in functions for child in ast.walk(node) if child is not node}
        for function in functions:
            if function not in inner:
                for statement in function.body:
                    yield from self.visit(statement, statement.lineno)

    def visit(self, node: ast.AST, statement: int) -> Iterator[Mutant]:
        """Yield the mutants of a node and of all below it."""
        if _is_skipped(node):
            return
        if isinstance(node, ast.stmt):
            statement = node.lineno
        for start, end, new in self.edit(node):
            yield self.make(start, end, new, statement)
        for name, value in ast.iter_fields(node):
            if name in FOR_TYPES and not isinstance(node, ast.Call):
                continue
            children = value if isinstance(value, list) else [value]
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast" and name == "args":
                children = children[1:]
            for child in children:
                if isinstance(child, ast.AST):
                    yield from self.visit(child, statement)

    def edit(self, node: ast.AST) -> Iterator[Edit]:
        """Yield the edits of one node."""
        if isinstance(node, ast.Compare):
            yield from self.replace([node.left, *node.comparators], node.ops)
        elif isinstance(node, ast.BoolOp):
            yield from self.replace(node.values, [node.op] * len(node.values))
        elif isinstance(node, ast.BinOp) and (_counts(node.left) or _counts(node.right)):
            yield from self.replace([node.left, node.right], [node.op])
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self.begin(node), self.begin(node) + len("not "), b""
        elif isinstance(node, ast.Slice):
            for bound in (node.lower, node.upper):
                if bound and not isinstance(bound, ast.Constant | ast.UnaryOp):
                    yield self.finish(bound), self.finish(bound), b" + 1"
        elif isinstance(node, ast.expr | ast.stmt):
            yield from self.overwrite(node)

    def overwrite(self, node: ast.expr | ast.stmt) -> Iterator[Edit]:
        """Yield the edit that writes something else for a constant, a result or a statement."""
        if isinstance(node, ast.Constant):
            new = _change_constant(node.value)
            if new:
                yield self.begin(node), self.finish(node), new
        elif isinstance(node, ast.Return):
            if node.value and not isinstance(node.value, ast.Constant):
                yield self.begin(node.value), self.finish(node.value), b"None"
        elif _can_be_deleted(node):
            yield self.begin(node), self.finish(node), b"pass"

    def replace(self, values: Sequence[ast.expr], operators: Sequence[ast.AST]) -> Iterator[Edit]:
        """Yield one edit for each operator between two values that has an opposite."""
        for left, right, operator in zip(values, values[1:], operators, strict=False):
            pattern, new = OPPOSITES.get(type(operator), ("", b""))
            start = self.finish(left)
            gap = COMMENT.sub(lambda m: b" " * len(m[0]), self.data[start : self.begin(right)])
            found = re.search(pattern.encode(), gap) if new else None
            if found:
                yield start + found.start(), start + found.end(), new

    def make(self, start: int, end: int, new: bytes, statement: int) -> Mutant:
        """Return the mutant that replaces a range of bytes."""
        line = self.data.count(b"\n", 0, start) + 1
        mutant = Mutant(self.file, start, end, new, line, statement, "", "")
        before, after = self.lines[line - 1], mutant.apply(self.data).split(b"\n")[line - 1]
        return mutant._replace(before=before.decode().strip(), after=after.decode().strip())

    def begin(self, node: ast.expr | ast.stmt) -> int:
        """Return the offset at which a node begins."""
        return self.starts[node.lineno - 1] + node.col_offset

    def finish(self, node: ast.expr | ast.stmt) -> int:
        """Return the offset at which a node ends."""
        return self.starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)


def find_mutants(file: str, data: bytes) -> list[Mutant]:
    """Return all mutants of the functions of a file.

    Left out are what runs at import or never, docstrings, formatted strings, messages, assertions.
    """
    return list(_Finder(file, data).find())


def _is_skipped(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Raise) and node.exc:
        return "AssertionError" in ast.unparse(node.exc)
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom)


def _counts(node: ast.expr) -> bool:
    is_number = isinstance(node, ast.Constant) and isinstance(node.value, int)
    return is_number or (isinstance(node, ast.Call) and ast.unparse(node.func) == "len")


def _change_constant(value: object) -> bytes:
    if isinstance(value, bool):
        return str(not value).encode()
    if isinstance(value, int):
        return str(value + 1).encode()
    if isinstance(value, str) and WORD.fullmatch(value):
        return b'""'
    return b'b""' if isinstance(value, bytes) and 0 < len(value) < 30 else b""


def _can_be_deleted(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(each, ast.Attribute | ast.Subscript) for each in node.targets)
    if isinstance(node, ast.Expr):
        return "assert_never" not in ast.unparse(node)
    return isinstance(node, ast.AugAssign | ast.Continue | ast.Break | ast.Raise | ast.Delete)
