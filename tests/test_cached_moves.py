"""Tests of moves, likely moves and replaced notes between two states of a vault, without git."""

import time
from collections.abc import Iterable, Mapping

from tables import each
from vaultlink.history.file_pairs import Snapshot, follow
from vaultlink.history.matcher import PieceIndex
from vaultlink.model import FileStamp, History
from vaultlink.parse.note import parse_note

PARIS = """---
type: place
---
# Paris, the city of light
We met [[Anna]] at the river and talked about [[The long bridge]] for quite a while.

## How we came there by train
The train of [[Deutsche Bahn]] was late again, as it has been on every single journey so far.

## What to see another time
- [[Sainte-Chapelle]]
- https://example.org/paris-guide
"""
OSLO = """---
type: place
---
# Oslo, the tiger city
[[Bjorn]] showed us the opera house by the sea.

## The ferry to the islands
It leaves from [[Aker Brygge]] every hour; the tickets are those of the tram, which is handy.

## Museums that are worth a day
- [[Fram]] and [[Kon-Tiki]]
- https://example.org/oslo-guide
"""
TEMPLATE = """---
type: daily
tags: [journal]
---
# {0}
up:: [[Journal]]

## What I did today, and with whom

## What I am grateful for in this moment
{1}
## Links
[[Habits]]
"""
KEPT = {
    f"Kept {number}.md": TEMPLATE.format(f"Kept {number}", f"Text {number}.\n")
    for number in range(30)
}


def snapshot(texts: Mapping[str, str], at: int, times: Mapping[str, int] | None = None) -> Snapshot:
    """Return a vault of these notes. Each was written at this time unless `times` says otherwise."""
    notes = {path: parse_note(path, text) for path, text in texts.items() if path.endswith(".md")}
    stamps = {
        path: FileStamp(len(text.encode()), (times or {}).get(path, at * 10_000 + number), 0)
        for number, (path, text) in enumerate(sorted(texts.items()))
    }
    return Snapshot(stamps, notes.get)


def follow_all(before: Snapshot, now: Snapshot, changed: Iterable[str] = ()) -> History:
    """Return what became of the files of a vault."""
    notes = {path: note for path in now.stamps if (note := now.note(path))}
    return follow(before, now, changed, PieceIndex(notes))


def find_replacements(before: Snapshot, now: Snapshot, changed: Iterable[str]) -> dict[str, str]:
    """Return where files went whose path another file has now, and those that took their place."""
    moves = follow_all(before, now, changed).moves
    return {old: new for old, new in moves.items() if old in now.stamps or new in before.stamps}


def compare(
    before: Mapping[str, str], now: Mapping[str, str], *, kept: Mapping[str, str] = KEPT
) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """Return moves, likely moves and deleted files. All files were written anew."""
    history = follow_all(snapshot({**kept, **before}, 1), snapshot({**kept, **now}, 2))
    return dict(history.moves), dict(history.likely_moves), set(history.deleted)


# -- moves ---------------------------------------------------------------------------------------------------------


def edited(text: str) -> str:
    return text.replace("for quite a while", "until late").replace(
        "- [[Sainte", "- [[Louvre]]\n- [[Sainte"
    )


@each("kept", [KEPT, {}], ids=["in a vault", "alone"])
def test_renamed_and_edited_note_is_followed(kept: Mapping[str, str]) -> None:
    moves, likely, deleted = compare(
        {"Paris.md": PARIS, "Oslo.md": OSLO},
        {"Trips/Paris 2024.md": edited(PARIS), "Trips/Norway.md": OSLO + "\nMore of it.\n"},
        kept=kept,
    )
    assert moves == {"Paris.md": "Trips/Paris 2024.md", "Oslo.md": "Trips/Norway.md"}
    assert (likely, deleted) == ({}, set())


FOLLOWED = {
    "an identical note with another date": (
        {"2025-12-17 Paris.md": PARIS},
        {"17-12-2025 Paris.md": PARIS},
        {"2025-12-17 Paris.md": "17-12-2025 Paris.md"},
    ),
    "an identical note with another number": (
        {"4-01040001 Paris.md": PARIS},
        {"4-01040003 Paris.md": PARIS},
        {"4-01040001 Paris.md": "4-01040003 Paris.md"},
    ),
    "an edited note with the numbers of its date in another order": (
        {"2025-12-17 Paris.md": PARIS},
        {"17-12-2025 Paris.md": edited(PARIS)},
        {"2025-12-17 Paris.md": "17-12-2025 Paris.md"},
    ),
    "in another folder with the same name, much edited": (
        {"a/Paris.md": PARIS},
        {"b/Paris.md": PARIS[: PARIS.index("## How")] + "All else was rewritten.\n" * 5},
        {"a/Paris.md": "b/Paris.md"},
    ),
    "a renumbered series": (
        {"1 - MPI.md": PARIS, "2 - MPI.md": OSLO},
        {"01 - MPI.md": edited(PARIS), "02 - MPI.md": OSLO + "\nMore.\n"},
        {"1 - MPI.md": "01 - MPI.md", "2 - MPI.md": "02 - MPI.md"},
    ),
    "another number, nearly the same content": (
        {"Lecture 3.md": PARIS},
        {"Lecture 4.md": PARIS + "\nMore.\n"},
        {"Lecture 3.md": "Lecture 4.md"},
    ),
    "the same text twice, with the same names": (
        {"a/One.md": PARIS, "a/Two.md": PARIS},
        {"b/One.md": PARIS, "b/Two.md": PARIS},
        {"a/One.md": "b/One.md", "a/Two.md": "b/Two.md"},
    ),
    "the same text twice, in the same folders": (
        {"a/One.md": PARIS, "b/Two.md": PARIS},
        {"a/First.md": PARIS, "b/Second.md": PARIS},
        {"a/One.md": "a/First.md", "b/Two.md": "b/Second.md"},
    ),
}


@each("what", FOLLOWED)
def test_note_is_followed(what: str) -> None:
    before, now, expected = FOLLOWED[what]
    assert compare(before, now)[0] == expected


def daily(name: str, text: str = "") -> str:
    return TEMPLATE.format(name, text)


NOT_FOLLOWED = {
    "two notes of one template": ({"Monday.md": daily("Monday")}, {"Tuesday.md": daily("Tuesday")}),
    "two notes of one template with texts": (
        {"Monday.md": daily("Monday", "A long walk with the dog through the park.\n")},
        {"Tuesday.md": daily("Tuesday", "Nothing of any note happened, but it rained.\n")},
    ),
    "one daily note went and another like it came": (
        {"2024-01-30.md": PARIS},
        {"2024-01-31.md": PARIS + "\nMore.\n"},
    ),
    "one chapter went and another like it came": (
        {"Chapter 1.md": PARIS},
        {"Chapter 2.md": PARIS[: PARIS.index("## What")] + "## Another end\n[[Else]] [[More]]\n"},
    ),
    "stubs with the same properties, headings and size": (
        {"Love.md": "---\ntype: stub\n---\n# Love\n"},
        {"Hate.md": "---\ntype: stub\n---\n# Hate\n"},
    ),
    "the same stub, which kept notes are too": (
        {"Love.md": "---\ntype: stub\n---\n## Notes\n"},
        {"Hate.md": "---\ntype: stub\n---\n## Notes\n"},
    ),
    "two new notes are as near": (
        {"Paris.md": PARIS},
        {"One.md": PARIS + "\nOne.\n", "Two.md": PARIS + "\nTwo!\n"},
    ),
    "two that went are as near": (
        {"One.md": PARIS + "\nOne.\n", "Two.md": PARIS + "\nTwo!\n"},
        {"Paris.md": PARIS},
    ),
    "the same text twice, without a mark": (
        {"One.md": PARIS, "Two.md": PARIS},
        {"First.md": PARIS, "Second.md": PARIS},
    ),
    "the note was split": (
        {"Paris.md": PARIS},
        {
            "Paris one.md": PARIS[: PARIS.index("## How")] + "[[Paris two]]\n",
            "Paris two.md": PARIS[PARIS.index("## How") :],
        },
    ),
    "plain texts": ({"a.md": "One text.\n"}, {"b.md": "Two texts\n"}),
    "empty notes": ({"a.md": ""}, {"b.md": ""}),
    "one common link": (
        {"a.md": "[[Fram]] in Oslo\n"},
        {"b.md": "The ship [[Fram]], a drawing.\n"},
    ),
}


@each("alone", [False, True], ids=["in a vault", "alone"])
@each("what", NOT_FOLLOWED)
def test_note_is_not_followed(what: str, alone: bool) -> None:
    before, now = NOT_FOLLOWED[what]
    kept = {} if alone else {**KEPT, "Fear.md": "---\ntype: stub\n---\n## Notes\n"}
    if alone and "template" in what:
        assert compare(before, now, kept=kept)[0] == {"Monday.md": "Tuesday.md"}, "unknown here"
    elif alone and what == "the same stub, which kept notes are too":
        assert compare(before, now, kept=kept)[0] == {"Love.md": "Hate.md"}
    else:
        assert compare(before, now, kept=kept)[0] == {}


def test_note_that_was_merged_into_a_kept_one_is_not_followed() -> None:
    before = {**KEPT, "Paris.md": PARIS, "Oslo.md": OSLO}
    now = {**KEPT, "Oslo.md": OSLO + PARIS}
    assert follow_all(snapshot(before, 1), snapshot(now, 2)).moves == {}
    assert find_replacements(snapshot(before, 1), snapshot(now, 2), ["Oslo.md"]) == {}


def test_weaker_match_is_likely_and_not_deleted() -> None:
    half = PARIS[: PARIS.index("The train")] + "## Fresh\n[[New one]] [[New two]] [[New three]]\n"
    moves, likely, deleted = compare({"Paris.md": PARIS}, {"France.md": half, "x.md": OSLO})
    assert moves == {}
    assert likely == {"Paris.md": "France.md"}
    assert deleted == set()


def test_vanished_notes_are_all_gone() -> None:
    before = {"Paris.md": PARIS, "Oslo.md": OSLO, "Monday.md": daily("Monday"), "p.png": "p"}
    history = follow_all(
        snapshot({**KEPT, **before}, 1),
        snapshot({**KEPT, "Trip.md": edited(PARIS), "Tuesday.md": daily("Tuesday")}, 2),
    )
    assert history.vanished.keys() == before.keys()
    assert history.moves == {"Paris.md": "Trip.md"}
    assert "Monday.md" not in history.deleted
    assert history.deleted == {"Oslo.md", "p.png"}


def test_many_renamed_notes_are_followed_in_time() -> None:
    texts = {
        number: f"# Note about number {number}\n[[Target {number}]] and [[Common]]\n\n"
        + f"## Section {number * 7} of it\n[[Other {number}]] [[Third {number}]]\n"
        + "x" * number
        + "\n"
        for number in range(700)
    }
    before = {f"old/{number}.md": text for number, text in texts.items()}
    now = {f"new/n{number}.md": text + "One more line.\n" for number, text in texts.items()}
    start = time.process_time()
    history = follow_all(snapshot(before, 1), snapshot(now, 2))
    assert time.process_time() - start < 5
    assert history.moves == {f"old/{number}.md": f"new/n{number}.md" for number in texts}


# -- replaced notes ------------------------------------------------------------------------------------------------


def replaced(
    before: Mapping[str, str], now: Mapping[str, str], moved: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the replacements. The files in `moved` (old path to new path) kept their times."""
    one = snapshot({**KEPT, **before}, 1)
    times = {
        new: stamp.modified for old, new in (moved or {}).items() if (stamp := one.stamps[old])
    }
    two = snapshot({**KEPT, **now}, 2, times)
    return find_replacements(one, two, [*before, *now])


ROME = (
    PARIS.replace("[[", "[[R ")
    .replace("the city of light", "the eternal one")
    .replace("How we came there", "Flights that we took")
    .replace("What to see another time", "Ruins we have not seen")
    .replace("paris", "rome")
    .replace("for quite a while", "all the night")
    .replace("late again", "on time for once")
)

REPLACED = {
    "a chain": (
        {"1.md": PARIS, "2.md": OSLO},
        {"2.md": PARIS, "3.md": OSLO},
        {"1.md": "2.md", "2.md": "3.md"},
    ),
    "a chain of edited notes": (
        {"First.md": PARIS, "Second.md": OSLO},
        {"Second.md": edited(PARIS), "Third.md": OSLO + "More.\n"},
        {"First.md": "Second.md", "Second.md": "Third.md"},
    ),
    "exchanged names": (
        {"A.md": PARIS, "B.md": OSLO},
        {"A.md": OSLO, "B.md": edited(PARIS)},
        {"A.md": "B.md", "B.md": "A.md"},
    ),
    "three in a circle": (
        {"A.md": PARIS, "B.md": OSLO, "C.md": ROME},
        {"A.md": ROME, "B.md": PARIS, "C.md": OSLO},
        {"A.md": "B.md", "B.md": "C.md", "C.md": "A.md"},
    ),
    "over an empty note": ({"A.md": PARIS, "B.md": ""}, {"B.md": PARIS}, {"A.md": "B.md"}),
    "identical notes with other dates": (
        {"2024-01-01.md": PARIS, "2024-01-02.md": OSLO},
        {"2024-01-02.md": PARIS, "2024-01-03.md": OSLO},
        {"2024-01-01.md": "2024-01-02.md", "2024-01-02.md": "2024-01-03.md"},
    ),
    "a series, with a new note before it": (
        {"Trip 1.md": PARIS, "Trip 2.md": ROME},
        {"Trip 1.md": OSLO, "Trip 2.md": PARIS, "Trip 3.md": ROME},
        {"Trip 1.md": "Trip 2.md", "Trip 2.md": "Trip 3.md"},
    ),
}


@each("what", REPLACED)
def test_replaced_note_is_found(what: str) -> None:
    before, now, expected = REPLACED[what]
    assert replaced(before, now) == expected


NOT_REPLACED = {
    "archived, and a new note took the name": (
        {"Trip.md": PARIS},
        {"Trip.md": OSLO, "Archive/Trip to France.md": PARIS},
    ),
    "two logs are rotated": (
        {"Log.md": PARIS, "Log old.md": OSLO},
        {"Log.md": ROME, "Log old.md": PARIS, "Log older.md": OSLO},
    ),
    "rewritten": ({"A.md": PARIS, "B.md": OSLO}, {"A.md": ROME, "B.md": edited(OSLO)}),
    "copied": ({"A.md": PARIS}, {"A.md": edited(PARIS), "B.md": PARIS}),
    "overwritten by a copy": ({"A.md": PARIS, "B.md": OSLO}, {"A.md": PARIS, "B.md": PARIS}),
    "merged": ({"A.md": PARIS, "B.md": OSLO}, {"A.md": "See [[B]].\n", "B.md": OSLO + PARIS}),
    "a section was extracted": (
        {"A.md": PARIS},
        {"A.md": PARIS[: PARIS.index("## What")], "B.md": PARIS[PARIS.index("## What") :]},
    ),
    "moved only": ({"A.md": PARIS, "B.md": OSLO}, {"C.md": PARIS, "B.md": edited(OSLO)}),
    "daily notes, edited": (
        {"2024-01-01.md": PARIS, "2024-01-02.md": OSLO},
        {"2024-01-02.md": edited(PARIS), "2024-01-03.md": OSLO + "More.\n"},
    ),
    "notes of one template": (
        {"A.md": daily("A"), "B.md": daily("B", "Text of it.\n")},
        {"A.md": daily("B", "Text.\n"), "B.md": daily("A")},
    ),
    "archived and shortened": (
        {"A.md": PARIS},
        {"A.md": PARIS[PARIS.index("## What") :] + "More.\n", "B.md": PARIS},
    ),
    "two copies of what was there": ({"A.md": PARIS}, {"A.md": OSLO, "B.md": PARIS, "C.md": PARIS}),
}


@each("what", NOT_REPLACED)
def test_note_is_not_replaced(what: str) -> None:
    before, now = NOT_REPLACED[what]
    assert replaced(before, now) == {}


MOVED_WITH_TIMES = {
    "a chain of plain notes": (
        {"1.md": "One.\n", "2.md": "Two!!\n"},
        {"2.md": "One.\n", "3.md": "Two!!\n"},
        {"1.md": "2.md", "2.md": "3.md"},
    ),
    "exchanged pictures": (
        {"a.png": "a", "b.png": "bb"},
        {"a.png": "bb", "b.png": "a"},
        {"a.png": "b.png", "b.png": "a.png"},
    ),
    "daily notes": (
        {"2024-01-01.md": "One.\n", "2024-01-02.md": "Two!!\n"},
        {"2024-01-02.md": "One.\n", "2024-01-03.md": "Two!!\n"},
        {"2024-01-01.md": "2024-01-02.md", "2024-01-02.md": "2024-01-03.md"},
    ),
    "another name was overwritten": (
        {"1.md": "One.\n", "2.md": "Two!!\n"},
        {"2.md": "One.\n"},
        {"1.md": "2.md"},
    ),
}


@each("what", MOVED_WITH_TIMES)
def test_text_or_moved_size_and_time_prove_a_replacement(what: str) -> None:
    before, now, expected = MOVED_WITH_TIMES[what]
    assert replaced(before, now, expected) == expected
    is_text = all(path.endswith(".md") for path in before)
    assert replaced(before, now) == (expected if is_text else {}), "new times prove nothing"


def test_copy_with_its_time_is_no_replacement() -> None:
    before = {"a.png": "a", "b.png": "bb"}
    moved = {"a.png": "b.png"}
    one = snapshot(before, 1)
    two = snapshot({"a.png": "a", "b.png": "a"}, 1, {"b.png": one.stamps["a.png"].modified})  # type: ignore[union-attr]
    assert find_replacements(one, two, ["b.png"]) == {}
    assert find_replacements(one, two, moved) == {}
