"""Tests of tools/house.py, which measures the structure of the source."""

import ast
from pathlib import Path

import pytest

from house import measure, read_modules, writes_files

pytestmark = pytest.mark.project

FEW_MODULES = {
    "__init__.py": '"""A program."""\n',
    "nouns.py": "class Note:\n    class Part: ...\n\nRow = Note | None\nLIMIT: int = 3\n_Hidden = 2\n",
    "verbs.py": """
from vaultlink import nouns
from vaultlink.nouns import Note

def run(self, a, b, c, d, e, f, *, g): return nouns.LIMIT
def tell(self, a, b, c, d, e, f, g, h):
    from vaultlink import late
    import json
class _Row: ...
""",
    "late.py": 'def load(): return "vaultlink.verbs:run"\n',
}


def test_figures_of_a_few_modules(tmp_path: Path) -> None:
    package, tests = tmp_path / "src" / "vaultlink", tmp_path / "tests"
    for folder, files in ((package, FEW_MODULES), (tests, {"test_run.py": "# run\n" * 1001})):
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    (tmp_path / "rules").mkdir()
    assert measure(tmp_path, read_modules(tmp_path)) == {
        "types": 3,
        "public names": 6,
        "unused public names": 3,  # Row, tell, load
        "names of several types": 1,
        "import edges": 2,
        "modules in the longest chain of imports": 0,
        "modules in cycles of imports": 2,
        "imports inside functions": 1,
        "functions with eight arguments or more": 1,
        "modules with more than 500 lines of code": 0,
        "thousand lines of source": 1,
        "thousand lines of tests": 2,
    }


WRITING_CALLS = """
open(path, 'w')
path.open(mode='ab')
os.open(path, os.O_RDWR | os.O_CREAT)
os.replace(old, new)
old.replace(new)
path.write_text(text)
tempfile.mkstemp()
"""
READING_CALLS = """
open(path, 'rb')
path.open()
os.open(path, os.O_RDONLY | os.O_DIRECTORY)
os.open(os.devnull, os.O_WRONLY)
text.replace('a', 'b')
replace(value, name=1)
shutil.get_terminal_size()
"""


@pytest.mark.parametrize(("calls", "expected"), [(WRITING_CALLS, True), (READING_CALLS, False)])
def test_calls_that_change_files_are_detected(calls: str, expected: bool) -> None:
    found = [it for it in ast.walk(ast.parse(calls)) if isinstance(it, ast.Call)]
    assert [ast.unparse(call) for call in found if writes_files(call) != expected] == []
    assert len(found) == 7
