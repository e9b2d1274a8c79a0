"""Names, aliases, headings and tags are found by a part that somebody types."""

import random
from collections.abc import Sequence

from builder import build_state
from tables import each
from vaultlink.engine.step import Change, Presence, step
from vaultlink.index.name_search import NAME_GROUPS, SearchedKind, find_names

VAULT = {
    "lexfridman.md": "---\naliases: [Lex]\n---\n# About\n#podcast/ai\n",
    "Deep learning.md": "# Deep learning\n## Nets and learning\n#podcast/ai\n",
    "machine_learning_basics.md": "---\ntitle: Basics of Machines\n---\n",
    "Élan vital.md": "",
    "img/learning curve.png": None,
    "한국어 노트.md": "",
    "2024-01-05.md": "## 2024\n",
}


@each(
    ("typed", "found"),
    [
        ("lex", ["alias Lex", "note lexfridman"]),
        ("lexfridman", ["note lexfridman"]),
        ("lex fridmann", ["note lexfridman"]),
        ("Lexfrdman", ["note lexfridman"]),
        ("basics of", ["title Basics of Machines"]),
        ("machine learning", ["note machine_learning_basics"]),
        ("learning machine", ["note machine_learning_basics"]),
        ("elan", ["note Élan vital"]),
        ("ÉLAN VITAL", ["note Élan vital"]),
        ("한국", ["note 한국어 노트"]),
        ("podcast", ["tag podcast/ai"]),
        ("nets", ["heading Nets and learning"]),
        ("", []),
        (" .- ", []),
        ("zzz", []),
        ("lex friedrich", []),
        (f"basics{' ' * 300}of pasted text", ["title Basics of Machines"]),
    ],
)
def test_typed_text_finds_names(typed: str, found: Sequence[str]) -> None:
    names = find_names(build_state(VAULT).index, typed)
    assert [f"{item.kind} {item.text}" for item in names[: len(found) or None]] == found


def test_start_of_the_name_comes_before_the_start_of_a_word_and_the_rest() -> None:
    names = find_names(build_state(VAULT).index, "learning")
    assert [item.text for item in names] == [
        "learning curve.png",
        "Deep learning",
        "machine_learning_basics",
        "Deep learning",
        "Nets and learning",
    ]


def test_name_tells_its_file_and_line() -> None:
    [name] = find_names(build_state(VAULT).index, "Nets")
    assert (name.path, name.line) == ("Deep learning.md", 2)


@each(
    ("typed", "kinds", "found"),
    [
        ("learning", [SearchedKind.ATTACHMENT], ["learning curve.png"]),
        ("learning", [SearchedKind.HEADING], ["Deep learning", "Nets and learning"]),
        ("le", [SearchedKind.NOTE], ["lexfridman", "Deep learning", "machine_learning_basics"]),
        ("lex", [SearchedKind.TAG], []),
        ("lex fridmann", [SearchedKind.TAG], []),
        ("Lexfrdman", [SearchedKind.TITLE], []),
    ],
)
def test_only_names_of_the_wanted_kinds(
    typed: str, kinds: Sequence[SearchedKind], found: Sequence[str]
) -> None:
    names = find_names(build_state(VAULT).index, typed, kinds=frozenset(kinds))
    assert [item.text for item in names] == found


def test_limit_keeps_the_best() -> None:
    index = build_state(VAULT).index
    assert find_names(index, "learning", 2) == find_names(index, "learning")[:2]


@each("seed", range(5))
def test_table_after_steps_equals_a_new_one(seed: int) -> None:
    rng = random.Random(seed)
    state = build_state(VAULT)
    for group in NAME_GROUPS:
        state.index.derive(group)
    for _ in range(20):
        path = rng.choice([*VAULT, "new.md", "Deep/other.md"])
        gone = rng.random() < 0.3
        text = (
            Presence.GONE if gone else f"# {rng.choice(['Lex', 'Nets', 'x'])}\n#t{rng.random()}\n"
        )
        if path.endswith(".png"):
            text = Presence.GONE if gone else Presence.ATTACHMENT
        state = step(state, [Change(path, text)])
        for group in NAME_GROUPS:
            kept, fresh = state.index.derive(group), group(state.index)
            assert (kept._paths, kept._sizes) == (fresh._paths, fresh._sizes)
            assert (kept._text, kept._spellings) == (fresh._text, fresh._spellings)


def test_names_are_compared_as_single_ones_are() -> None:
    names = ["A  b - c", " (x) ", "tab\tand, sign", "Ünder  score_", "-", "emoji 📚 ", "a\u00a0b"]
    text = "".join([f"## {name}\n" for name in names])
    vault = {"One.md": text, "Two.md": text.encode("ascii", "ignore").decode(), "x_y.png": None}
    state = build_state(vault)
    for group in NAME_GROUPS:
        table, nothing = group(state.index), group(build_state({}).index)
        again = nothing.update(state.index, vault)
        assert (again._sizes, again._text) == (table._sizes, table._text)
    assert find_names(state.index, "tab and sign")[0].text == "tab\tand, sign"
    assert find_names(state.index, "b c")[0].text == "A  b - c"
