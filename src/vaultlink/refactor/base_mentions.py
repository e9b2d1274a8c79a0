"""Find the places in Obsidian bases that name what is renamed.

A base is not a source of links, and its formulas are not parsed: these places are reported and stay
as they are.
"""

import re
from collections.abc import Collection

from vaultlink.fix.plan import NamedPlace, Rename, RenameKind
from vaultlink.index.resolve import file_name
from vaultlink.text import lazy_pattern


def find_mentioned_words(rename: Rename) -> frozenset[str]:
    """Return the words by which a base may name what is renamed.

    Args:
        rename: The rename.

    Returns:
        The words. One with a slash at its end stands for all that is below it. Empty for headings
        and blocks.
    """
    if rename.kind is RenameKind.TAG:
        tag = rename.old.removeprefix("#")
        return frozenset((tag, f"{tag}/"))
    if rename.kind is RenameKind.FOLDER:
        return frozenset((rename.old, f"{rename.old}/"))
    if rename.kind in (RenameKind.NOTE, RenameKind.ATTACHMENT):
        names = (rename.old, file_name(rename.old))
        return frozenset((*names, *(re.sub(r"\.md$", "", name, flags=re.I) for name in names)))
    return frozenset()


def find_base_mentions(
    path: str, text: str, names: Collection[str], tags: Collection[str] = ()
) -> tuple[NamedPlace, ...]:
    """Return the lines of a base that name a file, folder or tag, in any case.

    A word counts as a text in quotes or as the target of a link, such as `file.hasTag("word")`,
    `link("word")`, `file.inFolder("word")` or `[[word#Heading]]`.

    Args:
        path: Vault path of the base.
        text: Its text.
        names: The words for files and folders, as `find_mentioned_words` returns them.
        tags: The words for tags.

    Returns:
        The places, one for each line at most, in order. Their columns are those of the words.
    """
    searches = [
        (_compile_words(words, sign), other_call)
        for words, sign, other_call in ((names, "", _TAG_CALL), (tags, "#?", _FILE_CALL))
        if words
    ]
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        columns = [
            match.start(match.lastindex or 0) + 1
            for words, other_call in searches
            for match in words.finditer(line)
            if not other_call.search(line[: match.start()])
        ]
        if columns:
            found.append(NamedPlace(path, number, min(columns), line.strip()))
    return tuple(found)


def _compile_words(words: Collection[str], sign: str) -> re.Pattern[str]:
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(
        "|".join(
            rf"(?<=[\"'\[]){sign}({re.escape(word)})" + ("" if word.endswith("/") else _BEHIND)
            for word in ordered
        ),
        re.IGNORECASE,
    )


_BEHIND = r"(?=[\"'\]#|\\])"
"""The end of a text in quotes or of a link's target."""
_TAG_CALL = lazy_pattern(r"\bhasTag\([^()]*$")
_FILE_CALL = lazy_pattern(r"\b(?:inFolder|hasLink|link|file|image)\([^()]*$")
"""The beginning of a call whose arguments are tags; files and folders."""
