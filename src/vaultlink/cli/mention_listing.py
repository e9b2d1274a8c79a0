"""The backlinks of a note together with its unlinked mentions."""

from collections.abc import Sequence

from vaultlink.api import Vault
from vaultlink.cli.listing import print_document, print_lines
from vaultlink.cli.mention_results import make_rows
from vaultlink.cli.mention_search import MentionSearch, build_mention_options
from vaultlink.cli.terminal import Terminal
from vaultlink.mentions.mention import Mention
from vaultlink.report.layout import format_count, render_table
from vaultlink.report.listings import BacklinkRow

_HEADER = ("path", "count", "lines", "entry")


def print_with_mentions(
    terminal: Terminal, output_format: str, vault: Vault, note: str, rows: Sequence[BacklinkRow]
) -> None:
    """Print the backlinks of a note, and the mentions under an entry of their own."""
    options = build_mention_options(vault.config.mentions)
    search = MentionSearch(vault.state, vault.text, options)
    found = search.find(sorted(vault.index.notes), frozenset([note]))
    mentions = [item for item in found if item.score >= options.min_score]
    if output_format == "json":
        head = {"note": note, "mentions": make_rows(vault, mentions)}
        print_document(terminal, head, "backlinks", rows)
        return
    links = [(row.path, row.count, ",".join(map(str, row.lines))) for row in rows]
    if output_format == "tsv":
        cells = [(*row, "link") for row in links]
        cells += [(item.path, 1, str(item.line), "mention") for item in mentions]
        print_lines(terminal, _HEADER, cells)
        return
    tables = [
        render_table(header, cells, terminal.table_width, terminal.palette)
        for header, cells in (
            (("linked from", "links", "lines"), links),
            (("mentioned in", "line", "words"), _list_mentions(mentions)),
        )
        if cells
    ]
    if tables:
        terminal.print_results("\n".join(tables))
    terminal.print_message(
        f"{format_count(sum(row.count for row in rows), 'link')} to {note} in "
        f"{format_count(len(rows), 'file')}, {format_count(len(mentions), 'unlinked mention')}."
    )


def _list_mentions(mentions: Sequence[Mention]) -> list[tuple[object, ...]]:
    return [(item.path, item.line, item.words) for item in mentions]
