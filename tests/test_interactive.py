"""Tests of `vaultlink fix --interactive` on a terminal: what is asked, what each key does, and what is written."""

import os
import re
import shutil
import signal
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from machine import require_program
from repositories import create_repository
from running import RunCommand, create_vault, read_files
from screens import CONTROLS, LARGE, SMALL, Screen, Size, run_on_screen
from tables import each
from vaultlink.cli.interactive import find_names
from vaultlink.config.list_items import allow_topics, make_topic_pattern, make_topic_patterns
from vaultlink.config.patterns import compile_globs
from vaultlink.fix.causes import FixCause, FixOption
from vaultlink.model import Diagnostic, Edit, Fix, Safety, Severity
from vaultlink.report.fix_question import (
    FixQuestion,
    QuestionKey,
    describe_unknown_key,
    format_prompt,
    render_question,
    render_whole_question,
)
from vaultlink.report.layout import PLAIN, display_width

VAULT: Mapping[str, str] = {
    "Home.md": "[[kind of green tea]], [[kind of green tea|Blue]]\n\nand [[Nowhere]].\n",
    "Log.md": "# Log\n\n- [[Kind of Green Tea]]\n- [[kind-of-green-tea]]\n",
    "Tea/kinds of green tea.md": "# Kinds\n\nof tea\n",
    "Plan.md": "[[Role]]\n",
    "role_of_memory.md": "---\ntitle: Role\n---\n",
}
"""“kind of green tea” is named three times in two notes, and the same note is proposed for “kind-of-green-tea”."""


ASK = ("fix", "-i", "--select", "VL1")
"""Asks about safe fixes, too."""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    return create_vault(tmp_path / "vault", VAULT)


def answer(screen: Screen, keys: str) -> Screen:
    """Press keys one by one, each when the screen asks for it."""
    for key in keys:
        screen.wait_until(is_asking, "a question").type(key)
        screen.settle()
    return screen


def is_asking(screen: Screen) -> bool:
    """Return True if the cursor is behind a question."""
    return screen.rows[screen.cursor[1]].endswith("?]") and screen.cursor[0] > 0


QUESTION = """\

1 of 4  VL101 dangling-link
“kind of green tea” does not resolve to any file in the vault.
3 links in 2 notes.

  Home.md:1  - [[kind of green tea]], [[kind of green tea|Blue]]
             + [[kinds of green tea|kind of green tea]], [[kinds of green tea|{}
  Log.md:3  - - [[Kind of Green Tea]]
            + - [[kinds of green tea|Kind of Green Tea]]
Link to “Tea/kinds of green tea”: 3 links? [y,n,a,t,d,e,c,u,i,v,q,?]"""


@each(("size", "end"), [(SMALL, "B…"), (LARGE, "Blue]]")], ids=["80x24", "120x40"])
def test_one_question_for_each_cause_previews_every_line(vault: Path, size: Size, end: str) -> None:
    with run_on_screen(vault, *ASK, size=size) as screen:
        screen.wait_until(is_asking, "a question")
        assert screen.text == QUESTION.format(end)
        answer(screen, "nnn")
        screen.wait_for("4 of 4").wait_until(is_asking, "the last question")
        answer(screen, "n").wait_for_end(1)
        assert "Nothing was changed." in screen.everything


LINKED = VAULT["Home.md"].replace(
    "[[kind of green tea]], [[kind of green tea|",
    "[[kinds of green tea|kind of green tea]], [[kinds of green tea|",
)
LOGGED = VAULT["Log.md"].replace("[[Kind", "[[kinds of green tea|Kind")
BOTH = LOGGED.replace("[[kind-of-green-tea]]", "[[kinds of green tea|kind-of-green-tea]]")

CASES: dict[str, tuple[str, dict[str, str | None]]] = {
    "y applies the fix to all links of the cause": ("ynnn", {"Home.md": LINKED, "Log.md": LOGGED}),
    "n skips": ("nnnn", {}),
    "q writes what was chosen so far": ("yq", {"Home.md": LINKED, "Log.md": LOGGED}),
    "a applies all first proposals of the rule": (
        "ann",
        {"Home.md": LINKED, "Log.md": BOTH},
    ),
    "t applies the target elsewhere": ("tnn", {"Home.md": LINKED, "Log.md": BOTH}),
    "d skips the rule": ("dnn", {}),
    "u removes the links": (
        "unnn",
        {
            "Home.md": "kind of green tea, Blue\n\nand [[Nowhere]].\n",
            "Log.md": "# Log\n\n- Kind of Green Tea\n- [[kind-of-green-tea]]\n",
        },
    ),
    "c creates the note": ("cnnn", {"kind of green tea.md": None}),
    "b goes back": ("yubbnnnn", {}),
    "b takes back all that one key answered": ("tbnnnn", {}),
    "i allows the topic": (
        "innn",
        {".vaultlink.toml": 'allow-dangling = ["kind of green tea", "Kind of Green Tea"]\n'},
    ),
    "keys may be upper case": ("YNNN", {"Home.md": LINKED, "Log.md": LOGGED}),
    "? explains": ("?zynnn", {"Home.md": LINKED, "Log.md": LOGGED}),
}


@pytest.mark.thorough
@each(("keys", "changed"), CASES.values(), ids=CASES)
def test_keys_answer_without_enter(
    run: RunCommand, vault: Path, keys: str, changed: dict[str, str | None]
) -> None:
    before = read_files(vault)
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, keys)
        screen.wait_until(lambda screen: not is_asking(screen), "an end").wait_for_end(1)
    after = read_files(vault)
    assert {path: after[path].decode() for path in after if after[path] != before.get(path)} == {
        path: after[path].decode() if text is None else text for path, text in changed.items()
    }
    if changed:
        assert run("undo", "--vault", vault).code == 0
    assert read_files(vault) == before


def test_entered_target_is_completed_and_previewed(vault: Path) -> None:
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "e").wait_for("Link to (Escape cancels):")
        screen.type("memo").wait_for("role_of_memory")
        screen.type("\t").settle().type("\r")
        screen.wait_for("Link to “role_of_memory”: 3 links?")
        assert "+ [[role_of_memory|kind of green tea]], [[role_of_memory|Blue]]" in screen.text
        answer(screen, "yq").wait_for_end(1)
    assert b"- [[role_of_memory|Kind of Green Tea]]" in (vault / "Log.md").read_bytes()


def test_entered_target_must_exist(vault: Path) -> None:
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "e").wait_for("Link to (Escape cancels):")
        screen.type("lost\r").wait_for("“lost” is not a file of the vault.")
        screen.type("\x1b").wait_until(is_asking, "the question again")
        answer(screen, "q").wait_for_end(1)
    assert read_files(vault) == {path: text.encode() for path, text in sorted(VAULT.items())}


STOPS = {"Ctrl-C": "\x03", "Ctrl-D": "\x04"}


@each("key", STOPS.values(), ids=STOPS)
@each("place", ["question", "target"])
def test_stopping_writes_nothing_and_says_so(vault: Path, key: str, place: str) -> None:
    before = read_files(vault)
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "yi")
        if place == "target":
            answer(screen, "e").wait_for("Escape cancels")
        screen.type(key).wait_for("Stopped: nothing was written.").wait_for_end(130)
    assert read_files(vault) == before


@pytest.mark.thorough
@each("seconds", [0.0, 0.3, 0.8, 1.5])
def test_stopping_before_the_first_question_says_so_too(tmp_path: Path, seconds: float) -> None:
    """git is called when the vault is read. From then on, the seconds lead to all parts of the preparation."""
    notes = {
        f"Note {n} about {n * 7919}.md": f"[[Note {n} abuot {n * 7919}]]\n" for n in range(1500)
    }
    root = create_vault(tmp_path / "vault", notes)
    create_repository(root, {})
    git, begun = tmp_path / "bin" / "git", tmp_path / "begun"
    git.parent.mkdir()
    git.write_text(f'#!/bin/sh\n: >"{begun}"\nexec "{shutil.which("git")}" "$@"\n')
    git.chmod(0o755)
    environment = {"PATH": f"{git.parent}:{os.environ['PATH']}"}
    before = read_files(root)
    with run_on_screen(root, *ASK, environment=environment) as screen:
        screen.wait_until(lambda _screen: begun.exists(), "a call of git")
        time.sleep(seconds)
        screen.type("\x03").wait_for("Stopped: nothing was written.").wait_for_end(130)
    assert read_files(root) == before


def test_stopping_a_run_without_questions_has_no_such_message(tmp_path: Path) -> None:
    root = create_vault(tmp_path / "vault", {"Home.md": "[[Home]]\n"})
    create_repository(root, {})
    git, begun = tmp_path / "bin" / "git", tmp_path / "begun"
    git.parent.mkdir()
    git.write_text(f'#!/bin/sh\n: >"{begun}"\nexec sleep 30\n')
    git.chmod(0o755)
    environment = {"PATH": f"{git.parent}:{os.environ['PATH']}"}
    with run_on_screen(root, "check", environment=environment) as screen:
        screen.wait_until(lambda _screen: begun.exists(), "a call of git")
        screen.type("\x03").wait_for("stopped").wait_for_end(130)
        assert "nothing was written" not in screen.text


def test_closing_the_terminal_writes_nothing(vault: Path) -> None:
    before = read_files(vault)
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "yi")
        screen.hang_up()
    assert read_files(vault) == before


def test_terminating_writes_nothing(vault: Path) -> None:
    before = read_files(vault)
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "yi").send_signal(signal.SIGTERM)
    assert read_files(vault) == before


def test_fixes_and_allowed_topics_are_one_run(run: RunCommand, vault: Path) -> None:
    (vault / "vaultlink.toml").write_bytes(b'# mine\r\nselect = ["VL1"]  # links\r\n')
    before = read_files(vault)
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "yinn")
        screen.wait_for("Allowed 1 topic in vaultlink.toml.").wait_for_end(1)
    assert (vault / "vaultlink.toml").read_bytes() == (
        b'# mine\r\nselect = ["VL1"]  # links\r\nallow-dangling = ["Nowhere"]\r\n'
    )
    assert (vault / "Home.md").read_bytes() != before["Home.md"]
    assert "Nowhere" not in run("check", "--vault", vault).out
    assert len(run("undo", "--list", "--vault", vault).lines) == 2  # with the header
    run("undo", "--vault", vault)
    assert read_files(vault) == before


def test_diff_shows_what_was_chosen_and_writes_nothing(vault: Path) -> None:
    before = read_files(vault)
    with run_on_screen(vault, *ASK, "--diff") as screen:
        answer(screen, "ynnn").wait_for_end(1)
        assert (
            "+[[kinds of green tea|kind of green tea]], [[kinds of green tea|Blue]]"
            in screen.everything
        )
    assert read_files(vault) == before


BARRIERS: dict[str, tuple[list[str], str]] = {
    "no configuration is read": (["--isolated"], "--isolated ignores configuration files."),
    "it is outside the vault": (["--config", "../other.toml"], "other.toml is outside the vault"),
}


@each(("options", "reason"), BARRIERS.values(), ids=BARRIERS)
def test_topics_are_not_allowed_where_it_would_have_no_effect(
    vault: Path, options: list[str], reason: str
) -> None:
    (vault.parent / "other.toml").write_text("")
    with run_on_screen(vault, *ASK, *options) as screen:
        answer(screen, "i").wait_for(reason).wait_until(is_asking, "the question again")
        answer(screen, "q").wait_for_end(1)
    assert (vault.parent / "other.toml").read_text() == ""


def test_names_of_a_vault_have_no_effect_on_the_terminal(tmp_path: Path) -> None:
    text = "[[a\x1b[31mred]] \x1b[2J\u202eb\n[[c\x07 “d”]]\n"
    vault = create_vault(tmp_path / "vault", {"x\x1b]0;t.md": text, "a\x1b[2J.md": ""})
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "?e").wait_for("Escape cancels")
        screen.type("a").settle().type("\x1b").settle()
        answer(screen, "nin").wait_for_end(1)
        plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]|\x1b[=>]|[\r\n\x08]", "", screen.output)
        assert CONTROLS.findall(plain) == []
        assert "\x1b[31m" not in screen.output
        assert "\x1b[2J" not in screen.output


# -- the size of a screen ----------------------------------------------------------------------------------------------

LONG_NAME = "the_role_of_memory_in_learning_and_understanding_of_tides"
NEAR_NAME = LONG_NAME.removeprefix("the_")
LONG: Mapping[str, str] = {
    "Log.md": f"{'Words before it. ' * 30}[[{LONG_NAME}]] {'and after it. ' * 30}\n\n" * 40,
    f"{NEAR_NAME}.md": "",
}
"""Forty links in long lines, to a long name that is near another one."""


@each("size", [SMALL, LARGE], ids=["80x24", "120x40"])
def test_a_question_fits_on_the_screen(tmp_path: Path, size: Size) -> None:
    vault = create_vault(tmp_path / "vault", LONG)
    with run_on_screen(vault, "fix", "-i", size=size) as screen:
        screen.wait_until(is_asking, "a question").settle()
        rows = [row for row in screen.rows if row]
        assert screen.history == screen.rows, "nothing has scrolled off"
        assert rows[0] == "1 of 1  VL101 dangling-link"
        assert "40 links in 1 note." in rows
        assert sum(row.startswith("  Log.md:") for row in rows) == 3
        assert "  … 37 more lines; v shows all" in rows
        assert "Link to “" in rows[-2] + rows[-1]
        assert rows[-1].endswith("[y,n,d,e,c,u,i,v,q,?]")


@each("size", [SMALL, LARGE], ids=["80x24", "120x40"])
@each("name", ["tide", "n" * 250])
@each("lines", [1, 9])
@each("proposals", [1, 2, 9])
def test_a_question_with_long_names_fits_on_the_screen(
    size: Size, name: str, lines: int, proposals: int
) -> None:
    text = f"Go to [[{name}]].\n" * lines
    found = Diagnostic("VL101", "dangling-link", Severity.ERROR, "a.md", 6, 10, 1, 7, 1, 11, name)
    edits = (Edit("a.md", 0, len(text), text.replace(name, "new")),)
    fixes = [Fix(f"Link to “{name} {n}”", Safety.UNSAFE, edits) for n in range(proposals)]
    options = tuple(FixOption(fix.title, ((found, fix),)) for fix in fixes)
    cause = FixCause((found,), options)
    question = FixQuestion(12, 345, cause, options, (QuestionKey("y", "yes"),))
    shown = render_question(question, lambda _path: text, os.terminal_size(size), PLAIN)
    prompt = format_prompt(question, size.columns)
    unknown = describe_unknown_key("x", question.keys, size.columns)
    rows = f"{shown}{unknown}\n{prompt}".splitlines()
    assert len(rows) <= size.rows
    assert max(map(len, rows)) <= size.columns
    assert (f"… {proposals - 5} more proposals; v shows all" in shown) == (proposals > 5)


def test_the_pager_has_the_whole_message_and_line() -> None:
    """The screen leaves out the middle of a long message, and says so."""
    message = " ".join(f"word{number}" for number in range(60))
    line = " ".join(f"part{number}" for number in range(60))
    found = Diagnostic("VL101", "dangling-link", Severity.ERROR, "a.md", 0, 5, 1, 1, 1, 6, message)
    question = FixQuestion(1, 1, FixCause((found,), ()), (), (QuestionKey("y", "yes"),))
    size = os.terminal_size(SMALL)
    shown = render_question(question, lambda _path: line, size, PLAIN)
    whole = render_whole_question(question, lambda _path: line, size.columns, PLAIN)
    assert message.split()[40] not in shown
    assert "…8 word49" in shown
    assert message.split()[-1] in shown
    assert message in " ".join(whole.split())
    assert line in whole


@each("key", ["x", "7", "Z", "é", "l"])
def test_an_unknown_key_names_the_known_ones(vault: Path, key: str) -> None:
    with run_on_screen(vault, *ASK) as screen:
        screen.wait_until(is_asking, "a question").type(key)
        screen.wait_for(f"“{key.lower()}” does nothing here. Keys: y n a t d e c u i v q ?")
        screen.type("\r").wait_for("“Enter” does nothing here.").wait_until(is_asking, "a question")
        assert "1 of 4  VL101 dangling-link" in screen.text
        assert screen.text.count("does nothing here") == 1
        answer(screen, "q").wait_for("Nothing was changed.").wait_for_end(1)
        assert "does nothing here" not in screen.text


@each("key", ["x", "Enter", "日", "\x1b"])
@each("width", [20, 40, 80])
def test_a_message_on_an_unknown_key_has_all_keys_at_any_width(width: int, key: str) -> None:
    keys = [QuestionKey(name, "a meaning") for name in "ynatdecuivq?"]
    rows = describe_unknown_key(key, keys, width).splitlines()
    assert max(map(display_width, rows)) < width
    assert " ".join(rows).endswith("does nothing here. Keys: y n a t d e c u i v q ?")
    assert len(rows) <= {20: 4, 40: 2, 80: 1}[width]


def test_a_narrow_terminal_shows_the_question_and_all_keys(vault: Path) -> None:
    with run_on_screen(vault, *ASK, size=Size(40, 24)) as screen:
        screen.wait_until(is_asking, "a question").type("x")
        screen.wait_for("“x” does nothing here.").wait_until(is_asking, "a question").settle()
        assert "Keys: y n a t d e c u i v q ?" in " ".join(map(str.strip, screen.rows))
        assert screen.history == screen.rows, "nothing has scrolled off"
        answer(screen, "q").wait_for("Nothing was changed.").wait_for_end(1)
        assert "does nothing here" not in screen.text


def test_v_shows_all_places_in_the_pager(tmp_path: Path) -> None:
    require_program("less")
    vault = create_vault(tmp_path / "vault", LONG)
    with run_on_screen(vault, "fix", "-i") as screen:
        answer(screen, "v").wait_for("Log.md:3").settle()
        assert f"-…{('Words before it. ' * 30)[-46:]}[[{LONG_NAME[:19]}" in screen.text.replace(
            "\n", ""
        )
        screen.type("G").wait_for("Log.md:79").settle()
        screen.type("q").wait_until(is_asking, "the question again")
        answer(screen, "u").wait_for_end(0)
        assert "Fixed 40 findings in 1 note." in screen.everything


def test_v_prints_what_fits_on_the_screen(vault: Path) -> None:
    with run_on_screen(vault, *ASK, size=LARGE) as screen:
        answer(screen, "v").wait_for("Log.md:3\n-- [[Kind of Green Tea]]\n+- [[kinds of green tea|")
        answer(screen, "q").wait_for_end(1)


def test_headline_stays_below_the_explained_keys(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", LONG)
    with run_on_screen(vault, "fix", "-i") as screen:
        answer(screen, "?").wait_until(is_asking, "the question again").settle()
        assert "1 of 1  VL101 dangling-link" in screen.text
        assert "40 links in 1 note." in screen.text
        answer(screen, "q").wait_for_end(1)


# -- completion and configuration ------------------------------------------------------------------------------------

NAMES = ["Plans/Tea", "Tea", "Old tea", "Plans/Old", "a/b/Tea time"]


@each(
    ("line", "found"),
    [
        ("", NAMES),
        ("tea", ["Tea", "Plans/Tea", "a/b/Tea time", "Old tea"]),
        ("old tea", ["Old tea"]),
        ("PLANS", ["Plans/Tea", "Plans/Old"]),
        ("time tea", ["a/b/Tea time"]),
        ("x", []),
    ],
)
def test_names_are_completed_from_words(line: str, found: list[str]) -> None:
    assert find_names(line, NAMES) == found


CONFIGURATIONS: dict[str, tuple[str, str | None]] = {
    "empty": ("", 'allow-dangling = ["New"]\n'),
    "no final newline": ('select = ["A"]', 'select = ["A"]\nallow-dangling = ["New"]\n'),
    "before the tables": (
        '# c\nselect = ["A"]\n\n[severity]\nx = "y"\n',
        '# c\nselect = ["A"]\nallow-dangling = ["New"]\n\n[severity]\nx = "y"\n',
    ),
    "one line": ('allow-dangling = [ "a" ] # x\n', 'allow-dangling = [ "a", "New" ] # x\n'),
    "many lines": (
        'allow-dangling = [\n  "a",  # why\n  "b"\n]\n[severity]\n',
        'allow-dangling = [\n  "a",  # why\n  "b",\n  "New"\n]\n[severity]\n',
    ),
    "a final comma": (
        'allow-dangling = [\n\t"a",\n]\n',
        'allow-dangling = [\n\t"a",\n\t"New",\n]\n',
    ),
    "Windows line ends": (
        "select = []\r\n\r\n[severity]\r\n",
        'select = []\r\nallow-dangling = ["New"]\r\n\r\n[severity]\r\n',
    ),
    "there already": ('allow-dangling = ["New"]\n', 'allow-dangling = ["New"]\n'),
    "not a list": ("allow-dangling = 3\n", None),
    "not TOML": ("allow-dangling = [\n", None),
}


@each(("text", "expected"), CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_topic_is_inserted_and_all_else_kept(text: str, expected: str | None) -> None:
    assert allow_topics(text, ["New"]) == expected


@each(
    ("text", "expected"),
    [
        (
            "[tool.x]\na = 1\n[tool.vaultlink]\nselect = []\n\n[tool.y]\n",
            '[tool.x]\na = 1\n[tool.vaultlink]\nselect = []\nallow-dangling = ["N"]\n\n[tool.y]\n',
        ),
        ("[tool.x]\na = 1\n", None),
    ],
)
def test_topic_is_inserted_in_the_table_of_pyproject(text: str, expected: str | None) -> None:
    assert allow_topics(text, ["N"], ("tool", "vaultlink")) == expected


@each("topic", ["a", 'q"\\', "what?", "a*b", "[x]", "a[b]c", "ü/ö", "'", "#h"])
def test_pattern_of_a_topic_matches_this_topic(topic: str) -> None:
    pattern = make_topic_pattern(topic)
    assert pattern is not None
    assert compile_globs([pattern])(topic)
    assert not compile_globs([pattern])(topic + "x")
    text = allow_topics("", [pattern])
    assert text is not None
    assert tomllib.loads(text) == {"allow-dangling": [pattern]}


@each(
    ("topics", "patterns"),
    [
        (["Plan", "Plan.md"], ("Plan",)),
        (["Plan.md", "plan"], ("Plan.md", "plan")),
        (["Plan.md"], ("Plan.md",)),
        (["a*", "a*.md"], ("a[*]",)),
        (["Plan", "Pl\u0000an"], None),
    ],
)
def test_a_topic_is_allowed_with_the_fewest_patterns(
    topics: list[str], patterns: tuple[str, ...] | None
) -> None:
    assert make_topic_patterns(topics) == patterns


def test_topics_are_allowed_without_other_changes(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "v", {"Home.md": "[[Plan]] [[Plan|x]] [[Plan.md#z]]\n"})
    with run_on_screen(vault, *ASK) as screen:
        answer(screen, "i")
        screen.wait_for("Allowed 1 topic in .vaultlink.toml. `vaultlink undo` reverts it.")
        screen.wait_for_end(0)
        assert "Nothing to fix" not in screen.text
    assert run("check", "--vault", vault).code == 0


def test_safe_fixes_are_asked_about_only_if_rules_are_selected(tmp_path: Path) -> None:
    notes = {"Tide.md": "---\ntitle: Long tide\n---\n", "Home.md": "[[Long tide]] [[Idea]]\n"}
    root = create_vault(tmp_path / "vault", notes)
    with run_on_screen(root, "fix", "-i") as screen:
        screen.wait_until(is_asking, "a question")
        assert "1 of 1  VL125 planned-note" in screen.text
        answer(screen, "n").wait_for_end(1)
        assert "`vaultlink fix` fixes 1." in screen.everything
    with run_on_screen(root, "fix", "-i", "--select", "title-link") as screen:
        answer(screen, "y").wait_for_end(0)
    assert b"[[Tide|Long tide]] [[Idea]]" in (root / "Home.md").read_bytes()
