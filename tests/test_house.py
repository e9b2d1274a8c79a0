"""The house rules that no single module can see: import contracts, sizes, docstrings, names, versions.

ruff and mypy are run by `make lint` and `make test`.
"""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "vaultlink"
MODULES = sorted(SOURCE.rglob("*.py"))
TOOLS = sorted((ROOT / "benchmarks").glob("*.py"))
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def named(path: Path) -> str:
    """A module's path as tests show it."""
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """All functions and methods of a module."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def length(function: ast.FunctionDef) -> int:
    """The lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def public(tree: ast.Module) -> Iterator[Definition]:
    """Public functions and classes of a module, and the public methods of public classes."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef) and "Protocol" not in {
                ast.unparse(base) for base in node.bases
            }:
                yield from (
                    item
                    for item in node.body
                    if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
                )


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*MODULES, *TOOLS], ids=named)
def test_module_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 430


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_module_and_public_names_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module says nothing of itself"
    assert [node.name for node in public(tree) if not ast.get_docstring(node)] == []


def test_functions_are_short() -> None:
    lengths = sorted(
        length(function)
        for path in MODULES
        for function in functions(ast.parse(path.read_text(encoding="utf-8")))
    )
    assert statistics.median(lengths) <= 10
    assert lengths[len(lengths) * 9 // 10] < 40


def test_no_module_is_a_drawer() -> None:
    assert {path.stem for path in MODULES} & {
        "utils",
        "util",
        "helpers",
        "common",
        "misc",
        "manager",
        "base",
    } == set()


def test_rules_are_data() -> None:
    assert list((ROOT / "rules").rglob("*.py")) == []


RULE_NAMES = frozenset(path.stem for path in (ROOT / "rules").glob("*.yaml"))
PROBLEM_KINDS = frozenset(
    ("duplicate-property", "invalid-frontmatter", "malformed-link", "unquoted-property-link")
)
"""Kinds of parse problems that have the name of the rule that reports them."""


def strings(tree: ast.Module) -> Iterator[str]:
    """All strings of a module, docstrings excluded."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.parent != SOURCE / "rules"], ids=named
)
def test_rules_are_named_only_in_rules(path: Path) -> None:
    texts = list(strings(ast.parse(path.read_text(encoding="utf-8"))))
    assert RULE_NAMES.intersection(texts) <= PROBLEM_KINDS
    if path != SOURCE / "cli" / "commands" / "init.py":  # comments in the settings file it writes
        assert [text for text in texts if re.search(r"\bVL\d{3}\b", text)] == []


def test_no_cache_of_the_process_holds_an_index() -> None:
    cached = re.compile(r"^@(?:lru_)?cache\b.*\ndef \w+\([^)]*: Index\b", re.MULTILINE)
    assert [named(path) for path in MODULES if cached.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_yaml_and_files_are_touched_where_they_may_be(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(SOURCE).as_posix()
    if re.search(r"^\s*(import yaml|from yaml)", text, re.MULTILINE):
        assert name == "disk/read.py" or name.startswith("parse/")
    assert "yaml.dump" not in text, "YAML is never written into a note"
    assert "frontmatter.dump" not in text


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_package_says_it_is_typed() -> None:
    assert (SOURCE / "py.typed").exists()


def test_make_without_a_target_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "lint", "bench", "refresh", "clean"):
        assert f"make {target}" in done.stdout
