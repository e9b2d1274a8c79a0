"""Tests that the schema of the settings accepts what vaultlink accepts, and refuses what it refuses."""

import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import rule_pages
from forge import ROOT
from running import RunCommand, create_vault
from settings_schema import build_settings_schema

SCHEMA = Draft202012Validator(build_settings_schema())
STARTER = ROOT / "src/vaultlink/cli/starters/vaultlink.toml"


def read_starter() -> str:
    """Return the settings file of `init` with all its settings in force."""
    lines = STARTER.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.removeprefix("# ") for line in lines if " = " in line or "[" in line[:4])


GOOD = {
    "nothing": "",
    "lists": 'select = ["ALL", "VL1", "VL101", "orphan-note"]\nexclude = ["a/**"]\nquiet = []\n',
    "severity": '[severity]\nVL4 = "info"\ndangling-link = "warning"\n',
    "files": '[per-file-ignores]\n"Daily/**" = ["VL1"]\n',
    "options": '[rules.orphan-note]\nignore = ["Home.md"]\n[rules.VL105]\n',
    "options by code": '[rules.VL111]\nkind = "wikilink"\n',
    "backlinks": '[backlinks]\nmode = "write"\nheadings = ["Links"]\nmentions = true\n',
    "retired": '[backlinks]\norder = "rank"\ngroup = "folder"\n',
    "mentions": "[mentions]\nmin-score = 0.5\ncjk = true\n",
    "values": 'preview = true\nkeep-runs = "90 days"\nkeep-runs-size = "1 GB"\n',
}
BAD = {
    "unknown key": "selct = []\n",
    "no list": 'select = "VL1"\n',
    "unknown rule": 'select = ["no-such-rule"]\n',
    "unknown severity": '[severity]\nVL4 = "fatal"\n',
    "unknown kind": 'quiet = ["everything"]\n',
    "no switch": 'preview = "yes"\n',
    "unknown option": "[rules.orphan-note]\nignroe = []\n",
    "unknown option by code": '[rules.VL111]\nknid = "wikilink"\n',
    "unknown choice by code": '[rules.VL111]\nkind = "wiki"\n',
    "severity of an unknown rule": '[severity]\nno-such-rule = "info"\n',
    "type of an option": '[rules.orphan-note]\nignore = "Home.md"\n',
    "unknown choice": '[backlinks]\nmode = "maybe"\n',
    "score": "[mentions]\nmin-score = 2\n",
    "unknown table": "[mention]\n",
}


@pytest.mark.parametrize("text", [*GOOD.values(), *BAD.values()], ids=[*GOOD, *BAD])
def test_schema_agrees_with_the_program(run: RunCommand, tmp_path: Path, text: str) -> None:
    vault = create_vault(tmp_path / "vault", {"a.md": "", "vaultlink.toml": text})
    done = run("config", "--vault", vault)
    is_good = text in GOOD.values()
    assert (done.code == 0) == is_good, done.err
    assert SCHEMA.is_valid(tomllib.loads(text)) == is_good


def test_settings_file_of_init_is_valid_with_all_its_settings() -> None:
    settings = tomllib.loads(read_starter())
    assert len(settings) > 10
    assert [error.message for error in SCHEMA.iter_errors(settings)] == []


def test_editors_complete_the_rules_by_name() -> None:
    """Taplo and Tombi complete keys that `properties` lists, and no others."""
    schema, rules = build_settings_schema(), rule_pages.load_catalog()
    for table in ("severity", "rules"):
        assert {rule.name for rule in rules} <= schema["properties"][table]["properties"].keys()
    tables = schema["properties"]["rules"]["properties"]
    assert {rule.name: tables[rule.name]["description"] for rule in rules} == {
        rule.name: rule.summary for rule in rules
    }
    assert {rule.code: tables[rule.code]["$ref"].rsplit("/", 1)[1] for rule in rules} == {
        rule.code: rule.name for rule in rules
    }
