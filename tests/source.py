"""The source of vaultlink as syntax trees, for the tests of house rules."""

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vaultlink"
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Documented = ast.Module | Definition
_NAMED_MODULE = re.compile(r"vaultlink\.(\w+(?:\.\w+)*)(?::\w+)?")
"""The name of a module in a string, alone or as in `module:function`."""


@dataclass(frozen=True)
class Module:
    """A module of vaultlink. Lines are counted from 1."""

    path: Path

    @property
    def name(self) -> str:
        """The path below the package, such as `cli/options.py`."""
        return self.path.relative_to(SOURCE).as_posix()

    @property
    def dotted_name(self) -> str:
        """The name in import statements."""
        parts = self.path.relative_to(SOURCE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def stem(self) -> str:
        """The last part of the name in import statements."""
        return self.dotted_name.rpartition(".")[2]

    @cached_property
    def text(self) -> str:
        """The source."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    def functions(self) -> Iterator[ast.FunctionDef]:
        """All functions and methods."""
        return (node for node in self.nodes if isinstance(node, ast.FunctionDef))

    def docstrings(self) -> Iterator[tuple[int, str]]:
        """The line and text of each docstring of the module, its classes and its functions."""
        for node in self.nodes:
            if isinstance(node, Documented) and (text := ast.get_docstring(node)):
                yield node.body[0].lineno, text

    def prose(self) -> Iterator[tuple[int, str]]:
        """The line and text of each string (docstrings included) and comment."""
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
        with self.path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                if token.type == tokenize.COMMENT:
                    yield token.start[0], token.string

    def imports(self) -> Iterator[tuple[int, str]]:
        """The line and dotted name of each import.

        Lazy ones are included, those for type checkers, and those of modules that a string names.
        """
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                match = _NAMED_MODULE.fullmatch(node.value)
                if match and (SOURCE / f"{match[1].replace('.', '/')}.py").is_file():
                    yield node.lineno, f"vaultlink.{match[1]}"

    def code_lines(self) -> set[int]:
        """The lines that hold code: no blank lines, comments or documentation strings."""
        strings = {
            line
            for node in self.nodes
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        with self.path.open("rb") as file:
            lines = {
                line
                for token in tokenize.tokenize(file.readline)
                if token.type not in NOT_CODE
                for line in range(token.start[0], token.end[0] + 1)
            }
        return lines - strings

    def definitions(self) -> Iterator[tuple[str, Definition]]:
        """Public functions and classes, and the public methods of public classes, by qualified name."""
        for node in self.tree.body:
            if not isinstance(node, Definition) or node.name.startswith("_"):
                continue
            yield node.name, node
            if isinstance(node, ast.ClassDef) and "Protocol" not in map(ast.unparse, node.bases):
                for item in node.body:
                    if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
                        yield f"{node.name}.{item.name}", item


NOT_CODE = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
MODULES = [Module(path) for path in sorted(SOURCE.rglob("*.py"))]
