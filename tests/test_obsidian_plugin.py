"""The plugin in contrib/obsidian: built, checked, laid out, and used in Node and in Chromium with the real program.

Only the API of Obsidian is a stub: tests/obsidian/app.js. The processes and the files of the vault are real. `main.js` is the bundle
that a release would have.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from browsing import Browser, Page, start_browser
from forge import check_output, make_clean_environment, make_once, require_npm
from machine import require_program
from running import read_files
from tables import each

pytestmark = [pytest.mark.project, pytest.mark.xdist_group("obsidian")]

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ROOT / "contrib" / "obsidian"
STUB = ROOT / "tests" / "obsidian"
VAULT = ROOT / "fixtures" / "podcast-wiki"
PROGRAM = Path(sys.executable).parent / "vaultlink"

PATIENT = 40.0
"""The time limit of a wait in seconds, for a loaded machine."""

NOTE = "salt_trade_and_the_roads_it_left.md"
MANIFEST: Mapping[str, Any] = json.loads((PLUGIN / "manifest.json").read_text(encoding="utf-8"))


# -- the plugin as a release would have it --------------------------------------------------------------------------------


def build_plugin(folder: Path) -> None:
    """Install the tools of the plugin, with the versions of its lock, and bundle it."""
    plugin = folder / "contrib" / "obsidian"
    shutil.copytree(PLUGIN, plugin, ignore=shutil.ignore_patterns("node_modules", "main.js"))
    shutil.copytree(ROOT / "docs" / "images", folder / "docs" / "images")
    shutil.copy(ROOT / "LICENSE", folder)
    install = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    check_output(install, plugin, dict(os.environ))
    check_output(["npm", "run", "build"], plugin, dict(os.environ))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_npm(tmp_path_factory)
    folder = make_once(tmp_path_factory, "obsidian", build_plugin)
    return folder / "contrib" / "obsidian"


def test_types_and_rules_of_plugins_hold(built: Path) -> None:
    environment = dict(os.environ)
    assert "error" not in check_output(["npm", "run", "check"], built, environment)
    check_output(["npm", "run", "lint"], built, environment)


def test_plugin_is_thin_and_sets_text_only() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((PLUGIN / "src").glob("*.ts"))]
    assert sum(len(text.splitlines()) for text in texts) <= 600
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|exec\(\"|execFile|shell: true|setInterval"
    writing = r"vault\.(modify|create|delete|rename|process|append)|adapter\.write|writeFile"
    assert not [match for text in texts for match in re.findall(f"{forbidden}|{writing}", text)]


def test_layout_is_what_a_repository_of_a_plugin_needs(built: Path, tmp_path: Path) -> None:
    target = tmp_path / "laid out"
    layout = ["node", "layout.mjs", str(target)]
    check_output(layout, built, dict(os.environ))
    names = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    sources = {f"repository/src/{path.name}" for path in (PLUGIN / "src").iterdir()}
    files = [
        "README.md",
        "LICENSE",
        "images/obsidian-pane-light.png",
        "manifest.json",
        "versions.json",
        "styles.css",
        "package.json",
    ]
    files += ["package-lock.json", "tsconfig.json", "eslint.config.mjs"]
    release = f"release-{MANIFEST['version']}"
    assets = {f"{release}/{name}" for name in ("main.js", "manifest.json", "styles.css")}
    assert names == sources | {f"repository/{name}" for name in files} | assets
    readme = (target / "repository" / "README.md").read_text(encoding="utf-8")
    assert "](images/obsidian-pane-light.png)" in readme
    assert "../" not in readme
    assert (target / release / "main.js").read_bytes() == (built / "main.js").read_bytes()
    refused = subprocess.run(layout, cwd=built, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr) == (1, f"{target} exists: name a new folder\n")


@each(
    ("change", "fault"),
    [
        ({}, None),
        ({"id": "obsidian-vaultlink"}, "id: must not contain"),
        ({"id": "Vaultlink"}, "id: only lower-case"),
        ({"name": "vaultlink plugin"}, "name: must not contain"),
        ({"version": "0.2"}, "version: three numbers"),
        ({"version": "0.2.0"}, "versions.json: the version must be a key"),
        ({"minAppVersion": "1.9.0"}, "versions.json: the version must be a key"),
        ({"description": "Find links"}, "description: at most 250 characters, and a full stop"),
        ({"description": f"{'x' * 250}."}, "description: at most 250 characters, and a full stop"),
        ({"isDesktopOnly": False}, "isDesktopOnly: must be true"),
    ],
)
def test_layout_refuses_what_the_list_refuses(change: Mapping[str, Any], fault: str | None) -> None:
    require_program("node")
    versions = json.loads((PLUGIN / "versions.json").read_text(encoding="utf-8"))
    package = json.loads((PLUGIN / "package.json").read_text(encoding="utf-8"))
    script = "const {findFaults} = await import(process.argv[2]); const words = JSON.parse(process.argv[1]);"
    words = json.dumps([{**MANIFEST, **change}, versions, package["version"]])
    script += "console.log(JSON.stringify(findFaults(...words)))"
    line = ["node", "--input-type=module", "-e", script, words, str(PLUGIN / "layout.mjs")]
    faults = json.loads(check_output(line, ROOT, dict(os.environ)))
    assert any(fault in item for item in faults) if fault else not faults


def test_processes_in_node(built: Path, tmp_path: Path) -> None:
    bundled = ["npx", "esbuild", "--format=esm", "--out-extension:.js=.mjs", f"--outdir={tmp_path}"]
    check_output([*bundled, "src/program.ts", "src/texts.ts"], built, dict(os.environ))
    shutil.copy(STUB / "program.test.mjs", tmp_path)
    vault = shutil.copytree(VAULT, tmp_path / "vault")
    names = {"VAULT": str(vault), "VAULTLINK": str(PROGRAM), "FAKES": str(tmp_path)}
    environment = make_clean_environment(tmp_path / "home", **names)
    check_output(["node", "--test", "program.test.mjs"], tmp_path, environment)


# -- the plugin in a page -------------------------------------------------------------------------------------------------


class App:
    """The stub of the app in a page, with the plugin enabled in a copy of a vault."""

    def __init__(self, page: Page, vault: Path):
        self.page, self.vault = page, vault

    def ask(self, script: str, argument: Any = None) -> Any:
        """Return the JSON value of a JavaScript function."""
        return self.page.evaluate(script, argument)

    def wait_for(self, look: Callable[[], Any], wanted: object = True) -> None:
        """Wait until `look` returns a value, or anything true."""
        end = time.monotonic() + PATIENT
        while (seen := look()) != wanted and not (wanted is True and seen):
            assert time.monotonic() < end, f"{seen!r} is not {wanted!r}; {self.notices}"
            time.sleep(0.02)

    def run(self, command: str) -> None:
        """Run a command of the plugin."""
        self.ask("(id) => window.app.run(id)", command)

    def open(self, path: str) -> None:
        """Open a note, as a reader does."""
        self.ask("(path) => window.app.open(path)", path)

    def show_pane(self) -> None:
        """Open the side pane, and wait until it shows a note."""
        self.run("show")
        self.wait_for(lambda: self.ask("() => !!document.querySelector('.vaultlink-title')"))

    @property
    def status(self) -> str:
        """The text in the status bar."""
        result: str = self.ask("() => document.querySelector('.status-bar-item').textContent")
        return result

    @property
    def notices(self) -> list[str]:
        """The texts of all notices so far."""
        result: list[str] = self.ask("() => window.app.notices.map(({text}) => text)")
        return result

    @property
    def groups(self) -> dict[str, list[list[str]]]:
        """The rows below each heading of the pane: text and remark."""
        script = """() => Object.fromEntries([...document.querySelectorAll("#side section")].map((section) => [
            section.querySelector("h6").firstChild.textContent,
            [...section.querySelectorAll("button")].map((row) => [...row.children].map((part) => part.textContent)),
        ]))"""
        result: dict[str, list[list[str]]] = self.ask(script)
        return result

    @property
    def dialog(self) -> str:
        """The text of the open dialog, "" if there is none."""
        result: str = self.ask("() => document.querySelector('.modal')?.innerText ?? ''")
        return result

    def press_button(self, text: str) -> None:
        """Wait for a button of a dialog, and click it."""
        self.wait_for(lambda: text in self.dialog)
        self.page.click(f".modal button:text-is('{text}')")

    def type_at_start(self, text: str) -> None:
        """Type into the open note, which is not saved then."""
        script = "(text) => { const area = document.querySelector('#main textarea'); area.value = text + area.value; }"
        self.ask(script, text)

    def list_processes(self) -> dict[int, str]:
        """Return the processes of vaultlink that work on the vault, with their commands."""
        found, words = {}, [b"--vault", str(self.vault).encode()]
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                line = entry.read_bytes().split(b"\0")
                if b"vaultlink" in b" ".join(line[:3]) and all(word in line for word in words):
                    found[int(entry.parent.name)] = line[line.index(words[0]) - 1].decode()
        return found


@pytest.fixture(scope="module")
def browser(
    built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, Path]]:
    home = tmp_path_factory.mktemp("home")
    opener = home / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" >> {home}/opened\n', encoding="utf-8")
    opener.chmod(0o755)
    environment = make_clean_environment(home, BROWSER=f"{opener} %s")
    with start_browser(tmp_path_factory, STUB / "bridge.mjs", environment) as browser:
        yield browser, home


def write_page(folder: Path, built: Path, theme: str) -> Path:
    """Write the page of the app with the bundle of the plugin."""
    code = json.dumps((built / "main.js").read_text(encoding="utf-8")).replace("<", "\\u003c")
    styles = [
        path.read_text(encoding="utf-8") for path in (STUB / "app.css", PLUGIN / "styles.css")
    ]
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>App</title><style>{"".join(styles)}</style>
<body class="theme-{theme}"><main id="main"></main><aside id="side" aria-label="Side"></aside><footer id="status-bar"></footer>
<div id="settings"></div><div id="notices" role="status"></div><script>window.pluginCode = {code};</script>
<script>{(STUB / "app.js").read_text(encoding="utf-8")}</script>"""
    file = folder / "app.html"
    file.write_text(page, encoding="utf-8")
    return file


StartApp = Callable[..., App]


@pytest.fixture
def start_app(browser: tuple[Browser, Path], built: Path, tmp_path: Path) -> Iterator[StartApp]:
    apps: list[App] = []

    def start(
        program: Path | str = PROGRAM,
        files: Mapping[str, str] | None = None,
        theme: str = "light",
        note: str = NOTE,
    ) -> App:
        vault = tmp_path / "vault"
        if files is None:
            shutil.copytree(VAULT, vault)
        for path, text in (files or {}).items():
            (vault / path).parent.mkdir(parents=True, exist_ok=True)
            (vault / path).write_text(text, encoding="utf-8")
        page = browser[0].open(write_page(tmp_path, built, theme), scheme=theme)
        app = App(page, vault)
        apps.append(app)
        words = [str(vault), str(program)]
        app.ask("([vault, program]) => startApp(vault, program)", words)
        app.open(note)
        return app

    yield start
    for app in apps:
        app.ask("() => window.app.plugin.onunload()")
        assert app.page.seen()["errors"] == []
        app.wait_for(lambda app=app: not app.list_processes())  # type: ignore[misc]
        app.page.do("close")


def ask_status(app: App, home: Path) -> str:
    """Return what the status bar must show: the figures of `vaultlink status`."""
    line: list[str | Path] = [PROGRAM, "status", "--vault", app.vault, "--json"]
    status = json.loads(check_output(line, app.vault, make_clean_environment(home)))
    mistakes, planned = len(status["mistakes"]), len(status["planned"])
    return f"{mistakes} mistake{'' if mistakes == 1 else 's'} · {planned} planned"


def test_status_bar_and_pane_follow_the_vault(
    start_app: StartApp, browser: tuple[Browser, Path]
) -> None:
    app = start_app()
    app.wait_for(lambda: app.status, ask_status(app, browser[1]))
    assert app.status == "9 mistakes · 8 planned"
    app.show_pane()
    mistake = ["why_canal_silts_up", "line 16 → why_canals_silt_up"]
    app.wait_for(lambda: app.groups.get("Mistakes"), [mistake])
    assert app.groups["Planned notes"] == []
    assert ["fishing_quotas_and_shared_seas", "line 18"] in app.groups["Backlinks"]
    # Another program writes: two lines more, a planned note, and the mistake is gone.
    path = app.vault / NOTE
    text = path.read_text(encoding="utf-8").replace("why_canal_silts_up", "why_canals_silt_up")
    path.write_text(f"{text}\n\n[[Not yet]] and [[Not yet]]\n", encoding="utf-8")
    app.wait_for(lambda: app.status, ask_status(app, browser[1]))
    assert app.status == "8 mistakes · 9 planned"
    line = len(text.splitlines()) + 2
    app.wait_for(lambda: app.groups["Planned notes"], [["Not yet", f"line {line}"]] * 2)
    assert app.groups["Mistakes"] == []
    # A save that changes no finding, only its place.
    path.write_text(
        f"{path.read_text(encoding='utf-8')}\nmore\n".replace("\n\n[[N", "\n\n\n[[N"),
        encoding="utf-8",
    )
    app.wait_for(lambda: app.groups["Planned notes"][0], ["Not yet", f"line {line + 1}"])
    # Another note is opened, and a note is deleted.
    app.open("letters_from_listeners.md")
    app.wait_for(lambda: app.groups["Mistakes"], [["guests/theme_tune", "line 12"]])
    (app.vault / "long_tide.md").unlink()
    app.wait_for(lambda: len(app.groups["Mistakes"]) + len(app.groups["Planned notes"]), 2)
    app.wait_for(lambda: app.status, ask_status(app, browser[1]))
    # It waits for events: no question is asked while nothing happens.
    asked = app.ask("() => window.host.started.length")
    time.sleep(0.5)
    assert app.ask("() => window.host.started.length") == asked


def test_rows_open_their_places_with_the_keyboard(start_app: StartApp) -> None:
    text = "# A\n\n😀 é [[Not yet]] and [[Not yet]]\n"
    app = start_app(
        files={"A.md": text, "B.md": "one\ntwo 😀😀 [[A]]\n", ".obsidian/app.json": "{}"},
        note="A.md",
    )
    app.show_pane()
    app.wait_for(lambda: app.groups.get("Backlinks"), [["B", "line 2"]])
    app.ask("() => document.querySelector('#side button').focus()")
    app.page.press("Tab", "Enter")
    cursor = (
        "() => [window.app.workspace.active.path, window.app.workspace.main.view.cursor ?? null]"
    )
    app.wait_for(
        lambda: app.ask(cursor), ["A.md", {"line": 2, "ch": text.split("\n")[2].rindex("[[") + 1}]
    )
    assert app.ask("() => document.activeElement.tagName") == "TEXTAREA"
    app.ask("() => document.querySelectorAll('#side button')[2].focus()")
    app.page.press("Enter")
    app.wait_for(lambda: app.ask(cursor), ["B.md", {"line": 1, "ch": 9}])


def test_focus_stays_in_the_pane_while_it_follows(start_app: StartApp) -> None:
    app = start_app(files={"A.md": "[[One]]\n[[Two]]\n", ".obsidian/app.json": "{}"}, note="A.md")
    app.show_pane()
    app.wait_for(lambda: len(app.groups["Planned notes"]), 2)
    app.ask("() => document.querySelectorAll('#side button')[1].focus()")
    (app.vault / "One.md").write_text("[[A]]\n", encoding="utf-8")
    app.wait_for(lambda: app.groups["Planned notes"], [["Two", "line 2"]])
    assert app.ask("() => document.activeElement.textContent") == "Twoline 2"


def test_fix_shows_the_diff_then_writes_and_undo_restores(start_app: StartApp) -> None:
    app = start_app(note="index.md")
    app.wait_for(lambda: app.status == "9 mistakes · 8 planned")
    before = read_files(app.vault)
    app.run("fix")
    app.press_button("Cancel")
    assert read_files(app.vault) == before
    app.run("fix")
    app.wait_for(lambda: app.dialog)
    assert "Would fix 13 findings in 9 notes" in app.dialog
    assert "+- [[long_tide | latest episode]]" in app.dialog
    app.press_button("Fix")
    app.wait_for(lambda: any("Fixed 13 findings in 9 notes" in text for text in app.notices))
    app.wait_for(lambda: app.status == "4 mistakes · 8 planned")
    assert read_files(app.vault) != before
    shown = "() => window.app.workspace.main.view.getViewData()"
    app.wait_for(lambda: "[[long_tide | latest episode]]" in app.ask(shown))
    app.run("undo")
    app.wait_for(lambda: app.dialog)
    assert "Would restore 9 notes to the state before the run of" in app.dialog
    assert "+- [[LTP | latest episode]]" in app.dialog
    app.press_button("Undo")
    app.wait_for(lambda: read_files(app.vault) == before)
    app.wait_for(lambda: app.status == "9 mistakes · 8 planned")


def test_fix_asks_again_if_the_vault_changed_meanwhile(start_app: StartApp) -> None:
    app = start_app(note="index.md")
    app.run("fix")
    app.wait_for(lambda: "Would fix 13 findings" in app.dialog)
    (app.vault / "new.md").write_text("see [[long_tide]\n", encoding="utf-8")
    app.press_button("Fix")
    app.wait_for(lambda: "Would fix 14 findings" in app.dialog)
    assert (app.vault / "new.md").read_text(encoding="utf-8") == "see [[long_tide]\n"
    app.press_button("Cancel")


def test_nothing_to_fix_and_nothing_to_undo_are_said(start_app: StartApp) -> None:
    app = start_app(
        files={"A.md": "[[B]]\n", "B.md": "[[A]]\n", ".obsidian/app.json": "{}"}, note="A.md"
    )
    app.run("fix")
    app.wait_for(lambda: app.notices)
    app.run("undo")
    app.wait_for(lambda: len(app.notices) == 2)
    assert app.notices == [
        "vaultlink: Nothing to fix.",
        f"vaultlink: There is nothing to undo in {app.vault}.",
    ]
    assert app.dialog == ""


def test_unsaved_changes_are_saved_first_or_nothing_is_written(start_app: StartApp) -> None:
    app = start_app(note="index.md")
    before = read_files(app.vault)
    app.type_at_start("Unsaved words\n")
    app.run("fix")
    app.wait_for(lambda: "changes that are not saved yet: index.md" in app.dialog)
    app.press_button("Cancel")
    assert read_files(app.vault) == before
    app.ask("() => { window.app.refusesToSave = true }")
    app.run("fix")
    app.press_button("Save and continue")
    app.wait_for(lambda: any("could not be saved: index.md" in text for text in app.notices))
    assert (app.dialog, read_files(app.vault)) == ("", before)
    app.ask("() => { window.app.refusesToSave = false }")
    app.run("fix")
    app.press_button("Save and continue")
    app.press_button("Fix")
    fixed = "[[long_tide | latest episode]]"
    app.wait_for(lambda: fixed in (app.vault / "index.md").read_text(encoding="utf-8"))
    assert (app.vault / "index.md").read_text(encoding="utf-8").startswith("Unsaved words\n")
    # Words that are typed while the question is open are saved first, too.
    app.wait_for(lambda: any("Fixed " in text for text in app.notices))
    app.run("undo")
    app.wait_for(lambda: "Would restore" in app.dialog)
    app.type_at_start("More\n")
    app.press_button("Undo")
    app.wait_for(lambda: "not saved yet: index.md" in app.dialog)
    app.press_button("Cancel")
    assert fixed in (app.vault / "index.md").read_text(encoding="utf-8")


def write_script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_words_typed_while_the_last_plan_is_made_are_saved_first(
    start_app: StartApp, tmp_path: Path
) -> None:
    # The second plan, after the reader agreed, ends when the words are typed.
    waits = f"""case "$*" in fix*--diff) ;; *) exec {PROGRAM} "$@" ;; esac
{PROGRAM} "$@"; code=$?
echo x >> {tmp_path}/plans
if [ $(wc -l < {tmp_path}/plans) = 2 ]; then
    touch {tmp_path}/planned
    for _ in $(seq 800); do [ -e {tmp_path}/typed ] && break; sleep 0.05; done
fi
exit $code"""
    app = start_app(program=write_script(tmp_path / "waits", waits), note="index.md")
    before = read_files(app.vault)
    app.run("fix")
    app.press_button("Fix")
    app.wait_for((tmp_path / "planned").exists)
    app.type_at_start("Unsaved words\n")
    (tmp_path / "typed").touch()
    app.wait_for(lambda: "not saved yet: index.md" in app.dialog)
    assert read_files(app.vault) == before
    app.press_button("Save and continue")
    app.press_button("Fix")
    app.wait_for(lambda: any("Fixed 13 findings" in text for text in app.notices))
    text = (app.vault / "index.md").read_text(encoding="utf-8")
    assert text.startswith("Unsaved words\n")
    assert "[[long_tide | latest episode]]" in text


def test_undo_takes_back_the_run_that_was_shown(start_app: StartApp, tmp_path: Path) -> None:
    # Another run finishes between the question and the undo.
    note = tmp_path / "vault" / "new.md"
    other = f"""case "$*" in undo*--diff* | undo*--list*) ;; undo*)
    echo 'see [[long_tide]' > {note}
    {PROGRAM} fix --vault {note.parent} > {tmp_path}/other 2>&1 ;;
esac
exec {PROGRAM} "$@"
"""
    app = start_app(program=write_script(tmp_path / "other-run", other), note="index.md")
    before = read_files(app.vault)
    app.run("fix")
    app.press_button("Fix")
    app.wait_for(lambda: any("Fixed 13 findings" in text for text in app.notices))
    app.run("undo")
    app.press_button("Undo")
    app.wait_for(lambda: any("Restored 9 notes" in text for text in app.notices))
    assert read_files(app.vault) == {**before, "new.md": b"see [[long_tide]]\n"}
    # The run that was undone is not offered again: the other one is.
    app.run("undo")
    app.wait_for(lambda: "Would restore 1 note " in app.dialog)
    assert "new.md" in app.dialog
    app.press_button("Cancel")


def test_skipped_notes_are_named_after_the_result(start_app: StartApp) -> None:
    app = start_app(note="index.md")
    (app.vault / "index.md").chmod(0o444)
    skipped = "Skipped 1 note: index.md: it is read-only."
    app.run("fix")
    app.wait_for(lambda: "Would fix 12 findings in 8 notes" in app.dialog)
    assert skipped in app.dialog
    app.press_button("Fix")
    app.wait_for(lambda: app.notices)
    assert app.notices[0].startswith("vaultlink: Fixed 12 findings in 8 notes")
    assert app.notices[0].endswith(skipped)


def test_report_is_made_outside_the_vault_and_opened(
    start_app: StartApp, browser: tuple[Browser, Path]
) -> None:
    app, opened = start_app(), browser[1] / "opened"
    before = read_files(app.vault)
    app.run("report")
    app.wait_for(opened.exists)
    file = Path(opened.read_text(encoding="utf-8").strip().removeprefix("file://"))
    assert file.name == "report.html"
    assert "<html" in file.read_text(encoding="utf-8")
    assert read_files(app.vault) == before
    app.wait_for(lambda: not app.ask("() => document.querySelector('.notice')"))
    # The app waits for the tasks of plugins before it quits.
    script = """async () => {
        const tasks = [];
        window.app.workspace.emit("quit", { addPromise: (promise) => tasks.push(promise) });
        await Promise.all(tasks);
    }"""
    app.ask(script)
    assert not file.parent.exists()


def test_missing_and_old_programs_are_named_and_can_be_set(
    start_app: StartApp, tmp_path: Path
) -> None:
    app = start_app(program="/no/such/vaultlink")
    app.wait_for(lambda: app.notices)
    assert app.status == "vaultlink stopped"
    assert "“/no/such/vaultlink” is not installed, or not where this plugin looks" in app.notices[0]
    app.run("show")
    app.wait_for(
        lambda: "is not installed" in app.ask("() => document.querySelector('#side').innerText")
    )
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho vaultlink 0.4.0\n", encoding="utf-8")
    old.chmod(0o755)
    app.ask("() => window.app.plugin.tab.display()")
    results = list[str]()
    for program in (old, PROGRAM):
        app.page.fill("#settings input", str(program))
        app.page.click("#settings button")
        app.wait_for(lambda: app.ask("() => document.querySelector('#settings p').textContent"))
        results.append(app.ask("() => document.querySelector('#settings p').textContent"))
        app.ask("() => { document.querySelector('#settings p').textContent = '' }")
    assert results[0].startswith("vaultlink 0.4.0 is too old: this plugin needs")
    assert results[1:] == ["The program works."]
    app.wait_for(lambda: app.status == "9 mistakes · 8 planned")


def test_watcher_that_is_killed_starts_again(start_app: StartApp) -> None:
    app = start_app()
    app.wait_for(lambda: app.status == "9 mistakes · 8 planned")
    for pid, command in app.list_processes().items():
        if command == "watch":
            os.kill(pid, 9)
    app.wait_for(
        lambda: "vaultlink: The watcher ended (signal SIGKILL). It starts again." in app.notices
    )
    (app.vault / NOTE).unlink()
    app.wait_for(lambda: app.status not in ("9 mistakes · 8 planned", "vaultlink…"))
    app.wait_for(lambda: len(app.list_processes()) <= 2)


HOSTILE = {
    "<img src=x onerror=alert(1)>.md": "[[A]]\n",
    "-rf $(touch pwned) `id`; &.md": "[[A]] [[<b>bold</b>]]\n",
    "evil\u202egnp.md": "[[A]]\n",
    "tab\tand\x1b[31mred.md": "[[A]]\n",
    "A.md": "[[<script>alert(1)</script>]] [[x\u202ey]] [[q\x07r]]\n[[-rf $(touch pwned) `id`; &]]\n",
    ".obsidian/app.json": "{}",
}


def test_hostile_names_and_texts_are_only_text(start_app: StartApp) -> None:
    app = start_app(files=HOSTILE, note="A.md")
    app.show_pane()
    app.wait_for(lambda: len(app.groups.get("Backlinks", ())), 4)
    texts = {text for rows in app.groups.values() for text, _ in rows}
    assert texts >= {
        *("<img src=x onerror=alert(1)>", "-rf $(touch pwned) `id`; &", "evil\\u{202e}gnp"),
        *("tab\\u{9}and\\u{1b}[31mred", "<script>alert(1)</script>", "x\\u{202e}y", "q\\u{7}r"),
    }
    title = "() => document.querySelector('.vaultlink-title').textContent"
    for path in HOSTILE:
        if path.endswith(".md"):
            app.open(path)
            app.wait_for(lambda path=path: app.ask(title)[:3] == path[:-3][:3])  # type: ignore[misc]
    app.run("fix")
    app.wait_for(lambda: app.notices or app.dialog)
    seen = app.page.seen()
    assert (seen["dialogs"], seen["errors"]) == (0, [])
    assert (
        app.ask("() => document.querySelectorAll('#side script, #side img, #side b').length") == 0
    )
    assert all(line[0] == str(PROGRAM) for line in app.ask("() => window.host.started"))
    assert not list(app.vault.rglob("pwned"))


def test_unload_leaves_no_process(start_app: StartApp) -> None:
    app = start_app()
    app.wait_for(lambda: app.status == "9 mistakes · 8 planned")
    app.wait_for(lambda: sorted(app.list_processes().values()), ["watch"])
    app.ask("() => window.app.plugin.onunload()")
    app.wait_for(lambda: not app.list_processes())
    assert app.notices == []


def test_unload_during_the_check_says_nothing(start_app: StartApp, tmp_path: Path) -> None:
    slow = write_script(tmp_path / "slow", f"touch {tmp_path}/asked; exec sleep 60")
    app = start_app(program=slow)
    app.wait_for((tmp_path / "asked").exists)
    app.ask("() => window.app.plugin.onunload()")
    app.wait_for(lambda: app.ask("() => window.host.ended"), 1)
    assert (app.notices, app.status) == ([], "vaultlink…")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pane_and_question_are_accessible(start_app: StartApp, theme: str) -> None:
    app = start_app(theme=theme)
    app.show_pane()
    app.wait_for(lambda: app.groups.get("Mistakes"))
    assert app.page.faults() == []
    app.run("fix")
    app.wait_for(lambda: app.dialog)
    assert app.page.faults() == []
    assert app.ask("() => document.activeElement.textContent") == "Cancel"
    app.page.press("Escape")
    app.wait_for(lambda: app.dialog == "")
