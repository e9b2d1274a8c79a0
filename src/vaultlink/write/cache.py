"""Save to a vault's cache: the state of a run, and results of queries."""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vaultlink.disk.cache import Cache
from vaultlink.write.files import replace_cache_file

if TYPE_CHECKING:
    from vaultlink.disk.saved_state import StateToSave


def save_state(cache: Cache, state: "StateToSave") -> None:
    """Save a state and its stamps for the next run.

    A cache that can't be written is no error.
    """
    if state.table is not None:
        replace_cache_file(*cache.encode_state(state.table, state.columns))
    replace_cache_file(*cache.encode("stamps", msgspec.msgpack.encode(state.stamps)))


def save_result(cache: Cache, query: bytes, result: bytes, kind: str = "answer") -> None:
    """Save the result of a query, replacing the last one of its kind.

    All queries of a kind must have the same length.
    """
    replace_cache_file(*cache.encode(kind, query + result))


def forget_cache_file(file: str | None) -> bool:
    """Delete a damaged cache file; return False if that is impossible."""
    try:
        if file is not None:
            Path(file).unlink()
    except OSError:
        return False
    return file is not None
