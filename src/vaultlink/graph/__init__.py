"""The vault as a networkx graph: how it is made, kept alive, described and exported. The only importer of networkx.

An index enters; a graph, figures or an exported text leave. Nothing else in the project depends on this view.
"""
