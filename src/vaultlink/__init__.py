"""vaultlink: checks the links of an Obsidian vault. The public names; what they need is imported when first used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaultlink.api import Vault, open_vault
    from vaultlink.disk.scan import Settings
    from vaultlink.model import Diagnostic, Link, Note

__version__ = "0.4.0"

__all__ = ["Diagnostic", "Link", "Note", "Settings", "Vault", "__version__", "open_vault"]

_MODEL = frozenset({"Diagnostic", "Link", "Note"})


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module 'vaultlink' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module("vaultlink.model" if name in _MODEL else "vaultlink.api"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
