"""The report as one HTML page that needs no network."""

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from vaultlink.dashboard.model import HealthScore, Totals, VaultReport, describe_part
from vaultlink.errors import UsageError
from vaultlink.graph.picture import SIZE, GraphPicture, PictureNode, render_svg
from vaultlink.obsidian import format_address
from vaultlink.report.changed_lines import DiffPart, compare_words, cut_equal_parts, show_blanks
from vaultlink.report.layout import UNSAFE_CHARS, format_count
from vaultlink.report.overview import format_share

if TYPE_CHECKING:
    from jinja2 import Environment


# -- names of a vault on a page: shortened, made visible, and as addresses -------------------------
# A name can contain anything: markup, controls, bidirectional overrides, bytes that are not UTF-8,
# or megabytes of text. Markup is escaped by the template. This module does the rest.

SHOWN_CHARACTERS = 160
"""The longest name that is shown whole. Longer ones keep their beginning and end."""

_END_CHARACTERS = 40
"""Characters of a longer name that are shown after its gap."""

_INVISIBLE = re.compile(f"([\x00-\x1f{UNSAFE_CHARS}\ud800-\udfff])")
"""What a page does not show, or shows in another order; the terminal spells out the same."""


def shorten_name(name: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Return a name with at most `limit` of its characters.

    A longer name keeps its beginning and end; between them is the number of those left out.
    """
    if len(name) <= limit:
        return name
    first, gap = name[: limit - _END_CHARACTERS], len(name) - limit
    return f"{first} … {gap:,} characters … {name[-_END_CHARACTERS:]}"


def _split_invisible(text: str) -> list[tuple[str, bool]]:
    r"""Split a text into parts, each with True if it spells out an invisible character.

    Such a part is the character's number, such as `\u202e`. All parts can be encoded as UTF-8.
    """
    return [
        (f"\\u{ord(part):04x}", True) if number % 2 else (part, False)
        for number, part in enumerate(_INVISIBLE.split(text))
        if part
    ]


def make_visible(text: str) -> str:
    return "".join(part for part, _ in _split_invisible(text))


def split_folder(path: str) -> tuple[str, str]:
    """Split a vault path into its folder, with a slash at the end, and its file name.

    The extension of a note is left out.
    """
    folder, slash, name = path.rpartition("/")
    return folder + slash, name.removesuffix(".md")


def compare_lines(before: str, after: str) -> tuple[list[DiffPart], list[DiffPart]]:
    """Return the parts of both lines.

    Long parts are shortened. A change of blanks alone is shown as signs.
    """
    old, new = compare_words(before, after)
    return _shorten_parts(old), _shorten_parts(new)


def _shorten_parts(parts: list[DiffPart]) -> list[DiffPart]:
    shown = [DiffPart(shorten_name(part.text), part.changed) for part in cut_equal_parts(parts)]
    return show_blanks(shown)


# -- the figures at the top of a page: sentences, numbers and the score ----------------------------


class Figure(NamedTuple):
    """A number of the vault, and the section that lists what it counts ("" for none)."""

    label: str
    value: int
    detail: str
    anchor: str = ""


class ScoreSegment(NamedTuple):
    """A part of the bar below the score, in hundredths of its width."""

    x: float
    width: float
    filled: float


def _format_percent(part: int, whole: int) -> str:
    """Return a share in percent, or a dash if there is nothing to share."""
    return format_share(part, whole) if whole else "–"


def describe_health(totals: Totals) -> str:
    """Return the sentences that begin a page."""
    internal = totals.links - totals.external
    links = "No link leads to a file of the vault."
    if internal:
        verb = "resolves" if totals.resolved == 1 else "resolve"
        share = _format_percent(totals.resolved, internal)
        links = f"Of {format_count(internal, 'link')}, {totals.resolved:,} {verb} ({share})."
    findings, safe = totals.errors + totals.warnings + totals.infos, totals.fixes_safe
    if not findings:
        return f"{links} There are no findings."
    fixes = f"; {safe:,} {'has' if safe == 1 else 'have'} a safe fix" if safe else ""
    return f"{links} {format_count(findings, 'finding')}{fixes}."


def format_formula(score: HealthScore) -> str:
    """Return the sum of the parts: `39.50 + 20.00 = 59.50, rounded down to 59`."""
    points = [part.points for part in score.parts if part.most]
    total = max(round(sum(points), 2), float(score.value))  # rounded points may sum up to less
    terms = " + ".join(f"{item:.2f}" for item in points) or "0.00"
    if total >= score.limit + 1:
        return f"{terms} = {total:.2f}, limited to {score.limit}"
    about = "just under " if int(total) > score.value else ""
    return f"{terms} = {about}{total:.2f}, rounded down to {score.value}"


def measure_score_bar(score: HealthScore) -> list[ScoreSegment]:
    """Return the segments of the score's bar.

    Each is as wide as the part's share of 100 points, and filled by its points.
    """
    segments, x = [], 0.0
    for part in score.parts:
        if part.most:
            width = round(max(part.most - _SEGMENT_GAP, 0), 3)
            filled = round(width * part.points / part.most, 3)
            segments.append(ScoreSegment(round(x, 2), width, filled))
            x += part.most
    return segments


_SEGMENT_GAP = 0.5
"""Hundredths of the bar between two segments."""


def list_figures(totals: Totals) -> list[Figure]:
    severities = ((totals.errors, "error"), (totals.warnings, "warning"), (totals.infos, "info"))
    findings = ", ".join(format_count(count, noun) for count, noun in severities if count)
    return [
        Figure("Notes", totals.notes, f"and {format_count(totals.attachments, 'attachment')}"),
        Figure("Links", totals.links, f"{totals.external:,} external"),
        Figure(
            "Broken links", totals.dangling, f"to {format_count(totals.topics, 'topic')}", "topics"
        ),
        Figure(
            "Findings",
            sum(count for count, _ in severities),
            findings or "no rule has any",
            "rules",
        ),
        Figure(
            "Fixes waiting",
            totals.fixes_safe + (totals.fixes_unsafe or 0),
            f"{totals.fixes_safe:,} safe" + ("" if totals.has_all_fixes else ", perhaps more"),
            "fixes",
        ),
        *(
            [Figure("Mentions", totals.mentions, "certain, without a link", "mentions")]
            if totals.mentions
            else []
        ),
        Figure("Orphans", totals.orphans, format_count(totals.dead_ends, "dead end"), "orphans"),
        Figure("Islands", totals.islands, "not linked to the largest group", "islands"),
        Figure(
            "Sections",
            totals.sections_in_step + totals.sections_out_of_step,
            f"{totals.sections_in_step:,} up to date",
            "sections",
        ),
    ]


# -- encode a picture of the graph for the script of the page, `assets/graph.js` -------------------
# The form is JSON of columns, compressed by gzip, in base64: browsers decompress and parse it
# without a library, and no text of a note can end the element that holds it.

_MAX_TEXT = 240
"""Characters of a name or label. The name of a topic can be as long as a note."""
_KINDS = {"note": "n", "attachment": "a", "canvas": "c", "dangling": "d"}


def encode_picture(picture: GraphPicture) -> str:
    """Return a picture as text for an element of a page.

    The nodes are sorted by kind, folder and name, which makes the text a third shorter. Columns:

    - `names`: vault paths without their folder, and without `.md` for notes; names of topics.
    - `labels`: pairs of a node's number and its label, where that differs from its name.
    - `kinds`: one letter for each node: n(ote), a(ttachment), c(anvas) or d(angling).
    - `x`, `y`, `radius`, `incoming`, `outgoing`, `community`, `folder`: as in `PictureNode`.
    - `edges`: pairs of source and target, sorted. Instead of the source, its distance to the
      previous one; targets after the first of a source are distances too.
    """
    keys = [(node.kind == "dangling", node.folder, node.name) for node in picture.nodes]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    number = {place: position for position, place in enumerate(order)}
    nodes = [picture.nodes[place] for place in order]
    names = [_short_name(node, picture.folders[node.folder]) for node in nodes]
    data = {
        "size": SIZE,
        "folders": [_cut(folder) for folder in picture.folders],
        "communities": [_cut(name) for name in picture.communities],
        "omitted": picture.omitted,
        "names": names,
        "labels": [
            [place, _cut(node.label)]
            for place, node in enumerate(nodes)
            if _cut(node.label) != names[place]
        ],
        "kinds": "".join([_KINDS[node.kind] for node in nodes]),
        **{
            column: [getattr(node, column) for node in nodes]
            for column in ("x", "y", "radius", "incoming", "outgoing", "community", "folder")
        },
        "edges": _encode_edges(sorted((number[a], number[b]) for a, b in picture.edges)),
    }
    text = json.dumps(data, separators=(",", ":"))
    return b64encode(compress(text.encode("ascii"), mtime=0)).decode("ascii")


def _short_name(node: PictureNode, folder: str) -> str:
    if node.kind == "dangling":
        return _cut(node.name)
    name = node.name[len(folder) + 1 :] if folder else node.name
    is_plain = (
        node.kind == "note" and name.endswith(".md") and not name[:-3].lower().endswith(".md")
    )
    return name[:-3] if is_plain else name


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "…"


def _encode_edges(edges: list[tuple[int, int]]) -> list[int]:
    """Return pairs of numbers as distances from those before."""
    encoded, last_source, last_target = [], 0, 0
    for source, target in edges:
        if source != last_source:
            last_target = 0
        encoded += [source - last_source, target - last_target]
        last_source, last_target = source, target
    return encoded


# The page states its own content security policy: the browser runs the scripts of this package,
# whose hashes are in the policy, and loads nothing. So what the template escapes is doubly inert.

_STILL_WIDTH = 1200
"""The width in pixels of the picture that a browser without JavaScript shows."""

SECTIONS = (
    (
        "Findings",
        (
            ("rules", "Findings by rule"),
            ("folders", "Findings by folder"),
            ("topics", "Unresolved topics"),
            ("fixes", "Fixes waiting"),
            ("worst", "Notes with most findings"),
        ),
    ),
    (
        "Links to add",
        (("mentions", "Certain mentions"), ("related", "Isolated notes"), ("twins", "Twins")),
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

_STEP_TABLES = {
    "safe-fixes": "fixes",
    "proposals": "fixes",
    "mentions": "mentions",
    "sections": "sections",
    "unresolved": "topics",
}
"""The table that lists what a next step is about, by the kind of the step."""


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
        policy=_format_policy(style, scripts),
        style=style,
        scripts=scripts,
        lead=describe_health(report.totals),
        limits=describe_part(report, shorten_name),
        formula=format_formula(report.score),
        score_bar=measure_score_bar(report.score),
        figures=list_figures(report.totals),
        contents=SECTIONS,
        step_tables=_STEP_TABLES,
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
        "percent": _format_percent,
        "plural": format_count,
        "visible": lambda name: make_visible(shorten_name(name)),
        "visible_parts": lambda name, limit: _split_invisible(shorten_name(name, limit)),
    }
    return environment


def _read_asset(name: str) -> str:
    """Return a file of `assets`, with `\\n` as line ends, because browsers hash it so."""
    text = files("vaultlink.dashboard").joinpath("assets", name).read_text(encoding="utf-8")
    return "\n".join(text.splitlines()) + "\n"


def _format_policy(style: str, scripts: Sequence[str]) -> str:
    """Return the content security policy that allows these inline texts only."""
    hashes = [
        f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
        for text in (style, *scripts)
    ]
    return (
        f"default-src 'none'; style-src {hashes[0]}; script-src {' '.join(hashes[1:])}; "
        "base-uri 'none'; form-action 'none'"
    )
