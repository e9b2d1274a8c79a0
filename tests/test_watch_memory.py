"""A watcher that runs for months keeps neither replaced vaults nor their open files."""

import gc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from vaultlink.disk.scan import Settings
from vaultlink.disk.state_file import StoredState
from vaultlink.engine.step import State
from vaultlink.watch.garbage import exempt_present_objects
from vaultlink.watch.loop import Watch, WatchSettings
from vaultlink.watch.messages import Batch, WatchUpdate
from watched import QUICK_DEBOUNCE

CHANGES = 4
DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def small_collector() -> None:
    """Leave watchers the collector of the process, which other tests take from them."""


@pytest.fixture(autouse=True)
def without_collections() -> Iterator[None]:
    """Switch off the collections that come by chance."""
    thresholds = gc.get_threshold()
    gc.unfreeze()
    gc.collect()
    gc.disable()
    yield
    gc.set_threshold(*thresholds)
    gc.enable()
    gc.freeze()


def list_alive(kind: type) -> list[object]:
    """Return the objects of a class; those that are exempt from collection, too."""
    gc.unfreeze()
    return [item for item in gc.get_objects() if isinstance(item, kind)]


def count_open_states() -> int:
    """Count the cache files that are open, deleted ones included."""
    names = []
    for descriptor in list_descriptors():
        with suppress(OSError):  # that of the listing itself
            names.append(str(descriptor.readlink()))
    return sum("/cache/" in name and "state" in name for name in names)


def list_descriptors() -> list[Path]:
    """List the open files of this process, where the system shows them."""
    return list(DESCRIPTORS.iterdir()) if DESCRIPTORS.exists() else []


def wait_for_batch(updates: Iterator[WatchUpdate], is_wanted: Callable[[str], bool]) -> None:
    next(item for item in updates if isinstance(item, Batch) and is_wanted(item.cause.description))


def make_vault(tmp_path: Path) -> Path:
    vault = tmp_path / "vault"
    vault.mkdir()
    for number in range(30):
        text = f"# Note {number}\n\n[[Note {number + 1}]] [[Gone {number}]]\n"
        (vault / f"Note {number}.md").write_text(text)
    return vault


def change_settings(vault: Path, number: int) -> None:
    rule = ("dead-end", "orphan-note")[number % 2]
    (vault / ".vaultlink.toml").write_text(f"ignore = ['{rule}']\n" + "\n" * number)


@pytest.mark.thorough
@pytest.mark.parametrize("is_exempting", [False, True], ids=["as-library", "as-command"])
def test_replaced_vaults_are_freed(tmp_path: Path, is_exempting: bool) -> None:
    vault = make_vault(tmp_path)
    settings = Settings(cache_dir=tmp_path / "cache")
    kept = [list_alive(kind) for kind in (State, StoredState)]  # of other tests
    watch = Watch(vault, settings, WatchSettings(debounce=QUICK_DEBOUNCE))
    updates = watch.updates()
    next(updates)
    if is_exempting:
        exempt_present_objects()
        gc.disable()
    for number in range(CHANGES):
        change_settings(vault, number)
        wait_for_batch(updates, lambda text: text == "new settings")
    watch.stop()
    list(updates)
    alive = [list_alive(kind) for kind in (State, StoredState)]
    assert [len(now) - len(old) for now, old in zip(alive, kept, strict=True)] == [1, 1]
    assert count_open_states() == min(1, len(list_descriptors()))
