"""Tests of the tools of `vaultlink mcp` that write: plans, what is written, what is refused, and undo."""

import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from documents import blocks
from mcp_calls import Amounts, CallScript
from mcp_client import McpClient
from running import create_vault, read_files
from source import ROOT
from tables import each
from test_mcp import pick
from test_mcp_random import check_text
from vaultlink.write.journal_files import lock_vault

PAGE = ROOT / "docs" / "agents.md"

VAULT = {
    "Home.md": "To the [[Harbour]], to the [[Mole]].\n",
    "Harbour.md": "---\naliases: [Port]\n---\nBack [[Home]]. The [[Lighthouse]] is a known finding.\n",
    "Mole.md": "Along the [[Port]], an alias.\n",
    "old_pier.md": "---\ntitle: The old pier\n---\nBeside the [[Mole]].\n\n## Planks\n\nOf oak.\n",
    "Fog/Horn.md": "[[The old pier]] and the Mole.\n",
    **{f"Many/Note {number}.md": "A\n\n\n[[Harbour]]\n\n\nB\n" for number in range(25)},
}


class WritingServer:
    """A server with the tools that write, and its vault."""

    def __init__(self, client: McpClient, vault: Path, state: Path = Path()):
        self.client, self.vault, self.state = client, vault, state

    def ask(self, tool: str, **arguments: Any) -> Any:
        """Return the answer of a tool that must not fail."""
        reply = self.client.call(tool, arguments)
        assert not reply.is_error, reply.text
        return reply.data

    def refuse(self, tool: str, **arguments: Any) -> str:
        """Return the sentence of a tool that must fail and change nothing."""
        before = read_files(self.vault)
        reply = self.client.call(tool, arguments)
        assert reply.is_error, reply.text
        assert read_files(self.vault) == before
        return reply.text

    def undo_all(self) -> None:
        """Undo every run."""
        while not self.client.call("undo").is_error:
            pass


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WritingServer]:
    vault = create_vault(tmp_path_factory.mktemp("mcp") / "vault", VAULT)
    state = tmp_path_factory.mktemp("state")
    errors = state / "stderr"
    with (
        errors.open("w") as file,
        McpClient(vault, "--allow-writes", errors=file, state=state) as client,
    ):
        yield WritingServer(client, vault, state)
    assert errors.read_text() == ""


@pytest.fixture
def server(shared: WritingServer) -> Iterator[WritingServer]:
    """The server; afterwards every run is undone, and every byte must be as before."""
    before = read_files(shared.vault)
    yield shared
    shared.undo_all()
    assert read_files(shared.vault) == before


# -- the list of tools ----------------------------------------------------------------------------------------------------


def test_tools_that_write_are_marked(server: WritingServer) -> None:
    found = server.client.ask(lambda client: client.list_tools())
    hints = {tool.name: tool.annotations.read_only_hint for tool in found.tools}
    assert {name for name, reads in hints.items() if not reads} == {"change", "apply", "undo"}
    assert len(found.model_dump_json(by_alias=True, exclude_none=True)) <= 5 * 1024


# -- from a plan to undo --------------------------------------------------------------------------------------------------


def test_plan_writes_nothing_until_it_is_applied(server: WritingServer) -> None:
    before = read_files(server.vault)
    plan = server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}])
    assert read_files(server.vault) == before
    assert plan["counts"]["files"] == 3
    assert plan["diff"][3:5] == [
        "-To the [[Harbour]], to the [[Mole]].",
        "+To the [[Harbour]], to the [[Breakwater]].",
    ]
    done = server.ask("apply", plan=plan["plan"])
    assert done["counts"] == {"written": 2, "moved": 1, "skipped": 0}
    assert (server.vault / "Home.md").read_text() == "To the [[Harbour]], to the [[Breakwater]].\n"
    assert server.ask("note", note="Breakwater")["counts"]["backlinks"] == 2
    undone = server.ask("undo")
    assert undone["counts"]["restored"] == 2
    assert read_files(server.vault) == before
    assert server.ask("note", note="Mole")["counts"]["backlinks"] == 2


@each(
    ("change", "counts"),
    [
        ({"rename": "Mole", "to": "Breakwater"}, {"files": 3, "breaks": 0, "adds": 0}),
        ({"rename": "old_pier#Planks", "to": "Boards"}, {"files": 1}),
        ({"move": "Mole", "to": "Sea/"}, {"files": 1}),
        ({"move": ["Mole", "Home"], "to": "Sea/"}, {"files": 2}),
        ({"delete": "Mole", "unlink": True}, {"files": 3, "resolves": 1}),
        ({"delete": "Mole", "to": "Harbour"}, {"files": 3, "resolves": 1}),
        ({"delete": "Mole", "leave": True}, {"files": 1, "breaks": 2}),
        ({"merge": "Mole", "into": "Home"}, {"breaks": 0, "adds": 0}),
        ({"extract": "old_pier#Planks", "to": "Boards"}, {"files": 2, "breaks": 0}),
        ({"fix": "safe"}, {"files": 2, "resolves": 2, "adds": 0}),
        ({"fix": "safe", "notes": ["Mole"]}, {"files": 1, "resolves": 1}),
        ({"link": {"note": "Fog/Horn", "to": "Mole"}}, {"files": 1, "adds": 0}),
        ({"unresolved": "Lighthouse", "link": "Home"}, {"files": 1, "resolves": 1}),
        ({"unresolved": "Lighthouse", "unlink": True}, {"files": 1, "resolves": 1}),
        ({"unresolved": "Lighthouse", "create": "Sea/", "stub": True}, {"files": 1, "resolves": 1}),
        ({"rename": "Mole", "to": "Lighthouse"}, {"captures": 1, "resolves": 1}),
    ],
    ids=lambda value: next(iter(value)) if "counts" not in value else "",
)  # fmt: skip
def test_change_with_apply_writes_a_few_files(
    server: WritingServer, change: dict[str, Any], counts: dict[str, int]
) -> None:
    before = read_files(server.vault)
    done = server.ask("change", changes=[change], apply=True)
    assert {name: done["counts"][name] for name in counts} == counts
    assert re.fullmatch(r"[\w-]+", done["run"])
    assert done["written"] + done["moved"] > 0
    server.undo_all()
    assert read_files(server.vault) == before


def test_broken_links_are_named_with_their_lines(tmp_path: Path) -> None:
    vault = create_vault(
        tmp_path / "vault", {"Mole.md": "", "Home.md": "# Home\n\nThe [[Mole|m]].\n"}
    )
    with McpClient(vault, "--allow-writes") as client:
        changes = [{"delete": "Mole", "leave": True}]
        plan = WritingServer(client, vault).ask("change", changes=changes)
        assert plan["breaks"] == [{"path": "Home.md", "line": 3, "link": "[[Mole|m]]"}]


def test_link_that_another_rule_reports_now_is_not_added(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"old_pier.md": "", "Home.md": "[[old-pier]]\n"})
    with McpClient(vault, "--allow-writes") as client:
        server = WritingServer(client, vault)
        found = server.ask("check")["counts"]["rules"]
        plan = server.ask("change", changes=[{"rename": "old_pier", "to": "Quay"}])
        assert [plan["counts"][name] for name in ("adds", "resolves")] == [0, 0]
        server.ask("apply", plan=plan["plan"])
        assert server.ask("check")["counts"]["rules"] != found


def test_many_files_are_only_planned(server: WritingServer) -> None:
    before = read_files(server.vault)
    plan = server.ask("change", changes=[{"rename": "Harbour", "to": "Port"}], apply=True)
    assert plan["counts"]["files"] == 27
    assert plan["advice"] == "not written: 27 files are more than 20. Call apply."
    assert read_files(server.vault) == before
    assert server.ask("apply", plan=plan["plan"])["counts"]["written"] == 26


def test_several_changes_are_one_run(server: WritingServer) -> None:
    changes = [
        {"rename": "Mole", "to": "Home"},
        {"rename": "Home", "to": "Mole"},
        {"delete": "Fog/Horn", "unlink": True},
    ]
    done = server.ask("change", changes=changes, apply=True)
    assert not (server.vault / "Fog/Horn.md").exists()
    assert "Along the" in (server.vault / "Home.md").read_text()
    server.ask("undo", run=done["run"])
    assert "Along the" in (server.vault / "Mole.md").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_undo_that_a_note_prevents_can_be_repeated(server: WritingServer) -> None:
    before = read_files(server.vault)
    server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}], apply=True)
    after = read_files(server.vault)
    (server.vault / "Home.md").chmod(0o444)
    for _ in range(2):
        done = server.ask("undo")
        assert done["counts"] == {"restored": 0, "moved": 0, "skipped": 1}
        assert done["skipped"] == [{"path": "Home.md", "reason": "it is read-only"}]
        assert read_files(server.vault) == after
    (server.vault / "Home.md").chmod(0o644)
    assert server.ask("undo")["counts"]["restored"] == 2
    assert read_files(server.vault) == before


def test_nothing_to_do_makes_no_run(server: WritingServer) -> None:
    done = server.ask("change", changes=[{"fix": "safe", "notes": ["Home"]}], apply=True)
    assert done == {**done, "advice": "there is nothing to change."}
    assert done["counts"]["files"] == 0
    assert done["run"] is None
    applied = server.ask("apply", plan=done["plan"])
    assert (applied["counts"]["written"], applied["run"]) == (0, None)


def test_moves_are_files_and_no_lines_of_the_diff(server: WritingServer) -> None:
    plan = server.ask("change", changes=[{"move": "Many", "to": "More/"}], limit=200)
    assert plan["counts"]["files"] == len(plan["files"]) == 25
    assert plan.get("diff", []) == []
    assert plan["next"] is None


def test_long_diffs_say_that_lines_are_left_out(server: WritingServer) -> None:
    call: dict[str, Any] = {"changes": [{"rename": "Harbour", "to": "Port"}], "limit": 200}
    lines: list[str] = []
    after: str | None = ""
    while after is not None:
        page = server.ask("change", **call, after=after)
        lines += page["diff"]
        after = page["next"]
    assert lines[-1] == "… more lines are left out"
    assert len(lines) == 201


@pytest.mark.thorough
def test_written_changes_have_no_next_page(server: WritingServer) -> None:
    done = server.ask("change", changes=[{"rename": "Mole", "to": "B"}], apply=True, limit=1)
    assert (len(done["files"]), done["counts"]["files"], done["next"]) == (1, 3, None)
    assert "diff" not in done


# -- what is refused ------------------------------------------------------------------------------------------------------


@each(
    ("change", "sentence"),
    [
        ({"rename": "Nope", "to": "B"}, "“Nope”"),
        ({"rename": "Lighthouse", "to": "B"}, "The change for them is “unresolved”: “Lighthouse”."),
        ({"delete": "Lighthouse", "unlink": True}, "Unresolved links name “Lighthouse”."),
        ({"rename": "Mole", "to": "Home"}, "Home.md"),
        ({"rename": "Mole", "to": "../B"}, "“../B” may lead out of the vault."),
        ({"rename": "../Mole", "to": "B"}, "../Mole"),
        ({"rename": "/etc/passwd", "to": "B"}, "/etc/passwd"),
        ({"rename": "Mole", "to": ".obsidian/B"}, "hidden"),
        ({"rename": "Mole", "to": "a\nb"}, ""),
        ({"move": "Mole", "to": "../"}, ""),
        ({"move": "Mole", "to": "/tmp"}, "“/tmp” is no path in the vault."),
        ({"delete": "../../etc/passwd", "unlink": True}, ""),
        ({"delete": ".obsidian", "unlink": True}, ""),
        (
            {"delete": "Mole"},
            "Choose what becomes of them: “unlink”: true, “to”: NOTE, or “leave”: true.",
        ),
        ({"delete": "Mole", "to": "Mole"}, "“to”: Mole.md is deleted, too."),
        (
            {"rename": "old_pier#Nails", "to": "B"},
            "old_pier.md has no heading “Nails”. `note` lists its headings.",
        ),
        ({"unresolved": "Nothing", "unlink": True}, "`unresolved` lists the topics."),
        ({"delete": "Mole", "unlink": True, "leave": True}, "“leave”"),
        ({"wipe": "Mole"}, "a change is an object with one of these keys"),
        ({"rename": "Mole"}, "“to” is missing."),
        ({"rename": 3, "to": "B"}, "“rename” must be a text."),
        ({"fix": "all"}, "“safe”"),
        ({}, "a change is an object with one of these keys"),
    ],
)
def test_wrong_changes_are_refused(
    server: WritingServer, change: dict[str, Any], sentence: str
) -> None:
    for apply in (False, True):
        text = server.refuse("change", changes=[change], apply=apply)
        assert sentence in text
        assert all(line.isprintable() for line in text.splitlines())
        assert "internal error" not in text


@each(
    ("tool", "arguments", "sentence"),
    [
        ("change", {}, "change requires the argument “changes”: a list of objects."),
        ("change", {"changes": ["x"]}, "must be a list of objects."),
        ("change", {"changes": []}, "changes is empty."),
        ("change", {"changes": [{"fix": "safe"}], "apply": "yes"}, "must be true or false."),
        ("apply", {}, "apply requires the argument “plan”: a text."),
        ("apply", {"plan": "nope"}, "“nope”"),
        ("undo", {"run": "nope"}, "no run of this vault matches “nope”."),
        ("undo", {"run": 3}, "the argument “run” of undo must be a text."),
        ("undo", {}, "this server has written nothing that is not undone."),
        ("undo", {"run": ""}, "this server has written nothing that is not undone."),
        ("undo", {"run": []}, "this server has written nothing that is not undone."),
        ("undo", {"run": {}}, "this server has written nothing that is not undone."),
        ("undo", {"run": None}, "this server has written nothing that is not undone."),
        ("undo", {"run": " "}, "no run of this vault matches “ ”."),
        ("apply", {"plan": ""}, "“”"),
        (
            "undo",
            {"run": "x" * 10_001},
            "a name in the arguments of undo is longer than 10,000 characters.",
        ),
        ("apply", {"plan": "x" * 1_000_000}, "longer than 10,000 characters."),
        (
            "change",
            {"changes": [{"rename": "Mole", "to": "x" * 10_001}]},
            "longer than 10,000 characters.",
        ),
        (
            "change",
            {"changes": [{"link": {"note": "x" * 10_001, "to": "Mole"}}]},
            "longer than 10,000",
        ),
    ],
)
def test_wrong_calls_are_refused(
    server: WritingServer, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    assert sentence in server.refuse(tool, **arguments)


@each("empty", ["", [], {}, None], ids=repr)
def test_optional_arguments_that_are_empty_are_not_given(
    server: WritingServer, empty: object
) -> None:
    before = read_files(server.vault)
    changes = [{"rename": "Mole", "to": "Breakwater"}]
    plan = server.ask("change", changes=changes, apply=empty, limit=empty, after=empty)
    assert (plan["run"], read_files(server.vault) == before) == (None, True)
    server.ask("apply", plan=plan["plan"], limit=empty, after=empty)
    assert read_files(server.vault) != before
    assert server.ask("undo", run=empty, limit=empty, after=empty)["counts"]["restored"] == 2
    assert read_files(server.vault) == before


EMPTIES: list[dict[str, Any]] = [
    {"rename": "", "to": "B"},
    {"rename": "Mole", "to": ""},
    {"move": "Mole", "to": ""},
    {"delete": ""},
    {"delete": "Mole", "to": ""},
    {"delete": "Mole", "unlink": True, "to": ""},
    {"merge": "Mole", "into": ""},
    {"extract": "old_pier#Planks", "to": ""},
    {"unresolved": "Lighthouse", "create": ""},
    {"unresolved": "Lighthouse", "link": "", "unlink": ""},
    {"fix": ""},
    {"link": ""},
    {"": ""},
]


@each("change", EMPTIES, ids=str)
def test_empty_values_of_a_change_are_answered(
    server: WritingServer, change: dict[str, Any]
) -> None:
    before = read_files(server.vault)
    empties: list[Any] = ["", [], {}, None]
    for empty in empties:
        filled = {key: empty if value == "" else value for key, value in change.items()}
        reply = server.client.call("change", {"changes": [filled]})
        assert "internal error" not in reply.text
    assert read_files(server.vault) == before


def test_plan_of_a_changed_note_is_refused_by_name(server: WritingServer) -> None:
    plan = server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}])
    file = server.vault / "Home.md"
    text = file.read_text()
    file.write_text(f"{text}Another [[Mole]].\n")
    assert "Home.md" in server.refuse("apply", plan=plan["plan"])
    file.write_text(text)


def test_plan_stands_if_another_note_changed(server: WritingServer) -> None:
    plan = server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}])
    file = server.vault / "Many/Note 1.md"
    text = file.read_text()
    file.write_text(f"{text}more\n")
    assert server.ask("apply", plan=plan["plan"])["counts"]["written"] == 2
    server.ask("undo")
    file.write_text(text)


def test_plan_is_applied_once(server: WritingServer) -> None:
    plan = server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}])["plan"]
    server.ask("apply", plan=plan)
    server.refuse("apply", plan=plan)


def test_protected_notes_are_refused(tmp_path: Path) -> None:
    settings = {"vaultlink.toml": 'protect = ["Home.md"]\n'}
    vault = create_vault(tmp_path / "vault", {**VAULT, **settings})
    with McpClient(vault, "--allow-writes") as client:
        server = WritingServer(client, vault)
        text = server.refuse("change", changes=[{"rename": "Mole", "to": "B"}], apply=True)
        assert "Home.md" in text


WORDS = [
    *("Home", "Mole", "mole.md", "Harbour#Back", "Fog/", "Fog/Horn", "[[Port]]", "old_pier#Planks", "#tag", "Nope"),
    *("../x", "/etc/passwd", "a\nb", "\u202e", "", " ", "~", "*", "x" * 300, "Many", ".obsidian/app.json", "con.md"),
]  # fmt: skip


def make_values(dice: Random) -> list[Any]:
    """Return values that an argument of any tool could get, right and wrong ones."""
    word, other = dice.choice(WORDS), dice.choice(WORDS)
    change: dict[str, Any] = {
        dice.choice(("rename", "move", "delete", "merge", "extract", "unresolved", "link")): word
    }
    change[dice.choice(("to", "into", "unlink", "link", "create", "leave", "x"))] = dice.choice(
        (other, True)
    )
    return [
        *(word, [word, other], {word: other}, {f"{word}.md": f"[[{other}]]"}, [change], [change, {"fix": "safe"}]),
        *(0, 1, -1, 3.5, None, True, [], {}, "plan-1", ["links", "headings"]),
    ]  # fmt: skip


def test_random_calls_are_answered_and_change_nothing(server: WritingServer) -> None:
    before, dice = read_files(server.vault), Random(1)
    tools = server.client.ask(lambda client: client.list_tools()).tools
    for _ in range(400):
        tool = dice.choice(tools)
        names = [*tool.input_schema["properties"], "other"]
        arguments = {
            name: dice.choice(make_values(dice))
            for name in dice.sample(names, dice.randint(0, 3))
            if name not in ("apply", "plan", "run")
        }
        reply = server.client.call(tool.name, arguments)  # it checks the size
        check_text(reply.text)
    assert read_files(server.vault) == before


# -- calls that take long -------------------------------------------------------------------------------------------------


@pytest.fixture
def shared_lock(shared: WritingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process use the write lock of the server."""
    monkeypatch.setenv("VAULTLINK_STATE_DIR", str(shared.state / "VAULTLINK_STATE_DIR"))


@pytest.mark.usefixtures("shared_lock")
def test_long_call_reports_its_progress_and_is_cancelled(server: WritingServer) -> None:
    before = read_files(server.vault)
    plan = server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}])["plan"]
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    with lock_vault(server.vault):  # another run writes
        with pytest.raises(MCPError, match="timed out"):
            server.client.ask(
                lambda client: client.call_tool(
                    "apply", {"plan": plan}, 2.5, progress_callback=note
                )
            )
        time.sleep(0.5)  # until the server knows
    assert len(seen) == 1
    assert 2.0 <= seen[0] < 2.5
    assert server.ask("note", note="Mole")["counts"]["backlinks"] == 2
    assert read_files(server.vault) == before
    assert server.ask("apply", plan=plan)["counts"]["moved"] == 1


@pytest.mark.usefixtures("shared_lock")
def test_call_waits_for_another_run(server: WritingServer) -> None:
    release = threading.Event()

    def hold() -> None:
        with lock_vault(server.vault):
            held.set()
            release.wait(10)

    held = threading.Event()
    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    threading.Timer(0.4, release.set).start()
    done = server.ask("change", changes=[{"rename": "Mole", "to": "Breakwater"}], apply=True)
    other.join()
    assert done["moved"] == 1


# -- a whole script, and the page of the documentation --------------------------------------------------------------------


@pytest.mark.thorough
def test_script_of_many_changes_leaves_no_finding_and_no_byte(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {})
    for path, data in read_files(ROOT / "fixtures/podcast-wiki").items():
        (vault / path).parent.mkdir(parents=True, exist_ok=True)
        (vault / path).write_bytes(data)
    script = CallScript(vault, Amounts().scaled(0.05))
    script.run()
    assert script.failures == []
    assert len(script.runs) >= 3


@pytest.mark.thorough
def test_page_shows_these_calls(tmp_path: Path) -> None:
    [block] = blocks(PAGE, "text")
    calls = re.findall(r"^(\w+) (\{.*\})\n((?:  .*\n)+)", block, re.MULTILINE)
    assert [call[0] for call in calls] == ["resolve", "check", "check", "change", "apply", "undo"]
    notes = {path: text for path, text in VAULT.items() if "/" not in path}
    notes["old_pier.md"] = "---\ntitle: The old pier\n---\nBeside the [[Mole]].\n"
    vault = create_vault(tmp_path / "vault", notes)
    before, names = read_files(vault), {"PLAN": "PLAN", "RUN": "RUN"}
    with McpClient(vault, "--allow-writes") as client:
        for tool, arguments, shown in calls:
            given = {
                key: names.get(str(value), value) for key, value in json.loads(arguments).items()
            }
            data = client.call(tool, given).data
            names |= {"PLAN": data.get("plan", names["PLAN"]), "RUN": data.get("run", names["RUN"])}
            wanted = json.loads(shown)
            for key in {"plan", "run"} & wanted.keys():
                wanted[key] = data[key]
            assert pick(data, wanted) == wanted, data
    assert read_files(vault) == before
