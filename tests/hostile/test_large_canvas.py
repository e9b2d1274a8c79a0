"""Large canvases: the time of a check and of a rename grows as their size does."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from running import create_vault

HOSTILE = bool(os.environ.get("VAULTLINK_HOSTILE"))
MEGABYTES = 50 if HOSTILE else 1
LINES = ("check --quiet --exit-zero --statistics", "fix --quiet", "rename Target Renamed", "undo")


def make_vault(folder: Path, size: int) -> Path:
    """Create a vault with a canvas of at least `size` bytes; a node in 500 links to one note."""
    node = {"type": "text", "x": 0, "y": 0, "width": 400, "height": 200}
    texts = [f"[[Target]] and [[Note {n % 9}]] {'words ' * 30}" for n in range(500)]
    texts[1:] = [text.replace("[[Target]]", "[[No target]]") for text in texts[1:]]
    count = size // 250
    nodes = [{**node, "id": f"{n:016x}", "text": texts[n % 500]} for n in range(count)]
    content = json.dumps({"nodes": nodes, "edges": []}, indent="\t")
    assert len(content) >= size
    notes = {f"Note {n}.md": f"# Note {n}\n" for n in range(9)}
    return create_vault(folder, {**notes, "Target.md": "", "Large.canvas": content})


def measure(root: Path, line: str) -> float:
    """Return the processor time of a command in a process of its own, in seconds."""
    before = os.times()
    command = [sys.executable, "-m", "vaultlink", *line.split(), "--no-cache"]
    if line == "undo":
        command.pop()
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    after = os.times()
    assert done.returncode in (0, 1), done.stderr
    return (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


@pytest.mark.thorough
@pytest.mark.timeout(0 if HOSTILE else 600)
def test_time_grows_as_the_size(tmp_path: Path) -> None:
    half = make_vault(tmp_path / "half", MEGABYTES * 500_000)
    whole = make_vault(tmp_path / "whole", MEGABYTES * 1_000_000)
    text = (whole / "Large.canvas").read_bytes()
    measure(half, "check --exit-zero")  # compiles the program
    for line in LINES:
        start = time.monotonic()
        times = [measure(root, line) for root in (half, whole)]
        assert times[1] < 3 * times[0], (line, times, time.monotonic() - start)
    assert (whole / "Large.canvas").read_bytes() == text
