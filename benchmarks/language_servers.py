"""The section of the bench about `lsp`, beside the servers of other tools."""

import json
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from checks import VAULTLINK, run_quietly
from lsp_client import LanguageClient
from measure import Bench
from renaming import find_notes

PEERS = {"mdsmith": ("lsp",), "rumdl": ("server",)}
"""Other tools with a language server, and the arguments that start it."""

SERVICE = "vscode-markdown-languageservice"
"""VS Code's Markdown service, a library. With markdown-it, vscode-uri and
vscode-languageserver-textdocument beside it, it is measured, too."""

MAX_NOTE_BYTES = 50_000
KEYS, EDITS, FOLDER_NOTES = 200, 600, 2000


def bench_language_server(bench: Bench) -> None:
    """An editor: from its start to the first answer, keys, requests, renames and memory."""
    most, _ = find_notes(bench)
    bench.clear_cache()
    cold = LanguageClient((*VAULTLINK, "lsp"), bench.vault, bench.environment)
    bench.figures.add("lsp, ready, cold", _time_first_answer(cold, most), target=6)
    cold.stop()
    run_quietly(bench, bench.vault, "check", "--exit-zero")
    client = LanguageClient((*VAULTLINK, "lsp"), bench.vault, bench.environment)
    bench.figures.add("lsp, answer to initialize", client.initialize_seconds, target=0.3)
    bench.figures.add("lsp, ready, warm", _time_first_answer(client, most), target=0.5)
    bench.figures.add("lsp, ready, memory", client.read_memory_megabytes(), "MB", 100)
    notes = choose_notes(bench.vault)
    _add_delays(bench, "lsp, key to diagnostics", time_keys(client, notes), 10, 40)
    for name, method, target in (
        ("completion", "textDocument/completion", 10),
        ("hover", "textDocument/hover", 5),
        ("definition", "textDocument/definition", 5),
    ):
        _add_delays(bench, f"lsp, {name}", time_requests(client, notes, method), None, target)
    top = client.place(most, 0, 0)
    references = {**top, "context": {"includeDeclaration": False}}
    for name, method, params, target in (
        ("references to the most-linked note", "textDocument/references", references, 60),
        (
            "rename of the most-linked note",
            "textDocument/rename",
            {**top, "newName": "Renamed"},
            1200,
        ),
    ):
        taken = [_time(client, method, params) for _ in range(bench.rounds)]
        bench.figures.add(f"lsp, {name}", statistics.median(taken) * 1000, "ms", target)
    edit_many(client, notes, EDITS)
    bench.figures.add(f"lsp, memory after {EDITS} edits", client.read_memory_megabytes(), "MB", 200)
    client.stop()
    _bench_folder(bench)
    for name, arguments in PEERS.items():
        if Path(bench.tool_path(name)).exists():
            _bench_peer(bench, name, (bench.tool_path(name), *arguments), notes, most)
    _bench_markdown_service(bench, notes, most)


def _bench_folder(bench: Bench) -> None:
    vault = bench.work_folder / "moved"
    shutil.copytree(bench.vault, vault)
    files = [make_folder(vault)]
    client = LanguageClient((*VAULTLINK, "lsp"), vault, bench.environment)
    _time_first_answer(client, choose_notes(vault)[0])
    names = [{"oldUri": client.uri(name), "newUri": client.uri("Renamed folder")} for name in files]
    taken = [_time(client, "workspace/willRenameFiles", {"files": names}) for _ in range(3)]
    name = f"lsp, rename of a folder of {FOLDER_NOTES:,} notes"
    bench.figures.add(name, statistics.median(taken) * 1000, "ms", 1000)
    client.stop()


def _bench_peer(
    bench: Bench, name: str, command: Sequence[str], notes: Sequence[str], most: str
) -> None:
    client = LanguageClient(command, bench.vault, bench.environment)
    bench.figures.add(f"{name}, answer to initialize", client.initialize_seconds)
    try:
        client.open(most, (bench.vault / most).read_text("utf-8", "replace"))
        client.request("textDocument/definition", client.place(most, 4, 8))
        seconds = time.perf_counter() - client.started
        bench.figures.add(f"{name}, first answer, also an empty one", seconds)
        for method in ("completion", "hover", "definition"):
            if client.capabilities.get(f"{method}Provider"):
                taken = time_requests(client, notes, f"textDocument/{method}")
                _add_delays(bench, f"{name}, {method}", taken, None, None)
        if client.capabilities.get("referencesProvider"):
            params = {**client.place(most, 0, 0), "context": {"includeDeclaration": False}}
            taken = [_time(client, "textDocument/references", params)]
            bench.figures.add(f"{name}, references to the most-linked note", taken[0] * 1000, "ms")
        _add_delays(bench, f"{name}, key to diagnostics", time_keys(client, notes[:20]), None, None)
    except (RuntimeError, TimeoutError) as error:
        print(f"  {name}: {error}")
    bench.figures.add(f"{name}, memory", client.read_memory_megabytes(), "MB")
    client.stop()


def _bench_markdown_service(bench: Bench, notes: Sequence[str], most: str) -> None:
    """VS Code's Markdown service, if npm has installed it in a folder above the other tools."""
    homes = (folder / "node_modules" for folder in bench.peer_folder.parents)
    modules = next((home for home in homes if (home / SERVICE).exists()), None)
    if modules is None:
        return
    places = [
        (path, *(find_link((bench.vault / path).read_text("utf-8")) or (0, 0))) for path in notes
    ]
    done = subprocess.run(
        ("node", Path(__file__).with_name("markdown_service.mjs"), modules, bench.vault),
        input=json.dumps([(most, 4, 8), *places]),
        capture_output=True,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout)
    bench.figures.add(f"{SERVICE}, ready", figures["ready"][0])
    for name in ("completion", "definition", "hover", "references"):
        _add_delays(bench, f"{SERVICE}, {name}", figures[name], None, None)
    bench.figures.add(f"{SERVICE}, memory", figures["memory"], "MB")


def choose_notes(vault: Path) -> list[str]:
    """Return notes with links, of at most 50 KB, in a random but fixed order."""
    files = sorted(vault.rglob("*.md"))
    random.Random(1).shuffle(files)
    return [
        file.relative_to(vault).as_posix()
        for file in files[: 10 * KEYS]
        if file.stat().st_size <= MAX_NOTE_BYTES and find_link(file.read_text("utf-8", "replace"))
    ][:KEYS]


def find_link(text: str) -> tuple[int, int] | None:
    """Return line and column inside the first wikilink below the properties."""
    for number, line in enumerate(text.split("\n")):
        if number > 3 and "[[" in line and line.isascii():
            return number, line.index("[[") + 3
    return None


def make_folder(vault: Path) -> str:
    """Move 2,000 notes of a vault's root into a folder, and return its name."""
    folder = vault / "Folder of the bench"
    folder.mkdir()
    for file in sorted(vault.glob("*.md"))[:FOLDER_NOTES]:
        file.rename(folder / file.name)
    return folder.name


def _time_first_answer(client: LanguageClient, path: str) -> float:
    """Return the seconds from the start of the server to the first answer that is not empty."""
    text = (client.root / path).read_text("utf-8", "replace")
    client.open(path, text)
    line, column = find_link(text) or (0, 0)
    for _ in range(600):
        if client.request("textDocument/definition", client.place(path, line, column)):
            break
        time.sleep(0.02)
    return time.perf_counter() - client.started


def time_keys(client: LanguageClient, notes: Iterable[str]) -> list[float]:
    """Return the seconds from each typed character to the diagnostics of its note."""
    taken = []
    for path in notes:
        text = (client.root / path).read_text("utf-8", "replace")
        client.open(path, text)
        client.wait_published(path)
        line, column = find_link(text) or (0, 0)
        for number in range(3):
            time.sleep(0.01)
            start = time.perf_counter()
            client.type(path, line, column + number, "x")
            taken.append(client.wait_published(path) - start)
        client.notify("textDocument/didClose", {"textDocument": {"uri": client.uri(path)}})
    return taken


def time_requests(client: LanguageClient, notes: Iterable[str], method: str) -> list[float]:
    """Return the seconds of a request in the first link of each note."""
    taken = []
    for path in notes:
        text = (client.root / path).read_text("utf-8", "replace")
        client.open(path, text)
        line, column = find_link(text) or (0, 0)
        client.request("textDocument/documentSymbol", {"textDocument": {"uri": client.uri(path)}})
        taken.append(_time(client, method, client.place(path, line, column)))
        client.notify("textDocument/didClose", {"textDocument": {"uri": client.uri(path)}})
    return taken


def edit_many(client: LanguageClient, notes: Sequence[str], count: int) -> None:
    """Type links, headings and words into many notes."""
    chosen = random.Random(2)
    for number in range(count):
        path = notes[number % len(notes)]
        text = (client.root / path).read_text("utf-8", "replace")
        client.open(path, text)
        line = text.count("\n")
        for word in chosen.choice(("[[", "# new heading\n", "a word ", "#tag ")):
            client.type(path, line, 0, word)
        client.request("textDocument/documentSymbol", {"textDocument": {"uri": client.uri(path)}})
        if number % 2:
            client.notify("textDocument/didClose", {"textDocument": {"uri": client.uri(path)}})


def _time(client: LanguageClient, method: str, params: Any) -> float:
    start = time.perf_counter()
    client.request(method, params)
    return time.perf_counter() - start


def _add_delays(
    bench: Bench, name: str, taken: Sequence[float], median: float | None, most: float | None
) -> None:
    if taken:
        ordered = sorted(taken)
        bench.figures.add(f"{name}: median", statistics.median(ordered) * 1000, "ms", median)
        high = ordered[int(0.95 * (len(ordered) - 1))]
        bench.figures.add(f"{name}: 95th percentile", high * 1000, "ms", most)
