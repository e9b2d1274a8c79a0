"""Plan the links for mentions, and check the result before anything is written.

The promises: no finding is new; each edited note has the links that it had and one for each
mention, which leads to the note that is named and shows the words as written. A note for which a
promise does not hold is skipped. Managed sections that list the new links are updated.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from vaultlink.engine.step import State
from vaultlink.fix.loop import FixPlan, TextAnalyser, apply_rounds, changes_linked_heading
from vaultlink.fix.sections import SectionFixMaker
from vaultlink.fix.select import FindingWithFix, allowed_fixes
from vaultlink.fix.sources import FixSources
from vaultlink.fix.trial import ChosenFixes
from vaultlink.index.index import Index
from vaultlink.links.rewrite import default_display_text
from vaultlink.mentions.edits import LinkWriter
from vaultlink.mentions.mention import Mention
from vaultlink.mentions.wanted_topics import find_topic_sections
from vaultlink.model import (
    Diagnostic,
    Edit,
    Fix,
    Link,
    Safety,
    Severity,
    SkippedNote,
)
from vaultlink.rules.section_rules import SECTION_RULES

MENTION_KIND = "unlinked mention"
"""Stands for the rule in the fix of a mention. A mention is no finding of a rule."""


MentionPlace = tuple[str, int]
"""The vault path of a note and the offset of a mention in it."""


class MentionPlan(NamedTuple):
    """The plan of links for mentions, before it is written.

    `linked` are the mentions that become links, `skipped` the notes left out with the reasons.
    """

    plan: FixPlan
    linked: tuple[Mention, ...]
    skipped: tuple[SkippedNote, ...]


def find_mention_edits(
    state: State, text: Callable[[str], str | None], mentions: Iterable[Mention]
) -> dict[MentionPlace, Edit]:
    """Return the edits that link mentions, by place.

    A mention has no edit if its place can't hold a link, or if links lead to its heading.
    """
    settings = state.settings
    writer = LinkWriter(state.index, settings.obsidian, settings.section_headings)
    by_path: dict[str, list[Mention]] = {}
    for mention in mentions:
        by_path.setdefault(mention.path, []).append(mention)
    return {
        (path, edit.start): edit
        for path, group in by_path.items()
        if (content := text(path))
        for edit in writer.link(group, content)
        if not changes_linked_heading(state.index, Fix("", Safety.SAFE, (edit,)))
    }


def plan_mentions(
    state: State,
    sources: FixSources,
    mentions: Iterable[Mention],
    analyse: TextAnalyser,
    *,
    confirmed: bool = False,
) -> MentionPlan:
    """Plan the links for mentions. Does not write.

    A note that would break a promise is left out with all its mentions. With `confirmed`, the user
    chose the mentions: then an entry of an author's section may become redundant, because the text
    links to its topic.
    """
    wanted = list(mentions)
    # Such a note can't be read, must not change, or changed since it was searched.
    locked = {mention.path for mention in wanted if sources.text(mention.path) is None}
    edits = find_mention_edits(state, sources.text, wanted)
    items = [
        _MentionFix(mention, _build_finding(mention), _build_fix(mention, edit))
        for mention in wanted
        if (edit := edits.get((mention.path, mention.start)))
    ]
    skipped: dict[str, str] = {}
    while True:
        chosen = [item for item in items if item.mention.path not in skipped]
        rounds = _MentionRounds(state, chosen)
        plan = apply_rounds(state, sources, rounds, analyse, made=rounds.chosen.drop)
        made = {id(diagnostic) for diagnostic, _ in plan.fixed}
        linked = [item.mention for item in chosen if id(item.finding) in made]
        problems = _find_problems(plan, linked, confirmed=confirmed)
        if not problems:
            notes = tuple(SkippedNote(path, skipped[path]) for path in sorted(skipped))
            plan = replace(plan, skipped=tuple(sorted({*plan.skipped, *locked})))
            return MentionPlan(plan, tuple(linked), notes)
        skipped.update(problems)


def extend_plan(first: FixPlan, second: FixPlan) -> FixPlan:
    """Return a fix plan followed by a plan of links for mentions, as one plan.

    `second` starts with the state after `first`.
    """
    texts = {
        path: (first.texts.get(path, (old, ""))[0], new)
        for path, (old, new) in second.texts.items()
    }
    return replace(
        first,
        after=second.after,
        texts={**first.texts, **texts},
        skipped=tuple(sorted({*first.skipped, *second.skipped})),
        broken_promises=(*first.broken_promises, *second.broken_promises),
    )


class _MentionFix(NamedTuple):
    mention: Mention
    finding: Diagnostic
    fix: Fix


class _MentionRounds:
    """Yields the fixes of mentions, and of the sections that become outdated by them."""

    def __init__(self, before: State, items: Sequence[_MentionFix]):
        self._before = before
        self.chosen = ChosenFixes([(item.finding, item.fix) for item in items])
        settings = before.settings
        self._is_allowed = allowed_fixes(settings.rules, settings.config)

    def __call__(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        yield from self.chosen(state, sources)
        if state is not self._before:
            yield from self._list_section_fixes(state, sources)

    def _list_section_fixes(self, state: State, sources: FixSources) -> Iterator[FindingWithFix]:
        """Yield the fixes of sections that were in step before."""
        make_fix, before = SectionFixMaker(), self._before.diagnostics
        for path, items in state.diagnostics.items():
            known = before.get(path, ())
            if items is known or any(item.rule in SECTION_RULES for item in known):
                continue
            for item in items:
                fix = make_fix(state, sources, item) if item.rule in SECTION_RULES else None
                if fix and self._is_allowed(item, fix):
                    yield item, fix


def _build_finding(mention: Mention) -> Diagnostic:
    return Diagnostic(
        "",
        MENTION_KIND,
        Severity.INFO,
        mention.path,
        mention.start,
        mention.end,
        mention.line,
        mention.column,
        mention.line,
        mention.column + mention.end - mention.start,
        "",
    )


def _build_fix(mention: Mention, edit: Edit) -> Fix:
    return Fix(f"Link to “{mention.target}”", Safety.SAFE, (edit,))


# -- promises -------------------------------------------------------------------------------------


def _find_problems(plan: FixPlan, linked: Sequence[Mention], *, confirmed: bool) -> dict[str, str]:
    """Return the edited notes for which a promise does not hold, with the reasons."""
    by_path: dict[str, list[Mention]] = {}
    for mention in linked:
        by_path.setdefault(mention.path, []).append(mention)
    problems = {
        path: problem
        for path, mentions in by_path.items()
        if (problem := _check_links(plan.before.index, plan.after.index, path, mentions))
    }
    for path, finding in _find_new_findings(plan):
        if confirmed and path in by_path and _is_about_topics(plan.after.index, finding):
            continue
        for source in _find_causes(path, by_path):
            problems.setdefault(
                source, f"links would cause a new finding in {path}, {finding.rule}"
            )
    return problems


def _check_links(before: Index, after: Index, path: str, mentions: Iterable[Mention]) -> str | None:
    """Return a problem with the links of an edited note, as a clause."""
    old, new = _count_links(before, path), _count_links(after, path)
    if lost := old - new:
        return f"the link {next(iter(lost)).raw} would change"
    added = Counter((link.shown, link.target) for link in (new - old).elements())
    wanted = Counter[tuple[str, str | None]](
        (mention.words, mention.target) for mention in mentions
    )
    if added != wanted:
        words = next(chain((wanted - added).elements(), (added - wanted).elements()))[0]
        return f"“{words}” would not become exactly one link to the note that is named"
    return None


class _LinkText(NamedTuple):
    """A link without its place.

    As written, as shown, and the file that it resolves to.
    """

    raw: str
    shown: str
    target: str | None


def _count_links(index: Index, path: str) -> "Counter[_LinkText]":
    return Counter(
        _LinkText(link.raw, _shown_text(link), target)
        for link, target in index.resolved_links(path)
    )


def _shown_text(link: Link) -> str:
    if link.display is not None:
        return link.display.replace("\\|", "|") if link.in_table_cell else link.display
    return default_display_text(link.target, link.subpath)


def _find_new_findings(plan: FixPlan) -> Iterator[tuple[str, Diagnostic]]:
    """Yield the findings that a plan adds, by path."""
    before = plan.before.diagnostics
    for path, items in plan.after.diagnostics.items():
        known = before.get(path, ())
        if items is not known:
            remaining = Counter((item.rule, item.message) for item in known)
            for item in items:
                remaining[item.rule, item.message] -= 1
                if remaining[item.rule, item.message] < 0:
                    yield path, item


def _is_about_topics(index: Index, finding: Diagnostic) -> bool:
    """Return True for findings in a section in which an author lists topics."""
    return any(
        section.start <= finding.start <= section.end
        for section in find_topic_sections(index.notes[finding.path])
    )


def _find_causes(path: str, by_path: Mapping[str, Sequence[Mention]]) -> Collection[str]:
    """Return the edited notes that can be the cause of a new finding at a path."""
    if path in by_path:
        return [path]
    naming = [
        source
        for source, mentions in by_path.items()
        if any(mention.target == path for mention in mentions)
    ]
    return naming or by_path.keys()
