"""Interactive shells in terminals of their own, in which tests type."""

import os
import pty
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path


class Shell:
    """An interactive shell in a terminal of its own."""

    def __init__(self, command: Sequence[str], folder: Path):
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder.parent),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "PS1": "> ",
        }
        self.text = ""
        pid, self._handle = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execve(command[0], list(command), environment)
        self._pid = pid

    def type(self, keys: str, wait_for: str) -> str:
        """Type keys, and return what is printed until a text is in it."""
        os.write(self._handle, keys.encode())
        seen, end = "", time.monotonic() + 120
        while wait_for not in seen:
            ready, _, _ = select.select([self._handle], [], [], max(0, end - time.monotonic()))
            assert ready, f"{wait_for!r} is not in {seen!r}"
            seen += os.read(self._handle, 4096).decode(errors="replace")
        return seen

    def close(self) -> None:
        """End the shell."""
        os.write(self._handle, b"\x03\nexit\n")
        os.close(self._handle)
        os.waitpid(self._pid, 0)


INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(vaultlink completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit; compinit -u -D; eval "$(vaultlink completion zsh)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "vaultlink completion fish | source"),
}
"""The command that starts each shell, and the one that loads the completion of vaultlink."""
