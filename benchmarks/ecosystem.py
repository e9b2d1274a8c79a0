"""Print how findings, fixes and mentions of public vaults differ from those of the last release.

    python benchmarks/ecosystem.py [--snapshots DIR] [--before PROGRAM] [--record]

The vaults are listed in ecosystem.yaml, each at one commit. ecosystem_record.json has counts,
digests and samples of the last release; --before runs its program instead, and prints every line
that differs. The exit code is 1 if a judged verdict of ecosystem_labels.yaml flips, and 2 if a
vault can't be had or checked.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ecosystem_labels import Judgement, Label, describe_flip, judge, read_labels
from ecosystem_record import (
    GroupChange,
    Summaries,
    compare_entries,
    compare_summaries,
    format_record,
    read_record,
    shorten,
    summarize,
)
from ecosystem_runs import Entry, FailedRunError, collect_entries, read_version
from ecosystem_vaults import (
    HOST,
    MissingVaultError,
    PinnedVault,
    copy_vault,
    fetch_vault,
    find_snapshot,
    read_pins,
)

FOLDER = Path(__file__).parent
CACHE = FOLDER.parent / "build" / "ecosystem"
LINES = 12
"""Lines of one group that are printed."""


@dataclass
class Corpus:
    """What the programs say about each vault.

    Attributes:
        current: The entries of the program, by repository.
        before: The entries of the earlier program, if one is given.
        missing: Vaults that can't be had, with the reason.
        failed: Vaults in which a run failed, with the reason.
    """

    current: dict[str, list[Entry]] = field(default_factory=dict)
    before: dict[str, list[Entry]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where vaults come from: a folder of snapshots, or else a host and a cache."""

    snapshots: Path | None
    cache: Path
    host: str

    def find(self, pin: PinnedVault) -> Path:
        """Return a git directory that has the pinned commit."""
        if self.snapshots is not None:
            return find_snapshot(self.snapshots, pin)
        return fetch_vault(self.cache, pin, self.host)


# -- run ------------------------------------------------------------------------------------------


def run_corpus(
    pins: Sequence[PinnedVault], programs: Sequence[Path], source: Source, jobs: int
) -> Corpus:
    """Run one or two programs, the current one first, on all vaults."""
    corpus = Corpus()
    work = Path(tempfile.mkdtemp(prefix="vaultlink-ecosystem-"))

    def run_vault(pin: PinnedVault) -> None:
        folder = work / pin.repository.replace("/", "+")
        try:
            copy_vault(source.find(pin), pin, folder / "vault")
            found = [
                collect_entries(program, folder / "vault", folder / str(number))
                for number, program in enumerate(programs)
            ]
        except MissingVaultError as error:
            corpus.missing[pin.repository] = str(error)
        except FailedRunError as error:
            corpus.failed[pin.repository] = str(error)
        else:
            corpus.current[pin.repository] = found[0]
            if len(found) > 1:
                corpus.before[pin.repository] = found[1]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(run_vault, sorted(pins, key=lambda pin: -pin.notes)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return corpus


# -- compare and print ----------------------------------------------------------------------------


def compare_corpus(
    corpus: Corpus, pins: Iterable[PinnedVault], recorded: Mapping[str, tuple[str, Summaries]]
) -> dict[str, list[GroupChange]]:
    """Return the vaults that differ, with what differs in each."""
    commits = {pin.repository: pin.commit for pin in pins}
    changes = {}
    for name, entries in sorted(corpus.current.items()):
        if corpus.before:
            changes[name] = compare_entries(corpus.before[name], entries)
        elif name in recorded and recorded[name][0] == commits[name]:
            changes[name] = compare_summaries(recorded[name][1], entries)
    return {name: found for name, found in changes.items() if found}


def list_unrecorded(
    pins: Iterable[PinnedVault], recorded: Mapping[str, tuple[str, Summaries]]
) -> list[str]:
    """Return the vaults that the record does not have at this commit."""
    return [
        pin.repository
        for pin in pins
        if pin.repository not in recorded or recorded[pin.repository][0] != pin.commit
    ]


def format_changes(changes: Mapping[str, Sequence[GroupChange]]) -> Iterator[str]:
    """Yield lines of Markdown: a table of all groups, and one section for each vault."""
    totals: dict[str, list[int]] = {}
    for found in changes.values():
        for change in found:
            total = totals.setdefault(change.group, [0, 0, 0])
            for place, number in enumerate((1, change.before, change.after)):
                total[place] += number
    yield "| | vaults | before | now |"
    yield "|---|--:|--:|--:|"
    for group, (vaults, before, after) in sorted(totals.items()):
        yield f"| {group} | {vaults} | {before} | {after} |"
    for name, found in changes.items():
        heading = ", ".join(_format_counts(change) for change in found)
        yield ""
        yield f"<details><summary>{name}: {heading}</summary>"
        yield ""
        yield "```diff"
        for change in found:
            yield f"# {_format_counts(change)}"
            yield from _format_lines("-", change.removed)
            yield from _format_lines("+", change.added)
            if not change.is_complete:
                yield "# only samples are recorded; --before PROGRAM prints every line"
        yield "```"
        yield "</details>"


def _format_counts(change: GroupChange) -> str:
    if change.is_complete:
        return f"{change.group} +{len(change.added)} −{len(change.removed)}"
    if change.before == change.after:
        return f"{change.group} {change.before}, but not the same"
    return f"{change.group} {change.before} → {change.after}"


def _format_lines(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines[:LINES]:
        yield f"{mark} {shorten(line)}".replace("```", "'''")
    if len(lines) > LINES:
        yield f"{mark} … and {len(lines) - LINES} more"


def format_problems(corpus: Corpus, judgement: Judgement) -> Iterator[str]:
    """Yield a line for each vault without a result, and for each label that flipped."""
    for name, reason in sorted(corpus.missing.items()):
        yield f"missing: {name}: {reason}"
    for name, reason in sorted(corpus.failed.items()):
        yield f"failed: {name}: {reason}"
    for label in judgement.flipped:
        yield f"flipped: {describe_flip(label)}"
    for label in judgement.resolved:
        yield f"resolved: {label}: the program agrees now; remove `known: true`"


def describe_result(corpus: Corpus, judgement: Judgement, differing: int, baseline: str) -> str:
    """Return the last line."""
    total = len(corpus.current)
    state = f"{differing} of {total} vaults differ from" if differing else f"{total} vaults as in"
    known = f", {len(judgement.known)} known to be wrong" if judgement.known else ""
    return f"ecosystem: {state} {baseline}; {judgement.agreed} verdicts hold{known}"


def write_entries(file: Path, corpus: Corpus) -> None:
    """Write all entries as JSON lines, to read and judge them."""
    with file.open("w", encoding="utf-8") as lines:
        for name, entries in sorted(corpus.current.items()):
            for entry in entries:
                row = {"vault": name, **entry._asdict()}
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_record(file: Path, version: str, corpus: Corpus, pins: Iterable[PinnedVault]) -> None:
    """Write the record of the program."""
    vaults = {
        pin.repository: (pin.commit, summarize(corpus.current[pin.repository])) for pin in pins
    }
    file.write_text(format_record(version, vaults), encoding="utf-8")


# -- the command line -----------------------------------------------------------------------------


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    own = Path(sys.executable).with_name("vaultlink")
    add = parser.add_argument
    add("--program", type=Path, default=own, help="the vaultlink to run; default: this Python's")
    add("--before", type=Path, help="an earlier vaultlink, instead of the record")
    add("--snapshots", type=Path, help="take vaults from this folder; nothing is fetched")
    add("--cache", type=Path, default=CACHE, help="where fetched vaults are kept")
    add("--host", default=HOST, help=f"where vaults are fetched; default: {HOST}")
    add("--skip-missing", action="store_true", help="go on without vaults that can't be had")
    add("--only", nargs="+", metavar="NAME", help="only vaults whose repository has this text")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="vaults at once; default: all cores")
    add("--record", action="store_true", help="write the record of the program")
    add("--entries", type=Path, help="write all findings, fixes and mentions to this file")
    add("--list", type=Path, default=FOLDER / "ecosystem.yaml", help="the pinned vaults")
    add("--labels", type=Path, default=FOLDER / "ecosystem_labels.yaml", help="the verdicts")
    add("--record-file", type=Path, default=FOLDER / "ecosystem_record.json", help="the record")
    given = parser.parse_args()
    if given.record and (given.only or given.skip_missing or given.before):
        parser.error("--record requires all vaults and no other program")
    return given


def read_inputs(given: argparse.Namespace) -> tuple[list[PinnedVault], list[Label]]:
    """Return the vaults to run, and all labels."""
    listed = read_pins(given.list)
    labels = read_labels(given.labels)
    names = {pin.repository for pin in listed}
    if unknown := sorted({label.vault for label in labels} - names):
        raise ValueError(f"{given.labels.name}: not in {given.list.name}: {', '.join(unknown)}")
    if given.only:
        listed = [pin for pin in listed if any(text in pin.repository for text in given.only)]
    return listed, labels


def main() -> int:
    """Run the command line."""
    given = parse_arguments()
    try:
        pins, labels = read_inputs(given)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    programs = [given.program.absolute(), *([given.before.absolute()] if given.before else [])]
    source = Source(given.snapshots, given.cache, given.host.rstrip("/"))
    corpus = run_corpus(pins, programs, source, given.jobs)
    judgement = judge(labels, corpus.current)
    is_incomplete = bool(corpus.failed) or bool(corpus.missing and not given.skip_missing)
    if given.entries:
        write_entries(given.entries, corpus)
    if given.record and not is_incomplete:
        write_record(given.record_file, read_version(programs[0]), corpus, pins)
    print_result(given, pins, corpus, judgement)
    if is_incomplete:
        return 2
    return 1 if judgement.flipped else 0


def print_result(
    given: argparse.Namespace, pins: list[PinnedVault], corpus: Corpus, judgement: Judgement
) -> None:
    """Print the difference, the problems and the last line."""
    version, recorded = read_record(given.record_file) if given.record_file.exists() else ("", {})
    baseline = read_version(given.before) if given.before else version or "nothing"
    changes = compare_corpus(corpus, pins, recorded)
    if changes:
        print("\n".join(format_changes(changes)), end="\n\n")
    if not given.before and (unrecorded := list_unrecorded(pins, recorded)):
        print(f"not recorded at this commit: {', '.join(unrecorded)}")
    for line in format_problems(corpus, judgement):
        print(line)
    print(describe_result(corpus, judgement, len(changes), baseline))


if __name__ == "__main__":
    sys.exit(main())
