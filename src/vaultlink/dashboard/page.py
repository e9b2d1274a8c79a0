"""The report as one HTML page that needs no network.

The page states its own content security policy: the browser runs the scripts of this package, whose
hashes are in the policy, and loads nothing. So what the template escapes is doubly inert.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from vaultlink.dashboard.line_diff import compare_lines
from vaultlink.dashboard.model import VaultReport
from vaultlink.dashboard.page_figures import (
    describe_health,
    draw_trend,
    format_formula,
    format_percent,
    list_figures,
    measure_score_bar,
)
from vaultlink.dashboard.page_names import (
    format_address,
    make_visible,
    shorten_name,
    split_folder,
    split_invisible,
)
from vaultlink.dashboard.picture_data import encode_picture
from vaultlink.errors import UsageError
from vaultlink.graph.picture import GraphPicture
from vaultlink.graph.svg import render_svg
from vaultlink.report.layout import format_count

if TYPE_CHECKING:
    from jinja2 import Environment

_STILL_WIDTH = 1200
"""The width in pixels of the picture that a browser without JavaScript shows."""

SECTIONS = (
    (
        "Findings",
        (
            ("rules", "Findings by rule"),
            ("folders", "Findings by folder"),
            ("topics", "Dangling topics"),
            ("fixes", "Fixes waiting"),
            ("worst", "Notes with most findings"),
        ),
    ),
    (
        "Connections",
        (
            ("hubs", "Hubs"),
            ("bridges", "Bridges"),
            ("islands", "Islands"),
            ("orphans", "Orphans"),
            ("dead_ends", "Dead ends"),
        ),
    ),
    (
        "Files and sections",
        (
            ("missing_attachments", "Missing attachments"),
            ("unused_attachments", "Unused attachments"),
            ("sections", "Backlinks sections"),
        ),
    ),
)
"""The sections with tables: their group, and the report's field and the title of each."""


def render_page(report: VaultReport, picture: GraphPicture) -> str:
    """Return the page. Equal reports and pictures give equal pages.

    Raises UsageError if jinja2 is not installed.
    """
    environment = _build_environment(report.vault)
    style = _read_asset("report.css") + _read_asset("graph.css")
    scripts = [_read_asset(name) for name in ("graph.js", "report.js")]
    cuts = {cut.table: cut for cut in report.cuts}
    counts = {
        key: cuts[key].total if key in cuts else len(getattr(report, key))
        for _, entries in SECTIONS
        for key, _ in entries
    }
    environment.globals.update(
        cuts=cuts,
        number_of=counts,
        titles={key: title for _, part in SECTIONS for key, title in part},
    )
    page = environment.get_template("report.html.j2").render(
        report=report,
        policy=format_policy(style, scripts),
        style=style,
        scripts=scripts,
        lead=describe_health(report.totals),
        formula=format_formula(report.score),
        score_bar=measure_score_bar(report.score),
        figures=list_figures(report.totals),
        trend=draw_trend(report.trend),
        contents=SECTIONS,
        picture=picture,
        graph_vault=report.vault
        if make_visible(shorten_name(report.vault)) == report.vault
        else "",
        graph_data=encode_picture(picture),
        still=render_svg(picture, _STILL_WIDTH),
    )
    return page.replace("##", "#&#35;")  # CI services obey `##[…]`; style and scripts have none


def check_jinja2(install_command: str = "pip install jinja2") -> None:
    """Raise UsageError, with a command that installs jinja2, if it is not installed."""
    try:
        import jinja2  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise UsageError(
            f"An HTML report requires jinja2, which is not installed. Run `{install_command}`, or "
            "use --output-format json or markdown."
        ) from None


def _build_environment(vault: str) -> "Environment":
    check_jinja2()
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra

    environment = Environment(
        loader=PackageLoader("vaultlink.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "address": lambda path: format_address(vault, path),
        "compare": compare_lines,
        "folder_and_name": split_folder,
        "number": "{:,}".format,
        "percent": format_percent,
        "plural": format_count,
        "visible": lambda name: make_visible(shorten_name(name)),
        "visible_parts": lambda name, limit: split_invisible(shorten_name(name, limit)),
    }
    return environment


def _read_asset(name: str) -> str:
    """Return a file of `assets`, with `\\n` as line ends, because browsers hash it so."""
    text = files("vaultlink.dashboard").joinpath("assets", name).read_text(encoding="utf-8")
    return "\n".join(text.splitlines()) + "\n"


def format_policy(style: str, scripts: Sequence[str]) -> str:
    """Return the content security policy that allows these inline texts only."""
    hashes = [_format_hash(text) for text in (style, *scripts)]
    return (
        f"default-src 'none'; style-src {hashes[0]}; script-src {' '.join(hashes[1:])}; "
        "base-uri 'none'; form-action 'none'"
    )


def _format_hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
