"""The pages about editors: what they say is typed and seen is in the transcripts of the runs in tests/editors."""

import json
import re
import shlex
from pathlib import Path

import pytest

from documents import blocks, parsed
from forge import ROOT
from tables import each

pytestmark = pytest.mark.project

DOCS, TRANSCRIPTS = ROOT / "docs", Path(__file__).parent / "editors" / "transcripts"
SNIPPETS = {"neovim": "lua", "helix": "toml", "emacs": "lisp"}
"""The pages whose first code block is the configuration of an editor that is run."""
BEFORE = re.compile(r"cp -r|~/wiki|(nvim|hx|emacs) index\.md|helix")
"""What a reader does before the run."""


def read_sections(page: str, *titles: str) -> str:
    """Return the sections of a page with these titles, as one text."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    found = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    return "".join(body for title, body in found.items() if title in titles)


@each("page", SNIPPETS)
def test_run_types_and_shows_what_the_page_says(page: str) -> None:
    transcript = (TRANSCRIPTS / f"{page}.txt").read_text(encoding="utf-8")
    said = re.findall(r"`([^`\n]+)`", read_sections(page, "Try three things", "Rename a note"))
    assert len(said) > 15
    missing = [words for words in said if words not in transcript and not BEFORE.match(words)]
    assert not missing


@each(("page", "language"), SNIPPETS.items())
def test_snippet_is_complete(page: str, language: str) -> None:
    """Everything after the place of the file is what the run loads; tests/editors reads it there."""
    snippet = blocks(DOCS / f"{page}.md", language)[0]
    assert re.match(r"(--|#|;;) ~/\.config/\S+\n", snippet)
    assert '"vaultlink' in snippet
    assert (TRANSCRIPTS.parent / f"test_{page}.py").exists()


def test_settings_of_zed_start_the_server() -> None:
    [text] = blocks(DOCS / "zed.md", "json")
    settings = json.loads(text)
    [name] = settings["languages"]["Markdown"]["language_servers"]
    binary = settings["lsp"][name]["binary"]
    assert binary["path"].endswith("/vaultlink")
    assert not isinstance(parsed(shlex.join(["vaultlink", *binary["arguments"]])), int)
    page = (DOCS / "zed.md").read_text(encoding="utf-8")
    assert "**Zed was not run for this page.**" in page
