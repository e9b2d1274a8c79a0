"""What only looks like a move changes no link: copies, templates, edited notes."""

import os
from pathlib import Path

import pytest

from repositories import create_repository, update_files
from running import RunCommand
from test_link_memory import BODY, ONE, OTHER, TWO
from vaultlink.disk.cache import program_digest

STAMP = (10**18, 10**18)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = tmp_path / "vault"
    root.mkdir()
    return root


def fix(run: RunCommand, root: Path) -> str:
    run("fix", "--vault", str(root))
    return (root / "Home.md").read_text("utf-8")


def check(run: RunCommand, root: Path) -> None:
    run("check", "--vault", str(root))


def test_backup_of_an_edited_file_takes_no_links(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"One.md": ONE, "p.png": b"\x89", "Home.md": "[[One]] ![[p.png]]\n"})
    check(run, vault)
    for name, copy in (("One.md", "One backup.md"), ("p.png", "p-original.png")):
        (vault / copy).write_bytes((vault / name).read_bytes())
        times = (vault / name).stat()
        os.utime(vault / copy, ns=(times.st_atime_ns, times.st_mtime_ns))
    update_files(vault, {"One.md": ONE + "more\n", "p.png": b"\x89more"})
    assert fix(run, vault) == "[[One]] ![[p.png]]\n"


def test_equal_size_and_time_prove_nothing_if_the_text_differs(
    run: RunCommand, vault: Path
) -> None:
    update_files(vault, {"Apple.md": "# Apple\n", "Home.md": "[[Apple]]\n"})
    os.utime(vault / "Apple.md", ns=STAMP)
    check(run, vault)
    update_files(vault, {"Apple.md": None, "Zebra.md": "# Zebra\n"})
    os.utime(vault / "Zebra.md", ns=STAMP)
    assert fix(run, vault) == "[[Apple]]\n"


def test_link_in_an_edited_note_may_mean_the_new_target(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"old/X.md": BODY, "Home.md": "[[X]]\n"})
    check(run, vault)
    update_files(vault, {"X.md": OTHER, "Home.md": "[[X]]\n\nWritten today: [[X]]\n"})
    assert fix(run, vault) == "[[X]]\n\nWritten today: [[X]]\n"


def test_note_edited_after_the_finding_may_mean_the_new_target(
    run: RunCommand, vault: Path
) -> None:
    update_files(vault, {"old/X.md": BODY, "Home.md": "[[X]]\n"})
    check(run, vault)
    update_files(vault, {"X.md": OTHER})
    check(run, vault)
    update_files(vault, {"Home.md": "[[X]] is new\n"})
    assert fix(run, vault) == "[[X]] is new\n"


def test_exchanged_images_are_noticed(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"a.png": b"\x89a", "b.png": b"\x89bb", "Home.md": "![[a.png]]\n"})
    check(run, vault)
    for old, new in (("a.png", "c"), ("b.png", "a.png"), ("c", "b.png")):
        (vault / old).rename(vault / new)
    assert fix(run, vault) == "![[b.png]]\n"


def test_copied_note_may_be_the_one_that_had_the_links(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"J/Goals.md": ONE, "J/Home.md": "[[J/Goals]]\n", "Home.md": ""})
    check(run, vault)
    (vault / "J").rename(vault / "A")
    update_files(vault, {"J/Goals.md": TWO, "J/Home.md": "[[J/Goals]]\n"})
    fix(run, vault)
    assert (vault / "J/Home.md").read_text("utf-8") == "[[J/Goals]]\n"


def test_heading_that_only_the_present_target_has_is_no_change(
    run: RunCommand, vault: Path
) -> None:
    update_files(vault, {"A.md": ONE, "B.md": TWO, "Home.md": "[[A#Goals|x]]\n"})
    check(run, vault)
    update_files(vault, {"A.md": TWO, "B.md": ONE})
    check(run, vault)
    update_files(vault, {"A.md": ONE, "B.md": TWO})
    assert fix(run, vault) == "[[A#Goals|x]]\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [("2026-W18", "2026-W19"), ("Version 1.2", "Version 1.3")],
)
def test_section_with_another_number_is_another_section(
    old: str, new: str, run: RunCommand, vault: Path
) -> None:
    text = "# Plan\n\n## {}\n\n" + BODY + "\n## End\n"
    update_files(vault, {"Plan.md": text.format(old), "Home.md": f"[[Plan#{old}|x]]\n"})
    check(run, vault)
    update_files(vault, {"Plan.md": text.format(new)})
    assert fix(run, vault) == f"[[Plan#{old}|x]]\n"


def test_template_section_of_another_day_is_another_section(run: RunCommand, vault: Path) -> None:
    day = "# Day\n\n## Tasks\n\n" + BODY + "\n## Log\n\nlog\n"
    update_files(vault, {"2026-05-01.md": day, "Home.md": "[[2026-05-01#Tasks|x]]\n"})
    check(run, vault)
    update_files(
        vault,
        {"2026-05-01.md": "# Day\n\n## Log\n\nlog\n", "2026-05-02.md": day},
    )
    assert fix(run, vault) == "[[2026-05-01#Tasks|x]]\n"


def test_note_made_for_a_broken_link_may_be_meant(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"X.md": ONE, "Home.md": "[[X]]\n"})
    check(run, vault)
    (vault / "X.md").rename(vault / "Moved.md")
    check(run, vault)
    update_files(vault, {"X.md": OTHER})
    assert "retargeted-link" in run("check", "--vault", str(vault)).out
    assert fix(run, vault) == "[[X]]\n"
    run("fix", "--unsafe-fixes", "--vault", str(vault))
    assert (vault / "Home.md").read_text("utf-8") == "[[Moved|X]]\n"


def test_another_version_knows_what_is_remembered(run: RunCommand, vault: Path) -> None:
    update_files(vault, {"X.md": ONE, "Gone.md": OTHER, "Home.md": "[[X]] [[Gone]]\n"})
    check(run, vault)
    update_files(vault, {"X.md": None, "Moved.md": ONE, "Gone.md": None})
    check(run, vault)
    [state] = Path(os.environ["VAULTLINK_CACHE_DIR"]).glob("*/state")
    for name in ("state", "stamps"):
        file = state.with_name(name)
        file.write_bytes(file.read_bytes().replace(program_digest(), bytes(16), 1))
    assert fix(run, vault) == "[[Moved|X]] [[Gone]]\n"


@pytest.mark.parametrize("rest", ["", "See [[New]].\n"])
def test_what_is_left_of_a_note_may_be_meant(rest: str, run: RunCommand, vault: Path) -> None:
    update_files(vault, {"X.md": ONE, "Home.md": "[[X]]\n"})
    check(run, vault)
    update_files(vault, {"New.md": ONE, "X.md": rest})
    assert fix(run, vault) == "[[X]]\n"


def test_note_that_was_split_is_not_one_of_its_parts(run: RunCommand, vault: Path) -> None:
    other = TWO.replace("item", "point")
    update_files(vault, {"X.md": ONE + other, "Home.md": "[[X]]\n"})
    check(run, vault)
    update_files(vault, {"X.md": None, "One.md": ONE, "Two.md": other})
    assert fix(run, vault) == "[[X]]\n"


def test_smaller_part_of_a_split_note_is_a_part(run: RunCommand, vault: Path) -> None:
    large = "".join(f"## Part {n}\n\n[[Topic {n}]] has {n * 3} words.\n\n" for n in range(12))
    small = "".join(f"## Section {n}\n\n[[Subject {n}]]: {n * 5} words.\n\n" for n in range(3))
    update_files(vault, {"X.md": large + small, "Home.md": "[[X]]\n"})
    check(run, vault)
    update_files(vault, {"X.md": None, "Large.md": large, "Small.md": small})
    assert fix(run, vault) == "[[X]]\n"


def test_name_in_another_case_comes_first(run: RunCommand, vault: Path) -> None:
    root = create_repository(vault, {"pywal.md": "", "Home.md": "[[pywal]]\n"})
    update_files(root, {"pywal.md": None, "Intel.md": "", "Pywal.md": "", "Windows.md": ""})
    assert fix(run, root) == "[[pywal]]\n"
