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
    """Escape a text for XML attributes and elements.

    Characters that are invalid in XML are replaced.
    """
    clean = _INVALID_IN_XML.sub("\ufffd", text).translate(_XML_ESCAPES)
    return _UNSAFE_IN_XML.sub(lambda match: f"&#{ord(match[0])};", clean)
