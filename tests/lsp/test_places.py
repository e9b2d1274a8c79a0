"""Tests of places: offsets as positions in all three encodings, and documents that follow an editor."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.workspace import PositionCodec

from editors import CODECS, find_offset, find_position, split_lines
from tables import each
from vaultlink.serve.lsp.documents import Document, Documents, read_document
from vaultlink.serve.lsp.views import TextPlaces

TEXTS = st.text("ab[#\t\n\r\f\v\x1c\x85\u2028\u2029\ufeffé\u0301漢🙂𝒳", max_size=12)
TEXTS_WITH_LINES = st.lists(TEXTS | st.sampled_from(["\r\n", "\n\r", "\r\r\n"]), max_size=5).map(
    "".join
)
WHERE = st.integers(0, 9)
PLACES = st.builds(types.Position, WHERE, WHERE)
RANGES = st.builds(types.Range, PLACES, PLACES)


def make_places(text: str, encoding: str) -> TextPlaces:
    return TextPlaces(text, PositionCodec(encoding))


@pytest.mark.parametrize("encoding", CODECS)
@given(text=TEXTS_WITH_LINES)
def test_position_counts_lines_and_units_as_the_editor_does(encoding: str, text: str) -> None:
    mark = text.startswith("\ufeff")
    places = make_places(text, encoding)
    assert places.text == text[mark:]
    lines = list(split_lines(text))
    assert [line.rstrip("\r\n") for line in places.lines] == [text[at:end] for at, end in lines]
    assert "".join(places.lines) == text
    for offset in range(len(text) - mark + 1):
        assert places.position(offset) == find_position(text, offset + mark, encoding)


@pytest.mark.parametrize("encoding", CODECS)
@given(text=TEXTS_WITH_LINES)
def test_position_leads_back_to_its_offset(encoding: str, text: str) -> None:
    places = make_places(text, encoding)
    for offset in range(len(places.text) + 1):
        is_in_line_end = places.text[offset - 1 : offset + 1] == "\r\n"
        assert places.offset(places.position(offset)) == offset - is_in_line_end


@pytest.mark.parametrize("encoding", CODECS)
@given(text=TEXTS_WITH_LINES, place=PLACES)
def test_each_position_has_an_offset(encoding: str, text: str, place: types.Position) -> None:
    offset = find_offset(text, place, encoding)
    mark = text.startswith("\ufeff")
    assert make_places(text, encoding).offset(place) == max(offset - mark, 0)
    whole = TextPlaces(text, PositionCodec(encoding), counts_mark=True)
    assert whole.offset(place) == offset


@pytest.mark.parametrize("encoding", CODECS)
@given(text=TEXTS_WITH_LINES, data=st.data())
def test_range_cuts_out_the_text_it_names(encoding: str, text: str, data: st.DataObject) -> None:
    places = make_places(text, encoding)
    start = data.draw(st.integers(0, len(places.text)))
    end = data.draw(st.integers(start, len(places.text)))
    extent = places.range(start, end)
    cut = slice(find_offset(text, extent.start, encoding), find_offset(text, extent.end, encoding))
    expected = places.text[start:end]
    if places.text[start - 1 : start + 1] == "\r\n" and start > 0:  # no position is in a line end
        expected = "\r" + expected
    if places.text[end - 1 : end + 1] == "\r\n" and end > 0:
        expected = expected[:-1]
    assert text[cut] == expected


@each(
    ("column", "offset"),
    [(0, 0), (1, 1), (2, 2), (3, 2), (4, 2), (2**31 - 1, 2)],
    ids=str,
)
def test_column_within_a_character_is_behind_it_and_one_behind_the_line_its_end(
    column: int, offset: int
) -> None:
    assert make_places("a🙂\nb", "utf-16").offset(types.Position(0, column)) == offset


@pytest.mark.parametrize("encoding", CODECS)
@given(
    text=TEXTS_WITH_LINES,
    changes=st.lists(st.tuples(st.none() | RANGES, TEXTS_WITH_LINES), max_size=8),
)
def test_document_follows_its_editor(
    encoding: str, text: str, changes: list[tuple[types.Range | None, str]]
) -> None:
    document = Document("file:///v/a.md", text, 1, position_codec=PositionCodec(encoding))
    for extent, new in changes:
        if extent is None:
            text = new
            document.apply_change(types.TextDocumentContentChangeWholeDocument(new))
            continue
        places = extent.start, extent.end
        start, end = sorted(find_offset(text, place, encoding) for place in places)
        text = text[:start] + new + text[end:]
        document.apply_change(types.TextDocumentContentChangePartial(extent, new))
    assert document.source == text
    assert "".join(document.lines) == text


@given(
    text=TEXTS_WITH_LINES,
    changes=st.lists(st.tuples(RANGES, TEXTS), max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_changes_that_come_in_any_order_are_made_in_that_of_their_versions(
    text: str, changes: list[tuple[types.Range, str]], order: Random
) -> None:
    """Helix 25.01 sends those of keys that are pressed fast out of order."""
    numbered = [
        (version, types.TextDocumentContentChangePartial(*change))
        for version, change in enumerate(changes, start=2)
    ]
    sources = []
    for shuffle in (False, True):
        documents = Documents(None)
        documents.put_text_document(types.TextDocumentItem("file:///a.md", "markdown", 1, text))
        if shuffle:
            order.shuffle(numbered)
        for version, change in numbered:
            named = types.VersionedTextDocumentIdentifier(version, "file:///a.md")
            documents.update_text_document(named, change)
        document = documents.get_text_document("file:///a.md")
        assert document.version == 1 + len(changes)
        sources.append(document.source)
    assert sources[0] == sources[1]


def test_few_former_texts_of_a_long_document_are_kept() -> None:
    document = Document("file:///a.md", "x" * 400_000, 1)
    here = types.Position(0, 0)
    insertion = types.TextDocumentContentChangePartial(types.Range(here, here), "y")
    for version in range(2, 20):
        document.change(version, insertion)
    assert len(document._past) == 4
    assert document.source == "y" * 18 + "x" * 400_000


@each(
    ("texts", "source", "shown"),
    [
        (["\ud83d", "\ude42"], "🙂", "🙂"),
        (["\ude42", ""], "\ude42", "\ufffd"),
        (["\ud83d", "a", "\ude42"], "\ud83da\ude42", "\ufffda\ufffd"),
    ],
    ids=ascii,
)
def test_halves_of_a_character_are_joined(texts: list[str], source: str, shown: str) -> None:
    document = Document("file:///v/a.md", "", 1, position_codec=PositionCodec("utf-16"))
    for text in texts:
        end = TextPlaces(document.source, document.position_codec).position(len(document.source))
        change = types.TextDocumentContentChangePartial(types.Range(end, end), text)
        document.apply_change(change)
    assert document.source == source
    assert read_document(document).text == shown


def test_characters_are_joined_when_what_is_between_their_halves_goes() -> None:
    document = Document(
        "file:///v/a.md", "\ud83da\ude42", 1, position_codec=PositionCodec("utf-16")
    )
    extent = types.Range(types.Position(0, 1), types.Position(0, 2))
    document.apply_change(types.TextDocumentContentChangePartial(extent, ""))
    assert document.source == "🙂"
