"""Tests of requirements-dev.lock, from which `make test` installs: it has all that pyproject.toml names, with hashes."""

import re
import tomllib
from collections.abc import Iterator

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from source import ROOT
from tables import each

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
LOCKED = re.findall(
    r"^([\w.-]+)==(\S+)(?: ; (.*?))? \\\n((?:    --hash=.*\n?)+)", LOCK, re.MULTILINE
)
SYSTEMS = {
    "linux": {"sys_platform": "linux", "os_name": "posix"},
    "darwin": {"sys_platform": "darwin", "os_name": "posix"},
    "win32": {"sys_platform": "win32", "os_name": "nt"},
}
ADVICE = "requirements-dev.lock does not fit pyproject.toml: run `make lock`"


def list_wanted() -> Iterator[Requirement]:
    """Yield everything that the project, its extras and its build need."""
    project = PROJECT["project"]
    texts = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        texts += extra
    yield from map(Requirement, texts)


@each("version", ["3.11", "3.12", "3.13", "3.14"])
@each("system", SYSTEMS)
def test_lock_has_one_fitting_version_of_each_requirement(system: str, version: str) -> None:
    place = {"python_version": version, "python_full_version": f"{version}.0", **SYSTEMS[system]}
    chosen: dict[str, list[str]] = {}
    for name, locked, marker, _ in LOCKED:
        if not marker or Marker(marker).evaluate(place):
            chosen.setdefault(canonicalize_name(name), []).append(locked)
    assert {name: found for name, found in chosen.items() if len(found) > 1} == {}
    for wanted in list_wanted():
        if wanted.marker is None or wanted.marker.evaluate(place):
            [locked] = chosen.get(canonicalize_name(wanted.name), [""])
            assert locked, f"{wanted}: {ADVICE}"
            assert wanted.specifier.contains(locked, prereleases=True), f"{wanted}: {ADVICE}"


def test_everything_in_the_lock_has_hashes_and_comes_from_an_index() -> None:
    assert len(LOCKED) == len(re.findall(r"^[a-zA-Z]", LOCK, re.MULTILINE))
    assert "://" not in LOCK
    assert " @ " not in LOCK


def test_make_installs_from_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [rule] = re.findall(r"^\.venv/tested:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert "--require-hashes --requirement requirements-dev.lock" in rule
    assert "--no-deps --no-build-isolation --editable ." in rule
