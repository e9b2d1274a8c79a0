"""Obsidian's own settings of a vault: app.json and types.json (specification section 10)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObsidianSettings:
    """What the vault's own settings say (`.obsidian/app.json`, `types.json`; specification section 10)."""

    new_link_format: str = "shortest"
    use_markdown_links: bool = False
    attachment_folder: str = "/"
    ignore_filters: tuple[str, ...] = ()
    types: Mapping[str, str] | None = None
