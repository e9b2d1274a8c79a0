"""What the sections that vaultlink keeps should hold, how that is worded, and how far a section is from it.

An index, the settings of sections and a section's text enter; entries and differences leave. No text of another note is
needed here, so checks can ask.
"""

from vaultlink.backlinking.difference import (
    SectionDiff,
    compare_section,
    entry_matches,
    match_entry,
)
from vaultlink.backlinking.holding import ExpectedSection, can_hold_section, expected_section
from vaultlink.backlinking.reading import (
    ExistingEntry,
    ParsedSection,
    SectionPart,
    is_managed_section,
    parse_section,
)
from vaultlink.backlinking.wording import (
    ExpectedEntry,
    SectionStyle,
    normalize_markdown,
    render_entry,
    section_style,
)

__all__ = [
    "ExistingEntry",
    "ExpectedEntry",
    "ExpectedSection",
    "ParsedSection",
    "SectionDiff",
    "SectionPart",
    "SectionStyle",
    "can_hold_section",
    "compare_section",
    "entry_matches",
    "expected_section",
    "is_managed_section",
    "match_entry",
    "normalize_markdown",
    "parse_section",
    "render_entry",
    "section_style",
]
