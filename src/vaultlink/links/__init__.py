"""Links as text: how the target of a new link is written, and how an existing link is rewritten. Pure."""
