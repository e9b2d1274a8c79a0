"""Three versions of a section become one.

Its entries are a set: what either side added is in it, what either side removed of the base is not. What a person typed
stays, unless one side deleted it and the other left it alone. A section that is not there holds nothing, and one of
vaultlink's own that would hold nothing is not there.
"""

from collections.abc import Iterable, Mapping

from vaultlink.conflicts import unmerged
from vaultlink.fixing.sections_placing import begin
from vaultlink.merging.contents import Contents, Entry, Key, Line, contents
from vaultlink.merging.ordering import ordered
from vaultlink.merging.threes import Three, Unsure, chosen, present, united
from vaultlink.parse.markers import pairs

Counts = tuple[int, int]
"""How many line ends were written before and behind a section."""


def merged_section(texts: Three[str | None], counts: Three[Counts | None]) -> str | None:
    """The text of a merged section, from marker to marker; None if there is none any more."""
    if texts.ours == texts.theirs or texts.base in (texts.ours, texts.theirs):
        text = chosen(texts)
    else:
        end = present(texts.each(_line_end)) or "\n"
        text = _merged(
            texts.each(lambda text: contents(text.replace("\r\n", "\n")) if text else Contents())
        )
        text = text and text.replace("\n", end)
    return text and _counted(text, counts)


def _line_end(text: str | None) -> str | None:
    """How the lines of a section end; None if it has none."""
    if text is None:
        return None
    windows = text.count("\r\n")
    if text.count("\r") != windows or windows not in (0, text.count("\n")) or unmerged(text):
        raise Unsure("line ends of several kinds, or an older conflict, in a section")
    return "\r\n" if windows else "\n"


def _counted(text: str, counts: Three[Counts | None]) -> str:
    """A section whose marker says how many line ends were written around it, which each side may have changed."""
    [pair] = pairs(text, 0)
    before, after = (
        present(counts.each(lambda count, place=place: count and count[place]))  # type: ignore[misc]
        for place in (0, 1)
    )
    if pair.adopted or None in (before, after) or (pair.before, pair.after) == (before, after):
        return text
    return begin(f"before={before} after={after}") + text[pair.begun :]


def _merged(versions: Three[Contents]) -> str | None:
    alive = {
        key
        for key in (*versions.ours.keys, *versions.theirs.keys)
        if _stays(_entries(versions, key))
    }
    entries = {key: _entry(_entries(versions, key)) for key in alive}
    runs = versions.each(lambda version: version.runs(alive))
    flow: list[Line] = []
    for key in (None, *ordered(alive, entries, versions)):
        flow += [_whole(entries[key])] if key else []
        flow += united(runs.each(lambda run, key=key: run.get(key, [])))  # type: ignore[misc]
    adopted = present(versions.each(lambda version: version.adopted))
    heading = _heading(versions)
    if not flow and not adopted:
        if heading.strip() != (versions.base.heading or "").strip():
            raise Unsure("a new heading with nothing below it")
        return None
    text = "".join(
        [
            _marker(versions, bool(adopted)),
            heading,
            *_spaced(flow, versions),
            present(versions.each(lambda version: version.tail)) or "",
        ]
    )
    _hold(text, versions)
    return text


def _entries(versions: Three[Contents], key: Key) -> Three[Entry | None]:
    return versions.each(lambda version: version.entries.get(key))


def _stays(three: Three[Entry | None]) -> bool:
    """Whether an entry stays: one that a side removed only if the other wrote something below it."""
    base, ours, theirs = three
    kept = ours or theirs
    if base is None or (ours and theirs) or kept is None:
        return kept is not None
    return bool(set(kept.below) - set(base.below))


def _entry(three: Three[Entry | None]) -> Entry:
    base, ours, theirs = three
    if ours is None or theirs is None:
        [entry] = [entry for entry in (ours, theirs) if entry]
        return entry
    own = theirs if base and ours.lead == base.lead else ours
    below = united(three.each(lambda entry: entry.below if entry else ()))
    gap = present(three.each(lambda entry: entry.gap if entry else None))
    return own._replace(below=tuple(below), gap=gap)


def _whole(entry: Entry) -> Line:
    return Line(entry.lead + "".join(f"{line.gap}{line.text}" for line in entry.below), entry.gap)


def _marker(versions: Three[Contents], adopted: bool) -> str:
    """The begin marker as one side has it, or a new one if it says something else than is true."""
    marker = present(versions.each(lambda version: version.marker)) or ""
    own = next(
        version.adopted for version in (versions.ours, versions.theirs) if version.marker == marker
    )
    return marker if own == adopted else begin("adopted" if adopted else "before=0 after=0")


def _heading(versions: Three[Contents]) -> str:
    """What stands between the marker and what is listed. Two new headings may both be somebody's."""
    heading = present(versions.each(lambda version: version.heading)) or ""
    for side in (versions.ours, versions.theirs):
        if side.heading is not None and side.heading.strip() not in (
            heading.strip(),
            (versions.base.heading or "").strip(),
        ):
            raise Unsure("two new headings")
    return heading


def _spaced(flow: list[Line], versions: Three[Contents]) -> Iterable[str]:
    """The lines of a section with the line ends before each."""
    usual = _usual_gap(versions)
    for number, line in enumerate(flow):
        gap = (
            line.gap if number else present(versions.each(lambda version: version.first)) or "\n\n"
        )
        yield (gap or usual) + line.text


def _usual_gap(versions: Three[Contents]) -> str:
    """What stands between a section's entries."""
    entries = [
        entry
        for version in (versions.ours, versions.theirs, versions.base)
        for entry in version.entries.values()
    ]
    known = next((entry.gap for entry in entries if entry.gap), None)
    return known or ("\n" if entries and entries[0].named.listed else "\n\n")


def _hold(text: str, versions: Three[Contents]) -> None:
    """Make sure that a merged section is one, and that no line somebody typed since the base is missing."""
    new: Mapping[str, set[str]] = {
        side: getattr(versions, side).typed() - versions.base.typed() for side in ("ours", "theirs")
    }
    if not new["ours"] | new["theirs"] <= contents(text).typed():
        raise Unsure("a typed line would be lost")
