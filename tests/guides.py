"""What the commands of the guides in docs/ leave behind, and checks of what these pages claim.

Each function gets the repository in which the page's commands were run. It may change it.
"""

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import msgspec

from documents import blocks, parsed
from forge import ROOT, check_output, commit_all, run_process
from running import write_files
from vaultlink.config.layers import RUN_LIMIT_DEFAULTS
from vaultlink.config.settings import (
    BACKLINKS_CHOICES,
    LIST_KEYS,
    MENTIONS_DEFAULTS,
    SWITCH_KEYS,
    TABLE_KEYS,
    TEXT_KEYS,
)
from vaultlink.report.json_document import FindingRow
from vaultlink.report.note_past import PastRow
from vaultlink.rules.context import QUIET_KINDS
from vaultlink.serve.lsp.views import EditorSettings
from vaultlink.watch.events import Debounce
from vaultlink.watch.output import BatchRow

DOCS = ROOT / "docs"
PROGRAMS = Path(sys.executable).parent

Environment = dict[str, str]


# -- reading a page -------------------------------------------------------------------------------------------------------


def page_text(name: str) -> str:
    """Return the text of a page."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def table_rows(name: str, head: str) -> list[list[str]]:
    """Return the cells of the table that starts with a head, without the head."""
    rest = page_text(name).split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in rest.splitlines()[2:]]


def keys_in_tables(name: str) -> set[str]:
    """Return the names in the first column of a page's tables of JSON keys."""
    found = re.findall(r"^\| Key \| Value \|\n\|---\|---\|\n((?:\|.*\n)+)", page_text(name), re.M)
    rows = [line for table in found for line in table.splitlines()]
    return {key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])}


# -- running vaultlink ----------------------------------------------------------------------------------------------------


def check_json(repo: Path, environment: Environment, *options: str) -> Any:
    """Return the JSON of `vaultlink check`."""
    command = ["vaultlink", "check", "--json", "--exit-zero", *options]
    return json.loads(check_output(command, repo, environment))


def found_in(repo: Path, environment: Environment, *options: str) -> list[tuple[str, str | None]]:
    """Return the note and the target of each finding."""
    found = check_json(repo, environment, *options)["findings"]
    return [(item["path"], item["target"]) for item in found]


def explain_dangling(repo: Path, environment: Environment, note: str) -> str:
    """Return the message of the first unresolved link in a note."""
    found = check_json(repo, environment, "--select", "dangling-link", note)["findings"]
    return str(found[0]["message"])


def exit_code(repo: Path, environment: Environment, *command: str) -> int:
    """Run vaultlink and return its exit code."""
    return run_process(["vaultlink", *command], repo, environment).returncode


def status(repo: Path, environment: Environment) -> str:
    """Return what git says about the files of the vault."""
    return check_output(["git", "status", "--porcelain"], repo, environment)


def assert_fixed(repo: Path, *notes: str) -> None:
    """Assert that the alias link in these notes is fixed."""
    for note in notes:
        assert "[[Harbour|Port]]" in (repo / note).read_text(encoding="utf-8")


# -- the pages ------------------------------------------------------------------------------------------------------------


def left_by_agents(repo: Path, environment: Environment) -> None:
    """Only the branch's own link was fixed. The JSON on the page is a finding, and the loop works."""
    assert check_output(["git", "diff", "--name-only"], repo, environment) == ""
    draft = [
        "bash",
        "-c",
        "vaultlink $0 --stdin-filename Inbox/new.md --exit-zero $1 - < ../draft.md",
    ]
    shown, programs = map(json.loads, blocks(DOCS / "agents.md", "json"))
    entry = programs["mcpServers"]["vaultlink"]
    assert parsed(shlex.join([entry["command"], *entry["args"]])).allow_writes
    told = json.loads(check_output([*draft, "check", "--json"], repo, environment))
    assert {key: told["findings"][0][key] for key in shown} == shown
    assert told["findings"][1]["fix"] is None
    fixed = check_output([*draft, "fix", "--quiet"], repo, environment)
    assert fixed == "From [[old_pier|The old pier]] to the [[Lighthuose]].\n"
    assert exit_code(repo, environment, "rename", "Mole", "Home") == 2
    assert (repo / "Mole.md").exists()

    [settings] = blocks(DOCS / "agent-setup.md", "toml")
    write_files(repo, {"vaultlink.toml": settings})
    commit_all(repo, environment)
    words = "Here is the revised note:\n\nTo the [[The old pier]].\n"
    write_files(repo, {"Walk.md": words})
    (repo / "Home.md").unlink()
    assert found_in(repo, environment, "--changed-since", "HEAD") == [
        ("Harbour.md", "Home"),
        ("Walk.md", None),
        ("Walk.md", "The old pier"),
    ]
    assert exit_code(repo, environment, "fix", "--changed-since", "HEAD") == 1
    assert "[[old_pier|The old pier]]" in (repo / "Walk.md").read_text(encoding="utf-8")
    assert "[[Port]]" in (repo / "Mole.md").read_text(encoding="utf-8"), "found before"
    check_output(["git", "checkout", "--quiet", "Home.md"], repo, environment)
    write_files(repo, {"Walk.md": "To the [[old_pier|pier]].\n"})
    assert exit_code(repo, environment, "fix", "--changed-since", "HEAD") == 0


def left_by_agent_setup(repo: Path, environment: Environment) -> None:
    """All files were written and taken back."""
    assert status(repo, environment) == ""
    listed = check_output(["vaultlink", "undo", "--list"], repo, environment)
    assert "init --agents --yes" in listed


def left_by_sync_services(repo: Path, environment: Environment) -> None:
    """Nothing is written. The table says which copies are reported, and none of them is fixed."""
    assert status(repo, environment) == ""
    rows = table_rows("sync-services", "Service | Name of the copy | Reported")
    names = {
        name: state.startswith("yes")
        for _, cell, state in rows
        for name in re.findall(r"`(.*?)`", cell)
    }
    assert len(names) == 9
    assert 0 < sum(names.values()) < len(names)
    write_files(repo, dict.fromkeys((*names, "Note.md"), "To the [[Port]].\n"))
    found = found_in(repo, environment, "--select", "sync-conflict,unportable-name")
    assert found == [(name, None) for name in sorted(names) if names[name]]
    orphans = check_output(["vaultlink", "orphans"], repo, environment).splitlines()
    assert set(names) <= set(orphans)
    done = run_process(["vaultlink", "fix"], repo, environment)
    for name, is_copy in (*names.items(), ("Note.md", True)):
        assert (f"{name}: skipped: a sync service" in done.stderr) is is_copy, name
        assert ("[[Harbour|Port]]" in (repo / name).read_text(encoding="utf-8")) is not is_copy

    hidden = (".stversions/Old.md", "~syncthing~Mole.png.tmp", ".Cloud.md.icloud")
    write_files(repo, {**dict.fromkeys(hidden, "[[Gone]]\n"), "Sky.md": "The [[Cloud]].\n"})
    found = found_in(repo, environment, "--select", "dangling-link", "Sky.md", "Home.md")
    assert found == [("Sky.md", "Cloud")]


TEMPLATES = {
    "templates.json": {"folder": "Core"},
    "daily-notes.json": {"template": "Meta/Day", "folder": "Daily"},
    "plugins/periodic-notes/data.json": {"weekly": {"enabled": True, "template": "Meta/Week.md"}},
    "plugins/templater-obsidian/data.json": {
        "templates_folder": "Templater",
        "folder_templates": [{"folder": "x", "template": "Meta/Book.md"}],
        "file_templates": [{"regex": "x", "template": "Meta/File.md"}],
        "startup_templates": ["Meta/Start.md"],
    },
    "plugins/quickadd/data.json": {
        "templateFolderPath": "Quick",
        "choices": [{"type": "Template", "templatePath": "Meta/Talk.md"}],
    },
}
"""Settings that name templates, as the page lists them."""


def left_by_templates(repo: Path, environment: Environment) -> None:
    """Nothing is written. Findings in templates are not reported, and the settings do what is said."""
    assert status(repo, environment) == ""
    write_files(repo, {f".obsidian/{name}": json.dumps(value) for name, value in TEMPLATES.items()})
    named = ["Core/a", "Templater/a", "Quick/a"]
    named += [f"Meta/{name}" for name in ("Day", "Week", "Book", "File", "Start", "Talk")]
    other = "Meta/Templates/Other.md"
    write_files(repo, {f"{name}.md": "[[Gone]]\n" for name in named} | {other: "[[Gone]]\n"})
    dates = ("2026-05-05", "2026-W05", "2026-05", "2026-02-30", "Elsewhere/2026-05-05")
    markers = "[[{{title}}]] [[<% tp.file.title %>]] [[{% x %}]] [[Other]]\n"
    write_files(repo, {"Dates.md": " ".join(f"[[{date}]]" for date in dates) + markers})
    notes = ["--select", "dangling-link", "Dates.md", "Core", "Templater", "Quick", "Meta"]
    found = found_in(repo, environment, *notes)
    assert found == [*(("Dates.md", date) for date in dates[2:]), (other, "Gone")]

    exclude, quiet, allow, ignores = blocks(DOCS / "templates.md", "toml")
    write_files(repo, {"vaultlink.toml": exclude})
    assert found_in(repo, environment, *notes) == found[:-1]
    write_files(repo, {"vaultlink.toml": quiet})
    assert {path for path, _ in found_in(repo, environment, *notes)} == {
        *(f"{name}.md" for name in named),
        *("Dates.md", other),
    }
    write_files(repo, {"vaultlink.toml": allow})
    (repo / ".obsidian" / "daily-notes.json").unlink()
    (repo / ".obsidian" / "plugins" / "periodic-notes" / "data.json").unlink()
    assert ("Dates.md", "2026-05-05") not in found_in(repo, environment, *notes)
    write_files(repo, {"vaultlink.toml": ignores, "Daily/2026-01-01.md": "x\n", "Alone.md": "x\n"})
    found = found_in(repo, environment, "--extend-select", "orphan-note,dead-end")
    assert ("Alone.md", None) in found
    assert ("Daily/2026-01-01.md", None) not in found

    write_files(repo, {"vaultlink.toml": "", "Core/new.md": "{{title}} {{date}} <% tp.date %>\n"})
    create = ["--unsafe-fixes", "--create", "Inbox", "--template", "Core/new.md", "Harbour.md"]
    run_process(["vaultlink", "fix", *create], repo, environment)
    text = (repo / "Inbox" / "Lighthouse.md").read_text(encoding="utf-8")
    assert text.endswith("\nLighthouse {{date}} <% tp.date %>\n")


def left_by_planned_notes(repo: Path, environment: Environment) -> None:
    """Nothing is written. The settings do what is said, and the signs are those of the page."""
    assert status(repo, environment) == ""
    mistakes = "[[Pilots of the prot]] [[map.png]] [x](Boat.md) ![[Boat]] [[Projects/Boat]]"
    write_files(
        repo,
        {
            "Pilots of the port.md": "x\n",
            "Plans.md": f"[[Boat#Sails]] [[Books/Tide]] {mistakes}\n",
        },
    )
    plans = ["--select", "planned-note", "Plans.md"]
    assert found_in(repo, environment, *plans) == [("Plans.md", "Boat")]
    allow, ignore, severe = blocks(DOCS / "planned-notes.md", "toml")
    write_files(repo, {"vaultlink.toml": ignore})
    found = found_in(repo, environment, "Plans.md")
    assert ("Plans.md", "Boat") in found, "as a Markdown link"
    assert len(found) == 6
    write_files(repo, {"vaultlink.toml": allow})
    assert ("Plans.md", "Books/Tide") not in found_in(repo, environment, "Plans.md")
    write_files(repo, {"vaultlink.toml": severe})
    document = check_json(repo, environment, *plans)
    assert [item["severity"] for item in document["findings"]] == ["error"]


def left_by_old_findings(repo: Path, environment: Environment) -> None:
    """All fixable links are fixed, the rest is recorded, and only new findings fail."""
    assert_fixed(repo, "Pier.md", "Mole.md")
    assert exit_code(repo, environment, "check") == 0
    assert found_in(repo, environment, "--no-baseline") == [("Harbour.md", "Lighthouse")]
    for command in (["check", "--select", "dangling-link"], ["fix", "--select", "dangling-link"]):
        assert exit_code(repo, environment, *command) == 0
        assert exit_code(repo, environment, *command, "--no-baseline") == 1
    write_files(repo, {"New.md": "[[Gone astray]], [[Home|Home]]\n"})
    diff = ["fix", "--diff", "--no-baseline"]
    assert exit_code(repo, environment, *diff) == 0
    assert exit_code(repo, environment, *diff, "--select", "VL1") == 1, "rules about style"
    assert exit_code(repo, environment, "check") == 1
    assert found_in(repo, environment) == [("New.md", "Gone astray")]
    topics = check_output(["vaultlink", "topics"], repo, environment)
    assert re.findall(r"^[A-Z][a-z ]+", topics, re.M) == ["Gone astray", "Lighthouse"]
    write_files(repo, {"Harbour.md": "Back [[Home]].\n"})
    check_output(["vaultlink", "baseline", "--prune"], repo, environment)
    write_files(repo, {"Harbour.md": "Back [[Home]]. The [[Lighthouse]] again.\n"})
    assert len(found_in(repo, environment)) == 2


def left_by_custom_report(repo: Path, environment: Environment) -> None:
    """The script counts the links and the findings of each folder, without links to web pages."""
    expected = "3 of 6 links lead to no file\n    3  .\n"
    assert check_output(["python3", "folders.py"], repo, environment) == expected
    write_files(repo, {"a/Web.md": "[x](https://example.org) [[Gone]]\n"})
    check = ["bash", "-c", "vaultlink check --json --exit-zero > findings.json"]
    check_output(check, repo, environment)
    expected = "4 of 7 links lead to no file\n    3  .\n    1  a\n"
    assert check_output(["python3", "folders.py"], repo, environment) == expected
    assert exit_code(repo, environment, "check", "--fail-on", "never") == 0
    assert exit_code(repo, environment, "check", "--select", "no-such-rule") == 2


def left_by_fixing(repo: Path, environment: Environment) -> None:
    """All links are fixed, and the missing note exists. The numbers are those of the program."""
    assert_fixed(repo, "Pier.md", "Mole.md")
    assert (repo / "Inbox" / "Lighthouse.md").exists()
    assert exit_code(repo, environment, "check") == 0
    text = page_text("fixing")
    assert all(default in text for default in RUN_LIMIT_DEFAULTS.values())
    write_files(repo, {"a/N.md": "", "b/N.md": "", "c/Two.md": "[[N]]\n"})
    assert exit_code(repo, environment, "fix") == 0, "info remains"
    assert exit_code(repo, environment, "fix", "--fail-on", "info") == 1
    write_files(repo, {"Free.md": "A [[gone one]], a [[gone two|word]], an ![[embed.png]].\n"})
    run_process(["vaultlink", "fix", "--unsafe-fixes", "--unlink", "Free.md"], repo, environment)
    text = "A gone one, a word, an ![[embed.png]].\n"
    assert (repo / "Free.md").read_text(encoding="utf-8") == text


def left_by_backlinks(repo: Path, environment: Environment) -> None:
    """Every byte is as before. Sections are as the page shows them."""
    assert status(repo, environment) == ""
    write_files(repo, {"Log of the harbour.md": "Ships moored at the [[Mole]] until 1902.\n"})
    check_output(["vaultlink", "sections", "write"], repo, environment)
    section, mentions, author = blocks(DOCS / "backlinks.md", "markdown")
    assert section in (repo / "Mole.md").read_text(encoding="utf-8")

    write_files(
        repo,
        {
            "Old harbour light.md": "A tower on the mole.\n",
            "Home.md": "To the [[Harbour]], to the [[Mole]], to the [[Old harbour light]].\n",
            "Log of the harbour.md": "From the [[Mole]] to the Old Harbour Light.\n",
        },
    )
    write = ["vaultlink", "sections", "write", "Old harbour light", "--mentions"]
    check_output(write, repo, environment)
    assert mentions in (repo / "Old harbour light.md").read_text(encoding="utf-8")

    target = "---\ntitle: Role of memory\n---\n[[Essay]]\n"
    write_files(repo, {"Essay.md": author, "role_of_memory.md": target})
    assert found_in(repo, environment, "Essay.md") == []
    write_files(repo, {"Essay.md": author.replace("–", "—")})
    done = run_process(["vaultlink", "fix", "Essay.md"], repo, environment)
    assert done.returncode == 0, done.stdout
    assert (repo / "Essay.md").read_text(encoding="utf-8") == author


def left_by_configuration(repo: Path, environment: Environment) -> None:
    """There are settings, and they are valid. The page has every key and every kind."""
    assert "file:" not in (repo / "vaultlink.toml").read_text(encoding="utf-8")
    check_output(["vaultlink", "check", "--exit-zero"], repo, environment)
    [settings] = blocks(DOCS / "configuration.md", "toml")
    text = page_text("configuration")
    for key in (*LIST_KEYS, *SWITCH_KEYS, *TEXT_KEYS, *RUN_LIMIT_DEFAULTS, *TABLE_KEYS):
        assert re.search(rf"`\[?{key}\]?`|^\[?{key}\b", text, re.M), key
    for key in (*BACKLINKS_CHOICES, *MENTIONS_DEFAULTS):
        assert re.search(rf"^{key} = ", settings, re.M), key
    assert [row[0].strip("`") for row in table_rows("configuration", "Kind | Not reported")] == [
        *QUIET_KINDS
    ]
    write_files(repo, {"vaultlink.toml": settings})
    listed = check_output(["vaultlink", "config"], repo, environment)
    shown = {line.split("\t")[0]: line.split("\t")[1:] for line in listed.splitlines()}
    for table, defaults in (
        ("backlinks", {key: choices[0] for key, choices in BACKLINKS_CHOICES.items()}),
        ("mentions", MENTIONS_DEFAULTS),
    ):
        for key in defaults.keys() - {"ignore", "headings", "cjk"}:
            assert shown[f"{table}.{key}"][0] == json.dumps(defaults[key]), key

    rows = table_rows("configuration", "In the note | Effect")
    forms = [form for row in rows for form in re.findall(r"`(.*?)`", row[0])]
    assert len(forms) == 7
    link = "[[Gone]]"
    notes = {
        "%%vaultlink-disable VL101%%": f"{forms[0]}\n{link}\n{forms[2]}\n",
        "<!-- vaultlink-disable dangling-link -->": f"{forms[1]}\n{link}\n",
        "%%vaultlink-enable VL101%%": f"{forms[0]} {link} {forms[2]}\n",
        "%%vaultlink-disable-line VL101%%": f"{link} {forms[3]}\n",
        "%%vaultlink-disable-next-line VL101%%": f"{forms[4]}\n{link}\n",
        "%%vaultlink-disable-file VL101%%": f"{link}\n\n{forms[5]}\n",
        "vaultlink: {ignore: [VL101]}": f"---\n{forms[6]}\n---\n{link}\n",
    }
    assert [*notes] == forms
    names = [f"s/{number}.md" for number in range(len(forms))]
    write_files(repo, dict(zip(names, notes.values(), strict=True)) | {"vaultlink.toml": ""})
    assert found_in(repo, environment, "s") == []
    bare = re.compile(r"%%.*?%%|<!--.*?-->|vaultlink: .*")
    write_files(
        repo, {name: bare.sub("", text) for name, text in zip(names, notes.values(), strict=True)}
    )
    assert found_in(repo, environment, "s") == [(name, "Gone") for name in names]


def left_by_language_server(repo: Path, environment: Environment) -> None:
    """Nothing is written."""
    assert status(repo, environment) == ""
    for field in msgspec.structs.fields(EditorSettings):
        row = next(
            line
            for line in page_text("language-server").splitlines()
            if f"| `{field.encode_name}` |" in line
        )
        assert row.endswith(f"`{json.dumps(field.default)}` |")


def left_by_obsidian_plugin(repo: Path, environment: Environment) -> None:
    """Nothing is written, and the page names the versions and commands of the plugin."""
    assert status(repo, environment) == ""
    plugin, text = ROOT / "contrib" / "obsidian", page_text("obsidian-plugin")
    manifest = json.loads((plugin / "manifest.json").read_text(encoding="utf-8"))
    assert f"release-{manifest['version']}`" in text
    assert f"API {manifest['minAppVersion']}," in text
    source = (plugin / "src" / "program.ts").read_text(encoding="utf-8")
    least = re.findall(r'MIN_VERSION = "(.+)"', source)
    assert re.findall(r"(\S+) or newer", text) == least * 2
    commands = re.findall(
        r'id: "\w+", name: "(.+?)"', (plugin / "src" / "main.ts").read_text("utf-8")
    )
    assert [row[0] for row in table_rows("obsidian-plugin", "Command | What it does")] == commands


def left_by_editors(repo: Path, environment: Environment) -> None:
    """Nothing is written, and the note does not exist. The page has every key of a finding."""
    assert status(repo, environment) == "?? draft.md\n?? drafts.json\n"
    [drafts] = blocks(DOCS / "editors.md", "json")
    write_files(repo, {"drafts.json": drafts})
    check = ["bash", "-c", "vaultlink check --stdin-drafts --json --exit-zero - < drafts.json"]
    added = json.loads(check_output(check, repo, environment))["findings"]
    assert [(item["path"], item["target"]) for item in added] == [("Inbox/new.md", "Port")]
    fields = {*FindingRow.__struct_fields__}
    assert keys_in_tables("editors") & fields == fields
    words = ["vaultlink", "check", "--vault", "vault", "--output-format", "concise", "Mole.md"]
    line = run_process(words, repo.parent, environment).stdout
    assert re.fullmatch(r"vault/Mole\.md:1:11: VL105 alias-link (\[\*\] )?“Port” .*\n", line)
    write_files(repo, {"draft.md": "Über den [[Port]].\n"})
    draft = "vaultlink check --stdin-filename Today.md --json --exit-zero - < draft.md"
    [item] = json.loads(check_output(["bash", "-c", draft], repo, environment))["findings"]
    [edit] = item["fix"]["edits"]
    data = "Über den [[Port]].\n".encode()
    assert data[edit["start"] : edit["end"]] == b"Port"
    assert (item["line"], item["column"], item["end_column"]) == (1, 10, 18)


def left_by_hooks(repo: Path, environment: Environment) -> None:
    """The hook refuses a commit that deletes a linked note, and no other one."""
    check_output(["git", "rm", "--quiet", "Harbour.md"], repo, environment)
    done = run_process(["git", "commit", "--message", "a step"], repo, environment)
    assert (done.returncode, "“Harbour.md”" in done.stderr) == (1, True), done
    check_output(["git", "reset", "--quiet", "--hard"], repo, environment)
    write_files(repo, {"Mole.md": "A mole.\n"})
    commit_all(repo, environment)
    assert status(repo, environment) == ""


def left_by_history(repo: Path, environment: Environment) -> None:
    """Nothing is written. The page has every key, and links follow a renamed note."""
    assert status(repo, environment) == ""
    assert keys_in_tables("history") == {*PastRow.__struct_fields__}
    check_output(["git", "mv", "Mole.md", "Breakwater.md"], repo, environment)
    commit_all(repo, environment)
    command = ["vaultlink", "history", "Mole", "--output-format", "json"]
    past = json.loads(check_output(command, repo, environment))
    assert {*past} - {"schema"} == {*PastRow.__struct_fields__}
    assert past["note"] == "Breakwater.md"
    assert [row["path"] for row in past["names"]] == ["Mole.md"]
    [link] = past["links"]
    assert (link["path"], link["cause"]) == ("Home.md", "moved")
    [row] = [row for row in table_rows("history", "Key | Value") if row[0] == "`links`"]
    assert {f"`{key}`" for key in link} | {f"`{link['cause']}`"} <= {*re.findall(r"`\w+`", row[1])}
    assert exit_code(repo, environment, "history", "Mole", "--no-history") == 2
    rules = check_json(repo, environment, "Home.md")["summary"]["by_rule"]
    assert rules == {"moved-link": 1}
    rules = check_json(repo, environment, "Home.md", "--no-history")["summary"]["by_rule"]
    assert rules == {"planned-note": 1}
    write_files(repo, {"Harbour.md": "Back [[Home]]. The [[Lighthouse]].\n"})
    alias = re.compile(r"^“Port” .*; was an alias of “Harbour” before")
    assert alias.search(explain_dangling(repo, environment, "Pier.md"))
    commit_all(repo, environment)
    assert alias.search(explain_dangling(repo, environment, "Pier.md")), "from the earlier run"
    fresh = environment | {"VAULTLINK_CACHE_DIR": str(repo.parent / "cache")}
    assert not alias.search(explain_dangling(repo, fresh, "Pier.md"))
    (repo / "Harbour.md").unlink()
    commit_all(repo, environment)
    deleted = re.compile(r"^“Harbour” .*; deleted in [0-9a-f]{7} on \d{4}-\d\d-\d\d")
    assert deleted.search(explain_dangling(repo, environment, "Home.md"))


def left_by_graph(repo: Path, environment: Environment) -> None:
    """Pictures and a part of the graph are files beside the vault."""
    assert ">Harbour</text>" in (repo.parent / "vault.svg").read_text(encoding="utf-8")
    assert (repo.parent / "harbour.svg").is_file()
    dot = (repo.parent / "harbour.dot").read_text(encoding="utf-8")
    assert dot.startswith("digraph vault {")
    assert "layout=sfdp" in dot
    assert status(repo, environment) == ""
    export = ["vaultlink", "graph", "--format", "json", "--focus", "Mole"]
    nodes = json.loads(check_output(export, repo, environment))["nodes"]
    assert sorted(node["id"] for node in nodes) == ["/Port", "Home.md", "Mole.md"]


def left_by_output_files(repo: Path, environment: Environment) -> None:
    """The results are files beside the vault, and no note is replaced by results."""
    log = json.loads((repo.parent / "findings.sarif").read_text(encoding="utf-8"))
    assert log["version"] == "2.1.0"
    assert ">Harbour</text>" in (repo.parent / "vault.svg").read_text(encoding="utf-8")
    assert exit_code(repo, environment, "graph", "--format", "svg", "--output-file", "Mole.md") == 2
    assert status(repo, environment) == ""


def left_by_related(repo: Path, environment: Environment) -> None:
    """Nothing is written. Ten notes are listed, and the score is that of the links and words."""
    assert status(repo, environment) == ""
    related = ["vaultlink", "related", "Harbour"]
    for number in range(12):
        write_files(repo, {f"n{number}.md": "To the [[Harbour]] and the [[Tides]].\n"})
    rows = check_output(related, repo, environment).splitlines()
    assert rows[0].split("\t") == ["path", "score", "linked", "why", "twin"]
    assert len(rows) == 11
    whole = json.loads(check_output([*related, "--json", "--linked"], repo, environment))
    assert {"linked", "shared", "similar", "words", "twin"} <= {*whole["related"][0]}
    write_files(repo, {"Bay.md": "x\n", "One.md": "[[Bay]] [[Sea]]\n", "Two.md": "[[Sea]]\n"})
    related = ["vaultlink", "related", "Two", "--json"]
    found = json.loads(check_output(related, repo, environment))["related"]
    scores = {item["path"]: (item["score"], item["shared"], item["similar"]) for item in found}
    # Sea is linked with two notes, and a word of both. The score of Bay is below 0.5.
    assert scores == {"One.md": (0.6797, ["/Sea"], [])}


def left_by_terminal(repo: Path, environment: Environment) -> None:
    """Nothing is written. Links to files are printed only where they are asked for."""
    assert status(repo, environment) == ""
    full = ["vaultlink", "check", "--exit-zero", "--output-format", "full"]
    for options, variables, has_links in (
        (full, {"FORCE_HYPERLINK": "1"}, True),
        (full, {"FORCE_HYPERLINK": "1", "NO_COLOR": "1", "TERM": "dumb"}, True),
        (full, {"FORCE_HYPERLINK": "0"}, False),
        (full, {"TERM_PROGRAM": "WezTerm"}, False),
        (full[:-2], {"FORCE_HYPERLINK": "1"}, False),
    ):
        told = check_output(options, repo, environment | variables)
        assert ("\x1b]8;;file://" in told) is has_links, variables
        assert "\x1b[" not in told
    assert "\x1b[" in check_output(full, repo, environment | {"FORCE_COLOR": "1"})
    never = [*full, "--color", "never"]
    assert "\x1b[" not in check_output(never, repo, environment | {"FORCE_COLOR": "1"})


def left_by_watching(repo: Path, environment: Environment) -> None:
    """The watcher fixes what it finds. The page has every key, and the delays of the program."""
    assert "[[Port]]" in (repo / "Pier.md").read_text(encoding="utf-8"), "three seconds ago"
    watcher: list[str | Path] = [
        "timeout",
        "--foreground",  # else it sends the signal twice
        "--preserve-status",
        "--signal=TERM",
        "15",
        PROGRAMS / "vaultlink",
    ]
    told = check_output([*watcher, "watch", "--fix", "--verify"], repo, environment)
    assert "fixed 2 findings in 2 notes: alias-link 2" in told
    assert_fixed(repo, "Pier.md", "Mole.md")
    keys = keys_in_tables("watching")
    assert keys == {*BatchRow.__struct_fields__}
    text = " ".join(page_text("watching").split())
    delays = msgspec.structs.asdict(Debounce())
    assert [
        delays[key]
        for key in ("batch_quiet", "batch_max_delay", "fix_quiet", "fix_max_delay")
        if key in delays
    ] == [0.1, 1.5, 3.0, 30.0]
    for words in ("a tenth of a second", "a second and a half", "three seconds", "thirty seconds"):
        assert words in text, words
    lines = check_output(["vaultlink", "watch", "--output-format", "json-lines"], repo, environment)
    *found, state = map(json.loads, lines.splitlines())
    assert {*state} == keys
    assert state["event"] == "state"
    assert found
    assert {(item["event"], item["batch"]) for item in found} == {("new", 0)}
    assert {*found[0]} == {*FindingRow.__struct_fields__, "event", "batch"}
