"""Patterns of settings take linear time, and mean what they meant."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from growth import assert_time_grows_slowly
from running import RunCommand, create_vault
from tables import each
from vaultlink.config.expressions import Expression, UnsupportedExpression
from vaultlink.config.patterns import compile_globs, compile_obsidian_filters, list_unused_filters
from vaultlink.errors import ConfigError

pytestmark = pytest.mark.timeout(60)

# -- meaning ------------------------------------------------------------------------------------------------------


def fits_token(token: str, part: str) -> bool:
    """Return True if a token of a glob matches a part of a path."""
    if token in WILDCARDS:
        return WILDCARDS[token](part)
    if token[0] == "[" and len(token) > 2:
        chars = token[1:-1].removeprefix("!")
        return len(part) == 1 and part != "/" and (part in chars) == (token[1] != "!")
    return part == token


WILDCARDS: Mapping[str, Callable[[str], bool]] = {
    "*": lambda part: "/" not in part,
    "**": lambda _part: True,
    "**/": lambda part: part == "" or part[-1] == "/",
    "/**": lambda part: part == "" or part[0] == "/",
    "?": lambda part: len(part) == 1 and part != "/",
}


def matches_glob(glob: str, path: str) -> bool:
    """Match a glob by its definition: sets of positions, token by token."""
    rest = glob.rstrip("/")
    tokens = [] if "/" in rest else ["**/"]
    tokens += re.findall(r"\*\*/|/\*\*|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", rest.removeprefix("/"))
    starts = {0}
    for token in tokens:
        ends = range(len(path) + 1)
        starts = {
            end
            for start in starts
            for end in ends
            if end >= start and fits_token(token, path[start:end])
        }
    return any(end == len(path) or path[end] == "/" for end in starts)


NAMES = some.lists(some.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]"]), min_size=1, max_size=5)
GLOBS = some.lists(some.just("**") | NAMES.map("".join), min_size=1, max_size=5).map("/".join)
MIXED_GLOBS = some.lists(some.sampled_from(["a", "b", "/", "*", "**", "?"]), max_size=8).map(
    "".join
)
PATHS = some.lists(some.text("ab", min_size=1, max_size=6), min_size=1, max_size=5).map("/".join)


@given(GLOBS, some.lists(PATHS, min_size=1, max_size=8))
def test_globs_match_as_defined(glob: str, paths: Sequence[str]) -> None:
    fits = compile_globs([glob])
    for path in paths:
        assert fits(path) == matches_glob(glob, path), (glob, path)


@given(MIXED_GLOBS.filter(lambda glob: glob.strip("/") != ""), some.lists(PATHS, max_size=8))
def test_mixed_globs_match_as_defined(glob: str, paths: Sequence[str]) -> None:
    fits = compile_globs([glob])
    for path in paths:
        if glob.strip("/*") or "**" in glob:
            assert fits(path) == matches_glob(glob, path), (glob, path)


def compose(inner: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    """Generate expressions that contain others."""
    quantifier = some.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?"])
    group = some.sampled_from(["(", "(?:", "(?=", "(?!"])
    return (
        some.tuples(inner, inner).map("".join)
        | some.tuples(inner, inner).map("|".join)
        | some.tuples(inner, quantifier).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
        | some.tuples(group, inner).map(lambda pair: f"{pair[0]}{pair[1]})")
    )


ATOMS = some.sampled_from(
    [
        "a",
        "b",
        "/",
        ".",
        "[ab]",
        "[^a]",
        "[a-c]",
        "^",
        "$",
        r"\b",
        r"\B",
        r"\w",
        r"\.",
        "(?<=a)",
        "(?<!b)",
    ]
)
EXPRESSIONS = some.recursive(ATOMS, compose, max_leaves=8)
FLAGS = re.IGNORECASE | re.ASCII


@given(EXPRESSIONS, some.lists(some.text("abAB/.", min_size=1, max_size=8), max_size=8))
def test_expressions_match_as_those_of_python(source: str, texts: Sequence[str]) -> None:
    expected = re.compile(source.replace("$", r"\Z"), FLAGS)
    found = Expression(source)
    for text in texts:
        assert found.search(text) == bool(expected.search(text)), (source, text)


@each(
    ("source", "fits", "fails"),
    [
        (r"^(?!Notes/)", ["x/Notes/a.md"], ["notes/a.md"]),
        (r"(?<=Daily/)\d{4}", ["Daily/2024.md"], ["Notes/2024.md"]),
        (r"^(?!.*\.md$)", ["a.png"], ["a.md"]),
        (r"\.(png|jpe?g)$", ["a.PNG", "b.jpeg"], ["a.png.md"]),
        (r"é", ["É.md"], ["e.md"]),
        (r"\u00e9|\xe8|\cA", ["é", "è", "\x01"], ["e"]),
        (r"[\d-x]", ["-", "5", "x"], ["y"]),
        (r"[^]", ["a", "\n"], [""]),
        (r"[]", [], ["a", ""]),
        (r"a{,2}", ["a{,2}"], ["aa"]),
        (r"]}", ["]}"], ["x"]),
        (r"(?<year>\d+)-\d", ["2024-1"], ["x"]),
        (r"\0", ["\0"], ["0"]),
        (r"\/", ["a/b"], ["ab"]),
        (r"\s", ["a b", "a\u00a0b", "a\ufeffb"], ["ab"]),
        (r"(?=(?!b)a)a", ["xa"], ["b"]),
        (r"(a*)*b", ["aaab"], ["aaa"]),
        (r"\bx\B", ["éxy"], ["axy", "éx"]),
        (r"^[\W\d]$", ["-", "5", "é"], ["s", "k", "_"]),
        (r"^[^\w-]$", ["é"], ["a", "-"]),
        (r"a{e<=1}|\p\K", ["a{e<=1}", "pK"], ["a", "b"]),
        (r"[[a&&b||~~e]]", ["&]", "[]", "~]"], ["a", "f]"]),
        ("a.", ["ab"], ["a\u2028"]),
        (r"^[\w\d]+$", ["a1"], ["1" * 5_000 + "!"]),  # no character is tried twice
    ],
)
def test_syntax_of_javascript(source: str, fits: Sequence[str], fails: Sequence[str]) -> None:
    expression = Expression(source)
    assert [text for text in fits if not expression.search(text)] == []
    assert [text for text in fails if expression.search(text)] == []


UNSUPPORTED = [
    *(r"(a)\1", r"(?<n>a)\k<n>", "(", ")", "*a", "a**", "[z-a]", "[a", "a\\", "(?i:a)", "(?>a)"),
    *("a{1001}", "a{2,1}", "(" * 60 + ")" * 60, "a" * 1_001, "{1}", "^*"),
    *("(" * 100_000, "(?:" * 300, "(?<=a)*", "[" * 1_000),
    *("(?:(?:a{1000}){1000}){1000}", "(" * 48 + "a{1000}" + "){1000}" * 48, "(?:a{200}){0,200}"),
]


@each("source", UNSUPPORTED, ids=lambda source: source[:20])
def test_unsupported_expression_is_named_and_excludes_nothing(source: str) -> None:
    with pytest.raises(UnsupportedExpression):
        Expression(source)
    [clause] = list_unused_filters([f"/{source}/"])
    assert clause.startswith(f"/{source}/: ")
    assert not compile_obsidian_filters([f"/{source}/"])("a")


def test_order_of_a_range_is_explained() -> None:
    with pytest.raises(UnsupportedExpression, match="wrong order"):
        Expression("[z-a]")


# -- time ---------------------------------------------------------------------------------------------------------

SLOW_EXPRESSIONS = [
    *("(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*a){20}x", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$"),
    *("(?=(a+)+$)b", "(?<=(a+)+)b", "(?!(a|b|ab)*c)d", "(a?){50}a{50}x", "(a|b)*a(a|b){100}x"),
    *(".*.*.*.*=", r"(\w+\s?)*$!", "(?:(?:(?:a?)*)*)*x", "[^]*[^]*[^]*[^]*x"),
]
SLOW_GLOBS = [
    *(
        "*a" * 40 + "x",
        "**a" * 40 + "x",
        "**/a*" * 40 + "x",
        "a/**/" * 40 + "x",
        "**/*a/" * 40 + "x",
    ),
    *("**/" * 40 + "x", "*" * 49 + "x", "?*" * 45 + "x", "[ab]*" * 45 + "x", "***a" * 16 + "x"),
    *("**/*a*a*a*a*a*x/**", "*a*a*a*a/**/*a*a*a*a/**/*a*a*ax", "/**" * 40 + "/x"),
]


SHAPES: Sequence[Callable[[int], str]] = (
    lambda size: "a" * size,
    lambda size: "a/" * (size // 2),
    lambda size: "ab" * (size // 2) + "!",
    lambda size: "aaaaaaaaaa/" * (size // 11) + "b",
)


@each("source", SLOW_EXPRESSIONS)
@each("shape", range(len(SHAPES)))
def test_time_of_expressions_is_limited(source: str, shape: int) -> None:
    expression = Expression(source)
    with suppress(ConfigError):
        expression.search(SHAPES[shape](4_000))  # without a limit, it takes longer than a test may


@pytest.mark.thorough
@each("glob", SLOW_GLOBS, ids=lambda glob: glob[:20])
@each("shape", range(len(SHAPES)))
def test_time_of_globs_is_linear(glob: str, shape: int) -> None:
    matches = compile_globs([glob])
    matches("a")  # compiles the pattern
    assert_time_grows_slowly(lambda size: partial(matches, SHAPES[shape](size)), 1_000)


# -- commands -----------------------------------------------------------------------------------------------------

SETTINGS = {
    "exclude": 'exclude = ["' + "*a" * 40 + '", "' + "**a" * 40 + '"]\n',
    "allow-dangling": 'allow-dangling = ["' + "*a" * 40 + '", "' + "**a" * 40 + '"]\n',
    "per-file-ignores": '[per-file-ignores]\n"'
    + "*a" * 40
    + '" = ["VL1"]\n"'
    + "**a" * 40
    + '" = []\n',
}


@each("text", SETTINGS.values(), ids=SETTINGS)
def test_hostile_globs_in_settings(tmp_path: Path, run: RunCommand, text: str) -> None:
    name = "a" * 240
    root = create_vault(
        tmp_path / "v", {f"{name}.md": f"[[{'a' * 10_000}x]]\n", "vaultlink.toml": text}
    )
    assert run("check", "--vault", str(root)).code in (0, 1)


@each(
    ("text", "words"),
    [
        ("exclude = [" + "'x', " * 3_000 + "]\n", ("exclude", "at most 2,000")),
        ("allow-dangling = ['" + "x" * 2_000 + "']\n", ("allow-dangling", "at most 1,000")),
        ("exclude = ['" + "*a" * 60 + "']\n", ("exclude", "more than 50 wildcards")),
        ("[per-file-ignores]\n" + "x" * 2_000 + " = []\n", ("per-file-ignores", "at most 1,000")),
    ],
)
def test_too_many_or_too_long_patterns(
    tmp_path: Path, run: RunCommand, text: str, words: Sequence[str]
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": "", "vaultlink.toml": text})
    done = run("check", "--vault", str(root))
    assert (done.code, done.out) == (2, "")
    assert [word for word in ("vaultlink.toml", *words) if word not in done.err] == []


@each("options", [(), ("--no-cache",), ("--jobs", "1")], ids=" ".join)
def test_slow_filter_of_obsidian_is_dropped_for_all_files(
    tmp_path: Path, run: RunCommand, options: Sequence[str]
) -> None:
    slow = ["/^b|^.(a|aa)+!/", "/^d|^.(a|a)*!/"]
    app = json.dumps({"userIgnoreFilters": [slow[0], "/^c/", slow[1]]})
    names = [*"bcde", *(letter + "a" * 60 + "-!" for letter in "abcdxz")]
    root = create_vault(tmp_path / "v", {f"{name}.md": "[[gone]]\n" for name in names})
    (root / ".obsidian/app.json").write_text(app)
    command = ("check", "--vault", str(root), "--output-format", "concise", *options)
    first, second = run(*command), run(*command)
    found = [line.split(".")[0] for line in first.lines]
    assert found == sorted(name for name in names if name[0] != "c")
    assert (second.out, second.err) == (first.out, first.err)
    for item in slow:
        assert first.err.count(f"{item}: it takes too long") == 1


def test_filters_of_obsidian_that_are_not_used_are_reported(
    tmp_path: Path, run: RunCommand
) -> None:
    filters = ["/(a+)+$/", r"/(b)\1/", "c/", *["/x/"] * 60, *["y"] * 3_000]
    app = json.dumps({"userIgnoreFilters": filters})
    root = create_vault(tmp_path / "v", {"bb.md": "[[gone]]\n", "c/c.md": "[[gone]]\n"})
    (root / ".obsidian/app.json").write_text(app)
    done = run("check", "--vault", str(root), "--output-format", "concise")
    assert [line.split(":")[0] for line in done.lines] == ["bb.md"]
    for words in (
        r"/(b)\1/: it has a back reference",
        "after the first 50",
        "after the first 2,000",
    ):
        assert words in done.err
