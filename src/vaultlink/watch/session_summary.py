"""The closing line of a watcher: what changed, what was fixed, and what remains."""

from vaultlink.report.layout import format_count
from vaultlink.watch.messages import Batch


class SessionSummary:
    def __init__(self) -> None:
        self._changes = self._fixed = self._found_first = self._found = 0
        self._changed_paths: set[str] = set()
        self._fixed_paths: set[str] = set()
        self._run_count = 0

    def record(self, batch: Batch) -> None:
        self._found += len(batch.new) - len(batch.resolved)
        if batch.number == 0:
            self._found_first = self._found
        elif batch.applied_fixes:
            self._fixed += len(batch.applied_fixes.fixes)
            self._fixed_paths.update(batch.applied_fixes.written)
            self._run_count += batch.applied_fixes.run_id is not None
        else:
            cause = batch.cause
            self._changes += 1
            self._changed_paths.update(cause.saved, cause.created, cause.deleted)
            self._changed_paths.update(new for _, new in cause.moved)

    def describe(self) -> str:
        parts = [f"{format_count(self._changes, 'change')} seen"]
        if self._changed_paths:
            parts[0] += f" in {format_count(len(self._changed_paths), 'file')}"
        parts.append(f"{format_count(self._found, 'finding')} now{self._describe_difference()}")
        if self._fixed:
            notes = format_count(len(self._fixed_paths), "note")
            parts.append(f"fixed {format_count(self._fixed, 'finding')} in {notes}")
        return f"Stopped: {', '.join(parts)}.{self._describe_undo()}"

    def _describe_difference(self) -> str:
        more = self._found - self._found_first
        if not more:
            return ""
        return f" ({abs(more):,} {'more' if more > 0 else 'fewer'} than at the start)"

    def _describe_undo(self) -> str:
        if not self._run_count:
            return ""
        if self._run_count == 1:
            return " `vaultlink undo` reverts the fixes."
        runs = format_count(self._run_count, "run")
        return (
            f" `vaultlink undo` reverts the last of {runs}; `vaultlink undo --list` lists them all."
        )
