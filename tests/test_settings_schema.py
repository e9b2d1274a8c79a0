"""Tests that the schema of the settings accepts what vaultlink accepts, and refuses what it refuses."""

import os
import re
import tomllib
from pathlib import Path
from tempfile import mkdtemp

import pytest
from jsonschema import Draft202012Validator

import json_pages
import rule_pages
from forge import ROOT, install_npm_packages, run_process
from json_schemas import SCHEMA_FOLDER
from running import RunCommand, create_vault, write_files
from settings_schema import build_settings_schema
from tables import each
from vaultlink.config.list_items import insert_list_items

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


@each("text", [*GOOD.values(), *BAD.values()], ids=[*GOOD, *BAD])
def test_schema_agrees_with_the_program(run: RunCommand, tmp_path: Path, text: str) -> None:
    vault = write_files(tmp_path / "vault", {"a.md": "", "vaultlink.toml": text})
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


# -- the first line of the file that `init` writes ------------------------------------------------------------------------


def write_metadata(folder: Path, *entries: str) -> Path:
    """Write the metadata of an installation into a folder, and return the folder."""
    lines = ["Metadata-Version: 2.1", "Name: vaultlink", "Version: 99", *entries]
    metadata = {"vaultlink-99.dist-info/METADATA": "\n".join(lines) + "\n"}
    return write_files(folder, metadata)


def format_first_lines(address: str) -> str:
    """Return the first lines of a settings file; Tombi wants an empty line behind its directives."""
    sentence = "# Editors of TOML complete and check the settings with this schema."
    return f"#:schema {address}\n{sentence}\n\n"


SITE = "https://docs.example.org/vaultlink"
PUBLISHED = f"{SITE}/reference/schemas/settings.json"


@each(
    ("entries", "is_published"),
    [
        ((f"Project-URL: Documentation, {SITE}",), True),
        ((f"Project-URL: documentation, {SITE}/",), True),
        ((f"Project-URL: Source, {SITE}/source", f"Project-URL: Documentation, {SITE}"), True),
        ((), False),
        ((f"Project-URL: Source, {SITE}",), False),
        ((f"Home-page: {SITE}",), False),
        (("Project-URL: Documentation, ",), False),
        (("Project-URL: Documentation, docs/README.md",), False),
        ((f"Project-URL: Documentation, {SITE} and more",), False),
        ((f"Project-URL: Documentation, {SITE}?page=1",), False),
        ((f"Project-URL: Documentation, {SITE}\x1b[31m",), False),
    ],
)
def test_init_names_the_schema_of_the_site_that_the_metadata_names(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entries: tuple[str, ...],
    is_published: bool,
) -> None:
    folder = Path(mkdtemp(dir=tmp_path))
    monkeypatch.syspath_prepend(write_metadata(folder / "place", *entries))
    vault = create_vault(folder / "vault", {"a.md": "[[a]]\n"})
    assert run("init", "--vault", vault).code == 0
    text = (vault / "vaultlink.toml").read_text(encoding="utf-8")
    first = format_first_lines(PUBLISHED) if is_published else ""
    assert text == first + STARTER.read_text(encoding="utf-8")


def test_schema_of_the_site_is_published() -> None:
    assert PUBLISHED.removeprefix(f"{SITE}/") in json_pages.render_files()


def test_settings_file_with_its_first_line_is_read_and_keeps_it(
    run: RunCommand, tmp_path: Path
) -> None:
    text = format_first_lines(PUBLISHED) + STARTER.read_text(encoding="utf-8")
    written = text.replace("# preview =", "preview =")
    vault = create_vault(tmp_path / "vault", {"vaultlink.toml": written})
    done = run("config", "--vault", vault, "--json")
    assert done.code == 0
    assert '{"key":"preview","value":true,"source":"vaultlink.toml"}' in done.out
    assert (
        insert_list_items(text, ["Plan"], "allow-dangling") == f'{text}allow-dangling = ["Plan"]\n'
    )


def test_first_line_of_doctor_names_the_folder_of_the_schemas(
    run: RunCommand, tmp_path: Path
) -> None:
    vault = create_vault(tmp_path / "vault", {})
    _, _, detail, _ = run("doctor", "--vault", vault, "--output-format", "tsv").lines[1].split("\t")
    assert Path(detail.partition(", in ")[2]) / "schemas" == SCHEMA_FOLDER


# -- what an editor says --------------------------------------------------------------------------------------------------

WRONG = {
    "unknown key": ("selct = []\n", "'selct' was unexpected"),
    "type": ('preview = "yes"\n', '"yes" is not of type "boolean"'),
    "unknown rule": ("[rules.orphan-nte]\n", "'orphan-nte' was unexpected"),
    "unknown option by code": ("[rules.VL111]\nknid = 1\n", "'knid' was unexpected"),
}


@pytest.mark.project
def test_taplo_finds_only_what_is_wrong_in_the_file_of_init(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One run, as Taplo takes a second to start."""
    packages = install_npm_packages(tmp_path_factory, "taplo")
    first = format_first_lines((SCHEMA_FOLDER / "settings.json").as_uri())
    written = first + STARTER.read_text(encoding="utf-8")
    texts = {"written": "", "all in force": read_starter()} | {
        name: text for name, (text, _) in WRONG.items()
    }
    write_files(
        tmp_path / "files", {f"{name}.toml": written + text for name, text in texts.items()}
    )
    lint: list[str | Path] = ["node", packages / "@taplo/cli/dist/cli.js", "lint", "*.toml"]
    done = run_process(lint, tmp_path / "files", dict(os.environ))
    assert done.returncode == 1
    found = {
        name: message
        for message, name in re.findall(
            r"error: (.*)\n *┌─ .*/([\w ]+)\.toml:", re.sub(r"\x1b\[[\d;]*m", "", done.stderr)
        )
    }
    assert found.keys() == WRONG.keys(), done.stderr
    for name, (_, message) in WRONG.items():
        assert message in found[name]
