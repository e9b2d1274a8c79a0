"""Tests of the terminal sessions in docs/casts: they are what the program shows now."""

import json

import pytest

import casts
import terminal_pictures
from machine import require_program, require_version

pytestmark = pytest.mark.project


@pytest.mark.parametrize("name", casts.SESSIONS)
def test_cast_is_up_to_date(name: str) -> None:
    if name.startswith("pager"):
        require_program("less")
    recorded = (casts.CASTS / f"{name}.cast").read_text(encoding="utf-8")
    assert casts.record_session(casts.SESSIONS[name]).splitlines() == recorded.splitlines(), (
        "run `python benchmarks/casts.py`"
    )


def test_casts_are_asciicast_version_2() -> None:
    files = sorted(casts.CASTS.glob("*.cast"))
    assert [file.stem for file in files] == sorted(casts.SESSIONS)
    for file in files:
        header, *events = map(json.loads, file.read_text(encoding="utf-8").splitlines())
        assert (header["version"], f"{header['width']}x{header['height']}") == (
            2,
            file.stem.rpartition("-")[2],
        )
        assert [event[1] for event in events] == ["o"] * len(events)
        assert [event[0] for event in events] == sorted(event[0] for event in events)


@pytest.mark.parametrize("name", terminal_pictures.PICTURES)
def test_picture_is_up_to_date(name: str) -> None:
    drawn = (terminal_pictures.IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    assert terminal_pictures.draw_picture(name).splitlines() == drawn.splitlines(), (
        "run `python benchmarks/terminal_pictures.py`"
    )


VERSIONS = {"nvim": "NVIM v0.10.4", "hx": "helix 25.01.1"}
"""The editors of the pictures. Others draw another screen."""


_MAX_DRAWN = 3
"""Pictures to draw until one is right: on a busy computer, Neovim may leave a character in a line without its color."""


@pytest.mark.parametrize("name", terminal_pictures.EDITOR_PICTURES)
def test_picture_of_an_editor_is_up_to_date(name: str) -> None:
    command = terminal_pictures.EDITOR_PICTURES[name].command[0]
    require_program("tmux")
    require_version(command, VERSIONS[command])
    expected = (terminal_pictures.IMAGES / f"{name}.svg").read_text(encoding="utf-8").splitlines()
    for _ in range(_MAX_DRAWN):
        drawn = terminal_pictures.draw_picture(name).splitlines()
        if drawn == expected:
            break
    assert drawn == expected, "run `python benchmarks/terminal_pictures.py`"
