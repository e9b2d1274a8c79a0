"""Escape text for XML."""

from vaultlink.text import lazy_pattern

_INVALID_IN_XML = lazy_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNSAFE_IN_XML = lazy_pattern("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|#(?=#)")
"""Characters that a terminal may obey, and the beginning of commands for CI services."""
_XML_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


def escape_xml(text: str) -> str:
    """Escape a text for attributes and elements; replace what XML can't hold."""
    return escape_unsafe(replace_invalid(text).translate(_XML_ESCAPES))


def replace_invalid(text: str) -> str:
    """Replace the characters that XML can't hold, not even as references."""
    return _INVALID_IN_XML.sub("\ufffd", text)


def escape_unsafe(xml: str) -> str:
    """Write the unsafe characters of a document, all in its texts, as references."""
    return _UNSAFE_IN_XML.sub(lambda match: f"&#{ord(match[0])};", xml)
