"""Fuzz the parser, and check, fix, fix again and undo odd vaults.

`make test` tries the same few notes each time; `make hostile` tries others for minutes.
"""

import os
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from odd_notes import make_note, make_vault, minimise

from builder import build_state, make_settings
from running import RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink.engine.checks import LinterSettings
from vaultlink.fix.causes import list_fix_makers
from vaultlink.fix.loop import FixSelector, apply_rounds
from vaultlink.fix.plan import Plan
from vaultlink.fix.select import make_fix_filter
from vaultlink.fix.sources import FixAnswers, FixInputs
from vaultlink.parse.note import parse_note

SECONDS = float(os.environ.get("VAULTLINK_HOSTILE", "0"))
"""Time of each fuzzer in `make hostile`."""

pytestmark = pytest.mark.timeout(0 if SECONDS else 120)


def rounds(least: int) -> Iterator[random.Random]:
    """Yield sources of randomness: some fixed ones, or in `make hostile` others until the time is up."""
    start, end = (time.time_ns(), time.monotonic() + SECONDS) if SECONDS else (0, 0.0)
    number = 0
    while number < least or time.monotonic() < end:
        number += 1
        yield random.Random(start + number)


def test_parsing_neither_fails_nor_hangs() -> None:
    for chance in rounds(1_500):
        text = make_note(chance)
        start = time.process_time()
        assert parse_note("n.md", text).path == "n.md", repr(text)
        assert time.process_time() < start + 1, repr(text)


SCENES: Mapping[str, LinterSettings] = {
    "default": make_settings(["VL0", "VL1", "VL2", "VL3", "VL4"]),
    "all": make_settings(["ALL"]),
    "markdown": make_settings(["ALL"], app={"newLinkFormat": "relative", "useMarkdownLinks": True}),
    "sections": make_settings(
        ["ALL"], app={"newLinkFormat": "absolute"}, backlinks={"mode": "write", "style": "context"}
    ),
}


def fix(base: LinterSettings, vault: Mapping[str, str], *, unsafe: bool) -> Plan:
    """Return the plan of all fixes."""
    makers = list_fix_makers(base.rules, FixAnswers(unlink=True) if unsafe else None)
    allowed = make_fix_filter(base.rules, base.config, unsafe=unsafe)
    state = build_state(vault, base)
    return apply_rounds(state, FixInputs(vault.get), FixSelector(allowed, makers))


def describe_defects(base: LinterSettings, vault: Mapping[str, str], *, unsafe: bool) -> str:
    """Return the first broken promise, or what a second run would do; "" if all is well."""
    plan = fix(base, vault, unsafe=unsafe)
    if plan.broken_promises:
        return f"{plan.broken_promises[0].rules} {plan.broken_promises[0].problem[:12]}"
    after = {**vault, **{path: new or "" for path, (_, new) in plan.texts.items()}}
    again = fix(base, after, unsafe=unsafe)
    return f"again: {sorted({item.rule for item, _ in again.done})}" if again.texts else ""


@pytest.mark.thorough
@each("scene", SCENES)
@each("unsafe", [False, True], ids=["safe", "unsafe"])
def test_fixing_keeps_its_promises_and_ends(scene: str, unsafe: bool) -> None:
    base = SCENES[scene]
    for chance in rounds(8):
        vault = make_vault(chance, 20)
        defect = describe_defects(base, vault, unsafe=unsafe)
        if defect:
            small = minimise(
                vault,
                lambda tried: describe_defects(base, tried, unsafe=unsafe) == defect,  # noqa: B023
            )
            pytest.fail(f"{defect}: {small}")


@each("more", [(), ("--unsafe-fixes", "--create", "new"), ("--select", "ALL")])
def test_commands_on_odd_vaults(run: RunCommand, tmp_path: Path, more: tuple[str, ...]) -> None:
    """Check and diff write nothing, the second fix neither, and undo restores every byte."""
    for number, chance in enumerate(rounds(2)):
        vault = create_vault(tmp_path / str(number), {})
        write_files(vault, make_vault(chance, 40))
        before = read_files(vault)
        options = ("--vault", vault, "--isolated", "--jobs", "1")
        select = more if more[:1] == ("--select",) else ()
        assert run("check", *options, *select).code < 2
        assert run("links", *options).code < 2
        assert run("fix", "--diff", *options, *more).code < 2
        assert read_files(vault) == before
        assert run("fix", *options, *more).code < 2
        after = read_files(vault)
        run("fix", *options, *more)
        assert read_files(vault) == after
        assert after == before or run("undo", "--vault", vault).code == 0
        assert read_files(vault) == before


@each("digits", [400, 3_000, 5_000])
@each("sign", ["", "-"])
def test_endless_numbers_are_infinite(digits: int, sign: str) -> None:
    note = parse_note("n.md", f"---\nvalue: {sign}{'9' * digits}\n---\n")
    assert note.path == "n.md"
