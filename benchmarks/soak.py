"""Soak `vaultlink watch --fix`: change settings and notes for minutes, then weigh it.

    python benchmarks/soak.py [SECONDS]

A vault is made in a temporary folder. Its settings change, and notes are edited, created, renamed
and deleted in storms with pauses. In the end, memory and descriptors of the watcher are printed
beside those of a fresh one on the same vault. The exit code is 1 if the ratio of one is above 1.2.
"""

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from checks import VAULTLINK
from generate import generate_vault
from watching import WatchProcess

_SECONDS = 600.0
_NOTES = 1_000
_MOST_NOTES = 2_000
_SETTINGS_EVERY = 20.0
"""Seconds between changes of the settings."""

_MAX_RATIO = 1.2


class Storm:
    """Changes of a vault, chosen by a seed."""

    def __init__(self, vault: Path):
        self.vault, self._dice = vault, random.Random(1)
        self.actions = self.changed_settings = 0

    def change_settings(self) -> None:
        """Write other settings than the last ones."""
        self.changed_settings += 1
        rules = ("dead-end", "orphan-note")
        rule = rules[self.changed_settings % 2]
        (self.vault / ".vaultlink.toml").write_text(f"ignore = ['{rule}']\n", encoding="utf-8")

    def blow(self, count: int) -> None:
        """Edit, create, rename and delete notes."""
        dice = self._dice
        for _ in range(count):
            self.actions += 1
            notes = sorted(self.vault.rglob("*.md"))
            note, kind = dice.choice(notes), dice.random()
            if kind < 0.6:
                text = note.read_text(encoding="utf-8")
                link = dice.choice(notes).stem
                note.write_text(f"{text[:20_000]}\n[[{link}]] [[Topic {self.actions % 200}]]\n")
            elif kind < 0.75 and len(notes) < _MOST_NOTES:
                new = note.with_name(f"made {self.actions}.md")
                new.write_text(f"# Made {self.actions}\n\n[[{note.stem}]]\n", encoding="utf-8")
            elif kind < 0.9:
                note.rename(note.with_name(f"renamed {self.actions}.md"))
            elif len(notes) > _NOTES // 2:
                note.unlink()
            time.sleep(dice.choice((0.0, 0.01, 0.05)))


def weigh(watched: WatchProcess) -> tuple[float, int]:
    """Return the megabytes and the descriptors of a watcher."""
    time.sleep(8)  # until it has fixed what is left
    descriptors = len([*Path(f"/proc/{watched.process.pid}/fd").iterdir()])
    return watched.read_memory_megabytes(), descriptors


def soak(folder: Path, seconds: float) -> bool:
    """Print the weight of a soaked watcher and of a fresh one; return True if it is light."""
    vault = folder / "vault"
    generate_vault(vault, _NOTES)
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    command = [*VAULTLINK]
    soaked, storm = WatchProcess(command, vault, environment, "--fix"), Storm(vault)
    begun = time.monotonic()
    print(f"at the start: {weigh(soaked)}", flush=True)
    while (spent := time.monotonic() - begun) < seconds:
        if spent > storm.changed_settings * _SETTINGS_EVERY:
            storm.change_settings()
        storm.blow(10)
        time.sleep(1.5)
        soaked.drain_lines()
    after = weigh(soaked)
    if soaked.process.poll() is not None:
        raise SystemExit(f"the watcher ended with {soaked.process.returncode}")
    soaked.end()
    new = WatchProcess(command, vault, environment, "--fix")
    fresh = weigh(new)
    new.end()
    print(f"{storm.changed_settings} changed settings, {storm.actions:,} changes of notes")
    ratios = [one / other for one, other in zip(after, fresh, strict=True)]
    for name, one, other, ratio in zip(
        ("MB of memory", "descriptors"), after, fresh, ratios, strict=True
    ):
        print(f"{name}: {one:.0f} after {seconds:.0f} s, {other:.0f} fresh, ratio {ratio:.2f}")
    return max(ratios) <= _MAX_RATIO


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    folder = Path(tempfile.mkdtemp(prefix="vaultlink-soak-"))
    try:
        return 0 if soak(folder, seconds) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
