"""Plan the links for all mentions that are certain.

Links are evidence: after some mentions became links, others may be certain too. So the search is
repeated on the planned state, until a second run would find nothing more.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.api import Vault
from vaultlink.cli.mention_search import MentionSearch
from vaultlink.fix.loop import FixPlan
from vaultlink.mentions.model import Mention, MentionOptions
from vaultlink.mentions.planning import MentionPlan

_MAX_ROUNDS = 10
"""Searches after which a plan is taken as it is."""

SCORE_MARGIN = 0.15
"""A mention whose score is lower than the least certain one by more never becomes certain."""


class MentionCandidates(NamedTuple):
    """Mentions that are certain or may become so, and the options of the search.

    `confirmed` is True if the user chose the mentions.
    """

    mentions: tuple[Mention, ...]
    options: MentionOptions
    confirmed: bool = False


def plan_certain_mentions(
    vault: Vault, candidates: MentionCandidates, first: FixPlan | None = None
) -> MentionPlan:
    """Plan the links for mentions that are certain, or become so. Does not write.

    `first` is a plan that is written in the same run, before the mentions.
    """
    certain = [item for item in candidates.mentions if item.certain]
    doubtful = [item for item in candidates.mentions if not item.certain]
    plan = vault.fixer.plan_mentions(certain, first, confirmed=candidates.confirmed)
    for _ in range(_MAX_ROUNDS):
        promoted = _find_promoted(vault, plan, doubtful, candidates.options) if certain else []
        if not promoted:
            break
        certain += [replace(item, certain=True) for item in promoted]
        doubtful = [item for item in doubtful if item not in promoted]
        plan = vault.fixer.plan_mentions(
            sorted(certain, key=lambda item: (item.path, item.start)),
            first,
            confirmed=candidates.confirmed,
        )
    return plan


def _find_promoted(
    vault: Vault, plan: MentionPlan, doubtful: list[Mention], options: MentionOptions
) -> list[Mention]:
    """Return the doubtful mentions that are certain after a plan."""
    if not doubtful or not plan.linked:
        return []
    search = MentionSearch(plan.plan.after, read_texts_after(vault, plan.plan), options)
    found = search.find(sorted({item.path for item in doubtful}))
    places = {(item.path, item.target, item.line, item.words) for item in found if item.certain}
    return [item for item in doubtful if (item.path, item.target, item.line, item.words) in places]


def read_texts_after(vault: Vault, plan: FixPlan) -> Callable[[str], str | None]:
    """Return a function that returns the text of a note after a plan."""
    texts = plan.texts
    return lambda path: texts[path][1] if path in texts else vault.text(path)
