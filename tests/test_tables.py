"""Cases that are subtests of one test are as separate as tests are."""

import os
from pathlib import Path

import pytest

from tables import each

pytestmark = pytest.mark.project


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty file in the folder of a case, which a variable names."""
    monkeypatch.setenv("CASES", os.environ.get("CASES", "") + "x")
    (tmp_path / "file").touch(exist_ok=False)
    return tmp_path / "file"


@each("word", ["one", "two"])
@each("end", [".", "!"])
def test_case_has_its_own_folder_fixtures_and_environment(
    file: Path, tmp_path: Path, word: str, end: str
) -> None:
    assert file.read_text() == ""
    file.write_text(word + end)
    assert [item.name for item in tmp_path.iterdir()] == ["file"]
    assert os.environ["CASES"] == "x"
    assert Path(os.environ["VAULTLINK_CACHE_DIR"]).parent == tmp_path


class Failures(list[str]):
    """The names of the cases that failed."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if isinstance(report, pytest.SubtestReport) and report.failed:
            self.append(report.context.msg or "")


def test_failing_cases_are_named(tmp_path: Path) -> None:
    text = "@each('number', [1, 2, 3])\ndef test(number):\n    assert number == 2\n"
    test = tmp_path / "test_cases.py"
    test.write_text(f"from tables import each\n{text}")
    failures = Failures()
    assert pytest.main(["-q", f"--rootdir={tmp_path}", str(test)], plugins=[failures]) == 1
    assert failures == ["1", "3"]
