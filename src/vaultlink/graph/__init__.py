"""The vault as a networkx graph: how it is made, kept alive, described and exported. The only importer of networkx.

An index enters; a graph, figures or an exported text leave. Nothing else in the project depends on this view.
"""

from vaultlink.graph.export import FORMATS, export
from vaultlink.graph.upkeep import LiveGraph
from vaultlink.graph.view import KINDS, Figures, figures, graph, topic, topic_node

__all__ = [
    "FORMATS",
    "KINDS",
    "Figures",
    "LiveGraph",
    "export",
    "figures",
    "graph",
    "topic",
    "topic_node",
]
