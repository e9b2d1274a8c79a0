"""Tests of what a vault declares read-only: the sentences, and the commands that leave it alone."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder import build_state, make_settings
from running import RunCommand, create_vault, read_files, write_files
from tables import each
from test_numbers import compare_numbers, compare_with_fix, read_json
from vaultlink import open_vault
from vaultlink.engine.step import Change, Presence, step
from vaultlink.fix.sources import FixAnswers
from vaultlink.links.read_only import find_declared_folders, find_read_only_reason
from vaultlink.parse.read_only import find_read_only_folders

# -- sentences ---------------------------------------------------------------------------------------------------------

DECLARED = [
    ("`raw/` is immutable.", ["raw"]),
    ("- **raw/** — immutable sources", ["raw"]),
    ("Files in `raw/` are read-only.", ["raw"]),
    ("Never edit files in `raw/`.", ["raw"]),
    ("Do not modify anything under `./raw/` or `archive/`.", ["raw", "archive"]),
    ("You must not change `/raw/**`, ever.", ["raw"]),
    ("Notes in `raw/articles/*.md` must never be modified after capture.", ["raw/articles"]),
    ("`Web Clips/` may not be edited", ["Web Clips"]),
    ("The agent reads `raw/` and treats it as immutable.", ["raw"]),
    ("wiki/ cites immutable raw/.", ["raw"]),
    ("Read-only: `raw/`, `inbox/`", ["raw", "inbox"]),
    ("Never modify files in `a/`, `b/`, or `c/`.", ["a", "b", "c"]),
    ("- `raw/` is read-only reference.", ["raw"]),
    ("| `raw/` | immutable capture |", ["raw"]),
    ("Treat the sources folder as read-only.", ["sources"]),
    ("the `sources` folder is immutable", ["sources"]),
    ("`raw/` holds the sources. Never modify them.", ["raw"]),
    ("`archive/` has the originals. Read-only.", ["archive"]),
    ("- `raw/`\n  - never edit", ["raw"]),
    ("- `raw/`\n\n  - never edit", ["raw"]),
    ("## raw/\n\n- Never edit.\n", ["raw"]),
    ("`wiki/` is rewritten often; `raw/` is never modified", ["raw"]),
    ("`wiki/` quotes `raw/`, which is immutable", ["raw"]),
    ("Never\nedit\n`raw/`.", ["raw"]),
    ("`raw/` → `wiki/`: `raw/` is immutable", ["raw"]),
    ("```\nvault/\n├── raw/        # immutable\n└── wiki/       # yours\n```", ["raw"]),
    ("```text\ndata/\n├── in/\n│   └── clips/  # read-only\nwiki/\n```", ["data/in/clips"]),
    ("```\nraw/    # never edit\nwiki/   # notes\n```", ["raw"]),
    ("```a``` is code.\n\n`raw/` is immutable.", ["raw"]),
    ("\ue000 icons \ue001\n\n- \ue000 `raw/` is immutable", ["raw"]),
    ("```\nraw/   # your sources (AI reads, never writes)\n```", ["raw"]),
    ("## raw/ (immutable)", ["raw"]),
    ("## Sources (`raw/`), immutable", ["raw"]),
    ("### `raw/` - read only\n\nWeb pages.", ["raw"]),
    ("## raw/\n\nNever edit these files.", ["raw"]),
    ("## The raw folder\n\nWeb pages. Never edit these files.", ["raw"]),
    ("## raw/\n\nDo not modify files here.", ["raw"]),
    ("## raw/\n\nThis folder is read-only.", ["raw"]),
    ("- `raw/`: sources. This folder is read-only.", ["raw"]),
    ("| raw/ | immutable sources, never edit |", ["raw"]),
    ("| raw/, clips/ | immutable |", ["raw", "clips"]),
    ("| Sources | `raw/` | Web pages | Never modify |", ["raw"]),
    ("| **raw/** | Web pages | LLM reads, never writes |", ["raw"]),
    ("| raw/ | immutable sources for wiki/ |\n| wiki/ | edit freely |", ["raw"]),
    ("| Folder | Human | LLM |\n|---|---|---|\n| raw/ | writes | read-only |", ["raw"]),
    ("`raw/` ist unveränderlich.", ["raw"]),
    ("Dateien in `raw/` niemals ändern.", ["raw"]),
    ("Le dossier `raw` est en lecture seule.", ["raw"]),
    ("`raw/` : en lecture seule", ["raw"]),
    ("Ne jamais modifier `raw/`.", ["raw"]),
    ("`raw/` es inmutable", ["raw"]),
    ("Nunca modificar los archivos en `raw/`", ["raw"]),
    ("`raw/` é somente leitura", ["raw"]),
    ("Nunca edite arquivos em `raw/`", ["raw"]),
    ("`raw/` è in sola lettura", ["raw"]),
    ("Mai modificare i file in `raw/`", ["raw"]),
    ("`raw/` только для чтения", ["raw"]),
    ("Никогда не изменяй файлы в `raw/`", ["raw"]),
    ("`raw/` 目录只读，不得修改", ["raw"]),
    ("- 不要修改 `raw/` 下的文件", ["raw"]),
    ("`raw/` は読み取り専用です", ["raw"]),
    ("`raw/` は編集しない", ["raw"]),
    ("`raw/` 폴더는 불변", ["raw"]),
    ("`raw/` 파일을 수정하지 않는다", ["raw"]),
]


@each(("text", "folders"), DECLARED, ids=[text for text, _ in DECLARED])
def test_folder_is_declared(text: str, folders: list[str]) -> None:
    assert list(find_read_only_folders("CLAUDE.md", text)) == folders


@each(
    "text",
    [
        "`raw/` has the sources.",
        "Never edit `wiki/index.md`.",
        "Never edit wiki/index.md, it is generated.",
        "Do not edit links in `wiki/`.",
        "Never change the names of notes in `wiki/`.",
        "Never edit `wiki/` without a source.",
        "Do not modify `wiki/` unless asked.",
        "`wiki/` is read-only until the review.",
        "`raw/` is read-only except for `raw/notes/`.",
        "Do not edit `wiki/` directly; use the commands.",
        "When you answer a question, do not write to `wiki/`.",
        "In query mode, never edit `wiki/`.",
        "Everything in `wiki/` except `wiki/log/` is immutable.",
        "The interface in `lib/` never changes.",
        "`wiki/` is not read-only.",
        "`wiki/` isn't immutable.",
        "`wiki/` is no longer immutable",
        "Is `raw/` immutable?",
        "Humans never edit `wiki/`.",
        "`wiki/` pages cite immutable sources.",
        "`wiki/` is compiled from immutable sources.",
        "`notes/` is about immutable infrastructure.",
        "`scripts/` is read-only Node with tests",
        "Never modify notes in `a/` or `b/` without both.",
        "`raw/` → compiler → `wiki/` (raw stays immutable)",
        "`raw/` feeds `wiki/` and is never modified",
        "Read only `wiki/` pages that matter.",
        "Read only the tail of `wiki/log.md`.",
        "Never write a `wiki/` page without sources",
        "Never write a `wiki/` page that nobody asked for.",
        "The seed script cannot write `seeds/`.",
        "Never delete notes in `wiki/`.",
        "Immutable.",
        "- Never edit.",
        "## raw/\n\n- Never modify existing tests.\n",
        "## raw/ and wiki/\n\n- Never edit.\n",
        "## raw/ and wiki/\n\nDo not modify files here.",
        "## raw\n\nNever edit these files.",
        "## raw/\n\n## Style\n\nNever edit these files.",
        "## wiki/ (not immutable)",
        "## wiki/ (read-only until the review)",
        "## wiki/ - read only when asked",
        "## wiki/ from immutable sources",
        "## wiki/\n\nImmutable sources are in another folder.",
        "## wiki/index.md (immutable)",
        "## Is raw/ immutable?",
        "`wiki/` is editable, the rest is immutable",
        "`wiki/` is yours, sources are immutable",
        "`wiki/` is read-only for readers",
        "Do not edit files here.",
        "| src/ | edit freely | raw/ is immutable |",
        "| src/ | edit freely | the rest is immutable |",
        "| raw/ | wiki/ | immutable |",
        "| wiki/ | mutable | raw/ | immutable |",
        "| wiki/ | compiled from raw/ | never edit raw |",
        "| raw/ | never edit wiki/ |",
        "| raw | immutable |",
        "| raw/index.md | immutable |",
        "| wiki/ | not immutable |",
        "| wiki/ | read-only: no |",
        "| wiki/ | Read-only? | No |",
        "| wiki/ | never edit without a source |",
        "| wiki/ | LLM writes | Human reads, never edits |",
        "| Folder | Human | LLM |\n|---|---|---|\n| wiki/ | read-only | all |",
        "| Folder | Ingest | Query |\n|---|---|---|\n| wiki/ | write | read-only |",
        "| Folder | Read-only |\n|---|---|\n| wiki/ | no |",
        "## wiki/\n\n| Read-only | no |",
        "Never edit this folder.",
        "```python\n# raw/ is immutable\n```",
        "```bash\nls raw/  # read-only\n```",
        "```\nwiki/   # compiled from immutable sources\n```",
        "https://example.com/raw/ is immutable",
        "Use and/or, w/o changes, never edit.",
        "`./` is read-only, `/` is immutable, `../raw/` is immutable",
    ],
)
def test_nothing_is_declared(text: str) -> None:
    assert find_read_only_folders("CLAUDE.md", text) == ()


@each(
    ("path", "found"),
    [
        ("CLAUDE.md", ("raw",)),
        ("docs/agents.md", ("raw",)),
        ("ReadMe.md", ("raw",)),
        ("Notes.md", ()),
        ("CLAUDE.txt", ()),
        ("My README.md", ()),
    ],
)
def test_only_notes_for_readers_and_agents_declare(path: str, found: tuple[str, ...]) -> None:
    assert find_read_only_folders(path, "`raw/` is immutable") == found


def test_readme_speaks_of_its_folder() -> None:
    text = "Never edit this folder."
    assert find_read_only_folders("raw/README.md", text) == (".",)
    assert find_read_only_folders("README.md", text) == ()


@each(
    ("path", "text", "found"),
    [
        ("raw/AGENTS.md", "This folder is read-only.", (".",)),
        ("raw/README.md", "# Sources\n\nEverything in this folder is immutable.", (".",)),
        ("raw/README.md", "The files here are read-only.", (".",)),
        ("raw/CLAUDE.md", "Do not edit files here.", (".",)),
        ("raw/CLAUDE.md", "Dieser Ordner ist schreibgeschützt.", (".",)),
        ("raw/README.md", "# raw/\n\nThis folder is read-only.", ("raw",)),
        ("raw/README.md", "# Raw (immutable)", ("Raw",)),
        ("a/raw/AGENTS.md", "# raw\n\nImmutable sources. Never edit.", ("raw",)),
        ("sub/CLAUDE.md", "## raw/\n\nThis folder is read-only.", ("raw",)),
        ("AGENTS.md", "This folder is read-only. The files here are immutable.", ()),
        ("AGENTS.md", "# raw\n\nNever edit.", ()),
        ("raw/README.md", "Read-only.", ()),
        ("raw/README.md", "This folder is not read-only.", ()),
        ("raw/README.md", "This folder is read-only for users, edit in the app.", ()),
        ("raw/README.md", "You read, never edit files here.", ()),
        ("wiki/README.md", "This folder is built from immutable sources.", ()),
        ("wiki/README.md", "# Wiki\n\nImmutable sources are elsewhere.", ()),
        ("wiki/README.md", "# Wiki notes\n\nNever edit.", ()),
        ("wiki/AGENTS.md", "# wiki\n\nNever edit without a source.", ()),
        ("lib/README.md", "# lib\n\nImmutable data structures.", ()),
        ("lib/README.md", "# lib.js\n\nImmutable.", ()),
    ],
)
def test_note_in_a_folder_declares_it(path: str, text: str, found: tuple[str, ...]) -> None:
    assert find_read_only_folders(path, text) == found


def test_readme_tells_its_reader_what_a_program_does() -> None:
    text = "You never edit `wiki/`; the agent does."
    assert find_read_only_folders("README.md", text) == ()


@each(
    "part",
    [
        "into",
        "raw/",
        "a.",
        "| raw/ ",
        "| a | b\n",
        "# raw\n",
        "never edit ",
        "never edit \ue000 ",
        "`",
        "- ",
        "─",
        "─ a/ ",
        "**",
    ],
)
def test_long_text_takes_no_time(part: str) -> None:
    for text in (part * 30_000, f"never edit {part * 300}", f"```\n{part * 900}\n"):
        find_read_only_folders("README.md", f"raw/ is immutable\n\n{text}")


# -- folders of a vault ------------------------------------------------------------------------------------------------


@each(
    ("paths", "text", "folders"),
    [
        (["CLAUDE.md", "raw/a.md"], "`raw/` is immutable", ["raw/"]),
        (["CLAUDE.md", "Raw/a.md"], "`raw/` is immutable", ["Raw/"]),
        (["CLAUDE.md", "docs/raw/a.md"], "`raw/` is immutable", ["docs/raw/"]),
        (["CLAUDE.md", "a/raw/a.md", "b/raw/a.md"], "`raw/` is immutable", []),
        (["CLAUDE.md", "wiki/a.md"], "`raw/` is immutable", []),
        (["sub/CLAUDE.md", "raw/a.md", "sub/raw/a.md"], "`raw/` is immutable", ["sub/raw/"]),
        (["sub/CLAUDE.md", "raw/a.md"], "`raw/` is immutable", ["raw/"]),
        (["sub/README.md", "raw/a.md"], "`raw/` is immutable", []),
        (["raw/README.md", "raw/a.md"], "`raw/` is immutable", ["raw/"]),
        (["raw/README.md", "raw/a.md"], "Never edit this folder.", ["raw/"]),
        (["raw/README.md", "raw/deep/a.md"], "`deep/` is immutable", ["raw/deep/"]),
        (["CLAUDE.md", "raw.md"], "`raw/` is immutable", []),
        (["CLAUDE.md", "a.md"], "Never edit this folder. `./` is immutable.", []),
    ],
)
def test_declared_folder_is_found(paths: list[str], text: str, folders: list[str]) -> None:
    notes = {path: text if path.endswith(("CLAUDE.md", "README.md")) else "" for path in paths}
    assert list(find_declared_folders(build_state(notes, make_settings()).index)) == folders


def test_step_gives_the_same_as_a_fresh_state() -> None:
    settings = make_settings(["missing-section"], backlinks={"mode": "write"})
    notes = {"Story.md": "See [[a]], [[b]] and [[c]].", "raw/a.md": "", "in/b.md": "", "c.md": ""}
    state = build_state(notes, settings)
    for changes in (
        {"CLAUDE.md": "`raw/` is immutable"},
        {"CLAUDE.md": "`raw/` and `in/` are immutable"},
        {"AGENTS.md": "`in/` is read-only", "CLAUDE.md": "`raw/` is mine"},
        {"raw/README.md": "Never edit this folder."},
        {"raw/README.md": None, "in/b.md": None},
        {"in/b.md": "", "AGENTS.md": None},
    ):
        notes = {path: text for path, text in {**notes, **changes}.items() if text is not None}
        state = step(
            state,
            [
                Change(path, Presence.GONE if text is None else text)
                for path, text in changes.items()
            ],
        )
        assert state.diagnostics == build_state(notes, settings).diagnostics
    assert state.diagnostics.keys() == {"raw/a.md", "in/b.md", "c.md"}


@each(
    ("text", "kind"),
    [
        ("---\nsource: https://example.com/a\n---\n", "clipped"),
        ("---\nSource:\n  - HTTP://example.com/a\n---\n", "clipped"),
        ("---\nclipped: https://example.com/a\n---\n", "clipped"),
        ("---\nurl: https://example.com/a\n---\nMy own words.\n", None),
        ("---\nlink: https://example.com/a\n---\n", None),
        ("---\nsource: A book\n---\n", None),
        ("---\nsource: '[[A book]]'\n---\n", None),
        ("Source: https://example.com/a\n", None),
        ("/*\nA script\n*/\nlet a = 1;\n", "script"),
        ("/* never closed\n", None),
        ("Text /* and */ more\n", None),
        ("\n/* a */\n", None),
    ],
)
def test_note_shows_that_it_is_only_read(text: str, kind: str | None) -> None:
    index = build_state({"a.md": text}, make_settings()).index
    reason = find_read_only_reason(index, index.notes["a.md"])
    assert (reason.kind if reason else None) == kind


# -- commands ----------------------------------------------------------------------------------------------------------

VAULT: Mapping[str, bytes] = {
    ".vaultlink.toml": b"",
    "CLAUDE.md": b"`raw/` is immutable.\n",
    "Tide table machines.md": b"# Tide table machines\n\nSee [[Source]], [[Page]] and [[Tool]].\n",
    "Note.md": b"The tide table machines.\n\n[[Tide table machine]]\n",
    "Story.md": b"Made by [[Tide table machines]].\n",
    "Slug.md": b"[[tide-table-machines]]\n",
    "raw/Source.md": b"The tide table machines.\n\n[[Tide table machine]]\n",
    "raw/Slug.md": b"[[tide-table-machines]]\n",
    "Clips/Page.md": (
        b"---\nsource: https://example.com/a\n---\nThe tide table machines.\n\n"
        b"[[Tide table machine]]\n"
    ),
    "Tool.md": b"/*\nThe tide table machines\n*/\nlet a = 1;\n",
}
"""Four notes mention one; the links in three of them need a guess, those in `Slug.md` do not."""

ONLY_READ = {"raw/Source.md", "Clips/Page.md", "Tool.md"}
FREE = '`protect = ["!raw/"]` in the settings lets vaultlink write there.'


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create the sample vault and make it the current folder."""
    folder = create_vault(tmp_path / "vault", VAULT)
    monkeypatch.chdir(folder)
    return folder


def list_changed(vault: Path, before: Mapping[str, bytes] = VAULT) -> set[str]:
    return {path for path, text in read_files(vault).items() if text != before.get(path)}


@pytest.mark.parametrize(
    ("line", "changed", "parts"),
    [
        (
            ("mentions", "--write", "--min-score", "0"),
            {"Note.md"},
            "2 notes in raw/ (CLAUDE.md says so), 1 clipped page, 1 script.",
        ),
        (
            ("sections", "write"),
            {"Tide table machines.md"},
            "1 note in raw/ (CLAUDE.md says so), 1 clipped page, 1 script.",
        ),
        (
            ("fix", "--unsafe-fixes"),
            {"Note.md", "Slug.md"},
            "2 notes in raw/ (CLAUDE.md says so), 1 clipped page.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_guesses_leave_out_what_is_only_read(
    run: RunCommand, vault: Path, line: tuple[str, ...], changed: set[str], parts: str
) -> None:
    done = run(*line)
    assert list_changed(vault) == changed
    assert done.err.count("Only read") == 1
    assert f"Only read: {parts} {FREE}\n" in done.err


def test_safe_fixes_leave_out_declared_folders(run: RunCommand, vault: Path) -> None:
    clip = VAULT["Clips/Page.md"] + b"[[tide-table-machines]]\n"
    write_files(vault, {"Clips/Page.md": clip})
    before = read_files(vault)
    for words in (("--diff",), (), ("--output-format", "json")):
        done = run("fix", *words)
        assert f"Only read: 1 note in raw/ (CLAUDE.md says so). {FREE}\n" in done.err
    assert list_changed(vault, before) == {"Slug.md", "Clips/Page.md"}


@each(
    ("settings", "words", "changed"),
    [
        (b'protect = ["!raw/"]', [], {"Slug.md", "raw/Slug.md"}),
        (b'protect = ["!raw/Slug.md"]', [], {"Slug.md", "raw/Slug.md"}),
        (b'unfixable = ["respelt-link"]', [], set()),
        (b'exclude = ["raw/"]', [], {"Slug.md"}),
        (b"", ["Slug.md"], {"Slug.md"}),
        (b"", ["--ignore", "respelt-link"], set()),
    ],
)
def test_only_fixes_that_were_wanted_are_left_out(
    settings: bytes, words: list[str], changed: set[str], run: RunCommand, vault: Path
) -> None:
    write_files(vault, {".vaultlink.toml": settings})
    before = read_files(vault)
    done = run("fix", *words)
    assert list_changed(vault, before) == changed
    assert "Only read" not in done.err


def test_links_follow_a_rename_there(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"raw/Source.md": b"[[Tide table machines]]\n"})
    assert run("rename", "Tide table machines", "Machines").code == 0
    assert (vault / "raw/Source.md").read_bytes().startswith(b"[[Machines")


def test_numbers_of_fixes_agree(run: RunCommand, vault: Path, tmp_path: Path) -> None:
    numbers = compare_with_fix(run, vault, "--cache-dir", tmp_path / "cache")
    assert numbers == (1, 1)


@pytest.mark.parametrize("many", [0, 1_000])
def test_numbers_follow_a_declaration(
    many: int, run: RunCommand, vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaultlink.cli.check_output._MANY", many)
    counts = []
    for text in (b"`raw/` is mine.\n", b"`raw/` is immutable.\n", b"Mine.\n"):
        write_files(vault, {"CLAUDE.md": text})
        numbers = compare_numbers(run, "--cache-dir", tmp_path / "cache")
        counts.append(numbers)
    assert counts == [(2, 2), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("setting", "path"),
    [
        (b'["!raw/"]', "raw/Source.md"),
        (b'["!Clips/"]', "Clips/Page.md"),
        (b'["!/Tool.md"]', "Tool.md"),
    ],
)
def test_protect_lets_vaultlink_write_there(
    run: RunCommand, vault: Path, setting: bytes, path: str
) -> None:
    write_files(vault, {".vaultlink.toml": b"protect = " + setting})
    before = read_files(vault)
    run("mentions", "--write", "--min-score", "0")
    assert list_changed(vault, before) == {"Note.md", path}


def test_notes_that_are_only_read_are_targets(run: RunCommand, vault: Path) -> None:
    write_files(
        vault,
        {
            "raw/Fog signal station.md": b"It is on the mole.\n",
            "Walk.md": b"The fog signal station.\n",
        },
    )
    rows = read_json(run, "mentions", "Walk")["mentions"]
    assert [row["target"] for row in rows] == ["raw/Fog signal station.md"]


def test_listing_says_why_notes_are_not_searched(run: RunCommand, vault: Path) -> None:
    done = run("mentions", "--min-score", "0", "--output-format", "json")
    rows: list[dict[str, str]] = json.loads(done.out)["mentions"]
    assert {row["note"] for row in rows}.isdisjoint(ONLY_READ)
    assert done.err.count("Only read: 2 notes in raw/ (CLAUDE.md says so)") == 1
    assert "Only read" not in run("mentions", "Note").err
    assert "Only read" not in run("mentions", "-q").err


def test_sections_there_are_not_updated_but_removed(run: RunCommand, vault: Path) -> None:
    write_files(vault, {"CLAUDE.md": b""})
    run("sections", "write")
    write_files(vault, {"CLAUDE.md": VAULT["CLAUDE.md"], "New.md": b"[[Source]]\n"})
    written = read_files(vault)
    assert written["raw/Source.md"] != VAULT["raw/Source.md"]
    run("sections", "write")
    assert read_files(vault)["raw/Source.md"] == written["raw/Source.md"]
    run("sections", "remove")
    assert read_files(vault)["raw/Source.md"] == VAULT["raw/Source.md"]


def test_section_there_is_not_adopted(run: RunCommand, vault: Path) -> None:
    own = b"text\n\n## Backlinks\n\n- [[Tide table machines]]\n"
    write_files(vault, {"raw/Source.md": own, "Note.md": own})
    before = read_files(vault)
    run("sections", "adopt")
    assert list_changed(vault, before) == {"Note.md"}


def test_questions_leave_out_what_is_only_read(vault: Path) -> None:
    opened = open_vault(vault)
    findings = [item for items in opened.state.diagnostics.values() for item in items]
    causes = opened.fixer.chooser(findings, FixAnswers()).causes
    asked = {(item.path, cause.rule) for cause in causes for item in cause.findings}
    assert {path for path, rule in asked if rule == "dangling-link"} == {"Note.md"}
    assert "raw/Slug.md" not in {path for path, _ in asked}
