"""`vaultlink graph`: figures of the vault's graph, or the graph for another program."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import choose_listing_format, print_lines
from vaultlink.cli.options import FolderOptions, option
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import open_from_options
from vaultlink.graph.build import GraphSummary, summarize_graph
from vaultlink.graph.export import GRAPH_FORMATS, export_graph
from vaultlink.report.layout import display_width, escape_controls, pad


@dataclass(frozen=True, kw_only=True)
class GraphOptions(FolderOptions):
    """What `graph` is told."""

    format: Annotated[
        str,
        option("--format", choices=GRAPH_FORMATS, help="Export the whole graph in this format."),
    ] = ""


def graph(options: GraphOptions) -> int:
    """Describe the vault's graph, or export it.

    Nodes are notes, dangling topics, and the attachments and canvases that take part; each link is an edge. A
    topic's node is its name with a slash before it. The exit code is 0.

    Output formats of the figures: table (on a terminal), tsv (elsewhere), json.
    With --format the graph itself is printed; json
    is then NetworkX's node-link data.
    """
    terminal = Terminal(options)
    shape = choose_listing_format(terminal)
    made = open_from_options(options, terminal, options.folder).graph()
    if options.format:
        terminal.print_results(export_graph(made, options.format))
        return EXIT_CLEAN
    told = summarize_graph(made)
    if shape == "json":
        terminal.print_results(msgspec.json.encode({"schema": 1, "graph": told}) + b"\n")
    elif shape == "tsv":
        print_lines(
            terminal, [*_list_counts(told), *(("hub", count, path) for path, count in told.hubs)]
        )
    else:
        terminal.print_results(_render_figures(told, terminal))
    return EXIT_CLEAN


def _list_counts(told: GraphSummary) -> list[tuple[str, int]]:
    return [
        ("notes", told.nodes["note"]),
        ("canvases", told.nodes["canvas"]),
        ("attachments linked", told.nodes["attachment"]),
        ("dangling topics", told.nodes["dangling"]),
        ("links", told.links),
        ("links that dangle", told.dangling),
        ("links to the note itself", told.self_links),
        ("groups connected by links", len(told.components)),
        ("files in the largest group", told.components[0] if told.components else 0),
        ("files without any link", sum(size == 1 for size in told.components)),
    ]


def _render_figures(told: GraphSummary, terminal: Terminal) -> str:
    rows = [(name, f"{count:,}") for name, count in _list_counts(told)]
    left, right = max(display_width(name) for name, _ in rows), max(len(count) for _, count in rows)
    lines = [f"{pad(name, left)}  {count:>{right}}" for name, count in rows]
    if told.hubs:
        p = terminal.palette
        lines += ["", f"{p.bold}most linked to{p.reset}"]
        size = max(len(f"{count:,}") for _, count in told.hubs)
        lines += [f"{count:>{size},}  {escape_controls(path)}" for path, count in told.hubs]
    return "\n".join(lines) + "\n"
