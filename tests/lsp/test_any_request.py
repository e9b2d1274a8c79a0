"""Any request, right or wrong, on odd texts, is answered, and does no harm; so is one that is cancelled."""

import copy
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from odd_texts import make_text, make_vault

from editors import Wire
from exploring import count_examples, spread_seeds
from running import read_files

METHODS = (
    *(
        "codeAction/resolve",
        "codeLens/resolve",
        "completionItem/resolve",
        "textDocument/codeAction",
    ),
    *("textDocument/codeLens", "textDocument/completion", "textDocument/definition"),
    *("textDocument/diagnostic", "textDocument/documentLink"),
    *("textDocument/documentSymbol", "textDocument/foldingRange", "textDocument/formatting"),
    *("textDocument/hover", "textDocument/inlayHint"),
    *("textDocument/prepareRename", "textDocument/references", "textDocument/rename"),
    *("textDocument/semanticTokens/full", "textDocument/semanticTokens/range"),
    *("workspace/diagnostic", "workspace/executeCommand", "workspace/symbol"),
    "workspace/willRenameFiles",
)
Json = Any

ODD: tuple[Json, ...] = (
    *(None, True, 0, -1, 1.5, 2**31 - 1, 2**31, 10**30, "", "x", "\ud800", "\0", "file://[x"),
    *([], {}, [None], {"uri": 1}, {"line": -1, "character": 0}, "../" * 50, "a" * 10_000, [[[]]]),
)
"""Values that stand where others are expected."""


class Asker:
    """Makes requests about the notes of a vault."""

    def __init__(self, chance: random.Random, root: Path):
        self.chance = chance
        self.root = root
        self.items: dict[str, list[Json]] = {}
        """Items to resolve, by the method that does."""

    def _uri(self) -> str:
        files = sorted(self.root.rglob("*.md"))
        others = ["untitled:a", "file:///no.md", self.root.as_uri(), f"{self.root.as_uri()}/new.md"]
        return self.chance.choice([path.as_uri() for path in files] * 3 + others)

    def _place(self) -> Json:
        line = self.chance.choice((0, 0, 1, 2, 3, 5, 2**31 - 1))
        return {"line": line, "character": self.chance.choice((0, 1, 2, 3, 5, 8, 13, 2**31 - 1))}

    def _span(self) -> Json:
        return {"start": self._place(), "end": self._place()}

    def ask(self, method: str) -> Json:
        """Return params of a method."""
        if method in self.items:
            return copy.deepcopy(self.chance.choice(self.items[method]))
        choose = self.chance.choice
        names = (
            "New name",
            "x/y",
            "a.md",
            "",
            "#t",
            "[[",
            "a|b",
            "../out",
            "a\nb",
            ".hidden",
            "é🙂",
            "x \ud83d",
        )
        files = [{"oldUri": self._uri(), "newUri": self._uri()} for _ in range(choose((0, 1, 2)))]
        return {
            "textDocument": {"uri": self._uri()},
            "position": self._place(),
            "range": self._span(),
            "context": {
                "includeDeclaration": choose((True, False)),
                "diagnostics": [],
                "triggerKind": choose((1, 2)),
            },
            "newName": choose(names),
            "options": {"tabSize": 4, "insertSpaces": True},
            "query": choose(("", "a", "é", "#", "[[", "x" * 300)),
            "files": files,
            "previousResultIds": [{"uri": self._uri(), "value": "x"}],
            "command": "vaultlink/change",
            "arguments": [self._uri(), choose(ODD)],
            "data": {"uri": self._uri()},
            "label": "x",
            "title": "x",
        }

    def learn(self, method: str, result: Json) -> None:
        """Keep items of an answer, which can be resolved."""
        found = result.get("items") if isinstance(result, dict) else result
        if isinstance(found, list) and found:
            self.items |= dict.fromkeys(RESOLVED.get(method, ()), found[:20])

    def spoil(self, params: Json) -> Json:
        """Return params with something else at one to three places."""
        for _ in range(self.chance.randint(1, 3)):
            places = list(walk(params))
            holder, key = self.chance.choice(places or [({}, "x")])
            if self.chance.random() < 0.2 and key in holder and isinstance(holder, dict):
                del holder[key]
            else:
                holder[key] = copy.deepcopy(self.chance.choice(ODD))
        return params


RESOLVED: Mapping[str, tuple[str, ...]] = {
    "textDocument/completion": ("completionItem/resolve",),
    "textDocument/codeLens": ("codeLens/resolve",),
    "textDocument/codeAction": ("codeAction/resolve",),
}
"""Methods whose answers have items for other ones."""


def walk(value: Json) -> Iterator[tuple[Json, Json]]:
    """Yield all places of a value, as a holder and a key of it."""
    pairs: Iterable[tuple[Json, Json]] = (
        value.items() if isinstance(value, dict) else enumerate(value)
    )
    for key, item in list(pairs):
        yield value, key
        if isinstance(item, dict | list):
            yield from walk(item)


def open_texts(wire: Wire, chance: random.Random, root: Path) -> None:
    """Open half of the notes with other texts."""
    for file in sorted(root.rglob("*.md"))[::2]:
        text = make_text(chance) * 3
        item = {"uri": file.as_uri(), "languageId": "markdown", "version": 1, "text": text}
        wire.notify("textDocument/didOpen", {"textDocument": item})
    while not wire.ask("workspace/diagnostic", {"previousResultIds": []})["result"]["items"]:
        pass


def check_answer(answer: Json, asked: object) -> None:
    error = answer.get("error", {})
    assert error.get("code") != -32603, (asked, error)
    assert "internal error" not in error.get("message", ""), (asked, error)


CAPABILITIES: Json = {
    "workspace": {
        "workspaceEdit": {
            "documentChanges": True,
            "resourceOperations": ["create", "rename", "delete"],
            "changeAnnotationSupport": {"groupsOnLabel": True},
        },
    },
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["", "quickfix"]}},
            "resolveSupport": {"properties": ["edit"]},
        },
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
    },
}


@pytest.mark.thorough
@pytest.mark.parametrize("can", [{}, CAPABILITIES], ids=["minimal", "much"])
@pytest.mark.parametrize("seed", spread_seeds(2))
def test_any_request_is_answered(seed: int, can: Json, tmp_path: Path) -> None:
    chance = random.Random(seed)
    root = make_vault(chance, tmp_path / "vault")
    before = read_files(root)
    with Wire() as wire:
        wire.initialize(root, **can)
        open_texts(wire, chance, root)
        asker = Asker(chance, root)
        for _ in range(count_examples(600)):
            method = chance.choice(METHODS)
            params = asker.ask(method)
            is_wrong = chance.random() < 0.4
            asked = method, asker.spoil(params) if is_wrong else params
            answer = wire.ask(*asked)
            assert answer is not None, asked
            check_answer(answer, asked)
            asker.learn(method, answer.get("result"))
        assert wire.is_alive()
        wire.ask("shutdown")
        wire.notify("exit")
        assert wire.end() == 0
    assert read_files(root) == before


@pytest.mark.thorough
@pytest.mark.parametrize("seed", spread_seeds(2))
def test_each_cancelled_request_is_answered_once(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    root = make_vault(chance, tmp_path / "vault")
    with Wire() as wire:
        wire.initialize(root)
        open_texts(wire, chance, root)
        asker = Asker(chance, root)
        numbers = range(1, 400)
        for number in numbers:
            method = chance.choice(METHODS)
            message = {"jsonrpc": "2.0", "id": number, "method": method}
            wire.send({**message, "params": asker.ask(method)})
            if chance.random() < 0.5:
                wire.notify("$/cancelRequest", {"id": chance.randint(max(number - 5, 1), number)})
        assert wire.is_alive()
        wire.ask("shutdown")
        answered = [item["id"] for item in wire.others if "method" not in item]
        assert sorted(answered) == list(numbers)
