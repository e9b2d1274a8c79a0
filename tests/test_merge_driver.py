"""Tests of the merge driver: real repositories and merges, and properties of merges of random notes."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from exploring import count_examples
from machine import require_program
from running import RunCommand, write_files
from tables import each
from test_upkeep import kept, without, writing
from vaultlink.backlinks.merge import CannotMerge, merge_note
from vaultlink.cli.commands.merge_driver import (
    EXIT_DRIVER_FAILED,
    GIT_ATTRIBUTE,
    build_driver_command,
    set_up_merge_driver,
)
from vaultlink.errors import UsageError
from vaultlink.write.own_files import replace_file

SETTINGS = '[backlinks]\nmode = "write"\nstyle = "{}"\n'
HEAD = "<!-- vaultlink:backlinks before=1 after=1 -->\n\n**Add backlinks using these topics:**\n"
FOOT = "\n\n<!-- /vaultlink:backlinks -->\n"


pytestmark = pytest.mark.usefixtures("plain_git")


@pytest.fixture(scope="module", autouse=True)
def _require_git() -> None:
    """Skip all tests without git, which merges what is not in a section."""
    require_program("git")


def git(root: Path, *command: str, good: Sequence[int] = (0,)) -> str:
    done = subprocess.run(
        [require_program("git"), "-C", str(root), *command], check=False, capture_output=True
    )
    assert done.returncode in good, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape")


class Repo:
    """A vault in a repository with two branches that are merged."""

    def __init__(self, root: Path, run: RunCommand, *, driven: bool = True):
        self.root, self.run = root, run
        root.mkdir(parents=True)
        git(root, "init", "--quiet", "--initial-branch", "ours")
        if driven:
            set_up_merge_driver(root)

    def step(self, files: Mapping[str, str] | Mapping[str, bytes], *words: str) -> None:
        """Write files, run vaultlink, commit."""
        write_files(self.root, files)
        if words:
            assert self.run(words[0], "--vault", self.root, *words[1:]).code in (0, 1)
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", "a step")

    def sides(self, base: "Change", ours: "Change", theirs: "Change", *words: str) -> None:
        """Commit a base and two branches, and run vaultlink on each."""
        self.step(base, *words)
        git(self.root, "checkout", "--quiet", "-b", "theirs")
        self.step(theirs, *words)
        git(self.root, "checkout", "--quiet", "ours")
        self.step(ours, *words)

    def merge(self, *, clean: bool | None = True, style: str = "merge") -> None:
        """Merge the other branch."""
        git(
            self.root,
            "-c",
            f"merge.conflictStyle={style}",
            "merge",
            "--quiet",
            "theirs",
            good=(0,) if clean else (0, 1) if clean is None else (1,),
        )

    def __getitem__(self, name: str) -> str:
        return (self.root / name).read_bytes().decode("utf-8", "surrogateescape")

    def put(self, name: str, old: str, new: str) -> Mapping[str, str]:
        """A file with other words."""
        assert old in self[name]
        return {name: self[name].replace(old, new)}


Change = Mapping[str, str] | Mapping[str, bytes]
Make = Callable[..., Repo]


@pytest.fixture
def make(tmp_path: Path, run: RunCommand) -> Make:
    """Return a function that creates repositories."""
    return lambda name="vault", **kind: Repo(tmp_path / name, run, **kind)


def hand(*entries: str, before: str = "text\n\n", gap: str = "\n\n") -> str:
    """A note with a section."""
    return (
        before
        + HEAD
        + "".join(
            f"\n{entry}" if not number else gap + entry for number, entry in enumerate(entries)
        )
        + FOOT
    )


def topic(name: str) -> str:
    return f"{name} – [[{name}]]"


def base(style: str = "topics") -> dict[str, str]:
    return {
        ".vaultlink.toml": SETTINGS.format(style),
        "N.md": "# N\n\nFirst.\n\nLast.\n",
        "A.md": "See [[N]].\n",
        "M.md": "To [[N]], and again.\n\nMore on [[N]].\n",
    }


# -- both branches keep their sections ------------------------------------------------------------------------------------


def list_names(text: str) -> list[str]:
    """Return the names of the entries of a note's section."""
    return re.findall(r"^(?:- |\w+ – )\[\[(\w+)", text, re.MULTILINE)


@each("style", ["topics", "list", "context"])
def test_fix_completes_the_section_of_one_side(make: Make, style: str) -> None:
    repo = make()
    repo.sides(
        base(style),
        {"C.md": "[[N]] is it\n", "D.md": "[[N]]\n"},
        {"B.md": "So [[N]]\n", "Z.md": "[[N]]\n"},
        "fix",
    )
    ours = repo["N.md"]
    repo.merge()
    assert repo["N.md"] == ours
    assert repo.run("fix", "--vault", repo.root).code == 0
    assert list_names(repo["N.md"]) == ["A", "B", "C", "D", "M", "Z"]
    assert (
        kept(
            {path: repo[path] for path in ("N.md", *map("{}.md".format, "ABCDMZ"))},
            writing(style=style),
        )["N.md"]
        == repo["N.md"]
    )


def test_without_the_driver_the_same_merge_is_a_conflict(make: Make) -> None:
    repo = make(driven=False)
    repo.sides(base(), {"C.md": "[[N]]\n"}, {"B.md": "[[N]]\n"}, "fix")
    repo.merge(clean=False)
    assert "<<<<<<< HEAD" in repo["N.md"]


@each("command", ["rebase", "cherry-pick"])
def test_rebase_and_cherry_pick_use_the_driver(make: Make, command: str) -> None:
    repo = make()
    repo.sides(base(), {"C.md": "[[N]]\n"}, {"B.md": "[[N]]\n"}, "fix")
    git(repo.root, command, "theirs")
    assert list_names(repo["N.md"]) in (["A", "B", "M"], ["A", "C", "M"])
    repo.run("fix", "--vault", repo.root)
    assert list_names(repo["N.md"]) == ["A", "B", "C", "M"]


def test_windows_line_ends_and_byte_order_mark_are_preserved(make: Make) -> None:
    repo = make()
    repo.sides(
        {**base(), "N.md": "\ufeff# N\r\n\r\nLast.\r\n"},
        {"C.md": "[[N]]\n"},
        {"B.md": "[[N]]\n"},
        "fix",
    )
    ours = repo["N.md"]
    repo.merge()
    assert repo["N.md"] == ours
    assert ours.startswith("\ufeff# N\r\n")
    assert ours.count("\n") == ours.count("\r\n") == 15


@each("last", ["Last.\n", "Last.", "Last.\n\n[^1]: A note below.\n"])
def test_section_created_on_both_sides_is_merged(make: Make, last: str) -> None:
    repo = make()
    last = f"First.\n\n{last}"
    repo.sides(
        {".vaultlink.toml": SETTINGS.format("topics"), "N.md": last},
        {"C.md": "On [[N]]\n", "N.md": f"New.\n\n{last}"},
        {"B.md": "On [[N]]\n", "N.md": last.replace("Last", "At last")},
        "fix",
    )
    repo.merge()
    merged = repo["N.md"]
    assert merged.startswith("New.\n\nFirst.\n\nAt last.")
    assert merged.count("vaultlink:backlinks") == 2
    assert list_names(merged) == ["C"]
    repo.run("fix", "--vault", repo.root)
    assert list_names(repo["N.md"]) == ["B", "C"]
    repo.run("sections", "remove", "--vault", repo.root)
    assert repo["N.md"] == "New.\n\n" + last.replace("Last", "At last")


def test_new_section_does_not_conflict_with_text_at_its_place(
    make: Make,
) -> None:
    repo = make()
    repo.sides(
        {".vaultlink.toml": SETTINGS.format("topics"), "N.md": "Last.\n"},
        {"C.md": "On [[N]]\n"},
        {"N.md": "At last"},
        "fix",
    )
    repo.merge()
    assert repo["N.md"] == "At last\n\n" + hand(topic("C"), before="")
    assert repo.run("sections", "remove", "--vault", repo.root).code == 0
    assert repo["N.md"] == "At last\n"


def test_notes_created_on_both_sides_are_merged(make: Make) -> None:
    repo = make()
    repo.sides(
        {".vaultlink.toml": SETTINGS.format("topics"), "O.md": ""},
        {"N.md": "Text.\n", "C.md": "On [[N]]\n"},
        {"N.md": "Text.\n", "B.md": "On [[N]]\n"},
        "fix",
    )
    repo.merge()
    assert repo["N.md"] == hand(topic("C"), before="Text.\n\n")


def test_section_without_entries_is_removed_by_fix(make: Make) -> None:
    repo = make()
    repo.sides(
        base(),
        {"A.md": "No more.\n", "N.md": "# N\n\nFirst.\n\nLast changed.\n"},
        {"M.md": "Nor here.\n"},
        "fix",
    )
    assert "[[A" not in repo["N.md"]
    repo.merge()
    assert list_names(repo["N.md"]) == ["M"]
    repo.run("fix", "--vault", repo.root)
    assert repo["N.md"] == "# N\n\nFirst.\n\nLast changed.\n"


def test_section_removed_on_one_side_is_removed(make: Make) -> None:
    repo = make()
    repo.step(base(), "fix")
    section = repo["N.md"]
    git(repo.root, "checkout", "--quiet", "-b", "theirs")
    repo.step({"N.md": section.replace("Last.", "At last.")})
    git(repo.root, "checkout", "--quiet", "ours")
    repo.step({"A.md": "No more.\n", "M.md": "No more.\n"}, "fix")
    repo.merge()
    assert repo["N.md"] == "# N\n\nFirst.\n\nAt last.\n"


def test_section_that_grew_is_not_removed_because_the_other_side_removed_it(make: Make) -> None:
    repo = make()
    repo.sides({**base(), "M.md": "Nothing.\n"}, {"A.md": "No more.\n"}, {"B.md": "[[N]]\n"}, "fix")
    assert "vaultlink" not in repo["N.md"]
    repo.merge()
    assert list_names(repo["N.md"]) == ["A", "B"]
    repo.run("fix", "--vault", repo.root)
    assert list_names(repo["N.md"]) == ["B"]


def test_passages_that_changed_on_both_sides(make: Make) -> None:
    repo = make()
    files = base("context")
    repo.sides(
        files,
        {"M.md": files["M.md"].replace("again", "once more")},
        {"M.md": files["M.md"].replace("More", "Less")},
        "backlinks",
        "--write",
    )
    repo.merge()
    assert "  - To [[N]], and once more.\n  - More on [[N]].\n" in repo["N.md"]
    repo.run("sections", "write", "--vault", repo.root)
    assert "  - To [[N]], and once more.\n  - Less on [[N]].\n" in repo["N.md"]


def test_adopted_sections_remain_adopted(make: Make) -> None:
    repo = make()
    own = {**base(), "N.md": "Text\n\n## Backlinks\n\nA – [[A | A]]\n\nM – [[M | M]]\n\nBelow.\n"}
    repo.step({**own, ".vaultlink.toml": SETTINGS.format("topics") + 'headings = ["Backlinks"]\n'})
    assert repo.run("sections", "adopt", "--vault", repo.root).lines == [
        "path\tchange",
        "N.md\tadopted",
    ]
    repo.sides({}, {"C.md": "[[N]]\n"}, {"B.md": "[[N]]\n", "M.md": "No more.\n"}, "fix")
    repo.merge()
    merged = repo["N.md"]
    assert merged.startswith("Text\n\n<!-- vaultlink:backlinks adopted -->\n\n## Backlinks\n\nA –")
    assert merged.endswith("M – [[M | M]]\n\n<!-- /vaultlink:backlinks -->\n\nBelow.\n")
    repo.run("fix", "--vault", repo.root)
    assert repo["N.md"].endswith(
        "B – [[B]]\n\nC – [[C]]\n\n<!-- /vaultlink:backlinks -->\n\nBelow.\n"
    )


# -- what people type ---------------------------------------------------------------------------------------------------


def three(repo: Repo, old: str, ours: str, theirs: str, *, clean: bool = True) -> str:
    """Return the merge of three texts."""
    repo.sides({"N.md": old}, {"N.md": ours}, {"N.md": theirs})
    repo.merge(clean=clean)
    return repo["N.md"]


A, B, C, D = map(topic, "ABCD")


LIST = "- Mentioned in\n  - [[M]]"
MUST_MERGE: Mapping[str, tuple[list[str], list[str], list[str], str]] = {
    "both added entries": ([A], [A, B], [A, C], "ours"),
    "both removed entries": ([A, B], [A], [B], "ours"),
    "other titles": ([A], [A, B], ["Z – [[A | Z]]"], "ours"),
    "another order": ([A, B], [B, A], [A, B, C], "ours"),
    "groups of an older version": ([A], ["**/**", A, "**b/**", B], [A, C], "ours"),
    "we typed": ([A], [A, "Mine."], [A, B], "ours"),
    "they typed": ([A], [A, B], [A, "Theirs."], "theirs"),
    "they typed first": ([A], [B], ["**Theirs**", A], "theirs"),
    "they typed below an entry": ([A], [A, B], [A + "\n    theirs"], "theirs"),
    "they changed typed text": ([A, "Old."], [B, "Old."], [A, "New."], "theirs"),
    "they removed typed text": ([A, "Old."], [B, "Old."], [A], "theirs"),
    "both typed the same": ([A], [A, "Same.", B], [C, "Same."], "ours"),
    "typed text that neither changed": ([A, "Old."], [A, "Old.", B], [A, C, "Old."], "ours"),
    "a passage": ([A], [A + "\n  - See [[N]]."], [A + "\n  - Read [[N]]."], "ours"),
    "a list of mentions": ([A], [A, LIST], [A, LIST.replace("M]", "O]")], "ours"),
    "typed text in a list of mentions": ([A, LIST], [B, LIST], [A, LIST + "\n  - typed"], "theirs"),
}


@pytest.mark.thorough
@each("name", MUST_MERGE)
def test_section_of_one_side_is_taken(make: Make, name: str) -> None:
    *versions, taken = MUST_MERGE[name]
    old, ours, theirs = (hand(*version) for version in versions)
    assert three(make(), old, ours, theirs) == (ours if taken == "ours" else theirs)


MUST_CONFLICT: Mapping[str, tuple[list[str], list[str], list[str]]] = {
    "both typed": ([A], [A, "Mine."], [A, "Theirs."]),
    "both typed below an entry": ([A], [A + "\n    mine"], [A + "\n    theirs"]),
    "both changed typed text": ([A, "Old."], [A, "New."], [A, "Newer."]),
    "one removed what the other changed": ([A, "Old."], [A], [A, "New."]),
    "a link to another note below an entry": ([A], [A + "\n  - [[B]]"], [A + "\n  - [[C]]"]),
    "both typed in a list of mentions": ([LIST], [LIST + "\n  - x"], [LIST + "\n  - y"]),
}


@pytest.mark.thorough
@each("name", MUST_CONFLICT)
def test_text_typed_on_both_sides_is_a_conflict_as_git_leaves_it(make: Make, name: str) -> None:
    old, ours, theirs = (hand(*version) for version in MUST_CONFLICT[name])
    repos = [make("driven"), make("plain", driven=False)]
    for repo in repos:
        repo.sides({"N.md": old}, {"N.md": ours}, {"N.md": theirs})
        repo.merge(clean=False)
    driven, plain = (re.sub(r"^>{7}.*$", "", repo["N.md"], flags=re.MULTILINE) for repo in repos)
    assert driven == plain


def test_text_typed_in_a_removed_section_is_preserved(make: Make) -> None:
    assert three(make(), hand(A), "text\n", hand(A, "Mine.")) == hand(A, "Mine.")


def test_removed_and_edited_section_with_text_below(make: Make) -> None:
    old = hand(A, "Typed.") + "\nbelow\n"
    result = three(make(), old, "text\n\nbelow\n", hand(A, "Mine.") + "\nbelow\n", clean=False)
    assert "<<<<<<< HEAD\n=======\n<!-- vaultlink" in result
    assert "Mine." in result
    assert "vaultlink-section" not in result


def test_removed_and_unedited_section_is_removed(make: Make) -> None:
    old = "one\n\n" + hand(A) + "\nbelow\n"
    assert (
        three(make(), old, "one\n\ntext\n\n\nbelow\n", old.replace("one", "two"))
        == "two\n\ntext\n\n\nbelow\n"
    )


def test_section_may_be_moved_while_it_grows(make: Make) -> None:
    old = hand(A, before="one\n\n") + "\ntwo\n\nthree\n"
    moved = "one\n\ntwo\n\nthree\n\n" + hand(A, B, before="")
    assert three(make(), old, moved, hand(A, C, before="one\n\n") + "\ntwo\n\nthree\n") == (
        "one\n\ntwo\n\nthree\n\n" + hand(A, B, before="")
    )


def test_several_sections_are_merged_one_by_one(make: Make) -> None:
    result = three(
        make(),
        hand(A) + "\n" + hand(B),
        hand(A, C) + "\n" + hand(B),
        hand(A, D) + "\n" + hand("Typed."),
    )
    assert result == hand(A, C) + "\n" + hand("Typed.")


# -- the body is git's ------------------------------------------------------------------------------------------------


def hunks(text: str) -> list[str]:
    return re.findall(r"^<{7}.*?^>{7}[^\n]*\n", text, re.MULTILINE | re.DOTALL)


@each("style", ["merge", "diff3", "zdiff3"])
def test_conflicts_in_the_body_are_those_that_git_makes(make: Make, style: str) -> None:
    results = []
    for name, driven in (("driven", True), ("plain", False)):
        repo = make(name, driven=driven)
        files = {
            **base(),
            "N.md": "# N\n\nFirst.\n\nSecond.\n\n{}\n\nThird.\n\nLast.\n".format(
                "\n".join("abcdefgh")
            ),
        }
        repo.step(
            {} if driven else {".gitattributes": f"{GIT_ATTRIBUTE}\n"}
        )  # the same revisions, whose names are labels
        changed = ["Second, mine.\nAlike.", "Second, theirs.\nAlike."]
        ours, theirs = ({"N.md": files["N.md"].replace("Second.", words)} for words in changed)
        repo.sides(files, {**ours, "C.md": "[[N]]\n"}, {**theirs, "B.md": "[[N]]\n"}, "fix")
        repo.merge(clean=False, style=style)
        results.append(repo["N.md"])
    merged, plain = results
    assert (len(hunks(merged)), len(hunks(plain))) == (1, 2)
    assert hunks(merged) == hunks(plain)[:1]
    assert merged.endswith(f"{topic('A')}\n\n{C}\n\n{topic('M')}{FOOT}")


def test_lines_are_compared_as_git_would_compare_them(make: Make) -> None:
    bodies = [
        "\n".join(word) + "\n\n" for word in ("abb{}}{b", "abby{d{}}d}}{}}b", "abb{{dx}}{b")
    ]  # where algorithms differ
    repos = [make("driven"), make("plain", driven=False)]
    for repo in repos:
        old, ours, theirs = (
            {"N.md": body, "S.md": hand(*listed, before=body)}
            for body, listed in zip(bodies, ([A], [A, B], [A, C]), strict=True)
        )
        repo.sides(old, ours, theirs)
        repo.merge(clean=repo is repos[0] or None)
    driven, plain = repos
    assert driven["N.md"] == plain["N.md"]
    assert driven["S.md"] == plain["N.md"] + hand(A, B, before="")


def test_note_in_conflict_is_left_in_conflict_by_fix(make: Make) -> None:
    repo = make()
    repo.sides(
        base(),
        {"N.md": "Mine.\n", "C.md": "[[N]]\n"},
        {"N.md": "Theirs.\n", "B.md": "[[N]]\n"},
        "fix",
    )
    repo.merge(clean=False)
    assert re.match(r"<{7} HEAD\nMine.\n={7}\nTheirs.\n>{7} theirs\n\n<!-- vaultlink", repo["N.md"])
    assert git(repo.root, "diff", "--name-only", "--diff-filter=U") == "N.md\n"


FENCE = "```\n<!-- vaultlink:backlinks -->\n\n{}\n\n<!-- /vaultlink:backlinks -->\n```\n"


def test_markers_in_code_are_text(make: Make) -> None:
    old, ours, theirs = (FENCE.format(words) + "\n" for words in ("old", "mine", "theirs"))
    result = three(
        make(), hand(A, before=old), hand(A, B, before=ours), hand(A, C, before=theirs), clean=False
    )
    assert hunks(result) == ["<<<<<<< HEAD\nmine\n=======\ntheirs\n>>>>>>> theirs\n"]
    assert result.endswith(hand(A, B, before=""))


PLAIN: Mapping[str, tuple[bytes, bytes, bytes]] = {
    "not UTF-8": tuple(b"\xe9\n" + hand(*entries).encode() for entries in ([A], [A, B], [A, C])),  # type: ignore[dict-item]
    "a marker alone": tuple(
        b"<!-- vaultlink:backlinks -->\n\n" + hand(*entries).encode()
        for entries in ([A], [A, B], [A, C])
    ),  # type: ignore[dict-item]
    "another number of sections": (
        hand(A).encode(),
        (hand(A, B) + "\n" + hand(D)).encode(),
        hand(A, C).encode(),
    ),
    "a marker hurt": (
        hand(A).encode(),
        hand(A, B).replace("/vaultlink", "/vault").encode(),
        hand(A, C).encode(),
    ),
    "two new headings": tuple(
        hand(*entries).replace("Add", heading).encode()
        for entries, heading in (([A], "Add"), ([A, B], "Mine"), ([A, C], "Theirs"))
    ),  # type: ignore[dict-item]
    "moved to two places": tuple(
        text.encode()
        for text in (
            "one\n\n" + hand(A) + "\ntwo\n\nthree\n",
            "one\n\ntext\n\n\ntwo\n\n" + hand(A, B, before="") + "\nthree\n",
            hand(A, C, before="") + "\none\n\ntext\n\n\ntwo\n\nthree\n",
        )
    ),  # type: ignore[dict-item]
    "a line shared with other text": tuple(
        (hand(*entries).rstrip("\n") + " and more\n").encode() for entries in ([A], [A, B], [A, C])
    ),  # type: ignore[dict-item]
    "no sections": (b"a\n", b"b\n", b"c\n"),
    "an older conflict": (
        hand(A).encode(),
        hand(A, "<<<<<<< x\ny\n=======\nz\n>>>>>>> q").encode(),
        hand(A, C).encode(),
    ),
}


@each("name", PLAIN)
def test_ambiguous_notes_are_merged_by_git(tmp_path: Path, run: RunCommand, name: str) -> None:
    files = [tmp_path / side for side in ("base", "ours", "theirs")]
    for file, data in zip(files, PLAIN[name], strict=True):
        file.write_bytes(data)
    plain = subprocess.run(
        [
            "git",
            "merge-file",
            "-p",
            "--diff-algorithm=histogram",
            "-L",
            "ours",
            "-L",
            "base",
            "-L",
            "theirs",
            files[1],
            files[0],
            files[2],
        ],
        check=False,
        capture_output=True,
    )
    done = run("merge-driver", *files)
    assert (done.code, done.out, done.err) == (min(plain.returncode, 1), "", "")
    assert files[1].read_bytes() == plain.stdout
    assert (files[0].read_bytes(), files[2].read_bytes()) == (PLAIN[name][0], PLAIN[name][2])
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == [
        "base",
        "ours",
        "theirs",
    ]


def test_other_files_than_notes_are_merged_by_git(tmp_path: Path, run: RunCommand) -> None:
    write_files(tmp_path, {"b": hand(A), "o": hand(A, B), "t": hand(A, C)})
    files = [tmp_path / name for name in "bot"]
    assert run("merge-driver", *files, "--path", "board.canvas").code == 1
    assert "<<<<<<< ours" in files[1].read_text(encoding="utf-8")


def test_binary_file_is_a_conflict_and_unchanged(tmp_path: Path, run: RunCommand) -> None:
    write_files(tmp_path, {"b": b"\0\n", "o": b"\0 mine\n", "t": b"\0 theirs\n"})
    assert run("merge-driver", *(tmp_path / name for name in "bot")).code == 1
    assert (tmp_path / "o").read_bytes() == b"\0 mine\n"


def test_impossible_merge_is_a_failure_not_a_conflict(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in "bot"]
    assert run("merge-driver", *files).code == EXIT_DRIVER_FAILED
    write_files(tmp_path, {"b": hand(A), "o": hand(A, B), "t": hand(A, C)})
    monkeypatch.setenv("PATH", "")
    assert run("merge-driver", *files).code == EXIT_DRIVER_FAILED
    assert files[1].read_text(encoding="utf-8") == hand(A, B)
    assert run("merge-driver", *files[:2]).code == 2


def test_conflict_labels_and_marker_size_are_those_of_git(tmp_path: Path, run: RunCommand) -> None:
    write_files(tmp_path, {"b": "a\n" + hand(A), "o": "b\n" + hand(A, B), "t": "c\n" + hand(A, C)})
    words = (
        "--marker-size",
        "9",
        "--path",
        "-N.md",
        "--base-label",
        "%S",
        "--ours-label",
        "",
        "--theirs-label",
        "x's, y",
    )
    assert run("merge-driver", *(tmp_path / name for name in "bot"), *words).code == 1
    assert (
        (tmp_path / "o")
        .read_text(encoding="utf-8")
        .startswith("<<<<<<<<< ours\nb\n=========\nc\n>>>>>>>>> x's, y\n")
    )


# -- setting it up ------------------------------------------------------------------------------------------------------


def test_setting_up_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    vault = tmp_path / "my notes"
    vault.mkdir()
    first = set_up_merge_driver(vault)
    assert "Wrote `*.md merge=vaultlink`" in first[0]
    files = {
        file: file.read_bytes() for file in (vault / ".gitattributes", tmp_path / ".git" / "config")
    }
    assert files[vault / ".gitattributes"] == b"*.md merge=vaultlink\n"
    assert git(tmp_path, "config", "merge.vaultlink.driver").startswith(sys.executable)
    assert [("already" in sentence) for sentence in set_up_merge_driver(vault)] == [True, True]
    assert {file: file.read_bytes() for file in files} == files


@each(
    ("old", "new"),
    [
        (b"", b"*.md merge=vaultlink\n"),
        (b"*.png binary", b"*.png binary\n*.md merge=vaultlink\n"),
        (b"*.png binary\r\n# x\r\n", b"*.png binary\r\n# x\r\n*.md merge=vaultlink\r\n"),
        (b"*.md  text  merge=vaultlink\n", None),
        (
            b"*.md merge=vaultlink\n*.md -merge\n",
            b"*.md merge=vaultlink\n*.md -merge\n*.md merge=vaultlink\n",
        ),
    ],
)
def test_existing_gitattributes_are_preserved(
    tmp_path: Path, old: bytes, new: bytes | None
) -> None:
    git(tmp_path, "init", "--quiet")
    file = tmp_path / ".gitattributes"
    file.write_bytes(old)
    file.chmod(0o640)
    set_up_merge_driver(tmp_path)
    assert file.read_bytes() == (old if new is None else new)
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [".gitattributes"]


def test_setup_problems_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not in a git repository"):
        set_up_merge_driver(tmp_path)
    git(tmp_path, "init", "--quiet")
    write_files(tmp_path, {".git/info/attributes": "*.md merge=union\n"})
    assert "override" in set_up_merge_driver(tmp_path)[0]
    (tmp_path / ".gitattributes").write_bytes("*.png binary\n".encode("utf-16"))
    with pytest.raises(UsageError, match="UTF-16"):
        set_up_merge_driver(tmp_path)
    (tmp_path / ".gitattributes").rename(tmp_path / "other")
    (tmp_path / ".gitattributes").symlink_to("other")
    with pytest.raises(UsageError, match="symbolic link"):
        set_up_merge_driver(tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="git is not installed"):
        set_up_merge_driver(tmp_path)


@each(
    ("old", "new"),
    [
        (sys.executable, "/nowhere/python"),
        ("-m vaultlink ", "-m vaultlink_of_old "),
        ("--path", "--no-such-option"),
    ],
)
def test_git_merges_without_vaultlink(make: Make, old: str, new: str) -> None:
    repo = make()
    git(repo.root, "config", "merge.vaultlink.driver", build_driver_command().replace(old, new))
    result = three(repo, "a\n" + hand(A), "b\n" + hand(A, B), "c\n" + hand(A, C), clean=False)
    assert [hunk.split("\n")[0] for hunk in hunks(result)] == ["<<<<<<< HEAD", "<<<<<<< HEAD"]


@each("words", ["%O %A %B", "%O %A %B %P", "%O %A %B %L %P", "%O %A %B %L"])
def test_manual_driver_may_omit_arguments(make: Make, words: str) -> None:
    repo = make()
    git(
        repo.root,
        "config",
        "merge.vaultlink.driver",
        f"'{sys.executable}' -m vaultlink merge-driver {words}",
    )
    repo.sides({"n.md": hand(A)}, {"n.md": hand(A, B)}, {"n.md": hand(A, C)})
    repo.merge()
    assert repo["n.md"] == hand(A, B)


@each("words", [(), ("a", "b"), tuple("abcdef")])
def test_wrong_number_of_files_is_a_usage_error(run: RunCommand, words: tuple[str, ...]) -> None:
    assert run("merge-driver", *words).code == 2


def test_driver_supports_unusual_paths(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "100%A it's"
    place.mkdir()
    (place / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(place / "python"))
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
    repo = make("the vault's")
    name = 'it\'s - "N" $HOME.md'
    repo.step({"vaultlink.py": "raise SystemExit(1)\n", "json.py": "raise SystemExit(1)\n"})
    repo.sides({name: hand(A)}, {name: hand(A, B)}, {name: hand(A, C)})
    repo.merge()
    assert repo[name] == hand(A, B)


def test_merged_file_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    assert not replace_file(tmp_path / "none" / "x", b"1")
    assert replace_file(tmp_path / "x", b"1")
    write_files(tmp_path, {"y": ""})
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x", "y"]


def test_driver_imports_only_what_it_needs(tmp_path: Path) -> None:
    write_files(tmp_path, {"b": hand(A), "o": hand(A, B), "t": hand(A, C)})
    code = (
        "import sys; from vaultlink.__main__ import main; code = main(sys.argv[1:]); "
        "sys.exit(code or bool({'typer', 'yaml', 'networkx', 'rapidfuzz', 'vaultlink.disk.read', 'vaultlink.engine.step.step'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "merge-driver", "b", "o", "t"], cwd=tmp_path, check=False
    )
    assert done.returncode == 0


# -- laws -----------------------------------------------------------------------------------------------------------------

Texts = tuple[str, str, str]


def by_git(texts: Sequence[str]) -> tuple[str, bool]:
    """Return git's merge; git is not run if one side is unchanged."""
    base, ours, theirs = texts
    if ours == theirs or base in (ours, theirs):
        return (theirs if ours == base else ours), False
    return real_git(texts)


def real_git(texts: Sequence[str]) -> tuple[str, bool]:
    """Return git's merge of three texts."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in zip(("b", "o", "t"), texts, strict=True):
            Path(folder, name).write_bytes(text.encode())
        done = subprocess.run(
            ["git", "merge-file", "-p", "-q", "o", "b", "t"],
            cwd=folder,
            check=False,
            capture_output=True,
        )
    return done.stdout.decode(), done.returncode != 0


WORDS = st.sampled_from(
    [
        "Typed.",
        "typed too",
        "```",
        "- [ ] do",
        "> said",
        "| a | b |",
        "[[A]] said",
        "**So**",
        "x – y",
    ]
)
BELOW = st.lists(st.sampled_from(["  - see [[N]]", "    words", "\n  apart", "\tdeep"]), max_size=2)


@st.composite
def sections(draw: st.DrawFn, style: str) -> str:
    """Generate a section as written by fixes and people."""
    lines = []
    for name in draw(st.lists(st.sampled_from("ABCDEF"), unique=True, max_size=4)):
        entry = topic(name) if style == "topics" else f"- [[{name}]]"
        lines.append("\n".join([entry, *draw(BELOW)]))
        lines += draw(st.lists(WORDS, max_size=2))
    lines = draw(st.lists(WORDS, max_size=1)) + lines
    said = draw(st.sampled_from(["before=1 after=1", "before=2 after=1", "adopted"]))
    heading = draw(
        st.sampled_from(
            ["**Add backlinks using these topics:**", "## Backlinks", "Mentioned in", ""]
        )
    )
    parts = [
        f"<!-- vaultlink:backlinks {said} -->",
        heading,
        ("\n\n" if style == "topics" else "\n").join(lines),
        "<!-- /vaultlink:backlinks -->",
    ]
    return "\n\n".join(part for part in parts if part)


@st.composite
def notes(draw: st.DrawFn) -> Texts:
    """Generate three versions of a note."""
    style = draw(st.sampled_from(["topics", "list"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    made = st.builds(
        lambda above, section, below: f"{above}\n\n{section}{below}" if section else f"{above}\n",
        st.sampled_from(
            ["a\n\nb\n\nc"] * 4 + ["new\n\na\n\nb\n\nc", "a\n\nb, changed\n\nc", "c", "x\n\nc", ""]
        ),
        st.one_of(sections(style), sections(style), sections(style), st.just("")),
        st.sampled_from(["\n"] * 5 + ["", "\n\nbelow\n"]),
    )
    base, ours, theirs = (draw(made).replace("\n", end) for _ in range(3))
    return base, ours, theirs


def section_of(text: str) -> str:
    found = re.search(r"<!-- vaultlink:backlinks.*<!-- /vaultlink:backlinks -->", text, re.DOTALL)
    return found[0] if found else ""


def lines_of(text: str) -> set[str]:
    """Return the lines of a section that a person may have typed."""
    lines = {line.strip() for line in section_of(text).splitlines()[1:-1]} - {
        "",
        "**Add backlinks using these topics:**",
        "## Backlinks",
    }
    return {line for line in lines if not re.fullmatch(r"(. – \[\[.\]\]|- (see )?\[\[.\]\])", line)}


@given(notes())
@budget(max_examples=count_examples(150))
def test_merge_preserves_typed_text(texts: Texts) -> None:
    base, *sides = texts
    try:
        merged, _ = merge_note(texts, "N.md", by_git)
    except CannotMerge:
        return
    assert "vaultlink-section" not in merged
    for side in sides:
        assert lines_of(side) - lines_of(base) <= {line.strip() for line in merged.splitlines()}


@given(notes())
@budget(max_examples=count_examples(150))
def test_merge_with_an_unchanged_side_is_the_other_side(texts: Texts) -> None:
    old, new, _ = texts
    for three_texts, expected in (
        ((old, new, old), new),
        ((old, old, new), new),
        ((old, new, new), new),
        ((old, old, old), old),
    ):
        with suppress(CannotMerge):
            assert merge_note(three_texts, "N.md", by_git) == (expected, False)


@given(notes())
@budget(max_examples=count_examples(100))
def test_text_outside_the_sections_is_merged_as_git_merges_it(texts: Texts) -> None:
    """Git merges the same notes, with the section that was taken in all three."""
    if not all(map(section_of, texts)) or "```" in "".join(texts):
        return
    try:
        merged, has_conflicts = merge_note(texts, "N.md", real_git)
    except CannotMerge:
        return
    taken = section_of(merged.split("<<<<<<<", maxsplit=1)[0]) or section_of(merged)
    if merged.count("/vaultlink:") == 1:
        assert taken in map(section_of, texts)
        sign = "SECTION"
        bodies = [text.replace(section_of(text), sign) for text in texts]
        assert (merged.replace(taken, sign), has_conflicts) == real_git(bodies)


LINKS = st.frozensets(st.tuples(st.sampled_from("NABCD"), st.sampled_from("NABCD")), max_size=12)


def linked(links: frozenset[tuple[str, str]]) -> dict[str, str]:
    """Notes of as many lines each, with a link where one is asked for."""
    return {
        f"{one}.md": "".join(
            f"{other}\n\n- {f'said of [[{other}]]' if (one, other) in links else 'nothing'}\n\n"
            for other in "NABCD"
        )
        for one in "NABCD"
    }


def line_by_line(texts: Sequence[str]) -> tuple[str, bool]:
    """A merge of texts that differ in lines apart from each other only."""
    lines = [text.split("\n") for text in texts]
    assert len(set(map(len, lines))) == 1
    merged = [their if own == old else own for old, own, their in zip(*lines, strict=True)]
    return "\n".join(merged), False


@pytest.mark.parametrize("style", ["topics", "list", "context"])
@given(LINKS, LINKS, LINKS)
@budget(max_examples=count_examples(15))
def test_after_a_merge_fix_writes_what_both_sides_link(
    style: str,
    old: frozenset[tuple[str, str]],
    ours: frozenset[tuple[str, str]],
    theirs: frozenset[tuple[str, str]],
) -> None:
    settings = writing(style=style, entries="all")
    versions = [kept(linked(links), settings) for links in (old, ours, theirs)]
    merged = {}
    for path in versions[0]:
        texts = [version[path] for version in versions]
        is_plain = not any(map(section_of, texts))
        merged[path], _ = line_by_line(texts) if is_plain else merge_note(texts, path, line_by_line)
    links = (ours & theirs) | (ours - old) | (theirs - old)
    written, fresh = kept(merged, settings), kept(linked(links), settings)
    for path, text in fresh.items():
        # A section that would not be worth writing stays if it exists.
        assert written[path] == text or without(path, written[path]) == text
