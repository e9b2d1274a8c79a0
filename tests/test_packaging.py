"""Tests of what `tools/packaging/write_all.sh` writes: archives, checksums, the Dockerfile and the Homebrew formula."""

import hashlib
import re
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from forge import ROOT, check_output, make_clean_environment, run_process
from machine import require_program
from tables import each
from vaultlink import __version__

pytestmark = pytest.mark.project

FOLDER = ROOT / "tools" / "packaging"
ADDRESS = "https://example.org/owner/vaultlink/releases/download/v1"


@pytest.fixture
def packaging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """Return the script, with a file that stands for the binary."""
    monkeypatch.syspath_prepend(FOLDER)
    import write_files  # noqa: PLC0415 - it is no package

    binary = tmp_path / "built" / "vaultlink"
    binary.parent.mkdir()
    binary.write_bytes(b"\x7fELF of a test")
    binary.chmod(0o755)
    monkeypatch.setattr(write_files, "BINARY", binary)
    yield write_files
    del sys.modules["write_files"]


@pytest.fixture
def folder(packaging: ModuleType, tmp_path: Path) -> Path:
    """Return a folder with the archives of three systems, and the files for them."""
    folder = tmp_path / "packaging"
    archive = packaging.write_archive(folder)
    for end in ("macos-arm64.tar.gz", "windows-x86_64.zip"):
        shutil.copyfile(archive, folder / f"vaultlink-{__version__}-{end}")
    packaging.main(["files", str(folder), f"{ADDRESS}/"])
    return folder


def test_archive_has_the_program_and_the_license(packaging: ModuleType, tmp_path: Path) -> None:
    archive = packaging.write_archive(tmp_path / "out")
    assert archive.name.startswith(f"vaultlink-{__version__}-")
    with tarfile.open(archive) as tar:
        found = {item.name: (item.mode & 0o777, item.uid, item.uname) for item in tar}
    assert found["vaultlink"] == (0o755, 0, "")
    assert set(found) == {"vaultlink", "LICENSE", "LICENSES-OF-LIBRARIES.txt"}


def test_licenses_are_those_of_all_libraries_in_the_binary(packaging: ModuleType) -> None:
    text = packaging.format_licenses()
    titles = re.findall(r"^=+\n(\S+) (\S+)\n=+\n\n(?=\S)", text, re.MULTILINE)
    named = {name.lower() for name, _ in titles}
    assert {
        "python",
        "msgspec",
        "networkx",
        "pyyaml",
        "pygls",
        "lsprotocol",
        "mcp",
        "pydantic",
    } <= named
    assert named.isdisjoint({"vaultlink", "pytest", "pyinstaller", "ruff"})
    assert "See its distribution" not in text


def test_files_are_written_without_libraries(folder: Path) -> None:
    """The workflow of a release installs none in this job."""
    command = [sys.executable, "-I", "-S", str(FOLDER / "write_files.py"), "files", str(folder)]
    check_output(command, folder, make_clean_environment(folder / "home"))


def test_checksums_are_those_of_all_archives(folder: Path) -> None:
    told = check_output(
        ["sha256sum", "--check", "SHA256SUMS"], folder, make_clean_environment(folder / "home")
    )
    assert told.count(": OK") == 3


def test_formula_names_each_archive_with_its_checksum(folder: Path) -> None:
    text = (folder / "vaultlink.rb").read_text(encoding="utf-8")
    for file in folder.glob("*.tar.gz"):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert f'url "{ADDRESS}/{file.name}"\n      sha256 "{digest}"' in text
    assert ".zip" not in text
    assert 'homepage "https://example.org/owner/vaultlink"' in text
    assert f'version "{__version__}"' in text


def test_formula_without_an_address_installs_the_archive_of_this_computer(
    packaging: ModuleType, tmp_path: Path
) -> None:
    archive = packaging.write_archive(tmp_path / "out")
    packaging.main(["files", str(tmp_path / "out")])
    text = (tmp_path / "out" / "vaultlink.rb").read_text(encoding="utf-8")
    assert f'url "{archive.as_uri()}"' in text


def test_ruby_reads_the_formula(folder: Path) -> None:
    file, environment = folder / "vaultlink.rb", make_clean_environment(folder / "home")
    command: list[str | Path] = [require_program("ruby"), "-wc", file]
    assert run_process(command, folder, environment).stdout == "Syntax OK\n"
    text = file.read_text(encoding="utf-8")
    assert re.search(r'^  desc ".{1,78}[^.]"$', text, re.MULTILINE), "as Homebrew wants it"
    file.write_text(text.replace("  end\n", "", 1), encoding="utf-8")
    assert run_process(command, folder, environment).returncode > 0


@each(
    ("old", "new", "code"),
    [
        ("", "", ""),
        ("debian:13.2-slim", "debian", "DL3006"),
        ("USER 1000:1000", "USER root", "DL3002"),
    ],
)
def test_hadolint_finds_only_inserted_mistakes(folder: Path, old: str, new: str, code: str) -> None:
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert old in text
    file = folder / "changed" / "Dockerfile"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    linter = Path(sys.executable).with_name("hadolint")
    done = run_process([linter, file], folder, make_clean_environment(folder / "home"))
    assert (code in done.stdout) if code else (done.stdout, done.returncode) == ("", 0)
    assert bool(done.returncode) is bool(code)


def test_image_copies_the_binary_beside_its_dockerfile(folder: Path) -> None:
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert "COPY --chmod=0755 vaultlink /usr/local/bin/vaultlink" in text
    assert (folder / "vaultlink").read_bytes() == b"\x7fELF of a test"


def test_without_an_archive_nothing_is_written(packaging: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no archive of a binary"):
        packaging.main(["files", str(tmp_path)])
    assert not (tmp_path / "vaultlink.rb").exists()


def test_wrong_words_print_the_usage(packaging: ModuleType) -> None:
    with pytest.raises(SystemExit, match="archive FOLDER"):
        packaging.main(["build"])
