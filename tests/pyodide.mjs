// Runs vaultlink's commands on the CPython of the npm package pyodide, in the folder /work of its own file system.
// Arguments: folder of the installed packages, folder of the files, JSON list of command lines. Prints a JSON list of results.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [packages, files, lines] = process.argv.slice(2);
const pyodide = createRequire(packages + "/").resolve("pyodide");
const { loadPyodide } = await import(pathToFileURL(pyodide.replace(/pyodide\.js$/, "pyodide.mjs")));
const python = await loadPyodide({ env: { HOME: "/home/user", PYTHONPATH: "/packages", NO_COLOR: "1" } });
python.mountNodeFS("/packages", packages);
python.mountNodeFS("/work", files);
python.globals.set("lines", lines);
const results = python.runPython(`
import importlib, io, json, os, sys, warnings
from pathlib import Path

sys.path_importer_cache.clear()  # /packages was not there when Python started
importlib.invalidate_caches()
os.chdir("/work")
warnings.simplefilter("error")
for source in sorted(Path("/packages/vaultlink").rglob("*.py")):
    compile(source.read_bytes(), str(source), "exec")
warnings.filterwarnings("default", module=r"(?!vaultlink\\b)")
from vaultlink.__main__ import main

def run(words):
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2)]
    sys.stdout, sys.stderr = streams
    try:
        code = main(words)
    except SystemExit as error:
        code = error.code
    finally:
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    texts = []
    for stream in streams:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return [code, *texts]

json.dumps({"version": sys.version, "results": [run(words) for words in json.loads(lines)]})
`);
console.log(results);
