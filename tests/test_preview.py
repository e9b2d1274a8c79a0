"""Tests of rules in preview, with a made catalog: no rule of vaultlink needs to be in preview."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from builder import RULES, load_declarations
from running import RunCommand, create_vault
from tables import each
from vaultlink.config.layers import COMMAND_LINE, Layer
from vaultlink.config.settings import Config, merge_layers
from vaultlink.engine.checks import LinterSettings
from vaultlink.engine.step import Change, State, step
from vaultlink.report.rule_manual import render_rule_page, rule_row
from vaultlink.rules.registry import CatalogError, build_catalog

PREVIEWED = ("duplicate-heading", "dangling-embed", "self-link")
"""The first is off by default; dangling-link yields to the second."""

DECLARED = {
    name: {**value, "preview": name in PREVIEWED} for name, value in load_declarations().items()
}
CATALOG = build_catalog(DECLARED)
ALL = frozenset(rule.name for rule in CATALOG)
DEFAULTS = frozenset(rule.name for rule in CATALOG if rule.enabled_by_default)
LINKS = frozenset(rule.name for rule in CATALOG if rule.code.startswith("VL1"))
LATER = frozenset(PREVIEWED)
EMBEDS = frozenset({"dangling-embed"})
CODE = {rule.name: rule.code for rule in CATALOG}


def settings_of(values: Mapping[str, Any], line: Mapping[str, Any] | None = None) -> Config:
    layers = [Layer("vaultlink.toml", values), Layer(COMMAND_LINE, line or {})]
    return merge_layers(layers, CATALOG)


@each(
    ("values", "line", "enabled", "skipped"),
    [
        ({}, {}, DEFAULTS - LATER, ()),
        ({"preview": False}, {}, DEFAULTS - LATER, ()),
        ({"preview": True}, {}, DEFAULTS, ()),
        ({"select": ["ALL"]}, {}, ALL - LATER, ()),
        ({"select": ["ALL"], "preview": True}, {}, ALL, ()),
        ({"select": ["VL1"]}, {}, LINKS - LATER, ()),
        ({"select": ["VL1"]}, {"preview": True}, LINKS, ()),
        ({"select": ["VL1"], "preview": True}, {"preview": False}, LINKS - LATER, ()),
        ({"select": ["dangling-embed"]}, {}, frozenset(), ("dangling-embed",)),
        ({"select": [CODE["dangling-embed"]]}, {}, frozenset(), ("dangling-embed",)),
        ({"select": ["dangling-embed"], "preview": True}, {}, EMBEDS, ()),
        ({}, {"extend-select": ["duplicate-heading"]}, DEFAULTS - LATER, ("duplicate-heading",)),
        ({}, {"select": ["self-link", "dangling-embed"]}, frozenset(), ("dangling-embed", "self-link")),
        ({"select": ["dangling-embed"]}, {"select": ["VL301"]}, {"invalid-frontmatter"}, ()),
        ({"select": ["dangling-embed"]}, {"ignore": ["dangling-embed"]}, frozenset(), ()),
        ({"ignore": ["dangling-embed"]}, {}, DEFAULTS - LATER, ()),
        ({"ignore": ["dangling-embed"], "preview": True}, {}, DEFAULTS - EMBEDS, ()),
        ({"fixable": ["dangling-embed"], "severity": {"self-link": "error"}}, {}, DEFAULTS - LATER, ()),
    ],
)  # fmt: skip
def test_rules_in_preview_run_only_if_it_is_on(
    values: Mapping[str, Any], line: Mapping[str, Any], enabled: frozenset[str], skipped: tuple[str]
) -> None:
    config = settings_of(values, line)
    assert config.enabled == enabled
    assert config.skipped_preview == skipped


def test_only_rule_in_preview_is_skipped_by_its_name() -> None:
    rules = {name: {**DECLARED[name], "preview": name == "self-link"} for name in DECLARED}
    config = merge_layers([Layer(COMMAND_LINE, {"select": ["self-link"]})], build_catalog(rules))
    assert config.skipped_preview == ("self-link",)


def check(config: Config, text: str) -> list[str]:
    state = State(LinterSettings.build(CATALOG, config))
    return [item.rule for item in step(state, [Change("a.md", text)]).diagnostics.get("a.md", ())]


def test_rule_does_not_take_precedence_while_it_does_not_run() -> None:
    assert check(settings_of({}), "![[gone]]") == ["dangling-link"]
    assert check(settings_of({"preview": True}), "![[gone]]") == ["dangling-embed"]


def test_suppression_of_a_rule_that_does_not_run_is_not_unused() -> None:
    text = "%%vaultlink-disable self-link%%\n"
    assert check(settings_of({}), text) == []
    assert check(settings_of({"preview": True}), text) == ["unused-ignore"]


@each("value", [1, "yes", [], None])
def test_switch_must_be_true_or_false(value: object) -> None:
    with pytest.raises(Exception, match="preview: must be true or false"):
        settings_of({"preview": value})
    with pytest.raises(CatalogError, match="“preview” must be true or false"):
        build_catalog({"self-link": {**DECLARED["self-link"], "preview": value}})


def test_rows_and_manual_show_it() -> None:
    rows = {row.name: row for row in map(rule_row, CATALOG)}
    assert (rows["dangling-embed"].preview, rows["dangling-link"].preview) == (True, False)
    pages = {rule.name: render_rule_page(rule, 90) for rule in CATALOG}
    assert [name for name, page in pages.items() if "in preview" in page] == sorted(
        PREVIEWED, key=lambda name: CODE[name]
    )


# -- commands -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"vaultlink.toml": "", "a.md": "![[gone]]\n"}
    root = create_vault(tmp_path / "vault", files)
    monkeypatch.chdir(root)
    monkeypatch.setattr("vaultlink.api.load_rules", lambda **_options: DECLARED)
    monkeypatch.setattr("vaultlink.cli.commands.config.load_rules", lambda **_options: DECLARED)
    return root


WARNING = (
    "warning: dangling-embed is in preview and does not run. "
    "--preview, or `preview = true` in the settings, switches preview rules on.\n"
)


@pytest.mark.parametrize("command", ["check", "fix", "baseline", "config"])
def test_selecting_one_by_name_warns_once(run: RunCommand, vault: Path, command: str) -> None:
    for words in (("--extend-select", "dangling-embed"), ("--extend-select", "dangling-embed")):
        assert run(command, *words).err.count(WARNING) == 1  # the second time from the cache
    assert "preview" not in run(command, "--select", "VL1,ALL").err
    assert "preview" not in run(command, "--extend-select", "dangling-embed", "--preview").err
    assert run(command, "--preview", "--no-preview").code == 2


def test_preview_on_the_command_line_and_in_the_settings(run: RunCommand, vault: Path) -> None:
    assert "VL101" in run("check").out
    assert "VL104" in run("check", "--preview").out
    (vault / "vaultlink.toml").write_text("preview = true\n", encoding="utf-8")
    assert "VL104" in run("check").out
    assert "VL101" in run("check", "--no-preview").out
    rows = [line.split("\t") for line in run("config", "--no-preview").lines]
    assert ["preview", "false", "command line"] in rows


def test_table_of_rules_shows_it(run: RunCommand, vault: Path) -> None:
    shown = {line.split("\t")[1]: line.split("\t")[2] for line in run("rules").lines}
    names = ("dangling-embed", "duplicate-heading", "dangling-link", "dead-end")
    assert [shown[name] for name in names] == ["preview", "preview", "on", "off"]


def test_rules_that_leave_preview_are_known_to_a_baseline(run: RunCommand, vault: Path) -> None:
    run("baseline")
    assert run("check", "--preview").code == 0


def test_no_rule_is_in_preview_without_reason() -> None:
    """A rule that is on and exact needs no preview. A list, so that each is a decision."""
    assert [rule.name for rule in RULES if rule.preview] == [
        "missing-footnote",
        "unused-footnote",
        "required-link",
    ]
