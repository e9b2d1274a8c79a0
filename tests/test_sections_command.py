"""Tests of `vaultlink sections`, and that the former words of `backlinks` do the same."""

from pathlib import Path

import pytest

from running import RunCommand, read_files, write_files

SECTIONS = {
    ("sections", "write"): ("backlinks", "--write"),
    ("sections", "check"): ("backlinks", "--check"),
    ("sections", "adopt"): ("backlinks", "--adopt"),
    ("sections", "remove"): ("backlinks", "--remove"),
    ("sections", "write", "--diff"): ("backlinks", "--write", "--diff"),
    ("sections", "write", "N"): ("backlinks", "--write", "N"),
    ("sections", "check", "N", "--style", "list"): ("backlinks", "N", "--check", "--style", "list"),
    ("sections", "write", "--json"): ("backlinks", "--write", "--json"),
    ("sections", "write", "N", "--diff"): ("backlinks", "N", "--dry-run"),
    ("sections", "check", "--order", "title"): (
        *("backlinks", "--order", "rank", "--group=folder", "--check"),
    ),
    ("sections", "check", "--mentions", "N"): ("backlinks", "--mentions", "--check", "--", "N"),
    ("sections", "adopt", "--check"): ("backlinks", "--check", "--adopt"),
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault with a section of its author and one of vaultlink, and enter it."""
    (tmp_path / "vault/.obsidian").mkdir(parents=True)
    write_files(
        tmp_path / "vault",
        {
            "A.md": "See [[N]] and [[own]].\n",
            "B.md": "On [[M]]\n",
            "M.md": "Text\n",
            "N.md": "Text\n",
            "map.png": "",
            "own.md": "Text\n\n**Add backlinks using these topics:**\n\nA – [[A]]\n",
            "old.md": "Text\n\n<!-- vaultlink:backlinks before=1 after=1 -->\n\n"
            "**Add backlinks using these topics:**\n\nB – [[B]]\n\n<!-- /vaultlink:backlinks -->\n",
        },
    )
    monkeypatch.chdir(tmp_path / "vault")
    return tmp_path / "vault"


@pytest.mark.parametrize("words", SECTIONS, ids=" ".join)
def test_former_words_do_the_same(vault: Path, run: RunCommand, words: tuple[str, ...]) -> None:
    before = read_files(vault)
    done, after = run(*words), read_files(vault)
    for path, content in before.items():
        (vault / path).write_bytes(content)
    other = run(*SECTIONS[words])
    assert (done.code, done.out) == (other.code, other.out)
    warning, rest = other.err.split("\n", 1)
    assert warning.startswith("warning: `backlinks --")
    assert warning.endswith(f" is `sections {words[1]}` now.") or "--diff" in words
    assert rest == done.err
    assert read_files(vault) == after
    assert (after == before) == ("check" in words or "--diff" in words or "--check" in words)


def test_heading_names_the_sections_to_adopt(vault: Path, run: RunCommand) -> None:
    write_files(vault, {"M.md": "Text\n\n## Zzz\n\n- [[B]]\n"})
    assert "M.md" not in run("sections", "adopt", "--diff").out
    for words in (("sections", "adopt"), ("backlinks", "--adopt")):
        done = run(*words, "--heading", "## Zzz", "--diff")
        assert (done.code, "+++ b/M.md" in done.lines) == (1, True)


@pytest.mark.parametrize(
    "words", [("--write", "--check"), ("--write", "--remove"), ("--limit", "1", "--write")]
)
def test_former_words_that_exclude_each_other_are_refused(
    vault: Path, run: RunCommand, words: tuple[str, ...]
) -> None:
    before = read_files(vault)
    done = run("backlinks", *words)
    assert (done.code, done.out, read_files(vault)) == (2, "", before)


def test_former_words_are_explained_once_and_names_are_left_alone(
    vault: Path, run: RunCommand
) -> None:
    done = run("backlinks", "--order=recent", "--group", "none", "--check")
    assert done.err.splitlines()[0] == (
        "warning: `backlinks --group none` is `backlinks` now, `backlinks --order recent` is "
        "`backlinks --order title` now, `backlinks --check` is `sections check` now."
    )
    assert "there is no note “--write”" in run("backlinks", "--", "--write").err


def test_several_notes_can_be_named(vault: Path, run: RunCommand) -> None:
    assert run("sections", "check").lines == [
        *("path\tchange", "M.md\twritten", "N.md\twritten", "old.md\ttaken out")
    ]
    done = run("sections", "write", "N", "old.md")
    assert done.lines == ["path\tchange", "N.md\twritten", "old.md\ttaken out"]
    assert run("sections", "check", "N", "old").code == 0
    assert run("sections", "check").lines == ["path\tchange", "M.md\twritten"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "sections requires an action: write, check, adopt, remove."),
        (("N",), "ACTION: invalid value “N”. Valid values: write, check, adopt, remove."),
        (("remove", "--style", "list"), "--style has no effect with `sections remove`."),
        (("adopt", "--mentions"), "--mentions has no effect with `sections adopt`."),
        (("write", "Nothing"), "Nothing"),
        (("write", "--order", "rank"), "rank"),
        (("write", "--style", "fancy"), "Valid values: auto, topics, list, context"),
        (("write", "map.png"), "is not a note"),
    ],
)
def test_misuse_is_refused(
    vault: Path, run: RunCommand, words: tuple[str, ...], message: str
) -> None:
    before = read_files(vault)
    done = run("sections", *words)
    assert done.code == 2
    assert message in done.err
    assert read_files(vault) == before


def test_another_style_replaces_passages(vault: Path, run: RunCommand) -> None:
    for style, has_passage in (("list", False), ("context", True), ("list", False)):
        assert run("sections", "write", "--style", style).code == 0
        text = (vault / "N.md").read_text(encoding="utf-8")
        assert ("  - See [[N]] and [[own]]." in text) is has_passage
        assert ("style=context" in text) is has_passage
        assert run("sections", "check", "--style", style).code == 0
        assert run("sections", "check").code == 0


def test_passages_of_an_older_version_are_updated_once(vault: Path, run: RunCommand) -> None:
    """It quoted bare links and images; checks do not compare passages."""
    old = (
        "Text\n\n<!-- vaultlink:backlinks before=1 after=1 -->\n\n## Backlinks\n\n"
        "- [[C]]\n  - [[Q]]\n  - [](p.png) at [[Q]]\n\n<!-- /vaultlink:backlinks -->\n"
    )
    write_files(vault, {"C.md": "- [[Q]]\n\n![](p.png) at [[Q]]\n", "Q.md": old, "p.png": ""})
    (vault / "own.md").unlink()
    (vault / "old.md").unlink()
    assert run("check", "--select", "VL408").code == 0
    assert run("sections", "check", "Q").lines == ["path\tchange", "Q.md\tbrought in step"]
    assert run("sections", "write").code == 0
    assert (vault / "Q.md").read_text(encoding="utf-8") == old.replace(
        "after=1 -->", "after=1 style=context -->"
    ).replace("  - [[Q]]\n  - [](p.png) at [[Q]]\n", "  - at [[Q]]\n")
    assert run("sections", "check").code == 0
