"""Random calls of `vaultlink mcp`: without --allow-writes nothing changes, and writers beside each other lose nothing.

`VAULTLINK_CALLS=2000` sends that many calls, and has writers make many changes.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mcp_client import McpClient
from running import create_vault, read_files, write_files
from source import ROOT
from vaultlink import Settings, open_vault
from vaultlink.write.journal_files import RecordedRun, digest_content, list_runs, lock_vault

COUNT = int(os.environ.get("VAULTLINK_CALLS", "300"))

# -- a server that only reads ---------------------------------------------------------------------------------------------

BIDI = "\u202egpj.\u2066x\u200b"

VAULT = {
    "Home.md": "---\naliases: [Start]\n---\n# Top\n[[Tide]] [[Gone]] [[tide#Ebb]] ![[map.png]] Tide and Flood.\n",
    "Tide.md": "---\ntitle: The tide\naliases: [Flood]\n---\n[[Home]] [[The tide]] ^low\n\n## Ebb\n",
    "Sea/Tide.md": f"[[Home|{BIDI}]] [[{BIDI}]] \x1b[31m\x07\x9b [[Tide]]\n",
    f"{BIDI}.md": f"---\n{BIDI}: {BIDI}\n---\n# {BIDI}\n[[Gone]] [[{BIDI}#{BIDI}]] #tag{BIDI}\n",
    "Board.canvas": '{"nodes": [{"id": "1", "type": "file", "file": "Tide.md"}]}',
    "map.png": "PNG",
    ".obsidian/app.json": "{}",
    ".obsidian/graph.json": "{}",
    ".trash/Old.md": "[[Home]]\n",
    "Inner/.obsidian/app.json": "{}",
    "Inner/Other.md": "[[Home]]\n",
}

NAMES = [
    *("Home", "tide.md", "Tide#Ebb", "Tide#^low", "[[Start|x]]", "Sea/", "Sea/Tide", "Board.canvas", "map.png", "Gone"),
    *("../outside/Secret", "../../etc/passwd", "Sea/../../outside/Secret.md", "..", ".", "/", "//x", "~", "~/x"),
    *("/etc/passwd", "C:\\x", "\\\\host\\x", "file:///etc/passwd", "obsidian://open?vault=v&file=Home", "Linked/Public"),
    *("Linked/../outside/Secret.md", "public.md", "Inner/Other", ".obsidian/app.json", ".obsidian", ".trash/Old.md", ".git/config"),
    *("a\nb", "a\x00b", "\x1b[2J", "\x9b31m", BIDI, "\u2029", "\ufeff", "\ud800", "", " ", "*", "#", "^", "|", "[[", "%%"),
    *("x" * 300, "ö" * 9_000, "a/" * 3_000, "con.md", "New.md", "Sea/New.md", "dangling-link", "VL101", "ALL", "-", "--fix"),
]  # fmt: skip

ODD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    7,
    10**30,
    3.5,
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": ""},
    {"a": None},
    {"a": {"b": [1]}},
]

TEXTS = [
    "",
    "[[Home]] [[Gone]]\n",
    f"{BIDI}\x1b[0m",
    "---\na: [\n---\n",
    "[[" * 5_000,
    "x" * 300_000,
    "```\n[[Tide]]",
    "\x00",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a vault with links to a folder, beside another one that it must not show."""
    folder = tmp_path_factory.mktemp("random")
    create_vault(folder / "outside", {"Secret.md": "# Password\n[[Home]]\n"})
    create_vault(folder / "elsewhere", {"Public.md": "# Linked\n[[Home]]\n"})
    vault = create_vault(folder / "vault", VAULT)
    (vault / "Linked").symlink_to(folder / "elsewhere")
    (vault / "public.md").symlink_to(folder / "elsewhere/Public.md")
    return folder


@pytest.fixture(scope="module")
def reader(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpClient]:
    state = tmp_path_factory.mktemp("state")
    errors = state / "stderr"
    before = list_bytes(folder)
    with errors.open("w") as file, McpClient(folder / "vault", errors=file, state=state) as client:
        yield client
    assert errors.read_text() == ""
    assert list_bytes(folder) == before
    assert read_files(state / "VAULTLINK_STATE_DIR") == {}


def list_bytes(folder: Path) -> dict[str, bytes]:
    """Return the contents of all files, and the targets of symbolic links, by path."""
    links = {
        str(item): os.fsencode(item.readlink()) for item in folder.rglob("*") if item.is_symlink()
    }
    return {**read_files(folder), **links}


def choose_value(dice: Random) -> Any:
    """Return any value: a name, names, drafts, or one of a wrong type."""
    name = dice.choice(NAMES)
    return dice.choice(
        [
            name,
            name,
            [name, dice.choice(NAMES)],
            {name: dice.choice(TEXTS)},
            {f"{name}.md": dice.choice(TEXTS), "Home.md": dice.choice(TEXTS)},
            dice.choice(ODD),
            [dice.choice(["links", "headings", "backlinks", name])],
        ]
    )


def choose_arguments(dice: Random, schema: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of a tool: some that fit, others of any kind."""
    found: dict[str, Any] = {}
    for key, part in schema["properties"].items():
        if key not in schema.get("required", ()) and dice.random() < 0.6:
            continue
        if dice.random() < 0.4:
            found[key] = choose_value(dice)
        elif part["type"] == "integer":
            found[key] = dice.choice([1, 3, 200, 0, 10**9, 1 << 60])
        elif part["type"] == "array":
            found[key] = [dice.choice(NAMES) for _ in range(dice.choice([1, 3, 90]))]
        elif part["type"] == "object":
            found[key] = {f"{dice.choice(NAMES)}.md": dice.choice(TEXTS)}
        else:
            found[key] = dice.choice(NAMES)
    if dice.random() < 0.05:
        found[dice.choice(NAMES)] = choose_value(dice)
    return found


LIBRARY_WORDS = (
    "Traceback",
    "internal error",
    "Error:",
    "Expected `",
    "got `",
    "msgspec",
    "NoneType",
    "object at 0x",
    "<class",
    "Password",
)


def check_text(text: str) -> None:
    """Assert that an answer is harmless, and written by vaultlink."""
    bad = {char for char in text if unicodedata.category(char) in ("Cc", "Cs") and char != "\n"}
    bad |= set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert not bad, (bad, text[:500])
    assert not [word for word in LIBRARY_WORDS if word in text], text[:500]


def test_random_calls_of_a_server_that_reads_change_nothing(
    folder: Path, reader: McpClient
) -> None:
    dice, before = Random(COUNT), list_bytes(folder)
    tools = {
        tool.name: tool.input_schema
        for tool in reader.ask(lambda client: client.list_tools()).tools
    }
    for name in ("change", "apply", "undo", "shell", BIDI, ""):
        tools[name] = {"properties": {"changes": {"type": "array"}, "plan": {"type": "string"}}}
    for number in range(COUNT):
        name = dice.choice(list(tools))
        reply = reader.call(name, encode(choose_arguments(dice, tools[name])))  # it checks the size
        check_text(reply.text)
        if name in ("change", "apply", "undo", "shell", BIDI, ""):
            assert reply.is_error
        if number % 100 == 0:
            assert list_bytes(folder) == before
    assert list_bytes(folder) == before


def encode(value: Any) -> Any:
    """Return a value without half characters, which JSON on a stream can't have."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [encode(item) for item in value]
    return (
        {encode(key): encode(item) for key, item in value.items()}
        if isinstance(value, dict)
        else value
    )


# -- settings that limit a server that writes -----------------------------------------------------------------------------

LIMITED = {
    "Home.md": "# Top\n[[Tide]]\n",
    "Tide.md": "[[Home]]\n",
    "Open/Note.md": "[[Open/Other]] [[Nowhere]]\n",
    "Open/Other.md": "## Part\n\ntext\n",
    "Open/Fixed.md": "[[Note]]\n",
}


LIMITED_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"rename": "Home", "to": "B"}, "Home.md"),
    ({"rename": "Tide", "to": "B"}, "Tide.md"),
    ({"rename": "Home.md#Top", "to": "B"}, "Home"),
    ({"move": "Home", "to": "Open/"}, "Home.md"),
    ({"delete": "Home", "unlink": True}, "Home.md"),
    ({"delete": "Open/Fixed", "leave": True}, "Open/Fixed.md"),
    ({"delete": ["Open/Other", "Tide"], "leave": True}, "Tide.md"),
    ({"merge": "Home", "into": "Open/Other"}, "Home.md"),
    ({"merge": "Open/Other", "into": "Home"}, "Home.md"),
    ({"rename": "Open/Note", "to": "New"}, "Open/"),
]


@pytest.mark.parametrize(
    "settings",
    ['protect = ["Home.md", "Tide.md", "Open/Fixed.md"]\n', 'write-paths = ["Open/Other.md"]\n'],
)
def test_limited_notes_are_refused_by_name(
    tmp_path: Path, subtests: pytest.Subtests, settings: str
) -> None:
    vault = create_vault(tmp_path / "vault", {**LIMITED, "vaultlink.toml": settings})
    before = read_files(vault)
    with McpClient(vault, "--allow-writes") as client:
        for change, named in LIMITED_CHANGES:
            for apply in (False, True):
                with subtests.test(str(change), apply=apply):
                    reply = client.call("change", {"changes": [change], "apply": apply})
                    assert reply.is_error, reply.text
                    assert named in reply.text
                    check_text(reply.text)
                    assert read_files(vault) == before


# -- writers beside each other --------------------------------------------------------------------------------------------

PODCASTS = ROOT / "fixtures/podcast-wiki"
STEADY = "anchor_note"
"""A note that nobody renames, with a title by which others link to it."""


class Writers:
    """Two servers and `vaultlink watch --fix` on a vault, and an editor that writes between them."""

    def __init__(self, vault: Path, seed: int):
        self.vault, self._dice = vault, Random(seed)
        self.versions = set(read_files(vault).values())
        self.replaced: set[bytes] = set()

    def write_outside(self, number: int) -> None:
        """Append a line to a note, as an editor does, between two runs."""
        with lock_vault(self.vault):
            file = self.vault / self._dice.choice(list_notes(self.vault))
            old = file.read_bytes()
            new = old + f"\n\nLine {number}, see [[Anchor note]].\n".encode()
            file.write_bytes(new)
        self.versions.add(new)
        self.replaced.add(old)

    def wait_for_fixes(self) -> None:
        """Wait until `watch` has fixed a link that is written last."""
        file, text = self.vault / "Last.md", b"See [[Anchor note]].\n"
        with lock_vault(self.vault):
            file.write_bytes(text)
        self.versions.add(text)
        end = time.monotonic() + 300  # only if it hangs
        while file.read_bytes() == text:
            assert time.monotonic() < end, "not fixed"
            time.sleep(0.05)

    def change(self, client: McpClient, dice: Random, number: int) -> None:
        """Plan a change and write it, at once or later, or take the last one back."""
        notes = [path for path in list_notes(self.vault) if STEADY not in path]
        path, other = dice.sample(notes, 2)
        change: dict[str, Any] = dice.choice(
            [
                {"rename": path, "to": f"{path[:8].strip(' .')} {number}"},
                {"rename": path, "to": f"{path[:8].strip(' .')} {number}"},
                {"merge": path, "into": other},
                {"delete": path, "unlink": True},
                {"move": path, "to": f"Folder {number % 3}/"},
                {"fix": "safe"},
            ]
        )
        reply = client.call("change", {"changes": [change], "apply": dice.random() < 0.5})
        if not reply.is_error:
            assert reply.data["counts"]["breaks"] == 0, reply.text
            if reply.data["run"] is None:
                client.call("apply", {"plan": reply.data["plan"]})
        if dice.random() < 0.4:
            client.call("undo")


def list_notes(vault: Path) -> list[str]:
    """Return the notes outside hidden folders, by vault path."""
    paths = [file.relative_to(vault) for file in vault.rglob("*.md")]
    return sorted(path.as_posix() for path in paths if not path.as_posix().startswith("."))


def list_unresolved(vault: Path) -> set[str]:
    """Return the targets of links to nothing, without those that an undo took the note from."""
    found = open_vault(vault, Settings(cache=False)).check()
    return {
        item.target
        for item in found
        if item.about == "unresolved-link" and item.target and item.rule != "moved-link"
    }


def list_findings(client: McpClient) -> list[tuple[str, int, str]]:
    """Return all findings by the answers of a server."""
    rows: list[Any] = []
    after: int | None = 0
    while after is not None:
        data = client.call("check", {"limit": 200, "after": after}).data
        rows += data["findings"]
        after = data["next"]
    return sorted((row["path"], row["line"], fold_rule(row["rule"])) for row in rows)


def fold_rule(rule: str) -> str:
    """Return the rule, one for all links to nothing: a reader that saw a deletion knows more about them."""
    return "dangling-link" if rule in UNRESOLVED else rule


UNRESOLVED = (
    "alias-link",
    "title-link",
    "respelt-link",
    "moved-link",
    "planned-note",
    "dangling-link",
)


@contextmanager
def run_fixing_watcher(vault: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `vaultlink watch --fix`, and end it if a test has not."""
    words = [sys.executable, "-m", "vaultlink", "watch", "--fix", str(vault)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as watch:
        try:
            yield watch
        finally:
            watch.kill()


@pytest.mark.parametrize("seed", range(max(1, COUNT // 1000)))
def test_writers_beside_each_other_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    for name in ("VAULTLINK_STATE_DIR", "VAULTLINK_CACHE_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    vault = tmp_path / "vault"
    shutil.copytree(PODCASTS, vault, ignore=shutil.ignore_patterns(".git", "vaultlink.toml"))
    write_files(vault, {f"{STEADY}.md": "---\ntitle: Anchor note\n---\n[[index]]\n"})
    first, unresolved = read_files(vault), list_unresolved(vault)
    writers, rounds = Writers(vault, seed), max(12, COUNT // 25)
    with (
        run_fixing_watcher(vault) as watch,
        McpClient(vault, "--allow-writes") as one,
        McpClient(vault, "--allow-writes") as two,
    ):

        def work(client: McpClient, start: int) -> None:
            dice = Random(f"{seed} {start}")
            for number in range(start, start + rounds):
                writers.change(client, dice, number)

        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(work, one, 1000), pool.submit(work, two, 2000)]
            number = 0
            while not all(job.done() for job in jobs):
                writers.write_outside(number)
                number += 1
                time.sleep(0.3)
            for job in jobs:
                job.result()
        writers.wait_for_fixes()
        assert watch.poll() is None
        watch.send_signal(signal.SIGINT)
        _, errors = watch.communicate()
        assert b"Traceback" not in errors, errors
        fresh = open_vault(vault, Settings(cache=False)).check()
        truth = sorted((item.path, item.line, fold_rule(item.rule)) for item in fresh)
        assert list_findings(one) == truth
        assert list_findings(two) == truth
    runs = list_runs(vault)
    assert all(run.ended or run.undone for run in runs)
    explain_bytes(writers, first, read_files(vault), runs)
    assert list_unresolved(vault) - unresolved <= {"Anchor note"}
    with lock_vault(vault, timeout=0.1):
        pass  # nobody holds it


def explain_bytes(
    writers: Writers,
    first: dict[str, bytes],
    last: dict[str, bytes],
    runs: Sequence[RecordedRun],
) -> None:
    """Assert that each file is what somebody wrote, and that no text is lost that nobody replaced."""
    changes = [change for run in runs for change in run.changes if change.path not in run.skipped]
    written = {digest_content(data) for data in writers.versions} | {item.new for item in changes}
    replaced = {digest_content(data) for data in writers.replaced} | {item.old for item in changes}
    present = {digest_content(data) for data in last.values()}
    assert present <= written
    assert written - {None} <= present | replaced
    suffixes = {Path(path).suffix for path in first}
    assert not [path for path in last if Path(path).suffix not in suffixes]
    assert {Path(path).name for path in last if "/." in f"/{path}" and ".trash" not in path} <= {
        Path(path).name for path in first
    }
