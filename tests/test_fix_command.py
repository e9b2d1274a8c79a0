"""Tests of `vaultlink fix` on real folders: writes, skipped notes, output, and undo."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from forge import ROOT
from growth import count_calls_by_name
from machine import require_program
from running import PROGRAM, CommandResult, RunCommand, create_vault, read_files, write_files
from tables import each
from vaultlink.api import open_vault
from vaultlink.watch.environment import AutoFixer
from vaultlink.watch.events import Debounce
from vaultlink.write.journal_files import lock_vault

VAULT: Mapping[str, str] = {
    "Home.md": "---\ntag: start\n---\n[[Role of memory]], [[my plan|plan]] and [[Nowhere]].\n",
    "mem.md": "---\ntitle: Role of memory\n---\n\ufeffno final newline",
    "My-Plan.md": "# Next steps\r\n\r\n[[#next - steps]] \r\n",
}
FIXED = {
    "Home.md": "---\ntags: start\n---\n[[mem|Role of memory]], [[My-Plan|plan]] and [[Nowhere]].\n",
    "My-Plan.md": "# Next steps\r\n\r\n[[#Next steps|next - steps]] \r\n",
}


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def after(*, changed: Mapping[str, str] = FIXED) -> dict[str, bytes]:
    return {path: text.encode() for path, text in sorted({**VAULT, **changed}.items())}


def test_only_safe_fixes_are_applied(run: RunCommand, vault: Path) -> None:
    told = run("fix")
    assert read_files(vault) == after()
    assert told.code == 1
    assert told.lines == [
        "Home.md:4:46: VL125 planned-note “Nowhere” is not written yet: no file in the vault has this name."
    ]
    assert (
        "Fixed 4 findings in 2 notes: deprecated-property 1, missing-heading 1, respelt-link 1, title-link 1. `vaultlink undo`"
        in told.err
    )


ODD_SETTINGS = """\
select = ["respelt-link", "broken-section-entry", "dead-end"]

[severity]
dead-end = "error"
"""
ODD_VAULT: Mapping[str, str] = {
    "vaultlink.toml": ODD_SETTINGS,
    "Odd.md": "About tides.\n\nAdd backlinks using these topics:\n- Odd – [[Odd]]\n",
    "Even.md": "[[my plan]]\n",
    "My-Plan.md": "[[even]]\n",
}
"""The fix of the entry in `Odd.md` would cause an error: then no link is left."""

ODD_MESSAGE = (
    "Odd.md: skipped: a fix of broken-section-entry was left out because there would be a new error, dead-end: "
    "No link in “Odd.md” resolves to a file in the vault. This is a bug in vaultlink; please report it.\n"
)


def test_page_about_safe_fixes_has_this_vault_and_message() -> None:
    page = ROOT / "docs" / "safe-fixes.md"
    assert blocks(page, "toml") == [ODD_SETTINGS]
    assert blocks(page, "markdown") == [ODD_VAULT["Odd.md"]]
    finding, message = blocks(page, "text")
    assert message.split() == ODD_MESSAGE.split()
    expected = (ROOT / "fixtures" / "podcast-wiki.txt").read_text(encoding="utf-8")
    assert " ".join(finding.split()) in expected


@each("quiet", [(), ("--quiet",)], ids=["", "quiet"])
def test_fix_that_breaks_a_promise_stops_no_other(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: tuple[str, ...]
) -> None:
    vault = create_vault(tmp_path / "odd", ODD_VAULT)
    monkeypatch.chdir(vault)
    for _ in range(2):
        told = run("fix", "--exit-zero", *quiet)
        assert (told.code, ODD_MESSAGE in told.err) == (1, True), told
        assert (vault / "Even.md").read_text() == "[[My-Plan|my plan]]\n"
    data = run("fix", "--output-format", "json").data
    assert isinstance(data, dict)
    assert [item["path"] for item in data["fixed"]["left"]] == ["Odd.md"]
    assert run("fix", "--diff", *quiet).code == 1


def test_error_about_the_whole_note_is_not_new(
    run: RunCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no place, so a fix at the start of the note does not move it."""
    settings = 'select = ["url-wikilink", "dead-end"]\n[severity]\ndead-end = "error"\n'
    settings += 'url-wikilink = "warning"\n'
    vault = create_vault(
        tmp_path / "odd", {"vaultlink.toml": settings, "a.md": "[[https://example.org]]\n"}
    )
    monkeypatch.chdir(vault)
    assert "skipped" not in run("fix").err
    assert (vault / "a.md").read_text() == "<https://example.org>\n"


def test_watcher_makes_all_other_fixes(tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "odd", ODD_VAULT)
    fixer = AutoFixer(Debounce(), "vaultlink watch --fix", writing=True)
    attempt = fixer.attempt_fix(open_vault(vault), 0.0)
    assert attempt.applied_fixes
    assert "Even.md" in attempt.applied_fixes.written
    assert [note.path for note in attempt.applied_fixes.skipped] == ["Odd.md"]
    proposal = AutoFixer(Debounce(), "", writing=False).attempt_fix(open_vault(vault), 0.0)
    assert [note.path for note in proposal.skipped] == ["Odd.md"]


def test_check_with_fix_equals_fix(run: RunCommand, vault: Path) -> None:
    assert run("check", "--fix").lines == run("fix").lines
    assert read_files(vault) == after()


def test_second_run_fixes_nothing(run: RunCommand, vault: Path) -> None:
    run("fix")
    before = {path: (vault / path).stat().st_mtime_ns for path in VAULT}
    told = run("fix")
    assert "Nothing to fix." in told.err
    assert {path: (vault / path).stat().st_mtime_ns for path in VAULT} == before


@each(
    "words",
    [("fix", "--diff"), ("fix", "--dry-run"), ("check", "--diff"), ("check", "--fix", "--diff")],
)
def test_diff_shows_what_would_be_written_and_writes_nothing(
    run: RunCommand, vault: Path, words: tuple[str, ...]
) -> None:
    told = run(*words)
    assert told.code == 1
    assert read_files(vault) == after(changed={})
    (vault / "fix.patch").write_bytes(told.out.encode())
    subprocess.run([require_program("git"), "apply", "fix.patch"], cwd=vault, check=True)
    (vault / "fix.patch").unlink()
    assert read_files(vault) == after()
    assert run(*words).code == 0


def test_paths_limit_what_is_fixed(run: RunCommand, vault: Path) -> None:
    told = run("fix", "My-Plan.md")
    assert told.code == 0
    assert read_files(vault) == after(changed={"My-Plan.md": FIXED["My-Plan.md"]})


@each(
    ("words", "fixed"),
    [
        (("--unfixable", "VL1"), {"Home.md": VAULT["Home.md"].replace("tag:", "tags:")}),
        (
            ("--fixable", "title-link"),
            {"Home.md": VAULT["Home.md"].replace("[[Role", "[[mem|Role")},
        ),
        (("--select", "missing-heading"), {"My-Plan.md": FIXED["My-Plan.md"]}),
    ],
)
def test_rules_can_be_chosen(
    run: RunCommand, vault: Path, words: tuple[str, ...], fixed: Mapping[str, str]
) -> None:
    run("fix", *words)
    assert read_files(vault) == after(changed=fixed)


def test_json_lists_applied_fixes_and_remaining_findings(run: RunCommand, vault: Path) -> None:
    data = run("fix", "--output-format", "json").data
    assert isinstance(data, dict)
    assert data["fixed"] == {
        "notes": 2,
        "findings": 4,
        "run": data["fixed"]["run"],
        "left": [],
        "mentions": 0,
        "by_rule": {
            "deprecated-property": 1,
            "missing-heading": 1,
            "respelt-link": 1,
            "title-link": 1,
        },
    }
    assert data["fixed"]["run"]
    assert [item["rule"] for item in data["findings"]] == ["planned-note"]
    assert data["summary"]["fixable"] == 0


@each("options", [(), ("--no-cache",)])
def test_findings_of_a_plan_are_sorted_by_path_whatever_changed(
    run: RunCommand, vault: Path, options: tuple[str, ...]
) -> None:
    assert run("fix", "--diff", "--json").code == 1
    write_files(vault, {"Home.md": f"{VAULT['Home.md']}More.\n"})
    data = run("fix", "--diff", "--json", *options).data
    assert isinstance(data, dict)
    assert [item["path"] for item in data["fixed"]] == ["Home.md"] * 3 + ["My-Plan.md"]


def test_a_preview_parses_no_text_again_in_which_only_links_change(
    run: RunCommand, vault: Path
) -> None:
    notes = {f"{number}.md": "See [[Role of memory]].\n" for number in range(9)}
    write_files(vault, {"Home.md": "", "My-Plan.md": "", **notes})
    checked = count_calls_by_name(lambda: run("check", "--no-cache"))
    previewed = count_calls_by_name(lambda: run("fix", "--diff", "--no-cache"))
    assert previewed["parse_note"] == checked["parse_note"] == 12
    assert run("fix", "--diff").out.count("+See [[mem|Role of memory]].") == 9


def test_edits_of_json_are_bytes_of_the_file(run: RunCommand, vault: Path) -> None:
    """Applied to the file, they give what `fix` writes, also after a byte order mark and multi-byte characters."""
    path = vault / "Home.md"
    path.write_bytes(b"\xef\xbb\xbf" + "é🙂 [[Role of memory]] é [[my plan]]\r\n".encode())
    data = run("check", "--output-format", "json").data
    assert isinstance(data, dict)
    content = path.read_bytes()
    edits = [
        edit
        for item in data["findings"]
        if item["path"] == "Home.md"
        for edit in item["fix"]["edits"]
    ]
    for edit in sorted(edits, key=lambda edit: -edit["start"]):
        content = content[: edit["start"]] + edit["text"].encode() + content[edit["end"] :]
    run("fix")
    assert path.read_bytes() == content
    assert content.startswith(b"\xef\xbb\xbf\xc3\xa9")
    assert data["summary"]["fixable"] == len(data["findings"]) == 3


# -- unsafe fixes -------------------------------------------------------------------------------------------------

LOOSE = {
    "Home.md": "[[Paln]] [[Ideas|some ideas]] ![[Ideas]] [x](Ideas.md)\n",
    "Plan.md": "[[Home]]\n",
}


@pytest.fixture
def loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a vault with unresolved topics."""
    folder = create_vault(tmp_path / "loose", LOOSE)
    monkeypatch.chdir(folder)
    return folder


def test_unsafe_fixes_need_an_option(run: RunCommand, loose: Path) -> None:
    told = run("fix")
    assert read_files(loose) == {path: text.encode() for path, text in LOOSE.items()}
    assert "Nothing to fix." in told.err


def test_link_to_a_similar_name_is_fixed(run: RunCommand, loose: Path) -> None:
    run("fix", "--unsafe-fixes")
    assert (
        loose / "Home.md"
    ).read_text() == "[[Plan|Paln]] [[Ideas|some ideas]] ![[Ideas]] [x](Ideas.md)\n"


def test_unlinking_preserves_the_display_text(run: RunCommand, loose: Path) -> None:
    run("fix", "--unsafe-fixes", "--unlink")
    assert (loose / "Home.md").read_text() == "[[Plan|Paln]] some ideas ![[Ideas]] x\n"


def test_notes_are_created_for_dangling_topics(run: RunCommand, loose: Path) -> None:
    (loose / "stub.txt").write_text("# {{title}}\n\nTo be written.\n")
    told = run("fix", "--unsafe-fixes", "--create", "Inbox", "--template", "stub.txt")
    assert told.code == 0
    assert (
        loose / "Inbox/Ideas.md"
    ).read_text() == "---\ntitle: Ideas\n---\n\n# Ideas\n\nTo be written.\n"
    assert (
        loose / "Home.md"
    ).read_text() == "[[Plan|Paln]] [[Ideas|some ideas]] ![[Ideas]] [x](Ideas.md)\n"
    assert run("undo").code == 0
    assert not (loose / "Inbox").exists()


NEW_NOTES = {
    "the name alone": ("[[Tea]]", "title: Tea"),
    "a display text with other words": ("[[Tea|a drink]]", "title: Tea"),
    "a slug": (
        "[[blue_tea | Blue Tea]] [[blue_tea|Blue tea]] [[blue_tea|Blue Tea]]",
        "title: Blue Tea\naliases:\n- Blue tea",
    ),
    "other spellings": ("[[Tea]] [[tea]] [[TEA|TEA]]", "title: TEA\naliases:\n- tea"),
    "a name that YAML would read as a date": ("[[2024-01-31]]", "title: '2024-01-31'"),
    "a name with a colon in the display text": ("[[tea_green|Tea: green]]", "title: 'Tea: green'"),
    "in a folder": ("[[Drinks/Tea]] [[drinks/tea]]", "title: Tea\naliases:\n- tea"),
}


@each("name", NEW_NOTES)
def test_a_new_note_has_the_spellings_of_its_links(run: RunCommand, vault: Path, name: str) -> None:
    text, properties = NEW_NOTES[name]
    before = read_files(write_files(vault, {"Home.md": f"{text}\n"}))
    run("fix", "--unsafe-fixes", "--create", "Inbox")
    [made] = [data for path, data in read_files(vault).items() if path not in before]
    assert made.decode().startswith(f"---\n{properties}\n---\n\n# ")
    assert run("fix", "--unsafe-fixes", "--create", "Inbox").err.startswith("Nothing to fix.")


def test_a_new_note_has_the_date_on_request(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"Home.md": "[[Tea]]\n"})
    run("fix", "--unsafe-fixes", "--create", "Inbox", "--created")
    today = (vault / "Inbox/Tea.md").read_text().split("\n")[2]
    assert re.fullmatch(r"created: '\d{4}-\d\d-\d\d'", today)


@each(
    ("text", "made"),
    [
        ("[[Über]] [[über]]\n", ["Inbox/Über.md"]),
        ("[[u\u0308ber]] [[\u00fcber]]\n", ["Inbox/u\u0308ber.md"]),
        ("[[Trips/]] [[Trips//Rome]] [[/Rome]] [[../Rome]] [[.Rome]] [[Ro?me]] [[Rome.pdf]]\n", []),
    ],
)
def test_note_is_created_once_and_only_with_a_valid_name(
    run: RunCommand, vault: Path, text: str, made: list[str]
) -> None:
    write_files(vault, {"Home.md": text})
    before = read_files(vault)
    run("fix", "--unsafe-fixes", "--create", "Inbox")
    assert [path for path in read_files(vault) if path not in before] == made
    assert run("fix", "--unsafe-fixes", "--create", "Inbox").err.startswith("Nothing to fix.")


@each(
    ("words", "required"),
    [
        (("--unlink",), "--unsafe-fixes{or}"),
        (("--create", "Inbox"), "--unsafe-fixes{or}"),
        (("--template", "x"), "--create"),
        (("--created",), "--create"),
    ],
)
def test_unsafe_fixes_of_options_require_unsafe_fixes(
    run: RunCommand, loose: Path, words: tuple[str, ...], required: str
) -> None:
    for command, other in (("fix", " or --interactive"), ("check", "")):
        told = run(command, *words)
        assert told.code == 2
        assert f"{words[0]} requires {required.replace('{or}', other)}." in told.err


@each(("folder", "said"), [("../out", "is outside the vault"), (".hidden", "begin with a dot")])
def test_notes_are_created_only_inside_the_vault(
    run: RunCommand, loose: Path, folder: str, said: str
) -> None:
    told = run("fix", "--unsafe-fixes", "--create", folder)
    assert told.code == 2
    assert said in told.err


# -- notes that are left alone ------------------------------------------------------------------------------------


def left_alone(told: CommandResult) -> list[str]:
    return [line for line in told.err.splitlines() if ": skipped: " in line]


def test_read_only_note_is_skipped_and_the_rest_is_fixed(run: RunCommand, vault: Path) -> None:
    (vault / "Home.md").chmod(0o444)
    told = run("fix")
    assert told.code == 1
    assert read_files(vault) == after(changed={"My-Plan.md": FIXED["My-Plan.md"]})
    assert left_alone(told) == ["Home.md: skipped: it is read-only."]
    assert "VL106 title-link" in told.out, "its findings remain"


def test_diff_excludes_skipped_notes(run: RunCommand, vault: Path) -> None:
    (vault / "Home.md").chmod(0o444)
    os.link(vault / "My-Plan.md", vault.parent / "second name")
    told = run("fix", "--diff")
    assert (told.out, told.code) == ("", 0)
    assert left_alone(told) == [
        "Home.md: skipped: it is read-only.",
        "My-Plan.md: skipped: it has a second hard link, which would keep the old text.",
    ]


@each(
    ("file", "said"),
    [("none/out.txt", "No such file or directory"), ("Home.md", "is a note of the vault")],
)
def test_unwritable_output_file_is_an_error_before_any_write(
    run: RunCommand, vault: Path, file: str, said: str
) -> None:
    for command in ("fix", "check"):
        told = run(command, "--output-file", file)
        assert told.code == 2
        assert said in told.err
    assert read_files(vault) == after(changed={})


def test_note_in_a_sync_conflict_is_skipped(run: RunCommand, vault: Path) -> None:
    (vault / "Home.sync-conflict-20240131-101500-ABCDEFG.md").write_text("mine\n")
    told = run("fix")
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"].encode()
    assert left_alone(told) == [
        "Home.md: skipped: a sync service created a conflicting copy of it."
    ]


def test_note_with_conflict_markers_is_skipped(run: RunCommand, vault: Path) -> None:
    text = "<<<<<<< HEAD\n[[Role of memory]]\n=======\nnone\n>>>>>>> other\n"
    (vault / "Home.md").write_text(text)
    told = run("fix")
    assert (vault / "Home.md").read_text() == text
    assert left_alone(told) == ["Home.md: skipped: it contains merge conflict markers."]


def test_undecodable_notes_do_not_change(run: RunCommand, vault: Path) -> None:
    (vault / "Old.md").write_bytes(b"[[Role of memory]] \xff\n")
    run("fix")
    assert (vault / "Old.md").read_bytes() == b"[[Role of memory]] \xff\n"


def test_excluded_notes_do_not_change(run: RunCommand, vault: Path) -> None:
    (vault / "vaultlink.toml").write_text('exclude = ["Home.md"]\n')
    run("fix")
    assert (vault / "Home.md").read_bytes() == VAULT["Home.md"].encode()


# -- two at once, and people --------------------------------------------------------------------------------------


def test_two_simultaneous_runs_equal_one(vault: Path) -> None:
    command = [*PROGRAM, "fix"]
    both = [
        subprocess.Popen(command, cwd=vault, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        process.communicate(timeout=60)
    assert read_files(vault) == after()
    assert (
        subprocess.run(
            [*command, "--quiet"], cwd=vault, capture_output=True, check=False
        ).returncode
        == 1
    )


@pytest.mark.thorough
@each("words", [["fix"], ["sections", "write", "--entries", "all"]])
def test_write_lock_is_not_held_while_printing(vault: Path, words: list[str]) -> None:
    many = {
        f"a long name, so that a pipe is full of them soon, {number}.md": "[[nowhere]]\n"
        for number in range(2000)
    }
    write_files(
        vault, {**many, "Index.md": "".join(f"[[{path.removesuffix('.md')}]]\n" for path in many)}
    )
    command = [*PROGRAM, *words]
    with subprocess.Popen(
        command, cwd=vault, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline()  # it prints now, and waits for the pipe to be read
        with lock_vault(vault, timeout=10):
            assert running.poll() is None
        running.stdout.close()


def test_interactive_requires_a_terminal(vault: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "fix", "--interactive"],
        cwd=vault,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2
    assert "--interactive requires a terminal" in done.stderr


# -- the summary of what was fixed ------------------------------------------------------------------------------------

TITLES = {f"{word}.md": f"---\ntitle: The {word}\n---\n" for word in ("a1", "b2", "c3", "d4", "e5")}


@each(
    ("links", "lines"),
    [
        pytest.param(
            ("The a1", "The a1"),
            ["2  VL106 title-link  Link to “a1” and keep the visible text"],
            id="one target",
        ),
        pytest.param(
            ("The a1", "New1"),
            [
                "1  VL106 title-link  Link to “a1” and keep the visible text",
                "1  VL125 planned-note  Create the note “New1.md”",
                "  + New1.md",
            ],
            id="two rules",
        ),
        pytest.param(
            ("The a1", "The b2", "The c3", "The d4", "The e5"),
            ["5  VL106 title-link  Link to “a1” and keep the visible text, for example"],
            id="one example of many targets",
        ),
        pytest.param(
            ("New1", "New2", "New3", "New4", "New5"),
            [
                "5  VL125 planned-note  Create the note “New1.md”, for example",
                "  + New1.md, New2.md, New3.md, New4.md, New5.md",
            ],
            id="all created notes",
        ),
    ],
)
def test_summary_names_the_target_or_says_that_it_is_an_example(
    run: RunCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    links: tuple[str, ...],
    lines: list[str],
) -> None:
    text = "".join(f"[[{link}]]\n" for link in links)
    monkeypatch.chdir(create_vault(tmp_path / "v", {**TITLES, "Home.md": text}))
    result = run("fix", "--unsafe-fixes", "--create", ".", "--output-format", "full")
    shown = [line for line in result.lines if re.match(r"\d+  VL|  \+ New", line)]
    assert shown == lines


# -- former names of properties that templates and scripts read --------------------------------------------------------

TEMPLATER = {".obsidian/plugins/templater-obsidian/data.json": '{"templates_folder": "T"}'}
QUICKADD = {
    ".obsidian/plugins/quickadd/data.json": '{"choices": [{"templatePath": "Add/goal.md"}]}'
}

READERS: dict[str, tuple[Mapping[str, str], bool]] = {
    "a template": ({**TEMPLATER, "T/a.md": "<% tp.frontmatter.alias %>\n"}, True),
    "a template with a name in quotes": (
        {**TEMPLATER, "T/x/a.md": '<% tp.frontmatter["alias"] %>\n'},
        True,
    ),
    "a template with a call": ({**TEMPLATER, "T/a.md": "<% find(goal)?.alias %>\n"}, True),
    "a single template": (
        {**QUICKADD, "Add/goal.md": "```js quickadd\nreturn targetGoal.alias\n```\n"},
        True,
    ),
    "a script": ({"scripts/goal.js": "module.exports = (page) => page.alias;\n"}, True),
    "a large script": ({"scripts/main.js": "x;" * 100_001}, True),
    # not
    "no reader": ({}, False),
    "the present name": (
        {**TEMPLATER, "T/a.md": "<% tp.frontmatter.aliases %> my.alias_of\n"},
        False,
    ),
    "another former name": (
        {"scripts/goal.js": "page.tag; 'cssclass'; alias = 1; page.alias(1);\n"},
        False,
    ),
    "a package": ({"node_modules/x/goal.js": "page.alias\n"}, False),
    "the property of a template": ({**TEMPLATER, "T/a.md": "---\nalias: b\n---\n"}, False),
    "a note that is no template": ({**TEMPLATER, "Other.md": "page.alias\n"}, False),
}


@each(("files", "is_unsafe"), READERS.values(), ids=READERS)
def test_property_that_is_read_by_its_former_name_is_not_renamed(
    run: RunCommand, tmp_path: Path, files: Mapping[str, str], *, is_unsafe: bool
) -> None:
    vault = create_vault(tmp_path / "vault", {"Goal.md": "---\nalias: The goal\n---\n", **files})
    found: Any = run("check", "--vault", vault, "--json").data
    (item,) = [
        item for item in found["findings"] if item["code"] == "VL303" and item["path"] == "Goal.md"
    ]
    assert (item["fix"]["safety"] == "unsafe") is is_unsafe
    run("fix", "--vault", vault)
    assert ("alias: The goal" in (vault / "Goal.md").read_text(encoding="utf-8")) is is_unsafe
    run("fix", "--vault", vault, "--unsafe-fixes")
    assert "aliases: The goal" in (vault / "Goal.md").read_text(encoding="utf-8")


def test_script_that_is_added_later_counts(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", {"Goal.md": "---\nalias: The goal\n---\n"})
    assert "--unsafe-fixes" not in run("check", "--vault", vault).err
    (vault / "goal.js").write_text("page.alias", encoding="utf-8")
    assert "--unsafe-fixes" in run("check", "--vault", vault).err
