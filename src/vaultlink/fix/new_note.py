"""Compose the text of a note that is created for an unresolved link.

The text is the template with title and aliases.
"""

from collections import Counter

from vaultlink.fix.sources import FixAnswers
from vaultlink.index.index import Index, target_spellings
from vaultlink.index.resolve import file_name, normalize_name, resolve, spelling_key


def respell_folders(index: Index, path: str) -> str:
    """Return a path with its folders spelled as those that contain files.

    Folders whose names differ only in case or Unicode form are one folder on many disks, and links
    do not distinguish them.
    """
    *folders, name = path.split("/")
    place = ""
    for folder in folders:
        place += f"{folder}/"
        files = index.files_by_path[normalize_name(place)]
        if files and not any(file.startswith(place) for file in files):
            place = "/".join(files[0].split("/")[: place.count("/")]) + "/"
    return place + name


def compose_new_note(index: Index, path: str, answers: FixAnswers) -> str:
    """Return the text of the note that is created at `path`.

    The title is the most frequent display text of the links to it that spells the file's name with
    other separators or case (`[[blue_tea|Blue Tea]]`), else the file's name. The aliases are
    the other spellings of the name that these links use.
    """
    from vaultlink.parse.post import compose_note  # noqa: PLC0415 - frontmatter is slow to import

    name = file_name(path).removesuffix(".md")
    targets, displays = _count_spellings(index, path, name)
    title = min(displays, key=lambda text: (-displays[text], text), default=name)
    aliases = sorted((targets.keys() | displays.keys()) - {title, name})
    metadata = {"title": title, "aliases": aliases, "created": answers.created}
    template = answers.template.replace("{{title}}", name)
    return compose_note(template, {key: value for key, value in metadata.items() if value})


def _count_spellings(index: Index, path: str, name: str) -> tuple[Counter[str], Counter[str]]:
    """Count the targets and the display texts of links that will resolve to `path`.

    Only spellings of `name` are counted.
    """
    names = {normalize_name(file_name(path)): (path,)}
    wanted = spelling_key(name)
    targets: Counter[str] = Counter()
    displays: Counter[str] = Counter()
    sources = {note for key in target_spellings(name) for note in index.mentions.get(key, ())}
    for source in sources:
        for link, target in index.resolved_links(source):
            if target is not None or resolve(source, link.target, names) != path:
                continue
            targets[file_name(link.target).removesuffix(".md")] += 1
            display = (link.display or "").strip()
            if display and spelling_key(display) == wanted:
                displays[display] += 1
    return targets, displays
