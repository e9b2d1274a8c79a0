"""Rules for the code base as a whole: structure, sizes, names, language, effects and versions.

ruff and mypy are run by `make lint` and `make test`.
"""

import ast
import re
import statistics
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import networkx as nx
import pytest
import yaml

from source import MODULES, ROOT, SOURCE, Definition, Module

TOOLS = [Module(path) for path in sorted((ROOT / "benchmarks").glob("*.py"))]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [module for module in MODULES if module.path.name == "__init__.py"]
EXPORTING = ("__init__.py", "report/__init__.py")
"""The `__init__` files with code: lazy public names, and the table of output formats."""


PENDING_WRITES = (
    "fix/plan.py",  # of a plan
    "write/recovery.py",  # of an undo
    "write/settings_lists.py",  # a part of a plan
    "cli/commands/baseline.py",  # a part of a plan
)


def module_name(module: Module) -> str:
    """Return the path of a module as the id of a parametrized test."""
    return module.path.relative_to(ROOT).as_posix()


# -- structure --------------------------------------------------------------------------------------------------------


def test_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_top_level_has_at_most_31_entries() -> None:
    entries = [path.name for path in SOURCE.iterdir() if path.is_file() or any(path.glob("*.py"))]
    assert len(entries) <= 31, sorted(entries)


def test_folder_has_at_most_30_modules_and_the_package_339() -> None:
    sizes = Counter(module.path.parent.relative_to(ROOT).as_posix() for module in MODULES)
    assert {folder: size for folder, size in sizes.items() if size > 30} == {}
    assert sizes.total() <= 339


def test_imports_have_no_cycle() -> None:
    names = {module.dotted_name for module in MODULES}
    graph: nx.DiGraph[str] = nx.DiGraph(
        (module.dotted_name, target)
        for module in MODULES
        for _, name in module.imports()
        for target in (name if name in names else name.rpartition(".")[0],)
        if target in names
    )
    cycles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    assert (cycles, list(nx.selfloop_edges(graph))) == ([], [])


def test_no_module_name_is_used_more_than_twice() -> None:
    counts = Counter(module.stem for module in MODULES)
    assert {name: count for name, count in counts.items() if count > 2} == {}


def test_public_classes_have_unique_names() -> None:
    places: dict[str, list[str]] = {}
    for module in MODULES:
        for name, node in module.definitions():
            if isinstance(node, ast.ClassDef):
                places.setdefault(name, []).append(module.name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_is_a_collection_of_helpers() -> None:
    vague_names = {"utils", "util", "helpers", "common", "misc", "manager", "base"}
    assert {module.stem for module in MODULES} & vague_names == set()


@pytest.mark.parametrize("module", PACKAGES, ids=module_name)
def test_package_init_holds_only_a_docstring(module: Module) -> None:
    assert ast.get_docstring(module.tree)
    if module.name not in EXPORTING:
        assert len(module.tree.body) == 1


RULE_NAMES = frozenset(path.stem for path in (ROOT / "rules").glob("*.yaml"))
PROBLEM_KINDS = frozenset(
    ("duplicate-property", "invalid-frontmatter", "malformed-link", "unquoted-property-link")
)
"""Kinds of parse problems that have the name of the rule that reports them."""


def code_strings(tree: ast.Module) -> Iterator[str]:
    """Yield all strings of a module except docstrings."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value


def test_rules_are_named_only_in_rules() -> None:
    found = []
    for module in MODULES:
        if module.path.parent == SOURCE / "rules":
            continue
        texts = list(code_strings(module.tree))
        names = sorted(RULE_NAMES.intersection(texts) - PROBLEM_KINDS)
        names += [text for text in texts if re.search(r"\bVL\d{3}\b", text)]
        found += [f"{module.name}: {name}" for name in names]
    assert not found, "\n".join(found)


def test_no_cache_of_the_process_holds_an_index() -> None:
    cached = re.compile(r"^@(?:lru_)?cache\b.*\ndef \w+\([^)]*: Index\b", re.MULTILINE)
    assert [
        module.name for module in MODULES if cached.search(module.path.read_text("utf-8"))
    ] == []


def test_rules_folder_holds_no_code() -> None:
    assert list((ROOT / "rules").rglob("*.py")) == []


# -- one idea, one place -----------------------------------------------------------------------------------------------

PLACES = {
    "diffs are written": (r"\bunified_diff\(|@@ -", ("fix/diff.py", "fix/plan.py")),
    "pending writes are made": (r"\bPendingWrite\(", PENDING_WRITES),
    "findings are made": (r"\bDiagnostic\(", ("engine/",)),
    "the index is updated": (r"(?<![.\w])update\(", ("engine/step.py", "index/update.py")),
    "plans are written": (r"\brecord_and_write\(", ("write/",)),
    "texts are compared": (
        r"\bTexts\(|\bhash_pieces\(",
        (
            "history/file_pairs.py",
            "history/headings.py",
            "history/headings.py",
            "history/git_renames.py",
            "history/matcher.py",
            "parse/pieces.py",
        ),
    ),
    "pasts are joined": (
        r"\bHistory\(\s*[^)\s]",
        ("model.py", "history/", "disk/", "serve/stepper.py"),
    ),
    "orphans, dead ends and islands are found": (
        r"not in (?:\w+\.)*backlinks\b|not any\((?:\w+\.)*targets\b|\bleader\b",
        ("graph/build.py",),
    ),
    "findings are grouped by topic": (
        r"about == \"unresolved-link\"",
        ("index/topics.py", "report/groups.py"),
    ),
    "kinds of links are named": (
        r"\bLinkKind\.[A-Z]",
        ("model.py", "parse/", "links/kinds.py", "links/rewrite.py", "backlinks/merge/"),
    ),
    "formats of findings are asked for by name": (
        r"""(==|!=|\bin \() ?"(full|concise|json-lines|sarif|github|gitlab|junit)\"""",
        ("report/__init__.py", "cli/commands/watch.py"),
    ),
    "untried fixes are counted": (r"\btries=False", ("cli/check_parts.py",)),
    "questions are asked": (r"\.read_key\(", ("cli/interactive.py", "cli/interactive.py")),
    "lists are printed": (
        r"\brender_(table|tsv)\(",
        # a page with two tables, and figures in rows of two or three cells
        ("cli/listings.py", "cli/mention_search.py", "cli/commands/graph.py"),
    ),
    "programs are started": (r"\bsubprocess\b", ("programs.py",)),
    "Chinese and Japanese letters are told from others": (
        r"(?i)u(?:2e80|304[01]|3400|4e00|9fff)\b|0x(?:2e80|304[01]|4e00)|HIRAGANA",
        ("index/words.py", "backlinks/choice.py"),
    ),
    "forms of a word are compared": (r"\bies\b|\bSTEM\b|frozenset\(\(one\[", ("index/words.py",)),
    "typing errors are told": (
        r"\bSlip(?:Kind)?\(|\bOSA\b|Damerau|Levenshtein",
        ("index/words.py",),
    ),
    "words without a meaning of their own are listed": (
        r"\ba an\b|\bder die das\b|[\"']the[\"'],",
        ("index/words.py", "backlinks/choice.py"),
    ),
    "titles are folded": (
        r"casefold\(\)\.split\(\)|_(?:fold|normalize|simplify)_titles?\(.*str\) ->",
        ("text.py",),
    ),
    "attributes are set behind a class's back": (
        r"\b__dict__\b|\bvars\([^)]*\)\[[^\]]*\] =(?!=)|\bvars\([^)]*\)\.(?:update|pop)\(",
        (),
    ),
    "accents are stripped": (r"u0300|combining\(", ("text.py", "index/words.py")),
    # --json is another name of a format; graph and report have formats of their own packages
    "listings know their formats": (
        r'[!=]= "(json|tsv|table|page)"',
        ("cli/listings.py", "cli/parser.py", "cli/commands/graph.py", "cli/commands/report.py"),
    ),
}
"""What lives in one place: a pattern, and the modules and packages that may contain it."""


@pytest.mark.parametrize("idea", PLACES)
def test_idea_lives_once(idea: str) -> None:
    pattern, places = PLACES[idea]
    found = [
        f"{module.name}:{number}: {line.strip()}"
        for module in MODULES
        if not module.name.startswith(places)
        for number, line in enumerate(module.text.splitlines(), 1)
        if re.search(pattern, line) and not line.lstrip().startswith(("class ", "def "))
    ]
    assert not found, "\n".join(found)


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_module_has_at_most_500_lines_of_code() -> None:
    sizes = {module_name(module): len(module.code_lines()) for module in (*MODULES, *TOOLS)}
    found = [f"{name}: {size} lines" for name, size in sizes.items() if size > 500]
    assert not found, "\n".join(found)


def test_functions_are_short() -> None:
    lengths = sorted(body_length(node) for module in MODULES for node in module.functions())
    assert statistics.median(lengths) <= 10
    assert lengths[len(lengths) * 9 // 10] < 40


def body_length(function: ast.FunctionDef) -> int:
    """Return the number of lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


# -- docstrings and names ---------------------------------------------------------------------------------------------


def test_modules_and_public_api_have_docstrings() -> None:
    missing = [module.name for module in MODULES if not ast.get_docstring(module.tree)]
    missing += [name for name, node in public_api() if not ast.get_docstring(node)]
    assert not missing, "\n".join(missing)


def test_docstrings_do_not_open_with_a_question_word() -> None:
    question = re.compile(r"(What|Whether|How|Which|Where|When|Whom)\b")
    docstrings = [
        f"{module.name}:{line}: {text.splitlines()[0]}"
        for module in MODULES
        for line, text in module.docstrings()
    ]
    found = [text for text in docstrings if question.match(text.split(": ", 1)[1])]
    assert len(found) <= len(docstrings) / 100, "\n".join(found)


def test_docstring_first_line_has_at_most_80_characters() -> None:
    found = [
        f"{module.name}:{line}: {first}"
        for module in MODULES
        for line, text in module.docstrings()
        if len(first := text.splitlines()[0]) > 80
    ]
    assert not found, "\n".join(found)


IRREGULAR_PARTICIPLES = re.compile(
    "begun|bound|bought|brought|built|caught|chosen|come|done|drawn|fallen|found|given|gone|held|kept|known|laid|left|lost"
    "|made|meant|met|paid|said|seen|sent|shown|spent|spoken|stood|swept|taken|taught|thought|thrown|told|torn|understood"
    "|woven|written"
)
NOT_PARTICIPLES = frozenset({"_embed", "_feed", "_need", "_proceed", "_seed", "_speed"})


def is_participle(name: str) -> bool:
    """Return True for a private name that is one past participle, such as `_written`."""
    word = name.strip("_")
    return (
        name.startswith("_")
        and "_" not in word
        and name not in NOT_PARTICIPLES
        and (word.endswith("ed") or IRREGULAR_PARTICIPLES.fullmatch(word) is not None)
    )


def test_private_functions_are_not_named_by_a_participle() -> None:
    found = [
        f"{module.name}:{node.lineno}: {node.name}"
        for module in MODULES
        for node in module.functions()
        if is_participle(node.name)
    ]
    assert not found, "\n".join(found)


# -- public API -------------------------------------------------------------------------------------------------------


def public_api() -> Iterator[tuple[str, Definition]]:
    """All definitions of `vaultlink.api` and `vaultlink.model`, and what `vaultlink` exports of other modules."""
    exported = re.findall(r'^    "(\w+)",$', (SOURCE / "__init__.py").read_text(), re.MULTILINE)
    for module in MODULES:
        complete = module.name in ("api.py", "model.py")
        for name, node in module.definitions():
            if complete or name.partition(".")[0] in exported:
                yield f"{module.name}: {name}", node


def required_sections(node: Definition) -> set[str]:
    """Return the docstring sections that a public definition needs."""
    if isinstance(node, ast.ClassDef):
        fields = [
            item.target.id
            for item in node.body
            if isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and not item.target.id.startswith("_")
        ]
        return {"Attributes:"} if fields else set()
    raises = {
        "Raises:" for item in ast.walk(node) if isinstance(item, ast.Raise) and item.exc is not None
    }
    if any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
        return raises
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [item for item in (node.args.vararg, node.args.kwarg) if item]
    takes = {"Args:" for item in arguments if item.arg not in ("self", "cls")}
    returns = node.returns is not None and ast.unparse(node.returns) != "None"
    return raises | takes | ({"Returns:"} if returns else set())


def test_public_api_documents_arguments_results_errors_and_attributes() -> None:
    missing = {}
    for name, node in public_api():
        text = (ast.get_docstring(node) or "").replace("Yields:", "Returns:")
        if absent := {section for section in required_sections(node) if section not in text}:
            missing[name] = sorted(absent)
    assert missing == {}


# -- language ---------------------------------------------------------------------------------------------------------

REPLACED_WORDS = re.compile(
    r"\b(mend(s|ed|ing)?|heal(s|ed|ing)?|repair(s|ed|ing)?|tend(s|ed|ing)?|so[ -]called|(?-i:(?<!there )is none)|debts?"
    r"|leads? nowhere|nobody is there)\b",
    re.IGNORECASE,
)
"""Words that the glossary in CONTRIBUTING.md replaces."""

VALUES = re.compile(
    r'"(healed|repair)"|`(healed|repair)`|“repair”|\bmode\s*=\s*"?repair\b|\b(healed|repair):'
)
"""Values of JSON and of settings, which keep their names."""

PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "rules").glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(
            path
            for path in (ROOT / "contrib").rglob("*")
            if path.is_file() and path.suffix != ".png"
        ),
    ]
)


def replaced_words(text: str) -> list[str]:
    """Return the words in a text that the glossary replaces."""
    if text in ("healed", "repair"):
        return []
    return [match[0] for match in REPLACED_WORDS.finditer(VALUES.sub("", text))]


def test_source_uses_the_words_of_the_glossary() -> None:
    found = [
        f"{module.name}:{line}: {', '.join(words)}"
        for module in MODULES
        for line, text in module.prose()
        if (words := replaced_words(text))
    ]
    assert not found, "\n".join(found)


def test_documents_use_the_words_of_the_glossary() -> None:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if page.name == "CONTRIBUTING.md":
            text = re.sub(r"^\| .* \| .* \|$", "", text, flags=re.MULTILINE)  # the glossary
        found += [
            f"{page.relative_to(ROOT)}:{number}: {', '.join(words)}"
            for number, line in enumerate(text.splitlines(), 1)
            if (words := replaced_words(line))
        ]
    assert not found, "\n".join(found)


def declared_texts(value: object) -> Iterator[str]:
    """Return all texts in the values of a rule's declaration, its examples excepted."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from declared_texts(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key != "examples":
                yield from declared_texts(item)


def test_rule_declarations_use_the_words_of_the_glossary() -> None:
    found = {
        path.name: words
        for path in sorted((ROOT / "rules").glob("*.yaml"))
        for text in declared_texts(yaml.safe_load(path.read_bytes()))
        if (words := replaced_words(text))
    }
    assert found == {}


# -- quotation marks ---------------------------------------------------------------------------------------------------

STRAIGHT_QUOTES = re.compile(
    r"""(?<![\w=\[\\])(["'])(?=[\w{#^./>!-])[^"'\n]*(?<=[\w}?!.:/…-])\1(?![\w>=\]])|\{!r\}"""
)
"""A word or placeholder in straight quotation marks. Attributes of XML and values of TOML have an
equals sign or a bracket before them."""

WITH_STRAIGHT_QUOTES = {
    "module 'vaultlink' has no attribute {!r}": "the words of Python's own error",
    "<Vault {!r}: {}>": "a representation for programmers",
    "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'": "a header of HTTP",
    "'sha256-{}'": "a header of HTTP",
    '"{}"': "a value in DOT, JSON or YAML",
    "'{}'": "a value in YAML",
    '"text"': "a key of JSON Canvas",
    '"file"': "a key of JSON Canvas",
    '{"schema":1,\n"vault":': "the beginning of a JSON document",
}
"""Strings of the program that people don't read as messages, and what they are."""


def printed_texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each string but docstrings; `{}` stands for values in it."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    parts = {
        id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values
    }
    hidden = prose | parts
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(map(format_part, node.values))
        elif isinstance(node, ast.Constant) and id(node) not in hidden:
            yield from [(node.lineno, node.value)] if isinstance(node.value, str) else []


def format_part(part: ast.expr) -> str:
    """Return a part of an f-string: its text, or `{}`, or `{!r}` for a representation."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    return "{!r}" if isinstance(part, ast.FormattedValue) and part.conversion == ord("r") else "{}"


def has_straight_quotes(text: str) -> bool:
    """Return True for a text that people read, with straight quotation marks around a name.

    Commands and settings are in backticks, and have the quotes of the shell or of TOML there.
    """
    text = re.sub(r"`[^`]*`", "", text)
    is_prose = text[:1] in tuple("\"'{") or re.search(r"[a-z{}] [a-z{]", text) is not None
    return is_prose and STRAIGHT_QUOTES.search(text) is not None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("""f'there is no note "{name}".'""", True),
        ("""f"there is no note '{name}'." """, True),
        ("""f"there is no note {name!r}." """, True),
        ("""f'"{name}" is a folder.'""", True),
        ("""'must be "title" or "path".'""", True),
        ("""f'"{value}"'""", True),
        ("""f"there is no note “{name}”." """, False),
        ("""f"{name} can't be read, and others' notes can." """, False),
        ("""f"Run `vaultlink rename '{old}' NEW`." """, False),
        ("""f'Add `protect = ["!{free}"]` to the settings.'""", False),
        ("""f'ignore = ["{name}"] in vaultlink.toml'""", False),
        ("""f'<circle class="{kind}" r="{radius}"/>'""", False),
        ("""key['a b'] + 'c d'""", False),
    ],
)
def test_straight_quotation_marks_are_detected(code: str, expected: bool) -> None:
    texts = [text for _, text in printed_texts(ast.parse(f"print({code})"))]
    assert any(map(has_straight_quotes, texts)) == expected


def test_messages_quote_names_with_curly_marks() -> None:
    found = [
        (f"{module.name}:{line}", text)
        for module in MODULES
        for line, text in printed_texts(module.tree)
        if has_straight_quotes(text)
    ]
    other = [f"{place}: {text!r}" for place, text in found if text not in WITH_STRAIGHT_QUOTES]
    assert not other, "Use quote_name of text.py:\n" + "\n".join(other)
    assert WITH_STRAIGHT_QUOTES.keys() <= {text for _, text in found}


FINDING_MESSAGES = ("text.py", "rules/", "mentions/", "fix/", "report/markdown.py")
"""The function that quotes, and modules of messages that renderers make harmless."""


def test_names_in_errors_are_harmless() -> None:
    found = [
        f"{module.name}:{line}: {text}"
        for module in MODULES
        if not module.name.startswith(FINDING_MESSAGES)
        for line, text in printed_texts(module.tree)
        if re.search(r"“[^”\]]*\{", text)
    ]
    assert not found, "Use quote_name of text.py:\n" + "\n".join(found)


def test_help_pages_quote_names_with_curly_marks() -> None:
    found = [
        f"{module.name}: {node.name}"
        for module in MODULES
        if module.name.startswith("cli/commands/")
        for node in module.functions()
        if not node.name.startswith("_") and has_straight_quotes(ast.get_docstring(node) or "")
    ]
    assert not found, "\n".join(found)


def test_rule_manuals_quote_names_with_curly_marks() -> None:
    found = [
        f"{path.name}: {text}"
        for path in sorted((ROOT / "rules").glob("*.yaml"))
        for text in manual_texts(yaml.safe_load(path.read_bytes()))
        if has_straight_quotes(text)
    ]
    assert not found, "\n".join(found)


def manual_texts(declaration: Mapping[str, object]) -> Iterator[str]:
    """Return what a rule's manual shows of its declaration, but no values of options or vaults."""
    options = declaration.get("options") or {}
    assert isinstance(options, Mapping)
    yield from declared_texts({**declaration, "options": [it["help"] for it in options.values()]})
    examples = declaration["examples"]
    assert isinstance(examples, list)
    for example in examples:
        yield from (str(example[key]) for key in ("good", "bad") if key in example)


# -- effects and libraries --------------------------------------------------------------------------------------------

WRITE_FLAGS = re.compile(r"O_(WRONLY|RDWR|CREAT|APPEND|TRUNC)")
WRITE_METHODS = re.compile(
    "write_text|write_bytes|unlink|mkdir|rmdir|touch|chmod|rename|symlink_to|hardlink_to"
)
WRITE_FUNCTIONS = re.compile(
    "chmod|link|makedirs|mkdir|remove|removedirs|renames?|replace|rmdir|symlink|truncate|unlink|utime"
)
SHUTIL_READERS = frozenset({"get_terminal_size", "which"})


def open_mode(call: ast.Call, position: int) -> str:
    """Return the mode of a call of `open`; the mode is the argument at `position`, counted from 0."""
    modes = [item.value for item in call.keywords if item.arg == "mode"] + call.args[position:][:1]
    return ast.unparse(modes[0]).strip("'") if modes else "r"


def writes_files(call: ast.Call) -> bool:
    """Return True if a call opens a file for writing or changes a folder; the null device is not a file."""
    function, arguments = ast.unparse(call.func), ", ".join(map(ast.unparse, call.args))
    owner, _, name = function.rpartition(".")
    if "devnull" in arguments:
        return False
    if function == "os.open":
        return bool(WRITE_FLAGS.search(arguments))
    if name == "open":
        return bool(set(open_mode(call, 0 if owner else 1)) & set("wax+"))
    if owner == "os":
        return bool(WRITE_FUNCTIONS.fullmatch(name))
    if owner in ("shutil", "tempfile"):
        return name not in SHUTIL_READERS
    if name == "replace":  # of a path; that of strings has two arguments, that of values has names
        return len(call.args) == 1 and not call.keywords
    return bool(WRITE_METHODS.fullmatch(name))


def test_only_write_changes_files() -> None:
    found = [
        f"{module.name}:{node.lineno}: {ast.unparse(node)}"
        for module in MODULES
        if not module.name.startswith("write/")
        for node in module.nodes
        if isinstance(node, ast.Call) and writes_files(node)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("open(path, 'rb')", False),
        ("open(path, 'w')", True),
        ("path.open()", False),
        ("path.open(mode='ab')", True),
        ("os.open(path, os.O_RDONLY | os.O_DIRECTORY)", False),
        ("os.open(path, os.O_RDWR | os.O_CREAT)", True),
        ("os.open(os.devnull, os.O_WRONLY)", False),
        ("os.replace(old, new)", True),
        ("old.replace(new)", True),
        ("text.replace('a', 'b')", False),
        ("replace(value, name=1)", False),
        ("path.write_text(text)", True),
        ("shutil.get_terminal_size()", False),
        ("tempfile.mkstemp()", True),
    ],
)
def test_calls_that_change_files_are_detected(call: str, expected: bool) -> None:
    [statement] = ast.parse(call).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert writes_files(statement.value) == expected


def test_one_module_starts_programs() -> None:
    found = [
        f"{module.name}:{line}: {name}"
        for module in MODULES
        if module.name != "programs.py"
        for line, name in module.imports()
        if re.match(r"subprocess\b|pty\b|os\.(system|popen|exec|spawn|posix_spawn)", name)
    ]
    found += [
        f"{module.name}:{node.lineno}: {ast.unparse(node.func)}"
        for module in MODULES
        for node in module.nodes
        if isinstance(node, ast.Call)
        and re.match(r"os\.(system|popen|exec|spawn|posix_spawn)", ast.unparse(node.func))
    ]
    assert not found, "\n".join(found)


LIBRARY_PLACES = {
    "ahocorasick_rs": r"mentions/matcher\.py",
    "frontmatter": r"parse/post\.py",
    "attrs": r"cli/commands/protocols\.py",
    "anyio": r"serve/mcp\.py",  # what the library of the protocol is built on
    "jinja2": r"dashboard/page\.py",
    "lsprotocol": r"serve/lsp/",
    "mcp": r"serve/mcp\.py",
    "networkx": r"graph/",
    "click": r"cli/terminal\.py",
    "pygls": r"serve/lsp/",
    "prompt_toolkit": r"cli/interactive\.py",
    "rapidfuzz": r"index/suggest\.py",
    "regex": r"config/expressions\.py",
    "tomlkit": r"config/list_items\.py",
    "typer": r"cli/typer_parser\.py",
    "watchdog": r"watch/backend",
    "wcwidth": r"report/layout\.py",
    "yaml": r"disk/read\.py|parse/",
}
"""The only places that import a library."""

LIBRARIES = {"msgspec", *LIBRARY_PLACES}


@pytest.mark.parametrize("library", LIBRARY_PLACES)
def test_library_is_imported_only_in_its_place(library: str) -> None:
    found = [
        f"{module.name}:{line}"
        for module in MODULES
        for line, name in module.imports()
        if name.partition(".")[0] == library and not re.match(LIBRARY_PLACES[library], module.name)
    ]
    assert not found, "\n".join(found)


def test_every_library_has_a_place() -> None:
    imported = {name.partition(".")[0] for module in MODULES for _, name in module.imports()}
    assert imported - set(sys.stdlib_module_names) - {"vaultlink"} <= LIBRARIES


def test_yaml_is_never_dumped() -> None:
    assert [module.name for module in MODULES if "yaml.dump" in module.text] == []


# -- documents and project files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "limit"), [("README.md", 220), ("CONTRIBUTING.md", 160)])
def test_first_pages_are_short(page: str, limit: int) -> None:
    assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ("a rule", 2),
        ("an output format", 3),
        ("a command that writes", 6),
        ("a link syntax", 8),
        ("another way to recognise a renamed heading", 2),
    ],
)
def test_contributing_lists_the_files_of_walked_changes(change: str, limit: int) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [files] = re.findall(rf"^\| {change}(?:, `[^`]*`)? \| (.*?) \|", text, re.MULTILINE)
    paths = re.findall(r"`([\w./]+)`", files)
    assert 0 < len(files.split(", ")) <= limit
    for path in paths:
        found = [*ROOT.glob(path.replace("NAME", "*")), *SOURCE.glob(path)]
        assert found, f"{path} does not exist"


@pytest.mark.parametrize(
    "task",
    [
        "output format",
        "en dash",
        "link style",
        ".base",
        "debounce",
        "rule with an option",
        "cache format",
        "command",
    ],
)
def test_contributing_says_where_to_make_a_change(task: str) -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    text = page.split("## Where to change what")[1].split("\n## ")[0]
    rows = re.findall(rf"^\| [^|]*{re.escape(task)}[^|]* \| (.*) \|$", text, re.MULTILINE)
    answers = [found for row in rows if (found := re.findall(r"`([\w./-]+/[\w./-]*)`", row))]
    assert len(answers) == 1
    for path in answers[0]:
        assert list(ROOT.glob(path.replace("NAME", "*"))), f"{path} does not exist"


def test_paths_in_contributing_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:src|rules|tests|tools|docs|benchmarks)/[\w./*-]*|\w+/\w+\.py)`", text)
    assert len(named) > 30
    for path in named:
        found = [*ROOT.glob(path.replace("NAME", "*")), *SOURCE.glob(path)]
        assert found, f"{path} does not exist"


def test_pre_commit_configuration_exists() -> None:
    assert (ROOT / ".pre-commit-config.yaml").exists()


def test_versions_agree() -> None:
    version = PYPROJECT["project"]["version"]
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_package_is_marked_as_typed() -> None:
    assert (SOURCE / "py.typed").exists()


def test_make_without_a_target_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "lint", "bench", "refresh", "clean"):
        assert f"make {target}" in done.stdout
