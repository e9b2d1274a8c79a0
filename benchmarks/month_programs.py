"""Run the programs of a vault's month, and compare what each of them says about the vault."""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NamedTuple
from urllib.parse import unquote

from lsp_client import LanguageClient
from mcp_client import McpClient
from month_ledger import Finding
from vaultlink.links.edit_math import apply_edits
from vaultlink.model import Edit

PROGRAM = (sys.executable, "-m", "vaultlink")
COUNTS = ("notes", "attachments", "links", "resolved", "dangling", "ambiguous", "findings")
"""The figures that a watcher and `check` both print."""

_PAST = ("VL101", "VL114", "VL125")
"""The rules among which a link changes if a rename is forgotten; they count as one.

The cache remembers renames between two commits, so a check without it knows less. A watcher and a
server remember the renames that they saw, also those of a name that was given and taken within
minutes, so a check knows less than they.
"""

_PAST_RULES = dict.fromkeys(("dangling-link", "moved-link", "planned-note"), "past")

_MIN_SAMPLES = 40
"""Fewer samples of the memory of a process are not judged."""

_GROWTH = 1.1
_GROWTH_MEGABYTES = 6
"""How much more memory the last quarter may take than the second one, for notes of the same size.

A tenth is what the allocator keeps of the peak of a large batch: the first rename storm may come
after the second quarter. Six megabytes are its smallest unit (arenas of 1 MB) and a few caches of
a fixed number of entries, which fill slowly. A leak of 10 kB for each event of a month is above it.
"""


class Watcher:
    """A `vaultlink watch` in its own process, and what it has printed so far."""

    def __init__(self, vault: Path, errors: Path, *options: str):
        self.findings: Counter[Finding] = Counter()
        self.summary: dict[str, int] = {}
        self.batches = self.fixed = 0
        self.seen: dict[str, float] = {}
        """When a finding about a target was first printed, on the monotonic clock."""
        self._errors = errors
        with errors.open("ab") as stream:
            self.process = subprocess.Popen(
                [*PROGRAM, "watch", str(vault), "--output-format", "json-lines", *options],
                stdout=subprocess.PIPE,
                stderr=stream,
            )
        self._lock = Lock()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        batch: list[dict[str, Any]] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            if "fingerprint" in event:
                batch.append(event)
                if event["event"] == "new" and event["target"]:
                    self.seen.setdefault(event["target"], time.monotonic())
                continue
            with self._lock:
                self._apply(event, batch)
            batch.clear()

    def _apply(self, event: Mapping[str, Any], batch: Sequence[Mapping[str, Any]]) -> None:
        moved = {item["from"]: item["to"] for item in event["moved"]}
        findings = self.findings.copy()
        findings.subtract(read_finding(row) for row in batch if row["event"] == "healed")
        self.findings = Counter[Finding]()  # resolved findings are at the old paths of notes
        for item, count in findings.items():
            self.findings[item._replace(path=moved.get(item.path, item.path))] += count
        self.findings.update(read_finding(row) for row in batch if row["event"] == "new")
        self.findings = Counter({item: count for item, count in self.findings.items() if count})
        self.summary = {name: event["summary"][name] for name in COUNTS}
        self.fixed += (event["fixed"] or {}).get("findings", 0)
        self.batches += 1

    def compare(self, check: Mapping[str, Any]) -> Iterator[str]:
        """Yield what differs from the JSON of a check."""
        with self._lock:
            findings, summary = Counter(self.findings), dict(self.summary)
        expected = Counter(map(read_finding, check["findings"]))
        for item in sorted(findings - expected):
            yield f"has {item}, which a check does not find"
        for item in sorted(expected - findings):
            yield f"lacks {item}, which a check finds"
        counts = {name: check["summary"][name] for name in COUNTS}
        if counts != summary:
            yield f"counts {summary}, a check {counts}"

    def read_notices(self) -> list[str]:
        """Return the lines on stderr that no watcher should print."""
        text = self._errors.read_text("utf-8", "replace")
        return [line for line in text.splitlines() if "--verify:" in line or "Traceback" in line]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the process as the system does when it has no memory left."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> int:
        """End the process as a service manager does, and return its exit code."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        code = self.process.wait(60)
        self._close()
        return code

    def _close(self) -> None:
        self._thread.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def read_code(code: str, past: Collection[str] = _PAST) -> str:
    """Return the code of a finding, with one for all rules in `past`."""
    return "past" if code in past else code


def read_finding(row: Mapping[str, Any]) -> Finding:
    """Return a finding of JSON; of those without a target, only their number is compared.

    The message of such a finding may name its note, and is not printed again when that is renamed.
    """
    return Finding(row["path"], read_code(row["code"]), row["target"] or "")


def compare_checks(
    kept: Mapping[str, Any], fresh: Mapping[str, Any], past: Collection[str]
) -> Iterator[str]:
    """Yield how a check with the kept cache differs from one without a cache.

    The rules in `past` count as one.
    """
    sides = [
        Counter(
            (
                row["path"],
                row["line"],
                row["column"],
                "past" if row["code"] in past else row["code"],
            )
            for row in check["findings"]
        )
        for check in (kept, fresh)
    ]
    for item in sorted(sides[0] - sides[1]):
        yield f"check finds {item} with the kept cache only"
    for item in sorted(sides[1] - sides[0]):
        yield f"check finds {item} without a cache only"
    counts = [{name: check["summary"][name] for name in COUNTS} for check in (kept, fresh)]
    if counts[0] != counts[1]:
        yield f"check counts {counts[0]} with the kept cache, {counts[1]} without"


class Command(NamedTuple):
    """A command that has ended."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str


class Programs:
    """All programs of one vault: two watchers, a language server, an MCP server, and commands."""

    def __init__(self, vault: Path, folder: Path):
        self.vault, self.folder = vault, folder
        self.memory: dict[str, list[tuple[float, int]]] = {}
        """Megabytes of each process with the bytes of the vault, since its last start."""
        self.restarts = 0
        self.fixer = self._watch("--fix")
        self.verifier = self._watch("--verify")
        self.editor = LanguageClient([*PROGRAM, "lsp"], vault, os.environ)
        self._errors = (folder / "mcp.err").open("w", encoding="utf-8")
        self.agent = McpClient(vault, "--allow-writes", errors=self._errors)
        self.agent.__enter__()
        for watcher in (self.fixer, self.verifier):
            self._await_start(watcher)

    def _watch(self, option: str) -> Watcher:
        return Watcher(self.vault, self.folder / f"watch{option}.err", option)

    def _await_start(self, watcher: Watcher, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not watcher.batches:
            if watcher.process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"a watcher did not start: see {self.folder}")
            time.sleep(0.02)

    def restart_fixer(self) -> None:
        """Start another watcher that fixes; its predecessor has been killed."""
        seen, fixed = self.fixer.seen, self.fixer.fixed
        self.fixer = self._watch("--fix")
        self._await_start(self.fixer)
        self.fixer.seen = {**self.fixer.seen, **seen}
        self.fixer.fixed += fixed
        self.memory.pop("watch --fix", None)
        self.restarts += 1

    def run(self, *words: str) -> Command:
        """Run a command on the vault."""
        done = subprocess.run(
            [*PROGRAM, *words, "--vault", str(self.vault)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.folder,
            check=False,
        )
        return Command(words, done.returncode, done.stdout, done.stderr)

    def check(self, *options: str) -> Any:
        """Return the JSON of `vaultlink check`."""
        done = self.run("check", "--output-format", "json", *options)
        if done.code not in (0, 1):
            raise SystemExit(f"check ended with {done.code}: {done.err}")
        return json.loads(done.out)

    def compare_views(self) -> tuple[list[str], Any]:
        """Return how the programs differ from a check with the kept cache, and the JSON of that."""
        kept = self.check()
        problems = list[str]()
        for name, watcher in (("watch --fix", self.fixer), ("watch --verify", self.verifier)):
            problems += [f"{name} {text}" for text in watcher.compare(kept)]
            problems += [f"{name} printed: {line}" for line in watcher.read_notices()]
        problems += self._compare_editor(kept)
        problems += self._compare_agent(kept)
        return problems, kept

    def compare_cache(self, kept: Mapping[str, Any]) -> Iterator[str]:
        """Yield how checks without a cache differ from those with the kept one."""
        yield from compare_checks(kept, self.check("--no-cache"), _PAST)
        alone = self.check("--no-history")
        yield from compare_checks(alone, self.check("--no-history", "--no-cache"), ())

    def _compare_editor(self, check: Mapping[str, Any]) -> Iterator[str]:
        answer = self.editor.request("workspace/diagnostic", {"previousResultIds": []})
        shown = Counter(
            (
                self.read_path(report["uri"]),
                read_code(row["code"]),
                row["range"]["start"]["line"] + 1,
            )
            for report in answer["items"]
            for row in report["items"]
        )
        expected = Counter(
            (row["path"], read_code(row["code"]), row["line"]) for row in check["findings"]
        )
        for item in sorted(shown - expected):
            yield f"lsp shows {item}, which a check does not find"
        for item in sorted(expected - shown):
            yield f"lsp does not show {item}, which a check finds"

    def _compare_agent(self, check: Mapping[str, Any]) -> Iterator[str]:
        counts = self.agent.call("check", {"limit": 1}).data["counts"]
        names = {row["rule"]: read_code(row["code"]) for row in check["findings"]}
        known, told = Counter[str](), Counter[str]()
        for rule, count in check["summary"]["by_rule"].items():
            known[names[rule]] += count
        for rule, count in counts["rules"].items():
            told[names.get(rule, _PAST_RULES.get(rule, rule))] += count
        if told != known:
            yield f"mcp counts {dict(told)}, a check {dict(known)}"

    def read_path(self, uri: str) -> str:
        """Return the path in the vault that an address means."""
        return unquote(uri).removeprefix(f"{self.vault.as_uri()}/")

    # -- memory ------------------------------------------------------------------------------------

    def weigh(self, vault_bytes: int) -> None:
        """Read the memory of all processes."""
        processes = {
            "watch --fix": self.fixer.process.pid,
            "watch --verify": self.verifier.process.pid,
            "mcp": self.agent.pid,
        }
        weights = {name: read_megabytes(pid) for name, pid in processes.items()}
        weights["lsp"] = self.editor.read_memory_megabytes()
        for name, weight in weights.items():
            self.memory.setdefault(name, []).append((weight, vault_bytes))

    def judge_memory(self) -> Iterator[str]:
        """Yield which process takes more memory in its last quarter than in its second one."""
        for name, samples in self.memory.items():
            second, last = halves = summarize(samples)
            limit = second[0] * last[1] / second[1] * _GROWTH + _GROWTH_MEGABYTES
            if len(samples) >= _MIN_SAMPLES and last[0] > limit:
                weights = " and ".join(f"{half[0]:.0f}" for half in halves)
                yield f"{name} took {weights} MB in the second and last quarter, limit {limit:.0f}"

    def stop(self) -> list[str]:
        """End all programs; return what was wrong with their ends."""
        problems = []
        for name, watcher in (("watch --fix", self.fixer), ("watch --verify", self.verifier)):
            if code := watcher.stop():
                problems.append(f"{name} ended with {code}")
        self.editor.stop()
        self.agent.__exit__()
        self._errors.close()
        for file in sorted(self.folder.glob("*.err")):
            text = file.read_text("utf-8", "replace")
            if "Traceback" in text:
                problems.append(f"{file.name}: {text[text.index('Traceback') :][-400:]}")
        return problems


def summarize(samples: Sequence[tuple[float, int]]) -> tuple[tuple[float, float], ...]:
    """Return the medians of the second and of the last quarter: megabytes, bytes of the vault."""
    quarter = max(1, len(samples) // 4)
    parts = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    return tuple(
        (
            statistics.median(weight for weight, _ in part),
            statistics.median(size for _, size in part),
        )
        for part in parts
    )


def read_megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def apply_text_edits(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a text after edits of the protocol, whose columns are UTF-16 code units."""
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def find_offset(position: Mapping[str, int]) -> int:
        line = lines[position["line"]] if position["line"] < len(lines) else ""
        units = line.encode("utf-16-le")[: 2 * position["character"]]
        return starts[position["line"]] + len(units.decode("utf-16-le"))

    edits = [
        Edit(
            "",
            find_offset(row["range"]["start"]),
            find_offset(row["range"]["end"]),
            row["newText"],
        )
        for row in rows
    ]
    return apply_edits(text, sorted(edits, key=lambda edit: edit.start))
