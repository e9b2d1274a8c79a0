"""Settings of Obsidian and its plugins for a vault, and addresses that it opens."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

TRASH_FOLDER = ".trash"
"""The folder in a vault to which Obsidian moves deleted files, if it is told to."""


class PeriodicNote(NamedTuple):
    """A kind of note that exists once for each day, week, month, quarter or year.

    `format` is the date format of moment.js that gives the note's path below `folder`, which is a
    vault path without slashes at its ends, "" for the root.
    """

    format: str
    folder: str


class ObsidianSettings(msgspec.Struct, frozen=True):
    """The settings in `.obsidian` that vaultlink follows (section 10).

    Attributes:
        new_link_format: `newLinkFormat`: "shortest", "relative" or "absolute"; None without
            `app.json`.
        use_markdown_links: True if Obsidian writes new links as Markdown links; None without
            `app.json`. See `vaultlink.links.style`.
        attachment_folder: Folder for new attachments; "/" is the vault's root.
        ignore_filters: The patterns of "Excluded files".
        trash: `trashOption`: deleted files go to the trash of the "system", to `.trash` in the
            vault ("local"), or nowhere ("none").
        types: Property types by key; None if there is no types.json.
        templates: Vault paths of the folders of templates and of single templates, as the settings
            of Templates, Daily notes, Templater, QuickAdd, Periodic Notes and Calendar name them.
            Those of notes may lack `.md`.
        periodic_notes: The periodic notes, as Daily notes, Periodic Notes and Calendar create them.
        vaults: Vault paths of the folders in the vault that are vaults of their own.
        programs: The names of other programs that read the notes, such as a site generator.
        linking_program: The one of them that resolves the links in place of Obsidian; "" for none.
        read_properties: Former names of Obsidian's properties that templates and scripts read.
        git_ignores: Patterns of `.gitignore`, from the vault's root, by which files are absent.
    """

    new_link_format: str | None = None
    use_markdown_links: bool | None = None
    attachment_folder: str = "/"
    ignore_filters: tuple[str, ...] = ()
    types: Mapping[str, str] | None = None
    templates: tuple[str, ...] = ()
    periodic_notes: tuple[PeriodicNote, ...] = ()
    vaults: tuple[str, ...] = ()
    programs: frozenset[str] = frozenset()
    linking_program: str = ""
    git_ignores: tuple[str, ...] = ()
    read_properties: frozenset[str] = frozenset()
    trash: str = "system"


DEFAULT_LINK_FORMAT = "shortest"
"""`newLinkFormat` if `app.json` does not have it."""


# -- recognize other programs that read the notes --------------------------------------------------


_LINKING_PROGRAMS = {"logseq/config.edn": "Logseq", "dendron.yml": "Dendron"}
"""Settings files of programs that read links in their own way."""

_SITE_PROGRAMS = {
    **dict.fromkeys(("mkdocs.yml", "mkdocs.yaml"), "MkDocs"),
    **dict.fromkeys(("hugo.toml", "hugo.yaml", "hugo.json"), "Hugo"),
    **dict.fromkeys(("docusaurus.config.js", "docusaurus.config.ts"), "Docusaurus"),
}
"""Settings files of site generators, which give headings anchors as GitHub does."""


def find_programs(files: Collection[str], *, has_settings: bool) -> tuple[frozenset[str], str]:
    """Return other programs that read the notes, and the one that resolves links.

    With settings of Obsidian, Obsidian resolves them. "" stands for no program.
    """
    linking = [name for path, name in _LINKING_PROGRAMS.items() if path in files]
    site = [name for path, name in _SITE_PROGRAMS.items() if path in files]
    return frozenset((*linking, *site)), "" if has_settings else next(iter(linking), "")


# -- addresses that open files in Obsidian ---------------------------------------------------------


_LONGEST_PATH = 4096
"""Characters of a path, the limit of Linux. A longer one gets no address."""


def format_address(vault: str, path: str) -> str:
    """Return the address that opens a file in Obsidian.

    Everything except letters, digits and `-._~` is percent-encoded. Returns "" for a path that is
    too long or that no file can have.
    """
    from urllib.parse import quote  # noqa: PLC0415 - slow to import, rarely needed

    if len(path) > _LONGEST_PATH:
        return ""
    try:
        names = [quote(name, safe="", errors="surrogateescape") for name in (vault, path)]
    except UnicodeEncodeError:
        return ""
    return "obsidian://open?vault={}&file={}".format(*names)
