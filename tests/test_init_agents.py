"""`vaultlink init --agents`: what it writes into a vault, what it leaves out, and how that is taken back."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from documents import blocks, parsed
from forge import ROOT
from running import RunCommand, read_files, write_files
from screens import run_on_screen
from tables import each
from vaultlink.cli.agent_files import PROGRAM_HOOKS
from vaultlink.cli.installation import read_starter
from vaultlink.config.list_items import insert_json_item, insert_value
from vaultlink.parse.note import parse_note
from vaultlink.write.journal_files import is_journal_path

NOTES = {"A.md": "[[B]]\n", "B.md": "[[A]]\n"}
FIRST, LAST = "<!-- vaultlink:agents -->\n", "<!-- /vaultlink:agents -->\n"
PARAGRAPH = FIRST + read_starter("agents.md") + LAST
SKILL = ".claude/skills/vaultlink/SKILL.md"
COMMON_SKILL = ".agents/skills/vaultlink/SKILL.md"
ALWAYS = {"AGENTS.md", "vaultlink.toml"}
RULES = ["required-link", "missing-footnote", "unused-footnote"]
GUARD = {"type": "command", "command": "vaultlink guard", "timeout": 30}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    return write_files(tmp_path / "vault", NOTES)


def changed(vault: Path, before: Mapping[str, bytes]) -> set[str]:
    now = read_files(vault)
    return {path for path in {**before, **now} if before.get(path) != now.get(path)}


# -- what is written ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folders", "more"),
    [
        ([], {COMMON_SKILL}),
        ([".claude"], {".claude/settings.json", SKILL}),
        (
            [".claude", ".codex"],
            {".claude/settings.json", SKILL, ".codex/hooks.json", COMMON_SKILL},
        ),
        ([".codex"], {".codex/hooks.json", COMMON_SKILL}),
        ([".cursor"], {".cursor/hooks.json", COMMON_SKILL}),
        ([".gemini"], {".gemini/settings.json", COMMON_SKILL}),
        ([".github"], {COMMON_SKILL}),
        ([".github/hooks"], {".github/hooks/vaultlink.json", COMMON_SKILL}),
        ([".agents"], {COMMON_SKILL}),
    ],
)
def test_files_of_the_programs_whose_folder_exists_are_written_and_taken_back(
    run: RunCommand, vault: Path, folders: list[str], more: set[str]
) -> None:
    for folder in folders:
        (vault / folder).mkdir(parents=True)
    before = read_files(vault)
    told = run("init", vault, "--agents", "--yes")
    assert told.code == 0
    assert {*told.lines} == {str(vault / path) for path in ALWAYS | more}
    assert changed(vault, before) == ALWAYS | more
    assert run("init", vault, "--agents", "--yes").lines == []
    assert run("check", vault).code == 0
    assert run("undo", "--vault", vault).code == 0
    assert read_files(vault) == before
    assert {path.name for path in vault.iterdir() if path.is_dir()} == {
        ".obsidian",
        *(folder.split("/")[0] for folder in folders),
    }


def test_skill_has_the_frontmatter_that_programs_require(run: RunCommand, vault: Path) -> None:
    (vault / ".claude").mkdir()
    run("init", vault, "--agents", "--yes")
    _, head, body = (vault / SKILL).read_text(encoding="utf-8").split("---\n", 2)
    values = yaml.safe_load(head)
    assert values.keys() == {"name", "description"}
    assert values["name"] == "vaultlink"
    assert len(values["description"]) <= 1024
    assert read_starter("agents.md") in body


@pytest.mark.parametrize("hook", PROGRAM_HOOKS, ids=lambda hook: hook.program)
def test_hook_is_the_only_one_in_a_new_file(run: RunCommand, vault: Path, hook: Any) -> None:
    (vault / hook.signs[0]).mkdir(parents=True)
    run("init", vault, "--agents", "--yes")
    assert (vault / hook.path).read_text(encoding="utf-8") == read_starter(hook.starter)
    assert is_journal_path(hook.path)


@each(
    ("folder", "program", "warns"),
    [(".claude", "other", True), (".claude", "vaultlink", False), (".github", "other", False)],
)
def test_hooks_that_find_no_vaultlink_are_a_warning(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
    program: str,
    warns: bool,
) -> None:
    (vault / folder).mkdir()
    (vault.parent / program).touch(0o755)
    monkeypatch.setenv("PATH", str(vault.parent))
    done = run("init", vault, "--agents", "--yes")
    assert ("the hooks run `vaultlink`, which is not on your PATH" in done.err) == warns


def test_vault_knows_the_rules_afterwards(run: RunCommand, vault: Path) -> None:
    run("init", vault, "--agents", "--yes")
    (vault / "B.md").write_text("[[A]] and more[^1]\n", encoding="utf-8")
    assert "missing-footnote" in run("check", vault, "--output-format", "concise").out
    settings = tomllib.loads((vault / "vaultlink.toml").read_text(encoding="utf-8"))
    assert settings == {"preview": True, "extend-select": RULES}


def test_paragraph_is_the_one_in_the_documents_and_changes_nothing_in_a_vault() -> None:
    page = (ROOT / "docs/agent-setup.md").read_text(encoding="utf-8")
    assert f"```markdown\n{read_starter('agents.md')}```" in page
    note = parse_note("AGENTS.md", PARAGRAPH)
    assert (note.links, note.read_only, note.directives, note.problems) == ((), (), (), ())


@each("name", ["agents.md", "skill.md"])
def test_commands_in_the_texts_are_commands(name: str) -> None:
    commands = re.findall(r"`(vaultlink [^`]+)`", read_starter(name))
    assert commands
    for command in commands:
        assert not isinstance(parsed(command.split(" - <")[0]), int), command


def test_hooks_are_those_in_the_documents() -> None:
    shown = [json.loads(text) for text in blocks(ROOT / "docs/hooks.md", "json")]
    assert shown == [json.loads(read_starter(hook.starter)) for hook in PROGRAM_HOOKS]


# -- what exists already --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "lead"),
    [
        ("# Mine\n", "\n"),
        ("# Mine", "\n\n"),
        ("# Mine\r\nMore", "\r\n\r\n"),
        ("\ufeff# Mine\n", "\n"),
        ("", ""),
    ],
)
def test_paragraph_is_added_at_the_end_once(
    run: RunCommand, vault: Path, old: str, lead: str
) -> None:
    end = "\r\n" if "\r\n" in old else "\n"
    (vault / "AGENTS.md").write_bytes(old.encode())
    for _ in range(2):
        run("init", vault, "--agents", "--yes")
        expected = old + lead + PARAGRAPH.replace("\n", end)
        assert (vault / "AGENTS.md").read_bytes() == expected.encode()


@pytest.mark.parametrize(
    ("text", "gets_it"),
    [
        ("# For Claude\n", True),
        ("Mentions AGENTS.md\n", True),
        ("See mail@AGENTS.md\n", True),
        ("@AGENTS.md\n", False),
        ("# For Claude\n\nRead @./AGENTS.md first.\n", False),
    ],
)
@pytest.mark.parametrize("name", ["CLAUDE.md", "GEMINI.md"])
def test_other_instructions_get_it_unless_they_import_the_first(
    run: RunCommand, vault: Path, name: str, text: str, gets_it: bool
) -> None:
    (vault / name).write_text(text, encoding="utf-8")
    run("init", vault, "--agents", "--yes")
    assert (vault / name).read_text(encoding="utf-8") == text + f"\n{PARAGRAPH}" * gets_it


@pytest.mark.parametrize(("link", "file"), [("CLAUDE.md", "AGENTS.md"), ("AGENTS.md", "CLAUDE.md")])
def test_link_between_instructions_stands_for_its_target(
    run: RunCommand, vault: Path, link: str, file: str
) -> None:
    (vault / file).write_text("# Both\n", encoding="utf-8")
    (vault / link).symlink_to(file)
    assert run("init", vault, "--agents", "--yes").code == 0
    assert (vault / file).read_text(encoding="utf-8") == f"# Both\n\n{PARAGRAPH}"
    assert (vault / link).is_symlink()


ITEM = {"matcher": "Bash", "hooks": [GUARD]}
WRITTEN = json.dumps(ITEM, indent=2)


@each(
    ("text", "start", "end"),
    [
        ("{}", "{", "}"),
        (
            '{\n  "a": 1.50,\n  "b": []\n}\n',
            '{\n  "a": 1.50,\n  "b": [],\n  "hooks": {\n    "Pre"',
            "\n}\n",
        ),
        ('{"a": "é\\u00e9"}', '{"a": "é\\u00e9"', "}"),
        ('{"hooks": {}}', '{"hooks": {', "}}"),
        ('{"hooks":{"Stop":[1]}}', '{"hooks":{"Stop":[1]', "}}"),
        (
            '{\n\t"hooks": {"Pre": [ {"x": "]}"} ]}\n}',
            '{\n\t"hooks": {"Pre": [ {"x": "]}"}',
            " ]}\n}",
        ),
        ('{"hooks": {"Pre": []}, "z": 0}', '{"hooks": {"Pre": [', ']}, "z": 0}'),
        ('{\r\n  "z": 0\r\n}\r\n', '{\r\n  "z": 0', "\r\n}\r\n"),
        ('  {"hooks": {"Pre": [\n    1\n  ]}}', '  {"hooks": {"Pre": [\n    1', "\n  ]}}"),
    ],
)
def test_json_keeps_every_character(text: str, start: str, end: str) -> None:
    new = insert_json_item(text, ITEM, ("hooks", "Pre"))
    assert new is not None
    assert new.startswith(start)
    assert new.endswith(end)
    assert ("\n" in new.replace("\r\n", "")) <= ("\r\n" not in text)
    before = json.loads(text)
    hooks = before.get("hooks", {})
    expected = {**before, "hooks": {**hooks, "Pre": [*hooks.get("Pre", []), ITEM]}}
    assert json.loads(new) == expected


@each(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "// comment\n{}",
        '{"a": 1,}',
        '{"a": 1, "a": 2}',
        '{"hooks": 1}',
        '{"hooks": null}',
        '{"hooks": []}',
        '{"hooks": {"Pre": {}}}',
        '{"hooks": {"Pre": "Bash"}}',
        '{"hooks": {"Pre": [1]}} {}',
        "[" * 100_000,
    ],
)
def test_json_that_has_no_safe_place_is_refused(text: str) -> None:
    assert insert_json_item(text, ITEM, ("hooks", "Pre")) is None


@each(
    ("text", "expected"),
    [
        ("", "preview = true\n"),
        ("# none\n", "# none\npreview = true\n"),
        ("preview = true # yes\n", "preview = true # yes\n"),
        ("preview = false\n", None),
        ("preview =\n", None),
        ("[rules.a]\nx = 1\n", "preview = true\n\n[rules.a]\nx = 1\n"),
    ],
)
def test_value_is_added_to_toml(text: str, expected: str | None) -> None:
    assert insert_value(text, True, "preview") == expected


def test_settings_and_hooks_are_added_to_what_exists(run: RunCommand, vault: Path) -> None:
    files = {
        ".claude/settings.json": '{\n    "model": "x",\n    "hooks": {"Stop": []}\n}\n',
        ".gemini/settings.json": '{"permissions": ["vaultlink guard"]}',
        "pyproject.toml": '[tool.vaultlink]\nextend-select = ["orphan-note"]  # mine\n\n[tool.z]\na = 1\n',
    }
    write_files(vault, files)
    assert run("init", vault, "--agents", "--yes").code == 0
    settings = json.loads((vault / ".claude/settings.json").read_text(encoding="utf-8"))
    assert settings["model"] == "x"
    gemini = json.loads((vault / ".gemini/settings.json").read_text(encoding="utf-8"))
    assert gemini.keys() == {"permissions", "hooks"}
    assert settings["hooks"]["PreToolUse"][0]["hooks"] == [GUARD]
    text = (vault / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["tool"] == {
        "vaultlink": {"extend-select": ["orphan-note", *RULES], "preview": True},
        "z": {"a": 1},
    }
    assert "# mine" in text
    assert not (vault / "vaultlink.toml").exists()


# -- what is left out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        (".claude/settings.json", "// mine\n{}", "vaultlink can't add a hook to this JSON"),
        (".claude/settings.json", '{"hooks": 1}', "vaultlink can't add a hook to this JSON"),
        (SKILL, "another skill\n", "it exists with another text"),
        ("AGENTS.md", b"\xff\xfe", "it is not UTF-8 text"),
        ("AGENTS.md", "a" * 1_000_001, "it is larger than 1 MB"),
        ("AGENTS.md", "```sh\nls\n", "a code block or comment in it is never closed"),
        ("AGENTS.md", "%%\nhidden\n", "a code block or comment in it is never closed"),
        ("AGENTS.md", f"{FIRST}Mine\n{LAST}", "its paragraph has another text"),
        ("vaultlink.toml", "preview = false\n", "it has no safe place for the rules"),
        ("vaultlink.toml", 'protect = ["AGENTS.md"]\n', "`protect` in the settings names it"),
    ],
)
def test_what_is_not_certain_is_left_out_and_named(
    run: RunCommand, vault: Path, path: str, text: str | bytes, reason: str
) -> None:
    (vault / path).parent.mkdir(parents=True, exist_ok=True)
    (vault / path).write_bytes(text if isinstance(text, bytes) else text.encode())
    (vault / ".claude").mkdir(exist_ok=True)
    before = read_files(vault)
    told = run("init", vault, "--agents", "--yes")
    assert told.code == 1
    assert reason in told.err
    named = "AGENTS.md" if "protect" in reason else path
    assert f"{named}: left out: " in told.err
    assert named not in changed(vault, before)
    assert SKILL in changed(vault, before) or named == SKILL


def test_what_to_add_by_hand_is_printed(run: RunCommand, vault: Path) -> None:
    write_files(vault, {".claude/settings.json": "// mine\n{}"})
    assert '"command": "vaultlink guard"' in run("init", vault, "--agents", "--dry-run").err


@pytest.mark.parametrize("path", ["AGENTS.md", ".claude/settings.json", "vaultlink.toml"])
def test_links_are_not_followed(run: RunCommand, vault: Path, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("", encoding="utf-8")
    (vault / ".claude").mkdir()
    (vault / path).symlink_to(outside)
    told = run("init", vault, "--agents", "--yes")
    assert (told.code, outside.read_bytes()) in ((1, b""), (2, b""))
    assert (vault / path).is_symlink()


def test_linked_folder_of_a_program_is_left_out(
    run: RunCommand, vault: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (vault / ".claude").symlink_to(tmp_path / "elsewhere")
    told = run("init", vault, "--agents", "--yes")
    assert told.code == 1
    assert ".claude/settings.json: left out: " in told.err
    assert [*(tmp_path / "elsewhere").iterdir()] == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("path", ["AGENTS.md", "CLAUDE.md", ".claude/settings.json"])
def test_pipe_is_left_out(run: RunCommand, vault: Path, path: str) -> None:
    (vault / ".claude").mkdir()
    os.mkfifo(vault / path)
    told = run("init", vault, "--agents", "--yes")
    assert told.code == 1
    assert f"{path}: left out: " in told.err


# -- questions and previews -----------------------------------------------------------------------------------------------


def test_nothing_is_written_without_an_answer(run: RunCommand, vault: Path) -> None:
    before = read_files(vault)
    told = run("init", vault, "--agents")
    assert told.code == 2
    assert "--yes answers all with yes" in told.err
    assert read_files(vault) == before


@pytest.mark.parametrize("option", ["--diff", "--dry-run"])
def test_preview_is_a_patch_of_all_files(run: RunCommand, vault: Path, option: str) -> None:
    (vault / "AGENTS.md").write_text("# Mine\n", encoding="utf-8")
    before = read_files(vault)
    told = run("init", vault, "--agents", option)
    assert told.code == 1
    assert "--- a/AGENTS.md\n+++ b/AGENTS.md\n@@ -1 +1," in told.out
    assert f"+++ b/{COMMON_SKILL}\n" in told.out
    assert read_files(vault) == before
    (vault / ".codex/hooks.json").mkdir(parents=True)
    plan = json.loads(run("init", vault, "--agents", option, "--json").out)
    assert [item["path"] for item in plan["skipped"]] == [".codex/hooks.json"]
    assert {item["path"] for item in plan["creates"]} == {"vaultlink.toml", COMMON_SKILL}


@pytest.mark.parametrize(
    "words",
    [
        ("--ci", "github"),
        (
            "--ci",
            "pre-commit",
        ),
        ("--merge-driver",),
    ],
)
def test_options_that_exclude_it(run: RunCommand, vault: Path, words: tuple[str, ...]) -> None:
    assert run("init", vault, "--agents", "--yes", *words).code == 2
    assert run("init", vault, "--yes").code == 2


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("keys", "written", "code"),
    [
        ("yyyy", {"AGENTS.md", SKILL, ".claude/settings.json", "vaultlink.toml"}, 0),
        ("yn?ny", {"AGENTS.md", "vaultlink.toml"}, 0),
        ("dna", {SKILL, ".claude/settings.json", "vaultlink.toml"}, 0),
        ("yq", {"AGENTS.md"}, 0),
        ("nnnn", set(), 0),
        ("y\x03", set(), 130),
    ],
)
def test_each_file_is_asked_for(vault: Path, keys: str, written: set[str], code: int) -> None:
    (vault / ".claude").mkdir()
    before = read_files(vault)
    with run_on_screen(vault, "init", "--agents") as screen:
        screen.wait_for("Create AGENTS.md (instructions)? [y,n,d,a,q,?]")
        for key in keys:
            screen.wait_until(
                lambda shown: shown.rows[shown.cursor[1]].endswith("]"), "a question"
            ).type(key)
            screen.settle()
        screen.wait_for_end(code)
        assert ("+<!-- vaultlink:agents -->" in screen.everything) == ("d" in keys)
    assert changed(vault, before) == written
