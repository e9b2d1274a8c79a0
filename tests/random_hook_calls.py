"""Random calls of coding tools, as their hooks describe them: usual ones on the notes of a vault, and odd ones."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

ODD_NAMES = [*("..", "/", "*", "", "\0", "~", "--", "\u202e", "}{", "\ud800", "a\nb"), "a" * 300]


def make_hook_call(chance: random.Random, vault: Path, notes: Sequence[str]) -> dict[str, Any]:
    """Return the payload of a call on notes of a vault, in the form of one of the tools."""
    note, other = chance.choice(notes), chance.choice(notes)
    text = (
        f"# New\n\n[[{other.removesuffix('.md')}]] [[{chance.choice(['Two wrods', 'An idea'])}]]\n"
    )
    lines = [
        *(f"rm {quote(note)}", f"rm -f ./{quote(note)} {quote(other)}", f"git rm -q {quote(note)}"),
        *(f"mv {quote(note)} Moved/", f"mkdir -p Moved && mv {quote(note)} Moved/New.md"),
        *(
            f"cat {quote(note)}",
            "ls -la",
            f"git log -- {quote(note)}",
            'rm "$NOTE"',
            "rm -rf build",
        ),
        *(f"cp {quote(note)} copy.md", f"grep -r x . > {quote(other)}", f"echo 'rm {note}'"),
    ]
    shell = {"command": chance.choice(lines)}
    path = str(vault / note)
    calls: list[dict[str, Any]] = [
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": shell},
        {"hook_event_name": "beforeShellExecution", **shell},
        {"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": shell},
        {"hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": shell},
        {"toolName": "bash", "toolArgs": json.dumps(shell)},
        make_call("Write", file_path=path, content=text),
        make_call("Edit", file_path=path, old_string="\n", new_string=text, replace_all=True),
        make_call(
            "apply_patch", command=f"*** Begin Patch\n*** Delete File: {note}\n*** End Patch"
        ),
        make_call("Read", file_path=path),
    ]
    return {"cwd": str(vault), **chance.choice(calls)}


def make_call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": arguments}


def make_odd_payload(chance: random.Random, folder: Path) -> bytes:
    """Return bytes, JSON of other types, or a call with odd words about no linked note of a folder."""
    if chance.random() < 0.2:
        return chance.randbytes(chance.randrange(40))
    names = ["Draft.md", "x/y.md", *ODD_NAMES]
    words = [*names, "rm", "mv", "git", "find", "-t", "xargs", "|", "&&", "'", '"', "$(", "<<EOF"]
    line = " ".join(chance.choice(words) for _ in range(chance.randrange(9)))
    values: list[object] = [*names, line, None, 3, [], {}, [line], [names], {"path": 1}, True]
    keys = ["command", "file_path", "content", "old_string", "new_string", "edits", "path", "input"]
    tools = ["Bash", "Write", "Edit", "MultiEdit", "apply_patch", "Delete", "str_replace_editor"]
    arguments = {key: chance.choice(values) for key in keys if chance.random() < 0.6}
    payload: Mapping[str, object] = {
        "hook_event_name": chance.choice(["PreToolUse", "preToolUse", "BeforeTool", 3]),
        "tool_name": chance.choice(tools),
        "tool_input": chance.choice([arguments, json.dumps(arguments), line, [arguments]]),
        "cwd": chance.choice([str(folder), str(folder / "vault"), "relative", *ODD_NAMES, 3]),
    }
    return json.dumps(payload).encode()
