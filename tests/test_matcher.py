"""Tests of which text became which other one, and of joining what is known of the past."""

from hypothesis import given, settings
from hypothesis import strategies as st

from exploring import count_examples
from tables import each
from vaultlink.history.matcher import Texts
from vaultlink.model import NO_HISTORY, Destination, History
from vaultlink.parse.note import parse_note
from vaultlink.parse.pieces import find_pieces, hash_pieces, read_pieces


def text(*names: str) -> str:
    """Return a text with three lines of its own for each name."""
    return "".join(f"Line {n} of {name} says something.\n" for name in names for n in range(3))


def match(
    old: dict[str, str], new: dict[str, str], kept: dict[str, str] | None = None, **names: str
) -> dict[str, tuple[str, bool]]:
    """Return what old texts became, and if that is certain."""
    before, now = (
        {key: read_pieces(hash_pieces(words.encode())) for key, words in texts.items()}
        for texts in (old, new)
    )
    places: dict[int, list[str]] = {}
    for key, words in (kept or {}).items():
        for piece in read_pieces(hash_pieces(words.encode())):
            places.setdefault(piece, []).append(key)
    found = Texts(before, now, places).match(names)
    return {key: (item.new, item.is_certain) for key, item in found.items()}


PIECES = {
    "marks before a line": ("## A head\n> - [ ] item\n", ["A head", "item"]),
    "sentences": ("One 3.5 m. Two? Three!\n", ["One 3.5 m", "Two", "Three"]),
    "links": (
        "See [[Old|it]] or [this](old.md) there\n",
        ["See ", "Old|it", "or ", "this", "old.md) there"],
    ),
    "a block id": ("Said once. ^a1\nIt is ^b2\n", ["Said once", "It is"]),
    "lines without words": ("---\n\n| - |\n***\n", []),
    "Japanese": ("日本の文。次の文。\n", ["日本の文", "次の文"]),
    "the end of a text": ("The end.", ["The end"]),
}


@each("what", PIECES)
def test_pieces_of_a_text(what: str) -> None:
    words, pieces = PIECES[what]
    found = [piece.decode() for piece in find_pieces(words.encode())]
    assert [piece for piece in found if piece.strip("。| ")] == pieces
    assert hash_pieces(words.replace("\n", "\r\n").encode()) == hash_pieces(words.encode())


def test_pieces_of_sections() -> None:
    note = parse_note(
        "n.md", "Begins here.\n# One\nBody of it.\n## Two\n\nMore. Still more.\n\nEnd\n---\n"
    )
    pieces = [note.pieces[at : at + 4] for at in range(0, len(note.pieces), 4)]
    bodies = [pieces[item.body : item.body_end] for item in note.headings]
    wanted = [b"Body of it", b"More", b"Still more", b"End"]
    assert bodies[:2] == [[hash_pieces(wanted[0])], [hash_pieces(w) for w in wanted[1:3]]]


Old = dict[str, str]
MATCHED: dict[str, tuple[Old, Old, Old, dict[str, tuple[str, bool]]]] = {
    "equal": ({"a": text("x")}, {"b": text("x")}, {}, {"a": ("b", True)}),
    "half of it": ({"a": text("x", "y")}, {"b": text("x", "z")}, {}, {"a": ("b", True)}),
    "a bit less": (
        {"a": text("x", "y") + "A line.\n"},
        {"b": text("x") + "Other words.\n"},
        {},
        {"a": ("b", False)},
    ),
    "a third of it": ({"a": text("x", "y", "z")}, {"b": text("x")}, {}, {}),
    "another has half as much": (
        {"a": text("x", "y")},
        {"b": text("x", "y") + "New.\n", "c": text("x") + "Part of it.\n"},
        {},
        {"a": ("b", True)},
    ),
    "split": (
        {"a": text("w", "x", "y", "z")},
        {"b": text("w", "x", "y"), "c": text("z")},
        {},
        {"a": ("b", False)},
    ),
    "a kept one has it too": ({"a": text("x")}, {"b": text("x")}, {"k": text("x")}, {}),
    "a template that two others have": (
        {"a": text("template") + text("x")},
        {"b": text("template") + text("y"), "c": text("template") + text("x") + "More.\n"},
        {"k": text("template"), "l": text("template")},
        {"a": ("c", True)},
    ),
    "only the template": (
        {"a": text("template") + "One.\n"},
        {"b": text("template") + "Two.\n"},
        {"k": text("template"), "l": text("template")},
        {},
    ),
    "few words": (
        {"a": "Buy milk now.\nOr not.\n"},
        {"b": "Buy milk now.\nYes.\n"},
        {},
        {"a": ("b", False)},
    ),
    "merged into a long one": ({"a": text("x")}, {"b": text(*"vwxyz")}, {}, {"a": ("b", False)}),
}


@each("what", MATCHED)
def test_what_a_text_became(what: str) -> None:
    old, new, kept, expected = MATCHED[what]
    assert match(old, new, kept) == expected


def test_name_decides_between_like_texts() -> None:
    texts = {"b": text("x") + "One.\n", "c": text("x") + "Two.\n"}
    assert match({"a": text("x")}, texts, a="c") == {"a": ("c", True)}
    assert match({"a": text("x")}, {"b": text("y")}, a="b") == {}


WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=5).map(lambda names: text(*names))
VAULT = st.dictionaries(st.sampled_from("pqrst"), WORDS, max_size=4)


@settings(max_examples=count_examples(200), deadline=None)
@given(VAULT, VAULT, VAULT)
def test_every_new_text_is_taken_once(old: Old, new: Old, kept: Old) -> None:
    found = match(old, new, kept)
    certain = [to for to, is_certain in found.values() if is_certain]
    assert len(certain) == len(set(certain))
    assert found.keys() <= old.keys()
    assert set(certain) <= new.keys()


# -- pasts ------------------------------------------------------------------------------------------

PATHS = ["a.md", "b.md", "c.md", "d.md"]
STEPS = st.lists(
    st.tuples(st.sampled_from(PATHS), st.sampled_from(PATHS) | st.none()).filter(
        lambda pair: pair[0] != pair[1]
    ),
    max_size=6,
)


@settings(max_examples=count_examples(200), deadline=None)
@given(STEPS)
def test_joined_moves_lead_to_where_the_file_is(steps: list[tuple[str, str | None]]) -> None:
    """Files are moved over free names, or deleted, one after the other."""
    past, places = NO_HISTORY, {path: path for path in PATHS[:2]}
    for old, new in steps:
        if old not in places.values() or new in places.values():
            continue
        later = History({old: new}) if new else History(deleted=frozenset({old}))
        past = past.then(later)
        places = {name: (new or "") if at == old else at for name, at in places.items()}
        places = {name: at for name, at in places.items() if at}
        now = past.within(set(places.values()))
        for name, at in places.items():
            assert name == at or name in places.values() or now.moves[name] == at


def test_later_knowledge_counts() -> None:
    one = History(
        {"a": "b"}, frozenset({"x"}), {"a": 1, "x": 2}, anchors={"n": {"k": Destination("n")}}
    )
    two = History({"x": "y"}, frozenset({"b"}), {"b": 3}, anchors={"n": {"l": Destination("m")}})
    both = one.then(two)
    assert both.moves == {"x": "y"}
    assert both.deleted == {"a", "b"}
    assert both.anchors == {"n": {"k": Destination("n"), "l": Destination("m")}}
    assert both.within({"y.md"}).moves == {}
