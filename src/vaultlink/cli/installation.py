"""The environment that vaultlink is installed in."""

import os
import shlex
import sys
from pathlib import Path


def format_install_command(package: str) -> str:
    """Return the command that installs a package beside this vaultlink.

    pipx and uv have environments without pip of their own. An environment that is not active in
    the terminal is named, because `pip` means another one there.
    """
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
    return f"{shlex.quote(sys.executable)} -m pip install {package}"
