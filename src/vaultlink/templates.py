"""What tells that a text is to be filled in by a template: nobody means it as it stands."""

_TEMPLATE_MARKS = ("{{", "<%")


def has_placeholder(text: str) -> bool:
    """Whether a text holds a sign of Obsidian's own templates or of Templater."""
    return any(sign in text for sign in _TEMPLATE_MARKS)
