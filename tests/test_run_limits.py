"""Tests of `keep-runs` and `keep-runs-size`: how long runs can be undone."""

import base64
import random
import time
from pathlib import Path

import pytest

from running import RunCommand, create_vault, write_files
from tables import each
from vaultlink.config.checks import RunLimits, read_run_limits
from vaultlink.config.layers import COMMAND_LINE, Layer
from vaultlink.errors import ConfigError
from vaultlink.write.journal_files import journal_folder, list_runs

DAY = 24 * 3600


def layer(**values: object) -> Layer:
    return Layer("vaultlink.toml", {key.replace("_", "-"): value for key, value in values.items()})


@each(
    ("layers", "limits"),
    [
        ([], RunLimits(90, 200_000_000)),
        ([layer(select=["VL1"])], RunLimits(90, 200_000_000)),
        ([layer(keep_runs="1 day")], RunLimits(1, 200_000_000)),
        ([layer(keep_runs="30days")], RunLimits(30, 200_000_000)),
        ([layer(keep_runs="2 weeks")], RunLimits(14, 200_000_000)),
        ([layer(keep_runs="6 months")], RunLimits(180, 200_000_000)),
        ([layer(keep_runs="1000 years")], RunLimits(365_000, 200_000_000)),
        ([layer(keep_runs_size="1 MB")], RunLimits(90, 1_000_000)),
        ([layer(keep_runs_size="2GB")], RunLimits(90, 2_000_000_000)),
        ([layer(keep_runs="1 day"), Layer(COMMAND_LINE, {})], RunLimits(1, 200_000_000)),
    ],
)
def test_limits_are_read(layers: list[Layer], limits: RunLimits) -> None:
    assert read_run_limits(layers) == limits


@each(
    ("key", "value"),
    [
        *(
            ("keep-runs", value)
            for value in (
                "", "0 days", "00 days", "-1 days", "1.5 days", "90", 90, 0, True, ["1 day"], "12 hours", "90 Days",
                "90  days", " 90 days", "90 days\n", "123456 days", "days", "forever", "٩ days", "9" * 5000, "\x1b[2J", {"a": 1},
            )
        ),
        *(
            ("keep-runs-size", value)
            for value in ("", "0 MB", "200", 200, "1 KB", "1 B", "0.5 GB", "1 TB", "200 mb", "MB", "1 MiB", "123456 GB", None)
        ),
    ],
)  # fmt: skip
def test_other_values_are_refused(key: str, value: object) -> None:
    with pytest.raises(
        ConfigError, match=f"^vaultlink.toml: {key}: must be a whole number"
    ) as error:
        read_run_limits([Layer("vaultlink.toml", {key: value})])
    assert len(str(error.value)) < 400


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault in which each `fix` has something to fix, and make it the current folder."""
    folder = create_vault(tmp_path / "vault", {"Long Pier.md": "", "a.md": ""})
    monkeypatch.chdir(folder)
    return folder


def fix(run: RunCommand, vault: Path, *options: str) -> str:
    """Make a run, and return its id."""
    write_files(vault, {"a.md": "[[long-pier]]\n"})
    assert run("fix", *options).code == 0
    return list_runs(vault)[0].id


def fix_at(run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch, days: float) -> str:
    """Make a run as if it were some days ago, and return its id."""
    now = time.time_ns()
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: now - int(days * DAY) * 10**9)
        return fix(run, vault)


@pytest.mark.parametrize(
    ("settings", "ages", "kept"),
    [
        ("", (100, 91, 89, 1), (89, 1)),
        ('keep-runs = "90 days"', (100, 91, 89, 1), (89, 1)),
        ('keep-runs = "5 months"', (160, 140, 1), (140, 1)),
        ('keep-runs = "1 day"', (3, 2, 0.5), (0.5,)),
        ('keep-runs = "2 years"', (740, 700, 100), (700, 100)),
    ],
)
def test_records_are_deleted_by_their_age(
    run: RunCommand,
    vault: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: str,
    ages: tuple[float, ...],
    kept: tuple[float, ...],
) -> None:
    write_files(vault, {"vaultlink.toml": 'keep-runs = "1000 years"'})
    names = {age: fix_at(run, vault, monkeypatch, age) for age in ages}
    assert len(list_runs(vault)) == len(ages)
    write_files(vault, {"vaultlink.toml": settings})
    last = fix(run, vault)
    assert {item.id for item in list_runs(vault)} == {last, *(names[age] for age in kept)}


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("settings", "number"),
    [("", 4), ('keep-runs-size = "1 MB"', 2), ('keep-runs-size = "2 MB"', 4)],
)
def test_records_are_deleted_by_their_size(
    run: RunCommand, vault: Path, settings: str, number: int
) -> None:
    """Each record has about 0.6 MB. That of the last run does not count."""
    noise = base64.b85encode(random.Random(1).randbytes(600_000)).decode()
    write_files(vault, {"vaultlink.toml": settings})
    names = []
    for _ in range(4):
        write_files(vault, {"a.md": f"[[long-pier]]\n\n`{noise}`\n\n[[long-pier]]\n"})
        assert run("fix").code == 0
        names.append(list_runs(vault)[0].id)
    assert (journal_folder(vault) / f"{names[-1]}.run").stat().st_size > 550_000
    assert [item.id for item in list_runs(vault)] == names[::-1][:number]


def test_undo_deletes_nothing(
    run: RunCommand, vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads no settings, and these may keep runs for longer."""
    write_files(vault, {"vaultlink.toml": 'keep-runs = "2 years"'})
    old = fix_at(run, vault, monkeypatch, 400)
    last = fix(run, vault)
    assert run("undo").code == 0
    assert [item.id for item in list_runs(vault)][1:] == [last, old]
    assert list_runs(vault)[0].undoes == last


def test_settings_of_one_vault_have_no_effect_on_another(
    run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fix_at(run, vault, monkeypatch, 30)
    other = create_vault(
        tmp_path / "other",
        {"Long Pier.md": "", "a.md": "[[long-pier]]", "vaultlink.toml": 'keep-runs = "1 day"'},
    )
    assert run("fix", "--vault", other).code == 0
    assert old in {item.id for item in list_runs(vault)}


@pytest.mark.parametrize("command", ["check", "fix", "rename a b", "config", "baseline"])
def test_wrong_value_ends_every_command(run: RunCommand, vault: Path, command: str) -> None:
    write_files(vault, {"vaultlink.toml": 'keep-runs = "90 hours"'})
    done = run(*command.split())
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: vaultlink.toml: keep-runs: must be a whole number above 0 and a unit, such as "
        "“90 days”, “12 weeks”, “6 months” or “2 years”, not “90 hours”.\n"
    )
    assert list_runs(vault) == []


def test_config_shows_the_settings(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"vaultlink.toml": 'keep-runs-size = "1 GB"'})
    rows = [line.split("\t") for line in run("config").lines]
    assert ["keep-runs", '"90 days"', "default"] in rows
    assert ["keep-runs-size", '"1 GB"', "vaultlink.toml"] in rows
