"""How a section differs from what it should be. Formatting is no difference, nor is the order of ranks and times."""

from typing import NamedTuple

from vaultlink.backlinking.holding import Wanted
from vaultlink.backlinking.reading import Named, Piece, Reading
from vaultlink.backlinking.wording import Listed, Look, loosely
from vaultlink.model import Owner, Section
from vaultlink.resolve import Names, resolve


class Difference(NamedTuple):
    """What is wrong with a section: notes that it lacks, what entries show that do not belong there, notes named or called
    otherwise, whether entries are out of order, and whether its heading is another."""

    missing: tuple[Listed, ...] = ()
    surplus: tuple[str, ...] = ()
    altered: tuple[Listed, ...] = ()
    misplaced: bool = False
    misnamed: bool = False


def difference(section: Section, reading: Reading, wanted: Wanted, names: Names) -> Difference:
    """What is wrong with a section that vaultlink keeps. The heading of an adopted one is its author's."""
    there: list[str] = []
    surplus, altered = [], []
    for piece in reading.pieces:
        if piece.named is None:
            continue
        item = entry_of(piece, wanted, names)
        if item is None or item.path in there:
            surplus.append(piece.named.shown)
            continue
        there.append(item.path)
        if not fits(piece.named, item, wanted.look):
            altered.append(item)
    present = set(there)
    missing = tuple(item for path, item in wanted.held.items() if path not in present)
    misplaced = wanted.ordered and there != [path for path in wanted.held if path in present]
    misnamed = section.owner is Owner.WRITTEN and loosely(reading.heading) != loosely(
        wanted.look.heading
    )
    return Difference(missing, tuple(surplus), tuple(altered), misplaced, misnamed)


def entry_of(piece: Piece, wanted: Wanted, names: Names) -> Listed | None:
    """What a part of a section lists of what the section should hold; None for any other entry and for what is typed."""
    path = resolve(wanted.path, piece.named.target, names) if piece.named else None
    return wanted.held.get(path) if path else None


def fits(named: Named, item: Listed, look: Look) -> bool:
    """Whether an entry says what it should, however it is formatted."""
    written = (
        named.armed and not named.subpath and (named.kind, named.target) == (item.kind, item.target)
    )
    titled = named.title if look.style == "topics" else item.title
    alike = _alike(named.shown, item.title) and _alike(titled, item.title)
    return written and alike and (look.style == "topics" or (named.listed and not named.title))


def _alike(one: str, other: str) -> bool:
    return one == other or _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return loosely(text).replace("`", "'")
