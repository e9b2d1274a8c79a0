"""Checks on "Add backlinks" sections that are their authors': they are mended entry by entry."""
