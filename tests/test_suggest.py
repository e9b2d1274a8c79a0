"""Tests of suggestions for dangling targets: target, reason and score."""

import random
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import Event, VaultFiles, apply_events, build_state, event_scripts, make_settings
from tables import each
from vaultlink.engine.step import Change, Presence, State, step
from vaultlink.index import suggest
from vaultlink.index.index import FilesByPath, defined_spellings, link_name
from vaultlink.index.near_names import (
    NearKeys,
    TargetUse,
    _is_plain,
    build_near_keys,
    is_near,
)
from vaultlink.index.resolve import file_name, normalize_name
from vaultlink.index.suggest import (
    KeptSuggestions,
    Suggester,
    drop_own_names,
    list_names_by_path,
    list_unresolved,
)
from vaultlink.index.vocabulary import TargetFinder
from vaultlink.index.words import split_name
from vaultlink.model import Diagnostic, Severity, Suggestion

VAULT: VaultFiles = {
    "people/Ann Lee.md": "---\naliases: [Annie, A. Lee]\n---\n",
    "wiki/role_of_memory.md": "---\ntitle: Role of memory in learning\n---\n",
    "wiki/the_fall_of_the_roman_empire.md": "",
    "wiki/the_rise_of_rome.md": "",
    "Plan.md": "",
    "Daily/2024-01-30.md": "",
    "Café au lait.md": "",
    "img/city map.png": "",
    "a/Same.md": "",
    "b/Same.md": "",
    "会议记录.md": "",
    "wiki/samsung_s24_features.md": "",
}
SUGGEST = Suggester(build_state(VAULT).index)


@each(
    ("target", "path", "reason", "score"),
    [
        ("Role of memory in learning", "wiki/role_of_memory.md", "title", 1.0),
        ("role-of-memory in Learning", "wiki/role_of_memory.md", "title", 0.93),
        ("annie", "people/Ann Lee.md", "alias", 1.0),
        ("A Lee", "people/Ann Lee.md", "alias", 0.93),
        ("ann-lee", "people/Ann Lee.md", "respelling", 0.95),
        ("Cafe au Lait", "Café au lait.md", "respelling", 0.95),
        ("old/Plan", "Plan.md", "folder", 0.95),
        ("old/a/Same", "a/Same.md", "folder", 0.95),
        ("old/Ann Lee/Plan", "Plan.md", "folder", 0.95),  # a folder with the name of a note
        ("city_map.png", "img/city map.png", "respelling", 0.95),
    ],
)
def test_spelling_variant_is_suggested(target: str, path: str, reason: str, score: float) -> None:
    first, *rest = SUGGEST(target)
    assert (first.path, first.reason, first.score) == (path, reason, score)
    assert not rest


@each(
    ("target", "path"),
    [
        ("fall_of_the_roman_empire", "wiki/the_fall_of_the_roman_empire.md"),
        ("the fall of the Romen empire", "wiki/the_fall_of_the_roman_empire.md"),
        ("Paln", "Plan.md"),
        ("role of memories in learning", "wiki/role_of_memory.md"),
        ("samsung_s24_feature", "wiki/samsung_s24_features.md"),
        ("📚 samsung s24 features", "wiki/samsung_s24_features.md"),
        ("Lee, Ann", "people/Ann Lee.md"),
    ],
)
def test_similar_name_is_suggested(target: str, path: str) -> None:
    first = SUGGEST(target)[0]
    assert (first.path, first.reason) == (path, "near")
    assert 0.66 <= first.score < 0.93


@each(
    "target",
    [
        "the_role_of_sleep",  # shares only words that say little
        "2024-01-31",  # another day
        "Daily/2024-01-29",
        "samsung_s25_features",  # another model
        "quantum chromodynamics",
        "Clam",
        "Pan-",
        "会议记彔",  # another character is another word
        "Plans",  # too short for a plural
        "Plam",  # another letter is another word
        "Plan.png",  # an attachment for a note
        "city map",  # a note for an attachment
        "Ann Lee/Plan",  # two names
        "x/Same",  # two files, and no folder tells them apart
        "role of memory in yearning",
        "the rise of rope",
        "",
        "?",
        "-",
        "x",
        "#",
        "[",
        "\x00",
        "🙂",
    ],
)
def test_no_suggestion_without_a_similar_name(target: str) -> None:
    assert SUGGEST(target) == ()


def test_resolved_target_has_no_suggestion() -> None:
    assert SUGGEST("Plan") == ()
    assert SUGGEST("Same") == ()


def test_suggestions_are_sorted_by_score_and_limited() -> None:
    vault = {"a.md": "---\naliases: [Same name]\n---\n", "b.md": "---\naliases: [Same name]\n---\n"}
    suggest_same = Suggester(build_state(vault).index)
    found = suggest_same("Same name")
    assert [item.path for item in found] == ["a.md", "b.md"]
    assert suggest_same("Same name", 1) == found[:1]
    assert SUGGEST("Paln") is SUGGEST("Paln"), "near names are remembered"


@each(
    ("name", "target"),
    [
        ("injection", "bijection"),
        ("convergence", "divergence"),
        ("disequazioni", "equazioni"),
        ("RStudio", "our studio"),
        ("Haskell", "Haskell *"),
        ("2024-01-02 Meeting notes", "2024-01-03 Meeting notes"),
        ("Desert", "Dessert"),
        ("NAT", "DNAT"),
        ("Library", "zlibrary"),
        ("肩部肌肉训练", "背部肌肉训练"),
        ("Export of goods", "Import of goods"),
        ("GraphQL", "graphiql"),
        ("@Stateless", "Stateless"),
        ("Backup Strategy", "3-2-1 Backup Strategy"),
        ("CVE", "CWE/CVE"),
        ("2025-06-03 Matt Diggity", "Matt Diggity"),
        ("20250603 Matt Diggity", "Matt Diggity"),
        ("25.06.03 Matt Diggity", "Matt Diggity"),
        ("2025 Yearly Goals", "Yearly Goals"),
        ("Yearly Goals", "2025 Yearly Goals"),
        ("Nhà Tấn", "Nhà Tân"),
        ("Triều đại Nhà Tấn", "Triều đại Nhà Tân"),
        ("Cá Mập Trắng", "Cà Mập Trắng"),
        ("Crème Brûlée", "Crême Brûlée"),
        ("Duran Live", "Duran Duran Live"),
        ("Combat", "Combat Rules"),
        ("Reciprocal Rank", "Reciprocal Rank (Wrong)"),
        ("Notes", "Notes (RRF)"),
        ("one two three", "one two three four"),
        ("one two three four", "one two three"),  # too few words
        ("one two three four five six seven", "one two three four five six seven eight"),
        ("how not to write a plan", "how to write a plan"),
        ("one two three four 2024", "one two three four"),
        ("from JSON to XML in Python", "from XML to JSON in Python"),
        ("alpha beta gamma", "gamma beta alpha"),  # as long as many lists of three
        ("Ann - Plan of the year", "Ann"),
        ("Plan of the year (2)", "Plan"),
        ("Plan: a book", "Goal"),
        ("Ann Miller: a plan of the year", "Ann Miller"),
        ("Plan of work – part of the series", "Plan of work"),
    ],
)
def test_other_topic_is_not_suggested(name: str, target: str) -> None:
    assert Suggester(build_state({f"{name}.md": "", "CWE.md": ""}).index)(target) == ()


@each(
    ("name", "target"),
    [
        ("Zettelkasten", "Zettlekasten"),
        ("Zettelkasten", "Zetelkasten"),
        ("halting problem", "holting problem"),
        ("comic expedition", "cumic expedition"),
        ("Equazione", "Equazioni"),
        ("Kategorie", "Kategorien"),
        ("02 Introduction", "01 Introduction"),
        ("刻意练习", "📚刻意练习"),
        ("Peter Pan", "P\u0435ter Pan"),
        ("The Gulf of Miriel", "Gulf of Miriel"),
        ("202104051200 Evergreen notes", "Evergreen notes"),
        ("12.03 Evergreen notes", "Evergreen notes"),
        ("2. Evergreen notes", "1. Evergreen notes"),
        ("solar tiles versus solar panels", "solar tiles versus solar solar panels"),
        ("AI and its future prospects", "ai_and_future_prospects"),
        ("AI and their future prospects", "AI and its future prospects"),
        ("Reciprocal Rank Fusion", "Reciprocal Rank Fusion (RRF)"),
        ("Machine learning", "Machine Learning (ML)"),
        ("one two three four tool five", "one two three four five"),
        ("the plan for a long year", "the plan for a year"),
        ("one two three four five six seven eight", "one two odd three four five six seven eight"),
        ("Ricorsivamente enumerabili e Ricorsivi", "Ricorsivi e Ricorsivamente enumerabili"),
        ("The other mind: a summary of the book", "The other mind"),
        ("The long way home (second edition)", "The long way home"),
        ("The way of a teacher – part of the series", "The way of a teacher"),
    ],
)
def test_slip_is_suggested(name: str, target: str) -> None:
    vault = {f"{name}.md": "", "Home.md": f"[[{target}]]"}
    [found] = Suggester(build_state(vault).index)(target)
    assert (found.path, found.reason) == (f"{name}.md", "near")


@each(
    ("target", "alias"),
    [
        ("index.md", "Index"),
        ("Thận", "Thần"),
        ("Than", "Thần"),
        ("Cá Mập", "Cà Mập"),
        ("2024-05-18", "2024-05-18"),
    ],
)
def test_other_word_is_no_alias(target: str, alias: str) -> None:
    index = build_state({"God.md": f"---\naliases: [{alias}]\n---\n"}).index
    assert Suggester(index)(target) == ()


@each(
    ("target", "name"),
    [
        ("Nha Tan Han", "Nhà Tân Hán"),
        ("Creme Brulee", "Crème Brûlée"),
        ("Crème Brûlée", "Creme Brulee"),
        ("Чёрный хлеб", "Черный хлеб"),
        ("Cre\u0300me-Brûlée", "Crème Brûlée"),
    ],
)
def test_name_without_accents_is_a_respelling(target: str, name: str) -> None:
    [found] = Suggester(build_state({f"{name}.md": ""}).index)(target)
    assert (found.path, found.reason) == (f"{name}.md", "respelling")


@each(
    ("target", "files", "path"),
    [
        ("features/", ["a/features/index.md"], "a/features/index.md"),
        ("./features/", ["a/features/README.md", "a/features/x.md"], "a/features/README.md"),
        ("../b/features/", ["b/features/features.md"], "b/features/features.md"),
        ("/docs/Blocks/", ["training/docs/blocks/_index.md"], "training/docs/blocks/_index.md"),
        ("features/", ["a/features/index.md", "a/features/features.md"], "a/features/index.md"),
        ("features/", ["a/features/index.md", "b/features/README.md"], None),
        ("b/features/", ["a/features/index.md"], None),
        ("/features/", ["a/features/index.md"], None),
        ("features/", ["a/features/one.md"], None),
        ("tags/", ["a/tags/index.md"], None),
        ("scan-tracker", ["a/scan-tracker/README.md"], "a/scan-tracker/README.md"),
        ("Scan tracker", ["a/scan-tracker/SKILL.md"], "a/scan-tracker/SKILL.md"),
        ("scan-tracker", ["a/scan-tracker/README.md", "b/scan-tracker/index.md"], None),
        ("scan-tracker", ["a/scan-tracker/notes.md"], None),
        ("notes", ["a/notes/README.md"], None),
        ("./", ["index.md"], None),
        ("/", ["index.md"], None),
    ],
)
def test_folder_means_the_note_about_it(target: str, files: list[str], path: str | None) -> None:
    found = Suggester(build_state(dict.fromkeys(files, "")).index)(target)
    assert [(item.path, item.reason) for item in found] == ([(path, "folder")] if path else [])


@each(
    ("target", "title", "is_slug"),
    [
        ("ann-s-day-at-sea", "Ann's Day at Sea", True),
        ("release-1-5-notes", "Release 1.5 notes", True),
        ("release_1_5_notes", "Release 1.5: notes!", True),
        ("release-15-notes", "Release 1.5 notes", False),
        ("Ann s Day", "Ann's Day", False),
    ],
)
def test_slug_means_the_note_with_the_title(target: str, title: str, is_slug: bool) -> None:
    index = build_state({"x.md": f'---\ntitle: "{title}"\n---\n'}).index
    assert [item.reason for item in Suggester(index)(target)] == ["title"] * is_slug


@each(
    "elsewhere",
    [
        {"Other.md": "[[Zettlekasten]]"},
        {"Other.md": "# On Zettlekasten\n"},
        {"Zettlekasten by hand.md": ""},
        {"Other.md": "[[Zettlekasten and more]]"},
    ],
)
def test_word_used_elsewhere_is_no_slip(elsewhere: VaultFiles) -> None:
    vault = {"Zettelkasten.md": "", "Home.md": "[[Zettlekasten]]", **elsewhere}
    assert Suggester(build_state(vault).index)("Zettlekasten") == ()


def test_parts_of_a_word_with_an_apostrophe_are_other_words() -> None:
    vault = {"Oconnell diary.md": "", "O'Connel house.md": "", "Home.md": "[[Oconnel diary]]"}
    suggester = Suggester(build_state(vault).index)
    suggester.prepare_near_names()
    [found] = suggester("Oconnel diary")
    assert found.path == "Oconnell diary.md"


def test_empty_vault() -> None:
    assert Suggester(build_state({}).index)("Plan") == ()


def test_order_of_files_does_not_matter() -> None:
    turned = Suggester(
        build_state({path: VAULT[path] for path in sorted(VAULT, reverse=True)}).index
    )
    for target in ("Paln", "x/Same", "fall_of_the_roman_empire", "A Lee"):
        assert turned(target) == SUGGEST(target)


def test_many_topics_and_names_are_not_compared_pair_by_pair() -> None:
    """Each target is compared with at most a few dozen names."""
    vault = {
        f"{first}_{second}_in_the_{third}.md": ""
        for first in ("role", "rise", "fall", "idea")
        for second in ("memory", "empire", "market", "planet", "river")
        for third in map(str, range(100))
    }
    index = build_state(vault).index
    found = index.derive(build_near_keys).find("rise_of_memory_in_the_7")
    assert len(found) <= 24
    assert Suggester(index)("rise_of_memory_in_the_7")[0].path == "rise_memory_in_the_7.md"


def test_equal_scores_are_ordered_by_path() -> None:
    vault = {f"{number:02} Long market report.md": "" for number in range(9)}
    found = Suggester(build_state(vault).index)("Long market report")
    assert len({item.score for item in found}) == 1
    assert [item.path for item in found] == sorted(vault)[:3]


def test_companion_of_the_own_note_has_no_near_name() -> None:
    found = [Suggestion("a/B - Cards.md", "near", 0.9), Suggestion("A.md", "title", 1.0)]
    assert drop_own_names(found, "A - Cards", "A.md", ()) == []
    assert drop_own_names(found, "A - Cards", "C.md", ()) == found


# -- going along with a vault -------------------------------------------------------------------------------------

PATHS = (
    "role of memory.md",
    "x/role_of_memory.md",
    "fall of rome.md",
    "plan.md",
    "x/plan.md",
    "plans.md",
    "plan.png",
    "x/floor plan.canvas",
    "Café.md",
    "2024-01-30.md",
    "-.md",
    "a_b.md",
    "x/README.md",
    "y/x/index.md",
)
TEXTS = some.sampled_from(
    [
        "",
        "[[plan]]",
        "---\ntitle: Role of memory\n---\n",
        "---\ntitle: PLAN\n---\n",
        "---\ntitle: plan\naliases: [Plan, the fall of Rome, 'a b']\n---\n",
        "---\naliases: ['-', plna]\n---\n",
        "---\naliases: [plan b]\n---\n",
        "---\ntitle: plan b\n---\n",
    ]
)
TARGETS = (
    "Paln",
    "plan",
    "plan b.md",
    "Plans b",
    "role of memories",
    "The role of memory",
    "y/role of memory",
    "fall of the Rome",
    "floor",
    "flor plan",
    "Cafes",
    "2024-01-31",
    "a-b",
    "plna",
    "-",
    "",
    "x/",
    "../y/x/",
    "/y/x/",
    "role-of-the-memory-s",
    "fall of of rome",
)


@given(
    event_scripts(PATHS, TEXTS),
    some.lists(some.frozensets(some.sampled_from(TARGETS)), min_size=4, max_size=4),
)
def test_kept_suggestions_equal_new_ones(
    script: list[list[Event]], wanted: list[frozenset[str]]
) -> None:
    vault: dict[str, str] = {}
    state = State(make_settings(["dangling-link"]))
    kept = KeptSuggestions()
    for number, batch in enumerate(script):
        state = step(state, apply_events(vault, batch))
        new = Suggester(state.index)
        kept = KeptSuggestions.decode(msgspec.msgpack.encode(kept))
        kept = kept.select_valid(list_names_by_path(state.index))
        assert not kept.near
        assert kept.answers == {target: new(target) for target in kept.answers}
        targets = wanted[number % 4]
        found = {target: new.look_up(target) for target in targets - kept.answers.keys()}
        answers = {target: new(target) for target in found}
        near = [target for target, suggestions in found.items() if suggestions is None]
        kept = kept.with_answers(b"", answers, near, targets)
        assert targets <= kept.answers.keys()


def test_suggestions_follow_names_and_links() -> None:
    state = build_state(dict(VAULT) | {"Home.md": "[[Paln]]"})
    assert state.index.derive(Suggester)("Paln")
    other = step(state, [Change("Other.md", "[[Paln]]\n")])
    assert other.index.derive(Suggester)("Paln") == (), "two notes want it: it is a topic"
    gone = step(state, [Change("Plan.md", Presence.GONE)])
    assert gone.index.derive(Suggester)("Paln") == ()


def test_suggestion_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "_MAX_REMEMBERED", 10)
    suggester = Suggester(build_state(VAULT).index)
    for number in range(100):
        suggester(f"Paln {number}")
    assert len(suggester._recalled) <= 10


# -- targets without a near name ------------------------------------------------------------------

WORDS = some.sampled_from(
    re.findall(
        r"\S+",
        "the of and role roles memory memories plan paln plann Plan city cities citys Equazione "
        "equazioni equazone zetelkasten zettelkasten zettlekasten 01 2 2024 3 📚 - -- C++ .md it's "
        "its Café cafe P\u0435ter Peter \u0397at hat \u03b7at lee, Lee Ann 会议 записка запискы",
    )
)
SIGNS = some.sampled_from([" ", "_", "-", ", ", "/", "."])
NAMES = some.lists(some.tuples(WORDS, SIGNS), min_size=1, max_size=5).map(
    lambda parts: "".join(word + sign for word, sign in parts)[:-1].strip(" ,")
)


@given(some.lists(NAMES, min_size=1, max_size=8), some.lists(NAMES, max_size=8))
def test_every_target_with_a_near_name_has_its_key(names: list[str], targets: list[str]) -> None:
    names = [normalize_name(name) for name in names]
    keys, later = NearKeys.build(names), NearKeys.build(names[:1]).with_changes((), names[1:])
    known = {word for name in names if _is_plain(name) for word in split_name(name)}
    use = TargetUse(known.__contains__, lambda: False)
    for target in [*targets, *names]:
        if any(is_near(target, name, use) for name in names):
            assert keys.find(target)
        assert later.find(target) == keys.find(target)


def test_words_of_a_million_letters_are_not_compared() -> None:
    assert not NearKeys.build(["t" * 1_000_000]).find("z" * 1_000_000)


def test_stored_suggestions_that_are_not_unicode_are_dropped() -> None:
    data = msgspec.msgpack.encode(KeptSuggestions(vault_key=b"k", near=["near"]))
    assert KeptSuggestions.decode(data.replace(b"near", b"nea\xff")) == KeptSuggestions()


@given(some.lists(NAMES, min_size=1, max_size=8), NAMES)
def test_names_that_may_be_near_are_among_the_similar_ones(names: list[str], target: str) -> None:
    use = TargetUse(lambda _word: False, lambda: False)
    similar = TargetFinder().with_targets(names).find_similar(target)
    for name in names:
        text = link_name(file_name(name))
        if is_near(target, text, use) or is_near(text, target, use):
            assert name in similar
    one = TargetFinder().with_targets(names[:1])
    assert one.with_targets(names[1:]).find_similar(target) == similar


def test_names_that_differ_by_a_slip_are_among_the_similar_ones() -> None:
    generator = random.Random(7)
    words = [
        "plan",
        "plans",
        "meeting",
        "notes",
        "note",
        "the",
        "of",
        "work",
        "a",
        "tide",
        "tides",
        "01",
        "2",
        "to-do",
        "node.js",
        "pilot",
    ]
    use = TargetUse(lambda _word: False, lambda: False)
    for _ in range(3_000):
        names = [" ".join(generator.choices(words, k=generator.randint(1, 5))) for _ in range(8)]
        target = generator.choice([*names, " ".join(generator.choices(words, k=3))])
        for _ in range(generator.randint(1, 2)):
            at = generator.randrange(len(target) + 1)
            letters = [
                target[at : at + 2][::-1],
                generator.choice("aeiost"),
                "",
                target[at : at + 1] * 2,
            ]
            target = (
                target[:at] + generator.choice(letters) + target[at + generator.randint(0, 2) :]
            )
        if generator.random() < 0.3:
            target = generator.choice(["The ", "03 ", "3. "]) + target
        similar = TargetFinder().with_targets(names).find_similar(target)
        near = {name for name in names if is_near(target, name, use) or is_near(name, target, use)}
        assert near <= similar, (target, names)


# -- paths and names that are searched for as they are grouped ---------------------------------------------------------


@each("seed", range(20))
def test_paths_that_are_searched_are_those_of_the_groups(seed: int) -> None:
    dice = random.Random(seed)
    names = ["a", "A", "é", "E\u0301", "a b", "ab", "ſ"]
    files = {
        "/".join([*dice.choices(names, k=dice.randint(0, 2)), f"{dice.choice(names)}.md"])
        for _ in range(dice.randint(0, 12))
    }
    groups = FilesByPath(files).group_all()
    for key in (*groups, "b/", "a.m", "a.md"):
        assert FilesByPath(files)[key] == groups.get(key, ())


def test_files_are_found_by_every_spelling_of_their_names() -> None:
    titles = "---\ntitle: a Md\naliases: [Å, a.base, '—', b]\n---\n"
    names = ("a", "A md", "amd", "å", "—", "b", "c/b", "a.base", "md", "c/a.canvas")
    files = {f"{name}.md": titles if "a" in name else "text\n" for name in names}
    files |= {"a.canvas": "{}", "c/A.BASE": "", "acanvas.png": "", "b.pdf": "", "md.md.md": "x\n"}
    index = build_state(files).index
    expected: dict[str, list[str]] = {}
    for path in sorted(index.files):
        for key in defined_spellings(index, path):
            expected.setdefault(key, []).append(path)
    assert {"", "a", "amd", "md", "acanvas", "bmd"} <= expected.keys()
    found = {key: list(index.files_spelled(key)) for key in (*expected, "none", "x")}
    assert found == {**expected, "none": [], "x": []}


def test_target_that_resolves_from_one_note_only_is_unresolved() -> None:
    """Suggestions for a finding do not depend on the findings that are reported with it."""
    index = build_state({"a/Plan.md": "", "a/One.md": "", "b/Two.md": ""}).index
    findings = [
        Diagnostic("VL1", "x", Severity.ERROR, path, 0, 1, 1, 1, 1, 2, "", target="./Plan")
        for path in ("b/Two.md", "a/One.md")
    ]
    for order in (findings, findings[::-1]):
        assert list_unresolved(order, index.names) == ["./Plan"]


@each(
    ("name", "target", "is_near"),
    [
        ("Plan", "Paln", True),  # swapped
        ("Plan", "Pllan", True),  # doubled
        ("Boat", "Bat", True),  # missing
        ("Boat", "Bost", True),  # the key beside
        ("Long Boat", "Long Bost", True),
        ("Boat", "Beat", False),  # another key
        ("Boat", "Boats", True),
        ("Boat", "Boat rules", False),
        ("Boat", "2024", False),
        ("Boat", "Boat.png", False),
    ],
)
def test_name_that_differs_by_a_letter_is_found(name: str, target: str, is_near: bool) -> None:
    suggest = Suggester(build_state({f"{name}.md": ""}).index)
    assert suggest.find_slip(target) == (f"{name}.md" if is_near else None)


def test_name_that_differs_by_a_letter_is_none_if_the_word_is_used_or_two_have_it() -> None:
    used = build_state({"Boat.md": "", "a.md": "# A bost\n", "b.md": "[[Bost]]\n"})
    assert Suggester(used.index).find_slip("Bost") is None
    two = build_state({"x/Boat.md": "", "y/Boat.md": ""})
    assert Suggester(two.index).find_slip("Bost") is None


def test_size_behind_an_address_is_no_part_of_the_file() -> None:
    suggest = Suggester(build_state({"a/map.png": "", "Home.md": ""}).index)
    [found] = suggest("map.png|400")
    assert (found.path, found.reason) == ("a/map.png", "respelling")
    assert suggest("map.png|big") == suggest("gone.png|400") == ()


def test_file_in_a_hidden_folder_is_no_other_file() -> None:
    suggest = Suggester(build_state({"plugin.json": "", "a/plugin.json": ""}).index)
    assert suggest("./.claude-plugin/plugin.json") == ()


def test_path_from_another_folder_that_is_one_from_the_root_is_suggested() -> None:
    suggest = Suggester(
        build_state({"n/Only plan.md": "", "n/README.md": "", "q/r/z.md": ""}).index
    )
    assert [item.path for item in suggest("../n/Only plan.md")] == ["n/Only plan.md"]
    assert suggest("../n/README.md") == suggest("n/Only plan.md") == ()
