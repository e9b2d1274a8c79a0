"""Every code block of the project's documents is run, or read by what it is written for.

`READERS` names the test of each language on each page. A block on another page, or in another language, fails here.
"""

import re
from importlib import import_module
from pathlib import Path

import pytest

import reference_pages
import rule_pages
from documents import blocks
from forge import ROOT
from running import RunCommand, create_vault
from tables import each

DOCUMENTS = sorted(
    {
        *ROOT.glob("*.md"),
        *(ROOT / ".github").rglob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "contrib").rglob("*.md"),
        *(ROOT / "rules").rglob("*.md"),
    }
)
RUN, SHOWN = "test_docs:test_commands_of_the_page_run", "test_readme:test_samples_are_real_output"
TUTORIAL = "test_tutorial:test_each_output_is_what_the_command_prints"
FIRST_STEPS = "test_first_steps:test_each_command_is_on_the_screen_of_the_one_before"
INSTALLED = "test_readme_commands:test_installation_as_the_readme_says"
REMOVED = "test_readme_commands:test_page_installs_upgrades_and_removes"
SAFE_FIXES = "test_fix_command:test_page_about_safe_fixes_has_this_vault_and_message"
SNIPPET = "test_editor_pages:test_snippet_is_complete"
READERS = {
    ("README.md", "sh"): (RUN, INSTALLED),
    ("docs/tutorial.md", "sh"): (TUTORIAL, INSTALLED),
    ("docs/tutorial.md", "console"): (TUTORIAL,),
    ("docs/first-steps.md", "sh"): (FIRST_STEPS, INSTALLED),
    ("docs/first-steps.md", "console"): (FIRST_STEPS,),
    ("docs/install.md", "sh"): (REMOVED,),
    ("contrib/README.md", "sh"): (
        "test_contrib:test_manual_installs_the_agent",
        "test_contrib:test_commands_in_the_manual_run",
    ),
    ("contrib/README.md", "powershell"): (
        "test_contrib:test_manual_removes_personal_data_from_the_task",
        "test_contrib:test_commands_in_the_manual_run",
    ),
    ("*", "sh"): (RUN,),
    ("*", "console"): (SHOWN,),
    ("*", "yaml"): ("test_docs:test_yaml_is_valid_for_its_consumer",),
    ("*", "toml"): ("test_code_blocks:test_settings_are_accepted",),
    ("*", "python"): ("test_readme:test_python_in_the_documents_runs",),
    ("docs/crash-safety.md", "text"): (
        "test_interrupted:test_page_about_crash_safety_shows_these_messages",
    ),
    ("docs/safe-fixes.md", "text"): (SAFE_FIXES,),
    ("docs/safe-fixes.md", "toml"): (SAFE_FIXES, "test_code_blocks:test_settings_are_accepted"),
    ("docs/safe-fixes.md", "markdown"): (SAFE_FIXES,),
    ("docs/backlinks.md", "markdown"): (RUN,),
    ("docs/agents.md", "json"): (RUN,),
    ("docs/editors.md", "json"): (RUN,),
    ("docs/neovim.md", "lua"): (SNIPPET,),
    ("docs/helix.md", "toml"): (SNIPPET,),
    ("docs/emacs.md", "lisp"): (SNIPPET,),
    ("docs/zed.md", "json"): ("test_editor_pages:test_settings_of_zed_start_the_server",),
    ("docs/hooks.md", "json"): ("test_guard:test_page_has_settings_that_call_guard",),
    ("docs/hooks.md", "text"): ("test_guard:test_page_shows_this_reason",),
    ("docs/agents.md", "text"): ("test_mcp_changes:test_page_shows_these_calls",),
    ("contrib/dask/README.md", "sh"): ("test_forges:test_page_checks_the_vaults_of_a_folder",),
    ("docs/vscode.md", "sh"): ("test_vscode:test_page_builds_and_installs_the_extension",),
    ("docs/vscode.md", "json"): ("test_vscode:test_page_fixes_a_note_on_save",),
    ("docs/agent-setup.md", "markdown"): (
        "test_docs:test_commands_within_markdown_samples_are_commands",
        "test_init_agents:test_paragraph_is_the_one_in_the_documents_and_changes_nothing_in_a_vault",
    ),
}

FENCE = re.compile(r"^ *(?:```|~~~)", re.MULTILINE)


def find_readers(page: str, language: str) -> tuple[str, ...]:
    """Return the tests that read the blocks of a language on a page."""
    return READERS.get((page, language)) or READERS.get(("*", language), ())


def list_blocks() -> list[tuple[str, str]]:
    """Return the page and the language of each kind of block."""
    kinds = set()
    for page in DOCUMENTS:
        for language in re.findall(r"^```(\w+)\n", page.read_text(encoding="utf-8"), re.MULTILINE):
            kinds.add((page.relative_to(ROOT).as_posix(), language))
    return sorted(kinds)


@each("page", DOCUMENTS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_fence_belongs_to_a_block(page: Path) -> None:
    """A fence that is indented, has no language, or is made of tildes would be read by no test."""
    text = page.read_text(encoding="utf-8")
    languages = set(re.findall(r"^```(\w+)$", text, re.MULTILINE))
    known = sum(len(blocks(page, language)) for language in languages)
    assert len(FENCE.findall(text)) == 2 * known


@each(("page", "language"), list_blocks())
def test_block_has_a_reader(page: str, language: str) -> None:
    readers = find_readers(page, language)
    assert readers
    for reader in readers:
        module, _, name = reader.partition(":")
        assert callable(getattr(import_module(module), name))


def test_every_reader_has_a_block() -> None:
    kinds = list_blocks()
    for page, language in READERS:
        assert any(page in ("*", kind[0]) and language == kind[1] for kind in kinds), page


TOML = re.compile(r"^```toml[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def list_settings() -> list[tuple[str, str]]:
    """Return the page and the text of each block of settings, of the generated pages too."""
    texts = {page.name: page.read_text(encoding="utf-8") for page in DOCUMENTS}
    del texts["helix.md"]  # its settings are those of an editor
    texts |= rule_pages.render_files() | reference_pages.render_files()
    return [(page, block) for page, text in texts.items() for block in TOML.findall(text)]


def test_settings_are_accepted(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", {"Home.md": ""}))
    settings = list_settings()
    assert len(settings) > 20
    for page, text in settings:
        Path("vaultlink.toml").write_text(text, encoding="utf-8")
        told = run("config")
        assert told.code == 0, f"{page}: {told.err}"


def test_wrong_settings_are_refused(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(create_vault(tmp_path / "vault", {"Home.md": ""}))
    for page, text in list_settings():
        Path("vaultlink.toml").write_text(f"no-such-setting = 1\n{text}", encoding="utf-8")
        assert run("config").code == 2, page
