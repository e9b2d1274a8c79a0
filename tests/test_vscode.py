"""The extension for VS Code: it is type-checked, packaged, and installed in VS Code itself, which runs in Chromium.

The npm package code-server carries VS Code as a server, which runs extensions in node as the desktop does. tests/vscode/driver is another
extension, which answers questions of these tests about the API. Nothing is a stub. What a notification or a dialog says is read, and
chosen, in the page.
"""

import json
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from browsing import Page, start_browser
from documents import blocks
from editor_renames import NEW, START, make_files, rename_by_command
from forge import ROOT, check_output, make_clean_environment, make_once, require_npm
from running import write_files
from vaultlink import __version__
from vaultlink.serve.lsp.views import EditorSettings

pytestmark = [pytest.mark.project, pytest.mark.xdist_group("vscode")]

SOURCE = ROOT / "contrib" / "vscode"
MANIFEST = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))
VERSION = re.findall(r"\d+\.\d+\.\d+", __version__)[0]
PROGRAM = Path(sys.executable).with_name("vaultlink")
SAMPLE = ROOT / "fixtures" / "podcast-wiki"
WAIT = 60.0
"""Seconds until something that must happen has happened, on a busy machine."""

NPM = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
PAGE = ROOT / "docs" / "vscode.md"
IS_REFRESHED = bool(os.environ.get("VAULTLINK_REFRESH"))
"""True if the picture of the page is taken again."""


# -- making ---------------------------------------------------------------------------------------------------------------


def read_commands() -> list[str]:
    """Return the commands of the page, which build and install the extension."""
    [block] = blocks(PAGE, "sh")
    return block.splitlines()


def build_extension(folder: Path) -> None:
    """Build the extension as the page says, and package the driver."""
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copytree(SOURCE, folder / "contrib" / "vscode")
    check_output(["bash", "-c", read_commands()[0]], folder, dict(os.environ))
    with zipfile.ZipFile(folder / "driver.vsix", "w") as archive:
        for file in (ROOT / "tests" / "vscode" / "driver").iterdir():
            archive.write(file, f"extension/{file.name}")


def install_code(folder: Path) -> None:
    """Install VS Code as its own script does, without modules that must be compiled: it runs without them."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "tests" / "vscode" / name, folder)
    check_output(NPM, folder, dict(os.environ))
    inner = folder / "node_modules" / "code-server" / "lib" / "vscode"
    check_output(["npm", "install", "--omit=dev", *NPM[2:]], inner, dict(os.environ))
    (inner / "node_modules.asar").symlink_to("node_modules")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the commands of the page run."""
    require_npm(tmp_path_factory)
    return make_once(tmp_path_factory, "vscode-extension", build_extension)


# -- VS Code --------------------------------------------------------------------------------------------------------------


class Code:
    """A window of VS Code with a vault.

    Attributes:
        page: The page that shows it.
        vault: The folder that is open.
        home: The home folder of its user.
        settings: The file with the settings of the machine.
    """

    def __init__(self, page: Page, address: str, vault: Path, home: Path, settings: Path):
        self.page, self.vault, self.home, self.settings = page, vault, home, settings
        self._address = address
        self._stream: Any = None

    def run(self, script: str, *arguments: object) -> Any:
        """Return the value of an asynchronous JavaScript function of the API, and of arguments."""
        if self._stream is None:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(WAIT)
                self.wait(lambda: connection.connect_ex(self._address) == 0)
                self._stream = connection.makefile("rw", encoding="utf-8")
        self._stream.write(json.dumps({"script": script, "arguments": arguments}) + "\n")
        self._stream.flush()
        answer = json.loads(self._stream.readline())
        assert "error" not in answer, f"{script}: {answer['error']}"
        return answer["value"]

    def command(self, name: str, *arguments: object) -> None:
        """Run a command of VS Code, and wait for its end."""
        self.run(
            "(v, ...all) => v.commands.executeCommand(...all).then(() => null)", name, *arguments
        )

    def start(self, name: str) -> None:
        """Run a command that asks something."""
        self.start_command(f"vaultlink.{name}")

    def start_command(self, name: str) -> None:
        """Run a command of VS Code, which waits for keys."""
        self.run("(v, name) => void v.commands.executeCommand(name)", name)

    def open(self, note: str) -> None:
        """Open a note in an editor."""
        self.run(
            "(v, path) => v.window.showTextDocument(v.Uri.file(path)).then(() => null)",
            str(self.vault / note),
        )

    def save(self) -> None:
        """Save all documents."""
        self.run(
            "v => Promise.all(v.workspace.textDocuments.filter(d => d.isDirty).map(d => d.save())).then(() => null)"
        )

    def close(self) -> None:
        """End the connection to the driver."""
        if self._stream:
            self._stream.close()

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition is true, and return its value."""
        end = time.monotonic() + WAIT
        while not (value := condition()):
            assert time.monotonic() < end, (self.bar, self.notes)
            time.sleep(0.05)
        return value

    def see(self, selector: str) -> list[str]:
        """Return the texts of the visible elements that match a selector."""
        script = "s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()).map(e => e.textContent)"
        found: list[str] = self.page.evaluate(script, selector)
        return [" ".join(text.split()) for text in found]

    @property
    def bar(self) -> str:
        """The text in the status bar."""
        return "".join(self.see("[id='vaultlink.vaultlink.vaultlink.status']"))

    @property
    def notes(self) -> list[str]:
        """The notifications."""
        return self.see(".notifications-toasts .notification-list-item-message")

    def take_note(self) -> str:
        """Wait for a notification, close it, and return it."""
        [text, *_] = self.wait(lambda: self.notes)
        self.command("notifications.clearAll")
        self.wait(lambda: not self.notes)
        return str(text)

    def choose(self, action: str) -> str:
        """Wait for a question, choose an answer, and return the question."""
        rows = ".quick-input-widget .quick-input-list .monaco-list-row"
        self.wait(lambda: action in self.see(rows))
        [title] = self.see(".quick-input-widget .quick-input-title")
        self.page.click(f"{rows} >> text={action}")
        self.wait(lambda: not self.see(rows))
        return title

    def read(self) -> dict[str, bytes]:
        """Return the files of the vault."""
        return {
            path.relative_to(self.vault).as_posix(): path.read_bytes()
            for path in self.vault.rglob("*")
            if path.is_file()
        }

    def find(self, name: str) -> bool:
        """Return True if the server knows a note."""
        script = "(v, name) => v.commands.executeCommand('vscode.executeWorkspaceSymbolProvider', name).then(all => all.length > 0)"
        return bool(self.run(script, name.removesuffix(".md")))

    def vaultlink(self, *arguments: str) -> Any:
        """Return the JSON that a command of the program prints."""
        done = subprocess.run(
            [PROGRAM, *arguments, "--output-format", "json"],
            cwd=self.vault,
            env=make_clean_environment(self.home),
            capture_output=True,
            check=False,
        )
        return json.loads(done.stdout)

    def expect_bar(self) -> str:
        """Return what the status bar must show."""
        found = self.vaultlink("status")
        return f"{len(found['mistakes'])} mistakes, {len(found['planned'])} planned notes"

    @property
    def findings(self) -> list[list[object]]:
        """The place and code of each finding that the editor shows."""
        script = """v => v.languages.getDiagnostics().flatMap(([uri, all]) =>
            all.filter(d => d.source === 'vaultlink')
                .map(d => [v.workspace.asRelativePath(uri), d.range.start.line + 1, d.code]))"""
        return sorted(self.run(script))

    def expect_findings(self) -> list[list[object]]:
        """Return the findings of the command."""
        found = self.vaultlink("check")["findings"]
        return sorted([item["path"], item["line"], item["code"]] for item in found)

    def choose_program(self, path: Path | str) -> None:
        """Name a program in the settings of the machine."""
        values = json.loads(self.settings.read_text(encoding="utf-8"))
        self.settings.write_text(
            json.dumps({**values, "vaultlink.path": str(path)}), encoding="utf-8"
        )
        script = "(v, path) => v.workspace.getConfiguration('vaultlink').get('path') === path"
        self.wait(lambda: self.run(script, str(path)))


def fill(vault: Path) -> None:
    """Give the vault the notes of the sample, and a program that must not run. It is never without notes."""
    shutil.copytree(SAMPLE, vault, dirs_exist_ok=True)
    for path in sorted(vault.rglob("*"), reverse=True):
        if (SAMPLE / path.relative_to(vault)).exists():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
        elif path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    settings = {
        "vaultlink.path": str(vault / "vaultlink"),
        "files.autoSave": "off",
        "files.exclude": {".vscode": True, "vaultlink": True},
    }
    write_files(vault, {".vscode/settings.json": json.dumps(settings)})
    write_program(vault / "vaultlink", f"touch '{vault.parent}/hostile'; exec '{PROGRAM}' \"$@\"")


def write_program(path: Path, script: str) -> Path:
    """Write a program of the shell."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@contextmanager
def start_code(factory: pytest.TempPathFactory, built: Path, folder: Path) -> Iterator[Code]:
    """Start VS Code with the packaged extension, and open a vault that is not trusted yet."""
    server = (
        make_once(factory, "vscode", install_code)
        / "node_modules/code-server/lib/vscode/out/server-main.js"
    )
    vault, data = (
        folder / ("podcast-wiki" if IS_REFRESHED else "Ada's $(touch pwned) & notes; 50 %"),
        folder / "data",
    )
    settings = data / "data" / "Machine" / "settings.json"
    vault.mkdir()
    fill(vault)
    write_files(data, {"data/Machine/settings.json": '{"workbench.startupEditor": "none"}'})
    home = folder / "home"
    write_files(home, {".local/share/none": ""})
    (home / ".local" / "bin").mkdir()
    (home / ".local" / "bin" / "vaultlink").symlink_to(PROGRAM)
    address = str(folder / "driver")
    # A program in the vault comes first in PATH.
    environment = make_clean_environment(
        home, VAULTLINK_TEST_SOCKET=address, PATH=f"{vault}:.:/usr/bin:/bin"
    )
    serve = [shutil.which("node") or "node", str(server), "--server-data-dir", str(data)]
    serve += ["--telemetry-level=off", "--accept-server-license-terms", "--force-disable-user-env"]
    programs = write_program(folder / "bin" / "code", f'exec {shlex.join(serve)} "$@"').parent
    path = {**environment, "PATH": f"{programs}:{environment['PATH']}"}
    check_output(["bash", "-c", read_commands()[1]], built, path)
    check_output(["bash", "-c", "code --install-extension driver.vsix"], built, path)
    serve += ["--host=127.0.0.1", "--port=0", "--without-connection-token"]
    with (
        subprocess.Popen(
            serve,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
        start_browser(factory) as browser,
    ):
        try:
            assert process.stdout
            lines = (re.search(r"agent listening on (\d+)", line) for line in process.stdout)
            port = next(filter(None, lines))[1]
            page = browser.open(
                f"http://127.0.0.1:{port}/?folder={quote(str(vault))}", width=1200, height=800
            )
            with closing(Code(page, address, vault, home, settings)) as code:
                yield code
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory, built: Path) -> Iterator[Code]:
    """One window for all tests, as it takes ten seconds to start."""
    # The address of a socket must be short. Processes of VS Code may write for a moment after its end.
    with tempfile.TemporaryDirectory(prefix="vl-", ignore_cleanup_errors=True) as folder:
        with start_code(tmp_path_factory, built, Path(folder)) as code:
            yield code
        assert not (Path(folder) / "hostile").exists()  # the program in the vault never ran
        assert not [*Path(folder).rglob("pwned")]


@pytest.fixture
def code(window: Code) -> Code:
    """The window with a vault as in the sample, without open editors."""
    if not window.run("v => v.workspace.isTrusted"):
        window.page.click("text=Yes, I trust the authors")
    window.save()
    window.command("workbench.action.closeAllEditors")
    window.command("notifications.clearAll")
    fill(window.vault)
    if json.loads(window.settings.read_text(encoding="utf-8")).get("vaultlink.path"):
        window.choose_program("")
        window.command("vaultlink.restart")
    window.wait(lambda: window.bar == window.expect_bar())
    return window


# -- the package ----------------------------------------------------------------------------------------------------------


def test_package_has_these_files(built: Path) -> None:
    with zipfile.ZipFile(built / f"build/vaultlink-{VERSION}.vsix") as archive:
        names = sorted(archive.namelist())
        licence = archive.read("extension/LICENSE.txt")
    assert names == [
        "[Content_Types].xml",
        "extension.vsixmanifest",
        "extension/LICENSE.txt",
        "extension/changelog.md",
        "extension/dist/extension.js",
        "extension/icon.png",
        "extension/package.json",
        "extension/readme.md",
    ]
    assert licence == (ROOT / "LICENSE").read_bytes()


def test_page_builds_and_installs_the_extension() -> None:
    build, install = (line.partition("#")[0].strip() for line in read_commands())
    assert (
        build == "make vscode"
    )  # `built` runs it, and `start_code` the other one, with VS Code as `code`
    assert install == "code --install-extension build/vaultlink-*.vsix"


def test_page_and_readme_list_the_commands_and_settings() -> None:
    page, readme = (
        PAGE.read_text(encoding="utf-8"),
        (SOURCE / "README.md").read_text(encoding="utf-8"),
    )
    contributed = MANIFEST["contributes"]
    titles = [f"| {item['category']}: {item['title']} |" for item in contributed["commands"]]
    assert re.findall(r"^\| vaultlink: .*? \|", page, re.MULTILINE) == titles
    assert re.findall(r"^\| vaultlink: .*? \|", readme, re.MULTILINE) == titles
    rows = re.findall(r"^\| `(vaultlink\..*?)` \|.*\| `(.*)` \|$", page, re.MULTILINE)
    settings = contributed["configuration"]["properties"]
    assert rows == [(name, json.dumps(item["default"])) for name, item in settings.items()]


def test_extension_has_the_version_and_the_settings_of_the_server() -> None:
    assert MANIFEST["version"] == VERSION
    [oldest] = re.findall(
        r"OLDEST: .* = \[(.*)\]", (SOURCE / "src/program.ts").read_text(encoding="utf-8")
    )
    assert [*map(int, oldest.split(", "))] <= [*map(int, VERSION.split("."))]
    settings = MANIFEST["contributes"]["configuration"]["properties"]
    server = {
        f"vaultlink.{field.encode_name}": field.default
        for field in msgspec.structs.fields(EditorSettings)
    }
    own = {"vaultlink.path": "", "vaultlink.trace.server": "off"}
    assert {name: item["default"] for name, item in settings.items()} == {**own, **server}
    assert settings["vaultlink.path"]["scope"] == "machine"


# -- the server in the editor ---------------------------------------------------------------------------------------------


def test_a_vault_that_is_not_trusted_is_checked(window: Code) -> None:
    window.wait(lambda: window.see(".monaco-dialog-box"))
    window.wait(lambda: window.bar == window.expect_bar())
    assert window.run("v => v.workspace.isTrusted") is False


def test_findings_are_those_of_the_command(code: Code) -> None:
    code.wait(lambda: code.findings == code.expect_findings())
    if IS_REFRESHED:
        code.open("index.md")
        code.command("workbench.actions.view.problems")
        code.wait(
            lambda: code.see(".squiggly-error") and code.see(".markers-panel .monaco-list-row")
        )
        code.wait(lambda: code.findings == code.expect_findings())
        code.page.do("picture", file=str(ROOT / "docs" / "images" / "vscode.png"))


def test_an_edit_is_checked_completed_and_followed_before_it_is_saved(code: Code) -> None:
    code.open("index.md")
    script = """async (v, text) => {
        const { document } = v.window.activeTextEditor;
        const edit = new v.WorkspaceEdit();
        edit.insert(document.uri, new v.Position(document.lineCount, 0), text);
        await v.workspace.applyEdit(edit);
        return document.lineCount - 1;
    }"""
    line = code.run(script, "\\nA [[long_tide]] and [[no such note here]] and [[the_longi")
    ask = "await v.commands.executeCommand(name, v.window.activeTextEditor.document.uri, new v.Position(...at))"
    complete = (
        f"async (v, name, ...at) => ({ask}).items.map(item => item.label.label ?? item.label)"
    )
    place = (line, 55)
    code.wait(
        lambda: (
            "the_longitude_problem"
            in code.run(complete, "vscode.executeCompletionItemProvider", *place)
        )
    )
    define = (
        f"async (v, name, ...at) => ({ask}).map(item => v.workspace.asRelativePath(item.targetUri))"
    )
    assert code.run(define, "vscode.executeDefinitionProvider", line, 6) == ["long_tide.md"]
    messages = "v => v.languages.getDiagnostics(v.window.activeTextEditor.document.uri).map(d => d.message).join()"
    code.wait(lambda: "no such note here" in code.run(messages))
    assert code.bar == code.expect_bar()  # the count is that of the files


def test_a_rename_of_a_heading_changes_the_links_to_it(code: Code) -> None:
    write_files(
        code.vault, {"a.md": "# One\n\n## Two\n", "b.md": "[[a#Two]]\n", "c.md": "[x](a.md#Two)\n"}
    )
    code.open("a.md")
    script = """async v => {
        const { uri } = v.window.activeTextEditor.document;
        const edit = await v.commands.executeCommand('vscode.executeDocumentRenameProvider', uri, new v.Position(2, 4), 'Three');
        return edit.size === 3 && v.workspace.applyEdit(edit);
    }"""
    code.wait(lambda: code.run(script))
    code.save()
    texts = {
        name: (code.vault / name).read_text(encoding="utf-8") for name in ("a.md", "b.md", "c.md")
    }
    assert texts == {
        "a.md": "# One\n\n## Three\n",
        "b.md": "[[a#Three]]\n",
        "c.md": "[x](a.md#Three)\n",
    }


def test_a_move_of_a_note_changes_the_links_to_it(code: Code) -> None:
    write_files(code.vault, {"a.md": "# One\n", "b.md": "[[a]], [text](a.md#One)\n"})
    code.wait(lambda: code.find("a.md"))
    script = """(v, old, name) => {
        const edit = new v.WorkspaceEdit();
        edit.renameFile(v.Uri.file(old), v.Uri.file(name));
        void v.workspace.applyEdit(edit);
    }"""
    code.run(script, str(code.vault / "a.md"), str(code.vault / "attachments" / "z.md"))
    [question] = code.wait(lambda: code.see(".monaco-dialog-box"))
    assert "wants to make refactoring changes with this file move" in question
    code.page.click('.monaco-dialog-box .monaco-button >> text="OK"')
    code.wait((code.vault / "attachments" / "z.md").exists)
    code.wait(
        lambda: code.run(
            "v => v.workspace.textDocuments.some(d => d.getText().startsWith('[[z]]'))"
        )
    )
    code.save()
    assert (code.vault / "b.md").read_text(
        encoding="utf-8"
    ) == "[[z]], [text](attachments/z.md#One)\n"


def test_a_code_lens_shows_its_links(code: Code) -> None:
    code.open("long_tide.md")
    script = """async (v, run) => {
        const { uri } = v.window.activeTextEditor.document;
        const [lens] = await v.commands.executeCommand('vscode.executeCodeLensProvider', uri, 1);
        if (run) await v.commands.executeCommand(lens.command.command, ...lens.command.arguments);
        return lens?.command.title;
    }"""
    title = code.wait(lambda: code.run(script, False))
    assert title == f"{len(code.vaultlink('backlinks', 'long_tide.md')['backlinks'])} backlinks"
    code.run(script, True)
    code.wait(lambda: code.see(".peekview-widget"))


def test_settings_reach_the_server(code: Code) -> None:
    write_files(code.vault, {"a.md": "[[long_tide]]\n"})
    code.open("a.md")
    script = """async v => {
        const { uri } = v.window.activeTextEditor.document;
        const lenses = await v.commands.executeCommand('vscode.executeCodeLensProvider', uri);
        const hints = await v.commands.executeCommand('vscode.executeInlayHintProvider', uri, new v.Range(0, 0, 1, 0));
        return [lenses.length, hints.length];
    }"""
    code.wait(lambda: code.run(script) == [1, 0])
    set_both = """async (v, hints, lens) => {
        const settings = v.workspace.getConfiguration('vaultlink');
        await settings.update('inlayHints', hints);
        await settings.update('codeLens', lens);
    }"""
    code.run(set_both, True, False)
    code.wait(lambda: code.run(script) == [0, 1])
    code.run(set_both, False, True)
    code.wait(lambda: code.run(script) == [1, 0])


# -- the commands ---------------------------------------------------------------------------------------------------------


def test_fixes_of_a_note_are_undone_in_the_editor(code: Code) -> None:
    code.open("index.md")
    text = "v => v.window.activeTextEditor.document.getText()"
    before = code.run(text)
    code.command("vaultlink.fixNote")
    code.wait(lambda: "[[long_tide | latest episode]]" in code.run(text))
    code.command("undo")
    assert code.run(text) == before


def test_page_fixes_a_note_on_save(code: Code) -> None:
    [block] = blocks(PAGE, "json")
    write_files(code.vault, {".vscode/settings.json": block})
    code.open("index.md")
    script = """v => v.workspace.getConfiguration('editor', v.window.activeTextEditor.document)
        .get('codeActionsOnSave')['source.fixAll.vaultlink']"""
    code.wait(lambda: code.run(script) == "explicit")
    code.command("type", {"text": "x"})
    code.command("workbench.action.files.save")
    code.wait(lambda: b"[[long_tide | latest episode]]" in (code.vault / "index.md").read_bytes())


def test_fixes_of_the_vault_are_shown_applied_and_undone(code: Code) -> None:
    before = code.read()
    bar = code.bar
    code.start("fixVault")
    assert code.choose("Cancel").startswith("Would fix 13 findings in 9 notes: ")
    assert code.read() == before
    code.start("fixVault")
    assert "+- [[long_tide | latest episode]]" in code.run(
        "v => v.window.activeTextEditor.document.getText()"
    )
    code.choose("Apply these fixes")
    assert code.take_note().startswith("vaultlink: Fixed 13 findings in 9 notes: ")
    assert code.read() != before
    code.wait(lambda: code.bar == code.expect_bar() != bar)
    code.start("undo")
    assert code.choose("Undo this run").startswith(
        "Would restore 9 notes to the state before the run of "
    )
    assert code.take_note().startswith("vaultlink: Restored 9 notes ")
    assert code.read() == before
    code.wait(lambda: code.bar == bar)
    code.start("undo")
    assert "There is nothing to undo" in code.take_note()


def test_what_was_shown_is_what_is_written(code: Code) -> None:
    code.start("fixVault")
    code.wait(lambda: code.see(".quick-input-widget .quick-input-title"))
    (code.vault / "index.md").unlink()
    before = code.read()
    assert code.choose("Apply these fixes").startswith("Would fix 13 findings in 9 notes: ")
    code.wait(lambda: code.see(".quick-input-widget .quick-input-title"))
    assert code.choose("Cancel").startswith("Would fix 12 findings in 8 notes: ")
    assert code.read() == before


def test_undo_reverts_the_run_that_was_shown(code: Code) -> None:
    before = code.read()
    code.start("fixVault")
    code.choose("Apply these fixes")
    code.take_note()
    write_files(code.vault, {"x.md": "X\n"})
    code.start("undo")
    code.wait(lambda: code.see(".quick-input-widget .quick-input-title"))
    code.vaultlink("rename", "x.md", "y.md")
    code.choose("Undo this run")
    assert code.take_note().startswith("vaultlink: Restored 9 notes ")
    assert code.read() == {**before, "y.md": b"X\n"}


def test_what_is_typed_during_the_last_plan_is_noticed(code: Code, tmp_path: Path) -> None:
    hold, held = tmp_path / "hold", tmp_path / "held"
    slow = f"while [ \"$2\" = --diff ] && [ -e '{hold}' ]; do touch '{held}'; sleep 0.05; done"
    code.choose_program(write_program(tmp_path / "slow", f"{slow}\nexec '{PROGRAM}' \"$@\""))
    before = code.read()
    code.start("fixVault")
    code.wait(lambda: code.see(".quick-input-widget .quick-input-title"))
    hold.touch()
    code.choose("Apply these fixes")
    code.wait(held.exists)
    code.open("index.md")
    code.command("type", {"text": "x"})
    hold.unlink()
    assert code.take_note().endswith("Save or revert what is not saved first: index.md.")
    assert code.read() == before


def test_notes_of_the_vault_outside_the_folder_count(code: Code) -> None:
    above = code.vault.parent
    shutil.rmtree(code.vault / ".obsidian")
    (code.vault / "vaultlink.toml").unlink()
    write_files(above, {"vaultlink.toml": "", "outside.md": "[[long_tide | The Long Tide]]\n"})
    try:
        code.open("../outside.md")
        code.command("type", {"text": "x"})
        code.start("fixVault")
        assert code.take_note().endswith(f"not saved first: {above}/outside.md.")
        code.save()
        code.command("workbench.action.closeAllEditors")
    finally:
        (above / "vaultlink.toml").unlink()
        (above / "outside.md").unlink()


@pytest.mark.parametrize("command", ["fixVault", "undo"])
def test_nothing_is_written_while_a_note_is_not_saved(code: Code, command: str) -> None:
    before = code.read()
    code.open("index.md")
    code.command("type", {"text": "x"})
    code.start(command)
    assert code.take_note().endswith(
        "changes files on disk. Save or revert what is not saved first: index.md."
    )
    assert code.read() == before


def test_report_is_written_outside_the_vault(code: Code) -> None:
    before = code.read()
    code.start("report")
    found = re.fullmatch(
        r"vaultlink: The report is (.*)\. Open it in a browser\.", code.take_note()
    )
    assert found
    assert "long_tide" in Path(found[1]).read_text(encoding="utf-8")
    assert code.read() == before
    end = """v => {
        const { extensionPath } = v.extensions.getExtension('vaultlink.vaultlink');
        return require(`${extensionPath}/dist/extension.js`).deactivate();
    }"""
    code.run(end)
    assert not Path(found[1]).parent.exists()
    assert not code.find("index.md")  # the server ended
    code.command("vaultlink.restart")


# -- the program ----------------------------------------------------------------------------------------------------------


def write_versions(folder: Path) -> dict[str, tuple[Path | str, str]]:
    """Return settings, and what is said about the programs that they name."""
    without = "import sys; sys.modules['pygls'] = None; from vaultlink.__main__ import main; sys.exit(main())"
    old = write_program(folder / "old", 'echo "vaultlink 0.5.12"')
    other = write_program(folder / "other", 'echo "other 9.9"')
    plain = write_program(folder / "plain", f'exec "{sys.executable}" -c "{without}" "$@"')
    return {
        "old": (old, f"{old} is version 0.5.12, which is too old. Upgrade it to 0.6.0 or newer."),
        "other": (
            other,
            f"{other} is not vaultlink: it prints no version. Correct the setting vaultlink.path.",
        ),
        "extra": (plain, "lsp requires the library of the protocol. Install it with `"),
        "none": (
            "/no/such/vaultlink",
            "The setting vaultlink.path names /no/such/vaultlink, which is no program.",
        ),
        "relative": (
            "vaultlink",
            "The setting vaultlink.path must be an absolute path, not vaultlink.",
        ),
    }


@pytest.mark.parametrize("case", ["old", "other", "extra", "none", "relative"])
def test_a_program_that_can_not_be_used_is_named(code: Code, tmp_path: Path, case: str) -> None:
    path, sentence = write_versions(tmp_path)[case]
    code.choose_program(path)
    assert code.take_note().startswith(f"vaultlink: {sentence}")
    assert code.bar == "vaultlink"
    code.start("fixVault")
    assert "The program vaultlink cannot be used." in code.take_note()


def test_a_missing_program_is_looked_for_again(code: Code) -> None:
    link = code.home / ".local" / "bin" / "vaultlink"
    link.unlink()
    (code.vault / "vaultlink").unlink()
    code.start("restart")
    code.wait(lambda: code.notes)
    assert code.notes == [
        "vaultlink: The program vaultlink is not installed, or neither in PATH nor where pipx, uv and pip put it."
    ]
    code.page.click("text=How to Install")
    tabs = "v => v.window.tabGroups.all.flatMap(group => group.tabs.map(tab => tab.label))"
    code.wait(lambda: code.run(tabs) == ["Preview readme.md"])
    link = code.home / ".venvs" / "vaultlink" / "bin" / "vaultlink"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(PROGRAM)
    code.start("restart")
    code.wait(lambda: code.bar == code.expect_bar())
    link.rename(code.home / ".local" / "bin" / "vaultlink")
    code.command("vaultlink.restart")


def test_a_program_of_an_open_folder_is_named_and_not_run(code: Code) -> None:
    link = code.home / ".local" / "bin" / "vaultlink"
    link.unlink()
    link.symlink_to(code.vault / "vaultlink")
    code.start("restart")
    assert code.take_note() == (
        f"vaultlink: {code.vault}/vaultlink is in a folder that is open. "
        "If you trust it, name it in the setting vaultlink.path."
    )
    # PATH no longer has it, but the link leads to it.
    other = code.vault / "programs" / "vaultlink"
    other.parent.mkdir()
    (code.vault / "vaultlink").rename(other)
    link.unlink()
    link.symlink_to(other)
    code.start("restart")
    assert code.take_note().startswith(f"vaultlink: {link} is in a folder that is open.")
    link.unlink()
    link.symlink_to(PROGRAM)
    code.command("vaultlink.restart")


def test_program_that_was_checked_is_the_one_that_runs(code: Code) -> None:
    """The link by which it was found leads to a program of the vault later, and commands run."""
    link = code.home / ".local" / "bin" / "vaultlink"
    link.unlink()
    link.symlink_to(code.vault / "vaultlink")
    write_files(code.vault, {"a.md": "[[long_tides]]\n"})
    code.wait(lambda: code.bar == code.expect_bar())
    code.start("fixVault")
    code.choose("Cancel")
    assert not (code.vault.parent / "hostile").exists()
    link.unlink()
    link.symlink_to(PROGRAM)


RENAMED = make_files(12)


def test_rename_is_that_of_the_command_line_and_asks_nothing(code: Code, tmp_path: Path) -> None:
    """F2 in a link, in a vault of 1,000 notes."""
    for path in code.vault.rglob("*.*"):
        if path.suffix in (".md", ".canvas", ".base"):
            path.unlink()
    write_files(code.vault, RENAMED)
    code.wait(lambda: code.find("Note 997.md"))
    before = code.read().keys() - RENAMED.keys()
    code.open(START)
    place = (
        "v => { const e = v.window.activeTextEditor; e.selection = new v.Selection(2, 15, 2, 15); }"
    )
    code.run(place)
    code.start_command("editor.action.rename")
    code.wait(lambda: code.see(".rename-box"))
    code.page.fill(".rename-box input", NEW)
    code.page.press("Enter")
    code.wait((code.vault / "Notes" / f"{NEW}.md").exists)
    assert not code.see(".monaco-dialog-box")
    expected = rename_by_command(tmp_path, RENAMED)

    def is_done() -> bool:
        code.save()  # VS Code saves the notes one after the other
        return {path: code.read().get(path) for path in expected} == expected

    code.wait(is_done)
    assert code.read().keys() == {*before, *expected}
    assert not code.run("v => v.workspace.textDocuments.some(d => d.isDirty)")
    assert not code.see(".monaco-dialog-box")


def test_a_server_that_does_not_start_is_started_again(code: Code, tmp_path: Path) -> None:
    broken, failed = tmp_path / "broken", tmp_path / "failed"
    write_files(tmp_path, {"broken": "", "failed": ""})
    # The check of the program gives `lsp` an empty input, so it works.
    fail = f"[ \"$1\" = lsp ] && [ -e '{broken}' ] && read -r line && echo >> '{failed}' && exit 3"
    code.choose_program(write_program(tmp_path / "flaky", f"{fail}\nexec '{PROGRAM}' \"$@\""))
    code.wait(lambda: len(failed.read_text(encoding="utf-8")) == 5)  # the client gives up
    broken.unlink()
    code.start("restart")
    code.wait(lambda: code.find("index.md"))
