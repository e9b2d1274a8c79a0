"""A headless Neovim, in which tests press keys and ask for what it shows."""

import json
import subprocess
from pathlib import Path
from typing import Any, Self

from editor_runs import WAIT, Desk, wait_for_parts, wait_until

_OFFER = """
vim.ui.select = function(items, options, choose)
  local format = options.format_item or tostring
  _G.offered = vim.tbl_map(format, items)
  _G.choose = function(number) _G.offered = nil; choose(items[number], number) end
end
"""
"""Keeps a list of choices, which would wait for a key and answer no question until then."""

_SEVERITIES = ("", "error", "warning", "information", "hint")


class Neovim:
    """A Neovim without a screen. `type` presses keys; `ask` evaluates an expression of Lua."""

    def __init__(self, desk: Desk, *files: str):
        self.desk = desk
        self._socket = str(desk.home / "neovim")
        self.process = subprocess.Popen(
            ["nvim", "--headless", "--listen", self._socket, "-c", f"lua {_OFFER}", *files],
            cwd=desk.wiki,
            env=desk.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: Path(self._socket).exists(), "the socket of Neovim")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()

    def _call(self, option: str, text: str) -> str:
        return subprocess.run(
            ["nvim", "--server", self._socket, option, text],
            env=self.desk.environment,
            capture_output=True,
            text=True,
            check=False,  # it may end with an error if the editor quits
            timeout=WAIT,
        ).stdout

    def type(self, keys: str) -> None:
        """Press keys, as Vim writes them."""
        self._call("--remote-send", keys)

    def ask(self, code: str) -> Any:
        """Return the value of an expression of Lua."""
        quoted = f"vim.json.encode({code})".replace("'", "''")
        answer = self._call("--remote-expr", f"luaeval('{quoted}')")
        assert answer, f"no answer to: {code}"
        return json.loads(answer)

    def wait_for(self, code: str) -> Any:
        """Wait until an expression of Lua is true, and return it."""
        return wait_until(lambda: self.ask(code), code)

    def findings(self, name: str) -> list[str]:
        """Return the diagnostics of a file that is open."""
        found = self.ask(f"vim.diagnostic.get(vim.fn.bufnr([[{self.desk.wiki}/{name}]]))")
        return [
            f"  {item['lnum'] + 1}:{item['col'] + 1}-{item['end_col'] + 1} "
            f"{_SEVERITIES[item['severity']]} {item['code']} {item['message']}"
            for item in sorted(found, key=lambda item: (item["lnum"], item["col"]))
        ]

    def wait_for_findings(self, name: str, *parts: str) -> list[str]:
        """Wait until the diagnostics of a file contain these words, one each."""
        return wait_for_parts(lambda: self.findings(name), *parts)

    @property
    def line(self) -> str:
        """The line of the cursor, with the name of its file and the position in front."""
        place = "vim.fn.expand('%:.'), vim.fn.line('.'), vim.fn.col('.'), vim.fn.getline('.')"
        name, line, column, text = self.ask(f"{{{place}}}")
        return f"  {name}:{line}:{column}: {text}"
