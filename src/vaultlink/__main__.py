"""The entry points of `python -m vaultlink` and of the installed command."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    code = _run(sys.argv[1:] if argv is None else list(argv))
    if module := sys.modules.get("vaultlink.cli.opening"):
        module.OPENED.clear()
    return code


def _run(arguments: list[str]) -> int:
    """Run one command and return its exit code; keep the vault that it opened."""
    if arguments in (["--version"], ["-V"]):  # scripts run this often: import nothing else
        return _print_version()
    import gc  # noqa: PLC0415

    gc.disable()  # a command is short and creates few reference cycles
    from vaultlink.cli.dispatch import run_command  # noqa: PLC0415

    return run_command(arguments)


def _print_version() -> int:
    from vaultlink import __version__  # noqa: PLC0415

    programs = sys.modules.get("vaultlink.programs")  # the start of a binary has imported it
    form = programs.describe_form() if programs else ""
    try:
        print(f"vaultlink {__version__}{form}", flush=True)  # noqa: T201
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"error: can't write results: {error.strerror}.", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def start() -> None:
    """Run the command of this process and exit with its code.

    Exits without freeing memory: the operating system does this faster than Python.
    """
    _reserve_descriptors()
    code = _run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # the reader closed it
                stream.flush()
    os._exit(code)


def _reserve_descriptors() -> None:
    """Open the null device for each standard stream that the parent process closed.

    Otherwise the next file that is opened would be the standard stream of other code.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number


if __name__ == "__main__":
    start()
