"""`vaultlink mentions`: find where notes are named without a link, and link them."""

from typing import TYPE_CHECKING

from vaultlink.cli.exit_codes import EXIT_CLEAN
from vaultlink.cli.listing import choose_listing_format
from vaultlink.cli.mention_search import MentionsOptions, reject_conflicting_options
from vaultlink.cli.terminal import Terminal
from vaultlink.cli.vault import answer_from_options, find_note_start

if TYPE_CHECKING:
    from vaultlink.api import Vault


def mentions(options: MentionsOptions) -> int:
    """List where notes name other notes without a link, or link them.

    Searches the notes that are named, else all notes, for file names, titles and aliases of other
    notes. Each mention has a score from 0 to 1 with the reasons. A mention is certain if its score
    is at least that of --min-score, only one note can be meant, and the link can be written. Listed
    is the first mention of a note in each note that does not link to it.

    --write turns the mentions that are certain into links; the words stay as they are. --diff
    prints what it would change. --interactive asks for each mention; an answer of “never” is
    recorded in the settings file, as [mentions] ignore. `vaultlink undo` reverts a run. A note is
    skipped, and named, if it changes meanwhile or a link would cause a new finding.

    The exit code is 0 whatever is listed. With --write or --interactive it is 1 if a note was
    skipped, with --diff 1 if anything would change. Searching all notes requires an extra library:
    pip install ahocorasick-rs.

    Output formats: table (on a terminal), tsv (elsewhere), json. Columns of tsv: note, line,
    column, words, target, score, certain, why.
    """
    reject_conflicting_options(options)
    if options.write or options.diff or options.interactive:
        from vaultlink.cli.mention_write import link_mentions  # noqa: PLC0415

        return link_mentions(options)
    from vaultlink.cli.mention_search import find_mentions, print_mentions  # noqa: PLC0415

    terminal = Terminal(options)
    output_format = choose_listing_format(terminal)

    def answer(vault: "Vault") -> int:
        found = find_mentions(options, vault, terminal)
        print_mentions(options, terminal, output_format, vault, found)
        return EXIT_CLEAN

    start = find_note_start(options, options.words)
    return answer_from_options("mentions", options, terminal, answer, start)
