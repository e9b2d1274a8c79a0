"""The entry points of `python -m vaultlink` and of the installed command."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments in (["--version"], ["-V"]):  # scripts run this often: import nothing else
        from vaultlink import __version__  # noqa: PLC0415

        sys.stdout.write(f"vaultlink {__version__}\n")
        return 0
    import gc  # noqa: PLC0415

    gc.disable()  # a command is short and creates few reference cycles
    from vaultlink.cli.dispatch import run_command  # noqa: PLC0415

    return run_command(arguments)


def start() -> None:
    """Run the command of this process and exit with its code.

    Exits without freeing memory: the operating system does this faster than Python.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the reader closed it
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    start()
