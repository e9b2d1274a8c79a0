"""Tests of what became of headings and blocks between two versions of a note."""

from collections.abc import Callable

import pytest

from growth import count_calls
from tables import each
from vaultlink.history.headings import find_moved_anchor, match_anchors_of
from vaultlink.model import Destination, History, Note
from vaultlink.parse.note import parse_note
from vaultlink.rules.former_targets import find_renamed_anchor

A, B, C, D = (
    "The first paragraph says something of its own, in one line.\n",
    "Another one is longer: it has a comma, and a second sentence. Here it is.\n",
    "A third one. It has two lines,\nof which this is the second.\n",
    "Short enough, yet not too short.\n",
)
LINKED = "See [[Paris]] and [[Rome]] for the cities that are meant here.\n"
LONG = "".join(f"Sentence {number} of a long section.\n" for number in range(20))


def note(text: str) -> Note:
    return parse_note("Note.md", text)


# -- certain --------------------------------------------------------------------------------------

TABLE = "| Port | Depth |\n| --- | --- |\n| North | 12 m |\n"

CERTAIN = {
    "became a link, same text": (
        f"# T\n## Oaks\n{A}## End\n",
        f"# T\n## [[Trees|Oaks]]\n{A}## End\n",
        "oaks",
        "#Trees Oaks",
    ),
    "became a link, without a text before": (
        f"# T\n## Oaks\n## End\n{A}",
        f"# T\n## [[Trees|Oaks]]\n## End\n{A}",
        "oaks",
        "#Trees Oaks",
    ),
    "got a word that is a link, and lost its text": (
        f"# T\n## Oaks and elms\n{A}## End\n",
        "# T\n## [[Trees|Oaks]] and elms\n## End\n",
        "oaks and elms",
        "#Trees Oaks and elms",
    ),
    "reworded, same text": (
        f"# T\n## Old\n{A}## End\n",
        f"# T\n## New\n{A}## End\n",
        "old",
        "#New",
    ),
    "several side by side, same texts": (
        f"## One\n{A}## Two\n{B}## Three\n{C}## End\n",
        f"## Uno\n{A}## Due\n{B}## Tre\n{C}## End\n",
        "two",
        "#Due",
    ),
    "release notes side by side": (
        f"## 1.2 (soon)\n{A}## 1.1 (May)\n{B}## 1.0\n{C}",
        f"## 1.2.0 (June)\n{A}## 1.1.0 (May)\n{B}## 1.0\n{C}",
        "1 2 soon",
        "#1.2.0 (June)",
    ),
    "emoji moved to the end": (
        f"# Dates\n## 📅 Due\n{A}## ⏳ Scheduled\n{B}## End\n",
        f"# Dates\n## Due date: 📅\n{A}more\n## Scheduled date: ⏳\n{B}more\n## End\n",
        "📅 due",
        "#Due date 📅",
    ),
    "step removed": (
        f"## Step 1: Log in to the site\n{A}## Step 2: Create a vault\n{B}",
        f"## Log in to the site\n{C}## Create a vault\n{D}",
        "step 1 log in to the site",
        "#Log in to the site",
    ),
    "numbering removed everywhere": (
        f"## 1. Alpha\n{A}## 2. Gamma\n{B}## 3. Delta\n{C}",
        f"## Alpha\n{D}## Gamma\n{A}## Delta\n{B}",
        "2 gamma",
        "#Gamma",
    ),
    "numbering added everywhere": (
        f"## Alpha\n{A}## Gamma\n{B}",
        f"## 1. Alpha\n{C}## 2. Gamma\n{D}",
        "alpha",
        "#1. Alpha",
    ),
    "renumbered, one inserted": (
        f"## 1. Alpha\n{A}## 2. Gamma\n{B}",
        f"## 1. Start\n{C}## 2. Alpha\n{A}x\n## 3. Gamma\n{B}y\n",
        "1 alpha",
        "#2. Alpha",
    ),
    "emoji removed everywhere": (
        f"## 🚀 Launch\n{A}## 🔥 Flames\n{B}",
        f"## Launch\n{C}## Flames\n{D}",
        "🚀 launch",
        "#Launch",
    ),
    "accents added": (
        f"## Decisions actives\n{A}## Fin\n",
        f"## Décisions actives\n{LONG}## Fin\n",
        "decisions actives",
        "#Décisions actives",
    ),
    "dash for dash": (
        f"## A — Beta\n{A}## End\n",
        f"## A - Beta\n{C}## End\n",
        "a — beta",
        "#A - Beta",
    ),
    "snake to camel case": (
        f"## `not_equals()`\n{A}## End\n",
        f"## `notEquals()`\n{C}## End\n",
        "not_equals",
        "#notEquals()",
    ),
    "placeholder filled in": (
        f"## Tasks X.Y.Z (date)\n{A}## Tasks 5.9.0\n{B}",
        f"## 6.0.0 (2024-01-01)\n{A}## Tasks 5.9.0\n{B}",
        "tasks x y z date",
        "#6.0.0 (2024-01-01)",
    ),
    "levels shifted everywhere, one reworded": (
        f"# T\n## Install\n{A}## Use\n{B}",
        f"## T\n### Installation\n{A}more\n### Use\n{B}",
        "install",
        "#Installation",
    ),
    "words added, alone": (
        f"## Intro\n## Options\n{A}## End\n",
        f"## Intro\n## Plugin options\n{A}{D}## End\n",
        "options",
        "#Plugin options",
    ),
    "a word inserted, short texts": (
        f"## Image barrier\n{D}## End\n",
        "## Image memory barrier\nIt is another one.\n## End\n",
        "image barrier",
        "#Image memory barrier",
    ),
    "words removed, alone": (
        f"## Important note\n{A}## End\n",
        f"## Important\n{A}x\n## End\n",
        "important note",
        "#Important",
    ),
    "slip corrected": (
        f"## Import Textubundle files\n{A}## End\n",
        f"## Import Textbundle files\n{A}x\n## End\n",
        "import textubundle files",
        "#Import Textbundle files",
    ),
    "other form of a word": (
        f"## Customizing the ribbon\n{A}## End\n",
        f"## Customize the ribbon\n{A}x\n## End\n",
        "customizing the ribbon",
        "#Customize the ribbon",
    ),
    "other words, same links": (
        f"## Old\n{LINKED}{A}## End\n",
        f"## Cities\n{LINKED}{A}{D}## End\n",
        "old",
        "#Cities",
    ),
    "other words, same block ids": (
        f"## Old\n{A.strip()} ^a1\n\n{B.strip()} ^b2\n\n## End\n",
        f"## New\nNew. {A.strip()} ^a1\n\n{B.strip()} ^b2\n\n## End\n",
        "old",
        "#New",
    ),
    "title of a note whose headings stay": (
        f"# CDS MOC\n## Colors\n{A}## Fonts\n{B}",
        f"# Calculus\n## Colors\n{A}## Fonts\n{B}",
        "cds moc",
        "#Calculus",
    ),
    "title of a note without other headings": (
        f"# Nexus Timetable\n{A}",
        f"# Course Timetable\n{A}",
        "nexus timetable",
        "#Course Timetable",
    ),
    "one word of several, nearly the same text": (
        f"## Horizontal bar\n{LONG}## End\n",
        f"## Horizontal rule\n{LONG[:-2]}ns.\n## End\n",
        "horizontal bar",
        "#Horizontal rule",
    ),
    "moved within the note and reworded": (
        f"## Old words\n{LINKED}## Beta\n{B}## Gamma\n{C}## End\n",
        f"## Beta\n{B}## Gamma\n{C}## New title\n{LINKED}## End\n",
        "old words",
        "#New title",
    ),
    "moved within the note and numbered": (
        f"## Alpha\n{A}## Beta\n{B}## Gamma\n{C}",
        f"## Beta\n{B}## 2. Alpha\n{A}## Gamma\n{C}",
        "alpha",
        "#2. Alpha",
    ),
    "a section inserted before": (
        f"## Old\n{A}## End\n",
        f"## First\n{C}## New\n{A}## End\n",
        "old",
        "#New",
    ),
    "between repeated headings": (
        f"## Day\n### Notes\n{A}### Old\n{B}## Night\n### Notes\n{C}",
        f"## Day\n### Notes\n{A}### New\n{B}## Night\n### Notes\n{C}",
        "old",
        "#New",
    ),
    "now a repeated heading: a path": (
        f"## Day\n### Old\n{A}## Night\n### Log\n{B}",
        f"## Day\n### New\n{A}## Night\n### New\n{B}",
        "old",
        "#New",
    ),
    "with a block id": (
        f"## Old\n{A}## End\n",
        f"## New ^id\n{A}## End\n",
        "old",
        "#^id",
    ),
    "Chinese words added": (
        f"## 拥有数据\n{A}## End\n",
        f"## 你拥有数据\n{A}x\n## End\n",
        "拥有数据",
        "#你拥有数据",
    ),
    "block id changed": (
        f"## S\n{A.strip()} ^old\n\n{B}## End\n",
        f"## S\n{A.strip()} ^new\n\n{B}## End\n",
        "^old",
        "#^new",
    ),
    "block ids of two blocks changed": (
        f"## S\n{A.strip()} ^one\n\n{B.strip()} ^two\n",
        f"## S\n{A.strip()} ^first\n\n{B.strip()} ^second\n",
        "^two",
        "#^second",
    ),
    "block id and heading changed": (
        f"## Old\n{A.strip()} ^old\n\n## End\n",
        f"## Old words\n{A.strip()} ^new\n\n## End\n",
        "^old",
        "#^new",
    ),
    "block id before all headings": (f"{A.strip()} ^old\n", f"{A.strip()} ^new\n", "^old", "#^new"),
    "block in another section": (
        f"## S\n{A.strip()} ^old\n\n## End\n{B}",
        f"## S\n{B}## End\n{A.strip()} ^new\n",
        "^old",
        "#^new",
    ),
    "one of two block ids": (
        f"## S\n{A.strip()} ^one\n\n{B.strip()} ^two\n",
        f"## S\n{A.strip()} ^first\n\n{B}",
        "^one",
        "#^first",
    ),
    "id of a table changed": (
        f"{TABLE}\n^old\n\n{B}",
        f"{B}\n{TABLE}\n^new\n",
        "^old",
        "#^new",
    ),
    "title of other words": (f"# Meeting\n{A}", f"# Shopping\n{A}", "meeting", "#Shopping"),
    "last section reworded": (f"## S\n{A}## Old\n{B}", f"## S\n{A}## New\n{B}", "old", "#New"),
    "other words, same subheadings": (
        f"## Foundations\n### Colors\n{A}### Fonts\n{B}## End\n",
        f"## Structure\n### Colors\n{A}x\n### Fonts\n{B}y\n## End\n",
        "foundations",
        "#Structure",
    ),
    "other words, nearly the same text": (
        f"## Relaxing\n{LONG}## End\n",
        f"## Integration\n{LONG[:-3]}.\n## End\n",
        "relaxing",
        "#Integration",
    ),
    "similar words, most of the text": (
        f"## Install on Windows\n{LONG}## End\n",
        f"## Install on Linux\n{LONG[:500]}## End\n",
        "install on windows",
        "#Install on Linux",
    ),
    "some other links, the same text": (
        f"## Cities\nSee [[Paris]].\n{A}## End\n",
        f"## Large cities\nSee [[Rome]].\n{A}{D}## End\n",
        "cities",
        "#Large cities",
    ),
    "subheadings that are repeated": (
        f"## Mon\n### Log\n{A}### Todo\n{B}## Tue\n### Log\n{C}### Todo\n{D}",
        f"## Wed\n### Log\n{C}### Todo\n{D}## Thu\n### Log\n{A}### Todo\n{B}",
        "mon",
        "#Thu",
    ),
    "level changed as well": (
        f"## Colors\n{A}## End\n",
        f"### Basic colors\n{A}{B}## End\n",
        "colors",
        "#Basic colors",
    ),
}


@each(("before", "now", "key", "subpath"), CERTAIN.values(), ids=CERTAIN)
def test_what_became_of_a_heading_is_certain(before: str, now: str, key: str, subpath: str) -> None:
    found = match_anchors_of(note(before), note(now)).get(key)
    assert found is not None
    assert (found.subpath, found.is_certain) == (subpath, True)


# -- not certain ----------------------------------------------------------------------------------

UNCERTAIN = {
    "became a link, and lost its text": (
        f"# T\n## Oaks\n{A}## End\n",
        "# T\n## [[Trees|Oaks]]\n## End\n",
        "oaks",
    ),
    "became a link, and got another text": (
        f"# T\n## Oaks\n{A}## End\n",
        f"# T\n## [Oaks](Trees.md)\n{B}## End\n",
        "oaks",
    ),
    "deleted": (f"## Old\n{A}## End\n", "## End\n", "old"),
    "another section at the same place": (f"## Old\n{A}## End\n", f"## New\n{B}## End\n", "old"),
    "another last section": (f"## Start\n{A}## Old\n{A}", f"## Start\n{A}## New\n{A}", "old"),
    "another number": (f"## Part 1\n{A}## End\n", f"## Part 2\n{A}{D}## End\n", "part 1"),
    "another version": (
        f"## Version 1.2\n{A}## End\n",
        f"## Version 1.3\n{B}## End\n",
        "version 1 2",
    ),
    "another sign": (f"## Use C\n{A}## End\n", f"## Use C++\n{B}## End\n", "use c"),
    "a link that all sections have": (
        f"## Related\n[[Home]] {A}## End\n[[Home]]\n",
        f"## Queries\n[[Home]] {B}## End\n[[Home]]\n",
        "related",
    ),
    "a single common link": (
        "## Related\n[[Home]] is one\n## End\n",
        f"## Queries\n[[Home]] {B}## End\n",
        "related",
    ),
    "empty sections": ("## Ideas\n\n## End\n", "## Plans\n\n## End\n", "ideas"),
    "split in two": (
        f"## Install\n{A}{B}## End\n",
        f"## Install on Linux\n{A}## Install on Windows\n{B}## End\n",
        "install",
    ),
    "split in two, other words": (
        f"## Old\n{A}{B}## End\n",
        f"## One\n{A}## Other\n{B}## End\n",
        "old",
    ),
    "two merged": (
        f"## Left sidebar\n{A}## Right sidebar\n{B}## End\n",
        f"## Sidebars\n{A}{B}## End\n",
        "left sidebar",
    ),
    "two merged, the second": (
        f"## Left sidebar\n{A}## Right sidebar\n{B}## End\n",
        f"## Sidebars\n{A}{B}## End\n",
        "right sidebar",
    ),
    "merged into the one before": (
        f"## Start\n{A}## Old\n{B}## End\n",
        f"## Start\n{A}{B}## End\n",
        "old",
    ),
    "two replaced by two others": (
        f"## One\n{A}## Two\n{B}## End\n",
        f"## Uno\n{C}## Due\n{D}## End\n",
        "one",
    ),
    "two of the same texts replaced by two": (
        f"## One\n{A}## Two\n{A}## End\n",
        f"## Due\n{A}## Uno\n{A}## End\n",
        "one",
    ),
    "both resemble the new one": (
        f"## Definition\n{A}## Definition of Smith\n{B}## End\n",
        f"## Definition (book)\n{C}## Definition (Prof. Smith)\n{D}## End\n",
        "definition",
    ),
    "translated, other text": (
        f"## Close tabs\n{A}## Open tabs\n{B}## End\n",
        f"## Tabs schließen\n{C}## Tabs öffnen\n{D}## End\n",
        "close tabs",
    ),
    "same letters twice": (
        f"## 1. Alpha\n{A}## 2. Alpha\n{B}## End\n",
        f"## 3. Alpha\n{C}## 4. Alpha\n{D}## End\n",
        "1 alpha",
    ),
    "short text by chance": (
        "## Old\nYes.\n## Other\nNo.\n## End\n",
        "## New\nNot.\n## Next\nOne.\n## End\n",
        "old",
    ),
    "repeated heading, one reworded": (
        f"## Notes\n{A}## Notes\n{B}## End\n",
        f"## Ideas\n{A}## Notes\n{B}## End\n",
        "notes",
    ),
    "single subheading in common": (
        f"## Pasta\n### Example\n{A}## End\n",
        f"## Bread\n### Example\n{B}## End\n",
        "pasta",
    ),
    "title of another number": (f"# Chapter 1\n{A}", f"# Chapter 2\n{A}", "chapter 1"),
    "title and text of other words": (f"# Meeting\n{A}", f"# Shopping\n{B}", "meeting"),
    "section with a text of the same length": (
        f"# T\n## Old\n{A}## End\n",
        f"# T\n## New\n{A.upper()}## End\n",
        "old",
    ),
    "section with a text that others have": (
        f"# T\n## Old\n{A}## End\n{A}",
        f"# T\n## New\n{A}## End\n{A}",
        "old",
    ),
    "block with a text of the same length": (
        f"## S\n{A.strip()} ^old\n\n## End\n",
        f"## S\n{A.strip().upper()} ^new\n\n## End\n",
        "^old",
    ),
    "table with a text of the same length": (
        f"{TABLE}\n^old\n",
        f"{TABLE.upper()}\n^new\n",
        "^old",
    ),
    "block with a text that others have": (
        f"{A.strip()} ^old\n\n{A.strip()} ^same\n",
        f"{A.strip()} ^new\n\n{A.strip()} ^same\n",
        "^old",
    ),
    "a word inserted, and the text is not short enough": (
        f"## Image barrier\n{64 * 'a'}\n{16 * 'b'}\n## End\n",
        "## Image memory barrier\nIt is another one.\n## End\n",
        "image barrier",
    ),
    "heading became a block": (f"## Old\n{A}## End\n", f"## End\nOld ^old\n\n{A}", "old"),
    "block became a heading": (f"## S\n{A.strip()} ^old\n", f"## S\n## {A}", "^old"),
    "block deleted": (f"## S\n{A.strip()} ^old\n\n{B}", f"## S\n{B}", "^old"),
    "block of another length": (
        f"## S\n{A.strip()} ^old\n\n## End\n",
        f"## S\n{B.strip()} ^new\n\n## End\n",
        "^old",
    ),
    "block ids swapped": (
        f"## S\n{A.strip()} ^one\n\n{B.strip()} ^two\n",
        f"## S\n{A.strip()} ^two\n\n{B.strip()} ^one\n",
        "^one",
    ),
}


@each(("before", "now", "key"), UNCERTAIN.values(), ids=UNCERTAIN)
def test_what_became_of_a_heading_is_not_certain(before: str, now: str, key: str) -> None:
    found = match_anchors_of(note(before), note(now)).get(key)
    assert found is None or not found.is_certain


def test_a_heading_that_is_still_there_has_no_answer() -> None:
    found = match_anchors_of(note(f"## Old\n{A}## Same\n"), note(f"## New\n{A}## Same\n"))
    assert list(found) == ["old"]


# -- paths, repeated headings and anchors of GitHub -----------------------------------------------

SUBPATHS = {
    "parent reworded": (
        f"## Old\n### Notes\n{A}## Other\n### Notes\n{B}",
        f"## Old days\n### Notes\n{A}## Other\n### Notes\n{B}",
        "#Old#Notes",
        ("#Old days#Notes", True),
    ),
    "both reworded": (
        f"# T\n## Install\n### Steps\n{A}## End\n",
        f"# T\n## Installation\n### Steps to do\n{A}## End\n",
        "#Install#Steps",
        ("#Installation#Steps to do", True),
    ),
    "second of repeated headings reworded": (
        f"## A1\n### Notes\n{A}## B1\n### Notes\n{B}## End\n",
        f"## A1\n### Notes\n{A}## B1\n### Ideas\n{B}## End\n",
        "#B1#Notes",
        ("#B1#Ideas", True),
    ),
    "moved before the other heading": (
        f"## Day\n### Log\n{A}## Night\n{B}",
        f"## Night\n### Log\n{A}## Day\n{B}",
        "#Day#Log",
        ("#Log", True),
    ),
    "deleted below its heading": (
        f"## Day\n{A}## Night\n### Log\n{B}",
        f"## Day\n{A}## Night\n{B}",
        "#Night#Log",
        None,
    ),
    "parent reworded, heading deleted, its like below another": (
        f"## Old\n{A}### Log\n{B}## Night\n### Log\n{C}",
        f"## New\n{A}## Night\n### Log\n{C}",
        "#Old#Log",
        None,
    ),
    "anchor of GitHub": (
        f"## Old words\n{A}## End\n",
        f"## New words\n{A}## End\n",
        "#old-words",
        ("#New words", False),
    ),
    "never there": (f"## Old\n{A}## End\n", f"## New\n{A}## End\n", "#Wrong", None),
    "parent that was never there": (
        f"## Old\n{A}## End\n",
        f"## New\n{A}## End\n",
        "#Wrong#End",
        None,
    ),
}


@each(("before", "now", "subpath", "expected"), SUBPATHS.values(), ids=SUBPATHS)
def test_subpath_of_a_link_is_followed(
    before: str, now: str, subpath: str, expected: tuple[str, bool] | None
) -> None:
    later = note(now)
    anchors = {
        key: Destination("Note.md", found.subpath, found.is_certain)
        for key, found in match_anchors_of(note(before), later, [subpath]).items()
    }
    found = find_renamed_anchor(subpath, later, History(anchors={"Note.md": anchors}))
    assert (found and (found.subpath, found.is_certain)) == expected


# -- other notes ----------------------------------------------------------------------------------

MOVED = {
    "with its text": ("log", f"## Log\n{A}## End\n", None, f"## Log\n{A}## Rest\n", True),
    "with its links": ("log", f"## Log\n{LINKED}", "", f"## Log\n{LINKED}", True),
    "with its subheadings": (
        "log",
        f"## Log\n### May\n{A}### June\n{B}",
        "",
        f"# Log\n## May\n{A}## June\n{B}",
        True,
    ),
    "with another text": ("log", f"## Log\n{A}## End\n", None, f"## Log\n{B}## Rest\n", False),
    "with its text, the last one": ("log", f"## Log\n{A}", None, f"## Log\n{A}", True),
    "with a link that is common": (
        "log",
        "## Log\n[[Home]]\n",
        None,
        "## Log\n[[Home]] a\n",
        False,
    ),
    "to a note that has the same heading": (
        "log",
        f"## Log\n{A}## End\n",
        f"## Log\n{B}",
        f"## Log\n{B}## Log\n{A}## End\n",
        None,
    ),
    "to a note where it is twice": (
        "log",
        f"## Log\n{A}## End\n",
        "",
        f"## Log\n{A}## Log\n{A}## End\n",
        None,
    ),
    "a block": ("^a1b2c3", f"{A.strip()} ^a1b2c3\n", "", f"{A.strip()} ^a1b2c3\n", True),
    "a block with a common name": ("^sum", f"{A.strip()} ^sum\n", "", f"{B.strip()} ^sum\n", False),
    "a block to a note that has its id": (
        "^a1b2c3",
        f"{A.strip()} ^a1b2c3\n",
        f"{B.strip()} ^a1b2c3\n",
        f"{A.strip()} ^a1b2c3\n",
        None,
    ),
}


@each(("key", "before", "old", "new", "is_certain"), MOVED.values(), ids=MOVED)
def test_heading_or_block_that_went_to_another_note(
    key: str, before: str, old: str | None, new: str, is_certain: bool | None
) -> None:
    candidates = {"Other.md": (None if old is None else note(old), note(new))}
    found = find_moved_anchor(key, note(before), candidates)
    assert (found[2] if found else None) == is_certain


def test_heading_that_two_notes_gained_has_no_answer() -> None:
    text = note(f"## Log\n{A}## End\n")
    assert find_moved_anchor("log", text, {"1.md": (None, text), "2.md": (None, text)}) is None


# -- cost -----------------------------------------------------------------------------------------

LARGE: dict[str, tuple[Callable[[int], str], Callable[[int], str]]] = {
    "one reworded": (lambda n: f"Topic {n}", lambda n: f"Topic {n}" if n != 100 else "Other"),
    "all reworded": (lambda n: f"Topic {n}", lambda n: f"Chapter {n}"),
    "all the same": (lambda _: "Notes", lambda n: "Notes" if n % 2 else "Log"),
    "reversed": (lambda n: f"Topic {n}", lambda n: f"Topic {2000 - n}"),
    "half of them reworded": (
        lambda n: f"Topic {n}",
        lambda n: f"{'Topic' if n % 2 else 'Item'} {n}",
    ),
}


@pytest.mark.thorough
@each("name", LARGE)
def test_large_notes_are_compared_in_time(name: str) -> None:
    """Four times as many headings take at most six times as many calls."""
    few, many = (count_calls(lambda: match_large_notes(name, n)) for n in (400, 1600))  # noqa: B023
    assert many < 6 * few


def match_large_notes(name: str, count: int) -> None:
    """Match the headings of two notes with so many."""
    before, now = (
        note("".join(f"## {wording(n)}\nText {n} of it.\n" for n in range(count)))
        for wording in LARGE[name]
    )
    match_anchors_of(before, now)
