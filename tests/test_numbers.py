"""All outputs agree on the numbers of fixes and notes, and their next steps can be run as printed."""

import json
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exploring import spread
from repositories import create_repository
from running import RunCommand, create_vault, read_files, write_files
from tables import each
from test_counts import FIXTURES, parse_summary
from vaultlink import open_vault
from vaultlink.serve.stepper import Stepper
from vaultlink.watch.session import Session

# -- the numbers of fixes in all outputs ---------------------------------------------------------------------------


class Numbers(NamedTuple):
    """The numbers of fixes that an output prints; `unsafe` is None where it says "at least"."""

    safe: int
    unsafe: int | None


def read_json(run: RunCommand, *words: object) -> Any:
    return run(*words, "--output-format", "json").data


def list_numbers(run: RunCommand, *words: object) -> Iterator[tuple[str, Numbers]]:
    """Yield the numbers of fixes by output."""
    data = read_json(run, "check", *words)
    summary = data["summary"]
    numbers = Numbers(summary["fixable"], summary["unsafe_fixable"])
    yield "json", numbers
    rows = Counter(item["fix"]["safety"] for item in data["findings"] if item["fix"])
    yield "rows", Numbers(rows["safe"], rows["unsafe"])
    for name in ("full", "concise"):
        (safe, unsafe), is_exact = parse_summary(run("check", "--output-format", name, *words).err)
        assert unsafe <= (numbers.unsafe or 0)
        yield name, Numbers(safe, unsafe if is_exact and safe + unsafe else numbers.unsafe)
    lines = [line.split() for line in run("check", "--statistics", *words).lines[1:]]
    yield (
        "statistics",
        Numbers(*(sum(int(line[at].replace(",", "")) for line in lines) for at in (1, 2))),
    )
    overview = run("check", "--output-format", "full", "--show", "overview", *words).out
    safe, unsafe = (
        int(match[1].replace(",", "")) if (match := re.search(pattern, overview)) else 0
        for pattern in (r"  fix ([\d,]+) now", r"the rest; ([\d,]+) ha")
    )
    yield "overview", Numbers(safe, unsafe)
    page = run("check", "--output-format", "markdown", *words).out
    if match := re.search(r"\| ([\d,]+) \| ([\d,]+) \|\n\n###? ", page):
        yield "markdown", Numbers(*(int(number.replace(",", "")) for number in match.groups()))


def compare_numbers(run: RunCommand, *words: object) -> Numbers:
    """Return the numbers that all outputs print."""
    found = dict(list_numbers(run, *words))
    assert len(set(found.values())) == 1, found
    return found["json"]


def count_planned(run: RunCommand, *words: object) -> int:
    planned = re.search(r"Would fix ([\d,]+) ", run("fix", "--diff", *words).err)
    return int(planned[1].replace(",", "")) if planned else 0


def compare_with_fix(run: RunCommand, vault: Path, *words: object) -> Numbers:
    """Compare all numbers cold, warm, with what `fix` would do, and after `fix`; return them."""
    cold = compare_numbers(run, *words)
    assert compare_numbers(run, *words) == cold
    assert count_planned(run, *words) == cold.safe
    assert count_planned(run, *words, "--unsafe-fixes") == cold.safe + (cold.unsafe or 0)
    if not {"--no-baseline", "Notes"} & {*words}:
        report = read_json(run, "report", *words)["totals"]
        if not (vault / ".vaultlink-baseline.json").exists():
            assert (report["fixes_safe"], report["fixes_unsafe"]) == cold
    fixed = run("fix", *words, "--output-format", "json")
    assert json.loads(fixed.out)["fixed"]["findings"] == cold.safe
    after = compare_numbers(run, *words)
    assert after.safe == 0
    return cold


@pytest.mark.thorough
@pytest.mark.parametrize("many", spread((0, 1_000)))
@each("name", sorted(file.name for file in FIXTURES.iterdir() if file.is_dir()))
def test_outputs_of_fixtures_agree(
    name: str, many: int, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also as in a vault with many findings, whose output is made in parts."""
    monkeypatch.setattr("vaultlink.cli.check_output._MANY", many)
    vault = tmp_path / "vault"
    shutil.copytree(FIXTURES / name, vault)
    monkeypatch.chdir(vault)
    compare_with_fix(run, vault, "--cache-dir", tmp_path / "cache")


def make_large_vault() -> dict[str, str]:
    """Return notes with 5,000 broken links, 160 safe fixes and 40 guesses among them."""
    notes = {f"mem{n}.md": f"---\ntitle: Role of memory {n}\n---\n" for n in range(40)}
    notes |= {f"Deep/Chapter on the albatross {n}.md": "" for n in range(40)}
    for n in range(100):
        links = [f"[[Nothing {n} {k}]]" for k in range(48)]
        links += [f"[[Role of memory {(n + k) % 40}]]" for k in range(2 if n < 60 else 1)]
        if n < 40:
            links.append(f"[[Old/Chapter on the albatross {n}]]")
        notes[f"Notes/Note {n:02}.md"] = "\n".join(links) + "\n"
    notes["Tags.md"] = "---\ntag: a\n---\n[[Role of memory 1]]\n"
    return notes


LARGE = make_large_vault()


@pytest.fixture
def large_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    vault = create_vault(tmp_path / "vault", LARGE)
    monkeypatch.chdir(vault)
    return vault


def test_outputs_of_a_large_vault_agree(large_vault: Path, tmp_path: Path, run: RunCommand) -> None:
    cache = ("--cache-dir", tmp_path / "cache")
    found = compare_with_fix(run, large_vault, *cache)
    assert found.safe == 162
    assert (found.unsafe or 0) >= 40


def test_outputs_with_known_findings_agree(
    large_vault: Path, tmp_path: Path, run: RunCommand
) -> None:
    """With a baseline, `fix` also fixes known findings, as the sentence says."""
    run("baseline")
    write_files(large_vault, {"New.md": "[[Role of memory 3]] [[Nothing new]]\n"})
    summary = read_json(run, "check")["summary"]
    assert (summary["fixable"], summary["unsafe_fixable"]) == (1, 0)
    for name in ("concise", "full"):
        said = run("check", "--output-format", name, "--cache-dir", tmp_path / "cache").err
        assert "can fix 1 of them and 162 known findings" in said
    assert count_planned(run) == 163


# -- the number of notes -------------------------------------------------------------------------------------------


def read_notes(text: str) -> int:
    match = re.search(r"(?:findings in|;) (\d+) notes?(?: checked)?\.", text)
    assert match, text
    return int(match[1])


@each(
    ("words", "notes"),
    [
        ((), 4),
        (("Notes",), 2),
        (("Home.md",), 1),
        (("Home.md", "Notes"), 3),
        (("--changed-since", "HEAD"), 4),
    ],
    ids=["all", "folder", "note", "both", "since"],
)
def test_check_and_fix_name_the_same_number_of_notes(
    words: tuple[str, ...],
    notes: int,
    tmp_path: Path,
    run: RunCommand,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {
        "Home.md": "[[A title]] [[No]]\n",
        "Notes/a.md": "[[b]] [[A title]]\n",
        "Notes/b.md": "",
        "mem.md": "---\ntitle: A title\n---\n",
    }
    vault = create_vault(tmp_path / "vault", files)
    create_repository(vault, files)
    monkeypatch.chdir(vault)
    cache = ("--cache-dir", tmp_path / "cache")
    assert read_notes(run("check", *words, *cache).err) == notes
    assert read_notes(run("check", *words, *cache).err) == notes
    assert read_notes(run("fix", *words, *cache).err) == notes
    assert read_notes(run("fix", *words, *cache).err) == notes
    run("baseline")
    assert read_notes(run("check", *words, *cache).err) == notes
    assert read_notes(run("fix", *words, *cache).err) == notes


def test_text_on_standard_input_is_one_note(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = create_vault(tmp_path / "vault", {"Home.md": "[[No]]\n", "a.md": "", "b.md": ""})
    monkeypatch.chdir(vault)
    for command in ("check", "fix"):
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"[[No]] [[a]]\n")))
        assert read_notes(run(command, "-", "--stdin-filename", "Home.md").err) == 1


# -- next steps ----------------------------------------------------------------------------------------------------

PROPOSED = re.compile(r"`(vaultlink [^`]+)`|^  (vaultlink .*?)(?:  |$)", re.MULTILINE)

STEPS = {
    "it's here/Home page.md": "[[A title]] [[Paln]] [[No such thing]] [[Other#Missing]]\n",
    "it's here/Plan.md": "[[A title]]\n",
    "Other.md": "[[A title]] [[Nothing]]\n[[Paln]]\n",
    "mem.md": "---\ntitle: A title\n---\n",
    "my settings.toml": 'ignore = ["missing-heading"]\n',
}


def list_commands(text: str) -> list[list[str]]:
    return [shlex.split(one or other) for one, other in PROPOSED.findall(text)]


WHERE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "in the vault": ("vault's", ()),
    "above": (".", ("--vault", "vault's")),
    "note": ("vault's", ("it's here/Home page.md",)),
    "folder": ("vault's/it's here", (".",)),
    "note from above": (".", ("vault's/it's here/Home page.md",)),
    "rules": ("vault's", ("--select", "title-link,dangling-link", "--unfixable", "VL101")),
    "settings": ("vault's", ("--config", "my settings.toml", "Other.md")),
    "isolated": (".", ("--vault", "vault's", "--isolated", "--ignore", "VL102")),
    "no baseline": ("vault's", ("--no-baseline",)),
}


@each("place", WHERE)
def test_next_steps_of_check_and_fix_can_be_run(
    place: str, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, words = WHERE[place]
    vault = create_vault(tmp_path / "vault's", STEPS)
    monkeypatch.chdir(tmp_path / folder)
    before = read_json(run, "check", *words)
    count = before["summary"]["fixable"]
    assert count
    printed = [
        run("check", "--output-format", "full", *words).err,
        run("check", "--output-format", "concise", *words).err,
        run("check", "--output-format", "full", "--show", "overview", *words).out,
        run(
            "topics",
            *[word for word in words if word in ("--vault", "vault's")],
            "--output-format",
            "table",
        ).err,
    ]
    commands = {tuple(command) for text in printed for command in list_commands(text)}
    assert {command[1] for command in commands} >= {"check", "fix", "unresolved"}
    for command in sorted(commands):
        if command[1] == "fix" and "--interactive" not in command:
            planned = run(*command[1:], "--diff")
            assert planned.code == 1, command
            if "--unsafe-fixes" not in command:
                assert f"Would fix {count} finding" in planned.err, command
        elif command[1] in ("check", "unresolved"):
            assert run(*command[1:]).code in (0, 1), command
            if command[1] == "check":
                assert read_json(run, *command[1:])["summary"] == before["summary"]
    contents = read_files(vault)
    fixed = run("fix", "--output-format", "full", *words)
    steps = list_commands(fixed.err)
    assert read_json(run, "check", *words)["summary"]["fixable"] == 0
    for step in sorted(steps, key=lambda words: words[1] == "undo"):
        if "--interactive" not in step:
            assert run(*step[1:]).code in (0, 1), step
    assert steps[0][1] == "undo"
    assert read_files(vault) == contents


@each("name", ["a vault", "it's"])
def test_next_steps_of_init_and_known_findings_can_be_run(
    name: str, tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = create_vault(tmp_path / name, STEPS)
    monkeypatch.chdir(tmp_path)
    said = run("init", name).err
    [command] = list_commands(said)
    assert run(*command[1:]).code == 1
    run("baseline", "--vault", name)
    (vault / "Other.md").write_text("", encoding="utf-8")
    said = run("check", "--vault", name).err
    pruning = next(command for command in list_commands(said) if command[1] == "baseline")
    assert run(*pruning[1:]).code == 0
    assert "no longer found" not in run("check", "--vault", name).err


# -- one number of unresolved topics -----------------------------------------------------------------------------------

TOPICS = {
    "vaultlink.toml": 'allow-dangling = ["Allowed"]\n',
    "Home.md": "[[Example]] [text](Example.md) [[Plan]] [[Allowed]]\n",
    "Other.md": "[[Example]]\n",
}


def test_outputs_have_one_number_of_topics(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_vault(tmp_path / "v", TOPICS)
    monkeypatch.chdir(root)
    listed = run("unresolved", "--output-format", "table")
    assert listed.err.startswith(
        "2 topics in 4 unresolved links: 1 planned note, 1 mistake. 2 links to these mistakes look "
        "planned; a topic is a mistake if one of its links is. 1 more unresolved link is not listed"
    )
    graph = run("graph")
    assert "unresolved topics\t2" in graph.out
    assert graph.err.strip() == (
        "All links count, also those that `vaultlink check` does not report: 1 dangling link, with "
        "1 topic in the graph."
    )
    totals = Session(Stepper(open_vault(root))).count_totals()
    assert (totals.dangling_topics, totals.mistakes) == (2, 1)
    lines = run("check", "--output-format", "full", "--show", "overview").lines
    assert lines[lines.index("Mistakes") + 1].split(maxsplit=2) == [
        "1",
        "Example",
        "2 more planned",
    ]


def test_json_has_the_columns_of_links(tmp_path: Path, run: RunCommand) -> None:
    files = {"A.md": "[[B]] [[Gone]]\n\nalso [[B]], [[Gone]] and [[B]]\n", "B.md": ""}
    root = create_vault(tmp_path / "v", files)
    listed: Any = run("backlinks", "B", "--vault", root, "--json").data
    assert listed["backlinks"] == [{"path": "A.md", "count": 3, "lines": [1, 3], "columns": [1, 6]}]
    wanted: Any = run("unresolved", "--vault", root, "--json").data
    places = [(item["line"], item["column"]) for item in wanted["topics"][0]["sources"]]
    assert places == [(1, 7), (3, 13)]
