"""Change a copy of a vault with the tools of `vaultlink mcp`, and take everything back.

    python benchmarks/mcp_calls.py [--size 1.0] [--seed 1] VAULT...

A program writes drafts, applies their fixes, renames, deletes, merges and fixes notes, and sends
wrong and stale requests. A second reader of the vault compares the findings before and after each
change: what is new must have been announced, and follow from what was asked. No answer may be
longer than 4 KB, each refusal must have a reason, and after `undo` of all runs every byte must be
as before. Times, memory and failures are printed; the exit code is 1 if anything failed.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from mcp_client import McpClient, Reply
from vaultlink import Vault
from vaultlink.disk.scan import scan_vault
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan
from vaultlink.fix.requests import read_request
from vaultlink.index.packed_map import list_changed_keys
from vaultlink.model import Diagnostic
from vaultlink.parse.properties import body_start
from vaultlink.serve.changes import compare_states
from vaultlink.serve.workspace import Workspace


class Amounts(NamedTuple):
    """The numbers of changes and questions."""

    renames: int = 159
    deletes: int = 20
    merges: int = 10
    drafts: int = 200
    fixes: int = 50

    def scaled(self, size: float) -> "Amounts":
        """Return a share of these numbers, each at least 1."""
        return Amounts(*(max(1, round(number * size)) for number in self))


class Witness:
    """Another reader of the vault, which plans each change and compares the findings."""

    def __init__(self, root: Path):
        self._workspace = Workspace(scan_vault(root))
        self._before = self._workspace.vault
        self._plan: Plan | None = None
        self._is_merge, self._added = False, list[Diagnostic]()

    def plan(self, changes: Sequence[Mapping[str, Any]]) -> bool:
        """Plan changes of the vault as it is; return False if they are refused."""
        self._is_merge = "merge" in changes[0]
        self._before, self._plan = self._workspace.refresh(), None
        with suppress(UsageError):
            self._plan = self._before.plan(*map(read_request, changes))
            self._added = compare_states(self._before, self._plan)[0]  # reads the texts of now
        return self._plan is not None

    def compare(self, answer: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong after the changes, given the server's answer about the plan."""
        after, plan = self._workspace.refresh(), self._plan
        assert plan is not None
        planned, found = plan.after.diagnostics, after.state.diagnostics
        for path in list_changed_keys(planned, found):
            if planned.get(path, ()) != found.get(path, ()):
                yield f"{path} has other findings than planned"
        added = self._added
        if len(added) != answer["counts"]["adds"]:
            yield f"{len(added)} findings are new, not {answer['counts']['adds']}"
        for item in added:
            if not is_consequence(item, self._before, plan, is_merge=self._is_merge):
                yield f"added without a reason: {item.path}:{item.line} {item.rule} {item.message}"

    def close(self) -> None:
        self._workspace.close()


MERGED = (
    "already links to the same file",
    "an earlier entry links",
    "the linked note has the title",
)
"""What a merge may do to an entry of a section, which leads to the other note then."""


def is_consequence(item: Diagnostic, before: Vault, plan: Plan, *, is_merge: bool) -> bool:
    """Return True if an added finding follows from what was asked.

    A note is an orphan since the notes with links to it are gone, or since a rename took the name
    that needs no links. A merge makes entries superfluous. A link to nothing was one before, which
    another rule reported.
    """
    old = next((old for old, new in plan.files.items() if new == item.path), item.path)
    if item.rule == "orphan-note":
        sources = before.index.backlinks.get(old, ())
        is_touched = any(path in plan.trash or path in plan.texts for path in sources)
        return is_touched or (old != item.path and not sources)
    if item.rule == "broken-section-entry":
        return is_merge and any(words in item.message for words in MERGED)
    return item.target is not None and old in before.index.unresolved_sources.get(item.target, ())


class CallScript:
    """Calls on one vault, whose failures are collected."""

    def __init__(self, vault: Path, amounts: Amounts, seed: int = 1):
        self.vault, self._amounts, self._dice = vault, amounts, Random(seed)
        self.failures: list[str] = []
        self.times: dict[str, list[float]] = {}
        self.runs: list[str] = []
        self.memory: dict[str, int] = {}

    def run(self) -> None:
        """Do everything, and undo it."""
        before, self._witness = hash_files(self.vault), Witness(self.vault)
        with McpClient(self.vault, "--allow-writes") as self._client:
            self._weigh("start")
            first = self._count_findings()
            self._write_drafts()
            self._weigh("drafts")
            self._rename()
            self._delete()
            self._merge()
            self._fix()
            self._weigh("changes")
            self._witness.close()
            self._refuse()
            self._undo()
            self._weigh("undo")
            self._expect(self._count_findings() == first, "undo left other findings")
        after = hash_files(self.vault)
        changed = [path for path in {**before, **after} if before.get(path) != after.get(path)]
        self._expect(not changed, f"undo left other bytes: {changed[:5]}")

    # -- parts ---------------------------------------------------------------------------------

    def _write_drafts(self) -> None:
        notes = self._choose(self._amounts.drafts)
        for number, path in enumerate(notes):
            name = Path(path).stem
            text = (self.vault / path).read_text("utf-8", "replace")
            good = {path: add_link(text, f"Draft {number}"), f"Draft {number}.md": f"[[{name}]]\n"}
            data = self._ask("check", {"drafts": good, "limit": 5}, "draft")
            links = [item for item in data["findings"] if item.get("target") == f"Draft {number}"]
            self._expect(not links, f"a draft does not see the other: {links}")
            bad = add_link(text, f"No such note {number}")
            data = self._ask("check", {"drafts": {path: bad}}, "draft")
            self._expect(data["counts"]["findings"] >= 1, f"no finding in a bad draft of {path}")
            self._apply_fixes(path)

    def _apply_fixes(self, path: str) -> None:
        """Write the fixes of a draft into it; each must resolve its finding."""
        names = self._ask("note", {"note": path, "parts": ["aliases", "properties"]}, "note")
        titles = [row["value"] for row in names["properties"] if row["key"] == "title"]
        for title in [*names["aliases"], *titles][:1]:
            draft = f"See [[{title}]].\n"
            data = self._ask("check", {"drafts": {"New draft.md": draft}}, "draft")
            for item in data["findings"]:
                if "new" in item.get("fix", {}):
                    draft = draft.replace(item["fix"]["old"], item["fix"]["new"])
                    data = self._ask("check", {"drafts": {"New draft.md": draft}}, "draft")
                    left = [row for row in data["findings"] if row["rule"] == item["rule"]]
                    self._expect(not left, f"the fix of {item} does not resolve it")

    def _rename(self) -> None:
        changes = [
            {
                "rename": path,
                "to": f"Renamed {number} of x" if number % 2 else f"{Path(path).stem}_{number}",
            }
            for number, path in enumerate(self._choose(self._amounts.renames))
        ]
        self._change(changes, "rename")

    def _delete(self) -> None:
        for path in self._choose(self._amounts.deletes):
            self._change([{"delete": path, "unlink": True}], "delete")

    def _merge(self) -> None:
        notes = self._choose(2 * self._amounts.merges)
        for note, into in zip(notes[::2], notes[1::2], strict=False):
            self._change([{"merge": note, "into": into}], "merge")

    def _fix(self) -> None:
        for path in self._choose(self._amounts.fixes):
            self._change([{"fix": "safe", "notes": [path]}], "fix")

    def _refuse(self) -> None:
        """Send wrong and stale requests; each must be answered with a reason."""
        [path] = self._choose(1)
        wrong: list[tuple[str, Mapping[str, Any]]] = [
            ("apply", {"plan": "nope"}),
            ("undo", {"run": "nope"}),
            ("change", {"changes": [{"rename": "No such note at all", "to": "B"}]}),
            ("change", {"changes": [{"rename": path, "to": "../B"}]}),
            ("change", {"changes": [{"delete": "/etc/passwd", "unlink": True}]}),
            ("change", {"changes": [{"rename": path, "to": ".obsidian/B"}]}),
            ("change", {"changes": [{"wipe": path}]}),
            ("change", {"changes": [{"rename": path}]}),
            ("change", {"changes": []}),
            ("note", {"note": "../B"}),
        ]
        for tool, arguments in wrong:
            reply = self._call(tool, arguments, "refusal")
            self._expect(reply.is_error and len(reply.text) > 10, f"{tool} {arguments}: {reply}")
        plan = self._ask("change", {"changes": [{"rename": path, "to": "Stale"}]}, "plan")
        file = self.vault / path
        data = file.read_bytes()
        file.unlink()
        reply = self._call("apply", {"plan": plan["plan"]}, "refusal")
        self._expect(reply.is_error and path in reply.text, f"a stale plan: {reply}")
        file.write_bytes(data)

    def _undo(self) -> None:
        for run in reversed(self.runs):
            data = self._ask("undo", {"run": run}, "undo")
            self._expect(not data["counts"]["skipped"], f"undo {run}: {data}")

    # -- calls -----------------------------------------------------------------------------------

    def _change(self, changes: list[dict[str, Any]], kind: str) -> None:
        is_possible = self._witness.plan(changes)
        reply = self._call("change", {"changes": changes, "apply": True}, kind)
        self._expect(reply.is_error != is_possible, f"{changes}: {reply.text}")
        if reply.is_error:
            self._expect(kind in ("delete", "merge"), f"{changes}: {reply.text}")
            return  # refused with a reason, such as a note that is only read
        answer = data = reply.data
        counts = data["counts"]
        self._expect(not counts["breaks"], f"{changes} break: {data.get('breaks')}")
        if data["run"] is None and counts["files"]:
            data = self._ask("apply", {"plan": data["plan"]}, f"{kind} apply")
        if data.get("run"):
            self.runs.append(data["run"])
        for problem in self._witness.compare(answer):
            self._expect(False, f"{str(changes)[:200]}: {problem}")

    def _ask(self, tool: str, arguments: Mapping[str, Any], kind: str) -> Any:
        reply = self._call(tool, arguments, kind)
        if reply.is_error:
            raise RuntimeError(f"{tool} {arguments}: {reply.text}")
        return reply.data

    def _call(self, tool: str, arguments: Mapping[str, Any], kind: str) -> Reply:
        start = time.perf_counter()
        reply = self._client.call(tool, arguments)
        self.times.setdefault(kind, []).append(time.perf_counter() - start)
        return reply

    def _count_findings(self) -> int:
        number: int = self._ask("check", {"limit": 1}, "check")["counts"]["findings"]
        return number

    def _choose(self, number: int) -> list[str]:
        """Return notes that exist now, without those in hidden folders."""
        paths = (file.relative_to(self.vault) for file in self.vault.rglob("*.md"))
        notes = sorted(
            path.as_posix()
            for path in paths
            if not any(part.startswith(".") for part in path.parts)
        )
        return self._dice.sample(notes, min(number, len(notes) // 3))

    def _weigh(self, when: str) -> None:
        self.memory[when] = self._client.read_memory()
        print(f"{when}: {self.memory[when]} MB", file=sys.stderr, flush=True)

    def _expect(self, is_right: bool, failure: str) -> None:
        if not is_right:
            self.failures.append(failure)

    def describe(self) -> Iterator[str]:
        """Yield lines with times, memory and failures."""
        for kind, times in self.times.items():
            ordered = sorted(times)
            p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
            middle = statistics.median(ordered)
            yield (
                f"{kind:14} {len(times):4} calls  {middle * 1000:7.1f} ms median  "
                f"{p95 * 1000:7.1f} p95  {ordered[-1] * 1000:7.1f} most"
            )
        yield "memory         " + ", ".join(f"{name} {mb} MB" for name, mb in self.memory.items())
        yield f"longest answer {self._client.largest} bytes; {len(self.runs)} runs undone"
        yield from (f"FAILED {failure[-400:]}" for failure in self.failures)


def add_link(text: str, target: str) -> str:
    """Return a note with a link at the start of its body, where no open block hides it."""
    at = body_start(text)
    return f"{text[:at]}[[{target}]]\n\n{text[at:]}"


def hash_files(vault: Path) -> dict[str, bytes]:
    """Return a digest of every file of a vault."""
    return {
        file.relative_to(vault).as_posix(): blake2b(file.read_bytes()).digest()
        for file in vault.rglob("*")
        if file.is_file()
    }


def main() -> int:
    """Run the script on copies of vaults."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vaults", nargs="+", type=Path, metavar="VAULT")
    parser.add_argument("--size", type=float, default=1.0, help="share of the usual numbers")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices; default: 1")
    options = parser.parse_args()
    has_failed = False
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = f"{folder}/state"
        for source in options.vaults:
            vault = Path(folder) / source.resolve().name
            shutil.copytree(source, vault, ignore=shutil.ignore_patterns(".git"))
            script = CallScript(vault, Amounts().scaled(options.size), options.seed)
            script.run()
            print(f"{source}:", *script.describe(), sep="\n  ")
            has_failed |= bool(script.failures)
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
