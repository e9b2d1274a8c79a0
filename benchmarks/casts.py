"""Record sessions on a terminal as text casts (asciicast v2) into docs/casts.

A cast has one frame after each key: what the screen shows then. Times are fixed and paths and
clocks masked, so that the same program always gives the same file. `asciinema play FILE` plays one.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from screens import LARGE, SMALL, Screen, Size, run_on_screen  # noqa: E402

CASTS, SAMPLE = ROOT / "docs" / "casts", ROOT / "fixtures" / "podcast-wiki"
SECONDS_PER_FRAME = 1.5
STATUS = r"^\d+ notes · [^\n]* · [\d:]{8}"
"""The status line after a batch."""


class Step(NamedTuple):
    """Keys to press, or a change of the vault, and a pattern that the screen shows then."""

    action: str | Callable[[Path], object]
    pattern: str


class Session(NamedTuple):
    """A command with its size, the pattern that it shows first, and what is done then."""

    words: Sequence[str]
    size: Size
    first: str
    steps: Sequence[Step]


def rename_note(vault: Path) -> None:
    """Rename a note to which others link."""
    (vault / "ships_logs_as_climate_records.md").rename(vault / "ships_logs.md")


def make_sessions(size: Size) -> dict[str, Session]:
    """Return the sessions by name."""
    return {
        "check": Session(("check",), size, r"show all \d+ findings$", ()),
        "pager": Session(
            ("check", "--show", "all"),
            size,
            r"^:$",
            (
                Step(" ", r"\A(?!VL101 dangling-link “Cafes)[\s\S]*^:$"),
                Step("G", r"^\(END\)$"),
                Step("q", r"checked\."),
            ),
        ),
        "fix-interactive": Session(
            ("fix", "--interactive"),
            size,
            r"^1 of [\s\S]*\?\]$",
            (
                Step("?", r"show this list[\s\S]*\?\]$"),
                Step("c", r"^2 of [\s\S]*\?\]$"),
                Step("y", r"^3 of [\s\S]*\?\]$"),
                Step("b", r"y\n[\s\S]*^2 of [\s\S]*\?\]$|\?\] b\n[\s\S]*\?\]$"),
                Step("n", r"^3 of [\s\S]*\?\]$"),
                Step("q", r"checked\."),
            ),
        ),
        "watch": Session(
            ("watch", "--fix"),
            size,
            STATUS,
            (
                Step(rename_note, rf"named the old place; followed[\s\S]*{STATUS}"),
                Step("\x03", r"Stopped:"),
            ),
        ),
    }


SESSIONS = {
    f"{name}-{size.columns}x{size.rows}": session
    for size in (SMALL, LARGE)
    for name, session in make_sessions(size).items()
}


def record_session(session: Session) -> str:
    """Run a session on a copy of the sample vault, and return the cast."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        vault = Path(folder).resolve() / "podcast-wiki"
        shutil.copytree(SAMPLE, vault)
        environment = {
            "VAULTLINK_CACHE_DIR": f"{folder}/cache",
            "VAULTLINK_STATE_DIR": f"{folder}/state",
            **{"PAGER": "less", "LESS": "", "LESSHISTFILE": "-"},
        }
        with run_on_screen(
            vault, *session.words, size=session.size, environment=environment
        ) as screen:
            frames = [mask_frame(text, vault) for text in _list_frames(screen, session, vault)]
    header = {
        "version": 2,
        "width": session.size.columns,
        "height": session.size.rows,
        "title": " ".join(["vaultlink", *session.words]),
    }
    events = [
        [round(number * SECONDS_PER_FRAME, 1), "o", "\x1b[H\x1b[2J" + frame.replace("\n", "\r\n")]
        for number, frame in enumerate(frames)
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [header, *events])


def _list_frames(screen: Screen, session: Session, vault: Path) -> Iterator[str]:
    """Yield what the screen shows first, and after each step."""
    yield screen.wait_for_match(session.first).settle().text
    for action, pattern in session.steps:
        if isinstance(action, str):
            screen.type(action)
        else:
            action(vault)
        yield screen.wait_for_match(pattern).settle().text


def mask_frame(text: str, vault: Path) -> str:
    """Replace the path of the vault, which may be broken at the end of a row, and all clocks."""
    path = r"\n?".join(map(re.escape, str(vault)))
    return re.sub(r"\d\d:\d\d:\d\d", "14:02:33", re.sub(path, "~/podcast-wiki", text))


def main() -> None:
    """Write all casts."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    CASTS.mkdir(exist_ok=True)
    for name, session in SESSIONS.items():
        (CASTS / f"{name}.cast").write_text(record_session(session), encoding="utf-8")
        print(f"docs/casts/{name}.cast")


if __name__ == "__main__":
    os.environ.pop("COLUMNS", None)
    main()
