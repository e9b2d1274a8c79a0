"""The vault's link graph: build, update, summarize and export it.

The only package that imports networkx. No other package depends on it except the API and commands
that return a graph.
"""
