"""Tests of `vaultlink mentions --interactive` on a terminal: what is asked, what keys do, and what is written."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from running import RunCommand, create_vault, read_files, write_files
from screens import SMALL, Screen, run_on_screen
from tables import each

SETTINGS = "[mentions]\nmin-score = 0.5\n"
LOG = "# Log\n\nWe read the tide table machines and the fog signal station.\n"
STATION = "We use Tide Table Machines, said a long sentence about nothing.\n"
VAULT: Mapping[str, str] = {
    "vaultlink.toml": SETTINGS,
    "Log.md": LOG,
    "Station.md": STATION,
    "tide_table_machines.md": "# Tide table machines\n\nBrass wheels.\n",
    "whistle.md": "---\naliases: [Fog signal station]\n---\n# Fog signals\n\nHorns.\n",
}
FOG = LOG.replace("fog signal station", "[[whistle|fog signal station]]")
TIDE = LOG.replace("tide table machines", "[[tide_table_machines|tide table machines]]")
BOTH = TIDE.replace("fog signal station", "[[whistle|fog signal station]]")
STATION_TIDE = STATION.replace("Tide Table Machines", "[[tide_table_machines|Tide Table Machines]]")


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


def is_asking(screen: Screen) -> bool:
    """Return True if the cursor is behind a question."""
    return screen.rows[screen.cursor[1]].endswith("]") and screen.cursor[0] > 0


def answer(screen: Screen, keys: str) -> Screen:
    """Press keys one by one, each when the screen asks for it."""
    for key in keys:
        screen.wait_until(is_asking, "a question").type(key)
        screen.settle()
    return screen


def ask(vault: Path, keys: str, *words: str, code: int = 0) -> str:
    """Run the interview with these answers until it ends; return all that the screen showed."""
    with run_on_screen(vault, "mentions", "-i", *words, size=SMALL) as screen:
        answer(screen, keys)
        screen.wait_until(lambda screen: not is_asking(screen), "an end").wait_for_end(code)
        return screen.everything


def test_questions_go_by_target_and_show_the_result(vault: Path) -> None:
    with run_on_screen(vault, "mentions", "-i", size=SMALL) as screen:
        screen.wait_until(is_asking, "a question")
        first = screen.text
        for line in (
            "1 of 2  tide_table_machines.md  2 mentions in 2 notes",
            "  Log.md:3  - We read the tide table machines and the fog signal station.",
            "            + We read the [[tide_table_machines|tide table machines]] and the f…",
            "  Station.md:1  - We use Tide Table Machines, said a long sentence about nothin…",
        ):
            assert line in first.splitlines(), first
        assert first.endswith("Link “tide table machines” in Log.md:3? [y,n,a,d,N,v,q,?]")
        assert max(map(len, first.splitlines())) <= 80
        answer(screen, "n")
        screen.wait_for("in Station.md:1?")
        assert screen.text.count("We read the") == 2, "the other mention is not shown again"
        answer(screen, "n").wait_for("Link “fog signal station” in Log.md:3? [y,n,N,v,b,q,?]")
        answer(screen, "n").wait_for("Nothing was changed.").wait_for_end(0)


CASES: dict[str, tuple[str, dict[str, str]]] = {
    "y links one mention": ("ynn", {"Log.md": TIDE}),
    "a links all of this target": ("an", {"Log.md": TIDE, "Station.md": STATION_TIDE}),
    "n links nothing": ("nnn", {}),
    "d leaves out the target": ("dy", {"Log.md": FOG}),
    "several mentions of a note": ("yny", {"Log.md": BOTH}),
    "q writes what was chosen so far": ("yq", {"Log.md": TIDE}),
    "b goes back": ("ybnny", {"Log.md": FOG}),
    "b takes back all that one key answered": ("abdn", {}),
    "? explains": ("?ynn", {"Log.md": TIDE}),
    "N 1 is about a name": (
        "N1y",
        {"Log.md": FOG, "vaultlink.toml": f'{SETTINGS}ignore = ["Tide table machines"]\n'},
    ),
    "N 2 is about a note": (
        "N2n",
        {"vaultlink.toml": f'{SETTINGS}ignore = ["tide_table_machines.md"]\n'},
    ),
    "N 3 is about a pair": (
        "N3yn",
        {
            "Station.md": STATION_TIDE,
            "vaultlink.toml": f'{SETTINGS}ignore = ["Log.md -> tide_table_machines.md"]\n',
        },
    ),
    "N b asks again": ("Nbynn", {"Log.md": TIDE}),
    "b takes back never": ("N1bynn", {"Log.md": TIDE}),
    "two entries": (
        "N2N1",
        {
            "vaultlink.toml": f'{SETTINGS}ignore = ["tide_table_machines.md", "Fog signal station"]\n'
        },
    ),
}


@pytest.mark.thorough
@each(("keys", "changed"), CASES.values(), ids=CASES)
def test_keys_answer_and_one_undo_reverts(
    run: RunCommand, vault: Path, keys: str, changed: dict[str, str]
) -> None:
    before = read_files(vault)
    ask(vault, keys)
    after = read_files(vault)
    assert {path: after[path].decode() for path in after if after[path] != before[path]} == changed
    if changed:
        assert run("undo", "--vault", vault).code == 0
    assert read_files(vault) == before


def test_answer_of_never_lasts(run: RunCommand, vault: Path) -> None:
    (vault / "vaultlink.toml").unlink()
    before = read_files(vault)
    ask(vault, "N2n")
    text = (vault / ".vaultlink.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"mentions": {"ignore": ["tide_table_machines.md"]}}
    rows = run("mentions", "--vault", vault, "--min-score", "0.4").lines[1:]
    assert [row.split("\t")[4] for row in rows] == ["whistle.md"]
    assert run("undo", "--vault", vault).code == 0
    assert read_files(vault) == before


@each("key", ["\x03", "\x04"])
@each("keys", ["", "y", "N1", "N"])
def test_stopping_writes_nothing_and_says_so(vault: Path, keys: str, key: str) -> None:
    before = read_files(vault)
    with run_on_screen(vault, "mentions", "-i") as screen:
        answer(screen, keys).wait_until(is_asking, "a question").type(key)
        screen.wait_for_end(130)
        assert "Stopped: nothing was written." in screen.everything
    assert read_files(vault) == before


def test_files_that_changed_meanwhile_are_skipped_and_named(vault: Path) -> None:
    with run_on_screen(vault, "mentions", "-i") as screen:
        answer(screen, "a").wait_until(is_asking, "a question")
        write_files(vault, {"Log.md": f"New.\n{LOG}", "vaultlink.toml": f"# New.\n{SETTINGS}"})
        answer(screen, "N1").wait_for_end(1)
        text = screen.everything
    for path in ("Log.md", "vaultlink.toml"):
        assert f"{path}: skipped: it changed since it was read." in text
    assert "Added" not in text
    assert (vault / "Station.md").read_text(encoding="utf-8") == STATION_TIDE


def test_mention_that_is_not_certain_is_asked_about(vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": "[mentions]\nmin-score = 1\n"})
    assert "not certain: " in " ".join(ask(vault, "yq").split())
    assert (vault / "Log.md").read_text(encoding="utf-8") == TIDE


def test_arguments_narrow_the_questions(vault: Path) -> None:
    seen = ask(vault, "y", "Log", "--to", "whistle")
    assert "1 of 1  whistle.md  1 mention in 1 note" in seen
    assert "Linked 1 mention of 1 note in 1 note." in seen
    assert (vault / "Log.md").read_text(encoding="utf-8") == FOG


def test_without_mentions_nothing_is_asked(vault: Path) -> None:
    assert "No unlinked mentions found." in ask(vault, "", "whistle")


def test_names_cannot_control_the_terminal(vault: Path) -> None:
    write_files(vault, {"Log.md": "The fog signal station\x1b[31m burns\u202e.\n"})
    with run_on_screen(vault, "mentions", "-i", "Log") as screen:
        screen.wait_until(is_asking, "a question")
        assert "\\u001b[31m burns\\u202e" in screen.text
        assert "\x1b[31m burns" not in screen.output
        answer(screen, "n").wait_for_end(0)


def test_settings_outside_the_vault_are_not_changed(vault: Path, tmp_path: Path) -> None:
    write_files(tmp_path, {"other.toml": SETTINGS})
    seen = ask(vault, "Nynn", "--config", str(tmp_path / "other.toml"))
    assert "is outside the vault: add it to `ignore` of [mentions]" in " ".join(seen.split())
    assert (tmp_path / "other.toml").read_text(encoding="utf-8") == SETTINGS
