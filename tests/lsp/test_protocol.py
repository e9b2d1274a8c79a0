"""Tests of the language server over stdio: its life, wrong messages, documents and folders."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from editors import COMMAND, EDITORS, WAIT, Editor, Wire, choose_editors, start, wait_until
from running import PROGRAM, create_vault, write_files
from tables import each
from vaultlink.serve.lsp.documents import Document

VAULT = {
    "a.md": "[[b]] [[no]]\n",
    "b.md": "# B\n\n[[a]]\n",
    "it's (1)!.md": "🙂 [[b#Gone]]\n",
}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A server that gets wrong messages from many tests."""
    with Wire() as opened:
        opened.initialize(create_vault(tmp_path_factory.mktemp("wire") / "vault", VAULT))
        yield opened
        opened.ask("shutdown")
        opened.notify("exit")
        assert opened.end() == 0


async def pull_until(editor: Editor, uri: str, *messages: str) -> None:
    """Pull the findings of a note until they begin with these words."""
    async with asyncio.timeout(WAIT):
        while True:
            found = [item.message for item in await editor.pull(uri)]
            if len(found) == len(messages) and all(map(str.startswith, found, messages)):
                return
            await asyncio.sleep(0.02)


# -- editors --------------------------------------------------------------------------------------

UNITS = {
    "code": "utf-16",
    "neovim": "utf-8",
    "helix": "utf-8",
    "emacs": "utf-32",
    "minimal": "utf-16",
}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors())
async def test_editor_gets_findings_in_its_units(name: str, vault: Path) -> None:
    uri = (vault / "a.md").as_uri()
    async with start(vault, can=EDITORS[name]()) as editor:
        assert editor.encoding == UNITS[name]
        editor.open(uri, "é🙂[[no]]\n")
        await pull_until(editor, uri, "“no”")
        [finding] = await editor.pull(uri)
        assert editor.cut(uri, finding.range) == "[[no]]"
        editor.change(uri, (0, 1, "🙂\r\n"), (3, 4, ""), (3, 3, "\ufeff\f\u2028🙂[[yes]]"))
        assert editor.texts[uri] == "🙂\r\n\ufeff\f\u2028🙂[[yes]][[no]]\n"
        assert [editor.cut(uri, item.range) for item in await editor.pull(uri)] == [
            "[[yes]]",
            "[[no]]",
        ]


@pytest.mark.asyncio
async def test_editor_that_does_not_pull_gets_findings_of_what_it_changes(vault: Path) -> None:
    uri, other = (vault / "b.md").as_uri(), (vault / "a.md").as_uri()
    async with start(vault, can=EDITORS["minimal"]()) as editor:
        known = editor.client.diagnostics
        editor.open(uri, "# B\n\n[[nowhere]]\n")
        await wait_until(lambda: len(known.get(uri, ())) == 1)
        (vault / "no.md").write_text("")
        await wait_until(lambda: other in known)
        assert list(known[other]) == []
        editor.change(uri, (5, 16, ""))
        await wait_until(lambda: not known[uri])
        editor.close(uri)


@pytest.mark.asyncio
async def test_findings_are_pushed_again_if_only_their_columns_differ(vault: Path) -> None:
    opened, uri = ((vault / name).as_uri() for name in ("a.md", "b.md"))
    async with start(vault, can=EDITORS["minimal"]()) as editor:
        known = editor.client.diagnostics
        editor.open(opened, "[[b]]")
        await wait_until(lambda: opened in known)
        for text, column in (("é[[gone]]", 1), ("🙂[[gone]]", 2), ("\ufeff\ufeff🙂[[gone]]", 3)):
            (vault / "b.md").write_text(text)
            begin = types.Position(0, column)
            await wait_until(partial(starts_at, known, uri, begin))


def starts_at(
    known: Mapping[str, Sequence[types.Diagnostic]], uri: str, begin: types.Position
) -> bool:
    return [item.range.start for item in known.get(uri, ())] == [begin]


@pytest.mark.asyncio
async def test_findings_that_are_pulled_are_not_pushed(vault: Path) -> None:
    uri = (vault / "a.md").as_uri()
    async with start(vault) as editor:
        editor.open(uri, "[[no]]\n")
        await pull_until(editor, uri, "“no”")
        editor.change(uri, (0, 0, "[[nor]] "))
        await pull_until(editor, uri, "“nor”", "“no”")
        assert not any(editor.client.diagnostics.values())


@pytest.mark.asyncio
async def test_findings_of_a_vault_that_is_pulled_are_not_pushed(vault: Path) -> None:
    """VS Code pulls those of all notes, also while no note is open."""
    write_files(vault, {"a.md": "[[no]]\n"})
    async with start(vault, can=EDITORS["code"]()) as editor:
        uris = [(vault / name).as_uri() for name in ("a.md", "b.md")]
        async with asyncio.timeout(WAIT):
            while uris[0] not in await editor.pull_all():
                await asyncio.sleep(0.01)  # the vault is being read
            write_files(vault, {"b.md": "[[nor]]\n"})
            while uris[1] not in await editor.pull_all():
                await asyncio.sleep(0.01)
        await wait_until(lambda: editor.client.diagnostic_refresh_count)
        assert not any(editor.client.diagnostics.values())


@pytest.mark.asyncio
@pytest.mark.parametrize("name", choose_editors())
async def test_edit_changes_findings_of_another_open_note(name: str, vault: Path) -> None:
    """An editor that can't be asked to pull again is not offered pulls: it would keep old findings."""
    uri, other = (vault / "a.md").as_uri(), (vault / "b.md").as_uri()
    async with start(vault, can=EDITORS[name]()) as editor:
        known, can_pull = editor.client.diagnostics, editor.can_pull
        assert can_pull == (name == "code")
        editor.open(uri, "[[b#Gone]]\n")
        editor.open(other, "# B\n")
        await (
            pull_until(editor, uri, "“b” has") if can_pull else wait_until(lambda: known.get(uri))
        )
        count = editor.client.diagnostic_refresh_count
        editor.change(other, (0, 3, "# Gone"))
        if can_pull:
            await wait_until(lambda: editor.client.diagnostic_refresh_count > count)
            assert not await editor.pull(uri)
        else:
            await wait_until(lambda: not known[uri])


@pytest.mark.thorough
@pytest.mark.asyncio
async def test_findings_pulled_too_early_are_pulled_again(vault: Path) -> None:
    write_files(vault, {f"n/{number}.md": "[[a]] [[b]]\n" * 20 for number in range(2000)})
    uri = (vault / "a.md").as_uri()
    async with start(vault) as editor:
        editor.open(uri, "[[no]]\n")
        with pytest.raises(JsonRpcException, match="being read") as raised:
            await editor.pull(uri, again=False)
        assert raised.value.code == types.LSPErrorCodes.ServerCancelled.value
        assert raised.value.data == {"retriggerRequest": True}
        await wait_until(lambda: editor.client.diagnostic_refresh_count)
        [finding] = await editor.pull(uri, again=False)
        assert editor.cut(uri, finding.range) == "[[no]]"


# -- documents ------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.asyncio
async def test_open_document_wins_over_the_disk_until_it_is_closed(vault: Path) -> None:
    uri = (vault / "a.md").as_uri()
    async with start(vault) as editor:
        editor.open(uri, "[[held]]\n")
        await pull_until(editor, uri, "“held”")
        (vault / "a.md").write_text("[[disk]]\n")
        (vault / "b.md").write_text("[[a]] [[other]]\n")
        await pull_until(editor, (vault / "b.md").as_uri(), "“other”")
        await pull_until(editor, uri, "“held”")
        editor.close(uri)
        await pull_until(editor, uri, "“disk”")


@pytest.mark.asyncio
async def test_document_without_a_file_is_a_note_until_it_is_closed(vault: Path) -> None:
    uri, other = (vault / "no.md").as_uri(), (vault / "a.md").as_uri()
    async with start(vault) as editor:
        await pull_until(editor, other, "“no”")
        editor.open(uri, "")
        await pull_until(editor, other)
        editor.close(uri)
        await pull_until(editor, other, "“no”")
    assert not (vault / "no.md").exists()


ODD_TEXTS = (
    *("\ufeff🙂[[no]]\r\n", "\r[[no]]", "a\x0c\x0b\x1c\x85\u2028[[no]]", "\ud83d[[no]]"),
    "\0[[no]]",
)


@pytest.mark.asyncio
async def test_range_is_that_of_the_link_in_an_odd_text(
    vault: Path, subtests: pytest.Subtests
) -> None:
    uri = (vault / "a.md").as_uri()
    async with start(vault) as editor:
        for text in ODD_TEXTS:
            with subtests.test(ascii(text)):
                editor.open(uri, text)
                await pull_until(editor, uri, "“no”")
                [finding] = await editor.pull(uri)
                assert editor.cut(uri, finding.range) == "[[no]]"
                editor.change(uri, (len(text), len(text), " [[nor]]"))
                found = await editor.pull(uri)
                assert [editor.cut(uri, item.range) for item in found] == ["[[no]]", "[[nor]]"]
                editor.close(uri)


@pytest.mark.asyncio
async def test_note_whose_address_is_written_in_another_way(vault: Path) -> None:
    plain = f"{vault.as_uri()}/it's%20(1)!.md"
    async with start(vault) as editor:
        editor.open(plain, "[[b#None]]\n")
        await pull_until(editor, plain, "“b”")
        found = await editor.pull_all()
        assert {plain, (vault / "a.md").as_uri()} == found.keys()


# -- documents that are too long ------------------------------------------------------------------

HUGE = "".join(f"[[x{number:07d}]]\n" for number in range(400_000))


def count_processor_seconds(process: int) -> float:
    """Return the seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def read_peak(process: int) -> int:
    """Return the most memory that a process has used, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    [peak] = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(peak) // 1024


def send_open(wire: Wire, uri: str, text: str) -> None:
    item = {"uri": uri, "languageId": "markdown", "version": 1, "text": text}
    wire.notify("textDocument/didOpen", {"textDocument": item})


def change_text(wire: Wire, uri: str, version: int, *changes: Mapping[str, Any]) -> None:
    document = {"uri": uri, "version": version}
    wire.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})


def list_codes(wire: Wire, uri: str) -> list[str]:
    answer = wire.ask("textDocument/diagnostic", {"textDocument": {"uri": uri}})
    return [item["code"] for item in answer.get("result", {}).get("items", ())]


@pytest.mark.thorough
def test_huge_document_is_declined_and_delays_no_other(
    vault: Path, subtests: pytest.Subtests
) -> None:
    other = (vault / "a.md").as_uri()
    with Wire(is_forked=False) as wire:  # its memory is measured
        wire.initialize(vault)
        assert wire.is_alive()
        while list_codes(wire, other) != ["VL125"]:
            pass
        send_open(wire, other, "")
        for place in ("vault/b.md", "vault/new.md", "lone.md"):
            with subtests.test(place):
                decline_document(wire, f"{vault.parent.as_uri()}/{place}", other)
                shown = [item for item in wire.others if "showMessage" in item.get("method", "")]
                name = place.removeprefix("vault/") if "/" in place else None
                assert shown[-1]["params"]["message"] == (
                    f"vaultlink: {name or f'{vault.parent.as_uri()}/{place}'} is not checked while it is open: "
                    "it has more than 4,000,000 characters or 50,000 links."
                )
        assert len(shown) == 3


def decline_document(wire: Wire, uri: str, other: str) -> None:
    """Open a huge document, and another one meanwhile; make it a small one afterwards."""
    before = count_processor_seconds(wire.process.pid)
    send_open(wire, uri, HUGE)
    position = {"line": 0, "character": 3}
    asked = {"textDocument": {"uri": uri}, "position": position}
    assert wire.ask("textDocument/hover", asked)["result"] is None
    assert wire.ask("textDocument/rename", {**asked, "newName": "x"})["result"] is None
    assert list_codes(wire, uri) == []
    change_text(wire, other, 1, {"text": "[[b]] [[no]] [[nor]]\n"})
    assert list_codes(wire, other) == ["VL125", "VL125"]
    start, end = {"line": 0, "character": 0}, {"line": 0, "character": 2}
    change = {"range": {"start": start, "end": end}, "text": "é"}
    change_text(wire, uri, 2, *[change] * 3)
    assert list_codes(wire, uri) == []
    assert count_processor_seconds(wire.process.pid) - before < 5
    assert read_peak(wire.process.pid) < 250
    change_text(wire, uri, 3, {"text": "---\na: [\n---\n"})
    assert list_codes(wire, uri) == ["VL301"]
    wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


def test_huge_document_is_not_edited(vault: Path) -> None:
    """Its text on disk is not the one in the editor, so that places in it are unknown."""
    write_files(vault, {"c.md": "[[b]]\n"})
    uri, other, third = ((vault / name).as_uri() for name in ("a.md", "b.md", "c.md"))
    edits = {"documentChanges": True, "resourceOperations": ["rename"]}
    with Wire() as wire:
        wire.initialize(vault, workspace={"workspaceEdit": edits})
        while list_codes(wire, uri) != ["VL125"]:
            pass
        send_open(wire, uri, "[[b]] " * 60_000)
        rename = {**place(third, 0, 3), "newName": "New"}
        asked = {"files": [{"oldUri": other, "newUri": (vault / "New.md").as_uri()}]}
        message = wire.ask("textDocument/rename", rename)["error"]["message"]
        assert message.startswith("a.md can't be changed while it is open: it has more than")
        found = str(wire.ask("workspace/willRenameFiles", asked)["result"])
        assert "c.md" in found
        assert "a.md" not in found
        wire.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        assert list_codes(wire, uri) == ["VL125"]
        assert "a.md" in str(wire.ask("workspace/willRenameFiles", asked)["result"])


@each(
    ("text", "is_declined"),
    [
        ("x" * 4_000_000, False),
        ("x" * 4_000_001, True),
        ("[[a]]" * 50_000, False),
        ("[[a]]" * 25_000 + "[a](b)" * 25_001, True),
        ("[a] (b) [ " * 60_000, False),
    ],
    ids=["long", "too long", "many links", "too many links", "brackets"],
)
def test_limits_of_a_document(text: str, is_declined: bool) -> None:
    assert Document("file:///a.md", text).is_too_long == is_declined


# -- files outside a vault, and several vaults ----------------------------------------------------


@pytest.mark.asyncio
async def test_document_outside_a_vault_has_findings_of_its_own_text_only(
    tmp_path: Path, vault: Path, subtests: pytest.Subtests
) -> None:
    async with start(vault) as editor:
        for uri in ("untitled:Untitled-1", f"{tmp_path.as_uri()}/lone.md", "git:/v/a.md?ref"):
            with subtests.test(uri):
                editor.open(uri, "---\n🙂: [a\n---\n[[no]] [x](y.md)\n")
                [finding] = await editor.pull(uri)
                assert editor.cut(uri, finding.range) == "[a"
                editor.change(uri, (9, 9, "]"))
                assert not await editor.pull(uri)
                here = types.TextDocumentIdentifier(uri), types.Position(3, 3)
                with pytest.raises(JsonRpcException) as raised:
                    await editor.client.text_document_rename_async(types.RenameParams(*here, "x"))
                assert raised.value.code == types.LSPErrorCodes.RequestFailed.value
                assert "Error" not in raised.value.message
                editor.close(uri)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == []


@pytest.mark.asyncio
async def test_each_note_belongs_to_the_nearest_vault(tmp_path: Path) -> None:
    outer = create_vault(tmp_path / "outer", {"a.md": "[[b]] [[e]]\n", "b.md": "[[a]]\n"})
    inner = create_vault(outer / "inner", {"c.md": "[[a]] [[d]]\n", "d.md": "[[c]]\n"})
    other = create_vault(tmp_path / "other", {"a.md": "[[none]]\n"})
    async with start(outer, inner, other) as editor:
        uris = [(root / name).as_uri() for root, name in ((outer, "a.md"), (inner, "c.md"))]
        await pull_until(editor, uris[0], "“e”")
        await pull_until(editor, uris[1], "“a”")
        await pull_until(editor, (other / "a.md").as_uri(), "“none”")
        assert (await editor.pull_all()).keys() == {*uris, (other / "a.md").as_uri()}


@pytest.mark.thorough
@pytest.mark.asyncio
async def test_unsaved_text_is_kept_when_its_folder_is_closed_and_opened_again(
    vault: Path, tmp_path: Path
) -> None:
    other = create_vault(tmp_path / "other", {"x.md": ""})
    uri = (vault / "a.md").as_uri()
    async with start(other, vault) as editor:
        editor.open(uri, "[[held]]\n")
        await pull_until(editor, uri, "“held”")
        editor.change_folders(removed=[vault])
        editor.change_folders([vault])
        await pull_until(editor, uri, "“held”")


@pytest.mark.asyncio
async def test_vault_with_wrong_settings_hides_no_other(vault: Path, tmp_path: Path) -> None:
    wrong = create_vault(tmp_path / "wrong", {"a.md": "", "vaultlink.toml": "wrong = 1\n"})
    uri = (vault / "a.md").as_uri()
    async with start(wrong, vault) as editor:
        await pull_until(editor, uri, "“no”")
        assert uri in await editor.pull_all()
        await wait_until(lambda: any("wrong" in item.message for item in editor.client.messages))


@pytest.mark.asyncio
async def test_vault_is_opened_once_its_settings_are_right(vault: Path) -> None:
    settings, uri = vault / "vaultlink.toml", (vault / "a.md").as_uri()
    settings.write_text("wrong = 1\n")
    async with start(vault) as editor:
        editor.open(uri, "[[held]]\n")
        await wait_until(lambda: any("wrong" in item.message for item in editor.client.messages))
        settings.write_text("")
        await wait_until(lambda: editor.client.diagnostics.get(uri))
        [found] = editor.client.diagnostics[uri]
        assert "“held”" in found.message


# -- two servers, and a watcher -------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.asyncio
async def test_two_servers_and_a_watcher_that_fixes_see_the_same(vault: Path) -> None:
    uri = (vault / "a.md").as_uri()
    line = [*PROGRAM, "watch", "--fix", "-q", "--vault", str(vault)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as watcher:
        async with start(vault) as one, start(vault) as other:
            await pull_until(one, uri, "“no”")
            await pull_until(other, uri, "“no”")
            one.open(uri, "[[b]] [[nowhere]]\n")
            await pull_until(one, uri, "“nowhere”")
            await pull_until(other, uri, "“no”")
            (vault / "a.md").write_text("[[B]] [[late]]\n")
            await pull_until(other, uri, "“late”")
            await pull_until(one, uri, "“nowhere”")
            one.close(uri)
            await pull_until(one, uri, "“late”")
        watcher.terminate()
        _, errors = watcher.communicate()
        assert b"Traceback" not in errors


@pytest.mark.asyncio
async def test_server_after_one_that_was_killed_finds_the_same(vault: Path) -> None:
    uri = (vault / "a.md").as_uri()
    with Wire() as wire:
        wire.initialize(vault)
        item = {"uri": uri, "languageId": "markdown", "version": 1, "text": "[[held]]"}
        wire.notify("textDocument/didOpen", {"textDocument": item})
        assert wire.is_alive()
        wire.process.kill()
        wire.process.wait()
    async with start(vault) as editor:
        await pull_until(editor, uri, "“no”")
        assert len(await editor.pull_all()) == 2


# -- the life of the server -----------------------------------------------------------------------


def close_input(wire: Wire) -> None:
    assert wire.process.stdin
    wire.process.stdin.close()


def cut_off(wire: Wire) -> None:
    wire.write(b'Content-Length: 100\r\n\r\n{"jsonrpc"')
    close_input(wire)


@pytest.mark.thorough
@pytest.mark.parametrize("is_initialized", [False, True], ids=["new", "initialized"])
@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(close_input, 0, id="end of input"),
        pytest.param(cut_off, 0, id="end of input in a message"),
        pytest.param(lambda wire: wire.notify("exit"), 1, id="exit without shutdown"),
        pytest.param(lambda wire: wire.process.terminate(), 0, id="SIGTERM"),
        pytest.param(lambda wire: wire.process.send_signal(signal.SIGINT), 0, id="SIGINT"),
    ],
)
def test_server_ends(
    end: Callable[[Wire], None], code: int, is_initialized: bool, vault: Path
) -> None:
    with Wire() as wire:
        if is_initialized:
            wire.initialize(vault)
            assert wire.is_alive()
        else:
            wire.ask("no/such")
        end(wire)
        assert wire.end() == code


def test_server_ends_when_its_editor_does() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as editor:
        editor.wait()
    with Wire() as wire:
        wire.ask("initialize", {"processId": editor.pid, "rootUri": None, "capabilities": {}})
        wire.notify("initialized", {})
        assert wire.end() == 1


def test_server_ends_when_nobody_reads_its_answers(vault: Path) -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE
    ) as server:
        os.close(writing)
        os.close(reading)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "no/such"}).encode()
        _, errors = server.communicate(
            (b"Content-Length: %d\r\n\r\n%b" % (len(body), body)) * 3, timeout=WAIT
        )
    assert errors == b""


# -- wrong messages -------------------------------------------------------------------------------


def test_message_out_of_turn_is_refused(vault: Path) -> None:
    with Wire() as wire:
        assert wire.ask("workspace/symbol", {"query": ""})["error"]["code"] == -32002
        assert wire.ask("shutdown")["error"]["code"] == -32002
        item = {"uri": "file:///a.md", "languageId": "markdown", "version": 1, "text": ""}
        wire.notify("textDocument/didOpen", {"textDocument": item})
        assert "result" in wire.initialize(vault)
        params: object = {"processId": None, "rootUri": None, "capabilities": {}}
        assert wire.ask("initialize", params)["error"]["code"] == -32600
        assert wire.is_alive()
        assert wire.ask("shutdown")["result"] is None
        assert wire.ask("workspace/symbol", {"query": ""})["error"]["code"] == -32600
        wire.notify("exit")
        assert wire.end() == 0


def test_editor_of_a_later_protocol_is_served(vault: Path) -> None:
    with Wire() as wire:
        symbols = {"documentSymbol": {"symbolKind": {"valueSet": [1, 99]}}}
        general = {"positionEncodings": ["utf-64"], "next": [1]}
        answer = wire.initialize(vault, textDocument=symbols, general=general, futures={"a": 1})
        assert answer["result"]["capabilities"]["positionEncoding"] == "utf-16"
        assert wire.is_alive()


def test_server_without_a_folder_answers() -> None:
    with Wire() as wire:
        wire.initialize()
        assert wire.is_alive()


BODIES: Mapping[str, bytes] = {
    "nothing": b" ",
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe{}",
    "a list": b"[]",
    "a batch": b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]',
    "a number": b"1",
    "null": b"null",
    "an empty object": b"{}",
    "no method": b'{"jsonrpc":"2.0"}',
    "another version": b'{"jsonrpc":"1.0","method":"exit"}',
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "a list as id": b'{"jsonrpc":"2.0","id":[1],"method":"workspace/symbol","params":{"query":""}}',
    "an object as id": b'{"jsonrpc":"2.0","id":{},"method":"workspace/symbol","params":{"query":""}}',
    "null as id": b'{"jsonrpc":"2.0","id":null,"method":"textDocument/hover","params":{}}',
    "a list as method": b'{"jsonrpc":"2.0","method":["exit"]}',
    "an unknown answer": b'{"jsonrpc":"2.0","id":"no","result":{}}',
    "an answer to a list": b'{"jsonrpc":"2.0","id":[1],"result":{}}',
    "an odd error": b'{"jsonrpc":"2.0","id":7,"error":{"code":1e99,"message":[]}}',
}

NOTES: Mapping[str, tuple[str, object]] = {
    "unknown": ("no/such", {}),
    "private": ("__class__", {}),
    "cancel nothing": ("$/cancelRequest", None),
    "cancel a list": ("$/cancelRequest", {"id": [1]}),
    "cancel an unknown one": ("$/cancelRequest", {"id": 99}),
    "trace": ("$/setTrace", {"value": "loud"}),
    "progress": ("$/progress", {"token": {}, "value": 1}),
    "cancel progress": ("window/workDoneProgress/cancel", {"token": "no"}),
    "open nothing": ("textDocument/didOpen", {}),
    "open a wrong address": (
        "textDocument/didOpen",
        {"textDocument": {"uri": "file://[x", "languageId": "markdown", "version": 1, "text": ""}},
    ),
    "change what is not open": (
        "textDocument/didChange",
        {"textDocument": {"uri": "file:///no.md", "version": 1}, "contentChanges": [{"text": ""}]},
    ),
    "close what is not open": (
        "textDocument/didClose",
        {"textDocument": {"uri": "file:///no.md"}},
    ),
    "wrong folders": (
        "workspace/didChangeWorkspaceFolders",
        {"event": {"added": [{"uri": "file://[x", "name": ""}], "removed": []}},
    ),
    "no settings": ("workspace/didChangeConfiguration", {"settings": None}),
    "wrong settings": ("workspace/didChangeConfiguration", {"settings": {"vaultlink": [1]}}),
    "wrong files": ("workspace/didChangeWatchedFiles", {"changes": [{"uri": 1, "type": 9}]}),
    "no renamed files": ("workspace/didRenameFiles", {"files": []}),
    "initialized again": ("initialized", {}),
}


@each("body", BODIES.values(), ids=BODIES)
def test_wrong_body_does_no_harm(body: bytes, wire: Wire) -> None:
    wire.send(body)
    assert wire.is_alive()


@each(("method", "params"), NOTES.values(), ids=NOTES)
def test_wrong_notification_does_no_harm(method: str, params: object, wire: Wire) -> None:
    wire.notify(method, params)
    assert wire.is_alive()


BODY = b'{"jsonrpc":"2.0","id":5,"method":"no/such"}'


@each(
    ("data", "is_answered"),
    [
        pytest.param(b"content-length:%d\r\n\r\n" % len(BODY), True, id="lower case"),
        pytest.param(b"Content-Length: %d\n\n" % len(BODY), True, id="line feeds"),
        pytest.param(b"X: y\r\nContent-Length: %d\r\nA: b\r\n\r\n" % len(BODY), True, id="others"),
        pytest.param(b"Content-Length: %d\r\n\r\n" % (len(BODY) - 9), False, id="too short"),
        pytest.param(b"Content-Length: %d\r\n\r\n" % (len(BODY) + 9), False, id="too long"),
        pytest.param(b"Content-Length: -1\r\n\r\n", False, id="negative"),
        pytest.param(b"Content-Length: 0\r\n\r\n", False, id="zero"),
        pytest.param(b"Content-Length: 99999999999999999999\r\n\r\n", False, id="huge"),
        pytest.param(b"Content-Length: many\r\n\r\n", False, id="no number"),
        pytest.param(b"\r\n\xff\r\n\r\n", False, id="no length"),
    ],
)
def test_wrong_header_costs_at_most_two_messages(
    data: bytes, is_answered: bool, wire: Wire
) -> None:
    wire.write(data + BODY)
    if is_answered:
        assert wire.wait(5)["error"]["code"] == -32601
    for _ in range(2):
        wire.notify("no/such")
    assert wire.is_alive()


def place(uri: str, line: object = 0, character: object = 0) -> dict[str, Any]:
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position}


@each(
    ("method", "params", "code"),
    [
        ("no/such", {}, -32601),
        ("textDocument/hover", None, -32602),
        ("textDocument/hover", [], -32602),
        ("textDocument/hover", {}, -32602),
        ("textDocument/hover", place("file:///a.md", -1), -32602),
        ("textDocument/hover", place("file:///a.md", 1e300), -32602),
        ("textDocument/hover", place("file:///a.md", 10**30), -32602),
        ("textDocument/hover", place("file:///a.md", "zero"), -32602),
        ("workspace/diagnostic", {}, -32602),
        ("workspace/executeCommand", {"command": "no"}, -32602),
        ("workspace/executeCommand", {"command": "no", "arguments": [1]}, -32602),
        ("textDocument/didOpen", {}, -32602),
    ],
    ids=str,
)
def test_wrong_request_is_answered_with_an_error(
    method: str, params: object, code: int, wire: Wire
) -> None:
    error = wire.ask(method, params)["error"]
    assert error["code"] == code
    assert "Traceback" not in str(error)
    assert "data" not in error
    assert wire.is_alive()


@each(
    "uri",
    [
        *("", "a", "untitled:a", "git:/a.md?b#c", "file:", "file://", "file:///", "file://[x"),
        *("file:///%00.md", "file:///\ud800.md", f"file:///{'x' * 10_000}", "file:///c%3A/a.md"),
    ],
    ids=lambda uri: ascii(uri[:20]),
)
def test_request_about_an_odd_address_is_answered(uri: str, wire: Wire) -> None:
    params = {"textDocument": {"uri": uri}}
    assert wire.ask("textDocument/diagnostic", params)["result"]["items"] == []
    for line in (0, 2**31 - 1):
        assert "data" not in wire.ask("textDocument/hover", place(uri, line)).get("error", {})
    assert wire.is_alive()
