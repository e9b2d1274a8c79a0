"""Check the vaults on stdin, each ended by a zero byte: one task a vault, on workers of dask.

Prints a JSON line when a vault is done, and a summary as the last line. The exit code is 0 if all
are clean, 1 if some have findings, 2 if some were not checked. Requires Linux.
"""

import argparse
import json
import os
import sys
import time
from subprocess import DEVNULL, call
from tempfile import TemporaryFile

from dask.distributed import Client, as_completed

OPTIONS = {"scheduler": "", "workers": 2, "retries": 2, "seconds": 300, "megabytes": 2000}
QUIET = dict.fromkeys(("dashboard_address", "worker_dashboard_address"), "127.0.0.1:0")
ROW = {"status": "failed", "exit_code": None, "counts": None, "seconds": None, "error": ""}


def check_vault(vault: str, seconds: int, megabytes: int) -> dict[str, object]:
    """Return the row of a vault. Raises ChildProcessError if another try may succeed."""
    command = ["timeout", "-k5", f"{seconds}", "prlimit", f"--as={megabytes}000000", "vaultlink"]
    command += ["check", f"--vault={vault}", "--output-format=json", "--jobs=1"]
    with TemporaryFile() as out, TemporaryFile() as log:
        begun, code = time.monotonic(), call(command, stdin=DEVNULL, stdout=out, stderr=log)
        heads = [os.pread(file.fileno(), 99_999, 0).decode(errors="replace") for file in (out, log)]
    spent, error = round(time.monotonic() - begun, 2), heads[1].strip()[-500:]
    row = {**ROW, "exit_code": code, "seconds": spent, "error": error or "no JSON was printed"}
    if spent >= seconds:
        return row | {"status": "timeout", "error": f"not done after {seconds} seconds"}
    if "MemoryError" in error:
        return row | {"status": "memory", "error": f"requires more than {megabytes} MB"}
    if code < 0:
        raise ChildProcessError(f"vaultlink was ended by signal {-code}")
    try:  # the summary stands before the findings
        counts, _ = json.JSONDecoder().raw_decode(heads[0].partition('"summary":')[2])
        return row | {"status": ("clean", "findings")[code], "counts": counts, "error": ""}
    except (LookupError, RecursionError, ValueError):
        return row


if __name__ == "__main__":
    sys.excepthook = lambda *error: (sys.__excepthook__(*error), os._exit(2))  # not 1: findings
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in OPTIONS.items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"default: {value}")
    given, names, found = parser.parse_args(), os.fsdecode(sys.stdin.buffer.read()), []
    vaults = [os.path.abspath(name) for name in names.split("\0") if name]
    local = {"processes": False, "n_workers": given.workers, "threads_per_worker": 1, **QUIET}
    more = {name: getattr(given, name) for name in ("retries", "seconds", "megabytes")}
    with Client(given.scheduler) if given.scheduler else Client(**local) as client:
        tasks = dict(zip(client.map(check_vault, vaults, pure=False, **more), vaults, strict=True))
        for task in as_completed(tasks):
            row = {**ROW, "error": repr(task.exception())} if task.exception() else task.result()
            found.append(row["status"])
            print(json.dumps({"vault": tasks[task], **row}), flush=True)
    print(json.dumps({"vaults": len(found), **{one: found.count(one) for one in sorted({*found})}}))
    sys.exit(2 if not found or {*found} - {"clean", "findings"} else "findings" in found)
