"""Checks of links, sections, properties, names and files, and the registry that reads declarations."""
