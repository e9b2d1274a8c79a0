"""vaultlink finds and fixes broken links in Obsidian vaults.

The public names are imported when they are first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaultlink.api import Vault, open_vault
    from vaultlink.disk.scan import Settings
    from vaultlink.errors import ConfigError, JournalError, UsageError, VaultError
    from vaultlink.fix.requests import (
        DeleteRequest,
        ExtractRequest,
        FixRequest,
        MentionsRequest,
        MergeRequest,
        MoveRequest,
        RenameRequest,
        SectionsRequest,
        TopicRequest,
        read_request,
    )
    from vaultlink.model import Diagnostic, Fix, Link, Note, Severity, Suggestion
    from vaultlink.refactor.relocation import RefusedError
    from vaultlink.text import TextLines
    from vaultlink.watch.loop import Watch

__version__ = "0.6.1"

__all__ = [
    "ConfigError",
    "DeleteRequest",
    "Diagnostic",
    "ExtractRequest",
    "Fix",
    "FixRequest",
    "JournalError",
    "Link",
    "MentionsRequest",
    "MergeRequest",
    "MoveRequest",
    "Note",
    "RefusedError",
    "RenameRequest",
    "SectionsRequest",
    "Settings",
    "Severity",
    "Suggestion",
    "TextLines",
    "TopicRequest",
    "UsageError",
    "Vault",
    "VaultError",
    "Watch",
    "__version__",
    "open_vault",
    "read_request",
]

_MODULES = {
    "ConfigError": "errors",
    "JournalError": "errors",
    "RefusedError": "refactor.relocation",
    "Settings": "disk.scan",
    "TextLines": "text",
    "UsageError": "errors",
    "Vault": "api",
    "VaultError": "errors",
    "Watch": "watch.loop",
    "open_vault": "api",
    "read_request": "fix.requests",
    **{name: "fix.requests" for name in __all__ if name.endswith("Request")},
}
"""The modules of the public names; all others are in `model`."""


def __getattr__(name: str) -> Any:
    """Import a public name.

    Args:
        name: One of `__all__`.

    Returns:
        The class or function.

    Raises:
        AttributeError: The name is not public.
    """
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module 'vaultlink' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - `vaultlink --version` needs no import

    return getattr(import_module(f"vaultlink.{_MODULES.get(name, 'model')}"), name)


def __dir__() -> list[str]:
    """Return the public names.

    Returns:
        The names, sorted.
    """
    return sorted(__all__)
