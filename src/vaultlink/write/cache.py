"""Save to a vault's cache: the state of a run, and results of queries.

What writes files is imported to save something: most runs change nothing.
"""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vaultlink.disk.cache import Cache, CacheUse

if TYPE_CHECKING:
    from vaultlink.disk.saved_state import StateToSave


def save_state(cache: Cache, state: "StateToSave") -> None:
    """Save a state and its stamps, with what holds of the state of another vault."""
    from vaultlink.write.own_files import copy_cache_file, replace_cache_file  # noqa: PLC0415 - only to save

    if state.source is not None:
        for file, copy in cache.list_copies(state.source, whole=state.table is None):
            copy_cache_file(file, copy)
    if state.table is not None:
        replace_cache_file(*cache.encode_state(state.table, state.columns))
        replace_cache_file(*cache.encode_history(state.table.remembered))
    replace_cache_file(*cache.encode("stamps", msgspec.msgpack.encode(state.stamps)))


def save_result(cache: Cache, query: bytes, result: bytes, kind: str = "answer") -> None:
    """Save the result of a query; all queries of a kind have the same length."""
    from vaultlink.write.own_files import replace_cache_file  # noqa: PLC0415 - only to save

    replace_cache_file(*cache.encode(kind, query, result))


def remove_cache(cache: Cache) -> int:
    """Delete the cache of a vault; return how many of its files are left."""
    files = cache.list_files()
    for file in files:
        with suppress(OSError):
            file.unlink()
    if files:
        with suppress(OSError):  # something else is in it
            cache.folder.rmdir()
    return len(cache.list_files())


def forget_used_cache() -> bool:
    """Delete the cache files that this process used, if any, and use none from now on."""
    files = list(CacheUse.files)
    CacheUse.files.clear()
    CacheUse.is_allowed = False
    for file in files:
        with suppress(OSError):
            file.unlink()
    return bool(files)


def forget_cache_file(file: str | None) -> bool:
    """Delete a damaged cache file, unless it is gone; return False if it can't be."""
    if file is None:
        return False
    damaged = Path(file)
    try:
        size = damaged.stat().st_size
        for copy in damaged.parent.parent.glob(f"*/{damaged.name}"):
            if copy != damaged and copy.stat().st_size == size:
                copy.unlink()
        damaged.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
