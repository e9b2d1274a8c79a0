"""Write what package managers need for the binary: archives, a Dockerfile and a Homebrew formula.

python tools/packaging/write_files.py archive FOLDER     archive the binary for this system
python tools/packaging/write_files.py files FOLDER [URL] write the files for all archives in FOLDER

URL is the address of the folder from which the archives can be downloaded; without it, the formula
installs the archives of this computer.
"""

import hashlib
import platform
import re
import shutil
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION: str = PROJECT["version"]

BINARY = ROOT / "build" / "binary" / ("vaultlink.exe" if sys.platform == "win32" else "vaultlink")
SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
MACHINES = {"amd64": "x86_64", "aarch64": "arm64"}

CONTENTS = "vaultlink[lsp,mcp,mentions,report]"
"""The distribution in the binary, with its extras."""

LICENSE_FILE = re.compile(r"\.dist-info/(?:.*/)?(?:LICEN[CS]E|COPYING|NOTICE)[^/]*$", re.IGNORECASE)

DOCKERFILE = """\
# In the folder into which the archive for Linux was unpacked:
# docker build --tag vaultlink .
# docker run --rm --volume ~/Notes:/vault --volume vaultlink-state:/state vaultlink check
#
# The image has no git, so that vaultlink does not see the history of the vault. /state keeps what
# `vaultlink undo` restores. Notes of another user need `--user "$(id -u):$(id -g)"`.
FROM debian:13.2-slim

LABEL org.opencontainers.image.title="vaultlink" \\
    org.opencontainers.image.version="{version}" \\
    org.opencontainers.image.licenses="{license}" \\
    org.opencontainers.image.description="{summary}"

RUN useradd --uid 1000 --create-home vaultlink \\
    && install --directory --owner vaultlink --group vaultlink /vault \\
    && install --directory --mode 1777 /state
COPY --chmod=0755 vaultlink /usr/local/bin/vaultlink

ENV VAULTLINK_STATE_DIR=/state
USER 1000:1000
WORKDIR /vault
VOLUME ["/vault", "/state"]
ENTRYPOINT ["vaultlink"]
CMD ["status"]
"""

FORMULA = """\
class Vaultlink < Formula
  desc "{summary}"
  homepage "{homepage}"
  version "{version}"
  license "{license}"

{archives}
  def install
    bin.install "vaultlink"
    generate_completions_from_executable(bin/"vaultlink", "completion")
  end

  test do
    (testpath/".obsidian").mkpath
    (testpath/"Home.md").write "[[Home]] and [[Plan]]\\n"
    assert_match "VL125", shell_output("#{{bin}}/vaultlink check --vault #{{testpath}}", 1)
  end
end
"""

ARCHIVE = """\
  on_{system} do
    on_{machine} do
      url "{url}"
      sha256 "{digest}"
    end
  end
"""


def list_libraries() -> list[Distribution]:
    """Return the distributions that the one in the binary requires here, sorted by name."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - `files` runs without libraries

    found, pending = dict[str, Distribution](), [Requirement(CONTENTS)]
    seen = set[str]()
    while pending:
        wanted = pending.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        library = distribution(wanted.name)
        found[library.name] = library
        for text in library.requires or ():
            needed = Requirement(text)
            environments = [{"extra": extra} for extra in ("", *wanted.extras)]
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                pending.append(needed)
    del found["vaultlink"]
    return [found[name] for name in sorted(found, key=str.lower)]


def format_licenses() -> str:
    """Return the licences of Python and of the libraries in the binary."""
    folders = (sysconfig.get_path("stdlib"), sys.base_prefix)  # elsewhere, and on Windows
    files_of_python = [Path(folder, "LICENSE.txt") for folder in folders]
    python = next((file for file in files_of_python if file.is_file()), None)
    text = (
        python.read_text(encoding="utf-8") if python else "See https://docs.python.org/3/license."
    )
    texts = {f"Python {platform.python_version()}": [text]}
    for library in list_libraries():
        files = [file for file in library.files or () if LICENSE_FILE.search(file.as_posix())]
        texts[f"{library.name} {library.version}"] = [
            file.read_text(encoding="utf-8") for file in files
        ] or ["See its distribution on PyPI."]
    line = "=" * 72
    return "".join(
        f"{line}\n{name}\n{line}\n\n{text.strip()}\n\n"
        for name, parts in texts.items()
        for text in parts
    )


def write_archive(folder: Path) -> Path:
    """Write the archive of the binary of this system, and return it."""
    machine = platform.machine().lower()
    name = f"vaultlink-{VERSION}-{SYSTEMS[sys.platform]}-{MACHINES.get(machine, machine)}"
    folder.mkdir(parents=True, exist_ok=True)
    licenses = format_licenses().encode()
    if sys.platform == "win32":
        archive = folder / f"{name}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
            pack.write(BINARY, BINARY.name)
            pack.write(ROOT / "LICENSE", "LICENSE")
            pack.writestr("LICENSES-OF-LIBRARIES.txt", licenses)
        return archive
    archive = folder / f"{name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(BINARY, BINARY.name, filter=_own_by_nobody)
        tar.add(ROOT / "LICENSE", "LICENSE", filter=_own_by_nobody)
        member = tarfile.TarInfo("LICENSES-OF-LIBRARIES.txt")
        member.size = len(licenses)
        tar.addfile(member, BytesIO(licenses))
    return archive


def _own_by_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def list_archives(folder: Path) -> list[Path]:
    """Return the archives of binaries in a folder, sorted."""
    return sorted(
        file
        for pattern in ("*.tar.gz", "*.zip")
        for file in folder.glob(f"vaultlink-{VERSION}-*-*{pattern[1:]}")
    )


def compute_digest(file: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def format_checksums(archives: list[Path]) -> str:
    """Return the lines that `sha256sum --check` reads."""
    return "".join(f"{compute_digest(file)}  {file.name}\n" for file in archives)


def render_dockerfile() -> str:
    """Return a Dockerfile that copies the binary beside it."""
    return DOCKERFILE.format(version=VERSION, license=PROJECT["license"], summary=_summary())


def render_formula(archives: list[Path], address: str) -> str:
    """Return a Homebrew formula for the archives, which are at an address or on this computer."""
    blocks = []
    for file in archives:
        *_, system, machine = file.name.removesuffix(".tar.gz").split("-")
        if not file.name.endswith(".tar.gz"):
            continue  # Homebrew is not on Windows
        url = f"{address}/{file.name}" if address else file.resolve().as_uri()
        cpu = {"x86_64": "intel", "arm64": "arm"}[machine]
        blocks.append(
            ARCHIVE.format(system=system, machine=cpu, url=url, digest=compute_digest(file))
        )
    homepage = address.partition("/releases/")[0] or "https://example.org"
    return FORMULA.format(
        summary=_summary(),
        homepage=homepage,
        version=VERSION,
        license=PROJECT["license"],
        archives="\n".join(blocks),
    )


def _summary() -> str:
    """Return the description without the details that follow it; Homebrew allows 80 characters."""
    return str(PROJECT["description"]).partition(":")[0]


def write_files(folder: Path, address: str) -> None:
    """Write the checksums, the Dockerfile and the formula for the archives in a folder."""
    archives = list_archives(folder)
    if not archives:
        sys.exit(f"{folder} has no archive of a binary of version {VERSION}.")
    for name, text in (
        ("SHA256SUMS", format_checksums(archives)),
        ("Dockerfile", render_dockerfile()),
        ("vaultlink.rb", render_formula(archives, address)),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def main(words: list[str]) -> None:
    """Do what a command line says."""
    match words:
        case ["archive", folder]:
            sys.stdout.write(f"{write_archive(Path(folder))}\n")
        case ["files", folder, *address] if len(address) <= 1:
            write_files(Path(folder), "".join(address).rstrip("/"))
            if BINARY.is_file():
                shutil.copy2(BINARY, Path(folder) / "vaultlink")  # what the Dockerfile copies
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
