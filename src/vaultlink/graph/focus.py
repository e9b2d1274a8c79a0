"""Select the part of a graph around a node."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaultlink.graph.build import Graph


def select_around(nx_graph: "Graph", node: str, depth: int) -> "Graph":
    """Return the nodes near a node, with all links among them.

    Links count in both directions. Nodes and links keep their order.

    Args:
        nx_graph: A graph from `build_graph`.
        node: A node of the graph.
        depth: Number of links; 0 selects the node alone.
    """
    import networkx as nx  # noqa: PLC0415 - 0.1 s that only graph questions pay

    both_ways = nx_graph.to_undirected(as_view=True)
    near = nx.single_source_shortest_path_length(both_ways, node, cutoff=depth)
    part: Graph = nx.MultiDiGraph()
    part.add_nodes_from([(name, data) for name, data in nx_graph.nodes(data=True) if name in near])
    part.add_edges_from(
        [edge for edge in nx_graph.edges(data=True) if edge[0] in near and edge[1] in near]
    )
    return part
