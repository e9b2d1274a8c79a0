"""Findings as diagnostics of the protocol."""

from collections.abc import Collection, Generator, Iterable, Mapping

import msgspec
from lsprotocol import types
from lsprotocol.types import Diagnostic as ShownFinding

from vaultlink.engine.diagnostics import MENTION
from vaultlink.index.packed_map import read_items
from vaultlink.model import Diagnostic, Severity
from vaultlink.serve.lsp.views import View
from vaultlink.text import blake2b, escape_controls

_SEVERITIES: Mapping[Severity, types.DiagnosticSeverity] = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}


def list_findings(view: View, path: str) -> tuple[Diagnostic, ...]:
    """Return the findings of a note. Alone, only those that need no other file."""
    found = view.vault.state.diagnostics.get(path, ())
    if path in view.declined:
        return ()
    if view.is_whole:
        return found
    scopes = {rule.code: rule.scope for rule in view.vault.rules}
    return tuple(
        item for item in found if not item.target and scopes.get(item.code) in ("note", "links")
    )


def make_diagnostics(view: View, path: str, found: Iterable[Diagnostic]) -> list[ShownFinding]:
    """Return findings of a note for its present text."""
    places = view.places(path)
    return [
        ShownFinding(
            places.range(item.start, item.end),
            escape_controls(item.message),
            severity=_SEVERITIES[item.severity],
            code=item.code,
            source="vaultlink",
        )
        for item in found
        if item.rule != MENTION.rule
    ]


def _make_report_id(view: View, path: str, found: tuple[Diagnostic, ...]) -> str:
    """Return a name of these findings, which is another one if any of them differs.

    Places are columns in units of the editor, which depend on the text before them, too.
    """
    document, stamp = view.documents.get(path), view.vault.scan.listing.files.get(path)
    version = stamp if document is None else (document.version, hash(document.text))
    return blake2b(msgspec.msgpack.encode((found, version)), digest_size=8).hexdigest()


def pull_note(
    view: View, params: types.DocumentDiagnosticParams
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    """Answer a request for the findings of a note."""
    path = view.path(params.text_document.uri)
    if path is None:
        return types.RelatedFullDocumentDiagnosticReport([])
    found = list_findings(view, path)
    name = _make_report_id(view, path, found)
    if name == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(name)
    items = make_diagnostics(view, path, found)
    return types.RelatedFullDocumentDiagnosticReport(items, result_id=name)


_REPORTS_AT_ONCE = 100
"""Notes after which other requests are answered first."""


def pull_vault(
    view: View, params: types.WorkspaceDiagnosticParams
) -> Generator[object, None, list[types.WorkspaceFullDocumentDiagnosticReport]]:
    """Return reports on the notes whose findings the editor does not know, in parts."""
    # An editor may write an address in another way, so paths are compared.
    known = {view.path(item.uri): item for item in params.previous_result_ids}
    reports: list[types.WorkspaceFullDocumentDiagnosticReport] = []
    seen = set()
    for number, (path, found) in enumerate(read_items(view.vault.state.diagnostics), start=1):
        document = view.documents.get(path)
        if path in view.declined:
            continue
        seen.add(path)
        name, previous = _make_report_id(view, path, found), known.get(path)
        if previous is None or previous.value != name:
            items = make_diagnostics(view, path, found)
            version = document.version if document else None
            reports.append(
                types.WorkspaceFullDocumentDiagnosticReport(
                    view.uri(path), items, version=version, result_id=name
                )
            )
        if number % _REPORTS_AT_ONCE == 0:
            yield reports
    cleared = (item.uri for path, item in known.items() if path and path not in seen)
    reports += [types.WorkspaceFullDocumentDiagnosticReport(uri, []) for uri in cleared]
    return reports


_MAX_CLOSED = 50
"""Notes that are not open, whose findings are published because something changes them."""


def list_published(
    view: View, paths: Collection[str], shown: Collection[str]
) -> list[types.PublishDiagnosticsParams]:
    """Return the findings of changed notes: of open, shown and some other ones."""
    others = sorted(path for path in paths if path not in view.documents)
    known = set(map(view.path, shown)).intersection(others)
    others = sorted(others, key=lambda path: path not in known)[: len(known) + _MAX_CLOSED]
    found = []
    for path in [*(path for path in view.documents if path in paths), *others]:
        document = view.documents.get(path)
        items = make_diagnostics(view, path, list_findings(view, path))
        version = document.version if document else None
        found.append(types.PublishDiagnosticsParams(view.uri(path), items, version))
    return found
