"""Section of the bench about the graph: its layout, and its frames in a real browser.

Chromium draws without a graphics processor. It loads the page from a server of this process, moves
and zooms the graph for some seconds, and posts the time of each frame.
"""

import json
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from typing import NamedTuple

from measure import Bench
from vaultlink import open_vault
from vaultlink.dashboard.page import encode_picture
from vaultlink.graph.layout import draw_picture
from vaultlink.graph.picture import render_svg

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ASSETS = Path(__file__).parents[1] / "src" / "vaultlink" / "dashboard" / "assets"
_LIMIT = 90.0
"""Seconds for the browser. It takes ten on a quiet machine."""
_DRIVER = """
const settle = (time) => new Promise((done) => setTimeout(done, time));
const record = (time, move) => new Promise((done) => {
  const frames = [];
  const start = performance.now();
  let last = start, count = 0;
  const step = (now) => {
    frames.push(now - last);
    last = now;
    move(count++);
    if (now - start < time) requestAnimationFrame(step);
    else done(frames.slice(1));
  };
  requestAnimationFrame(step);
});
(async () => {
  await vaultGraph.ready;
  const view = vaultGraph.view;
  const loaded = performance.getEntriesByType("navigation")[0].loadEventEnd;
  const painted = performance.getEntriesByName("vault-graph-first-paint")[0].startTime;
  await settle(1500);
  const pan = await record(3000, (count) => view.panBy(count % 120 < 60 ? 4 : -4, 2));
  view.fit();
  await settle(1500);
  const zoom = await record(3000, (count) => view.zoomBy(count % 120 < 60 ? 1.03 : 1 / 1.03));
  await fetch("/", {method: "POST", body: JSON.stringify({loaded, painted, pan, zoom})});
})();
"""


class BrowserRun(NamedTuple):
    """What the browser measured, in milliseconds: events since the start, and lengths of frames."""

    loaded: float
    painted: float
    pan: Sequence[float]
    zoom: Sequence[float]


def bench_graph(bench: Bench) -> None:
    """Layout of the graph (processor time), and frames in Chromium without a GPU (wall time)."""
    vault = open_vault(bench.vault)
    nx_graph = vault.graph()
    start = time.process_time()
    picture = draw_picture(nx_graph, {})
    bench.figures.add("layout of the graph", time.process_time() - start, "s", 6.0)
    data = encode_picture(picture)
    bench.figures.add("graph in the page", len(data) / 1e6, "MB", 2.2)
    bench.figures.add("still picture in the page", len(render_svg(picture, 1200)) / 1e6, "MB")
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print("  no Chromium: the frames of the graph are not measured")
        return
    run = run_browser(browser, build_page(data), bench.work_folder / "browser")
    if run is None:
        print(f"  {browser} did not answer in {_LIMIT:.0f} s: the frames are not measured")
        return
    bench.figures.add(
        "first paint after the page is loaded", (run.painted - run.loaded) / 1e3, "s", 1
    )
    for name, frames in (("pan", run.pan), ("zoom", run.zoom)):
        # The targets are those of 30 frames a second.
        bench.figures.add(f"{name}: mean frame", statistics.mean(frames), "ms", 1000 / 30)
        bench.figures.add(f"{name}: 95th percentile", statistics.quantiles(frames, n=20)[-1], "ms")


def build_page(data: str) -> str:
    """Return a page with a graph and the script that measures it."""
    style, script = (
        (ASSETS / name).read_text(encoding="utf-8") for name in ("graph.css", "graph.js")
    )
    return (
        f'<!doctype html><meta charset="utf-8"><style>{style} body {{margin: 0}} '
        '#graph {height: 100vh}</style><div id="graph"></div>'
        f'<script type="application/octet-stream+base64" id="graph-data">{data}</script>'
        f"<script>{script}</script><script>{_DRIVER}</script>"
    )


def run_browser(browser: str, page: str, profile: Path) -> BrowserRun | None:
    """Return the measurements of a page, None if the browser does not post any."""
    answers: Queue[Mapping[str, object]] = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), create_handler(page.encode(), answers))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = (
        *("--headless", "--disable-gpu", "--no-sandbox", "--no-first-run", "--hide-scrollbars"),
        *("--window-size=1400,900", f"--user-data-dir={profile}"),
    )
    with subprocess.Popen(
        [browser, *options, "--remote-debugging-port=0", f"http://127.0.0.1:{server.server_port}/"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            return BrowserRun(**answers.get(timeout=_LIMIT))  # type: ignore[arg-type]
        except Empty:
            return None
        finally:
            process.terminate()
            server.shutdown()


def create_handler(
    page: bytes, answers: "Queue[Mapping[str, object]]"
) -> type[BaseHTTPRequestHandler]:
    """Return a handler that serves one page and queues what is posted."""

    class Handler(BaseHTTPRequestHandler):
        """Serves the page."""

        def do_GET(self) -> None:
            """Send the page, and nothing for its icon."""
            body = page if self.path == "/" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            """Queue the measurements."""
            answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
            """Print nothing."""

    return Handler
