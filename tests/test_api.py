"""The Python API: the public names, a vault and its unsaved texts, properties as python-frontmatter reads them."""

import os
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import frontmatter
import pytest

import vaultlink
from exploring import choose_seeds
from running import create_vault, read_files, write_files
from tables import each
from vaultlink import ConfigError, Settings, TextLines, Vault, VaultError, open_vault
from vaultlink.baseline.drafts import check_drafts
from vaultlink.engine.step import Presence
from vaultlink.parse.post import compose_note, read_post

NOTES = {
    "Home.md": "---\ntitle: Harbour office\naliases: [Office]\n---\nSee [[Quay]] and [[Plam]].\n",
    "Quay.md": "Back to [[Home]].\n",
    "Plan.md": "",
    "map.png": "PNG",
}


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(create_vault(tmp_path / "vault", NOTES))


def messages(vault: Vault) -> dict[str, list[str]]:
    """Return the targets of the findings by path."""
    found: dict[str, list[str]] = {}
    for item in vault.diagnostics():
        found.setdefault(item.path, []).append(str(item.target))
    return found


# -- the public names -----------------------------------------------------------------------------------------


def test_every_public_name_can_be_imported() -> None:
    assert sorted(vaultlink.__all__) == dir(vaultlink)
    for name in vaultlink.__all__:
        assert getattr(vaultlink, name) is not None


@each("name", ["VaultError", "ConfigError", "Severity", "Fix", "Suggestion", "Watch"])
def test_what_a_program_needs_is_exported(name: str) -> None:
    assert name in vaultlink.__all__


def test_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Shelf'"):
        vaultlink.Shelf  # noqa: B018


def test_vault_has_at_most_thirty_public_members(vault: Vault) -> None:
    assert len([name for name in dir(vault) if not name.startswith("_")]) <= 30


def test_vault_is_frozen(vault: Vault) -> None:
    with pytest.raises(AttributeError):
        vault.state = None  # type: ignore[misc, assignment]


def test_representation_has_root_and_counts(vault: Vault) -> None:
    assert repr(vault) == f"<Vault {str(vault.root)!r}: 3 notes, 1 attachment, 3 links>"


# -- opening --------------------------------------------------------------------------------------------------


@each("convert", [str, Path])
def test_paths_may_be_strings(
    tmp_path: Path, convert: Callable[[Path], str | os.PathLike[str]]
) -> None:
    root = create_vault(tmp_path / "vault", NOTES)
    config = write_files(tmp_path, {"other.toml": 'select = ["VL105"]\n'}) / "other.toml"
    settings = Settings(config_file=convert(config), cache_dir=convert(tmp_path / "own"))
    assert list(open_vault(convert(root), settings).diagnostics()) == []
    assert list((tmp_path / "own").iterdir())


def test_note_is_found_by_string_and_path(vault: Vault) -> None:
    assert vault.find("quay") == vault.find(vault.root / "Quay.md") == "Quay.md"
    assert vault.find("Nowhere") is None


def test_folder_that_is_missing_is_a_vault_error(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="does not exist"):
        open_vault(tmp_path / "nowhere")


def test_bad_setting_is_a_config_error(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {**NOTES, "vaultlink.toml": "selct = []\n"})
    with pytest.raises(ConfigError, match="selct"):
        open_vault(root)


# -- unsaved texts --------------------------------------------------------------------------------------------


def test_unsaved_texts_are_kept_side_by_side(vault: Vault) -> None:
    first, second = "[[Gone]]\n", "[[Lost]]\n"
    both = vault.holding("Home.md", first).holding("Quay.md", second)
    assert (both.text("Home.md"), both.text("Quay.md")) == (first, second)
    assert messages(both) == {"Home.md": ["Gone"], "Quay.md": ["Lost"]}
    assert both.overlays == {"Home.md": first.encode(), "Quay.md": second.encode()}


def test_later_text_of_a_note_replaces_an_earlier_one(vault: Vault) -> None:
    held = vault.holding("Home.md", "[[Gone]]\n").holding("Home.md", b"[[Lost]]\n")
    assert held.text("Home.md") == "[[Lost]]\n"
    assert messages(held) == {"Home.md": ["Lost"]}


def test_unsaved_text_changes_neither_the_vault_nor_the_disk(vault: Vault) -> None:
    before = read_files(vault.root)
    vault.holding("Home.md", "[[Gone]]\n").holding("New.md", "[[Home]]\n")
    assert read_files(vault.root) == before
    assert messages(vault) == {"Home.md": ["Plam"]}
    assert vault.overlays == {}


def test_unsaved_note_is_a_target(vault: Vault) -> None:
    assert messages(vault.holding("Plam.md", "")) == {}


def test_edits_of_a_fix_are_offsets_of_the_unsaved_bytes(vault: Vault) -> None:
    held = vault.holding("Home.md", "Übersicht: [[Harbor office]]\n").holding(
        "Quay.md", "---\ntitle: Harbor office\n---\n"
    )
    plan = held.fixer.plan()
    assert plan.texts["Home.md"][1] == "Übersicht: [[Quay|Harbor office]]\n"
    assert held.fixer.data("Home.md").decode().startswith("Übersicht")


def test_fixes_of_unsaved_texts_use_all_of_them(vault: Vault) -> None:
    held = vault.holding("Home.md", "[[Harbor office]]\n").holding("Quay.md", "# Quay\n")
    assert held.fixer.plan().texts == {}


# -- drafts: texts that are not saved, and files that are gone --------------------------------------------------


def make_contents(texts: Mapping[str, str], removed: Sequence[str]) -> dict[str, bytes | Presence]:
    """Return texts as bytes, and no files in place of those that are removed."""
    written = {path: text.encode() for path, text in texts.items()}
    return {**dict.fromkeys(removed, Presence.GONE), **written}


@each(
    ("texts", "removed", "added", "resolved"),
    [
        pytest.param({"Home.md": NOTES["Home.md"]}, [], [], [], id="same text"),
        pytest.param({"New.md": "[[Quay]] [[Home]]\n"}, [], [], [], id="new note"),
        pytest.param({"Quay.md": "[[Gone]]\n"}, [], ["Quay.md: Gone"], [], id="unresolved link"),
        pytest.param({"A.md": "[[B]]", "B.md": "[[A]]"}, [], [], [], id="drafts see each other"),
        pytest.param({"A.md": "[[B]]"}, [], ["A.md: B"], [], id="a draft alone"),
        pytest.param({"Plam.md": ""}, [], [], ["Home.md: Plam"], id="the missing note"),
        pytest.param({}, ["Quay.md"], ["Home.md: Quay"], [], id="linked note is gone"),
        pytest.param({}, ["Plan.md", "map.png"], [], [], id="others are gone"),
        pytest.param({}, ["Home.md"], ["Quay.md: Home"], ["Home.md: Plam"], id="finding is gone too"),
        pytest.param({"Home.md": "x"}, ["Quay.md"], [], ["Home.md: Plam"], id="note and its last link"),
        pytest.param({}, ["Home.md", "Quay.md"], [], ["Home.md: Plam"], id="notes that link each other"),
        pytest.param({"Quay.md": "[[Home]]"}, ["Quay.md"], [], [], id="gone and written again"),
        pytest.param({"Pier.md": "[[Home]]"}, ["Quay.md"], ["Home.md: Quay"], [], id="moved"),
        pytest.param({}, ["Nowhere.md", "../Home.md", ""], [], [], id="no file of the vault"),
        pytest.param(
            {"Zeta.md": "[[No]]"}, ["Quay.md"], ["Zeta.md: No", "Home.md: Quay"], [], id="drafts first"
        ),
    ],
)  # fmt: skip
def test_drafts_add_and_resolve_findings_anywhere(
    vault: Vault, texts: dict[str, str], removed: list[str], added: list[str], resolved: list[str]
) -> None:
    before = read_files(vault.root)
    result = check_drafts(vault, make_contents(texts, removed))
    assert [f"{item.path}: {item.target}" for item in result.added] == added
    assert [f"{item.path}: {item.target}" for item in result.resolved] == resolved
    assert (read_files(vault.root), messages(vault)) == (before, {"Home.md": ["Plam"]})


DRAFT_NAMES = ["Home.md", "Quay.md", "New.md", "e/New.md", "b c.md"]
DRAFT_LINES = [
    *("[[Home]]", "[[Quay#H|x]]", "![[map.png]]", "[[new]]", "[[nope]]", "[[B C]]", "# H", "text ^q"),
    *("[[New#^q]]", "---\naliases: [Nope]\n---", "[x](Quay.md)", "[y](e/New.md)"),
]  # fmt: skip


@each("seed", choose_seeds(40))
def test_drafts_add_and_resolve_what_a_check_of_the_written_vault_does(
    tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)

    def make_texts() -> dict[str, str]:
        names = dice.sample(DRAFT_NAMES, dice.randint(0, 4))
        return {name: "\n".join(dice.choices(DRAFT_LINES, k=dice.randint(0, 5))) for name in names}

    settings = Settings(cache=False, overrides={"select": ["ALL"]})
    root = create_vault(tmp_path / "vault", {"Start.md": "x\n", "map.png": "", **make_texts()})
    before = open_vault(root, settings)
    texts = make_texts()
    removed = [*dice.sample(sorted(before.index.files - {"Start.md"}), 1), "Nowhere.md"]
    checked = check_drafts(before, make_contents(texts, removed))
    for path in before.index.files & set(removed):
        (root / path).unlink()
    after = open_vault(write_files(root, texts), settings)
    assert dict(checked.held.state.diagnostics) == dict(after.state.diagnostics)
    counts = [
        Counter((item.path, item.known_as or item.code, item.target) for item in items)
        for items in (before.check(), after.check(), checked.added, checked.resolved)
    ]
    assert counts[1] - counts[0] == counts[2] - counts[3]
    assert counts[0] - counts[1] == counts[3] - counts[2]


def test_held_text_of_a_file_that_is_gone_is_dropped(vault: Vault) -> None:
    held = check_drafts(vault.holding("Quay.md", "[[Lost]]\n"), make_contents({}, ["Quay.md"])).held
    assert (held.overlays, "Quay.md" in held.notes) == ({}, False)


# -- properties -----------------------------------------------------------------------------------------------


def test_post_has_the_properties_and_the_text(vault: Vault) -> None:
    post = vault.post("Home.md")
    assert isinstance(post, frontmatter.Post)
    assert post.metadata == {"title": "Harbour office", "aliases": ["Office"]}
    assert post.content == "See [[Quay]] and [[Plam]].\n"
    assert vault.holding("Home.md", "---\ntitle: New\n---\n").post("Home.md")["title"] == "New"


POSTS: dict[str, tuple[str, dict[object, object], str]] = {
    "no properties": ("Text\n", {}, "Text\n"),
    "empty block": ("---\n---\nText\n", {}, "Text\n"),
    "not at the start": ("\n---\na: 1\n---\n", {}, "\n---\na: 1\n---\n"),
    "not closed": ("---\na: 1\n", {}, "---\na: 1\n"),
    "not YAML": ("---\na: b: c\n---\nText", {}, "---\na: b: c\n---\nText"),
    "a list": ("---\n- a\n---\nText", {}, "---\n- a\n---\nText"),
    "an impossible date": ("---\na: 2024-13-45\n---\n", {}, "---\na: 2024-13-45\n---\n"),
    "names of parameters": (
        "---\ncontent: c\nhandler: h\n---\n",
        {"content": "c", "handler": "h"},
        "",
    ),
    "a number as key": ("---\n2024: x\n---\n", {2024: "x"}, ""),
    "Windows line ends": ("---\r\na: b\r\n---\r\nText\r\n", {"a": "b"}, "Text\r\n"),
    "too deep": (f"---\na: {'[' * 5000}\n---\n", {}, f"---\na: {'[' * 5000}\n---\n"),
    "YAML 1.1 values": (
        "---\na: yes\nb: 2024-01-31\nc: 12:30\n---\n",
        {"a": True, "b": date(2024, 1, 31), "c": 750},
        "",
    ),
}


@each("name", POSTS)
def test_posts(name: str) -> None:
    text, metadata, content = POSTS[name]
    post = read_post(text)
    assert (post.metadata, post.content) == (metadata, content)


TEMPLATES = {
    "no properties": ("# Tea\n", "---\ntitle: Tea\naliases:\n- tea\n---\n\n# Tea\n"),
    "empty": ("", "---\ntitle: Tea\naliases:\n- tea\n---\n"),
    "own properties stay": (
        "---\ntags: [a]  # mine\ntitle: 'Own'\n---\nText\n",
        "---\ntags: [a]  # mine\ntitle: 'Own'\naliases:\n- tea\n---\nText\n",
    ),
    "all there": ("---\ntitle: x\naliases: []\n---\n", "---\ntitle: x\naliases: []\n---\n"),
    "placeholders": ("---\ncreated: {{date}}\n---\n", "---\ncreated: {{date}}\n---\n"),
}


@each("name", TEMPLATES)
def test_properties_are_added_to_a_template(name: str) -> None:
    template, composed = TEMPLATES[name]
    assert compose_note(template, {"title": "Tea", "aliases": ["tea"]}) == composed


@each("title", ["2024-01-31", "yes", "Tea: green", "#1", "[x]", "Über", "'q'", "- a", "1e3"])
def test_composed_title_is_read_back(title: str) -> None:
    assert read_post(compose_note("", {"title": title})).metadata == {"title": title}


# -- unsaved texts are released, and places are asked for -----------------------------------------------------------


def test_released_text_is_that_on_disk_now(vault: Vault) -> None:
    held = vault.holding("Home.md", "[[Gone]]\n").holding("Quay.md", "[[Lost]]\n")
    assert messages(held.releasing("Home.md")) == {"Home.md": ["Plam"], "Quay.md": ["Lost"]}
    (vault.root / "Home.md").write_text("[[Other]]\n")
    released = held.releasing("Home.md")
    assert messages(released) == {"Home.md": ["Other"], "Quay.md": ["Lost"]}
    assert (released.text("Home.md"), [*released.overlays]) == ("[[Other]]\n", ["Quay.md"])
    assert messages(held)["Home.md"] == ["Gone"]


def test_released_note_that_does_not_exist_is_gone(vault: Vault) -> None:
    held = vault.holding("Plam.md", "")
    assert messages(held) == {}
    released = held.releasing("Plam.md")
    assert messages(released) == messages(vault)
    assert released.index.files == vault.index.files


def test_text_that_is_not_held_is_not_released(vault: Vault) -> None:
    assert vault.releasing("Home.md") is vault


@each("seed", range(8))
def test_held_texts_equal_a_fresh_start_with_them(vault: Vault, seed: int) -> None:
    rng = random.Random(seed)
    texts = ["[[Quay]]\n", "# Head\n[[Plam#x]]\n", "", "---\naliases: [Plam]\n---\n"]
    held = vault
    for _ in range(30):
        path = rng.choice(["Home.md", "Quay.md", "Plam.md", "Deep/New.md"])
        match rng.randrange(3):
            case 0:
                held = held.holding(path, rng.choice(texts))
            case 1:
                held = held.releasing(path)
            case 2 if path in NOTES:
                (vault.root / path).write_text(rng.choice(texts))
                held = held.holding(path, "x").releasing(path)
    fresh = open_vault(vault.root, Settings(cache=False))
    for path, data in held.overlays.items():
        fresh = fresh.holding(path, data)
    assert held.check() == fresh.check()
    assert held.index.files == fresh.index.files


PLACES = "A [[Quay]] and ![[Quay#Pier|[[Plan]]]] [p](<Quay.md#^b1>) [[Gone]] [[Quay#No]] [x](https://a.b)\n"


def test_link_is_found_by_a_position(vault: Vault) -> None:
    held = vault.holding("Home.md", PLACES)

    def find(text: str, shift: int = 1) -> str | None:
        link = held.link_at("Home.md", PLACES.index(text) + shift)
        return link.raw if link else None

    assert find("[[Quay]]", 0) == find("[[Quay]]", 8) == "[[Quay]]"
    assert find("[p]") == "[p](<Quay.md#^b1>)"
    assert find("and") is None
    assert held.link_at("Nowhere.md", 0) is None
    assert held.link_at("map.png", 0) is None


def test_anchor_of_a_link_is_a_place(vault: Vault) -> None:
    text = "# Top\n## Pier\nsome text ^b1\n"
    held = vault.holding("Quay.md", text).holding("Home.md", PLACES)
    found = {}
    for link in held.notes["Home.md"].links:
        anchor = held.anchor_of("Home.md", link)
        found[link.raw] = anchor and (anchor.path, text[anchor.start : anchor.end])
    assert found["[[Quay]]"] == ("Quay.md", "")
    assert found["[p](<Quay.md#^b1>)"] == ("Quay.md", "^b1")
    assert found["[[Gone]]"] is None
    assert found["[[Quay#No]]"] is None
    assert found["[x](https://a.b)"] is None


def test_names_are_found_by_a_typed_part(vault: Vault) -> None:
    names = vault.find_names("harbour")
    assert [(item.kind, item.text, item.path) for item in names] == [
        ("title", "Harbour office", "Home.md")
    ]
    assert [item.text for item in vault.find_names("qu", 1)] == ["Quay"]
    held = vault.holding("Draft.md", "# Harbour master\n")
    assert [item.text for item in held.find_names("harbour ma")] == ["Harbour master"]


def test_symbols_of_a_note_have_places(vault: Vault) -> None:
    text = "---\naliases: [Pier]\ntitle: The quay\n---\n# Top\n\nSee #boats ^b1\n\n## Low\n"
    held = vault.holding("Quay.md", text)
    found = [
        (item.kind, item.text, text[item.start : item.end], item.line, item.level)
        for item in held.symbols("Quay.md")
    ]
    assert found == [
        ("note", "Quay", "", 1, 0),
        ("alias", "Pier", "[Pier]", 2, 0),
        ("title", "The quay", "The quay", 3, 0),
        ("heading", "Top", "Top", 5, 1),
        ("tag", "boats", "#boats", 7, 0),
        ("block", "b1", "^b1", 7, 0),
        ("heading", "Low", "Low", 9, 2),
    ]
    assert [item.text for item in held.symbols("map.png")] == ["map.png"]
    assert held.symbols("Nowhere.md") == []


@each(("offset", "line", "column"), [(0, 1, 1), (2, 1, 3), (4, 2, 1), (6, 2, 3), (7, 3, 1)])
def test_offset_is_a_line_and_a_column(offset: int, line: int, column: int) -> None:
    lines = TextLines("ab\r\näc\n")
    assert lines.locate(offset) == (line, column)
    assert lines.offset(line, column) == offset


@each(("line", "column", "offset"), [(1, 9, 2), (2, 9, 6), (3, 2, 7), (9, 1, 7)])
def test_place_outside_a_text_is_the_nearest_one(line: int, column: int, offset: int) -> None:
    assert TextLines("ab\r\näc\n").offset(line, column) == offset
