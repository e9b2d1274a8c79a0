"""The trend of a vault: what is counted of the state at each commit."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from vaultlink.dashboard.model import Trend, TrendPoint
from vaultlink.dashboard.score import compute_score, count_score
from vaultlink.engine.step import State
from vaultlink.git.objects import CommitTree
from vaultlink.graph.build import topic_name
from vaultlink.links.intent import names_topic
from vaultlink.model import sum_counts
from vaultlink.report.layout import format_count

_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class TreeMeasures(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The numbers of a vault whose files are those of a tree; see `TrendPoint`.

    They are kept between runs. Decoding raises `ValidationError` for numbers out of range.
    """

    score: Annotated[int, msgspec.Meta(ge=0, le=100)]
    notes: _Count
    links: _Count
    dangling: _Count
    topics: _Count
    findings: _Count


def measure_state(state: State) -> TreeMeasures:
    counts = count_score(state)
    links = sum_counts(state.tallies.values())
    return TreeMeasures(
        compute_score(counts).value,
        counts.notes,
        links.links,
        links.dangling,
        len(collect_topics(state)),
        sum(map(len, state.diagnostics.values())),
    )


def collect_topics(state: State) -> set[str]:
    """Return the names of the topics without a note, as `topics` lists them."""
    index = state.index
    return {
        topic_name(link.target)
        for path, tally in state.tallies.items()
        if tally.dangling
        for link, target in index.resolved_links(path)
        if names_topic(link, target)
    }


def build_trend(
    commits: Sequence[CommitTree],
    measures: Mapping[str, TreeMeasures],
    asked: int,
    *,
    is_shallow: bool = False,
    problem: str = "",
) -> Trend:
    """Return the trend of commits.

    Commits without notes are left out, and so are all before the first one that was not measured.

    Args:
        commits: The commits, latest first.
        measures: The numbers of their trees. Trees without files have none.
        asked: The number of commits asked for.
        is_shallow: True if the clone may lack commits.
        problem: The reason why a tree was not measured, as a clause; "" if all were.
    """
    points: list[TrendPoint] = []
    empty = 0
    for commit in commits:
        found = measures.get(commit.tree)
        if found is None and commit.tree:
            break
        if found is None or not found.notes:
            empty += 1
            continue
        points.append(TrendPoint(commit.commit, commit.date, *msgspec.structs.astuple(found)))
    missing = asked - len(commits)
    sentences = []
    if missing > 0:
        sentences.append(_describe_depth(len(commits), missing, is_shallow=is_shallow))
    if empty:
        verb = "is" if empty == 1 else "are"
        sentences.append(f"{format_count(empty, 'commit')} without notes {verb} left out.")
    if problem and points:
        first = points[-1].commit[:7]
        sentences.append(f"Commits before {first} are left out: {problem}.")
    elif problem:
        sentences.append(f"No commit could be measured: {problem}.")
    return Trend(tuple(reversed(points)), " ".join(sentences))


def _describe_depth(found: int, missing: int, *, is_shallow: bool) -> str:
    commits = format_count(found, "commit")
    if is_shallow:
        return (
            f"The clone is shallow and has only {commits} of the vault. "
            f"`git fetch --deepen {missing}` fetches more."
        )
    if not found:
        return "No commit has a file of the vault."
    return f"Only {commits} changed the vault."
