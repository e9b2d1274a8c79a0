"""`vaultlink mentions`: find where notes are named without a link, and link them."""

from vaultlink.cli.listings import answer_with_rows
from vaultlink.cli.mention_search import MentionsOptions, list_mentions, reject_conflicting_options
from vaultlink.cli.opening import find_note_start


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
    return answer_with_rows(
        "mentions", options, list_mentions, lambda: find_note_start(options, options.words)
    )
