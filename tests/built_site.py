"""The documentation site, which all test processes build once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forge import ROOT, make_once


def build_site(folder: Path) -> None:
    """Build the site as `make docs` does."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def make_site(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site."""
    return make_once(factory, "site", build_site)
