"""Pages in a real Chromium, for tests: `with start_browser(…) as browser`, then `browser.open(file)`.

The browser is the one that is installed; `.ci/run` installs Debian's. playwright-core drives it, from tests/browser/package.json.
VAULTLINK_BROWSER names another one; its value `required` makes tests fail, not skip, if there is none, as VAULTLINK_REQUIRED does.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from forge import check_output, make_once, require_npm
from machine import give_up

FOLDER = Path(__file__).resolve().parent / "browser"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(frozen=True)
class Page:
    """A page in the browser. `selector` is one of CSS or of Playwright, such as `text=All`."""

    browser: "Browser"
    number: int

    def do(self, name: str, **arguments: Any) -> Any:
        """Send a command of driver.mjs for this page, and return its value."""
        return self.browser.send({"page": self.number, "do": name, **arguments})

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """Return the JSON value of a JavaScript function, such as `() => document.title`."""
        return self.do("evaluate", script=script, argument=argument)

    def wait_for(self, script: str) -> None:
        """Wait until a JavaScript expression is true."""
        self.do("wait", script=script)

    def click(self, selector: str) -> None:
        """Click an element as a mouse does. Fails if it is hidden or covered."""
        self.do("click", selector=selector)

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of an input."""
        self.do("fill", selector=selector, text=text)

    def press(self, *keys: str) -> None:
        """Press keys, such as `Tab` or `Control+A`, one after the other."""
        for key in keys:
            self.do("press", key=key)

    def seen(self) -> dict[str, Any]:
        """Return the `console` messages, `errors`, `requests` and number of `dialogs` until now."""
        result: dict[str, Any] = self.do("seen")
        return result

    def faults(self, *rules: str) -> list[dict[str, Any]]:
        """Return what axe-core calls serious or critical, by all its rules unless some are named."""
        found = self.do("axe", rules=rules or None)
        return [item for item in found if item["impact"] in ("serious", "critical")]


class Browser:
    """A running browser. One process of node drives it."""

    def __init__(self, process: "subprocess.Popen[str]"):
        self._process = process
        self._pages = list[Page]()

    def open(
        self,
        file: Path | str,
        *,
        width: int = 1280,
        height: int = 900,
        scheme: str = "light",
        scripting: bool = True,
        touch: bool = False,
    ) -> Page:
        """Open a file or an address in a window of its own, and wait until it is loaded."""
        options = {"scheme": scheme, "scripting": scripting, "touch": touch}
        size = {"width": width, "height": height}
        address = file if isinstance(file, str) else file.as_uri()
        number = self.send({"do": "open", "address": address, **size, **options})
        self._pages.append(Page(self, number))
        return self._pages[-1]

    def close_pages(self) -> None:
        """Close all pages."""
        while self._pages:
            self._pages.pop().do("close")

    def send(self, command: Mapping[str, Any]) -> Any:
        """Send a command and return the value of its answer. Raises AssertionError for an error."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps(command) + "\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the driver ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{command}: {answer['error']}"
        return answer["value"]


def find_browser() -> str:
    """Return the path of a Chromium. Without one, the test is skipped, or fails where one is required."""
    wish = os.environ.get("VAULTLINK_BROWSER", "")
    names = PROGRAMS if wish in ("", "required") else (wish,)
    program = next(filter(None, map(shutil.which, names)), None)
    if program:
        return program
    if wish:
        pytest.fail("Chromium is not installed")
    return give_up("browser", "Chromium is not installed")


def install_driver(folder: Path) -> None:
    """Install what driver.mjs imports into a folder, with the versions of package-lock.json."""
    for file in FOLDER.iterdir():
        if file.suffix in (".json", ".mjs"):
            shutil.copy(file, folder)
    check_output(["npm", "ci", "--no-audit", "--no-fund"], folder, dict(os.environ))


@contextmanager
def start_browser(
    factory: pytest.TempPathFactory,
    bridge: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Browser]:
    """Start a browser, and end it at the end of the block.

    `bridge` is a module whose `setUp` prepares each page; `environment` is what it starts programs in.
    """
    program = find_browser()
    require_npm(factory)
    folder = make_once(factory, "browser", install_driver)
    with subprocess.Popen(
        ["node", folder / "driver.mjs", program, *filter(None, [bridge])],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        yield Browser(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="session")
def running_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start the browser."""
    with start_browser(tmp_path_factory) as browser:
        yield browser


@pytest.fixture
def browser(running_browser: Browser) -> Iterator[Browser]:
    """Close all pages of a test after it."""
    yield running_browser
    running_browser.close_pages()
