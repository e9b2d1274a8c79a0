"""Measure the structure of the source: types, names, imports and sizes.

python tools/house.py [CHECKOUT] [--list]

Prints the figures that tests/house.json limits; `--list` also prints the names behind some of them.
"""

import argparse
import ast
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
MANY_ARGUMENTS = 8
MAX_CODE_LINES = 500
_NAMED_MODULE = re.compile(r"(vaultlink(?:\.\w+)+)(?::\w+)?")
"""The name of a module in a string, alone or as in `module:function`."""
_TYPE_NAME = re.compile(r"_*[A-Z]\w*[a-z]\w*")
_NOT_CODE = frozenset(
    (
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        *(tokenize.ENCODING, tokenize.ENDMARKER),
    )
)


@dataclass(frozen=True)
class Module:
    """A module of vaultlink. Lines are counted from 1."""

    path: Path
    folder: Path
    """That of the package."""

    @property
    def name(self) -> str:
        """The path below the package, such as `cli/options.py`."""
        return self.path.relative_to(self.folder).as_posix()

    @property
    def dotted_name(self) -> str:
        """The name in import statements."""
        parts = self.path.relative_to(self.folder.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.path.read_bytes())

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    def definitions(self) -> Iterator[tuple[str, ast.AST]]:
        """Yield the names that the module itself defines at its top level, and their nodes."""
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef | FUNCTIONS[0] | FUNCTIONS[1]):
                yield node.name, node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from ((it.id, node) for it in targets if isinstance(it, ast.Name))

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self.path.read_bytes().splitlines())

    @cached_property
    def imports(self) -> list[tuple[str, str]]:
        """The module and the name (or empty) of each import, wherever it stands."""
        found = list[tuple[str, str]]()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found += ((node.module, alias.name) for alias in node.names)
        return found

    def strings(self) -> Iterator[str]:
        """Yield all strings except docstrings."""
        prose = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        for node in self.nodes:
            if isinstance(node, ast.Constant) and id(node) not in prose:
                yield from [node.value] if isinstance(node.value, str) else []

    def code_lines(self) -> int:
        """Return the number of lines of code: no blank lines, comments or docstrings."""
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
                if token.type not in _NOT_CODE
                for line in range(token.start[0], token.end[0] + 1)
            }
        return len(lines - strings)


def read_modules(root: Path) -> list[Module]:
    """Return the modules of vaultlink in a checkout."""
    folder = root / "src" / "vaultlink"
    return [Module(path, folder) for path in sorted(folder.rglob("*.py"))]


# -- types and names -------------------------------------------------------------------------------


def find_shared_type_names(modules: Iterable[Module]) -> dict[str, int]:
    """Return the names of several classes or other types, and of how many. `_Row` is a `Row`."""
    names = [
        node.name for module in modules for node in module.nodes if isinstance(node, ast.ClassDef)
    ]
    names += [
        name
        for module in modules
        for name, node in module.definitions()
        if isinstance(node, ast.Assign | ast.AnnAssign) and _TYPE_NAME.fullmatch(name)
    ]
    counts = Counter(name.lstrip("_") for name in names)
    return {name: count for name, count in sorted(counts.items()) if count > 1}


def list_public_names(modules: Iterable[Module]) -> list[tuple[str, str]]:
    """Return the module and name of each top-level name that is not private."""
    return [
        (module.dotted_name, name)
        for module in modules
        for name in dict(module.definitions())
        if not name.startswith("_")
    ]


def find_unused_names(modules: Iterable[Module], outside: frozenset[str]) -> list[str]:
    """Return the public names that no other module uses, and that no word outside is."""
    used = set[tuple[str, str]]()
    for module in modules:
        aliases: dict[str, str] = {}
        for origin, name in module.imports:
            used.add((origin, name))
            aliases[name or origin] = f"{origin}.{name}" if name else origin
        for node in module.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used.add((aliases.get(node.value.id, ""), node.attr))
    return [
        f"{place}.{name}"
        for place, name in list_public_names(modules)
        if (place, name) not in used and name not in outside
    ]


def read_outside_words(root: Path) -> frozenset[str]:
    """Return all words of tests, tools and pages, and of declarations, which name checks."""
    paths = [*root.glob("*.md"), *(root / "rules").glob("*.yaml")]
    for folder in ("tests", "tools", "benchmarks", "contrib", "docs"):
        paths += [*(root / folder).rglob("*.py"), *(root / folder).rglob("*.md")]
    texts = (path.read_text(encoding="utf-8") for path in paths)
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


# -- imports ---------------------------------------------------------------------------------------


def find_edges(modules: Iterable[Module]) -> dict[str, set[str]]:
    """Return the modules of vaultlink that each module imports, wherever the import stands."""
    edges = {module.dotted_name: set[str]() for module in modules}
    for module in modules:
        for origin, name in module.imports:
            target = f"{origin}.{name}" if f"{origin}.{name}" in edges else origin
            if target in edges:
                edges[module.dotted_name].add(target)
    return edges


def find_loads(modules: Iterable[Module]) -> dict[str, set[str]]:
    """Return the modules that each module imports, or loads by a name in a string."""
    loads = find_edges(modules)
    for module in modules:
        named = (_NAMED_MODULE.fullmatch(text) for text in module.strings())
        loads[module.dotted_name] |= loads.keys() & {match[1] for match in named if match}
    return loads


def find_cycles(edges: Mapping[str, set[str]]) -> list[str]:
    """Return the modules that import themselves, directly or by others."""

    def reach(start: str) -> set[str]:
        found, waiting = set[str](), [start]
        while waiting:
            more = edges[waiting.pop()] - found
            found |= more
            waiting += more
        return found

    return sorted(name for name in edges if name in reach(name))


def find_longest_chain(edges: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Return the longest series of modules that import the next one; there may be no cycle."""

    @cache
    def follow(name: str) -> tuple[str, ...]:
        return (name, *max(map(follow, sorted(edges[name])), key=len, default=()))

    return max(map(follow, edges), key=len)


def count_inner_imports(modules: Iterable[Module]) -> int:
    """Return the number of imports of vaultlink inside functions."""
    inner = {
        node
        for module in modules
        for function in module.nodes
        if isinstance(function, FUNCTIONS)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    return sum("vaultlink" in ast.unparse(node) for node in inner)


# -- effects ---------------------------------------------------------------------------------------

_WRITE_FLAGS = re.compile(r"O_(WRONLY|RDWR|CREAT|APPEND|TRUNC)")
_WRITE_METHODS = re.compile(
    "write_text|write_bytes|unlink|mkdir|rmdir|touch|chmod|rename|symlink_to|hardlink_to"
)
_WRITE_FUNCTIONS = re.compile(
    "chmod|link|makedirs|mkdir|remove|removedirs|renames?|replace|rmdir|symlink|truncate|unlink|utime"
)
_SHUTIL_READERS = frozenset({"get_terminal_size", "which"})


def _find_open_mode(call: ast.Call, position: int) -> str:
    """Return the mode of a call of `open`, whose argument at `position` from 0 is the mode."""
    modes = [item.value for item in call.keywords if item.arg == "mode"] + call.args[position:][:1]
    return ast.unparse(modes[0]).strip("'") if modes else "r"


def writes_files(call: ast.Call) -> bool:
    """Return True if a call opens a file, not the null device, for writing, or changes a folder."""
    function, arguments = ast.unparse(call.func), ", ".join(map(ast.unparse, call.args))
    owner, _, name = function.rpartition(".")
    if "devnull" in arguments:
        return False
    if function == "os.open":
        return bool(_WRITE_FLAGS.search(arguments))
    if name == "open":
        return bool(set(_find_open_mode(call, 0 if owner else 1)) & set("wax+"))
    if owner == "os":
        return bool(_WRITE_FUNCTIONS.fullmatch(name))
    if owner in ("shutil", "tempfile"):
        return name not in _SHUTIL_READERS
    if name == "replace":  # of a path; that of strings has two arguments, that of values has names
        return len(call.args) == 1 and not call.keywords
    return bool(_WRITE_METHODS.fullmatch(name))


# -- sizes -----------------------------------------------------------------------------------------


def count_arguments(function: ast.AST) -> int:
    """Return the number of arguments of a function, without `self` and the like; else 0."""
    if not isinstance(function, FUNCTIONS):
        return 0
    given = function.args
    names = [item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def count_lines(paths: Iterable[Path]) -> int:
    """Return the number of lines of files, in thousands, rounded up."""
    return -(-sum(len(path.read_bytes().splitlines()) for path in paths) // 1000)


def measure(root: Path, modules: list[Module]) -> dict[str, int]:
    """Return all figures of a checkout and its modules."""
    edges = find_edges(modules)
    cycles = find_cycles(find_loads(modules))
    nodes = [node for module in modules for node in module.nodes]
    return {
        "types": sum(isinstance(node, ast.ClassDef) for node in nodes),
        "public names": len(list_public_names(modules)),
        "unused public names": len(find_unused_names(modules, read_outside_words(root))),
        "names of several types": len(find_shared_type_names(modules)),
        "import edges": sum(map(len, edges.values())),
        "modules in the longest chain of imports": 0 if cycles else len(find_longest_chain(edges)),
        "modules in cycles of imports": len(cycles),
        "imports inside functions": count_inner_imports(modules),
        "functions with eight arguments or more": sum(
            count_arguments(node) >= MANY_ARGUMENTS for node in nodes
        ),
        "modules with more than 500 lines of code": sum(
            module.lines > MAX_CODE_LINES < module.code_lines() for module in modules
        ),
        "thousand lines of source": count_lines(module.path for module in modules),
        "thousand lines of tests": count_lines((root / "tests").rglob("*.py")),
    }


def list_details(root: Path, modules: list[Module]) -> Iterator[str]:
    """Yield the names behind the figures that are to fall."""
    for name, count in find_shared_type_names(modules).items():
        yield f"{count} types: {name}"
    for name in find_unused_names(modules, read_outside_words(root)):
        yield f"unused: {name}"
    cycles = find_cycles(find_loads(modules))
    yield from (f"in a cycle: {name}" for name in cycles)
    if not cycles:
        yield "longest chain: " + " > ".join(find_longest_chain(find_edges(modules)))


def main() -> None:
    """Print the figures of a checkout."""
    parser = argparse.ArgumentParser(description="Measure the structure of the source.")
    parser.add_argument("checkout", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--list", action="store_true", help="also print the names behind figures")
    given = parser.parse_args()
    modules = read_modules(given.checkout)
    for name, figure in measure(given.checkout, modules).items():
        print(f"{figure:6,}  {name}")
    if given.list:
        print(*list_details(given.checkout, modules), sep="\n")


if __name__ == "__main__":
    main()
