"""Tests of addresses: those that editors write lead to a path in the vault, or to none."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.workspace import PositionCodec

from running import create_vault
from tables import each
from vaultlink.api import Vault, open_vault
from vaultlink.disk.scan import Settings
from vaultlink.serve.lsp.diagnostics import pull_vault
from vaultlink.serve.lsp.folders import Part, continue_answer
from vaultlink.serve.lsp.views import Client, View, find_path

Reports = dict[str, types.WorkspaceFullDocumentDiagnosticReport]


@each(
    ("uri", "path"),
    [
        ("file:///v/a.md", "a.md"),
        ("file:///v/s/a%20b.md", "s/a b.md"),
        ("file:///v/s/a b.md", "s/a b.md"),
        ("file:///v/it's%20(1)!.md", "it's (1)!.md"),
        ("file:///v/it%27s%20%281%29%21.md", "it's (1)!.md"),
        ("file:///v/%C3%A9%F0%9F%99%82.md", "é🙂.md"),
        ("file:///v/é🙂.md", "é🙂.md"),
        ("file:///v/100%25%23%3F.md", "100%#?.md"),
        ("file:///v/a%3Ab%3Bc.md", "a:b;c.md"),
        ("file:///v/a;b[c].md", "a;b[c].md"),
        ("file://localhost/v/a.md", "a.md"),
        ("FILE:/v/a.md", "a.md"),
        ("file:///v//s/./x/../a.md", "s/a.md"),
        ("file:///link/a.md", "a.md"),
        ("file:///v", ""),
        ("file:///v/", ""),
        ("file:///v/s/..", ""),
        ("file:///v/../a.md", None),
        ("file:///v2/a.md", None),
        ("file:///c%3A/v/a.md", None),
        ("file:///C:/v/a.md", None),
        ("file://server/v/a.md", None),
        ("file://[x/v/a.md", None),
        ("file:///v/a%00.md", None),
        ("file:///v/\ud800.md", None),
        ("file:v/a.md", None),
        ("/v/a.md", None),
        ("untitled:Untitled-1", None),
        ("untitled:/v/a.md", None),
        ("git:/v/a.md?%7B%22path%22%7D", None),
        ("vscode-notebook-cell:/v/a.md#x", None),
        ("", None),
    ],
)
def test_path_of_an_address(
    uri: str, path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_path("/link", "/v", uri) == path
    # nothing is found relative to the current folder
    assert find_path(str(tmp_path), str(tmp_path), uri) is None


def pull(vault: Vault, previous: dict[str, str]) -> Reports:
    """Return the reports that an editor gets which has other ones, id by address."""
    view = View(vault, Client(PositionCodec("utf-16")), str(vault.root))
    known = [types.PreviousResultId(*item) for item in previous.items()]
    found: Reports = {}
    parts, part = pull_vault(view, types.WorkspaceDiagnosticParams(known)), Part()
    while not part.is_last:
        part = continue_answer(parts)
    for report in part.value:
        assert report.uri not in found
        found[report.uri] = report
    return found


def test_findings_stay_where_the_editor_writes_addresses_in_another_way(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "it's", {"a!.md": "[[no]]\n", "b.md": "[[a!]]\n"})
    vault = open_vault(root, Settings(cache=False))
    [(uri, report)] = pull(vault, {}).items()
    other = uri.replace("%27", "'").replace("%21", "!")
    assert other != uri
    assert report.result_id
    assert pull(vault, {other: report.result_id}) == {}
    assert pull(vault, {other: "old"}) == {uri: report}
    cleared = vault.holding("a!.md", "[[b]]\n")
    assert [(uri, item.items) for uri, item in pull(cleared, {other: "x"}).items()] == [(other, [])]


def test_findings_are_reported_again_if_only_their_columns_differ(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {"a.md": "é[[no]]\n"})
    [(uri, before)] = pull(open_vault(root, Settings(cache=False)), {}).items()
    (root / "a.md").write_text("🙂[[no]]\n")
    assert before.result_id
    after = pull(open_vault(root, Settings(cache=False)), {uri: before.result_id})
    starts = [report.items[0].range.start.character for report in (before, after[uri])]
    assert starts == [1, 2]
