"""Tests that the JSON of every command is valid against its published schema.

The schemas of these tests allow no keys that they do not name.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from forge import ROOT
from json_documents import DOCUMENTS
from json_pages import render_schemas
from json_schemas import DIALECT, SCHEMA_FOLDER, build_schema, render_schema
from repositories import create_repository
from running import CommandResult, RunCommand, create_vault
from tables import each
from vaultlink.cli.command_table import COMMANDS
from vaultlink.disk.scan import BASELINE_FILE

FIXTURES = sorted(path for path in (ROOT / "fixtures").iterdir() if path.is_dir())
PODCAST = ROOT / "fixtures" / "podcast-wiki"
SMALL = {
    "Home.md": '---\nup: "[[Harbour]]"\nn: 1.5\n---\n# Start\n\nTo [[Port]], [[Harbour#Piers]], [[Gone]] #sea ^b1\n',
    "Harbour.md": "---\naliases: [Port]\n---\n# Piers\n\n- [[Home]]\n",
    "Old harbour light.md": "[[Home]] A tower on the mole.\n",
    "Walk.md": "Past the old harbour light. [[Light]]\n",
    "Board.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "Home.md"}], "edges": []}',
    "map.png": "",
}

READING: dict[str, tuple[tuple[str, ...], ...]] = {
    "check": (("check", "--json"), ("check", "--json", "--select", "ALL")),
    "finding": (("check", "--output-format", "json-lines", "--select", "ALL"),),
    "show": (("show", "--json"),),
    "links": (("links", "--json"),),
    "unresolved": (("unresolved", "--json"),),
    "status": (("status", "--json"),),
    "backlinks-all": (("backlinks", "--json"),),
    "backlinks-sections": (("sections", "check", "--json"),),
    "mentions": (("mentions", "--json"),),
    "mentions-plan": (("mentions", "--diff", "--json"),),
    "plan": (
        ("fix", "--diff", "--json"),
        ("fix", "--unsafe-fixes", "--create", ".", "--diff", "--json"),
        ("sections", "write", "--diff", "--json"),
        ("baseline", "--diff", "--json"),
    ),
    "twins": (("related", "--twins", "--json"),),
    "orphans": (("orphans", "--json"), ("deadends", "--json")),
    "graph": (("graph", "--json"),),
    "report": (("report", "--output-format", "json"),),
    "config": (("config", "--json"),),
    "clean": (("clean", "--diff", "--json"),),
    "doctor": (("doctor", "--json"),),
    "undo-list": (("undo", "--list", "--json"),),
    "undo-verify": (("undo", "--verify", "--json"),),
}
"""Commands on a whole vault that write nothing."""


def assert_valid(name: str, text: str, *, lines: bool = False) -> Any:
    """Assert that a document, or each of its lines, is valid; return what was read."""
    validator = Draft202012Validator(build_schema(name, closed=True))
    documents = [json.loads(line) for line in text.splitlines()] if lines else [json.loads(text)]
    for document in documents:
        errors = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in validator.iter_errors(document)
        ]
        assert errors == [], f"{name}: {errors[:5]}"
    return documents if lines else documents[0]


def run_valid(run: RunCommand, name: str, *words: str) -> Any:
    """Run a command, and return its document, which must be valid."""
    done: CommandResult = run(*words)
    assert done.code in (0, 1), done.err
    return assert_valid(name, done.out, lines="json-lines" in words)


@pytest.mark.parametrize("vault", FIXTURES, ids=lambda path: path.name)
def test_listings_of_the_sample_vaults_are_valid(run: RunCommand, vault: Path) -> None:
    for name, lines in READING.items():
        for words in lines:
            run_valid(run, name, *words, "--vault", str(vault))


def test_documents_on_a_note_are_valid(run: RunCommand) -> None:
    vault = ("--vault", str(PODCAST))
    for note in ("long_tide", "why_canals_silt_up"):
        assert run_valid(run, "backlinks", "backlinks", note, "--json", *vault)["note"]
        assert run_valid(run, "related", "related", note, "--json", *vault)["related"]
        run_valid(run, "history", "history", note, "--json", *vault)
    assert run_valid(run, "rules", "rule", "dangling-link", "--json")["rules"]
    assert len(run_valid(run, "rules", "rules", "--json")["rules"]) > 40


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("check", "check"),
        ("show", "show"),
        ("links", "links"),
        ("unresolved", "unresolved"),
        ("orphans", "orphans"),
        ("orphans", "deadends"),
        ("backlinks", "backlinks long_tide"),
        ("backlinks-all", "backlinks"),
        ("related", "related long_tide"),
        ("twins", "related --twins"),
        ("mentions", "mentions"),
        ("history", "history long_tide"),
    ],
)
def test_pages_are_valid(run: RunCommand, name: str, line: str) -> None:
    words = (*line.split(), "--json", "--vault", str(PODCAST))
    for options in (("--limit", "1"), ("--limit", "1", "--after", "1"), ("--after", "999")):
        data = run_valid(run, name, *words, *options)
        assert "next" in data
        assert "limits" not in data
    assert "next" not in run_valid(run, name, *words)


def test_document_with_limits_is_valid(run: RunCommand, tmp_path: Path) -> None:
    vault = create_repository(tmp_path / "vault", SMALL)
    words = ("check", "--changed-since", "HEAD", "--max-deleted-notes", "0", "--vault", str(vault))
    none = {"count": 0, "max": 0}, {"count": 0, "max": None}
    limits = run_valid(run, "check", *words, "--json")["limits"]
    assert limits == {"deleted_notes": none[0], "removed_links": none[1]}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small vault, which is the current folder."""
    vault = create_vault(tmp_path / "vault", SMALL)
    monkeypatch.chdir(vault)
    return vault


@pytest.mark.usefixtures("small")
def test_documents_of_writing_commands_are_valid(run: RunCommand) -> None:
    assert run_valid(run, "rename", "rename", "Harbour", "Haven", "--diff", "--json")["edits"]
    assert run_valid(run, "rename", "rename", "Harbour", "Haven", "--json")["run"]
    assert run_valid(run, "rename", "rename", "#sea", "#ocean", "--json")["edits"]
    assert run_valid(run, "rename", "move", "map.png", "img", "--json")["files"]
    assert run_valid(run, "history", "history", "Haven", "--json")["names"] is not None
    assert run_valid(run, "undo", "undo", "--json")["moved"]
    run_valid(run, "undo", "undo", "--json")
    assert run_valid(run, "plan", "init", "--diff", "--json")["creates"]
    assert run_valid(run, "fix", "fix", "--json")["fixed"]["findings"] == 1
    assert run_valid(run, "plan", "undo", "--diff", "--json")["edits"]
    assert len(run_valid(run, "undo-list", "undo", "--list", "--json")["runs"]) > 4
    assert len(run_valid(run, "undo-verify", "undo", "--verify", "--json")["runs"]) > 4
    assert run_valid(run, "mentions", "mentions", "--write", "--json")["mentions"]
    assert run_valid(run, "backlinks-sections", "sections", "write", "--json")["sections"]
    assert run_valid(run, "backlinks-sections", "sections", "remove", "--json")["sections"]
    assert run_valid(run, "rename", "extract", "Home#Start", "First", "--json")["edits"]
    assert run_valid(run, "rename", "merge", "First", "Home", "--json")["edits"]
    assert run_valid(run, "fix", "check", "--fix", "--json")["fixed"]["run"] is None


def test_document_of_adopted_sections_is_valid(small: Path, run: RunCommand) -> None:
    section = "# Pier\n\n[[Home]]\n\n## Backlinks\n\n- Port \u2013 [[Harbour]]\n"
    (small / "Pier.md").write_text(section, encoding="utf-8")
    words = ("sections", "adopt", "--json")
    expected = [{"path": "Pier.md", "change": "adopted"}]
    assert run_valid(run, "backlinks-sections", *words)["sections"] == expected


@pytest.mark.usefixtures("small")
def test_document_with_a_baseline_is_valid(run: RunCommand) -> None:
    assert run("baseline").code == 0
    text = Path(BASELINE_FILE).read_text(encoding="utf-8")
    assert len(assert_valid("baseline", text)["findings"]) > 1
    assert run_valid(run, "check", "check", "--json")["known"][0]["kind"] == "baseline"


def test_lines_of_the_watcher_are_valid(tmp_path: Path) -> None:
    vault = Path(shutil.copytree(PODCAST, tmp_path / "vault"))
    command = [sys.executable, "-m", "vaultlink", "watch", "--output-format", "json-lines"]
    with subprocess.Popen(
        [*command, "--no-cache", str(vault)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        text = read_batch(process)
        (vault / "index.md").write_text("[[long_tide]] [[Nowhere]]\n", encoding="utf-8")
        text += read_batch(process)
        process.terminate()
        text += process.stdout.read()
    rows = assert_valid("watch", text, lines=True)
    assert {row["event"] for row in rows} >= {"new", "healed", "state", "batch"}


def read_batch(process: "subprocess.Popen[str]") -> str:
    """Return the lines of a watcher until the end of a batch."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if json.loads(line)["event"] in ("state", "batch"):
            break
    return text


# -- the schemas -----------------------------------------------------------------------------------


def test_schemas_in_the_package_are_generated() -> None:
    files = render_schemas()
    if os.environ.get("VAULTLINK_REFRESH"):
        for name in {path.name for path in SCHEMA_FOLDER.iterdir()} - files.keys():
            (SCHEMA_FOLDER / name).unlink()
        for name, text in files.items():
            (SCHEMA_FOLDER / name).write_text(text, encoding="utf-8")
    assert {
        path.name: path.read_text(encoding="utf-8") for path in SCHEMA_FOLDER.iterdir()
    } == files
    assert len(files) == len(DOCUMENTS) + 1


@each("path", sorted(SCHEMA_FOLDER.iterdir()), ids=lambda path: path.stem)
def test_schema_in_the_package_is_valid(path: Path) -> None:
    """Each file is complete without the others."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["$schema"] == DIALECT
    Draft202012Validator.check_schema(schema)
    found = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(schema)))
    assert all(resolve_pointer(schema, reference) for reference in found)


def resolve_pointer(schema: Any, reference: str) -> Any:
    """Return the part of a schema that a reference means."""
    root, *names = reference.split("/")
    assert root == "#"
    for name in names:
        schema = schema[name]
    return schema


LONG = {"description": "a" * 110, "enum": ["a", "b"]}


@each(
    ("schema", "text"),
    [
        ({}, "{}\n"),
        ({"a": [1, {"b": None}], "c": "ä"}, '{"a": [1, {"b": null}], "c": "ä"}\n'),
        (LONG, f'{{\n "description": "{"a" * 110}",\n "enum": ["a", "b"]\n}}\n'),
        (
            [[LONG]],
            f'[\n [\n  {{\n   "description": "{"a" * 110}",\n   "enum": ["a", "b"]\n  }}\n ]\n]\n',
        ),
    ],
    ids=["nothing", "short", "long", "nested"],
)
def test_text_of_a_schema_has_short_rows(schema: Any, text: str) -> None:
    assert render_schema(schema) == text
    assert json.loads(text) == schema


@each("name", DOCUMENTS)
def test_every_object_has_a_description(name: str) -> None:
    assert all(part["description"] for part in build_schema(name)["$defs"].values())


@each("name", DOCUMENTS)
def test_every_key_has_a_description(name: str) -> None:
    lacking = [
        f"{title}.{key}"
        for title, part in build_schema(name)["$defs"].items()
        for key, value in part.get("properties", {}).items()
        if not re.fullmatch(r"\S.*[.]", value["description"])
    ]
    assert lacking == []


def test_descriptions_are_in_the_terms_of_json() -> None:
    row = build_schema("watch")["$defs"]
    assert "null if nothing was written" in row["FixedRow"]["properties"]["run"]["description"]
    inherited = build_schema("finding")["$defs"]["FindingRow"]["properties"]
    assert row["WatchFindingRow"]["properties"].items() >= inherited.items()
    assert row["MovedRow"]["properties"]["from"]["description"] == "Its vault path before."


def test_every_document_is_compared_with_its_schema() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    compared = {*READING, *re.findall(r'(?:run_valid\(run|assert_valid\(), ?"([\w-]+)"', text)}
    compared |= set(re.findall(r'assert_valid\("([\w-]+)"', text))
    assert compared == {*DOCUMENTS}


def test_every_command_with_json_output_has_a_schema() -> None:
    described = {command.split()[0] for item in DOCUMENTS.values() for command in item.commands}
    printing = set()
    for name, command in COMMANDS.items():
        manual = command.load().__doc__ or ""
        if re.search(r"Output formats:[^.]*(\bjson\b|json-lines|\{formats\})", manual):
            printing.add(name)
    assert described >= printing
    assert printing >= described - {"rename", "move", "extract", "merge", "delete"}
