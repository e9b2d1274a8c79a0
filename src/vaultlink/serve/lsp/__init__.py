"""The language server: the warm vault in every editor. Only here pygls is used."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial


@contextmanager
def importing_types() -> Iterator[None]:
    """Import the types of the protocol without comparisons and texts of values.

    Nothing here needs them, and they take 0.1 of the 0.25 seconds of that import.
    """
    import attrs  # noqa: PLC0415 - a part of an extra library

    define = attrs.define
    attrs.define = partial(define, eq=False, repr=False)
    try:
        yield
    finally:
        attrs.define = define
