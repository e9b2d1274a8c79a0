"""Rules for the code base as a whole: imports, effects, the public API, and figures that only fall.

`make lint` and `make test` run ruff and mypy. pyproject.toml has the contracts of imports, those about libraries included,
and what ruff says about docstrings and functions that no module may call.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaultlink
from house import Module, measure, read_modules, writes_files
from source import ROOT, SOURCE

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
Modules = list[Module]


@pytest.fixture(scope="module")
def modules() -> Modules:
    """Return the modules of vaultlink. Their syntax trees take 150 MB until the last test has run."""
    return read_modules(ROOT)


# -- figures ----------------------------------------------------------------------------------------------------------

RECORDS = Path(__file__).with_name("house.json")
"""What each figure of tools/house.py may be at most. `make refresh` lowers them, and `python tools/house.py --list` names
what they count. A change that needs more raises its row by hand, and its commit says why."""

COARSE = frozenset({"thousand lines of source", "thousand lines of tests"})
"""Limits that may be far away: each change would move these figures."""


def test_figures_do_not_rise(modules: Modules) -> None:
    figures, records = measure(ROOT, modules), json.loads(RECORDS.read_text(encoding="utf-8"))
    if os.environ.get("VAULTLINK_REFRESH"):
        records = {name: min(figure, records.get(name, figure)) for name, figure in figures.items()}
        RECORDS.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    assert list(records) == list(figures)
    rose = {name: figures[name] for name, limit in records.items() if figures[name] > limit}
    assert rose == {}, "more than tests/house.json allows"
    lowest = {name: limit - max(2, limit // 100) for name, limit in records.items()}
    fell = {name: figures[name] for name in records if figures[name] < lowest[name]}
    assert fell.keys() <= COARSE, "run `make refresh` to keep what was reached"


# -- imports and places -----------------------------------------------------------------------------------------------


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_library_has_a_place(modules: Modules) -> None:
    [contract] = [
        contract
        for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
        if contract["name"] == "Each library has one place"
    ]
    imported = {origin.partition(".")[0] for module in modules for origin, _ in module.imports}
    everywhere = {"vaultlink", "msgspec", *sys.stdlib_module_names}
    assert imported - everywhere == set(contract["forbidden_modules"])


def test_package_init_holds_only_a_docstring(modules: Modules) -> None:
    with_code = {
        module.name
        for module in modules
        if module.path.name == "__init__.py" and len(module.tree.body) > 1
    }
    # lazy public names, and the table of output formats
    assert with_code == {"__init__.py", "report/__init__.py"}


RULE_NAMES = frozenset(path.stem for path in (ROOT / "rules").glob("*.yaml"))
PROBLEM_KINDS = frozenset(
    ("duplicate-property", "invalid-frontmatter", "malformed-link", "unquoted-property-link")
)
"""Kinds of parse problems that have the name of the rule that reports them."""


def test_rules_are_named_only_in_rules(modules: Modules) -> None:
    found = [
        f"{module.name}: {text}"
        for module in modules
        if not module.name.startswith("rules/")
        for text in module.strings()
        if text in RULE_NAMES - PROBLEM_KINDS or re.search(r"\bVL\d{3}\b", text)
    ]
    assert not found, "\n".join(found)


CALLERS = {
    "Diagnostic": ("engine/",),
    "PendingWrite": (
        *("fix/plan.py", "write/settings_lists.py", "cli/commands/baseline.py"),  # for a plan
        "write/recovery.py",  # of an undo
    ),
    "record_and_write": ("write/",),
    "update": ("engine/step.py",),  # of the index
}
"""Functions and classes, and the only packages and modules that call them."""


@pytest.mark.parametrize("name", CALLERS)
def test_only_these_modules_call(name: str, modules: Modules) -> None:
    found = {
        module.name
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    }
    assert found
    assert not [module for module in found if not module.startswith(CALLERS[name])]


def test_no_cache_of_the_process_holds_an_index(modules: Modules) -> None:
    found = [
        f"{module.name}: {node.name}"
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.FunctionDef)
        and any("cache" in ast.unparse(decorator) for decorator in node.decorator_list)
        and any(
            item.annotation and ast.unparse(item.annotation) == "Index" for item in node.args.args
        )
    ]
    assert not found, "\n".join(found)


# -- effects ----------------------------------------------------------------------------------------------------------


def test_only_write_changes_files(modules: Modules) -> None:
    found = [
        f"{module.name}:{node.lineno}: {ast.unparse(node)}"
        for module in modules
        if not module.name.startswith("write/")
        for node in module.nodes
        if isinstance(node, ast.Call) and writes_files(node)
    ]
    assert not found, "\n".join(found)


FINDING_MESSAGES = ("text.py", "rules/", "mentions/", "fix/", "report/markdown.py")
"""The function that quotes, and modules of messages that renderers make harmless."""


def list_texts(module: Module) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each string; `{}` stands for values in it."""
    for node in module.nodes:
        if isinstance(node, ast.JoinedStr):
            parts = [it.value if isinstance(it, ast.Constant) else "{}" for it in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_names_in_errors_are_harmless(modules: Modules) -> None:
    found = [
        f"{module.name}:{line}: {text}"
        for module in modules
        if not module.name.startswith(FINDING_MESSAGES)
        for line, text in list_texts(module)
        if re.search(r"“[^”\]]*\{", text)
    ]
    assert not found, "\n".join(["Use quote_name of text.py:", *found])


# -- the public API ---------------------------------------------------------------------------------------------------


def list_public_definitions(
    modules: Modules,
) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yield what `vaultlink` exports, all that api.py and model.py define, and public methods of these classes."""
    for module in modules:
        for name, node in module.definitions():
            is_public = module.name in ("api.py", "model.py") or name in vaultlink.__all__
            if is_public and name[0] != "_" and isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield f"{module.name}: {name}", node
                for item in getattr(node, "body", []) if isinstance(node, ast.ClassDef) else []:
                    if isinstance(item, ast.FunctionDef) and item.name[0] != "_":
                        yield f"{module.name}: {name}.{item.name}", item


def required_sections(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """Return the docstring sections that a public definition needs."""
    if isinstance(node, ast.ClassDef):
        fields = [ast.unparse(item.target) for item in node.body if isinstance(item, ast.AnnAssign)]
        return {"Attributes:"} if any(name[0] != "_" for name in fields) else set()
    raises = {"Raises:" for item in ast.walk(node) if isinstance(item, ast.Raise) and item.exc}
    if any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
        return raises
    given = node.args
    names = [item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    names += [item.arg for item in (given.vararg, given.kwarg) if item]
    takes = {"Args:" for name in names if name not in ("self", "cls")}
    returns = node.returns is not None and ast.unparse(node.returns) != "None"
    return raises | takes | ({"Returns:"} if returns else set())


def test_public_api_documents_arguments_results_errors_and_attributes(modules: Modules) -> None:
    missing = {}
    for name, node in list_public_definitions(modules):
        text = (ast.get_docstring(node) or "").replace("Yields:", "Returns:")
        absent = {section for section in required_sections(node) if section not in text}
        if absent or not text:
            missing[name] = sorted(absent)
    assert missing == {}


# -- project files ----------------------------------------------------------------------------------------------------


@pytest.mark.project
def test_paths_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|rules|tests|tools|docs|benchmarks)/[\w./*-]*|\w+/\w+\.py)`", text)
    assert len(named) > 30
    for path in named:
        found = [*ROOT.glob(path.replace("NAME", "*")), *SOURCE.glob(path)]
        assert found, f"{path} does not exist"


@pytest.mark.project
def test_versions_agree() -> None:
    version = PYPROJECT["project"]["version"]
    assert vaultlink.__version__ == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
