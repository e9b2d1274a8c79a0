"""Sections of the bench about runs that write, on copies that `undo` restores."""

from checks import CHECK, VAULTLINK, run_quietly
from figures import Ratio
from measure import Bench, TimedCommand, measure_medians


def bench_fixing(bench: Bench) -> None:
    """Applying all safe fixes, and a run with nothing to fix, compared with a check."""
    _bench_write(
        bench,
        ("fix",),
        [
            Ratio("fix, cold / check, cold (target: 10,000 fixes)", "cold", "check cold", 2.5),
            Ratio("fix with nothing to fix / check, cold", "again cold", "check cold", 1.1),
            Ratio("fix with nothing to fix / check, warm", "again warm", "check warm"),
        ],
    )


def bench_backlinks(bench: Bench) -> None:
    """Writing all backlinks sections, and a second run, compared with a check."""
    _bench_write(
        bench,
        ("sections", "write"),
        [
            Ratio("sections write, cold / check, cold", "cold", "check cold", 2.5),
            Ratio("sections write, second run / check, cold", "again cold", "check cold", 1.1),
            Ratio("sections write, second run / check, warm", "again warm", "check warm", 1.1),
        ],
    )


def _bench_write(bench: Bench, words: tuple[str, ...], ratios: list[Ratio]) -> None:
    """Measure a command that writes; the checks are of what it wrote."""
    vault, command = bench.vault, (*VAULTLINK, *words)

    def restore() -> None:
        run_quietly(bench, vault, "undo")
        bench.clear_cache()

    run_quietly(bench, vault, *words)
    runs = {
        "cold": TimedCommand(command, vault, restore),
        "again cold": TimedCommand(command, vault, bench.clear_cache),
        "again warm": TimedCommand(command, vault),
        "check cold": TimedCommand(CHECK, vault, bench.clear_cache),
        "check warm": TimedCommand(CHECK, vault),
    }
    time = measure_medians(runs, min(bench.rounds, 3), bench.environment)
    restore()
    for name, spent in time.items():
        bench.figures.add(f"{' '.join(words)}: {name}", spent)
    bench.figures.add_ratios(time, ratios)
