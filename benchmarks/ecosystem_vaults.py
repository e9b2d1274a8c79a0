"""Take the vaults of ecosystem.yaml from snapshots or from their host, and copy what is read.

Git only lists a commit and prints its files. Nothing is checked out, so no hook, filter or
attribute of a repository runs, and no symbolic link is created. Attachments become empty files:
only their names are read.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

HOST = "https://github.com"
MAX_FILE = 4 << 20
"""Bytes of the largest file that is read. Snapshots may lack larger ones, which become empty."""

_MAX_TOTAL = 400 << 20
_MAX_FILES = 100_000
_GIT_SECONDS = 900
_READ_SUFFIXES = (".md", ".canvas", ".base")
_FILE_MODES = ("100644", "100755")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")

_SETTINGS = (
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "safe.directory=*",
    "submodule.recurse=false",
)
"""Settings that take precedence over those of a repository."""


class MissingVaultError(Exception):
    """A vault that can't be had; the message says why."""


@dataclass(frozen=True, slots=True)
class PinnedVault:
    """One row of ecosystem.yaml.

    Attributes:
        repository: The owner and the name, separated by a slash.
        commit: The full hash.
        root: The folder of the vault in the repository; "" for the repository itself.
        language: The main language of the notes.
        style: The kind of vault and of its links.
        notes: The number of notes when it was listed.
    """

    repository: str
    commit: str
    root: str
    language: str
    style: str
    notes: int


def read_pins(file: Path) -> list[PinnedVault]:
    """Return the pinned vaults.

    Raises:
        ValueError: A row has a wrong field, or two rows have the same repository.
    """
    rows = yaml.safe_load(file.read_text(encoding="utf-8"))
    pins = [PinnedVault(**{"root": "", **row}) for row in rows]
    for pin in pins:
        if not _REPOSITORY.fullmatch(pin.repository) or not _COMMIT.fullmatch(pin.commit):
            raise ValueError(f"{file.name}: {pin.repository!r} at {pin.commit!r} is not a pin")
        if pin.root and not _is_safe(pin.root):
            raise ValueError(f"{file.name}: {pin.repository}: {pin.root!r} leaves the repository")
    if len({pin.repository for pin in pins}) < len(pins):
        raise ValueError(f"{file.name}: a repository is listed twice")
    return pins


# -- find the repository --------------------------------------------------------------------------


def find_snapshot(snapshots: Path, pin: PinnedVault) -> Path:
    """Return the git directory of a vault in a folder of snapshots.

    A snapshot is a bare repository or a working folder, named `owner+name` or `owner/name`, or in
    a folder `repo` of that.

    Raises:
        MissingVaultError: There is none, or it lacks the commit.
    """
    found = None
    for name in (pin.repository.replace("/", "+"), pin.repository):
        for inner in ("", "repo"):
            for place in (snapshots / name / inner, snapshots / name / inner / ".git"):
                if (place / "HEAD").is_file() and (place / "objects").is_dir():
                    found = place
                    if _has_commit(place, pin.commit):
                        return place
    if found is None:
        raise MissingVaultError(f"no snapshot in {snapshots}")
    raise MissingVaultError(f"the snapshot {found} does not have commit {pin.commit}")


def fetch_vault(cache: Path, pin: PinnedVault, host: str = HOST) -> Path:
    """Fetch the pinned commit into a bare repository of the cache, unless it is there.

    Raises:
        MissingVaultError: git can't fetch it.
    """
    place = cache / pin.repository.replace("/", "+")
    if (place / "HEAD").is_file() and _has_commit(place, pin.commit):
        return place
    place.mkdir(parents=True, exist_ok=True)
    try:
        _run_git(place, "init", "--quiet", "--bare", "--template=", str(place))
        _run_git(
            place,
            *("-c", f"protocol.{host.partition(':')[0]}.allow=always", "fetch", "--quiet"),
            *("--depth=1", "--no-tags", "--no-write-fetch-head", f"--filter=blob:limit={MAX_FILE}"),
            *(f"{host}/{pin.repository}", f"+{pin.commit}:refs/heads/pinned"),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingVaultError(f"not fetched from {host}: {_describe(error)}") from error
    return place


def _has_commit(place: Path, commit: str) -> bool:
    try:
        _run_git(place, "cat-file", "-e", f"{commit}^{{commit}}")
    except subprocess.CalledProcessError:
        return False
    return True


def _describe(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"git ended with code {error.returncode}"
    return str(error)


def _run_git(place: Path, *words: str, stdin: bytes = b"") -> bytes:
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ("git", "--no-pager", f"--git-dir={place}", *settings, *words),
        input=stdin,
        capture_output=True,
        check=True,
        timeout=_GIT_SECONDS,
        env={
            **kept,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
        },
    ).stdout


# -- copy what is read ----------------------------------------------------------------------------


def copy_vault(place: Path, pin: PinnedVault, folder: Path) -> int:
    """Copy the vault of the pinned commit to a new folder, and return the number of its notes.

    Raises:
        MissingVaultError: The commit does not have the root, or is too large.
    """
    folder.mkdir(parents=True)
    try:
        files = dict(_list_files(place, pin))
        texts = _read_objects(
            place, [blob for path, blob in files.items() if _is_content_read(path)]
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MissingVaultError(f"git can't read {place}: {_describe(error)}") from error
    for path, blob in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(texts.get(blob, b"") if _is_content_read(path) else b"")
    return sum(path.endswith(".md") for path in files)


def _list_files(place: Path, pin: PinnedVault) -> Iterator[tuple[str, str]]:
    """Yield the path and the object of each regular file whose path stays in the vault."""
    tree = f"{pin.commit}:{pin.root}" if pin.root else pin.commit
    rows = _run_git(place, "ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")[:-1]
    if len(rows) > _MAX_FILES:
        raise MissingVaultError(f"{len(rows):,} files; at most {_MAX_FILES:,} are copied")
    for row in rows:
        about, _, name = row.partition(b"\t")
        mode, _, blob = about.decode("ascii").split()
        path = os.fsdecode(name)
        if mode in _FILE_MODES and _is_safe(path):
            yield path, blob


def _is_safe(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return (
        not path.startswith("/")
        and "\\" not in path
        and not any(part in ("..", ".") or part.lower() == ".git" for part in parts)
        and all(len(os.fsencode(part)) <= 255 for part in parts)
    )


def _is_content_read(path: str) -> bool:
    in_settings = path.startswith(".obsidian/") and path.endswith(".json")
    return in_settings or path.lower().endswith(_READ_SUFFIXES)


def _read_objects(place: Path, blobs: Sequence[str]) -> Mapping[str, bytes]:
    """Return the contents of the objects that are there and not too large."""
    names = list(dict.fromkeys(blobs))
    asked = "".join(f"{name}\n" for name in names).encode("ascii")
    told = _run_git(place, "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    sizes = {
        name: int(size)
        for name, size in (line.split(" ") for line in told.decode("ascii").splitlines())
        if size != "missing" and int(size) <= MAX_FILE
    }
    if sum(sizes.values()) > _MAX_TOTAL:
        raise MissingVaultError(f"{sum(sizes.values()):,} bytes of notes")
    asked = "".join(f"{name}\n" for name in sizes).encode("ascii")
    data = _run_git(place, "cat-file", "--batch=%(objectname)", stdin=asked)
    found, start = {}, 0
    for name, size in sizes.items():
        start += len(name) + 1
        found[name] = data[start : start + size]
        start += size + 1
    return found
