"""The arguments of a rename: what an old name stands for, and what a new name becomes."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import build_state
from tables import each
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Rename, RenameKind
from vaultlink.index.index import Index
from vaultlink.index.resolve import list_outer_folders
from vaultlink.refactor.arguments import (
    RenameRow,
    read_move,
    read_plan_file,
    read_rename,
    read_renames,
)
from vaultlink.refactor.relocation import expand

VAULT = {
    "Home.md": "# Home\n## Plans\n### Next\n## Plans, old\n\ntext ^b1\n\n#todo/now #Todo\n",
    "Projects/Alpha.md": "---\ntags: [area]\n---\n# Goals\n## Next ^h1\n",
    "Projects/Beta.md": "",
    "Projects/img/a.png": "",
    "Projects/img/deep/b.png": "",
    "Archive/Note.md": "",
    "Other/Note.md": "",
    "Note in root.md": "",
    "C#.md": "# Types\n",
    "#odd.md": "",
    "Both.md": "",
    "Both/Inner.md": "",
    "Board.canvas": "{}",
    "data": "",
    "old.xyz": "",
    "UPPER.MD": "",
}


@pytest.fixture(scope="module")
def index() -> Index:
    return build_state(VAULT).index


def find_nothing(_text: str) -> str | None:
    return None


def find_in(places: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a function that looks up paths on disk in a mapping."""
    return places.get


@each(
    ("old", "kind", "path"),
    [
        ("Home.md", "note", "Home.md"),
        ("Home", "note", "Home.md"),
        ("home", "note", "Home.md"),
        ("/Home", "note", "Home.md"),
        ("./Home.md", "note", "Home.md"),
        ("Alpha", "note", "Projects/Alpha.md"),
        ("Projects/Alpha", "note", "Projects/Alpha.md"),
        ("Archive/Note", "note", "Archive/Note.md"),
        ("UPPER", "note", "UPPER.MD"),
        ("Projects", "folder", "Projects"),
        ("Projects/", "folder", "Projects"),
        ("/Projects/", "folder", "Projects"),
        ("projects/", "folder", "Projects"),
        ("Projects/img", "folder", "Projects/img"),
        ("Both/", "folder", "Both"),
        ("Both.md", "note", "Both.md"),
        ("a.png", "attachment", "Projects/img/a.png"),
        ("Projects/img/a.png", "attachment", "Projects/img/a.png"),
        ("Board.canvas", "attachment", "Board.canvas"),
        ("data", "attachment", "data"),
        ("C#", "note", "C#.md"),
        ("C#.md", "note", "C#.md"),
        ("#odd.md", "note", "#odd.md"),
    ],
)
def test_old_name_is_a_path_or_a_link_name(index: Index, old: str, kind: str, path: str) -> None:
    found = read_rename(index, old, "New", find_nothing)
    assert (found.kind, found.old) == (kind, path)


@each(
    ("old", "new", "before", "after"),
    [
        ("Home#Plans", "Ideas", "Home.md#Plans", "Home.md#Ideas"),
        ("Home#plans", "Ideas", "Home.md#plans", "Home.md#Ideas"),
        ("Home.md#Home#Plans#Next", "Then", "Home.md#Home#Plans#Next", "Home.md#Then"),
        ("Home#Plans", "Home#Ideas", "Home.md#Plans", "Home.md#Ideas"),
        ("Home#Plans", "C# and F#", "Home.md#Plans", "Home.md#C# and F#"),
        ("Home#Plans", "  Ideas ", "Home.md#Plans", "Home.md#Ideas"),
        ("Home#Plans", "## Ideas", "Home.md#Plans", "Home.md#Ideas"),
        ("Home#Plans", "Home### Ideas", "Home.md#Plans", "Home.md#Ideas"),
        ("Home#Plans", "###### # Ideas", "Home.md#Plans", "Home.md## Ideas"),
        ("Home#Plans", "####### Ideas", "Home.md#Plans", "Home.md######## Ideas"),
        ("Home#Plans", "##Ideas", "Home.md#Plans", "Home.md###Ideas"),
        ("C##Types", "Kinds", "C#.md#Types", "C#.md#Kinds"),
        ("C#.md#Types", "Kinds", "C#.md#Types", "C#.md#Kinds"),
        ("Alpha#Next", "Then", "Projects/Alpha.md#Next", "Projects/Alpha.md#Then"),
        ("Home#^b1", "b2", "Home.md#^b1", "Home.md#^b2"),
        ("Home#^B1", "^b2", "Home.md#^b1", "Home.md#^b2"),
    ],
)
def test_heading_or_block_is_named_with_its_note(
    index: Index, old: str, new: str, before: str, after: str
) -> None:
    kind = RenameKind.BLOCK if "^" in before else RenameKind.HEADING
    assert read_rename(index, old, new, find_nothing) == Rename(kind, before, after)


@each(
    ("old", "new", "before", "after"),
    [
        ("#todo", "#task", "#todo", "#task"),
        ("#todo", "task", "#todo", "#task"),
        ("#todo/now", "todo/soon", "#todo/now", "#todo/soon"),
        ("#todo/", "task/", "#todo", "#task"),
        ("#TODO", "task", "#TODO", "#task"),
        ("#area", "field", "#area", "#field"),
    ],
)
def test_tag_starts_with_a_hash(index: Index, old: str, new: str, before: str, after: str) -> None:
    assert read_rename(index, old, new, find_nothing) == Rename(RenameKind.TAG, before, after)


@each(
    ("old", "new", "path"),
    [
        ("Home", "Start", "Start.md"),
        ("Home", "Start.md", "Start.md"),
        ("Home", "[[Start]]", "Start.md"),
        ("Home", "x[[Start]]", "x[[Start]].md"),
        ("Home", "v1.2", "v1.2.md"),
        ("Home", "Start.canvas", "Start.canvas.md"),
        ("UPPER", "Lower", "Lower.MD"),
        ("Alpha", "Gamma", "Projects/Gamma.md"),
        ("Alpha", "./Gamma", "Projects/Gamma.md"),
        ("Alpha", "./img/Gamma", "Projects/img/Gamma.md"),
        ("Alpha", "/Gamma", "Gamma.md"),
        ("Alpha", "Archive/Gamma", "Archive/Gamma.md"),
        ("Alpha", "Archive/", "Archive/Alpha.md"),
        ("Alpha", "/", "Alpha.md"),
        ("Alpha", "./", "Projects/Alpha.md"),
        ("Alpha", "archive/Gamma", "Archive/Gamma.md"),
        ("Alpha", "New/Folder/Gamma", "New/Folder/Gamma.md"),
        ("Alpha", "../Gamma", "../Gamma.md"),
        ("a.png", "c", "Projects/img/c.png"),
        ("a.png", "c.png", "Projects/img/c.png"),
        ("a.png", "c.PNG", "Projects/img/c.PNG"),
        ("a.png", "c.jpg", "Projects/img/c.jpg"),
        ("a.png", "photo 1.5", "Projects/img/photo 1.5.png"),
        ("a.png", "/c", "c.png"),
        ("a.png", "Other/", "Other/a.png"),
        ("old.xyz", "new", "new.xyz"),
        ("old.xyz", "new.abc", "new.abc"),
        ("data", "facts", "facts"),
        ("Board.canvas", "Plan", "Plan.canvas"),
        ("Projects", "Work", "Work"),
        ("Projects/", "Work/", "Work"),
        ("Projects/", "Archive/Work", "Archive/Work"),
        ("Projects/img", "pictures", "Projects/pictures"),
        ("Projects/img", "/pictures", "pictures"),
        ("Projects/img/", "pictures/", "Projects/pictures"),
        ("Projects/img/", "Archive/", "Archive/img"),
        ("Projects/img/", "Archive", "Projects/Archive"),
        ("Projects/img", "/", "img"),
        ("Projects", "projects", "projects"),
        ("Projects", "v1.2", "v1.2"),
    ],
)
def test_new_name_stays_in_the_folder_unless_it_has_a_slash(
    index: Index, old: str, new: str, path: str
) -> None:
    assert read_rename(index, old, new, find_nothing).new == path


@each(
    ("old", "words"),
    [
        ("", ["the old name is empty"]),
        ("/", ["vault itself"]),
        (".", ["vault itself"]),
        ("Hom", ["no note, attachment or folder “Hom”", "Did you mean Home.md?"]),
        ("Project/", ["no folder “Project/”", "Did you mean Projects/?"]),
        ("Home/", ["no folder “Home/”"]),
        ("Note", ["several files", "Archive/Note.md, Other/Note.md"]),
        ("Both", ["both Both/ and Both.md"]),
        ("Home#Plan", ["Home.md has no heading “Plan”", "Did you mean Home.md#Plans"]),
        ("Home#Next#Plans", ["has no heading"]),
        ("Home#^b", ["Home.md has no block “^b”", "Did you mean Home.md#^b1?"]),
        ("Home#^Plans", ["Home.md has no block “^Plans”"]),
        ("Home#Home#^b1", ["Home.md has no block “^b1”"]),
        ("Home#", ["names no heading"]),
        ("Hom#Plans", ["no note, attachment or folder “Hom”"]),
        ("Board.canvas#x", ["is not a note"]),
        ("#tod", ["no note has the tag #tod", "Did you mean #Todo"]),
        ("#to", ["no note has the tag #to"]),
        ("#Plans", ["no note has the tag #Plans", "Note#Heading"]),
        ("#", ["no note has the tag"]),
    ],
)
def test_unknown_and_ambiguous_old_names_are_errors(
    index: Index, old: str, words: list[str]
) -> None:
    with pytest.raises(UsageError) as error:
        read_rename(index, old, "New", find_nothing)
    assert [word for word in words if word not in str(error.value)] == []


@each("old", ["Home", "Home#Plans", "Home#^b1", "#todo", "Projects/"])
@each("new", ["", "  "])
def test_new_name_is_not_empty(index: Index, old: str, new: str) -> None:
    with pytest.raises(UsageError, match=r"the new name of .* is empty"):
        read_rename(index, old, new, find_nothing)


def test_path_on_disk_comes_after_a_path_in_the_vault(index: Index) -> None:
    find = find_in(
        {"Note.md": "Other/Note.md", "Home.md": "Other/Note.md", "img/": "Projects/img/"}
    )
    assert read_rename(index, "Note.md", "New", find).old == "Other/Note.md"
    assert read_rename(index, "Home.md", "New", find).old == "Home.md"
    assert read_rename(index, "img/", "New", find).old == "Projects/img"


def test_folder_without_notes_is_found_on_disk(index: Index) -> None:
    find = find_in({"Empty": "Empty/", "Empty/": "Empty/"})
    for old in ("Empty", "Empty/"):
        assert read_rename(index, old, "Full", find) == Rename(RenameKind.FOLDER, "Empty", "Full")


# -- moves ------------------------------------------------------------------------------------------------------------


@each(
    ("folder", "into"),
    [
        ("Archive", "Archive/"),
        ("Archive/", "Archive/"),
        ("/Archive", "Archive/"),
        ("./Archive/", "Archive/"),
        ("archive", "Archive/"),
        ("archive/2024", "Archive/2024/"),
        ("New", "New/"),
        ("New/Deep/", "New/Deep/"),
        ("v1.2", "v1.2/"),
        ("Both", "Both/"),
        ("/", ""),
        (".", ""),
        ("./", ""),
    ],
)
def test_move_keeps_names(index: Index, folder: str, into: str) -> None:
    renames = read_move(index, ["Alpha", "a.png", "Projects/img"], folder, find_nothing)
    assert [item.new for item in renames] == [f"{into}Alpha.md", f"{into}a.png", f"{into}img"]
    assert [item.kind for item in renames] == ["note", "attachment", "folder"]


@each(
    ("sources", "folder", "message"),
    [
        (["Hom"], "Archive", "Did you mean Home.md"),
        (["Home#Plans"], "Archive", "is a heading and can't be moved"),
        (["#todo"], "Archive", "is a tag and can't be moved"),
        (["Home"], "Alpha.md", "is not a folder"),
        (["Board.canvas"], "Home.md", "is not a folder, but the file Home.md"),
        (["Home"], "New.md", "is not a folder"),
        (["Home"], "Board.canvas", "is not a folder"),
        (["Home"], "", "name of the folder is empty"),
    ],
)
def test_move_needs_files_and_a_folder(
    index: Index, sources: list[str], folder: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read_move(index, sources, folder, find_nothing)


# -- plan files -------------------------------------------------------------------------------------------------------


@each(
    "text",
    [
        "a\tb\nc d\te/\n",
        "a\tb\nc d\te/",
        "old\tnew\na\tb\nc d\te/\n",
        "\ufeffold\tnew\r\n\r\na\tb\r\nc d\te/\r\n",
        "\n\na\tb\n \t \nc d\te/\n\n",
    ],
)
def test_plan_file_has_a_rename_a_line(text: str) -> None:
    assert [row[:2] for row in read_plan_file(text)] == [("a", "b"), ("c d", "e/")]


def test_rows_of_a_plan_file_have_line_numbers() -> None:
    assert read_plan_file("old\tnew\n\n#a\t#b\n") == [RenameRow("#a", "#b", 3)]


@each(
    ("text", "problems"),
    [
        ("a b\n", ["line 1: expected the old name, a tab and the new name"]),
        ("a\tb\tc\n", ["line 1: expected"]),
        (
            "Home\tb\nc\t\n\td\n",
            ["line 2: the new name is missing", "line 3: the old name is missing"],
        ),
        ("Home\tb\nAlpha\td\nHome\te\n", ["line 3: “Home” is renamed in line 1 already"]),
        ("Home\tb\nold\tnew\tx\n", ["line 2: expected"]),
        (
            "Home\tb\nHom\tc\nHome\te\n\nHome\nHom\tf\n#nothing\tz\n",
            [
                "line 2: there is no note",
                "line 3: “Home” is renamed in line 1 already",
                "line 5: expected the old name",
                "line 6: “Hom” is renamed in line 2 already",
                "line 7: ",
            ],
        ),
    ],
)
def test_all_errors_of_a_plan_file_are_listed(index: Index, text: str, problems: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        read_renames(index, read_plan_file(text), find_nothing)
    found = str(error.value).splitlines()
    assert len(found) == len(problems)
    assert all(line.startswith(start) for line, start in zip(found, problems, strict=True)), found


@each("text", ["", "old\tnew\n"])
def test_plan_file_without_a_rename_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there is no rename"):
        read_plan_file(text)


def test_a_header_is_only_the_first_line() -> None:
    assert read_plan_file("a\tb\nold\tnew\n")[1] == RenameRow("old", "new", 2)


def test_unknown_names_of_a_plan_are_listed_with_their_lines(index: Index) -> None:
    rows = [RenameRow("Hom", "x", 2), RenameRow("Home", "y", 3), RenameRow("#nothing", "z", 7)]
    with pytest.raises(UsageError) as error:
        read_renames(index, rows, find_nothing)
    assert [line.split(":")[0] for line in str(error.value).splitlines()] == ["line 2", "line 7"]


@each(
    ("rows", "new"),
    [
        ([("Projects/", "Work"), ("Alpha", "Gamma")], ["Work", "Work/Gamma.md"]),
        ([("Projects/", "Work"), ("Alpha", "./Gamma")], ["Work", "Work/Gamma.md"]),
        ([("Projects/", "Work"), ("Alpha", "Projects/Gamma")], ["Work", "Projects/Gamma.md"]),
        ([("Projects/", "Work"), ("Alpha", "/Gamma")], ["Work", "Gamma.md"]),
        ([("Projects/img", "pics"), ("Projects", "Work")], ["Work/pics", "Work"]),
        ([("Projects/", "Work"), ("Home", "Start")], ["Work", "Start.md"]),
        ([("Projects/", "Work"), ("Alpha#Goals", "Aims")], ["Work", "Projects/Alpha.md#Aims"]),
    ],
)
def test_new_name_without_a_slash_stays_in_a_renamed_folder(
    index: Index, rows: list[tuple[str, str]], new: list[str]
) -> None:
    renames = read_renames(index, [RenameRow(*row, 1) for row in rows], find_nothing)
    assert [item.new for item in renames] == new


# -- files on disk ----------------------------------------------------------------------------------------------------


@each(
    ("renames", "moves", "files"),
    [
        (
            [("note", "Home.md", "Start.md")],
            {"Home.md": "Start.md"},
            {"Home.md": "Start.md"},
        ),
        (
            [("folder", "Projects/img", "pics")],
            {"Projects/img": "pics"},
            {"Projects/img/a.png": "pics/a.png", "Projects/img/deep/b.png": "pics/deep/b.png"},
        ),
        (
            [("folder", "Projects/img", "pics"), ("attachment", "Projects/img/a.png", "a.png")],
            {"Projects/img/a.png": "a.png", "Projects/img/deep/b.png": "pics/deep/b.png"},
            {"Projects/img/a.png": "a.png", "Projects/img/deep/b.png": "pics/deep/b.png"},
        ),
        (
            [("folder", "Projects/img", "pics"), ("note", "Home.md", "pics/Home.md")],
            {
                "Home.md": "pics/Home.md",
                "Projects/img/a.png": "pics/a.png",
                "Projects/img/deep/b.png": "pics/deep/b.png",
            },
            {
                "Home.md": "pics/Home.md",
                "Projects/img/a.png": "pics/a.png",
                "Projects/img/deep/b.png": "pics/deep/b.png",
            },
        ),
        (
            [("folder", "Projects/img", "pics"), ("folder", "Projects/img/deep", "deep")],
            {"Projects/img/a.png": "pics/a.png", "Projects/img/deep": "deep"},
            {"Projects/img/a.png": "pics/a.png", "Projects/img/deep/b.png": "deep/b.png"},
        ),
        (
            [("note", "Home.md", "Both.md"), ("note", "Both.md", "Home.md")],
            {"Both.md": "Home.md", "Home.md": "Both.md"},
            {"Both.md": "Home.md", "Home.md": "Both.md"},
        ),
        (
            [("folder", "Both", "Archive"), ("folder", "Archive", "Both")],
            {"Archive": "Both", "Both": "Archive"},
            {"Archive/Note.md": "Both/Note.md", "Both/Inner.md": "Archive/Inner.md"},
        ),
        ([("folder", "Empty", "Full")], {"Empty": "Full"}, {}),
        ([("heading", "Home.md#Plans", "Home.md#x"), ("tag", "#todo", "#x")], {}, {}),
        ([("note", "Home.md", "Home.md")], {}, {}),
    ],
)
def test_folder_is_renamed_as_a_whole_if_nothing_else_concerns_it(
    index: Index,
    renames: list[tuple[str, str, str]],
    moves: dict[str, str],
    files: dict[str, str],
) -> None:
    given = [Rename(RenameKind(kind), old, new) for kind, old, new in renames]
    assert expand(given, index) == (moves, files)


PLACES = ["a", "a/b", "a/b/c", "d", "d/e"]
FILES = [f"{folder}/{name}" for folder in PLACES for name in ("x.md", "y.png")] + ["x.md", "z.md"]
RENAMES = some.lists(
    some.one_of(
        some.tuples(some.just(RenameKind.NOTE), some.sampled_from(FILES)),
        some.tuples(some.just(RenameKind.FOLDER), some.sampled_from(PLACES)),
    ),
    max_size=5,
    unique=True,
)


@given(RENAMES, some.lists(some.sampled_from(["n", "d/n", "a/n", "q/r"]), min_size=5, max_size=5))
def test_renames_on_disk_move_each_file_to_its_new_path(
    pairs: list[tuple[RenameKind, str]], targets: list[str]
) -> None:
    renames = [
        Rename(kind, old, f"{target}{number}")
        for number, ((kind, old), target) in enumerate(zip(pairs, targets, strict=False))
    ]
    moves, files = expand(renames, build_state(dict.fromkeys(FILES, "")).index)
    after = {
        path: next(
            (
                moves[outer] + path[len(outer) :]
                for outer in (path, *list_outer_folders(path))
                if outer in moves
            ),
            path,
        )
        for path in FILES
    }
    assert {old: new for old, new in after.items() if old != new} == files
    for path in moves:
        assert moves.keys().isdisjoint(list_outer_folders(path))
    for path in moves.values():
        assert set(moves.values()).isdisjoint(list_outer_folders(path))
