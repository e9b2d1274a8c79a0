"""Tests of the documentation site: a strict build, and the generated pages."""

import html
import re
from pathlib import Path

import pytest

import rule_pages
from built_site import make_site
from command_pages import load_options, render_files
from json_schemas import SCHEMA_FOLDER
from markdown_text import format_code, make_tabs, map_links, show_pipes
from tables import each
from vaultlink.cli.command_table import COMMANDS
from vaultlink.cli.options import list_option_fields

pytestmark = pytest.mark.project


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, which all test processes build once."""
    return make_site(tmp_path_factory)


def read_page(site: Path, path: str) -> str:
    """Return the text of a page without tags."""
    page = (site / path).read_text(encoding="utf-8")
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_every_page_and_every_link_target_is_built(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'<(?:a|img|source)\b[^>]* (?:href|src|srcset)="([^"]+)"', text):
            path = html.unescape(link).partition("#")[0]
            if path and "://" not in path and page.name != "404.html":
                assert (page.parent / path).exists(), f"{page.relative_to(site)}: {link}"


def test_page_of_a_command_has_all_its_options(site: Path) -> None:
    for name, command in COMMANDS.items():
        text = read_page(site, f"reference/commands/{name}.html")
        for field in list_option_fields(load_options(command)[1]):
            if field.spec.is_hidden:
                continue
            for word in field.spec.names or (field.spec.metavar,):
                assert word in text, f"{name}: {word}"


def test_page_of_a_rule_has_its_declaration(site: Path) -> None:
    for rule in rule_pages.load_catalog():
        text = " ".join(read_page(site, f"reference/rules/{rule.name}.html").split())
        assert rule.code in text
        assert f"Since version {rule.since}" in text
        for part in (rule.summary, rule.message, rule.fix_title.replace("`", "")):
            assert " ".join(part.split()).replace("`", "") in text, rule.name
        for option in rule.options:
            assert f"{option.name} = {rule_pages.format_toml(option.default)}" in text, rule.name


def test_python_api_documents_the_public_names(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in (
        "api.open_vault",
        "api.Vault",
        "api.Vault.check",
        "model.Link",
        "watch.loop.Watch",
    ):
        assert f'id="vaultlink.{name}"' in text


def test_site_loads_nothing_from_other_servers(site: Path) -> None:
    for page in ("index.html", "reference/index.html"):
        text = (site / page).read_text(encoding="utf-8")
        assert re.findall(r'<(?:script|link|img)\b[^>]* (?:src|href)="https?:[^"]*"', text) == []


def test_search_finds_commands_and_rules(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    for words in ("vaultlink check", "dangling-link", "--changed-since", "open_vault"):
        assert words in index


def test_links_in_code_stay_as_they_are() -> None:
    text = "[a](b.md#c), `[a](b.md)` and [d](https://e.org)\n```sh\n[a](b.md)\n```\n"
    assert map_links(text, lambda path, part: f"x/{path}#{part}") == text.replace(
        "[a](b.md#c)", "[a](x/b.md#c)"
    )
    assert map_links("[a](b.md)", lambda _path, _part: None) == "a"


def test_no_page_shows_an_escaped_pipe_in_code(site: Path) -> None:
    pages = {file: file.read_text(encoding="utf-8") for file in site.rglob("*.html")}
    found = {
        file.relative_to(site).as_posix(): code
        for file, text in pages.items()
        for code in re.findall(r"<td>(?:(?!</td>).)*?(<code>[^<]*\\\|[^<]*</code>)", text)
    }
    assert found == {}
    assert "<code>auto|always|never</code>" in pages[site / "reference/commands/check.html"]


@each(
    ("text", "shown"),
    [
        ("| `a\\|b` | c |\n", "| `a|b` | c |\n"),
        ("| a\\|b | `c` |\n", "| a\\|b | `c` |\n"),
        ("`a\\|b`\n", "`a\\|b`\n"),
        ("```\n| `a\\|b` |\n```\n", "```\n| `a\\|b` |\n```\n"),
    ],
)
def test_pipes_are_escaped_only_where_a_forge_needs_that(text: str, shown: str) -> None:
    assert show_pipes(text) == shown


@each(
    ("text", "shown"),
    [
        (
            "With pip:\n\n```sh\na\n\nb\n```\n",
            '=== "pip"\n\n    ```sh\n    a\n    \n    b\n    ```\n\n',
        ),
        ("Install with pip:\n\n```sh\na\n```\n", "Install with pip:\n\n```sh\na\n```\n"),
        ("With pip, run this:\n\n- a\n", "With pip, run this:\n\n- a\n"),
    ],
)
def test_blocks_for_several_tools_are_tabs(text: str, shown: str) -> None:
    assert make_tabs(text) == shown


def test_installation_has_a_tab_for_each_tool(site: Path) -> None:
    page = (site / "install.html").read_text(encoding="utf-8")
    assert re.findall(r'<label for="[^"]*">(?:<a [^>]*>)?(\w+)', page) == ["pip", "uv", "pipx"] * 3


def test_home_page_has_six_cards_and_no_lists_of_pages(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    [cards] = re.findall(r'<div class="grid cards">(.*?)</div>', page, re.DOTALL)
    assert len(re.findall(r"<li>", cards)) == len(re.findall(r"<a href", cards)) == 6
    assert "All pages" not in page


def test_fence_is_longer_than_those_in_the_text() -> None:
    assert format_code("```\na\n```\n", "markdown") == "````markdown\n```\na\n```\n````\n"


def test_schemas_are_published(site: Path) -> None:
    published = site / "reference" / "schemas"
    assert {path.name: path.read_bytes() for path in published.iterdir()} == {
        path.name: path.read_bytes() for path in SCHEMA_FOLDER.iterdir()
    }
    assert "FindingRow" in read_page(site, "reference/json.html")


def test_headings_of_the_reference_have_a_text() -> None:
    pages = render_files()
    assert [name for name, page in pages.items() if re.search(r"(?m)^#+ *$", page)] == []
