"""Hooks of MkDocs: add the generated reference, and the documents outside docs/.

Links between documents are those that work in a clone and on a forge; here they are changed to the
pages of the site.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import command_pages
import json_pages
import reference_pages
import rule_pages
from markdown_text import make_tabs, map_links, show_pipes

ROOT = Path(__file__).resolve().parent.parent

DOCUMENTS = {
    "README.md": "project/overview.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "SUPPORT.md": "project/support.md",
    "contrib/README.md": "project/login.md",
    "rules/README.md": "project/new-rules.md",
}
"""Documents outside docs/, and their pages."""

MOVED_PARTS = {
    ("README.md", "rules"): "reference/rules/index.md",
    ("README.md", "commands"): "reference/commands/index.md",
}
"""Parts of documents that have pages of their own."""

SENTENCES = {
    (
        "custom-report.md",
        "the page on JSON in the reference of the documentation site lists them, "
        "and the folder `schemas`",
    ): "the page on [JSON](reference/json.md) lists them, and the folder `schemas`",
}
"""Sentences about pages that exist on the site only, and what replaces them."""

LISTS_OF_PAGES = "## All pages"
"""Heading of the lists of all pages, which the navigation of the site has."""

LESS_RELEVANT = (
    "project/changelog.md",
    "changing.md",
    "development.md",
    "project/contributing.md",
    "project/new-rules.md",
    "project/overview.md",
    "reference/json.md",
    "reference/python.md",
)
"""Long pages that mention everything. The search lists other pages first."""

_SOURCES = {page: source for source, page in DOCUMENTS.items()}
_IMAGE = re.compile(r'(?P<before>\b(?:src|srcset|href)=")(?P<path>[^":]+)(?=")')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace the folders in `nav` by the generated pages in them."""
    folders = {
        command_pages.FOLDER: command_pages.list_navigation(),
        rule_pages.FOLDER: rule_pages.list_navigation(),
    }
    config.nav = _expand(config.nav, folders)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, the schemas, and the documents outside docs/."""
    for source, uri in DOCUMENTS.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
    for module in (command_pages, rule_pages, reference_pages, json_pages):
        for uri, text in module.render_files().items():
            files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_values: Any) -> str:
    """Change links between documents to links between pages, and pipes in tables."""
    uri = page.file.src_uri
    if uri == "README.md":
        page.meta["hide"] = ["navigation", "toc"]
        markdown, heading, _ = markdown.partition(f"\n{LISTS_OF_PAGES}\n")
        if not heading:
            raise PluginError(f"{uri} lacks the heading: {LISTS_OF_PAGES}")
    markdown = make_tabs(show_pipes(markdown))
    page.meta["search"] = {"boost": _rank_page(page)}
    if page.file.generated_by and uri not in _SOURCES:
        return markdown
    source = _SOURCES.get(uri, f"docs/{uri}")

    def convert(path: str, part: str) -> str | None:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        return _find_page(target, part, posixpath.dirname(uri))

    text = map_links(markdown, convert)
    for (name, sentence), linked in SENTENCES.items():
        if uri == name:
            pattern = r"\s+".join(map(re.escape, sentence.split()))
            text, count = re.subn(pattern, linked, text)
            if not count:
                raise PluginError(f"{name} lacks the sentence: {sentence}")
    return _IMAGE.sub(
        lambda match: match["before"] + (convert(match["path"], "") or match["path"]), text
    )


def _rank_page(page: Page) -> float:
    """Return the factor of a page's relevance in the search: guides and commands come first."""
    uri = page.file.src_uri
    if uri in LESS_RELEVANT:
        return 0.3
    return 1 if page.file.generated_by and not uri.startswith(command_pages.FOLDER) else 3


def on_post_page(output: str, **_values: Any) -> str:
    """Name the dialog of the search, which has no name in the theme."""
    return output.replace(
        'data-md-component="search" role="dialog"',
        'data-md-component="search" role="dialog" aria-label="Search"',
    )


def _find_page(target: str, part: str, folder: str) -> str | None:
    """Return the link from a folder of the site to a file; None without a page."""
    page = MOVED_PARTS.get((target, part))
    if page:
        part = ""
    elif target in DOCUMENTS:
        page = DOCUMENTS[target]
    elif target.startswith("docs/") and (ROOT / target).is_file():
        page = target.removeprefix("docs/")
    if page is None:
        return None
    return posixpath.relpath(page, folder or ".") + (f"#{part}" if part else "")


def _expand(items: Any, folders: dict[str, list[Any]]) -> Any:
    """Return a part of `nav` with the pages of folders."""
    if isinstance(items, list):
        return [_expand(item, folders) for item in items]
    if isinstance(items, dict):
        return {key: _expand(value, folders) for key, value in items.items()}
    return folders.get(items, items)
