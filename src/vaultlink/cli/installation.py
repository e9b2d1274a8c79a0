"""The installation of vaultlink: its source, its schemas, and how to add to it."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vaultlink import __version__
from vaultlink.disk.processes import no_garbage_collection
from vaultlink.errors import UsageError
from vaultlink.git.program import run_git
from vaultlink.programs import is_binary
from vaultlink.text import lazy_pattern

# -- the environment that vaultlink is installed in ------------------------------------------------


def format_install_command(package: str) -> str:
    """Return the command that installs a package beside this vaultlink.

    pipx and uv have environments without pip of their own. An environment that is not active in
    the terminal is named, because `pip` means another one there. A binary contains all packages,
    and can only be built again.
    """
    if is_binary():
        return "make binary"
    prefix = Path(sys.prefix)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject vaultlink {package}"
    if (prefix / "uv-receipt.toml").is_file():
        return f"uv pip install --python {shlex.quote(sys.prefix)} {package}"
    active = os.environ.get("VIRTUAL_ENV")
    if sys.prefix == sys.base_prefix or (
        active and os.path.realpath(active) == os.path.realpath(prefix)
    ):
        return f"pip install {package}"
    return f"{shlex.quote(sys.executable)} -I -m pip install {package}"


@contextmanager
def importing_extra(command: str, *requirements: str) -> Iterator[None]:
    """Import an extra library, or raise UsageError that says how to install it."""
    try:
        with no_garbage_collection():  # a third of the time of such an import
            yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "vaultlink":
            raise
        install = format_install_command(shlex.join(requirements))
        raise UsageError(
            f"{command} requires the library of the protocol. Install it with `{install}`."
        ) from None


# -- the source from which CI files install vaultlink ----------------------------------------------
# No index has a release yet. A file that installed a name which nobody owns would install whatever
# somebody publishes under it, so the source is the repository of this copy, or one that is named.

IS_PUBLISHED = False
"""True when PyPI has the versions of this project; set with the first release."""

_SSH_ADDRESS = re.compile(r"(?:ssh://)?git@(?P<host>[\w.-]+)[:/](?P<path>[^:]+)")
"""Addresses of repositories for users with a key, which CI has not."""


def find_package_source() -> str:
    """Return a requirement for pip that installs this version of vaultlink.

    It is that of VAULTLINK_PACKAGE if that is set. Raises UsageError if no source is known.
    """
    if named := os.environ.get("VAULTLINK_PACKAGE"):
        return named
    if IS_PUBLISHED:
        return f"vaultlink=={__version__}"
    found = _find_repository_source()
    if found and not is_local(found):
        return found
    raise UsageError(
        "vaultlink is not on PyPI yet, and other computers can't reach the source of this "
        f"copy{f' ({found})' if found else ''}: name another one, as in `--package 'vaultlink @ "
        "git+https://HOST/OWNER/vaultlink@COMMIT'`."
    )


def _find_repository_source() -> str:
    from importlib import metadata  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        record = metadata.distribution("vaultlink").read_text("direct_url.json")
        return build_requirement(json.loads(record or "{}"))
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return ""


def build_requirement(record: Mapping[str, Any]) -> str:
    """Return the requirement for what pip recorded (PEP 610), or "".

    A folder stands for the commit of its repository, if that was pushed, else for itself.
    """
    url, vcs = str(record.get("url", "")), record.get("vcs_info", {})
    if vcs.get("vcs") == "git":
        return _format_requirement(url, str(vcs.get("commit_id", "")))
    if "dir_info" in record:
        return _read_clone(Path(unquote(urlsplit(url).path))) or f"vaultlink @ {url}"
    return f"vaultlink @ {url}" if "archive_info" in record and _is_safe(url) else ""


def is_local(requirement: str) -> bool:
    """Return True for a requirement that only this computer can install."""
    return re.search(r"@ (git\+)?file:", requirement) is not None


def _read_clone(folder: Path) -> str:
    address = run_git(folder, "config", "--get", "remote.origin.url")
    commit = run_git(folder, "rev-parse", "HEAD")
    if not address or not commit:
        return ""
    name = commit.decode().strip()
    pushed = run_git(folder, "for-each-ref", "--contains", name, "refs/remotes/origin")
    return _format_requirement(os.fsdecode(address).strip(), name) if pushed else ""


def _format_requirement(address: str, commit: str) -> str:
    match = _SSH_ADDRESS.fullmatch(address)
    url = f"https://{match['host']}/{match['path']}" if match else address
    return f"vaultlink @ git+{url}@{commit}" if commit and _is_safe(url) else ""


def _is_safe(url: str) -> bool:
    """Return True for an address without a password, which a file must not contain."""
    return url.startswith(("https://", "file://")) and "@" not in urlsplit(url).netloc


# -- the JSON Schemas, for editors -----------------------------------------------------------------
# The site of the documentation has them as soon as `[project.urls]` in pyproject.toml names it.

_PUBLISHED_FOLDER = "reference/schemas"
"""The folder of the schemas on the site of the documentation."""

_SITE = lazy_pattern(r"https?://[!$-;=@-~]+")
"""An address of a site, without query and fragment."""


def find_schema_address(name: str) -> str:
    """Return the address of a schema on the site, such as `settings.json`; "" without a site."""
    from importlib import metadata  # noqa: PLC0415 - as above

    try:
        entries = metadata.metadata("vaultlink").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    for label, _, address in (str(entry).partition(",") for entry in entries):
        site = address.strip().rstrip("/")
        if label.strip().lower() == "documentation" and _SITE.fullmatch(site):
            return f"{site}/{_PUBLISHED_FOLDER}/{name}"
    return ""


def read_starter(name: str) -> str:
    """Return a template of a file that `vaultlink init` writes."""
    return resources.files("vaultlink.cli").joinpath("starters", name).read_text(encoding="utf-8")
