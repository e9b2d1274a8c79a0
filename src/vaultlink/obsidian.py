"""Obsidian's settings for a vault: app.json and types.json (section 10)."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ObsidianSettings:
    """The settings in `.obsidian/app.json` and `types.json` (section 10).

    Attributes:
        new_link_format: `newLinkFormat`: "shortest", "relative" or "absolute".
        use_markdown_links: True if Obsidian writes new links as Markdown links.
        attachment_folder: Folder for new attachments; "/" is the vault's root.
        ignore_filters: The patterns of "Excluded files".
        types: Property types by key; None if there is no types.json.
    """

    new_link_format: str = "shortest"
    use_markdown_links: bool = False
    attachment_folder: str = "/"
    ignore_filters: tuple[str, ...] = ()
    types: Mapping[str, str] | None = None
