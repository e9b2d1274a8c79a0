"""The health score: its formula, and what it counts in a state."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as some

from builder import Event, VaultFiles, apply_events, build_state, event_scripts, make_settings
from tables import each
from vaultlink.dashboard.score import ScoreCounts, compute_score, count_score, estimate_points
from vaultlink.engine.step import step

EMPTY = ScoreCounts(0, 0, 0, 0, 0, 0, 0)
HEALTHY = ScoreCounts(10, 10, 4, 0, 0, 2, 2)


@each(
    ("counts", "points"),
    [
        (HEALTHY, (60.0, 20.0, 10.0, 10.0)),
        (HEALTHY._replace(links_resolved=5), (15.0, 20.0, 10.0, 10.0)),
        (HEALTHY._replace(links_resolved=9), (48.6, 20.0, 10.0, 10.0)),
        (HEALTHY._replace(notes_with_errors_or_warnings=1), (60.0, 11.25, 10.0, 10.0)),
        (HEALTHY._replace(notes_unlinked=1), (60.0, 20.0, 5.62, 10.0)),
        (HEALTHY._replace(sections_in_step=1), (60.0, 20.0, 10.0, 2.5)),
        (ScoreCounts(0, 3, 3, 3, 3, 3, 0), (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_points_are_the_weights_of_the_squares_of_the_healthy_shares(
    counts: ScoreCounts, points: tuple[float, ...]
) -> None:
    score = compute_score(counts)
    assert tuple(part.points for part in score.parts) == points
    assert score.value == int(sum(points))
    assert tuple(part.most for part in score.parts) == (60, 20, 10, 10)


@each(
    ("counts", "most", "value"),
    [
        (EMPTY, (0.0, 0.0, 0.0, 0.0), 0),
        (HEALTHY._replace(sections=0, sections_in_step=0), (66.67, 22.22, 11.11, 0.0), 100),
        (ScoreCounts(0, 0, 2, 0, 0, 0, 0), (0.0, 66.67, 33.33, 0.0), 100),
        (ScoreCounts(0, 0, 2, 0, 2, 0, 0), (0.0, 66.67, 33.33, 0.0), 66),
        (ScoreCounts(1, 2, 0, 0, 0, 0, 0), (100.0, 0.0, 0.0, 0.0), 25),
    ],
    ids=["nothing", "no sections", "no links", "no links, and all notes alone", "links only"],
)
def test_parts_with_nothing_to_count_earn_nothing_and_cost_nothing(
    counts: ScoreCounts, most: tuple[float, ...], value: int
) -> None:
    score = compute_score(counts)
    assert tuple(part.most for part in score.parts) == most
    assert [part.points for part in score.parts if not part.most] == [0.0] * most.count(0)
    assert score.value == value


@each(
    ("errors_and_warnings", "limit"),
    [
        *((0, 100), (9, 100), (10, 97), (99, 97), (100, 94), (999, 94)),
        *((1_000, 90), (2_106, 90), (9_999, 90), (10_000, 80), (10_000_000, 80)),
    ],
)
def test_many_defects_limit_the_score_however_large_the_vault_is(
    errors_and_warnings: int, limit: int
) -> None:
    large = 1_000_000_000
    counts = ScoreCounts(large, large, large, 0, 0, 0, 0, errors_and_warnings)
    score = compute_score(counts)
    assert (score.value, score.limit) == (limit, limit)


def test_only_a_vault_without_defects_has_100() -> None:
    assert compute_score(HEALTHY).value == 100
    one_in_a_million = ScoreCounts(999_999, 1_000_000, 1, 0, 0, 0, 0)
    assert compute_score(one_in_a_million).value == 99
    assert compute_score(one_in_a_million).parts[0].points == 66.67, "rounded for people"


@given(some.tuples(*[some.tuples(some.integers(0, 50), some.integers(0, 50)) for _ in range(4)]))
def test_score_is_between_0_and_100_and_falls_with_each_defect(
    parts: tuple[tuple[int, int], ...],
) -> None:
    links, notes, lonely, sections = [(min(pair), max(pair)) for pair in parts]
    total = max(notes[1], lonely[1])
    counts = ScoreCounts(*links, total, notes[0], lonely[0], sections[1], sections[0])
    value = compute_score(counts).value
    assert 0 <= value <= 100
    if counts.links_resolved:
        worse = counts._replace(links_resolved=counts.links_resolved - 1)
        assert compute_score(worse).value <= value


GOOD_SECTION = "Text.\n\n**Add backlinks using these topics:**\n\nCup – [[Cup | Cup]]\n"
BAD_SECTION = "Text.\n\n**Add backlinks using these topics:**\n\nCup — [[Cup | Cup]]\n"
USUAL_SECTION = "Text.\n\n## Backlinks\n\n- [[Cup]]\n"


@each(
    ("files", "expected"),
    [
        ({"A.md": ""}, ScoreCounts(0, 0, 1, 0, 1, 0, 0)),
        (
            {"A.md": "[[B]] [[C]] [c](https://example.org)", "B.md": ""},
            ScoreCounts(1, 2, 2, 1, 0, 0, 0, 1),
        ),
        ({"A.md": "[[A]]"}, ScoreCounts(1, 1, 1, 0, 1, 0, 0)),
        ({"A.md": "![[b.png]]", "b.png": ""}, ScoreCounts(1, 1, 1, 0, 0, 0, 0)),
        (
            {"A.md": "", "B.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "A.md"}]}'},
            ScoreCounts(1, 1, 1, 0, 0, 0, 0),
        ),
        ({"A.md": GOOD_SECTION, "Cup.md": ""}, ScoreCounts(1, 1, 2, 0, 0, 1, 1)),
        ({"A.md": BAD_SECTION, "Cup.md": ""}, ScoreCounts(1, 1, 2, 1, 0, 1, 0, 1)),
        ({"A.md": USUAL_SECTION, "Cup.md": ""}, ScoreCounts(1, 1, 2, 0, 0, 0, 0)),
    ],
    ids=[
        "a note alone",
        "a broken and an external link",
        "a link to the note itself",
        "an image",
        "a link from a canvas",
        "a section without finding",
        "a section with a finding",
        "a usual heading, which is not checked",
    ],
)
def test_counts(files: VaultFiles, expected: ScoreCounts) -> None:
    assert count_score(build_state(files, make_settings(("VL1", "VL406")))) == expected


def test_findings_that_only_inform_do_not_count() -> None:
    files = {"A.md": "[[B]]", "x/B.md": "[[A]]", "y/B.md": "[[A]]"}
    state = build_state(files, make_settings(("VL1",)))
    assert [item.severity.value for item in state.diagnostics["A.md"]] == ["info"]
    assert count_score(state).notes_with_errors_or_warnings == 0


# -- the points that a step can gain ---------------------------------------------------------------

GAIN: VaultFiles = {
    "A.md": "[[B]] [[Nowhere]]\n\n" + BAD_SECTION,
    "B.md": "[[A]] [[C]]",
    "C.md": "",
    "Cup.md": "",
    "D.md": "",
}


@each(
    ("codes", "connected", "points"),
    [
        ((), (), 0.0),
        (("VL125",), (), 21.6),
        (("VL406",), (), 10.0),
        (("VL125", "VL406"), (), 38.8),
        ((), ("D.md",), 3.6),
        ((), ("A.md", "B.md"), 0.0),
    ],
    ids=["nothing", "a link", "a section", "both, which clears the note", "an island", "no gain"],
)
def test_points_of_a_step_are_those_of_the_vault_after_it(
    codes: Sequence[str], connected: Sequence[str], points: float
) -> None:
    state = build_state(GAIN, make_settings(("VL1", "VL406")))
    found = [item for items in state.diagnostics.values() for item in items]
    resolved = [item for item in found if item.code in codes]
    assert len(resolved) == len(codes)
    assert estimate_points(state, count_score(state), resolved, connected) == points


TEXTS = some.sampled_from(
    [
        "",
        "[[A]] [[B]]",
        "[[Nowhere]]",
        GOOD_SECTION,
        BAD_SECTION,
        BAD_SECTION + "\n[[A]]",
        USUAL_SECTION,
    ]
)


@pytest.mark.thorough
@given(event_scripts(("A.md", "B.md", "x/A.md", "c.png"), TEXTS))
def test_counts_after_steps_are_those_of_a_full_check(script: list[list[Event]]) -> None:
    vault: dict[str, str] = {}
    state = build_state(vault)
    for batch in script:
        state = step(state, apply_events(vault, batch))
        assert count_score(state) == count_score(build_state(vault))
