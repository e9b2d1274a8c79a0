"""`vaultlink graph`: figures of the vault's graph, or an export of the graph."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listings import choose_listing_format
from vaultlink.cli.opening import (
    answer_from_options,
    find_note_argument,
    find_note_start,
    make_part_filter,
)
from vaultlink.cli.options import PathsOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.errors import UsageError
from vaultlink.graph.build import GraphSummary, select_around, select_linked, summarize_graph
from vaultlink.graph.export import GRAPH_FORMATS, export_graph
from vaultlink.model import LinkCounts
from vaultlink.report.layout import (
    display_width,
    escape_controls,
    escape_json,
    format_count,
    pad,
    render_tsv,
)
from vaultlink.report.listings import list_reported_topics

if TYPE_CHECKING:
    from vaultlink.api import Vault

_DEPTH = 1


class GraphOptions(PathsOptions, frozen=True, kw_only=True):
    """Options of `graph`."""

    output_format: Annotated[
        str,
        option(
            "Output format; see above. (VAULTLINK_OUTPUT_FORMAT)",
            metavar="FORMAT",
            hidden_names=("--format",),
        ),
    ] = ""
    focus: Annotated[
        str | None, option("Export only NOTE and what is near it.", metavar="NOTE")
    ] = None
    depth: Annotated[
        int | None,
        option(
            f"Links between NOTE and the farthest node. Default: {_DEPTH}.",
            metavar="N",
            requires=("--focus",),
        ),
    ] = None


def graph(options: GraphOptions) -> int:
    """Summarize the vault's graph, or export it.

    Nodes are notes, unresolved topics, and linked attachments and canvases; each internal link is
    an edge. The node of a topic is its name with a leading slash. With PATHS, the graph consists of
    the links from and to the files in them, and the figures count these files; the files at the
    other ends are nodes, too. The exit code is 0.

    Output formats: table (on a terminal), tsv (elsewhere), json, graphml, gexf, dot, svg. The first
    two are a summary, the others the graph itself; json is NetworkX's node-link data, and svg a
    picture of it. --focus needs one of them.
    """
    terminal = Terminal(options)
    output_format = choose_listing_format(terminal, exports=GRAPH_FORMATS)
    if options.focus is not None and output_format not in GRAPH_FORMATS:
        names = ", ".join(GRAPH_FORMATS)
        raise UsageError(f"--focus requires a format that exports the graph: {names}.")
    return answer_from_options(
        "graph",
        options,
        terminal,
        lambda vault: _print_graph(options, terminal, vault),
        options.paths or find_note_start(options, (options.focus,)),
    )


def _print_graph(options: GraphOptions, terminal: Terminal, vault: "Vault") -> int:
    wanted, output_format = make_part_filter(options, vault), terminal.output_format
    nx_graph = select_linked(vault.graph(), wanted) if options.paths else vault.graph()
    if output_format in GRAPH_FORMATS:
        if options.focus is not None:
            note = find_note_argument(vault, options.focus)
            if note not in nx_graph:
                reason = "no link joins it to the paths" if options.paths else "no note links to it"
                raise UsageError(f"{note} is not in the graph, because {reason}.")
            nx_graph = select_around(nx_graph, note, options.depth or _DEPTH)
        titles = {path: note.title or "" for path, note in vault.notes.items()}
        with terminal.progress_line("Drawing the graph"):
            text = export_graph(nx_graph, output_format, titles)
        data = text.encode("utf-8", "replace")
        data = escape_json(data) if output_format == "json" else data
        terminal.print_results(text if output_format == "dot" else data)
        return EXIT_CLEAN
    summary = summarize_graph(nx_graph, wanted=wanted)
    links, topics = vault.index.count_all_links(wanted), list_reported_topics(vault.state, wanted)
    counts = _list_counts(summary, links, len(topics))
    if output_format == "tsv":
        rows = [*counts, *(("hub", count, path) for path, count in summary.hubs)]
        terminal.print_results(render_tsv(("figure", "count", "path"), rows))
    else:
        terminal.print_paged(_render_figures(counts, summary.hubs, terminal))
    rest = links.dangling - sum(len(topic.findings) for topic in topics)
    if rest > 0:
        more = format_count(max(summary.nodes["dangling"] - len(topics), 0), "topic")
        terminal.print_message(
            "All links count, also those that `vaultlink check` does not report: "
            f"{format_count(rest, 'dangling link')}, with {more} in the graph."
        )
    return EXIT_CLEAN


def _list_counts(summary: GraphSummary, links: LinkCounts, topics: int) -> list[tuple[str, int]]:
    """Return names and figures; those of links are as in the summary of `check`.

    `topics` is the number of topics that a check reports, as in `vaultlink unresolved`.
    """
    return [
        ("notes", summary.nodes["note"]),
        ("canvases", summary.nodes["canvas"]),
        ("attachments linked", summary.nodes["attachment"]),
        ("unresolved topics", topics),
        ("links", links.links),
        ("resolved links", links.resolved),
        ("dangling links", links.dangling),
        ("ambiguous links", links.ambiguous),
        ("external links", links.external),
        ("links to the note itself", summary.self_links),
        ("groups connected by links", len(summary.components)),
        ("files in the largest group", summary.components[0] if summary.components else 0),
        ("files without any link", sum(size == 1 for size in summary.components)),
    ]


def _render_figures(
    counts: Sequence[tuple[str, int]], hubs: Sequence[tuple[str, int]], terminal: Terminal
) -> str:
    rows = [(name, f"{count:,}") for name, count in counts]
    name_width = max(display_width(name) for name, _ in rows)
    count_width = max(len(count) for _, count in rows)
    lines = [f"{pad(name, name_width)}  {count:>{count_width}}" for name, count in rows]
    if hubs:
        p = terminal.palette
        lines += ["", f"{p.bold}most linked to{p.reset}"]
        size = max(len(f"{count:,}") for _, count in hubs)
        lines += [f"{count:>{size},}  {escape_controls(path)}" for path, count in hubs]
    return "\n".join(lines) + "\n"
