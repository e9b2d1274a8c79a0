"""Hyperlinks of terminals (OSC 8): their support and their addresses."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_PROGRAMS = frozenset(
    {"ghostty", "Hyper", "iTerm.app", "mintty", "rio", "tabby", "vscode", "WarpTerminal"}
    | {"WezTerm", "zed"}
)
"""Values of TERM_PROGRAM of terminals with hyperlinks."""

_TYPES = ("alacritty", "contour", "foot", "xterm-ghostty", "xterm-kitty")
"""Values of TERM, or their beginnings, of terminals with hyperlinks."""

_VARIABLES = ("DOMTERM", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WEZTERM_PANE", "WT_SESSION")
"""Variables that only terminals with hyperlinks set."""

_FIRST_VTE_VERSION = 5000
"""VTE 0.50, the library of GNOME Terminal and others. Its first release, 5000, fails on them."""


def supports_hyperlinks(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return True if output may have hyperlinks.

    FORCE_HYPERLINK decides, as in other programs: "0" is no, any other value yes. Without it, the
    output must be a terminal that is known to support them.
    """
    forced = environment.get("FORCE_HYPERLINK", "")
    if forced:
        return forced != "0"
    kind = environment.get("TERM", "")
    if not is_terminal or kind in ("dumb", "linux"):
        return False
    version = environment.get("VTE_VERSION", "")
    return (
        environment.get("TERM_PROGRAM") in _PROGRAMS
        or kind.startswith(_TYPES)
        or any(environment.get(name) for name in _VARIABLES)
        or (version.isdecimal() and int(version) > _FIRST_VTE_VERSION)
    )


def format_vault_address(root: Path) -> str:
    """Return the address of a vault's folder, with a slash at its end.

    It names the computer, so that a terminal can refuse links from another one.
    """
    address = root.as_uri().rstrip("/") + "/"
    if sys.platform == "win32":  # a name there would be that of a network share
        return address
    from urllib.parse import quote  # noqa: PLC0415 - slow to import, rarely needed

    return f"file://{quote(os.uname().nodename)}{address.removeprefix('file://')}"
