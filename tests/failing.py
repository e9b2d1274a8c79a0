"""Make system calls that replace or remove notes fail, in this process."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch


@contextmanager
def fail_calls(name: str, code: int, numbers: Collection[int]) -> Iterator[None]:
    """Make `os.replace` or `os.unlink` fail with an error for notes with these numbers.

    The calls are counted from 1. Calls for files of the journal and for temporary files do not count.
    """
    calls, function = count(1), getattr(os, name)

    def fail(*args: Any, **handles: Any) -> Any:
        is_temporary = str(args[0]).startswith(".vaultlink-")
        if handles and is_temporary == (name == "replace") and next(calls) in numbers:
            raise OSError(code, os.strerror(code))
        return function(*args, **handles)

    with patch.object(os, name, fail):
        yield
