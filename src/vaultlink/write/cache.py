"""Save to a vault's cache: the state of a run, and results of queries."""

import msgspec

from vaultlink.disk.cache import Cache, CachedState
from vaultlink.write.files import replace_cache_file


def save_state(cache: Cache, state: CachedState) -> None:
    """Save the state for the next run. A cache that can't be written is no error."""
    replace_cache_file(*cache.encode("state", msgspec.msgpack.encode(state)))


def save_result(cache: Cache, query: bytes, result: bytes, kind: str = "answer") -> None:
    """Save the result of a query, replacing the last one of its kind.

    All queries of a kind must have the same length.
    """
    replace_cache_file(*cache.encode(kind, query + result))
