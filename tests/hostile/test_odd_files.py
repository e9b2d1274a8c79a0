"""Files that block, never end, are too large, or lead out of the vault are refused with a message."""

import json
import os
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repositories import create_repository
from running import CommandResult, RunCommand, create_vault
from tables import each
from vaultlink.disk.obsidian_files import OBSIDIAN_FILES
from vaultlink.disk.read import UnreadableFile, read_bytes
from vaultlink.disk.scan import BASELINE_FILE, list_files
from vaultlink.files import UnusualFileError, read_own, read_within
from vaultlink.history.git_renames import git_history
from vaultlink.write.journal_files import journal_folder

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs, devices and links"),
    pytest.mark.timeout(30),
]

NOTES = {"a.md": "[[b]]\n", "b.md": "[[a]]\n"}
CONFIGS = (".vaultlink.toml", "vaultlink.toml", "pyproject.toml")


def fifo(file: Path) -> None:
    """A FIFO without a writer: opening it blocks."""
    os.mkfifo(file)


def endless(file: Path) -> None:
    """A link to a device that never ends."""
    file.symlink_to("/dev/zero")


def device(file: Path) -> None:
    """A device, where this user may create one."""
    try:
        os.mknod(file, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root may create devices")


def unix_socket(file: Path) -> None:
    """A socket."""
    folder = Path.cwd()
    os.chdir(file.parent)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(file.name)
    os.chdir(folder)


def outside(file: Path) -> None:
    """A link to a file outside the vault."""
    root = next(folder for folder in file.parents if (folder / ".obsidian").is_dir())
    target = root.parent / "secret"
    target.write_text('{"token": "s3cr3t"}\n')
    file.symlink_to(target)


def huge(file: Path) -> None:
    """A file of 3 GB that takes no room."""
    file.touch()
    os.truncate(file, 3_000_000_000)


ODD = (fifo, endless, device, unix_socket, outside, huge)


def refused(done: CommandResult, *words: str) -> None:
    """Assert a configuration error that names the file, and nothing of its content."""
    assert (done.code, done.out) == (2, ""), done
    assert "internal error" not in done.err
    assert "s3cr3t" not in done.err
    assert "token" not in done.err
    for word in words:
        assert word in done.err


@each("odd", ODD, ids=lambda odd: odd.__name__)
@each("name", [*CONFIGS, *OBSIDIAN_FILES, BASELINE_FILE])
def test_settings_that_are_no_ordinary_file(
    tmp_path: Path, run: RunCommand, name: str, odd: Callable[[Path], None]
) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    odd(root / name)
    for command in ("check", "links", "fix"):
        if name != BASELINE_FILE or command == "check":
            refused(run(command, "--vault", str(root)), name.rpartition("/")[2], ": ")


@each("odd", (fifo, endless, huge), ids=lambda odd: odd.__name__)
def test_named_settings_that_are_no_ordinary_file(
    tmp_path: Path, run: RunCommand, odd: Callable[[Path], None]
) -> None:
    root, file = create_vault(tmp_path / "v", NOTES), tmp_path / "settings.toml"
    odd(file)
    refused(run("check", "--vault", str(root), "--config", str(file)), "settings.toml")
    refused(run("fix", "--vault", str(root), "--unsafe-fixes", "--template", file), "--template")


def test_settings_may_be_links_within_the_vault_and_named_ones_anywhere(
    tmp_path: Path, run: RunCommand
) -> None:
    root = create_vault(tmp_path / "v", {**NOTES, "c.md": "[[gone]]\n", "settings/x": "[oops]\n"})
    (root / ".vaultlink.toml").symlink_to("settings/x")
    assert "oops" in run("check", "--vault", str(root)).err
    (tmp_path / "link.toml").symlink_to(root / "settings/x")
    assert "oops" in run("check", "--vault", str(root), "--config", tmp_path / "link.toml").err
    (root / ".vaultlink.toml").unlink()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/app.json").write_text('{"userIgnoreFilters": ["c"]}')
    (root / ".obsidian").rmdir()
    (root / ".obsidian").symlink_to(tmp_path / "shared")  # a folder, as folders of notes may be
    assert run("check", "--vault", str(root)).code == 0


@each("odd", ODD, ids=lambda odd: odd.__name__)
def test_cache_that_is_no_ordinary_file(
    tmp_path: Path, run: RunCommand, odd: Callable[[Path], None]
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": "[[gone]]\n"})
    first = run("check", "--vault", str(root))
    files = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert len(files) > 3
    for file in files:
        file.unlink()
        if odd is outside:
            (tmp_path / "secret").write_text("x")
            file.symlink_to(tmp_path / "secret")
        elif odd is unix_socket:
            fifo(file)
        else:
            odd(file)
    done = run("check", "--vault", str(root))
    assert (done.code, done.out) == (first.code, first.out)


@each("odd", (fifo, endless, huge), ids=lambda odd: odd.__name__)
def test_record_that_is_no_ordinary_file(
    tmp_path: Path, run: RunCommand, odd: Callable[[Path], None]
) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    folder = journal_folder(root)
    folder.mkdir(parents=True)
    odd(folder / "20260101-000000-abcd.run")
    done = run("undo", "--vault", str(root))
    assert "can't read the record" in done.err
    assert "internal error" not in done.err


@each("odd", (fifo, endless, device, outside), ids=lambda odd: odd.__name__)
def test_note_that_became_another_kind_of_file(tmp_path: Path, odd: Callable[[Path], None]) -> None:
    root = create_repository(create_vault(tmp_path / "v", {**NOTES, "c.md": "x\n"}), {})
    (root / "a.md").rename(root / "a2.md")
    files = list_files(root).files
    for name in ("a2.md", "b.md"):
        (root / name).unlink()
        odd(root / name)
        assert isinstance(read_bytes(root / name), UnreadableFile)
    git_history(root, files, {})


@each(
    "name",
    [
        *(".gitignore", ".gitattributes", ".git/HEAD", ".git/index", ".git/packed-refs"),
        *(".git/commondir", ".git/config", ".git/info/exclude"),
    ],
)
def test_git_files_that_block(tmp_path: Path, run: RunCommand, name: str) -> None:
    root = create_repository(create_vault(tmp_path / "v", NOTES), {})
    (root / name).unlink(missing_ok=True)
    fifo(root / name)
    for words in (("check",), ("check", "--changed-since", "HEAD"), ("links",)):
        refused(run(*words, "--vault", str(root)), name, "it is a named pipe")
    assert run("init", "--merge-driver", "--vault", str(root)).code == 2


def test_git_file_that_blocks(tmp_path: Path, run: RunCommand) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    fifo(root / ".git")
    assert run("check", "--vault", str(root)).code == 0


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)
def test_files_of_another_user_are_not_trusted(
    tmp_path: Path, run: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = create_vault(tmp_path / "v", {"a.md": "[[Peir]]\n", "Pier.md": ""})
    assert run("fix", "--unsafe-fixes", "--vault", str(root)).code == 0
    [record] = journal_folder(root).glob("*.run")
    os.chown(record, 4321, -1)
    done = run("undo", "--vault", str(root))
    assert "of another user" in done.err
    assert (root / "a.md").read_text() == "[[Pier|Peir]]\n"
    monkeypatch.setenv("SUDO_UID", "4321")  # as git's safe.directory does
    assert run("undo", "--vault", str(root)).code == 0
    assert (root / "a.md").read_text() == "[[Peir]]\n"
    monkeypatch.delenv("SUDO_UID")
    file = tmp_path / "entry"
    file.write_bytes(b"x")
    assert read_own(file, 10) == b"x"
    os.chown(file, 4321, -1)
    with pytest.raises(UnusualFileError, match="another user"):
        read_own(file, 10)


def test_file_that_grows_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"12345")
    assert read_within(file, tmp_path, 5) == b"12345"
    with pytest.raises(UnusualFileError, match="larger than 4 bytes"):
        read_within(file, tmp_path, 4)


SETTINGS = {
    "tool is a number": "tool = 3\n",
    "tool is a list": "[[tool]]\n",
    "nested tables": "a = " + "[" * 100_000,
    "nested inline tables": "a = " + "{a = " * 100_000,
    "dotted keys": "tool.vaultlink." + "a." * 100_000 + "a = 1\n",
    "many keys": "[tool.vaultlink.per-file-ignores]\n"
    + "".join(f"k{n} = []\n" for n in range(50_000)),
    "a long number": "a = " + "9" * 10_000,
    "a NUL": "select = ['\\u0000']\n",
    "vaultlink is a number": "[tool]\nvaultlink = 3\n",
    "vaultlink is a list": "[[tool.vaultlink]]\n",
}


@each("text", SETTINGS.values(), ids=SETTINGS)
def test_hostile_settings_are_no_internal_error(tmp_path: Path, run: RunCommand, text: str) -> None:
    root = create_vault(tmp_path / "v", NOTES)
    (root / "pyproject.toml").write_text(text)
    for words in ((), ("--config", root / "pyproject.toml")):
        for command in ("check", "config", "fix"):
            done = run(command, "--vault", str(root), *words)
            assert "internal error" not in done.err
            assert done.code in (0, 2)
            assert (done.code == 2) == bool(done.err.startswith("error: ")), done.err


MANY = {
    "headings": "[backlinks]\nheadings = [" + ", ".join(f'"h{n}"' for n in range(100_000)) + "]\n",
    "keys": "[severity]\n" + "".join(f"k{n} = 1\n" for n in range(60_000)),
    "globs": "[per-file-ignores]\n" + "".join(f"k{n} = []\n" for n in range(60_000)),
    "exclude": "exclude = [" + ", ".join(f'"h{n}"' for n in range(90_000)) + "]\n",
    "short keys": "[severity]\n" + "".join(f"k{n} = 1\n" for n in range(15_000)),
    "elements": "exclude = [" + "'', " * 15_000 + "]\n",
    "depth": "[rules.orphan-note]\nignore = [" + "[" * 30 + "]" * 30 + "]\n",
}


@each("text", MANY.values(), ids=MANY)
def test_configuration_that_is_too_large_is_refused(
    tmp_path: Path, run: RunCommand, text: str
) -> None:
    root = create_vault(tmp_path / "v", {**NOTES, "vaultlink.toml": text})
    refused(run("check", "--vault", str(root)), "vaultlink.toml: ", " than ")


def test_overrides_of_settings_in_json_stay_small(tmp_path: Path, run: RunCommand) -> None:
    filters = [f"folder{n}/" for n in range(5_000)]
    files = {**NOTES, ".obsidian/app.json": json.dumps({"userIgnoreFilters": filters})}
    root = tmp_path / "v"
    (root / ".obsidian").mkdir(parents=True)
    for path, text in files.items():
        (root / path).write_text(text)
    assert run("check", "--vault", str(root)).code == 0
