"""Tests of the README and of the samples in docs/: the tables of commands and rules are generated, every command is named, and
every sample is the real output of its command.

`VAULTLINK_REFRESH=1` (or `make refresh`) regenerates the tables.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from documents import blocks
from tables import each
from vaultlink import open_vault
from vaultlink.cli.command_table import ALIASES, COMMANDS, GROUPS
from vaultlink.disk.read import load_rules
from vaultlink.engine.step import Change, Examined, Presence, step
from vaultlink.rules.registry import Rule, build_catalog
from vaultlink.watch.messages import Batch
from vaultlink.watch.output import SessionSummary, format_batch_causes
from watched import run_watcher

ROOT = Path(__file__).resolve().parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs"
START, END = "<!-- rules: start -->", "<!-- rules: end -->"
RULES = build_catalog(load_rules())


def row(rule: Rule) -> str:
    """Return a rule's row of the table."""
    state = rule.severity.value if rule.enabled_by_default else f"off ({rule.severity.value})"
    fix = {"never": "", "sometimes": FIXES[rule.fix_safety], "always": FIXES[rule.fix_safety]}[
        rule.fix_when
    ]
    return f"| {rule.code} | `{rule.name}` | {state} | {fix} | {rule.summary.strip()} |"


FIXES = {"safe": "safe", "unsafe": "unsafe", "either": "both"}


def table() -> str:
    """Return the rules table, ordered by code."""
    head = ["| Code | Rule | By default | Fix | What it reports |", "|---|---|---|---|---|"]
    return "\n".join([START, *head, *map(row, RULES), END])


GUIDES = {
    "check": "terminal",
    "baseline": "old-findings",
    "watch": "watching",
    "guard": "hooks",
    "lsp": "language-server",
    "mcp": "agents",
    "fix": "fixing",
    "sections": "backlinks",
    "undo": "fixing",
    "rename": "renaming",
    "move": "renaming",
    "extract": "renaming",
    "merge": "renaming",
    "delete": "deleting",
    "unresolved": "planned-notes",
    "backlinks": "backlinks",
    "status": "status",
    "related": "related",
    "mentions": "mentions",
    "history": "history",
    "graph": "graph",
    "report": "report",
    "config": "configuration",
    "init": "ci",
    "merge-driver": "obsidian-git",
}
"""The guide that explains a command, if there is one."""


def describe_command(name: str) -> str:
    """Return a command with a link to its guide, its former name and its summary."""
    shown = f"[`{name}`](docs/{GUIDES[name]}.md)" if name in GUIDES else f"`{name}`"
    former = "".join(f" (or `{old}`)" for old, new in ALIASES.items() if new == name)
    return f"{shown}{former}: {COMMANDS[name].summary}"


RETIRED = ("serve",)
"""Commands that do nothing any more."""


def command_table() -> str:
    """Return the table of commands: a row for each purpose, a line for each command."""
    rows = [
        f"| **{purpose}** | {'<br>'.join(describe_command(name) for name in commands if name not in RETIRED)} |"
        for purpose, commands in GROUPS.items()
    ]
    head = ["| Purpose | `vaultlink …` |", "|---|---|"]
    return "\n".join([COMMANDS_START, *head, *rows, COMMANDS_END])


COMMANDS_START, COMMANDS_END = "<!-- commands: start -->", "<!-- commands: end -->"


def replace_part(text: str, part: str) -> str:
    """Replace what is between the first and the last line of a part."""
    start, *_, end = part.splitlines()
    before, rest = text.split(start)
    return before + part + rest.split(end)[1]


def test_tables_are_up_to_date() -> None:
    fresh = README.read_text(encoding="utf-8")
    for part in (command_table(), table()):
        fresh = replace_part(fresh, part)
    if os.environ.get("VAULTLINK_REFRESH"):
        README.write_text(fresh, encoding="utf-8")
    assert README.read_text(encoding="utf-8") == fresh, "run `make refresh`"


@each("command", [*(COMMANDS.keys() - RETIRED), *ALIASES])
def test_every_command_is_named(command: str) -> None:
    assert re.search(rf"`(vaultlink )?{command}\b", README.read_text(encoding="utf-8"))


def test_readme_links_to_the_index_of_the_pages() -> None:
    assert "(docs/README.md)" in README.read_text(encoding="utf-8")


def test_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 220


SHOWN = [
    block
    for page in (README, *sorted(DOCS.glob("*.md")))
    if page.stem not in ("first-steps", "tutorial")  # whose commands follow each other
    for block in blocks(page, "console")
]
WATCHED = next(block for block in SHOWN if " watch " in block)


@each(
    "block",
    [block for block in SHOWN if block is not WATCHED],
    ids=lambda block: block.split("\n")[0],
)
def test_samples_are_real_output(block: str) -> None:
    command, *shown = block.strip("\n").split("\n\n")
    output_format = (
        ["--output-format", "full", "--show", "overview"] if " check " in command else []
    )
    done = subprocess.run(
        [sys.executable, "-m", *command.removeprefix("$ ").split(), *output_format],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert shown
    rest = done.stdout + done.stderr
    for part in shown:
        if part != "[…]":
            assert part in rest, part
            rest = rest.split(part, 1)[1]


def test_sample_of_a_watch_is_real_output(tmp_path: Path) -> None:
    vault = shutil.copytree(ROOT / "fixtures" / "podcast-wiki", tmp_path / "vault")
    with run_watcher(vault) as watched:
        with (vault / "why_canals_silt_up.md").open("a", encoding="utf-8") as note:
            note.write("More of this in [[lock_keepers | Lock keepers]].\n")
        watched.wait_for_batches(1)
        (vault / "lock_keepers.md").write_text("# Lock keepers\n", encoding="utf-8")
        watched.wait_for_batches(2)
        (vault / "ships_logs_as_climate_records.md").rename(vault / "ships_logs.md")
        batches = watched.wait_for_batches(3)
    told = "".join(map(format_batch_causes, batches))
    clock = re.compile(r"^\d\d:\d\d:\d\d", re.MULTILINE)
    parts = WATCHED.split("\n\n")
    assert clock.sub("", told) == clock.sub("", parts[2]) + "\n"
    summary = SessionSummary()
    for batch in (watched.news[0], *batches):
        assert isinstance(batch, Batch)
        summary.record(batch)
    assert summary.describe() == parts[4].strip()


def list_examined(changes: list[Change]) -> set[str]:
    """Return the names of the notes that a step in the sample wiki checks again."""
    state, examined = open_vault(ROOT / "fixtures" / "podcast-wiki").state, set[str]()

    def share(examine: Callable[[Sequence[str]], Examined], paths: Sequence[str]) -> Examined:
        examined.update(paths)
        return examine(paths)

    step(state, changes, share=share)
    return {path.removesuffix(".md") for path in examined}


def test_page_about_incremental_checks_lists_the_notes_that_are_checked() -> None:
    note = "ships_logs_as_climate_records"
    path = f"{note}.md"
    text = (ROOT / "fixtures" / "podcast-wiki" / path).read_text(encoding="utf-8")
    renamed = [Change(path, Presence.GONE), Change("ships_logs.md", text)]
    columns = [
        list_examined([Change(path, f"{text}One more.\n")]),
        list_examined([Change(path, text.replace("## Reading a tired hand", "## Reading"))]),
        list_examined(renamed) - {"ships_logs"},
    ]
    page = (DOCS / "incremental.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)`[^|]* \| (.*) \|$", page, re.MULTILINE)
    listed = [(name, [cell.strip() == "yes" for cell in cells.split("|")]) for name, cells in rows]
    assert len(listed) == 4
    for number, examined in enumerate(columns):
        assert {name for name, cells in listed if cells[number]} == examined


def test_first_screen_has_a_command_and_its_output() -> None:
    first = README.read_text(encoding="utf-8")[:1600]
    assert "```console\n$ vaultlink check" in first
    assert first.count("\n```") >= 2, "the sample ends on the first screen"
    assert len(SHOWN) > 1


def test_python_in_the_documents_runs() -> None:
    pages = [DOCS / f"{name}.md" for name in ("python", "python-types", "plans")]
    examples = [block for page in pages for block in blocks(page, "python")]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    assert len(examples) > 1
    done = subprocess.run(
        [sys.executable, "-c", "".join(examples)],
        cwd=ROOT,
        env=os.environ | {"PATH": programs},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "VL105" in done.stdout


def test_members_in_the_documents_are_the_public_ones() -> None:
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    table = text.split("<!-- members: start -->")[1].split("<!-- members: end -->")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)", row)]
    vault = open_vault(ROOT / "fixtures" / "podcast-wiki")
    assert sorted(listed) == [name for name in dir(vault) if not name.startswith("_")]


def test_words_for_the_picture_name_the_score_of_the_sample_vault() -> None:
    command = ["report", "fixtures/podcast-wiki", "--output-format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "vaultlink", *command], cwd=ROOT, capture_output=True, check=True
    )
    score = json.loads(done.stdout)["score"]["value"]
    [told] = re.findall(
        r'alt="The report of the sample vault: a score of (\d+),', README.read_text()
    )
    assert int(told) == score
