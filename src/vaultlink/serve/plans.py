"""Plans by id, made for one state of a vault and written in a later one."""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from vaultlink.api import Vault
from vaultlink.errors import UsageError
from vaultlink.fix.plan import Plan
from vaultlink.fix.requests import Request
from vaultlink.refactor.relocation import RefusedError
from vaultlink.serve.workspace import Workspace
from vaultlink.text import escape_controls, list_first, quote_name
from vaultlink.write.write_notes import WriteResult

_MAX_PLANS = 20
"""Plans that are kept: each holds the state of the vault for which it was made."""

_TRIES = 3
"""Times that a plan is made again because the vault changed in the moment of writing."""


class StoredPlan(NamedTuple):
    """A plan that may be written later, and the vault for which it was made."""

    id: str
    requests: Sequence[Request]
    plan: Plan
    vault: Vault


class PlanStore:
    """Makes, keeps and writes plans for a vault."""

    def __init__(self, workspace: Workspace, command: str):
        self._workspace, self._command = workspace, command
        self._plans: dict[str, StoredPlan] = {}
        self._numbers = count(1)

    def plan(self, requests: Sequence[Request]) -> StoredPlan:
        """Plan changes, and keep the plan. Raises UsageError or RefusedError."""
        vault = self._workspace.refresh()
        stored = StoredPlan(f"plan-{next(self._numbers)}", requests, vault.plan(*requests), vault)
        self._plans[stored.id] = stored
        for name in list(self._plans)[:-_MAX_PLANS]:
            del self._plans[name]
        return stored

    def apply(self, name: str) -> WriteResult:
        """Write a plan, which is then gone.

        If the vault has changed since, the changes are planned again: the plan is written if that
        gives the same. Raises RefusedError, which names the notes that changed, and JournalError.
        """
        if name not in self._plans:
            raise UsageError(
                f"there is no plan {quote_name(name)}. It was written or is too old; plan again."
            )
        stored = self._plans[name]
        for _ in range(_TRIES):
            vault = self._workspace.refresh()
            plan = stored.plan if vault.state is stored.vault.state else _renew(stored, vault)
            result = vault.apply(plan, self._command)
            if not result.is_outdated:
                del self._plans[name]
                self._workspace.refresh()
                return result
        raise RefusedError("other programs change the vault all the time. Nothing was written.")

    def undo(self, run: str) -> WriteResult:
        """Revert a run. Raises UsageError."""
        result = self._workspace.refresh().undo(run)
        self._workspace.refresh()
        return result


def _renew(stored: StoredPlan, vault: Vault) -> Plan:
    """Return the plan of the same changes of a later state, if it writes the same."""
    try:
        plan = vault.plan(*stored.requests)
    except UsageError as error:
        raise RefusedError(f"{_describe_changed(stored, vault)} {error}") from None
    if plan.texts == stored.plan.texts and plan.moves == stored.plan.moves:
        return plan
    raise RefusedError(f"{_describe_changed(stored, vault)} Nothing was written. Plan again.")


def _describe_changed(stored: StoredPlan, vault: Vault) -> str:
    """Return a sentence with the notes that changed since, those of the plan first."""
    before, now = (item.scan.listing.files for item in (stored.vault, vault))
    changed = [path for path in sorted({*before, *now}) if before.get(path) != now.get(path)]
    changed.sort(key=lambda path: path not in stored.plan.texts and path not in stored.plan.files)
    names = escape_controls(list_first(changed, 5)) if changed else "The vault"
    return f"{names} changed since the plan was made."
