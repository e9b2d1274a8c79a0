"""A short month of the sample vault, and what the month must notice."""

import signal
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from month import Month, copy_vault, insert_paragraph
from month_figures import describe_figures
from month_ledger import Ledger
from month_programs import apply_text_edits
from repositories import git
from running import RunCommand, create_vault
from vaultlink.model import PendingWrite
from vaultlink.write.journal import record_and_write

SAMPLE = Path(__file__).parents[1] / "fixtures" / "podcast-wiki"

pytestmark = [
    pytest.mark.project,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of processes in /proc"),
    pytest.mark.timeout(300),  # it waits for the pauses of watchers
]


@pytest.fixture
def month(tmp_path: Path) -> Iterator[Month]:
    """A month of the sample vault that has just begun."""
    copy_vault(SAMPLE, tmp_path / "vault")
    with Month(tmp_path / "vault", tmp_path, seed=1) as begun:
        yield begun
    programs = begun.programs
    assert (programs.fixer.process.returncode, programs.verifier.process.returncode) == (0, 0)


def test_two_days_of_the_sample_vault(month: Month) -> None:
    month.play(2, 12.0)
    figures = month.finish()
    assert figures["violations"] == []
    assert figures["days"] == 2
    assert sum(figures["events"].values()) >= 8
    assert figures["runs"]["watch"] >= 1
    assert figures["memory"].keys() == {"watch --fix", "watch --verify", "lsp", "mcp"}
    assert (
        "Violations                                         0" in [*describe_figures(figures)][-1]
    )
    assert git(month.vault, "log", "--oneline").count("\n") >= 3


def test_stale_and_unexplained_findings_are_noticed(month: Month) -> None:
    month.act("Obsidian: a link to an unwritten note")
    assert month.prove() == []
    month.patience = 6.0
    month.programs.verifier.signal(signal.SIGSTOP)
    month.act("Obsidian: a link to an unwritten note")
    note = month.vault / "long_tide.md"
    note.write_text(insert_paragraph(note.read_text("utf-8"), "[[nobody_linked_here]]"), "utf-8")
    problems = [item.problem for item in month.prove()]
    month.programs.verifier.signal(signal.SIGCONT)
    assert "long_tide.md is not byte for byte as the start left it" in problems
    assert any("watch --verify lacks Finding(path='long_tide.md'" in item for item in problems)
    [unexplained] = [item for item in problems if item.startswith("nothing explains")]
    assert "“nobody_linked_here” is not written yet" in unexplained
    assert {(item.day, item.seed) for item in month.violations} == {(0, 1)}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """The ledger of a vault with one paragraph and a link that can be fixed."""
    notes = {"Harbour.md": "# Harbour\n", "Tide.md": "See [[harbour quay]].\n"}
    ledger = Ledger(create_vault(tmp_path / "vault", notes | {"Harbour Quay.md": "Stone.\n"}))
    ledger.write("Ada", "Harbour.md", f"{ledger.add_paragraph('Ada thinks.')}\n".encode())
    return ledger


ALTERED = {
    "a lost paragraph": ("Harbour.md", b"", "the paragraph q00001q is in no note"),
    "other words": ("Harbour.md", b"q00001q Ada thanks.\n", "the sentence of q00001q is not as"),
    "a byte": ("Tide.md", b"See [[harbour quay]]!\n", "Tide.md is not byte for byte as the start"),
    "a new file": (".vaultlink-x.tmp", b"", ".vaultlink-x.tmp is there, and nobody wrote it"),
    "a lost file": ("Tide.md", None, "Tide.md is gone; the start wrote it last"),
}


@pytest.mark.parametrize("name", ALTERED)
def test_ledger_notices_what_nobody_wrote(ledger: Ledger, name: str) -> None:
    path, content, problem = ALTERED[name]
    assert ledger.find_problems() == []
    if content is None:
        (ledger.root / path).unlink()
    else:
        (ledger.root / path).write_bytes(content)
    assert any(item.startswith(problem) for item in ledger.find_problems())
    ledger.adopt()
    assert ledger.find_problems() == []


def test_ledger_notices_a_paragraph_that_was_lost_before_its_author_wrote(ledger: Ledger) -> None:
    ledger.write("Bo", "Harbour.md", b"Other words.\n")
    assert ledger.find_problems() == [
        "Harbour.md lacked the paragraph q00001q when Bo opened it",
        "the paragraph q00001q is in no note, and nobody deleted it",
    ]


def test_ledger_follows_runs_and_what_undoes_them(ledger: Ledger, run: RunCommand) -> None:
    vault = ledger.root
    for words in (
        ("rename", "Harbour Quay", "Pier"),
        ("undo",),
        ("delete", "Harbour Quay", "--leave"),
        ("undo",),
    ):
        assert run(*words, "--vault", vault).code == 0
        if words[0] == "delete":
            [problem] = ledger.find_problems()
            assert problem.endswith(" deleted Harbour Quay.md, and nobody asked for it")
        else:
            assert ledger.find_problems() == []
    assert [run.undoes for run in ledger.runs] == [
        None,
        ledger.runs[0].id,
        None,
        ledger.runs[2].id,
    ]


def test_ledger_notices_a_run_that_changes_words(ledger: Ledger) -> None:
    texts = [
        b"See [[harbour quay]].\n",
        b"See [[Harbour Quay|harbour quay]].\n",
        b"[[Harbour Quay]]\n",
    ]
    for old, new in pairwise(texts):
        assert ledger.find_problems() == []
        record_and_write(
            ledger.root, "vaultlink fix", "Fixed.", [PendingWrite("Tide.md", old, new)]
        )
    [problem] = ledger.find_problems()
    assert problem.endswith(" changed words of Tide.md that are no link")


def test_edits_of_the_protocol_count_utf_16_units() -> None:
    place = {"start": {"line": 1, "character": 3}, "end": {"line": 1, "character": 4}}
    edits = [{"range": place, "newText": "B"}]
    assert apply_text_edits("one\r\n😀 a\n", edits) == "one\r\n😀 B\n"
