"""vaultlink finds and fixes broken links in Obsidian vaults.

The public names are imported when they are first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaultlink.api import Vault, open_vault
    from vaultlink.disk.scan import Settings
    from vaultlink.errors import ConfigError, VaultError
    from vaultlink.model import Diagnostic, Fix, Link, Note, Severity, Suggestion
    from vaultlink.watch.loop import Watch

__version__ = "0.5.0"

__all__ = [
    "ConfigError",
    "Diagnostic",
    "Fix",
    "Link",
    "Note",
    "Settings",
    "Severity",
    "Suggestion",
    "Vault",
    "VaultError",
    "Watch",
    "__version__",
    "open_vault",
]

_MODULES = {
    "ConfigError": "errors",
    "Settings": "disk.scan",
    "Vault": "api",
    "VaultError": "errors",
    "Watch": "watch.loop",
    "open_vault": "api",
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
