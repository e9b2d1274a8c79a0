"""`python -m vaultlink` and the installed command: words in, exit code out."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words in (["--version"], ["-V"]):  # asked by scripts on every call: nothing else is imported
        from vaultlink import __version__  # noqa: PLC0415

        sys.stdout.write(f"vaultlink {__version__}\n")
        return 0
    import gc  # noqa: PLC0415

    gc.disable()  # one command makes little that dies in circles, and ends soon
    from vaultlink.cli.dispatch import run_command  # noqa: PLC0415

    return run_command(words)


def start() -> None:
    """Run the command of this process and end it. What lies in memory is left to the system, which clears it faster."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed by whoever read it
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    start()
