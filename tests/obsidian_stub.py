"""A stand-in for Obsidian's command line, which prints what a test says.

It has the grammar that Obsidian documents (https://help.obsidian.md/cli): `obsidian vault=NAME COMMAND …`. How Obsidian
prints its answers is not documented in full; `ANSWERS` has the form that users of it report, and is not from the app.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

VERSION = "1.13.7 (installer 1.13.4)\n"

EMPTY = {
    "unresolved verbose format=json": "No unresolved links found.\n",
    "unresolved total": "0\n",
    "orphans": "No orphan files found.\n",
    "orphans total": "0\n",
    "deadends": "No dead-end files found.\n",
    "deadends total": "0\n",
}
"""The answers about a vault in which nothing is listed."""

UNKNOWN = 'Error: Command "{}" not found. It may require a plugin to be enabled.\n'

SCRIPT = """#!{python}
import json, os, sys, time
folder = os.path.dirname(os.path.realpath(__file__))
with open(os.path.join(folder, "answers.json"), encoding="utf-8") as stream:
    answers = json.load(stream)
with open(os.path.join(folder, "asked.jsonl"), "a", encoding="utf-8") as stream:
    asked = {{"words": sys.argv[1:], "folder": os.getcwd(), "variables": sorted(os.environ)}}
    stream.write(json.dumps(asked) + "\\n")
words = " ".join(word for word in sys.argv[1:] if not word.startswith("vault="))
answer = answers.get(words)
if answer is None:
    answer = {unknown!r}.format(words.split()[0])
if isinstance(answer, str):
    answer = {{"out": answer}}
sys.stderr.write(answer.get("err", ""))
sys.stderr.flush()
data = answer.get("out", "").encode("utf-8", "surrogateescape")
for _ in range(answer.get("times", 1)):
    sys.stdout.buffer.write(data)
sys.stdout.flush()
if "leaves" in answer and os.fork() == 0:  # as Obsidian that goes on to run, with the output open
    time.sleep(answer["leaves"])
    os._exit(0)
time.sleep(answer.get("sleeps", 0))
os._exit(answer.get("code", 0))
"""


def write_stub(folder: Path, answers: Mapping[str, object]) -> Path:
    """Write the program `obsidian` and its answers to a folder; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "obsidian"
    file.write_text(SCRIPT.format(python=sys.executable, unknown=UNKNOWN), encoding="utf-8")
    file.chmod(0o755)
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    return file


def read_asked(folder: Path) -> list[dict[str, object]]:
    """Return the words, folder and variables of each start of the program, in order."""
    file = folder / "asked.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def answer_for(vault: Path, answers: Mapping[str, object]) -> dict[str, object]:
    """Return the answers of an Obsidian in which a vault is open."""
    return {"version": VERSION, "vault info=path": f"{os.fspath(vault)}\n", **EMPTY, **answers}
