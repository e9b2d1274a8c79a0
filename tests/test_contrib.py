"""The files in contrib/ are what their readers take them for: systemd, launchd, the Task Scheduler, and vaultlink's own parser.

What systemd says is asked of systemd itself. Where that is not installed those tests are skipped.
"""

import os
import plistlib
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, get_type_hints
from xml.etree import ElementTree as ET

import pytest

from machine import require_program
from tables import each
from vaultlink import __version__
from vaultlink.cli.command_table import COMMANDS
from vaultlink.cli.options import list_option_fields
from vaultlink.cli.parser import parse_options

pytestmark = pytest.mark.project

ROOT = Path(__file__).resolve().parents[1]
CONTRIB = ROOT / "contrib"
UNIT = CONTRIB / "systemd" / "vaultlink-watch@.service"
AGENT = CONTRIB / "launchd" / "org.vaultlink.watch.plist"
TASK = CONTRIB / "windows" / "vaultlink-watch.xml"
MANUAL = (CONTRIB / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)


def options_by_name(line: Sequence[str]) -> dict[str, Any]:
    """What vaultlink's own parser makes of a command: each option's value by its longest name, the bare words' by no name."""
    function = COMMANDS[line[0]].load()
    options = parse_options(line[0], function, line[1:])
    assert not isinstance(options, int), "a help page"
    [kind] = [hint for name, hint in get_type_hints(function).items() if name != "return"]
    return {
        max(field.spec.names, key=len, default=""): getattr(options, field.name)
        for field in list_option_fields(kind)
    }


def watches(line: Sequence[str], vault: str, *, fix: bool = False) -> None:
    """Assert that a command watches a vault, and whether it makes fixes."""
    assert line[0] == "watch"
    options = options_by_name(line)
    places = options[""] if isinstance(options[""], tuple) else (options[""],)
    assert [str(place) for place in places] == [vault]
    assert options["--fix"] is fix


# --- systemd -------------------------------------------------------------------------------------------------------------

VAULTS = [
    "/home/ada/Notes",
    "/home/a b/Notizen ä",
    '/home/a-b/it\'s 100% "mine"',
    "/home/ada/cost in $HOME and ${HOME}",
    "/srv/back\\slash/日本語",
]

BROKEN = {
    "a value that is none": ("Restart=on-failure", "Restart=on-filure"),
    "a program that is not there": ("/usr/bin/env", "/usr/bin/no-such-env"),
    "a key that is none": ("RestartSec=", "RestartSecs="),
    "no command": ("ExecStart=", "#"),
}

NEWER = {"RestartSteps": 254, "RestartMaxDelaySec": 254}
"""Keys that older versions of systemd pass over, and the version that brought them."""

CLOSED = (
    "ProtectHome",
    "ProtectSystem",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "PrivateUsers",
    "DynamicUser",
    "TemporaryFileSystem",
)
"""Keys that could keep it from writing into a vault."""


def tool(name: str) -> str:
    """A program of systemd's. Without it, the test is skipped; `.ci/run` installs it."""
    return require_program(name)


def escaped(path: str) -> str:
    """A path as the instance of a unit, by systemd."""
    done = subprocess.run(
        [tool("systemd-escape"), "--path", path],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.removesuffix("\n")


def verified(
    folder: Path, text: str, vault: str, level: str = "info"
) -> subprocess.CompletedProcess[str]:
    """What systemd says of a unit for a vault, as a user's own service. No user manager needs to run."""
    folder = Path(mkdtemp(dir=folder))
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    unit = folder / f"vaultlink-watch@{escaped(vault)}.service"
    unit.write_text(text, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(runtime),
        "LC_ALL": "C.UTF-8",
        "SYSTEMD_LOG_LEVEL": level,
    }
    return subprocess.run(
        [tool("systemd-analyze"), "verify", "--user", "--man=no", unit],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said of the unit, without what a machine says of itself, and without keys this version does not know yet."""
    version = subprocess.run(
        [tool("systemd-analyze"), "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    unknown = [key for key, since in NEWER.items() if int(re.split(r"\D", version)[0]) < since]
    lines = [
        line for line in (done.stdout + done.stderr).splitlines() if "vaultlink-watch@" in line
    ]
    return [line for line in lines if not any(f"'{key}'" in line for key in unknown)]


@each("vault", VAULTS)
def test_systemd_accepts_the_unit(tmp_path: Path, vault: str) -> None:
    done = verified(tmp_path, UNIT.read_text(encoding="utf-8"), vault)
    assert complaints(done) == []
    assert done.returncode == 0, done.stderr


@each(("good", "bad"), BROKEN.values(), ids=BROKEN)
def test_systemd_rejects_an_invalid_unit(tmp_path: Path, good: str, bad: str) -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert good in text
    assert complaints(verified(tmp_path, text.replace(good, bad), VAULTS[0]))


@each("vault", VAULTS)
def test_unit_name_decodes_to_the_path(vault: str) -> None:
    done = subprocess.run(
        [tool("systemd-escape"), "--path", "--unescape", escaped(vault)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == f"{vault}\n"


@each("vault", VAULTS)
def test_systemd_runs_the_watch_of_that_vault(tmp_path: Path, vault: str) -> None:
    shown = verified(tmp_path, UNIT.read_text(encoding="utf-8"), vault, "debug").stdout
    [command] = re.findall(r"^\s*Command Line: (.*)$", shown, re.MULTILINE)
    program, *line = shlex.split(re.sub(r"(\\\\)|\\([$`])", r"\1\2", command))[
        1:
    ]  # shlex leaves \$ as it is
    assert program == "vaultlink"
    watches(line, vault)


def assigned() -> Mapping[str, str]:
    """The unit's assignments; each key stands once."""
    pairs = re.findall(r"^(\w+)=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@each(
    ("key", "value"),
    [
        (
            "ExecStart",
            ':/usr/bin/env vaultlink watch "%f"',
        ),  # the colon: a dollar sign in a path is no variable
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "2"),
        ("KillMode", "mixed"),
        ("WantedBy", "default.target"),
    ],
)
def test_unit_settings(key: str, value: str) -> None:
    assert assigned()[key] == value


def test_unit_makes_no_folder_inaccessible() -> None:
    assert assigned().keys() & set(CLOSED) == set()
    assert assigned()["Environment"].startswith('"PATH=%h/.local/bin:'), "as pipx installs"


# --- launchd -------------------------------------------------------------------------------------------------------------

KEYS: dict[str, type] = {  # launchd.plist(5)
    "Label": str,
    "ProgramArguments": list,
    "EnvironmentVariables": dict,
    "WorkingDirectory": str,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ExitTimeOut": int,
    "ProcessType": str,
    "Nice": int,
    "LowPriorityIO": bool,
    "StandardOutPath": str,
    "StandardErrorPath": str,
}


def agent() -> dict[str, Any]:
    """The agent's property list."""
    with AGENT.open("rb") as file:
        made: dict[str, Any] = plistlib.load(file)
    return made


def test_agent_has_known_keys_of_the_right_types() -> None:
    assert {key: type(value) for key, value in agent().items()} == {
        key: KEYS.get(key) for key in agent()
    }
    assert {
        type(value)
        for value in (*agent()["ProgramArguments"], *agent()["EnvironmentVariables"].values())
    } == {str}


def test_agent_watches() -> None:
    env, program, *line = agent()["ProgramArguments"]
    assert (env, program) == ("/usr/bin/env", "vaultlink")
    watches(line, "/Users/YOU/Notes")
    assert AGENT.name == f"{agent()['Label']}.plist"
    path = agent()["EnvironmentVariables"]["PATH"].split(":")
    assert path[:3] == ["/Users/YOU/.local/bin", "/opt/homebrew/bin", "/usr/local/bin"]


@each(
    ("key", "value"),
    [
        ("KeepAlive", {"SuccessfulExit": False}),
        ("ProcessType", "Background"),
        ("RunAtLoad", True),
    ],
)
def test_agent_settings(key: str, value: object) -> None:
    assert agent()[key] == value


def test_agent_needs_no_expansion_by_launchd() -> None:
    assert not re.search(
        r">[^<]*[~$][^<]*<",
        re.sub(r"<!--.*?-->", "", AGENT.read_text(encoding="utf-8"), flags=re.DOTALL),
    )
    assert {
        agent()[key].rpartition("/")[0] for key in ("StandardOutPath", "StandardErrorPath")
    } == {"/Users/YOU/Library/Logs"}


# --- the Task Scheduler --------------------------------------------------------------------------------------------------

SPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"

ORDERED = {  # xs:sequence: in this order
    "LogonTrigger": [
        "Enabled",
        "StartBoundary",
        "EndBoundary",
        "Repetition",
        "ExecutionTimeLimit",
        "UserId",
        "Delay",
    ],
}
UNORDERED = {  # xs:all: each at most once, in any order
    "Task": ["RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"],
    "RegistrationInfo": [
        "URI",
        "SecurityDescriptor",
        "Source",
        "Date",
        "Author",
        "Version",
        "Description",
        "Documentation",
    ],
    "Triggers": ["LogonTrigger"],
    "Repetition": ["Interval", "Duration", "StopAtDurationEnd"],
    "Principals": ["Principal"],
    "Principal": ["UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"],
    "Settings": [
        "AllowStartOnDemand",
        "RestartOnFailure",
        "MultipleInstancesPolicy",
        "DisallowStartIfOnBatteries",
        "StopIfGoingOnBatteries",
        "AllowHardTerminate",
        "StartWhenAvailable",
        "NetworkProfileName",
        "RunOnlyIfNetworkAvailable",
        "WakeToRun",
        "Enabled",
        "Hidden",
        "DeleteExpiredTaskAfter",
        "IdleSettings",
        "NetworkSettings",
        "ExecutionTimeLimit",
        "Priority",
        "RunOnlyIfIdle",
    ],
    "RestartOnFailure": ["Interval", "Count"],
    "IdleSettings": ["Duration", "WaitTimeout", "StopOnIdleEnd", "RestartOnIdle"],
    "Actions": ["Exec"],
    "Exec": ["Command", "Arguments", "WorkingDirectory"],
}
DURATION = r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?"
VALUES = {
    "Enabled": "true|false",
    "DisallowStartIfOnBatteries": "true|false",
    "StopIfGoingOnBatteries": "true|false",
    "AllowStartOnDemand": "true|false",
    "StartWhenAvailable": "true|false",
    "StopOnIdleEnd": "true|false",
    "RestartOnIdle": "true|false",
    "Interval": DURATION,
    "ExecutionTimeLimit": DURATION,
    "Count": r"\d+",
    "Priority": r"\d|10",
    "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
    "RunLevel": "LeastPrivilege|HighestAvailable",
    "LogonType": "S4U|Password|InteractiveToken",
    "UserId": r"COMPUTER\\YOU",
    "Description": ".+",
    "Command": ".+",
    "Arguments": ".+",
}


def task() -> ET.Element:
    """The task."""
    return ET.fromstring(TASK.read_bytes())


def name(element: ET.Element) -> str:
    """An element's name, which must be of the schema."""
    assert element.tag.startswith(SPACE), element.tag
    return element.tag.removeprefix(SPACE)


def at(path: str) -> str:
    """The text of an element that stands once."""
    [found] = task().findall("/".join(f"{SPACE}{step}" for step in path.split("/")))
    return found.text or ""


def words(line: str) -> list[str]:
    """The words of a Windows command line without escaped quotes."""
    assert '\\"' not in line
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', line)]


def test_task_has_the_elements_of_the_schema() -> None:
    assert name(task()) == "Task"
    assert task().get("version") == "1.2"
    for element in task().iter():
        inside = [name(child) for child in element]
        known = ORDERED.get(name(element), UNORDERED.get(name(element), []))
        assert set(inside) <= set(known), name(element)
        assert len(set(inside)) == len(inside), name(element)
        if name(element) in ORDERED:
            assert inside == sorted(inside, key=known.index)
        if not inside:
            assert re.fullmatch(VALUES[name(element)], element.text or ""), (
                f"{name(element)}: {element.text}"
            )


def test_task_is_run_by_the_principal_it_has() -> None:
    [principal] = task().findall(f"{SPACE}Principals/{SPACE}Principal")
    [actions] = task().findall(f"{SPACE}Actions")
    assert principal.get("id") == actions.get("Context")


@each(
    ("path", "value"),
    [
        ("Settings/MultipleInstancesPolicy", "IgnoreNew"),
        ("Settings/ExecutionTimeLimit", "PT0S"),  # none
        ("Settings/DisallowStartIfOnBatteries", "false"),
        ("Settings/StopIfGoingOnBatteries", "false"),
        ("Settings/IdleSettings/StopOnIdleEnd", "false"),
        ("Settings/RestartOnFailure/Interval", "PT1M"),
        ("Triggers/LogonTrigger/Repetition/Interval", "PT10M"),
        ("Principals/Principal/LogonType", "InteractiveToken"),
        ("Principals/Principal/RunLevel", "LeastPrivilege"),
    ],
)
def test_task_settings(path: str, value: str) -> None:
    assert at(path) == value


def test_task_can_be_read_as_a_file_and_as_a_string() -> None:
    assert re.match(rb'<\?xml version="1\.0"\?>\n', TASK.read_bytes()), (
        "a declared encoding is wrong for one of the two"
    )
    assert TASK.read_bytes().isascii()


def test_task_watches() -> None:
    line = words(at("Actions/Exec/Arguments"))
    watches(line[line.index("watch") :], r"C:\Users\YOU\Notes")


@each(
    ("line", "code", "said"),
    [
        (["--version"], 0, f"vaultlink {__version__}\n"),
        (["chek"], 2, "check"),
    ],
)
def test_task_writes_both_streams_to_the_log(
    tmp_path: Path, line: list[str], code: int, said: str
) -> None:
    log = Path(mkdtemp(dir=tmp_path)) / "Protokoll ä.log"
    given = words(at("Actions/Exec/Arguments"))
    start = [
        str(log) if word.endswith("watch.log") else word for word in given[: given.index("watch")]
    ]
    done = subprocess.run(
        [sys.executable, *start, *line], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")
    assert said in log.read_text(encoding="utf-8")


# --- the manual ----------------------------------------------------------------------------------------------------------

COMMAND = re.compile(r"^vaultlink .*$|(?<=`)vaultlink [^`]+(?=`)", re.MULTILINE)
SET_UP = re.compile(r"^(?:vault=|mkdir |cp |sed ).*$", re.MULTILINE)
PLACED = {
    "$vault": r"D:\Notizen ä",
    "$env:LOCALAPPDATA": r"C:\Users\ada\AppData\Local",
    "$python": r"C:\pipx\pythonw.exe",
    '"$env:USERDOMAIN\\$env:USERNAME"': r"PC\ada",
}


@each("command", sorted(set(COMMAND.findall(MANUAL))))
def test_commands_in_the_manual_run(command: str) -> None:
    options_by_name(shlex.split(command, comments=True)[1:])


@each("block", [text for language, text in BLOCKS if language == "sh"])
def test_shell_blocks_in_the_manual_parse(block: str) -> None:
    done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def set_up(home: Path) -> None:
    """Copy the files into a home as the manual says, block by block."""
    home.mkdir()
    for language, text in BLOCKS:
        if language == "sh":
            subprocess.run(
                ["sh", "-euc", "\n".join(SET_UP.findall(text))],
                cwd=CONTRIB,
                check=True,
                env={"PATH": os.environ["PATH"], "HOME": str(home)},
            )


def test_manual_installs_the_agent(tmp_path: Path) -> None:
    set_up(home := tmp_path / "ada ä")
    text = (home / "Library" / "LaunchAgents" / AGENT.name).read_text(encoding="utf-8")
    assert plistlib.loads(text.replace(str(home), "/Users/YOU").encode()) == agent()
    assert "YOU" not in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def test_manual_adds_only_fix_to_the_unit(tmp_path: Path) -> None:
    set_up(home := tmp_path / "ada")
    text = (home / ".config" / "systemd" / "user" / UNIT.name).read_text(encoding="utf-8")
    assert text.replace(" --fix", "") == UNIT.read_text(encoding="utf-8")
    [command] = re.findall("^ExecStart=.*--fix.*$", text, re.MULTILINE)
    watches(shlex.split(command)[2:], "%f", fix=True)


def test_manual_removes_personal_data_from_the_task() -> None:
    text = TASK.read_text(encoding="utf-8")
    for place, value in re.findall(r"""\.Replace\('([^']*YOU[^']*)', ([^)]*)\)""", MANUAL):
        assert place in text
        text = text.replace(place, PLACED[value])
    assert "YOU" not in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    assert text.count(" watch ") == 1, "the manual puts --fix behind this word"
