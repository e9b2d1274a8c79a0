"""Saving to the cache of a vault: the state of a run, and results of questions."""

import msgspec

from vaultlink.disk.cache import Cache, CachedState
from vaultlink.write.files import replace_cache_file


def save_state(cache: Cache, state: CachedState) -> None:
    """Save the state for the next run. A cache that can't be written is no error."""
    replace_cache_file(*cache.encode("state", msgspec.msgpack.encode(state)))


def save_result(cache: Cache, question: bytes, result: bytes, kind: str = "answer") -> None:
    """Save the result of a question until another of its kind is saved. All questions of a kind have one length."""
    replace_cache_file(*cache.encode(kind, question + result))
