"""The JSON form of a report: all rows of all tables, one row a line."""

from vaultlink.dashboard.model import SCHEMA, VaultReport
from vaultlink.report.json_document import encode_tables

JSON_MARK = f'{{"schema":{SCHEMA},\n"vault":'
"""The first characters, by which a later run recognises the file."""


def render_json_form(report: VaultReport) -> bytes:
    """Encode a report."""
    return encode_tables(report)
