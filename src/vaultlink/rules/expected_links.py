"""Unresolved links that are no mistake: by default nothing reports them."""

from vaultlink.index.index import Index
from vaultlink.index.resolve import name_key, normalize_name
from vaultlink.index.rooted_links import (
    has_resolved_rooted_links,
    is_in_root_folder,
)
from vaultlink.model import Link
from vaultlink.rules.context import Context


def is_expected(link: Link, context: Context) -> bool:
    """Return True if an unresolved link is expected not to resolve.

    It names a periodic note that is not written yet, or an address of a published site. The setting
    `quiet` switches off either.
    """
    return context.expects_note(link.target) or (
        link.is_rooted
        and "site-addresses" in context.quiet
        and _is_site_address(link.target, context.index)
    )


def _is_site_address(target: str, index: Index) -> bool:
    """Return True if a target names nothing that the vault could have.

    It is a path in the vault if it starts with one of the vault's folders, if a file has its last
    name, or if other links of this kind resolve. A file at this path below another folder belongs
    to the site, whose root that folder is.
    """
    name = name_key(target.rstrip("/"))
    if _is_below_other_folder(target, name, index):
        return not has_resolved_rooted_links(index)
    return not (
        name in index.names
        or f"{name}.md" in index.names
        or is_in_root_folder(target, index)
        or has_resolved_rooted_links(index)
    )


def _is_below_other_folder(target: str, name: str, index: Index) -> bool:
    """Return True if a folder other than the root has a file at the path in a target."""
    path = normalize_name(target.rstrip("/"))
    return path.count("/") > 1 and any(
        normalize_name(file).endswith((path, f"{path}.md"))
        for key in (name, f"{name}.md")
        for file in index.names.get(key, ())
    )
