"""Finding mentions: names, places where no link is written, offsets, scores, and the links that are written."""

import tracemalloc
import unicodedata
from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from builder import build_state
from tables import each
from vaultlink.index.index import Index
from vaultlink.links.edit_math import apply_edits
from vaultlink.mentions.finder import MentionFinder
from vaultlink.mentions.matcher import SAMPLE_SIZE, Matcher, sample_paths
from vaultlink.mentions.mention import LOWEST_MIN_SCORE, Mention, MentionOptions, NameKind
from vaultlink.mentions.names import FoldedText, fold_name
from vaultlink.mentions.planning import LinkWriter
from vaultlink.model import Note
from vaultlink.obsidian import ObsidianSettings
from vaultlink.parse.note import parse_note

TARGETS = {
    "Graph view.md": "Shows notes as dots.",
    "slugs/protein_folding.md": "---\ntitle: Protein folding\n---\nHow proteins fold.",
    "people/ada.md": "---\naliases: [Ada Lovelace]\n---\nShe wrote the first program.",
    "NASA report.md": "About rockets.",
    "Straße Berlin.md": "Eine Stadt.",
    "Café Central.md": "Coffee.",
    "Ligature file.md": "Letters.",
    "Dot İstanbul.md": "A city.",
    "AT&T history.md": "Telephones.",
}
FILLER = {f"other/n{number:03}.md": "Some words of no special kind.\n" for number in range(5)}


def find_in(
    text: str,
    vault: Mapping[str, str] | None = None,
    *,
    path: str = "n.md",
    options: MentionOptions | None = None,
    plain: bool = True,
) -> list[Mention]:
    """Return the mentions in a note of a small vault."""
    files = {**TARGETS, **FILLER, **(vault or {}), path: text}
    index = build_state(files).index
    return make_finder(index, files, options, plain=plain).find(path, text)


def make_finder(
    index: Index,
    files: Mapping[str, str],
    options: MentionOptions | None = None,
    *,
    plain: bool = True,
) -> MentionFinder:
    """Return a finder for a vault."""
    sample = {item: files[item] for item in sample_paths(index)}
    return MentionFinder(index, options or MentionOptions(), sample, plain=plain)


def words_in(text: str, vault: Mapping[str, str] | None = None, **more: object) -> list[str]:
    """Return the words of the mentions in a note."""
    return [mention.words for mention in find_in(text, vault, **more)]  # type: ignore[arg-type]


# -- what is a mention ------------------------------------------------------------------------------------------------

MENTIONED = [
    ("Open the graph view now.", "graph view"),
    ("Open the Graph View.", "Graph View"),
    ("A graph-view of all.", "graph-view"),
    ("A graph_view of all.", "graph_view"),
    ("- graph view", "graph view"),
    ("> the graph view", "graph view"),
    ("**graph view**", "graph view"),
    ("_graph view_ is nice", "graph view"),
    ("(graph view)", "graph view"),
    ("“graph view”", "graph view"),
    ("the graph view, and more", "graph view"),
    ("the graph view\u2014and more", "graph view"),
    ("the graph view's dots", "graph view"),
    ("the <b>graph view</b> here", "graph view"),
    ("| a | b |\n|---|---|\n| graph view | x |", "graph view"),
    ("About protein folding.", "protein folding"),
    ("As std::sort shows, the graph view sorts.", "graph view"),
    ("It (owner:: Ada) has a graph view.", "graph view"),
    ("As Ada Lovelace wrote.", "Ada Lovelace"),
    ("The NASA report says.", "NASA report"),
    ("In der Strasse Berlin.", "Strasse Berlin"),
    ("In der STRASSE BERLIN.", "STRASSE BERLIN"),
    ("Im Cafe\u0301 Central.", "Cafe\u0301 Central"),
    ("Im CAFÉ CENTRAL.", "CAFÉ CENTRAL"),
    ("A ligature \ufb01le.", "ligature \ufb01le"),
    ("The AT&T history is long.", "AT&T history"),
]


@each(("text", "words"), MENTIONED)
def test_name_in_text_is_a_mention(text: str, words: str) -> None:
    found = find_in(text)
    assert [mention.words for mention in found] == [words]
    assert text[found[0].start : found[0].end] == words


def test_first_of_several_uncertain_mentions_is_found() -> None:
    text = "Open the graph view now.\n\nThe graph view again, and the graph view.\n"
    [mention] = find_in(text, options=MentionOptions(min_score=1.0))
    assert (mention.start, mention.line, mention.column) == (text.index("graph"), 1, 10)
    assert not mention.certain


def test_certain_mention_comes_before_an_earlier_uncertain_one() -> None:
    text = "For example “graph view”.\n\nThe graph view again, and the graph view.\n"
    [mention] = find_in(text)
    assert (mention.line, mention.column, mention.certain) == (3, 5, True)


HIDDEN = [
    *("[[graph view]]", "[[n|graph view]]", "![[graph view]]", "[graph view](x.md)"),
    *("[graph view](https://example.org)", "[graph view][label]", "[graph view]", "[^graph view]"),
    *(
        "[graph view]: https://example.org",
        "`graph view`",
        "``graph view``",
        "```\ngraph view\n```",
    ),
    *("    graph view", "~~~\ngraph view\n~~~", "$graph view$", "$$\ngraph view\n$$"),
    *("%%graph view%%", "%%\ngraph view\n%%", "<!-- graph view -->", "a <!-- graph view --> b"),
    *('<img alt="graph view">', "<kbd>graph view</kbd>", "<code>graph view</code>"),
    *('<a href="x">graph view</a>', "<div>\ngraph view\n</div>", "# graph view", "graph view\n==="),
    *("#graph_view", "a #graph_view b", "text ^graph-view", "> [!note] graph view"),
    *(
        "https://example.org/graph-view",
        "<https://example.org/graph-view>",
        "www.example.org/graph-view",
    ),
    *("me@graph-view.org", "notes/graph-view", "graph-view.md", "graph view:: x", "{{graph view}}"),
    *("a subgraph view", "graph views", "bigraph-graph view", "re-graph view", "graph view-like"),
    *("graph\nview", "graph  view", "O'graph view", "graph/view", "@graph_view", "\\graph view"),
    *(
        "---\nkey: graph view\n---\n",
        "## Add backlinks using these topics\n\n- graph view\n- [[n]]\n",
        "[[graph view | Some",
    ),
    *('<% tp.file.include("graph view") %>', "<%*\nlet a;\n\nlet b = 'the graph view';\n%>"),
    *("owner:: the graph view", "- **owner**:: graph view", "It is (owner:: graph view) here."),
    *("tools/{a,graph view,b}", "see · /graph view", "{graph view}"),
    *("- [ ] [graph view", "gr\u200baph view", "graph vie\u0301w"),
]


@each("text", HIDDEN)
def test_hidden_or_partial_name_is_no_mention(text: str) -> None:
    assert words_in(text) == []


def test_heading_is_searched_on_request() -> None:
    assert words_in("# The graph view", options=MentionOptions(headings=True)) == ["graph view"]


NEVER = [
    ("Te", "Te.md"),
    ("2024", "2024.md"),
    ("2024-05-01", "2024-05-01.md"),
    ("May 2024", "May 2024.md"),
    ("Index", "Index.md"),
    ("next steps", "Next steps.md"),
    ("See {{title}} it", "{{title}}.md"),
    ("nasa report", "x.md"),
    ("Nasa report", "x.md"),
    ("数学分析", "数学分析.md"),
]


@each(("text", "path"), NEVER)
def test_name_that_means_no_note_is_never_found(text: str, path: str) -> None:
    options = MentionOptions(lowest_score=0.01)
    assert words_in(f"We saw {text} there.", {path: "A note."}, options=options) == []


def test_names_without_spaces_between_words_are_found_on_request() -> None:
    vault = {"数学分析.md": "A note."}
    assert words_in("我学习数学分析。", vault) == []
    assert [
        mention.words
        for mention in find_in(
            "我学习数学分析。", vault, options=MentionOptions(cjk=True, lowest_score=0.01)
        )
    ] == ["数学分析"]


CJK_NOTES = {f"日記{number}.md": "今日は雨が降った。散歩はしない。" for number in range(20)}


@each(("cjk", "is_found"), [(None, True), (False, False), (True, True)])
def test_scripts_without_spaces_are_searched_where_most_notes_have_them(
    cjk: bool | None, is_found: bool
) -> None:
    vault = {"数学分析.md": "本。", **CJK_NOTES}
    options = MentionOptions(cjk=cjk, lowest_score=0.01)
    assert words_in("我学习数学分析。", vault, options=options) == ["数学分析"] * is_found


PARTICLES = [
    ("프록시 객체를 쓴다.", "프록시 객체"),
    ("프록시 객체는 쉽다.", "프록시 객체"),
    ("프록시 객체들의 목록.", "프록시 객체"),
    ("프록시 객체에서는 안 된다.", "프록시 객체"),
    ("fetch join을 쓴다.", "fetch join"),
    ("이것은 fetch join이다.", "fetch join"),
    ("fetch join이라는 말.", "fetch join"),
    (
        unicodedata.normalize("NFD", "프록시 객체를 쓴다."),
        unicodedata.normalize("NFD", "프록시 객체"),
    ),
]


@each(("text", "words"), PARTICLES)
def test_korean_particle_stays_outside(text: str, words: str) -> None:
    assert words_in(text, {"프록시 객체.md": "", "Fetch join.md": ""}) == [words]


@each("text", ["프록시 객체지향 언어.", "fetch joinery를 쓴다.", "새프록시 객체를 쓴다."])
def test_rest_of_a_korean_word_is_no_particle(text: str) -> None:
    assert words_in(text, {"프록시 객체.md": "", "Fetch join.md": ""}) == []


PLAIN = [
    "the nasa reports of a Nasa report",
    "see self-graph view",
    "a graph view settings page",
    "In “Principles for the Graph View” he wrote.",
    "The graph view is left without a wikilink on purpose.",
]


@each("text", PLAIN)
def test_lowest_score_of_zero_returns_all_that_a_plain_search_finds(text: str) -> None:
    vault = {"Graph view settings.md": "[[Graph view]]"}
    options = MentionOptions(lowest_score=0.0)
    found = find_in(text, vault, options=options)
    targets = {"Graph view.md", "NASA report.md"}
    assert [item.words.lower() for item in found if item.target in targets]
    assert not any(item.certain for item in found if item.target in targets)


@each("name", ["Te", "2024", "2024-05-01", "Index", "next steps", "数学分析"])
def test_lowest_score_of_zero_returns_names_that_seldom_mean_a_note(name: str) -> None:
    (found,) = find_in(
        f"We saw {name} there.", {f"{name}.md": ""}, options=MentionOptions(lowest_score=0.0)
    )
    assert (found.words, found.score, found.certain) == (name, 0.0, False)


def test_name_with_a_dash_between_spaces_is_found() -> None:
    vault = {"Proof - Cauchy sums.md": ""}
    assert words_in("As in Proof - Cauchy sums.", vault) == ["Proof - Cauchy sums"]


def test_longest_name_wins() -> None:
    vault = {"Graph view settings.md": "", "view settings.md": ""}
    assert words_in("Open the graph view settings now.", vault) == ["graph view settings"]


def test_longest_name_wins_even_if_it_is_linked_already() -> None:
    vault = {"Graph view settings.md": ""}
    assert words_in("[[Graph view settings]]. The graph view settings.", vault) == []


NO_TARGETS = [
    ("the note itself", "Graph view.md", "The graph view shows dots."),
    ("linked before", "n.md", "[[Graph view|Dots]] and the graph view."),
    ("linked behind", "n.md", "The graph view and [[Graph view|dots]]."),
    ("linked in a property", "n.md", "---\nup: '[[Graph view]]'\n---\nThe graph view."),
    ("words of another link", "n.md", "See [graph view](https://example.org). The graph view."),
    ("a template", "{{date}}.md", "The graph view."),
    ("a board", "n.md", "---\nkanban-plugin: board\n---\n- graph view"),
    ("a drawing", "n.excalidraw.md", "The graph view."),
]


@each(("case", "path", "text"), NO_TARGETS)
def test_no_mention(case: str, path: str, text: str) -> None:
    assert words_in(text, path=path) == []


def test_link_in_authors_section_is_no_mention_in_the_text() -> None:
    text = "The graph view.\n\n## Backlinks\n\n- [[Graph view]]\n- [[people/ada]]\n"
    assert words_in(text) == ["graph view"]


def test_only_first_mention_counts() -> None:
    found = find_in("The graph view.\n\n## More\n\nThe graph view, the graph view.")
    assert [mention.line for mention in found] == [1]
    each = find_in(
        "The graph view.\n\n## More\n\nThe graph view, the graph view.",
        options=MentionOptions(each_section=True),
    )
    assert [mention.line for mention in each] == [1, 5]


def test_link_counts_for_its_section_on_request() -> None:
    text = "The graph view.\n\n## More\n\n[[Graph view]], a graph view."
    assert words_in(text) == []
    (found,) = find_in(text, options=MentionOptions(each_section=True))
    assert found.line == 1


IGNORED = [
    MentionOptions(ignored_names=frozenset({"GRAPH-VIEW"})),
    MentionOptions(ignored_notes=frozenset({"Graph view.md"})),
    MentionOptions(ignored_pairs=frozenset({("n.md", "Graph view.md")})),
]


@each("options", IGNORED)
def test_ignored_name_note_or_pair_is_not_found(options: MentionOptions) -> None:
    assert words_in("The graph view and Ada Lovelace.", options=options) == ["Ada Lovelace"]


def test_ignored_note_is_found_in_any_normal_form_and_case() -> None:
    path = unicodedata.normalize("NFD", "CAFÉ central.md")
    for options in (
        MentionOptions(ignored_notes=frozenset({path})),
        MentionOptions(ignored_pairs=frozenset({("N.md", path)})),
    ):
        assert words_in("The Café Central.", options=options) == []


def test_excluded_notes_neither_mention_nor_are_mentioned() -> None:
    files = {**TARGETS, "t/Deep work.md": "The graph view.", "n.md": "About deep work."}
    index = build_state(files).index
    finder = MentionFinder(index, MentionOptions(), files, lambda path: path.startswith("t/"))
    assert finder.find("n.md", files["n.md"]) == []
    assert finder.find("t/Deep work.md", files["t/Deep work.md"]) == []


def test_only_mentions_of_given_notes() -> None:
    files = {**TARGETS, "n.md": "The graph view and Ada Lovelace."}
    index = build_state(files).index
    finder = make_finder(index, files)
    for path, words in (("Graph view.md", ["graph view"]), ("NASA report.md", [])):
        found = finder.find("n.md", files["n.md"], frozenset({path}))
        assert [mention.words for mention in found] == words


def test_name_of_two_notes_is_listed_with_a_low_score() -> None:
    vault = {"a/Deep work.md": "", "b/Deep work.md": ""}
    assert words_in("About deep work.", vault) == []
    (found,) = find_in("About deep work.", vault, options=MentionOptions(lowest_score=0.1))
    assert (found.target, found.others) == ("a/Deep work.md", ("b/Deep work.md",))
    assert found.score < LOWEST_MIN_SCORE
    assert not found.certain
    (near,) = find_in("About deep work.", vault, path="b/n.md")
    assert near.target == "b/Deep work.md"
    assert not near.certain


def test_name_of_two_notes_means_the_one_that_links_lead_to() -> None:
    vault = {
        "a/Deep work.md": "",
        "b/Deep work.md": "",
        **{f"b/n{number}.md": "About [[b/Deep work|Deep work]]." for number in range(3)},
    }
    (found,) = find_in("About deep work.", vault)
    assert (found.target, found.others) == ("b/Deep work.md", ("a/Deep work.md",))
    assert found.certain


# -- what the author links and leaves plain ---------------------------------------------------------------------------


def count_words(linked: int, plain: int, word: str = "git", note: str = "git") -> dict[str, str]:
    """Return a vault in which notes link a word, and others have it without a link."""
    return {
        f"{note}.md": "About it.",
        **{f"linked{number}.md": f"We use [[{note}|{word}]] here." for number in range(linked)},
        **{f"plain{number}.md": f"We use {word} here." for number in range(plain)},
    }


HABITS = [
    ("linked by most", count_words(6, 3), "We use git today.", True),
    ("linked by two", count_words(2, 0), "We use git today.", False),
    ("left plain by most", count_words(6, 30), "We use git today.", False),
    ("linked in another case", count_words(6, 3, "Git"), "We use git today.", False),
    ("start of a sentence", count_words(6, 3, "Git"), "Git is used today.", True),
    ("abbreviation, linked", count_words(6, 3, "SSH", "SSH"), "We use SSH today.", True),
    ("abbreviation, plain", count_words(1, 12, "SSH", "SSH"), "We use SSH today.", False),
    ("phrase, plain", count_words(1, 12, "Deep Work", "Deep Work"), "By Deep Work now.", False),
    ("phrase, linked", count_words(6, 12, "Deep Work", "Deep Work"), "By Deep Work now.", True),
]
"""Vaults, a text, and whether the author wants the link."""


@each(("vault", "text", "certain"), [case[1:] for case in HABITS], ids=[case[0] for case in HABITS])
def test_links_of_the_author_decide(vault: Mapping[str, str], text: str, certain: bool) -> None:
    found = find_in(text, vault, options=MentionOptions(lowest_score=0.0))
    assert [item.certain for item in found] == [certain]


def test_single_word_for_a_list_of_links_is_not_certain() -> None:
    members = {f"m{number}.md": "A page." for number in range(10)}
    items = "".join(f"- [[m{number}]]\n" for number in range(10))
    for text, certain in (("A page.", True), (items, False)):
        vault = {**members, **count_words(6, 0, "Python", "Python"), "Python.md": text}
        (found,) = find_in("We write Python today.", vault)
        assert found.certain == certain


AMONG_LINKS = [
    ("- [[m1]]: a\n- Quiet zephyrs: b\n- [[m2]]: c\n", True),
    ("- m1: a\n- Quiet zephyrs: b\n- m2: c\n", False),
    ("See [[m1]], quiet zephyrs and [[m2]].", True),
    ("* [m1](m1.md) and more\n* Quiet zephyrs: b\n", True),
]


@each(("text", "certain"), AMONG_LINKS)
def test_name_in_the_place_of_a_link_is_certain(text: str, certain: bool) -> None:
    vault = {"p/Quiet zephyrs.md": "", "p/m1.md": "", "p/m2.md": ""}
    found = find_in(text, vault, path="p/n.md", options=MentionOptions(lowest_score=0.1))
    assert [item.certain for item in found] == [certain]


# -- scores -----------------------------------------------------------------------------------------------------------

CERTAIN = [
    ("We read about protein folding today.", {}),
    ("As Ada Lovelace wrote.", {}),
    (
        "We met Zotero there.",
        {"Zotero.md": "A tool.", "n2.md": "In [[Zotero]].", "n3.md": "By [[Zotero]]."},
    ),
    ("In New York we met.", {"New York.md": "A city."}),
]


@each(("text", "vault"), CERTAIN)
def test_certain_mention(text: str, vault: Mapping[str, str]) -> None:
    assert [mention.certain for mention in find_in(text, vault)] == [True]


PAGES = {f"p{number}.md": "A page of prose.\n" for number in range(9)}
UNCERTAIN = [
    ("longer name", "He reads the New York Times daily.", {"New York.md": ""}),
    ("name with a number", "We run Windows 11 here.", {"Windows.md": ""}),
    ("longer name before", "We saw the Google Analytics page.", {"Analytics.md": ""}),
    ("a person with the name", "We met Dr. Zotero there.", {"Zotero.md": ""}),
    (
        "a longer title",
        'In "Principles for the Changing Order" he wrote.',
        {"Changing order.md": ""},
    ),
    (
        "a longer title in italics",
        "In *Principles for the Changing Order* he wrote.",
        {"Changing order.md": ""},
    ),
    ("joined by of", "At the University of Oxford Town we met.", {"Oxford Town.md": ""}),
    ("one word in lower case", "We climbed a hill.", {"Hill.md": ""}),
    ("one word at the start of a sentence", "Hill is a word.", {"Hill.md": ""}),
    ("a title in lower case", "We talk about atomic habits.", {"Atomic Habits.md": ""}),
    ("capitals of a label", "Page Border\n", {"Border.md": ""}),
    ("a common word in a label", "Page Border\n", {"Border.md": "", **PAGES}),
    ("all words capitalized", "The Large Blue Border Was Drawn Here.", {"Border.md": ""}),
]


@each(("case", "text", "vault"), UNCERTAIN)
def test_no_certain_mention(case: str, text: str, vault: Mapping[str, str]) -> None:
    assert [mention.words for mention in find_in(text, vault) if mention.certain] == []


LISTED = {f"n{number}.md": "Tags:\n- [[New York]]\n" for number in range(3)}
SENTENCES = {f"n{number}.md": "I saw [[New York]].\n" for number in range(3)}


@each(
    ("vault", "certain"),
    [
        ({"New York.md": "", **LISTED}, False),  # a tag page
        ({"New York.md": "- [[Cities]]\n", **LISTED}, False),
        ({"New York.md": "A city.", **LISTED}, True),
        ({"New York.md": "", **SENTENCES}, True),
        ({"New York.md": ""}, True),
    ],
)
def test_note_without_text_that_only_lists_link_to(vault: Mapping[str, str], certain: bool) -> None:
    (found,) = find_in("In New York we met.", vault)
    assert found.certain is certain


@each(
    ("others", "certain"),
    [
        ({}, False),
        ({"notes/a.md": "As [[docs/b]].", "docs/b.md": "b"}, True),
        ({"docs/b.md": "As [[notes/a]].", "notes/a.md": "a"}, True),
        ({"notes/a.md": "As [[work/b]].", "work/b.md": "b"}, False),
    ],
)
def test_short_name_in_a_folder_that_no_link_connects(
    others: Mapping[str, str], certain: bool
) -> None:
    vault = {"docs/Graph Layout.md": "A page.", "docs/c.md": "In [[Graph Layout]].", **others}
    (found,) = find_in("See the Graph Layout here.", vault, path="notes/n.md")
    assert ("no link connects the folders" not in found.why) is certain


TITLE_LINES = [
    ("We met Zotero at Large Gates.", True),
    ("We met Zotero at Large gates.", False),
    ("We met Zotero at Gates.", False),
    ("We met Zotero at Large Gates near Every fence.", True),
    ("We met Zotero at Large Gates near every fence.", False),
    ("We met Zotero by Big Red Oak large fence.", False),
    ("We Like the Zotero at Gates.", True),
    ("Writers met Zotero at Large gates.", False),
    ("Large Gates. We met Zotero there. Large Gates.", False),
]
"""Sentences, and whether most of their long words but the first have capitals, as in titles."""


@each(("text", "is_title"), TITLE_LINES)
def test_capitals_of_a_title_say_nothing_about_a_word(text: str, is_title: bool) -> None:
    vault = {"Zotero.md": "A tool.", "n2.md": "In [[Zotero]]."}
    assert words_in(text, vault) == ([] if is_title else ["Zotero"])


@each(
    ("text", "is_first"),
    [
        ("a Zotero helps.", False),
        ("We met Zotero there.", False),
        ("Zotero helps.", True),
        ("- Zotero helps.", True),
        ("It: Zotero helps.", True),
    ],
)
def test_capital_counts_unless_it_starts_a_sentence(text: str, is_first: bool) -> None:
    vault = {"Zotero.md": "A tool.", "n2.md": "In [[Zotero]]."}
    reasons = [mention.why for mention in find_in(text, vault)]
    assert reasons == ([] if is_first else ["capitalized, in the same folder, linked elsewhere"])


@each(("name", "certain"), [("quiet zephyrs", False), ("quiet zephyrs blow", True)])
def test_short_name_in_quotes_is_not_certain(name: str, certain: bool) -> None:
    (found,) = find_in(f"We say “{name}” often.", {f"{name}.md": ""})
    assert found.certain == certain


def test_score_grows_with_up_to_five_words() -> None:
    words = ["able", "bird", "cold", "door", "east", "fire"]
    common = {f"x{number}.md": " ".join(words) for number in range(40)}
    scores = []
    for count in range(2, 7):
        name = " ".join(words[:count])
        (found,) = find_in(f"We saw {name}.", {**common, f"x/{name}.md": ""})
        scores.append(found.score)
    assert scores == [0.52, 0.55, 0.57, 0.6, 0.6]


NAMED = "quiet zephyrs.md"
DISTANCES: Mapping[str, tuple[str, str, Mapping[str, str], float, str]] = {
    "same folder": ("p/n.md", "", {f"p/{NAMED}": ""}, 0.9, "in the same folder"),
    "other folder": (
        "p/n.md",
        "",
        {f"q/{NAMED}": ""},
        0.65,
        "in another folder, no link connects the folders",
    ),
    "folder below": ("p/n.md", "", {f"p/q/{NAMED}": ""}, 0.78, "known in this folder"),
    "folder above": ("p/q/n.md", "", {f"p/{NAMED}": ""}, 0.78, "known in this folder"),
    "two links": (
        "p/n.md",
        "[[m]]",
        {f"p/{NAMED}": "", "p/m.md": "Of [[quiet zephyrs]]."},
        0.99,
        "two links away, linked elsewhere",
    ),
    "two links, other folder": (
        "p/n.md",
        "[[m]]",
        {f"q/{NAMED}": "", "q/m.md": "Of [[quiet zephyrs]]."},
        0.72,
        "two links away, but in another folder",
    ),
    "a link back": ("p/n.md", "", {f"p/{NAMED}": "[[n]]"}, 0.91, "two links away"),
    "two links to the same notes": (
        "p/n.md",
        "[[x]] [[y]]",
        {f"p/{NAMED}": "[[x]] [[y]]", "x.md": "", "y.md": ""},
        0.91,
        "two links away",
    ),
    "one link to the same note": (
        "p/n.md",
        "[[x]] [[y]]",
        {f"p/{NAMED}": "[[x]]", "x.md": "", "y.md": ""},
        0.9,
        "in the same folder",
    ),
    "folder with most notes": (
        "p/n.md",
        "",
        {f"p/{NAMED}": "", **{f"p/o{number}.md": "" for number in range(20)}},
        0.83,
        "in the same folder",
    ),
    "note in the root": ("n.md", "", {f"q/{NAMED}": ""}, 0.72, ""),
    "note in the root, linked": (
        "n.md",
        "",
        {f"q/{NAMED}": "[[n]]"},
        0.72,
        "two links away, but in another folder",
    ),
}
"""The path of a note, its links, other notes, and the score and its reason of a name of two words."""


@each(("path", "links", "vault", "score", "why"), DISTANCES.values(), ids=DISTANCES)
def test_near_notes_have_higher_scores(
    path: str, links: str, vault: Mapping[str, str], score: float, why: str
) -> None:
    (found,) = find_in(f"We saw quiet zephyrs there. {links}", vault, path=path)
    assert (found.score, found.why) == (score, ", ".join(filter(None, ["2 words", why])))


SAID = {
    "nothing": ("", False),
    "headings and tags": ("# Zephyrs\n\n#wind #west\n\n## What they are\n", False),
    "labels without values": ("Status:\n**Source**:\n\nTags: #wind\n", False),
    "a comment": ("%% Write about the wind from the west. %%\n", False),
    "a query": ("```dataview\nLIST FROM #wind WHERE day > 3\n```\n", False),
    "names in properties": ("---\ntitle: A wind from the west\nid: wind west 1\n---\n", False),
    "a time": ("---\ncreated: 2024-01-01 10:00\n---\n", False),
    "an external link": ("[Official site](https://example.org/wind)\n", True),
    "two links": ("[[A wind from the west]] [[A wind from the east]]\n", False),
    "a sentence": ("A wind from the west.\n", True),
    "a Chinese sentence": ("西边的风。\n", True),
    "code": ("```sh\nblow --from west\n```\n", True),
    "three links": ("[[West]] [[East]] [[South]]\n", True),
    "an image": ("![[wind.png]]\n", True),
    "facts in properties": ("---\nseen: in the west, each May\n---\n", True),
    "an address": ("---\nurl: https://example.org/wind\n---\n", True),
}


@each("name", SAID)
def test_notes_that_say_nothing_are_not_linked(name: str) -> None:
    text, is_certain = SAID[name]
    files = {**FILLER, NAMED: text, "n.md": "We saw quiet zephyrs there."}
    index = build_state(files).index
    sample = {path: files[path] for path in sample_paths(index)}
    finder = MentionFinder(index, MentionOptions(), sample, read=files.get)
    (found,) = finder.find("n.md", files["n.md"])
    assert found.certain == is_certain
    assert ("no text" in found.why) != is_certain


@each("list_of", ["target", "note", "note between"])
@each(("count", "why"), [(60, "two links away"), (61, "in the same folder")])
def test_long_list_of_links_brings_no_notes_near(list_of: str, count: int, why: str) -> None:
    others = {f"p/o{number}.md": "" for number in range(count - 2)}
    many = " ".join(f"[[o{number}]]" for number in range(count - 2))
    shared = "[[o0]] [[o1]]"
    texts = {  # of the note, a note between, and the target
        "target": (shared, "", f"[[m]] [[k]] {many}"),
        "note": (f"[[m]] [[k]] {many}", f"[[{NAMED[:-3]}]]", ""),
        "note between": ("[[m]]", f"[[{NAMED[:-3]}]] [[k]] {many}", ""),
    }
    own, between, target = texts[list_of]
    vault = {**others, "p/m.md": between, "p/k.md": "", f"p/{NAMED}": target}
    (found,) = find_in(f"We saw quiet zephyrs there. {own}", vault, path="p/n.md")
    assert why in found.why.split(", ")


@each("word", ["Ετικέτες", "Straße"])
@each("count", [5, 7])
def test_word_that_folding_changes_has_a_score(word: str, count: int) -> None:
    """More notes have it in lower case than have the folded word."""
    vault = {
        f"{word}.md": "A long text about it.\n",
        **{f"linking {number}.md": f"We see [[{word}]] there.\n" for number in range(2)},
        **{f"plain {number}.md": f"We see {word.lower()} there.\n" for number in range(count)},
    }
    assert words_in(f"We see {word} there.\n", vault, path="plain 0.md") == [word]


def test_common_word_of_the_vault_is_never_certain() -> None:
    others = {f"x/{number}.md": "We did a search for it." for number in range(60)}
    assert words_in("We used Search and more.", {**others, "Search.md": "Finds notes."}) == []


def test_reasons_are_one_plain_line() -> None:
    (found,) = find_in("As Ada Lovelace wrote.")
    assert found.why == "2 words, rare here, capitalized as in the name" or "2 words" in found.why
    assert "\n" not in found.why
    assert found.name.kind is NameKind.ALIAS


def test_nearer_note_scores_higher() -> None:
    far = find_in("About protein folding.")[0].score
    folder = find_in("About protein folding.", path="slugs/n.md")[0].score
    links = find_in(
        "About protein folding. [[hub]]", {"hub.md": "Of [[slugs/protein_folding]]."}, path="n.md"
    )[0].score
    assert far < folder < links


def test_sentence_and_place() -> None:
    text = "First one. - no.\n- Then the graph view opens. And more.\n"
    (found,) = find_in(text)
    assert text[found.sentence_start : found.sentence_end] == "Then the graph view opens."
    assert (found.line, found.column) == (2, 12)


def test_sentence_of_a_very_long_line_is_a_part_of_it() -> None:
    text = f"{'word ' * 2000}the graph view {'word ' * 2000}\n"
    (found,) = find_in(text)
    assert found.start - found.sentence_start <= 2000
    assert found.sentence_end - found.end <= 2000
    assert "\n" not in text[found.sentence_start : found.sentence_end]


def test_sample_is_a_small_part_of_a_large_vault() -> None:
    index = build_state({f"{number}.md": "" for number in range(1200)}).index
    assert len(sample_paths(index)) == 400 <= SAMPLE_SIZE


# -- folding ----------------------------------------------------------------------------------------------------------

LETTERS = some.text(
    some.sampled_from("aBzßẞİıﬁﬃ-_ ’éÉ\u0301\u0308\u0327ῼΣςﾊ가\u1100\u1161\u11a8אДⅣ\n—")
    | some.characters(),
    max_size=30,
)


@given(LETTERS)
def test_folding_does_not_depend_on_normal_form(text: str) -> None:
    # The mark U+0345 becomes a letter when it is folded, so its order among marks matters.
    text = text.replace("\u0345", "")
    forms = {FoldedText(unicodedata.normalize(form, text)).text for form in ("NFC", "NFD")}
    assert len(forms) == 1


@given(LETTERS, LETTERS, LETTERS)
def test_offsets_of_a_folded_part_are_exact(before: str, part: str, behind: str) -> None:
    text = f"{before} {part} {behind}"
    start, end = len(before) + 1, len(before) + 1 + len(part)
    folded = FoldedText(text)
    sources = [folded.source_offset(at) for at in range(len(folded.text) + 1)]
    assert [at for at in sources if at is not None] == sorted(
        {at for at in sources if at is not None}
    )
    assert sources[0] == 0
    assert sources[-1] == len(text)
    if start in sources and end in sources:
        first, last = sources.index(start), sources.index(end)
        assert folded.text[first:last] == FoldedText(text[start:end]).text


def test_names_are_equal_in_any_case_and_form() -> None:
    for one, other in (
        ("Straße", "STRASSE"),
        ("Cafe\u0301", "CAFÉ"),
        ("file-name", "File_Name"),
        ("\ufb01le", "FILE"),
        ("O’Neil", "o'neil"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("한국어", unicodedata.normalize("NFD", "한국어")),
    ):
        assert fold_name(one) == fold_name(other)


# -- the library and the plain search ---------------------------------------------------------------------------------

NAMES = ["graph view", "view", "at&t", "über uns", "graph view settings", "c++ code"]


@given(
    some.lists(some.sampled_from([*NAMES, " ", ",", "x", "graph", "ü", "-", "\ud800"]), max_size=12)
)
def test_library_and_plain_search_find_the_same(parts: list[str]) -> None:
    pytest.importorskip("ahocorasick_rs")
    text = FoldedText("".join(parts)).text
    fast, plain = Matcher(NAMES, {}), Matcher(NAMES, {}, plain=True)
    assert fast.is_fast
    assert not plain.is_fast
    assert sorted(fast.find(text)) == sorted(plain.find(text))


# -- the links --------------------------------------------------------------------------------------------------------

WRITTEN = [
    ("Graph view", "The Graph view is.", {}, "The [[Graph view]] is."),
    ("other case", "The graph view is.", {}, "The [[Graph view|graph view]] is."),
    ("slug", "About protein folding.", {}, "About [[protein_folding|protein folding]]."),
    ("alias", "As Ada Lovelace wrote.", {}, "As [[ada|Ada Lovelace]] wrote."),
    (
        "table",
        "| a | b |\n|---|---|\n| the graph view | x |",
        {},
        "| a | b |\n|---|---|\n| the [[Graph view\\|graph view]] | x |",
    ),
    (
        "spaces around pipes",
        "[[n | me]] and the graph view.",
        {},
        "[[n | me]] and the [[Graph view | graph view]].",
    ),
    (
        "Markdown links",
        "The graph view is.",
        {"use_markdown_links": True},
        "The [graph view](Graph%20view.md) is.",
    ),
    (
        "paths from the root",
        "As Ada Lovelace wrote.",
        {"new_link_format": "absolute"},
        "As [[people/ada|Ada Lovelace]] wrote.",
    ),
    ("possessive", "The graph view's dots.", {}, "The [[Graph view|graph view]]'s dots."),
]


@each("before", [[], ["l.md"]])
def test_pipes_are_written_as_in_the_only_other_note_that_has_some(before: list[str]) -> None:
    files = {**TARGETS, "m.md": "[[n | me]]\n", "n.md": "The graph view.\n"}
    files |= dict.fromkeys(before, "Words.\n")
    index = build_state(files).index
    mentions = make_finder(index, files).find("n.md", files["n.md"])
    edits = LinkWriter(index, ObsidianSettings()).link(mentions, files["n.md"])
    assert apply_edits(files["n.md"], edits) == "The [[Graph view | graph view]].\n"


@each(("case", "text", "settings", "expected"), WRITTEN)
def test_link_is_written_in_the_style_of_the_vault(
    case: str, text: str, settings: Mapping[str, object], expected: str
) -> None:
    files = {**TARGETS, "n.md": text}
    index = build_state(files).index
    mentions = make_finder(index, files).find("n.md", text)
    obsidian = ObsidianSettings(**settings)  # type: ignore[arg-type]
    edits = LinkWriter(index, obsidian).link(mentions, text)
    assert apply_edits(text, edits) == expected


def test_no_edit_if_the_link_would_not_be_read_back() -> None:
    files = {**TARGETS, "n.md": "`graph view`"}
    index = build_state(files).index
    (mention,) = find_in("the graph view")
    for text in ("`1` graph view", "code `graph view`", "other text"):
        start = max(0, text.find("graph view"))
        moved = replace(mention, path="n.md", start=start, end=start + len("graph view"))
        edits = LinkWriter(index, ObsidianSettings()).link([moved], text)
        assert bool(edits) == (text == "`1` graph view")


def test_no_edit_without_a_resolvable_name() -> None:
    files = {"a#b graph view.md": "", "n.md": "x"}
    assert words_in("The a#b graph view.", files, path="m.md") in ([], ["a#b graph view"])


def test_no_edit_for_a_file_name_that_starts_with_a_space() -> None:
    text = "The padded graph name."
    files = {" padded graph name.md": "", "n.md": text}
    index = build_state(files).index
    mentions = make_finder(index, files).find("n.md", text)
    assert mentions
    assert LinkWriter(index, ObsidianSettings()).link(mentions, text) == ()


def test_link_to_a_note_with_a_shared_file_name_has_the_full_path() -> None:
    text = "About soil chemistry."
    topic = "---\ntitle: Soil chemistry\n---\n"
    files = {"soil/basics.md": topic, "air/basics.md": "", "soil/n.md": text}
    index = build_state(files).index
    mentions = make_finder(index, files).find("soil/n.md", text)
    (edit,) = LinkWriter(index, ObsidianSettings()).link(mentions, text)
    assert edit.text == "[[soil/basics|soil chemistry]]"


# -- properties -------------------------------------------------------------------------------------------------------

PIECES = [
    *(
        "graph view",
        "Graph view",
        "Ada Lovelace",
        "protein folding",
        "Cafe\u0301 Central",
        "Strasse Berlin",
    ),
    *(
        "[[",
        "]]",
        "[",
        "](x)",
        "|",
        "`",
        "```",
        "$",
        "$$",
        "%%",
        "<!--",
        "-->",
        "<b>",
        "</b>",
        "<kbd>",
    ),
    *(
        "\n",
        "\n\n",
        "# ",
        "- ",
        "> ",
        "    ",
        "|---|",
        "| ",
        "#tag",
        "^id",
        "*",
        "_",
        "==",
        "{{",
        "}}",
    ),
    *(
        " ",
        ". ",
        ", ",
        "word",
        "é",
        "ß",
        "\\",
        "https://x.org/",
        "key:: ",
        "## Backlinks\n",
        "[^1]",
        ": ",
        "---\n",
    ),
]
TEXTS = some.lists(some.sampled_from(PIECES), max_size=25).map(" ".join) | some.lists(
    some.sampled_from(PIECES), max_size=25
).map("".join)
_INDEX = build_state({**TARGETS, **FILLER}).index
_FILES = {**TARGETS, **FILLER}
_SAMPLE = {path: _FILES[path] for path in sample_paths(_INDEX)}


def _search(text: str, options: MentionOptions) -> tuple[Index, Note, list[Mention]]:
    index = build_state({**_FILES, "n.md": text}).index
    finder = MentionFinder(index, options, _SAMPLE, plain=True)
    return index, index.notes["n.md"], finder.find("n.md", text)


@given(TEXTS, some.booleans(), some.booleans())
def test_flattened_text_is_what_it_was(text: str, markdown: bool, headings: bool) -> None:
    index, note, mentions = _search(text, MentionOptions(lowest_score=0.1, headings=headings))
    obsidian = ObsidianSettings(use_markdown_links=markdown)
    edits = LinkWriter(index, obsidian).link(mentions, text)
    changed = apply_edits(text, edits)
    after = parse_note("n.md", changed)
    old = [link.raw for link in note.links]
    assert len(after.links) == len(old) + len(edits)
    by_start = {edit.start: edit for edit in edits}
    words = {mention.start: mention.words for mention in mentions}
    parts, at = [], 0
    for edit in sorted(by_start.values(), key=lambda item: item.start):
        parts += [text[at : edit.start], words[edit.start]]
        at = edit.end
    assert "".join([*parts, text[at:]]) == text


@given(TEXTS, some.booleans())
def test_mentions_are_never_inside_hidden_text(text: str, headings: bool) -> None:
    _, note, mentions = _search(text, MentionOptions(lowest_score=0.1, headings=headings))
    for mention in mentions:
        assert text[mention.start : mention.end] == mention.words
        assert fold_name(mention.words) == fold_name(mention.name.text)
        assert not any(link.start < mention.end and mention.start < link.end for link in note.links)
        assert not any(tag.start < mention.end and mention.start < tag.end for tag in note.tags)
        assert not any(item.start <= mention.start < item.end for item in note.sections)
        assert mention.sentence_start <= mention.start < mention.end <= mention.sentence_end
        # What can be written there is read as a link, so it is not hidden.
        probe = text[: mention.start] + "[[ada]]" + text[mention.end :]
        after = parse_note("n.md", probe)
        added = [link for link in after.links if link.start == mention.start]
        if "|" not in text:
            assert len(added) == 1, mention
            assert not added[0].in_comment


ROWS = [
    ("Some text\n| a | b |\n| graph view | x |\n", ""),
    ("> text\n> | the graph view | x |\n", ""),
    ("Some text\n| a | b |\n| Graph view | x |\n", "[[Graph view]]"),
    ("Some text\n\n| a | b |\n|---|---|\n| graph view | x |\n", "[[Graph view\\|graph view]]"),
    ("Some text | with a graph view\n", "[[Graph view|graph view]]"),
]
"""Texts, and the link that is written; "" for none, because a bare pipe would begin another cell."""


@each(("text", "link"), ROWS)
def test_link_with_a_bare_pipe_is_not_written_in_what_looks_like_a_row(
    text: str, link: str
) -> None:
    files = {**TARGETS, "n.md": text}
    index = build_state(files).index
    mentions = make_finder(index, files).find("n.md", text)
    assert [item.target for item in mentions] == ["Graph view.md"]
    edits = LinkWriter(index, ObsidianSettings()).link(mentions, text)
    assert [edit.text for edit in edits] == ([link] if link else [])


# -- names that contain each other -----------------------------------------------------------------


NESTED = [" ".join(["a"] * count) for count in range(1, 61)]


@pytest.mark.thorough
@each("plain", [False, True], ids=["library", "plain"])
def test_nested_names_take_little_memory(plain: bool) -> None:
    """Of 60 names that contain each other, each is at 3,000 places: three parts of a text have them."""
    matcher = Matcher(NESTED, {}, plain=plain)
    text = "a " * 3_000
    tracemalloc.start()
    count = sum(1 for _ in matcher.find(text))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == sum(3_000 - number for number in range(60))
    assert peak < 20_000_000  # of all places, it is 36 MB


@each("plain", [False, True], ids=["library", "plain"])
@each("length", [1, 2, 7, 1_000])
def test_text_is_searched_in_parts(
    plain: bool, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The places are the same as in the whole text, by start, the longest first."""
    dice = Random(1)
    matcher = Matcher([*NESTED[:5], "ab", "a b", "b-a", "é a", "猫", "猫a"], {}, plain=plain)
    for _ in range(100):
        text = "".join(dice.choices("aab  é猫-", k=dice.randrange(40)))
        monkeypatch.setattr("vaultlink.mentions.matcher._PART_LENGTH", 10_000)
        whole = list(matcher.find(text))
        monkeypatch.setattr("vaultlink.mentions.matcher._PART_LENGTH", length)
        assert list(matcher.find(text)) == whole
        assert whole == sorted(whole, key=lambda match: (match[0], -match[1]))
