"""Tests of the numbers of links: all commands and output formats have the same ones."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

import vaultlink
from running import RunCommand, create_vault
from screens import Size, run_on_screen

WIDE = Size(200, 60)
NOTES = {
    "Home.md": "---\nup: '[[a/Twin]]'\n---\n[[Home]] [[a/Twin]] [[Twin]] [[Gone]] [[gone]] ![[map.png]]\n",
    "a/Twin.md": "[[Home#Missing]] [web](https://example.com) [mail](mailto:a@example.com) [file](Gone%20too.md)\n",
    "b/Twin.md": "Values `[[0]]` and [[0, 1]] and [[2, 3]]. [[Home]]\n",
    "Board.canvas": '{"nodes":[{"id":"1","type":"file","file":"Home.md"},{"id":"2","type":"file","file":"Old.md"}],"edges":[]}',
    "map.png": "",
    "unused.pdf": "",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", NOTES)


@pytest.fixture
def summary(run: RunCommand, vault: Path) -> dict[str, int]:
    """The summary in the JSON document of `check`."""
    document = cast(dict[str, Any], run("check", "--vault", vault, "--json").data)
    return {name: count for name, count in document["summary"].items() if isinstance(count, int)}


def test_links_are_resolved_dangling_or_external(summary: dict[str, int]) -> None:
    assert summary["links"] == summary["resolved"] + summary["dangling"] + summary["external"]
    assert summary["external"] == 2
    assert 0 < summary["ambiguous"] < summary["resolved"], "a part of the resolved ones"
    assert (summary["notes"], summary["attachments"]) == (3, 3)


def test_links_command_lists_and_counts_them(
    run: RunCommand, vault: Path, summary: dict[str, int]
) -> None:
    document = cast(dict[str, Any], run("links", "--vault", vault, "--json").data)
    counts = Counter(row["status"] for row in document["links"])
    assert counts.pop("ambiguous") == summary["ambiguous"]
    assert counts.pop("resolved") == summary["resolved"] - summary["ambiguous"]
    assert counts == {name: summary[name] for name in ("dangling", "external")}
    assert run("links", "--vault", vault, "--output-format", "table").err == (
        f"{summary['links']} links: {summary['resolved']} resolved ({summary['ambiguous']} ambiguous), "
        f"{summary['dangling']} dangling, {summary['external']} external.\n"
    )


def test_graph_counts_them(run: RunCommand, vault: Path, summary: dict[str, int]) -> None:
    rows = [line.split("\t") for line in run("graph", "--vault", vault).lines]
    figures = {row[0]: int(row[1]) for row in rows[1:] if row[0] != "hub"}
    assert {name: figures[name] for name in ("notes", "links")} == {
        name: summary[name] for name in ("notes", "links")
    }
    for name in ("resolved", "dangling", "ambiguous", "external"):
        assert figures[f"{name} links"] == summary[name]
    table = run("graph", "--vault", vault, "--output-format", "table").out
    assert re.search(rf"(?m)^external links +{summary['external']}$", table)


def test_edges_of_the_graph_are_the_internal_links(
    run: RunCommand, vault: Path, summary: dict[str, int]
) -> None:
    graph = cast(dict[str, Any], run("graph", "--vault", vault, "--json").data)
    edges = graph["edges"]
    assert len(edges) == summary["links"] - summary["external"]
    dangling = {node["id"] for node in graph["nodes"] if node["kind"] == "dangling"}
    assert sum(edge["target"] in dangling for edge in edges) == summary["dangling"]


def test_topics_name_the_dangling_ones_and_count_the_others(
    run: RunCommand, vault: Path, summary: dict[str, int]
) -> None:
    document = cast(dict[str, Any], run("topics", "--vault", vault, "--json").data)
    named = sum(topic["count"] for topic in document["topics"])
    rest = summary["dangling"] - named
    assert rest == 2, "[[0, 1]] and [[2, 3]]"
    assert (
        f"{rest} more unresolved links are not listed, because `vaultlink check` does not report "
        "them.\n"
    ) in run("topics", "--vault", vault, "--output-format", "table").err


def test_topics_have_no_remark_without_others(run: RunCommand, tmp_path: Path) -> None:
    root = create_vault(tmp_path / "plain", {"A.md": "[[Gone]] [[Gone]]\n"})
    done = run("topics", "--vault", root, "--output-format", "table")
    assert done.err.startswith("1 topic in 2 unresolved links: 1 planned note, 0 mistakes.\n")


def test_markdown_counts_them(run: RunCommand, vault: Path, summary: dict[str, int]) -> None:
    page = run("check", "--vault", vault, "--output-format", "markdown").out
    header, numbers = (
        [cell.strip() for cell in page.splitlines()[line].strip("|").split("|")] for line in (2, 4)
    )
    counts = dict(zip(header, numbers, strict=True))
    for name in ("notes", "links", "resolved", "dangling", "external", "findings"):
        assert counts[name] == str(summary[name]), name


def test_overview_counts_them(vault: Path, summary: dict[str, int]) -> None:
    with run_on_screen(vault, "check", "--show", "overview", size=WIDE) as screen:
        screen.wait_for_end(1)
        assert re.match(
            rf"{summary['links']} links: {summary['resolved']} of "
            rf"{summary['resolved'] + summary['dangling']} resolve \([\d.]+ %\), "
            rf"{summary['external']} are external$",
            screen.rows[0],
        )


def test_overview_without_external_links_is_short(tmp_path: Path) -> None:
    notes = {"A.md": "[[Twin]] [[Gone]]\n", "a/Twin.md": "", "b/Twin.md": ""}
    root = create_vault(tmp_path / "plain", notes)
    with run_on_screen(root, "check", "--show", "overview", size=WIDE) as screen:
        screen.wait_for_end(1)
        assert screen.rows[0] == "1 of 2 links resolve (50.0 %)", "ambiguous ones count once"


def test_watcher_counts_them(vault: Path, summary: dict[str, int]) -> None:
    with run_on_screen(vault, "watch", size=WIDE) as screen:
        screen.wait_for(f"{summary['notes']} notes · {summary['links']} links · ")
        screen.type("\x03").wait_for_end()
    with run_on_screen(
        vault, "watch", "--output-format", "json-lines", "--output-file", vault.parent / "events"
    ) as screen:
        screen.wait_for("Watching")
        screen.type("\x03").wait_for_end()
    state = json.loads((vault.parent / "events").read_text(encoding="utf-8").splitlines()[-1])
    assert state["event"] == "state"
    names = ("notes", "attachments", "links", "resolved", "dangling", "ambiguous", "external")
    assert {name: state["summary"][name] for name in names} == {
        name: summary[name] for name in names
    }


def test_python_counts_them(vault: Path, summary: dict[str, int]) -> None:
    opened = vaultlink.open_vault(vault)
    assert opened.summary().items() <= summary.items()
    assert opened.graph().number_of_edges() == summary["links"] - summary["external"]


def test_empty_notes_have_none(run: RunCommand, tmp_path: Path) -> None:
    root = create_vault(tmp_path / "plain", {"A.md": "text\n"})
    assert "\nlinks\t0\n" in run("graph", "--vault", root).out
    with run_on_screen(root, "check", "--show", "overview", size=WIDE) as screen:
        screen.wait_for_end()
        assert screen.rows[0] == "0 of 0 links resolve"
