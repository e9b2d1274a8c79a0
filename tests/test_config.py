"""Tests of settings: merged layers, error messages, globs and filters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from builder import RULES
from running import RunCommand, create_vault
from tables import each
from vaultlink.config.layers import COMMAND_LINE, Layer
from vaultlink.config.patterns import (
    compile_globs,
    compile_loose_globs,
    compile_obsidian_filters,
)
from vaultlink.config.settings import BACKLINKS_CHOICES, DEFAULT_SOURCE, Config, merge_layers
from vaultlink.errors import ConfigError
from vaultlink.model import Severity

DEFAULTS = frozenset(rule.name for rule in RULES if rule.enabled_by_default)
FILE = "vaultlink.toml"
UNRESOLVED = frozenset(("dangling-link", "planned-note"))
"""The rules that dangling-link selects: the second was split from it."""


def of(*layers: Mapping[str, Any]) -> Config:
    """Return the merged settings of layers; if there are several, the last is the command line."""
    sources = [FILE] if len(layers) == 1 else [FILE, COMMAND_LINE]
    return merge_layers(
        [Layer(source, values) for source, values in zip(sources, layers, strict=True)], RULES
    )


def codes(prefix: str) -> frozenset[str]:
    """Return the names of the rules whose codes have this prefix, without those in preview."""
    return frozenset(
        rule.name for rule in RULES if rule.code.startswith(prefix) and not rule.preview
    )


# -- which rules run --------------------------------------------------------------------------------------------------


@each(
    ("values", "enabled"),
    [
        ({}, DEFAULTS),
        ({"select": ["VL1"]}, codes("VL1")),
        ({"select": ["VL101"]}, UNRESOLVED),
        ({"select": ["dangling-link", "VL401"]}, UNRESOLVED | {"orphan-note"}),
        ({"select": []}, frozenset()),
        ({"select": ["ALL"]}, codes("VL")),
        ({"extend-select": ["orphan-note"]}, DEFAULTS | {"orphan-note"}),
        ({"ignore": ["VL1"]}, DEFAULTS - codes("VL1")),
        ({"select": ["VL1"], "ignore": ["self-link"]}, codes("VL1") - {"self-link"}),
        ({"select": ["self-link"], "ignore": ["VL1"]}, {"self-link"}),
        ({"select": ["VL1"], "ignore": ["VL1"]}, frozenset()),
        (
            {"select": ["VL1"], "ignore": ["VL10"], "extend-select": ["VL101"]},
            codes("VL1") - codes("VL10") | UNRESOLVED,
        ),
    ],
)
def test_narrower_selector_wins_and_ignore_wins_over_an_equal_select(
    values: Mapping[str, Any], enabled: frozenset[str]
) -> None:
    assert of(values).enabled == enabled


@each(
    ("file", "line", "enabled"),
    [
        ({"ignore": ["dangling-link"]}, {}, DEFAULTS - UNRESOLVED),
        ({"ignore": ["dangling-link"]}, {"select": ["VL101"]}, UNRESOLVED),
        ({"select": ["VL4"]}, {"extend-select": ["VL101"]}, codes("VL4") | UNRESOLVED),
        ({"select": ["VL4"]}, {"ignore": ["VL4"]}, frozenset()),
        ({"extend-select": ["VL4"]}, {"select": ["VL2"]}, codes("VL2")),
    ],
)
def test_layer_with_select_replaces_and_layer_without_it_extends(
    file: Mapping[str, Any], line: Mapping[str, Any], enabled: frozenset[str]
) -> None:
    assert of(file, line).enabled == enabled


# -- everything else --------------------------------------------------------------------------------------------------


@each(
    ("values", "rule", "severity"),
    [
        ({}, "dangling-link", Severity.ERROR),
        ({"dangling-link": "info"}, "dangling-link", Severity.INFO),
        ({"VL101": "warning"}, "dangling-link", Severity.WARNING),
        ({"VL1": "info"}, "dangling-link", Severity.INFO),
        ({"dangling-link": "warning", "VL1": "info"}, "dangling-link", Severity.WARNING),
        ({"VL1": "info", "VL101": "warning"}, "missing-heading", Severity.INFO),
    ],
)
def test_severity(values: Mapping[str, str], rule: str, severity: Severity) -> None:
    assert of({"severity": values}).severity[rule] is severity


def test_every_rule_has_a_severity_and_all_of_its_options() -> None:
    config = of({})
    assert config.severity.keys() == config.options.keys() == {rule.name for rule in RULES}
    for rule in RULES:
        assert config.options[rule.name].keys() == {option.name for option in rule.options}


def test_options_are_set_by_name_or_code_of_their_rule_and_cannot_be_changed_later() -> None:
    assert of({"rules": {"orphan-note": {"ignore": ["Home.md"]}}}).options["orphan-note"][
        "ignore"
    ] == ("Home.md",)
    assert of({"rules": {"VL401": {"ignore": ["Home.md"]}}}).options["orphan-note"]["ignore"] == (
        "Home.md",
    )


def test_lists_replace_those_of_lower_layers_and_tables_are_merged_by_key() -> None:
    config = of(
        {"exclude": ["a/"], "per-file-ignores": {"x/**": ["VL1"], "y/**": ["VL4"]}},
        {"exclude": ["b/"], "per-file-ignores": {"x/**": ["self-link"]}},
    )
    assert config.exclude == ("b/",)
    graph = codes("VL4") | {"required-link"}
    assert config.per_file_ignores == (("x/**", frozenset({"self-link"})), ("y/**", graph))


def test_backlinks_have_all_their_settings() -> None:
    assert of({}).backlinks == {key: choices[0] for key, choices in BACKLINKS_CHOICES.items()}
    assert (
        of({"backlinks": {"mode": "off", "heading": "## Links here"}}).backlinks["heading"]
        == "## Links here"
    )


def test_every_setting_has_a_source() -> None:
    config = of({"exclude": ["a/"], "severity": {"self-link": "error"}}, {"select": ["VL1"]})
    assert config.values.keys() == config.sources.keys()
    assert {
        key: config.sources[key] for key in ("exclude", "severity.self-link", "select", "ignore")
    } == {
        "exclude": FILE,
        "severity.self-link": FILE,
        "select": COMMAND_LINE,
        "ignore": DEFAULT_SOURCE,
    }


@each(
    "values",
    [
        {"select": ["VL1"]},
        {"severity": {"self-link": "error"}},
        {"rules": {"orphan-note": {"ignore": ["Home.md"]}}},
        {"exclude": ["a/"]},
        {"allow-dangling": ["a"]},
        {"per-file-ignores": {"a": ["VL1"]}},
    ],
)
def test_settings_that_affect_findings_change_the_digest(values: Mapping[str, Any]) -> None:
    assert of(values).digest() == of(dict(values)).digest() != of({}).digest()


# -- what is refused --------------------------------------------------------------------------------------------------


@each(
    ("values", "message"),
    [
        ({"selct": []}, "vaultlink.toml: selct: there is no such setting. Did you mean select"),
        (
            {"zzz": []},
            "vaultlink.toml: zzz: there is no such setting. Known: select, extend-select,",
        ),
        ({"select": "VL1"}, 'vaultlink.toml: select: must be a list: `["VL1"]`.'),
        ({"select": 3}, "vaultlink.toml: select: must be a list of strings, not 3."),
        (
            {"exclude": ["a", True]},
            "vaultlink.toml: exclude: every element must be a string, not true.",
        ),
        (
            {"select": ["dangling-lnk"]},
            "vaultlink.toml: select: there is no rule “dangling-lnk”. Did you mean dangling-link",
        ),
        (
            {"ignore": ["zzz"]},
            "vaultlink.toml: ignore: there is no rule “zzz”. `vaultlink rules` lists all rules.",
        ),
        ({"unfixable": ["VL9"]}, "vaultlink.toml: unfixable: no rule begins with “VL9”."),
        (
            {"severity": ["error"]},
            "vaultlink.toml: severity: must be a table ([severity]), not a list.",
        ),
        (
            {"severity": {"self-link": "eror"}},
            "vaultlink.toml: severity.self-link: “eror” is not one of error, warning, info.",
        ),
        (
            {"severity": {"self-lnk": "error"}},
            "vaultlink.toml: severity.self-lnk: there is no rule “self-lnk”.",
        ),
        (
            {"per-file-ignores": {"a/**": "VL1"}},
            'vaultlink.toml: per-file-ignores.a/**: must be a list: `["VL1"]`.',
        ),
        (
            {"rules": {"orphan-nte": {}}},
            "vaultlink.toml: rules.orphan-nte: there is no such rule. Did you mean orphan-note or planned-note?",
        ),
        (
            {"rules": {"orphan-note": ["Home.md"]}},
            "vaultlink.toml: rules.orphan-note: must be a table",
        ),
        (
            {"rules": {"orphan-note": {"ignroe": []}}},
            "vaultlink.toml: rules.orphan-note.ignroe: there is no such option of orphan-note. Did you mean ignore?",
        ),
        (
            {"rules": {"orphan-note": {"ignore": "Home.md"}}},
            "vaultlink.toml: rules.orphan-note.ignore: must be a list, not “Home.md”.",
        ),
        (
            {"rules": {"orphan-note": {"ignore": [1]}}},
            "vaultlink.toml: rules.orphan-note.ignore: every element must be a string, not 1.",
        ),
        (
            {"rules": {"leaked-prompt": {"lines": True}}},
            "vaultlink.toml: rules.leaked-prompt.lines: must be a whole number, not true.",
        ),
        (
            {"rules": {"link-style": {"kind": "wiki"}}},
            "vaultlink.toml: rules.link-style.kind: “wiki” is not one of vault, wikilink, markdown, any.",
        ),
        (
            {"backlinks": {"mdoe": "off"}},
            "vaultlink.toml: backlinks.mdoe: there is no such setting. Did you mean mode",
        ),
        (
            {"mentions": {"cjk": 1}},
            "vaultlink.toml: mentions.cjk: must be true or false, not 1.",
        ),
        (
            {"mentions": {"min-scor": 1}},
            "vaultlink.toml: mentions.min-scor: there is no such setting. Did you mean min-score",
        ),
        *(
            (
                {"mentions": {"min-score": score}},
                f"vaultlink.toml: mentions.min-score: must be a number from 0 to 1, not {said}.",
            )
            for score, said in ((-0.1, "-0.1"), (1.1, "1.1"), (True, "true"), ("1", "“1”"))
        ),
        (
            {"mentions": {"ignore": ["a", ""]}},
            "vaultlink.toml: mentions.ignore: must be one line of text",
        ),
        (
            {"backlinks": {"mode": "on"}},
            "vaultlink.toml: backlinks.mode: “on” is not one of repair, off, write.",
        ),
        (
            {"backlinks": {"heading": "a\nb"}},
            "vaultlink.toml: backlinks.heading: must be one line of text",
        ),
        *(
            (
                {"backlinks": {"heading": line}},
                f"vaultlink.toml: backlinks.heading: “{line}” is not a heading",
            )
            for line in (
                "```",
                "~~~ x",
                "%% Links",
                "<!-- Links -->",
                "<div>",
                "$$",
                "#links",
                "---",
                "* * *",
                "===",
                "| Links |",
            )
        ),
    ],
)
def test_messages_name_the_place_the_cause_and_a_suggestion(
    values: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        of(values)
    assert str(raised.value).startswith(message)


@each(
    "line",
    [
        "## Backlinks",
        "**Links here:**",
        "Links",
        "- Links",
        "_Rückverweise_",
        "# 1. Links #",
        "C# notes",
    ],
)
def test_headings_of_sections(line: str) -> None:
    assert of({"backlinks": {"heading": line}}).backlinks["heading"] == line


def test_errors_on_the_command_line_name_the_option() -> None:
    with pytest.raises(ConfigError, match=r"^--extend-select: there is no rule “orphan”\."):
        of({}, {"extend-select": ["orphan"]})


# -- globs and filters ------------------------------------------------------------------------------------------------


@each(
    ("pattern", "fits", "fails"),
    [
        (
            "Templates/**",
            ["Templates/Day.md", "Templates/a/b.md"],
            ["My Templates/a.md", "a/Templates/b.md", "Templates2/a.md"],
        ),
        (
            "Templates/",
            ["Templates/Day.md", "a/Templates/b.md"],
            ["Templates2/a.md", "templates/a.md"],
        ),
        ("/Templates/", ["Templates/Day.md"], ["a/Templates/b.md"]),
        ("*.png", ["a.png", "x/y/a.png"], ["a.png.md", "a.PNG"]),
        ("a/*.md", ["a/b.md"], ["a/b/c.md", "x/a/b.md"]),
        ("a/**/c.md", ["a/c.md", "a/b/c.md", "a/b/b/c.md"], ["a/bc.md", "ac.md"]),
        (
            "**/Archive/**",
            ["Archive/a.md", "x/Archive/a.md", "x/y/Archive/z/a.md"],
            ["Archived/a.md"],
        ),
        (
            "20??-??-??",
            ["2024-01-31", "Daily/2024-01-31", "2024-01-31/a"],
            ["2024-1-31", "x2024-01-31"],
        ),
        ("[ab].md", ["a.md", "x/b.md"], ["c.md", "ab.md"]),
        ("[!ab].md", ["c.md"], ["a.md", "/.md"]),
        ("[a-c]1", ["b1"], ["d1", "-1"]),
        ("[z-a]", ["[z-a]"], ["m"]),
        ("[a", ["[a"], ["a"]),
        ("a.b+c(d)", ["a.b+c(d)"], ["aXb+c(d)", "abbc(d)"]),
        ("é.md", ["é.md", "e\u0301.md"], ["e.md"]),
        ("**", ["a", "a/b/c.md"], []),
        ("*", ["a", "a/b/c.md"], []),
    ],
)
def test_glob(pattern: str, fits: Sequence[str], fails: Sequence[str]) -> None:
    matches = compile_globs([pattern])
    assert [path for path in fits if not matches(path)] == []
    assert [path for path in fails if matches(path)] == []


@each(
    ("pattern", "fits", "fails"),
    [
        ("Home.md", ["Home.md", "a/Home.md"], ["Home.md.md", "home.md"]),
        ("/Home.md", ["Home.md"], ["a/Home.md"]),
        ("Daily/", ["Daily/a.md", "x/Daily/a.md"], ["Daily2/a.md"]),
        ("/Daily/", ["Daily/a.md"], ["x/Daily/a.md"]),
        ("Daily/*.md", ["Daily/a.md", "Daily/b/a.md"], ["x/Daily/a.md"]),
    ],
)
def test_glob_in_an_option_of_a_rule(
    pattern: str, fits: Sequence[str], fails: Sequence[str]
) -> None:
    matches = compile_loose_globs((pattern,))
    assert [path for path in fits if not matches(path)] == []
    assert [path for path in fails if matches(path)] == []


def test_globs_match_if_any_matches_and_no_globs_match_nothing() -> None:
    matches = compile_globs(["a/", "*.png"])
    assert (matches("a/b.md"), matches("x/y.png"), matches("b.md")) == (True, True, False)
    assert not compile_globs([])("a.md")


@each(
    ("filters", "path", "ignored"),
    [
        (["Archive/"], "Archive/a.md", True),
        (["archive"], "Archive2/a.md", True),
        (["Archive/"], "x/Archive/a.md", False),
        (["/arch.ve/"], "x/Archive/a.md", True),
        (["/^a.*\\.md$/"], "Archive/a.md", True),
        (["/^b/"], "Archive/a.md", False),
        (["/(/"], "(.md", False),
        (["/"], "a.md", False),
        ([""], "a.md", False),
        ([], "a.md", False),
    ],
)
def test_obsidian_filter(filters: Sequence[str], path: str, ignored: bool) -> None:
    assert compile_obsidian_filters(filters)(path) is ignored


# -- settings that belong elsewhere, as a command prints them ---------------------------------------------------------


@each(
    ("text", "message"),
    [
        ("[sections]", "sections: there is no such setting. Did you mean backlinks?"),
        ('[tool.vaultlink]\nselect = ["VL1"]', "tool: there is no such setting. Leave the header"),
        ("[tool.other]", "tool: there is no such setting. Known: select"),
        ('fail-on = "error"', "It is an option of commands: use --fail-on."),
        ('output_format = "json"', "It is an option of commands: use --output-format."),
        ('[rules]\nVL101 = "off"', '`ignore = ["VL101"]` switches the rule off.'),
        ("[rules]\norphan-note = false", '`ignore = ["orphan-note"]` switches the rule off.'),
        (
            '[rules]\norphan-note = "info"',
            '`orphan-note = "info"` in [severity] sets its severity.',
        ),
        ("[backlinkz]", "Did you mean backlinks?"),
    ],
)
def test_settings_of_another_place_are_explained(
    run: RunCommand, tmp_path: Path, text: str, message: str
) -> None:
    vault = create_vault(Path(mkdtemp(dir=tmp_path)) / "vault", {"vaultlink.toml": text})
    done = run("check", "--vault", vault)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@each(
    ("files", "warnings"),
    [
        ({"vaultlink.toml": ""}, []),
        ({"vaultlink.toml": "", "pyproject.toml": "[tool.other]\n"}, []),
        ({"vaultlink.toml/x.md": ""}, ["vaultlink.toml is a folder, so it has no settings."]),
        (
            {"vaultlink.toml": "", ".vaultlink.toml": ""},
            ["vaultlink.toml is not read, because .vaultlink.toml is beside it."],
        ),
        (
            {"vaultlink.toml": "", "pyproject.toml": "[tool.vaultlink]\n"},
            ["pyproject.toml is not read, because vaultlink.toml is beside it."],
        ),
    ],
)
def test_settings_files_that_are_not_read_are_named(
    run: RunCommand, tmp_path: Path, files: Mapping[str, str], warnings: Sequence[str]
) -> None:
    vault = create_vault(Path(mkdtemp(dir=tmp_path)) / "vault", files)
    err = run("links", "--vault", vault).err.splitlines()
    assert [line for line in err if line.startswith("warning: ")] == [
        f"warning: {sentence}" for sentence in warnings
    ]
    assert "warning" not in run("links", "--vault", vault, "--isolated").err
