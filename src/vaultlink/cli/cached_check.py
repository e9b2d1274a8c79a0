"""The output of a check, as it is cached for the next run with the same input."""

import msgspec


class CachedCheck(msgspec.Struct, array_like=True):
    """Output of a check, cached for a run with the same input."""

    results: bytes
    summary: str
    exit_code: int


def decode_cached_check(data: bytes | None) -> CachedCheck | None:
    """Return the cached output; None if there is none that can be read."""
    try:
        return None if data is None else msgspec.msgpack.decode(data, type=CachedCheck)
    except (msgspec.MsgspecError, ValueError):
        return None
