"""The vault as a networkx graph: how it is made, described and exported. The only importer of networkx.

An index enters; a graph, figures or an exported text leave. Nothing else in the project depends on this view.
"""

from vaultlink.graph.export import FORMATS, export
from vaultlink.graph.view import KINDS, Figures, figures, graph, topic, topic_node

__all__ = ["FORMATS", "KINDS", "Figures", "export", "figures", "graph", "topic", "topic_node"]
