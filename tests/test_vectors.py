"""Small vaults and what Obsidian makes of them: our own in vectors.yaml, and the specification's where it is at hand.

Every vector is written to disk and opened like any vault, so that what counts as a file is tested too.
"""

import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tables import each
from vaultlink import Link, Note, Settings, Vault, open_vault
from vaultlink.index.anchors import find_anchor
from vaultlink.index.topics import topic_name
from vaultlink.model import Place
from vaultlink.report.listings import find_dead_ends, find_orphans

HERE = Path(__file__).resolve().parent
SHARED = (
    Path(os.environ.get("VAULTLINK_SHARED", HERE.parents[1] / "shared"))
    / "spec"
    / "link-vectors.yaml"
)
Vector = Mapping[str, Any]


def load(path: Path) -> Any:
    """Return the parsed YAML of a file."""
    return yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


OWN: list[Vector] = load(HERE / "vectors.yaml")
THEIRS: Mapping[str, Any] = load(SHARED) if SHARED.exists() else {}


def family(name: str, *, low: bool = False) -> list[Any]:
    """The shared vectors of a family, either those of low confidence or the others, as parameters."""
    return [
        pytest.param(vector, id=vector["id"])
        for vector in THEIRS.get(name, ())
        if (vector["confidence"] == "low") == low
    ]


def opened(folder: Path, files: Mapping[str, str]) -> Vault:
    """Create a vault on disk with these files and open it."""
    (folder / ".obsidian").mkdir(parents=True)
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8"))
    return open_vault(folder, Settings(isolated=True, cache=False, jobs=1))


def notes_of(vault: Vault) -> Mapping[str, Note]:
    """Return the notes and canvases."""
    return vault.index.notes


def anchor_line(vault: Vault, link: Link, resolved: str | None) -> int | None:
    """Return the first line of the target of a subpath, or None."""
    note = notes_of(vault).get(resolved) if resolved and link.subpath else None
    found = find_anchor(note, link.subpath) if note else None
    return None if found is None else getattr(found, "block_line", found.line)


def composed(text: str) -> str:
    """Text as the specification writes destinations: composed, odd spaces made plain."""
    return unicodedata.normalize("NFC", text.replace("\u00a0", " "))


# -- our own ----------------------------------------------------------------------------------------------------------


@each("vector", [pytest.param(vector, id=f"{vector['clause']} {vector['says']}") for vector in OWN])
def test_own_vector(vector: Vector, tmp_path: Path) -> None:
    vault = opened(tmp_path / "vault", vector["vault"])
    source = vector.get("in") or next(path for path in vector["vault"] if path.endswith(".md"))
    note = notes_of(vault)[source]
    got: dict[str, Callable[[], Any]] = {
        "links": lambda: [
            described(vault, link, resolved)
            for link, resolved in vault.index.resolved_links(source)
        ],
        "tags": lambda: [tag.name for tag in note.tags],
        "headings": lambda: [[heading.level, heading.text] for heading in note.headings],
        "blocks": lambda: [block.id for block in note.blocks],
        "aliases": lambda: list(note.aliases),
        "properties": lambda: (
            None if note.properties is None else {item.key: item.value for item in note.properties}
        ),
        "counts": lambda: counts(vault),
        "orphans": lambda: listed(vault)[0],
        "deadends": lambda: listed(vault)[1],
    }
    asked = [key for key in got if key in vector]
    assert asked, "the vector asks nothing"
    for key in asked:
        if key == "links":
            assert_links(vector["links"], got["links"]())
        else:
            assert got[key]() == vector[key], key


def described(vault: Vault, link: Link, resolved: str | None) -> dict[str, Any]:
    """A link in the words of vectors.yaml."""
    exists = vault.index.has_anchor(link, resolved)
    return {
        "target": link.target,
        "to": resolved,
        "embed": link.embed,
        "external": link.external,
        "subpath": link.subpath,
        "display": link.display,
        "kind": link.kind.value,
        "place": link.place.value,
        "key": link.key_path,
        "anchor": None if exists is None else "found" if exists else "missing",
        "anchor_line": anchor_line(vault, link, resolved),
    }


def assert_links(wanted: list[dict[str, Any]], got: list[dict[str, Any]]) -> None:
    """Each link as wanted, in order; of what a vector does not name only the file and two flags are compared."""
    assert [link["target"] for link in got] == [link["target"] for link in wanted]
    for want, have in zip(wanted, got, strict=True):
        full = {"to": None, "embed": False, "external": False, **want}
        assert {key: have[key] for key in full} == full


def counts(vault: Vault) -> dict[str, dict[str, int]]:
    """Return the number of links by source and target; dangling names start with a question mark."""
    return {
        source: dict(
            Counter(
                f"?{topic_name(link.target)}" if resolved is None else resolved
                for link, resolved in vault.index.resolved_links(source)
                if not link.external
            )
        )
        for source in notes_of(vault)
        if not source.endswith(".base")
    }


def listed(vault: Vault) -> tuple[list[str], list[str]]:
    """Return the orphans and dead ends."""
    return find_orphans(vault.index), find_dead_ends(vault.index)


def test_every_section_has_own_vectors() -> None:
    chapters = Counter(vector["clause"].split(".")[0] for vector in OWN)
    assert set(chapters) == set("123456789")
    assert len({(vector["clause"], vector["says"]) for vector in OWN}) == len(OWN)


# -- the shared ones --------------------------------------------------------------------------------------------------


def link_fault(vector: Vector, folder: Path) -> str:
    """Return the difference between a link vector and vaultlink, or ""."""
    files = dict(vector["vault"])
    if "app_json" in vector:
        files[".obsidian/app.json"] = yaml.dump(vector["app_json"], default_flow_style=True)
    vault = opened(folder, files)
    source = vector["source"]
    found = [
        (link, resolved)
        for link, resolved in vault.index.resolved_links(source)
        if not link.external
    ]
    expect, faults = vector["expect"], []
    if "not-a-link" not in expect.get("also_acceptable", ()):
        faults += everything_faults(vector["all_in_source"], [link for link, _ in found])
    under_test = [(link, resolved) for link, resolved in found if link.raw == vector["link"]]
    if expect["outcome"] in ("not-a-link", "external"):
        return "; ".join([*faults, *(f"{link.raw} is a link" for link, _ in under_test)])
    # A surplus bracket behind a link is shown with it (1.4).
    under_test = under_test or [
        (link, resolved) for link, resolved in found if vector["link"] == link.raw + "]"
    ]
    if not under_test:
        faults += (
            []
            if "not-a-link" in expect.get("also_acceptable", ())
            else [f"{vector['link']} is no link"]
        )
    else:
        faults += list(one_link_faults(vault, expect, *under_test[0]))
    return "; ".join(faults)


def everything_faults(wanted: Mapping[str, Any], links: list[Link]) -> list[str]:
    """Whether the source yields exactly the destinations wanted: body links, embeds, links in properties."""
    body = [link for link in links if link.place is not Place.PROPERTY]
    got: dict[str, list[Any]] = {
        "links": [destination(link) for link in body if not link.embed],
        "embeds": [destination(link) for link in body if link.embed],
        "frontmatter": [
            [link.key_path, destination(link)] for link in links if link.place is Place.PROPERTY
        ],
    }
    faults = []
    for key, have in got.items():
        want = [
            [entry[0], bare(entry[1])] if isinstance(entry, list) else bare(entry)
            for entry in wanted.get(key, [])
        ]
        if sorted(want) != sorted(have):
            faults.append(f"{key}: {want} wanted, {have} found")
    return faults


def destination(link: Link) -> str:
    """A link's path and subpath."""
    return bare(link.target + link.subpath)


def bare(destination: str) -> str:
    """A destination without a subpath that is empty."""
    return composed(destination if destination.rstrip("#").count("#") else destination.rstrip("#"))


def one_link_faults(
    vault: Vault, expect: Mapping[str, Any], link: Link, resolved: str | None
) -> Iterator[str]:
    """Return the difference for the link under test, or ""."""
    if expect["outcome"] == "resolved":
        if resolved not in {expect["target"], *expect.get("also_acceptable", ())}:
            yield f"leads to {resolved}, not {expect['target']}"
    elif resolved is not None:
        yield f"leads to {resolved}, should dangle"
    elif composed(topic_name(link.target)) != expect["key"]:
        yield f"dangles as {topic_name(link.target)!r}, not {expect['key']!r}"
    if link.embed != expect["embed"]:
        yield f"embed is {link.embed}"
    exists = vault.index.has_anchor(link, resolved)
    state = {"none": None, "ignored": None, "resolved": True, "unresolved": False}[
        expect["subpath"]
    ]
    if exists != state and resolved is not None:
        yield f"subpath is {exists}, should be {expect['subpath']}"
    if "subpath_line" in expect and anchor_line(vault, link, resolved) != expect["subpath_line"]:
        yield f"subpath found at line {anchor_line(vault, link, resolved)}, not {expect['subpath_line']}"
    shown = link.display or " > ".join(
        part for part in (link.target, *link.subpath.split("#")) if part
    )
    if "display" in expect and shown != expect["display"]:
        yield f"shows {shown!r}, not {expect['display']!r}"


def tag_fault(vector: Vector, folder: Path) -> str:
    """Return the difference between a tag vector and vaultlink, or ""."""
    note = notes_of(opened(folder, {"note.md": vector["text"] + "\n"}))["note.md"]
    got = ["#" + tag.name for tag in note.tags]
    return "" if got == vector["tags"] else f"{got} found"


def frontmatter_fault(vector: Vector, folder: Path) -> str:
    """How a frontmatter vector and vaultlink differ; what can't be read counts as none."""
    note = notes_of(opened(folder, {"note.md": vector["text"]}))["note.md"]
    properties = {item.key: item.value for item in note.properties or ()}
    tags = ["#" + tag.name for tag in note.tags if tag.place is Place.PROPERTY]
    got = (properties, list(note.aliases), tags)
    want = (vector["frontmatter"] or {}, vector["aliases"], vector["tags"])
    return "" if got == want else f"{got} found"


def graph_fault(vector: Vector, folder: Path) -> str:
    """Return the difference between a whole-vault vector and vaultlink, or ""."""
    vault = opened(folder, vector["vault"])
    want = {
        source: {
            **targets,
            **{f"?{name}": number for name, number in vector["unresolved"][source].items()},
        }
        for source, targets in vector["resolved"].items()
    }
    faults = [] if counts(vault) == want else [f"{counts(vault)} counted"]
    for name, got in zip(("orphans", "deadends"), listed(vault), strict=True):
        if name in vector and vector[name] != got:
            faults.append(f"{name}: {got}")
    return "; ".join(faults)


FAMILIES = {
    "vectors": link_fault,
    "tag_vectors": tag_fault,
    "frontmatter_vectors": frontmatter_fault,
    "graph_vectors": graph_fault,
}


@each("vector", family("vectors"))
def test_link_vector(vector: Vector, tmp_path: Path) -> None:
    assert not link_fault(vector, tmp_path / "vault"), vector["id"]


@each("vector", family("tag_vectors"))
def test_tag_vector(vector: Vector, tmp_path: Path) -> None:
    assert not tag_fault(vector, tmp_path / "vault"), vector["id"]


@each("vector", family("frontmatter_vectors"))
def test_frontmatter_vector(vector: Vector, tmp_path: Path) -> None:
    assert not frontmatter_fault(vector, tmp_path / "vault"), vector["id"]


@each("vector", family("graph_vectors"))
def test_graph_vector(vector: Vector, tmp_path: Path) -> None:
    assert not graph_fault(vector, tmp_path / "vault"), vector["id"]


def test_vectors_of_low_confidence_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They do not decide anything: what disagrees is printed, so that a change is seen."""
    faults, number = [], 0
    for name, fault in FAMILIES.items():
        for parameter in family(name, low=True):
            (vector,) = parameter.values
            number += 1
            if found := fault(vector, tmp_path / vector["id"]):
                faults.append(
                    f"  {vector['id']} ({vector['clause']}) {vector.get('title', '')}: {found}"
                )
    with capsys.disabled():
        agree = f"vectors of low confidence: {number - len(faults)} of {number} agree"
        sys.stdout.write("\n".join(["", agree, *faults, ""]))
