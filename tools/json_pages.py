"""The page on JSON output, and the schemas."""


def render_files() -> dict[str, str]:
    """Return the text of each file."""
    return {"reference/json.md": "# JSON\n"}
