"""Tests of `make ecosystem`: what it says about small vaults in real repositories, and that no repository can run a program."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ecosystem_labels import VERDICTS, Label, judge, read_labels
from ecosystem_record import compare_entries, compare_summaries, read_record, summarize
from ecosystem_runs import Entry
from ecosystem_vaults import PinnedVault, copy_vault, find_snapshot, read_pins
from forge import ROOT
from repositories import create_repository, git
from tables import each

pytestmark = pytest.mark.project

FOLDER = ROOT / "benchmarks"
SCRIPT = FOLDER / "ecosystem.py"

CALENDAR = {
    "Calendar.md": "A calendar of the year.\n",
    "January.md": "See [[Calender]] and [[Calendar]].\n",
    "picture.png": "not a picture",
}
KITCHEN = {
    "vault/Bread.md": "[Salt](salt.md)\n",
    "vault/Salt.md": "White.\n",
    "Outside.md": "[[Nowhere]]\n",
}


@dataclass
class Bench:
    """A folder with snapshots, a list, labels and a record."""

    folder: Path

    def add(self, repository: str, files: Mapping[str, str | bytes | None], root: str = "") -> Path:
        """Create a snapshot, and list it."""
        place = create_repository(self.folder / "snapshots" / repository.replace("/", "+"), files)
        self.pin(repository, git(place, "rev-parse", "HEAD").strip(), root)
        return place

    def pin(self, repository: str, commit: str, root: str = "") -> None:
        """Add a row to the list."""
        row = {"repository": repository, "commit": commit, "root": root}
        about = {"language": "English", "style": "wikilinks", "notes": 2}
        with (self.folder / "list.yaml").open("a", encoding="utf-8") as rows:
            rows.write(yaml.safe_dump([{**row, **about}], sort_keys=False))

    def label(self, **labels: list[dict[str, object]]) -> None:
        """Write the labels of repositories, whose slash is written as two underscores."""
        rows = {name.replace("__", "/"): some for name, some in labels.items()}
        (self.folder / "labels.yaml").write_text(yaml.safe_dump(rows), encoding="utf-8")

    def run(self, *words: str | Path, snapshots: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the comparison."""
        if not (self.folder / "labels.yaml").exists():
            self.label()
        given = {
            "--list": self.folder / "list.yaml",
            "--labels": self.folder / "labels.yaml",
            "--record-file": self.folder / "record.json",
            "--cache": self.folder / "cache",
            **({"--snapshots": self.folder / "snapshots"} if snapshots else {}),
        }
        options = [str(word) for option in given.items() for word in option]
        return subprocess.run(
            [sys.executable, SCRIPT, *options, "--jobs", "2", *map(str, words)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "TMPDIR": str(self.folder)},
            check=False,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return an empty folder for snapshots."""
    return Bench(tmp_path)


@pytest.fixture
def recorded(bench: Bench) -> Bench:
    """Return two vaults with their record."""
    bench.add("ann/calendar", CALENDAR)
    bench.add("ben/kitchen", KITCHEN, "vault")
    done = bench.run("--record")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return bench


# -- differences ----------------------------------------------------------------------------------------------------------


def test_record_has_counts_digests_and_samples(recorded: Bench) -> None:
    version, vaults = read_record(recorded.folder / "record.json")
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    _, groups = vaults["ann/calendar"]
    total, digest, samples = groups["finding planned-note"]
    assert (total, len(digest)) == (1, 12)
    assert samples == ("January.md:1:5 Calender",)
    assert "Nowhere" not in (recorded.folder / "record.json").read_text(encoding="utf-8")


def test_one_line_is_printed_if_all_is_equal(recorded: Bench) -> None:
    done = recorded.run()
    version, _ = read_record(recorded.folder / "record.json")
    assert done.stdout == f"ecosystem: 2 vaults as in {version}; 0 verdicts hold\n"
    assert done.returncode == 0


def test_nothing_is_left_in_the_temporary_folder(recorded: Bench) -> None:
    assert {path.name for path in recorded.folder.iterdir()} == {
        *("snapshots", "list.yaml", "labels.yaml", "record.json")
    }


def change_record(bench: Bench, **groups: list[object]) -> None:
    """Change groups of the first vault in a record."""
    file = bench.folder / "record.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    names = {name.replace("_", " ", 1).replace("_", "-"): row for name, row in groups.items()}
    data["vaults"]["ann/calendar"]["groups"].update(names)
    file.write_text(json.dumps(data), encoding="utf-8")


def test_difference_names_the_vault_the_counts_and_the_samples(recorded: Bench) -> None:
    change_record(recorded, finding_planned_note=[1, "0" * 12, "January.md:1:22 Juli"])
    change_record(recorded, finding_orphan_note=[3, "1" * 12, "Calendar.md:1:1 "])
    done = recorded.run()
    assert done.returncode == 0, "no verdict flips"
    assert "<details><summary>ann/calendar: " in done.stdout
    assert "| finding orphan-note | 1 | 3 | 0 |" in done.stdout
    assert "- January.md:1:22 Juli\n+ January.md:1:5 Calender\n" in done.stdout
    assert "finding planned-note 1, but not the same" in done.stdout
    assert "ben/kitchen" not in done.stdout
    assert "1 of 2 vaults differ from" in done.stdout


def write_program(folder: Path, body: str) -> Path:
    """Return a program that stands between the comparison and vaultlink."""
    file = folder / "program"
    file.write_text(f"#!{sys.executable}\nimport subprocess, sys\n{body}", encoding="utf-8")
    file.chmod(0o755)
    return file


BLIND = """\
words = sys.argv[1:]
if words[0] == "check":
    words += ["--ignore", "planned-note"]
sys.exit(subprocess.run([sys.executable, "-m", "vaultlink", *words]).returncode)
"""


def test_every_line_is_printed_with_an_earlier_program(recorded: Bench) -> None:
    done = recorded.run("--before", write_program(recorded.folder, BLIND))
    assert "# finding planned-note +1 −0\n+ January.md:1:5 Calender\n" in done.stdout
    assert "only samples" not in done.stdout
    assert done.returncode == 0


def test_vault_that_is_not_in_the_record_is_named(recorded: Bench) -> None:
    recorded.add("cleo/letters", {"One.md": "[[Two]]\n"})
    done = recorded.run()
    assert "not recorded at this commit: cleo/letters\n" in done.stdout
    assert done.returncode == 0


def test_changed_entry_is_added_or_removed_only_if_that_is_certain() -> None:
    before = [make_entry(line=number) for number in range(1, 9)]
    groups = summarize(before)
    first = next(entry for entry in before if str(entry) in groups["finding some-rule"].samples)
    [change] = compare_summaries(groups, [entry for entry in before if entry != first])
    assert (change.removed, change.added) == ((str(first),), ())
    assert compare_summaries(groups, before) == []
    [whole] = compare_entries(before, before[1:])
    assert (whole.removed, whole.added) == ((str(before[0]),), ())


# -- verdicts -------------------------------------------------------------------------------------------------------------

CALENDER = {"at": "January.md:1", "rule": "planned-note", "target": "Calender", "why": "typo"}


def make_entry(kind: str = "finding", line: int = 1, text: str = "") -> Entry:
    """Return an entry of a made-up rule."""
    rule = "" if "mention" in kind else "some-rule"
    return Entry(kind, rule, "Note.md", line, 1, "Target", text)


@each(("verdict", "kinds", "must_exist"), [(name, *row) for name, row in VERDICTS.items()])
def test_verdict_holds_or_flips(verdict: str, kinds: tuple[str, ...], must_exist: bool) -> None:
    for kind in kinds:
        entry = make_entry(kind, text="text")
        label = Label("a/b", verdict, "Note.md", 1, entry.rule, "Target", "", "reason", False)
        assert bool(judge([label], {"a/b": [entry]}).flipped) != must_exist
        assert bool(judge([label], {"a/b": []}).flipped) == must_exist
        for other in ({"line": 2}, {"target": "Other"}, {"rule": "other"}, {"text": "other"}):
            elsewhere = label._replace(**other)
            assert bool(judge([elsewhere], {"a/b": [entry]}).flipped) == must_exist
    assert judge([label._replace(vault="c/d")], {"a/b": []}).agreed == 0


def test_flipped_verdict_fails_and_names_the_place(recorded: Bench) -> None:
    recorded.label(ann__calendar=[{**CALENDER, "verdict": "false finding"}])
    done = recorded.run()
    assert done.returncode == 1
    assert (
        "flipped: ann/calendar January.md:1 planned-note “Calender”: this false finding is back (typo)\n"
        in done.stdout
    )


def test_right_finding_that_is_gone_fails(recorded: Bench) -> None:
    recorded.label(ann__calendar=[{**CALENDER, "verdict": "true finding"}])
    assert recorded.run().returncode == 0
    done = recorded.run("--program", write_program(recorded.folder, BLIND))
    assert done.returncode == 1
    assert "this true finding is gone" in done.stdout


def test_known_mistake_is_counted_and_does_not_fail(recorded: Bench) -> None:
    recorded.label(ann__calendar=[{**CALENDER, "verdict": "false finding", "known": True}])
    done = recorded.run()
    assert done.returncode == 0
    assert done.stdout.endswith("; 0 verdicts hold, 1 known to be wrong\n")


def test_known_mistake_that_is_gone_is_named(recorded: Bench) -> None:
    recorded.label(ann__calendar=[{**CALENDER, "verdict": "true finding", "known": True}])
    done = recorded.run()
    assert "the program agrees now; remove `known: true`" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    "row",
    [{**CALENDER, "verdict": "maybe"}, {**CALENDER, "verdict": "true finding", "why": ""}],
    ids=["verdict", "reason"],
)
def test_label_without_verdict_or_reason_is_refused(
    recorded: Bench, row: dict[str, object]
) -> None:
    recorded.label(ann__calendar=[row])
    done = recorded.run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "labels.yaml" in done.stderr


def test_label_of_a_vault_that_is_not_listed_is_refused(recorded: Bench) -> None:
    recorded.label(dan__diary=[{**CALENDER, "verdict": "true finding"}])
    done = recorded.run()
    assert done.returncode == 2
    assert "dan/diary" in done.stderr


# -- sources --------------------------------------------------------------------------------------------------------------


def test_missing_vault_is_named_and_fails(recorded: Bench) -> None:
    recorded.pin("eva/essays", "0" * 40)
    done = recorded.run()
    assert f"missing: eva/essays: no snapshot in {recorded.folder / 'snapshots'}\n" in done.stdout
    assert done.returncode == 2
    assert recorded.run("--skip-missing").returncode == 0


def test_snapshot_at_another_commit_is_missing(bench: Bench) -> None:
    create_repository(bench.folder / "snapshots" / "ann" / "calendar", CALENDAR)
    bench.pin("ann/calendar", "1" * 40)
    done = bench.run()
    assert re.search(
        r"missing: ann/calendar: the snapshot .* does not have commit 1+\n", done.stdout
    )


def test_root_that_the_commit_does_not_have_is_missing(bench: Bench) -> None:
    bench.add("ann/calendar", CALENDAR, "notes")
    done = bench.run()
    assert "missing: ann/calendar: git can't read" in done.stdout


@pytest.mark.parametrize("name", ["ann+calendar", "ann/calendar", "ann+calendar/repo"])
@pytest.mark.parametrize("is_bare", [True, False], ids=["bare", "working folder"])
def test_snapshot_can_be_laid_out_in_these_ways(tmp_path: Path, name: str, is_bare: bool) -> None:
    source = create_repository(tmp_path / "source", CALENDAR)
    bare = ["--bare"] if is_bare else []
    git(tmp_path, "clone", "--quiet", *bare, str(source), str(tmp_path / "snapshots" / name))
    commit = git(source, "rev-parse", "HEAD").strip()
    pin = PinnedVault("ann/calendar", commit, "", "English", "wikilinks", 2)
    place = find_snapshot(tmp_path / "snapshots", pin)
    assert copy_vault(place, pin, tmp_path / "copy") == 2
    assert (tmp_path / "copy" / "picture.png").read_bytes() == b""


def test_pinned_commit_is_fetched_once(bench: Bench) -> None:
    """The host is a folder here."""
    origin = create_repository(bench.folder / "origin" / "ann" / "calendar", CALENDAR)
    bench.pin("ann/calendar", git(origin, "rev-parse", "HEAD").strip())
    host = ("--host", f"file://{bench.folder / 'origin'}")
    assert bench.run(*host, "--record", snapshots=False).returncode == 0
    origin.rename(bench.folder / "gone")
    assert bench.run(*host, snapshots=False).returncode == 0
    (bench.folder / "cache").rename(bench.folder / "old cache")
    done = bench.run(*host, snapshots=False)
    assert "missing: ann/calendar: not fetched from file://" in done.stdout
    assert done.returncode == 2


# -- hostile repositories -------------------------------------------------------------------------------------------------


def test_repository_runs_no_program_and_writes_nothing_outside(bench: Bench) -> None:
    secret = bench.folder / "secret.md"
    secret.write_text("[[Nothing has this name]]\n", encoding="utf-8")
    mark = bench.folder / "it ran"
    evil = write_program(bench.folder, f"open({str(mark)!r}, 'w')\nsys.exit(1)\n")
    place = bench.folder / "snapshots" / "mallory+vault"
    create_repository(place, {**CALENDAR, ".gitattributes": "* filter=evil diff=evil\n"})
    (place / "Linked.md").symlink_to(secret)
    (place / "Folder").symlink_to(bench.folder)
    (place / "Large.md").write_bytes(b"[[Nowhere]] " * 400_000)
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "more")
    for name in ("pre-auto-gc", "post-checkout", "reference-transaction", "post-index-change"):
        hook = place / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.symlink_to(evil)
    for key in (
        *("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv"),
        *(
            "core.fsmonitor",
            "core.pager",
            "core.alternateRefsCommand",
            "uploadpack.packObjectsHook",
        ),
    ):
        git(place, "config", key, str(evil))
    bench.pin("mallory/vault", git(place, "rev-parse", "refs/heads/main").strip())
    entries = bench.folder / "entries"
    done = bench.run("--record", "--entries", entries)
    assert (done.returncode, mark.exists()) == (0, False), done.stdout
    assert "Nothing has this name" not in entries.read_text(encoding="utf-8")
    assert "Large.md" not in entries.read_text(encoding="utf-8"), "too large to be read"
    assert secret.read_text(encoding="utf-8") == "[[Nothing has this name]]\n"


def write_tree(repository: Path, *rows: str) -> str:
    """Commit a tree that no checkout would write, and return the hash of the commit."""
    tree = subprocess.run(
        ["git", "-C", repository, "mktree", "--missing"],
        input="".join(f"{row}\n" for row in rows),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return git(repository, "commit-tree", tree, "-m", "a tree").strip()


def test_paths_that_leave_the_vault_are_left_out(tmp_path: Path) -> None:
    place = create_repository(tmp_path / "snapshots" / "mallory" / "vault", {"One.md": "1\n"})
    blob = git(place, "rev-parse", "HEAD:One.md").strip()
    inner = git(place, "rev-parse", "HEAD^{tree}").strip()
    commit = write_tree(
        place,
        f"040000 tree {inner}\t..",
        f"040000 tree {inner}\t.GIT",
        f"100644 blob {blob}\tback\\slash.md",
        f"120000 blob {blob}\tlink.md",
        f"100644 blob {blob}\tFine.md",
        f"100644 blob {'0' * 39}1\tLost.md",
    )
    pin = PinnedVault("mallory/vault", commit, "", "English", "wikilinks", 1)
    copy_vault(find_snapshot(tmp_path / "snapshots", pin), pin, tmp_path / "work" / "copy")
    copied = {
        path.relative_to(tmp_path / "work").as_posix() for path in (tmp_path / "work").rglob("*")
    }
    assert copied == {"copy", "copy/Fine.md", "copy/Lost.md"}
    assert (tmp_path / "work" / "copy" / "Lost.md").read_bytes() == b"", "the snapshot lacks it"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('no JSON')\n", "check printed no JSON"),
        ("print('bad news', file=sys.stderr)\nsys.exit(2)\n", "check ended with code 2: bad news"),
        ("bytearray(5 << 30)\n", "check printed no JSON: MemoryError"),
    ],
    ids=["output", "code", "memory"],
)
def test_failed_run_is_named(recorded: Bench, body: str, reason: str) -> None:
    body = f"if sys.argv[1] == '--version':\n    sys.exit(print('vaultlink 1.2.3'))\n{body}"
    done = recorded.run("--program", write_program(recorded.folder, body))
    assert f"failed: ann/calendar: {reason}" in done.stdout
    assert done.returncode == 2


# -- the committed files --------------------------------------------------------------------------------------------------


def test_list_names_sixty_various_vaults() -> None:
    pins = read_pins(FOLDER / "ecosystem.yaml")
    assert len(pins) == 60
    assert len({pin.language for pin in pins}) >= 12
    assert min(pin.notes for pin in pins) < 30
    assert max(pin.notes for pin in pins) > 2000


def test_record_has_the_pinned_commits() -> None:
    _, vaults = read_record(FOLDER / "ecosystem_record.json")
    pinned = {pin.repository: pin.commit for pin in read_pins(FOLDER / "ecosystem.yaml")}
    assert {name: commit for name, (commit, _) in vaults.items()} == pinned
    assert (FOLDER / "ecosystem_record.json").stat().st_size < 400_000


def test_labels_are_of_all_kinds_in_many_vaults() -> None:
    labels = read_labels(FOLDER / "ecosystem_labels.yaml")
    listed = {pin.repository for pin in read_pins(FOLDER / "ecosystem.yaml")}
    assert len(labels) >= 500
    assert {label.vault for label in labels} <= listed
    assert len({label.vault for label in labels}) >= 50
    judged = {(VERDICTS[label.verdict][1], label.verdict.split()[-1]) for label in labels}
    assert judged == {
        (good, kind) for good in (True, False) for kind in ("finding", "fix", "mention")
    }
