"""The unlinked mentions that `vaultlink fix --mentions` links."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from vaultlink.errors import UsageError
from vaultlink.model import SkippedNote

if TYPE_CHECKING:
    from vaultlink.api import Vault
    from vaultlink.cli.options import FixSelectionOptions
    from vaultlink.fix.loop import FixPlan
    from vaultlink.mentions.mention import Mention


class MentionFixes(NamedTuple):
    """The mentions that a plan links, and the notes that it leaves out for them.

    `added` are the notes that the plan changes only for mentions.
    """

    linked: "tuple[Mention, ...]" = ()
    skipped: tuple[SkippedNote, ...] = ()
    added: frozenset[str] = frozenset()

    def count_fixed_notes(self, changed: Collection[str]) -> int:
        """Return the number of changed notes in which findings were fixed."""
        return sum(path not in self.added for path in changed)

    def select_written(self, written: Collection[str]) -> "MentionFixes":
        """Return the mentions in notes that were written."""
        return self._replace(linked=tuple([item for item in self.linked if item.path in written]))

    def extend_sentence(self, sentence: str, *, would: bool = False) -> str:
        """Return a sentence about fixed findings with one about the mentions.

        `would` says that they were not written.
        """
        if not self.linked:
            return sentence
        from vaultlink.report.mention_rows import describe_linked  # noqa: PLC0415

        linked = describe_linked(self.linked, would=would)
        return linked if sentence.startswith("Nothing") else f"{sentence} {linked}"


NO_MENTIONS = MentionFixes()


def reject_mention_conflicts(options: "FixSelectionOptions", *, is_interactive: bool) -> None:
    """Raise UsageError for options that can't be used with --mentions."""
    if is_interactive:
        raise UsageError(
            "--mentions and --interactive can't be used together. "
            "`vaultlink mentions --interactive` asks about mentions."
        )
    if options.changed_since:
        raise UsageError(
            "--mentions and --changed-since can't be used together: mentions are no findings."
        )


def plan_mention_fixes(
    vault: "Vault", plan: "FixPlan", wanted: Callable[[str], bool]
) -> "tuple[MentionFixes, FixPlan]":
    """Return the certain mentions after a plan, and the plan with their links.

    `wanted` returns True for the paths of notes that may be changed.
    """
    from vaultlink.cli.mention_search import (  # noqa: PLC0415 - needed for --mentions only
        MentionSearch,
        build_mention_options,
        require_library,
    )
    from vaultlink.index.resolve import is_note  # noqa: PLC0415

    paths = [path for path in sorted(plan.after.index.notes) if is_note(path) and wanted(path)]
    if len(paths) > 1:
        require_library()
    options = build_mention_options(vault.config.mentions)
    texts = plan.texts
    search = MentionSearch(
        plan.after,
        lambda path: texts[path][1] if path in texts else vault.text(path),
        replace(options, lowest_score=options.min_score),
    )
    certain = [item for item in search.find(paths) if item.certain]
    found = vault.fixer.plan_mentions(certain, plan)
    added = found.plan.texts.keys() - plan.texts.keys()
    return MentionFixes(found.linked, found.skipped, frozenset(added)), found.plan
