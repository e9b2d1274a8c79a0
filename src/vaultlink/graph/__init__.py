"""The vault as a networkx graph: how it is made, kept alive, described and exported. The only importer of networkx.

An index enters; a graph, figures or an exported text leave. Nothing else in the project depends on this view.
"""

from vaultlink.graph.export import GRAPH_FORMATS, export_graph
from vaultlink.graph.upkeep import LiveGraph
from vaultlink.graph.view import (
    NODE_KINDS,
    GraphSummary,
    build_graph,
    summarize_graph,
    topic_name,
    topic_node,
)

__all__ = [
    "GRAPH_FORMATS",
    "NODE_KINDS",
    "GraphSummary",
    "LiveGraph",
    "build_graph",
    "export_graph",
    "summarize_graph",
    "topic_name",
    "topic_node",
]
