"""Tests of `required-version`: PEP 440 as `packaging` has it, hostile values, and every command that reads settings."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from running import RunCommand, create_vault, read_files
from tables import each
from vaultlink import __version__
from vaultlink.config.layers import Layer
from vaultlink.config.versions import matches_specifier, require_version
from vaultlink.errors import ConfigError

NUMBERS = some.integers(0, 3).map(str)
RELEASES = some.lists(NUMBERS, min_size=1, max_size=4).map(".".join)
ENDINGS = (
    some.sampled_from(["", "", "", "a", "b1", "rc1", ".alpha.1", "-c0", "_preview2"]),
    some.sampled_from(["", "", "", ".post", "-1", ".post1", "rev2", ".r0"]),
    some.sampled_from(["", "", "", ".dev", ".dev0", "dev1", "-dev_2"]),
)
PUBLIC = some.tuples(some.sampled_from(["", "", "v", "0!", "1!"]), RELEASES, *ENDINGS).map("".join)
VERSIONS = some.tuples(PUBLIC, some.sampled_from(["", "", "+local", "+1.a", "+a-1"])).map("".join)
CLAUSES = some.one_of(
    some.tuples(some.sampled_from(["==", "!="]), VERSIONS).map("".join),
    some.tuples(some.sampled_from(["== ", "!="]), RELEASES, some.just(".*")).map("".join),
    some.tuples(some.sampled_from(["<", "<=", ">", ">= ", "~="]), PUBLIC).map("".join),
)
SPECIFIERS = some.lists(CLAUSES, min_size=1, max_size=3).map(",".join)


@given(VERSIONS, SPECIFIERS)
@example("1.7.post1", ">1.7")
@example("1.7+local", ">1.7")
@example("1.7rc1", "<1.7")
@example("1.6rc1", "<1.7")
@example("1.7rc1", "<1.7rc2")
@example("1.7", "===1.7")
@example("1.7", "===1.7.0")
@example("1.7+local", "===1.7+LOCAL")
@example("2.2.post3", "~=2.2.post3")
def test_versions_match_as_in_packaging(version: str, specifier: str) -> None:
    try:
        expected = SpecifierSet(specifier, prereleases=True)
    except InvalidSpecifier:
        with pytest.raises(ValueError):
            matches_specifier(version, specifier)
        return
    assert matches_specifier(version, specifier) == expected.contains(Version(version))


@given(some.text(alphabet="<>=!~=.,*v0129abrcpostdev+-_ \n\u0661é", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        matches_specifier("0.5.0", text)
    except ValueError:
        return
    SpecifierSet(text)


@each(
    "value",
    ["", " ", ",", "0.6", "newest", "^0.6", ">=", ">=0.6 <0.7", "==*", ">=0.6.*", "~=1", ">=1+a",
     "=" * 150, ">=" + "9" * 5000, "1" * 5000, ">=1" + ".1" * 98 + "x", "==" + "1-" * 90, "a\x1b[2J", 6, 0.6, True, ["==1"], {"a": 1}],
)  # fmt: skip
def test_what_is_no_specifier_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^vaultlink\.toml: required-version: must be versions"):
        require_version(Layer("vaultlink.toml", {"required-version": value}), "0.5.0")


@each(
    ("value", "running"),
    [(">=0.6,<0.7", "0.6.2"), ("==0.6.*", "0.6.0"), ("~=0.6.1", "0.6.9"), (">=0.6.dev0", "0.6.0rc1")],
)  # fmt: skip
def test_version_that_matches_is_accepted(value: str, running: str) -> None:
    require_version(Layer("vaultlink.toml", {"required-version": value}), running)


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"vaultlink.toml": f'required-version = "!={__version__}"\nonce = 1\n', "a.md": "[[b]]"}
    root = create_vault(tmp_path / "vault", files)
    monkeypatch.chdir(root)
    return root


COMMANDS = (
    "check", "fix", "baseline", "topics", "links", "show a", "config", "mentions", "orphans", "graph",
    "rename a b", "backlinks", "report --output ../x.html",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_another_version_ends_every_command(run: RunCommand, vault: Path, command: str) -> None:
    before = read_files(vault)
    done = run(*command.split())
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"error: vaultlink.toml: required-version: vaultlink !={__version__} is required, "
        f"but this is vaultlink {__version__}.\n"
    )
    assert read_files(vault) == before


def test_isolated_ignores_it_and_the_right_version_runs(run: RunCommand, vault: Path) -> None:
    assert run("check", "--isolated").code == 1
    (vault / "vaultlink.toml").write_text(f'required-version = "=={__version__}"\n')
    assert run("check").code == 1
    rows = [line.split("\t") for line in run("config").lines]
    assert ["required-version", f'"=={__version__}"', "vaultlink.toml"] in rows
