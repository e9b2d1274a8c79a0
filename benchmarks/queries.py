"""Sections of the bench about output formats and about questions on one note."""

import statistics

from checks import CHECK, VAULTLINK
from figures import Ratio
from generate import generate_vault
from histories import list_notes
from measure import Bench, TimedCommand, measure_medians, measure_rounds, measure_run

FORMATS = ("full", "concise", "json", "json-lines")
FORGE_FORMATS = ("github", "gitlab", "sarif", "junit", "markdown")


def bench_queries(bench: Bench) -> None:
    """Questions on one note with a warm cache: a text that is not saved, links, related notes."""
    notes = list_notes(bench.vault)
    note = notes[len(notes) // 2]
    path = note.relative_to(bench.vault).as_posix()
    draft = note.read_bytes() + b"\nOne more line, and a [[topic that nobody wrote]].\n"
    runs = {
        "check --stdin-filename NOTE": TimedCommand(
            (*CHECK, "--stdin-filename", path, "-"), bench.vault, text=draft
        ),
        "backlinks NOTE": TimedCommand((*VAULTLINK, "backlinks", path), bench.vault),
        "links NOTE": TimedCommand((*VAULTLINK, "links", path), bench.vault),
        "related NOTE": TimedCommand((*VAULTLINK, "related", path), bench.vault),
    }
    targets = {
        ("check --stdin-filename NOTE", "processor"): 0.3,
        ("backlinks NOTE", "wall"): 0.2,
        ("links NOTE", "wall"): 0.2,
        ("related NOTE", "processor"): 2.0,
    }
    measure_run(TimedCommand(CHECK, bench.vault), bench.environment)
    for name, spent in measure_rounds(runs, bench.rounds, bench.environment).items():
        for kind in ("wall", "processor"):
            value = statistics.median(getattr(one, kind) for one in spent)
            bench.figures.add(f"{name}, warm, {kind} time", value, "s", targets.get((name, kind)))


def bench_formats(bench: Bench) -> None:
    """About 70,000 findings printed in every format, compared with a run that prints none."""
    vault, page = bench.work_folder / "dangling", bench.work_folder / "page"
    generate_vault(vault, 7_000, links=10, dangling=1)
    silent = ("--statistics", "--quiet")
    for kind, prepare in (("cold", bench.clear_cache), ("warm", lambda: None)):
        runs = {"none": TimedCommand((*CHECK, *silent), vault, prepare, page)}
        for name in (*FORMATS, *FORGE_FORMATS):
            runs[name] = TimedCommand((*CHECK, "--output-format", name), vault, prepare, page)
        time = measure_medians(runs, min(bench.rounds, 3), bench.environment)
        bench.figures.add(f"{kind}, printing none", time["none"])
        bench.figures.add_ratios(
            time,
            [
                Ratio(f"{kind}, {name} / printing none", name, "none", target)
                for names, target in ((FORMATS, 1.3), (FORGE_FORMATS, None))
                for name in names
            ],
        )
