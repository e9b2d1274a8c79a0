"""Random vaults and random plans of renames, from a seed."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple
from urllib.parse import quote

from independent_reader import SeenVault, heading_key, normalize
from rename_checks import Expected

NAMES = ("Note", "Plan", "red wine", "Zoë", "d'Or", "a (1)", "v1.2", "INDEX", "x & y", "50%", "新")
"""Few names, so that many notes share one."""

FOLDERS = ("", "", "alpha/", "alpha/beta/", "alpha/beta/deep/", "gamma delta/", "Ωmega (2)/")
HEADINGS = ("Intro", "Part", "Was ist C++?", "A *b* c", "Part", "it's: done", "Zoë")
DISPLAYS = ("text", "Note", "the [b] of it", "ü 🎉", "a > b")


class RandomRename(NamedTuple):
    """A vault, the rows of a plan, and what the plan is expected to change."""

    files: Mapping[str, bytes]
    rows: Sequence[tuple[str, str]]
    expected: Expected


def generate(seed: int) -> RandomRename:
    """Return a vault of 3 to 12 files and a plan of 1 to 6 renames. The plan may be one that has to be refused."""
    random = Random(seed)
    files = generate_vault(random)
    moves = generate_moves(random, sorted(files))
    headings = generate_headings(random, files, moves)
    rows = [
        *moves,
        *((f"{path}#{old}", new) for path, (_, old, new) in headings.items()),
    ]
    expected = Expected(
        map_files(moves, sorted(files)),
        {path: {number: new} for path, (number, _, new) in headings.items()},
    )
    random.shuffle(rows)
    return RandomRename(files, rows, expected)


# -- vaults -----------------------------------------------------------------------------------------


def generate_vault(random: Random) -> dict[str, bytes]:
    """Return a vault whose notes link to each other in all forms."""
    paths = {"start.md": "Start.md"}
    for _ in range(random.randint(3, 12)):
        ending = random.choice((".md", ".md", ".md", ".md", ".png", ".canvas"))
        path = random.choice(FOLDERS) + random.choice(NAMES) + ending
        paths.setdefault(normalize(path), path)
    targets = [*paths.values(), "missing.md", "alpha/Plan.md", "Note.md"]
    return {path: generate_file(random, path, targets).encode() for path in paths.values()}


def generate_file(random: Random, path: str, targets: Sequence[str]) -> str:
    """Return the text of a file that links to some of the targets."""
    links = [
        generate_link(random, path, random.choice(targets)) for _ in range(random.randint(0, 9))
    ]
    if path.endswith(".png"):
        return "png"
    if path.endswith(".canvas"):
        cards = [f'{{"type":"text","text":{_quote_json(link)}}}' for link in links]
        cards += [
            f'{{"type":"file","file":{_quote_json(random.choice(targets))}}}' for _ in links[:3]
        ]
        return '{"nodes":[' + ",\n".join(cards) + "]}"
    lines = [random.choice(PLACES)(link) for link in links]
    for heading in random.sample(HEADINGS, random.randint(0, 3)):
        lines.insert(random.randint(0, len(lines)), f"\n{'#' * random.randint(1, 3)} {heading}\n")
    if random.random() < 0.5:
        lines.append("\nA paragraph. ^block\n")
    properties = [
        f"p{number}: '{link.replace(chr(39), chr(39) * 2)}'\n"
        for number, link in enumerate(links[:2])
        if random.random() < 0.3
        and "[b]" not in link  # whether a property may hold these is unknown
    ]
    front = f"---\n{''.join(properties)}---\n" if properties else ""
    text = front + "\n".join(lines) + random.choice(("\n", ""))
    return text.replace("\n", "\r\n") if random.random() < 0.1 else text


def _quote_json(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


PLACES: tuple[Callable[[str], str], ...] = (
    lambda link: f"Text {link} and more.\n",
    lambda link: f"🎉 {link}{link}\n",
    lambda link: f"- {link}\n  - {link}",
    lambda link: f"\n> [!note] {link}\n> {link}\n",
    lambda link: f"%% {link} %%\n",
    lambda link: f"\n| a | b |\n|---|---|\n| {link.replace('|', chr(92) + '|')} | c |\n",
    lambda link: f"`{link}` <!-- {link} --> \\{link.removeprefix('!')}\n",
    lambda link: f"\n```\n{link}\n```\n",
    lambda link: f"**{link}** and *{link}*\n",
    lambda link: f"\n# About {link}\n",
)


def generate_link(random: Random, source: str, target: str) -> str:
    """Return a link to a target, with a random form of the path, anchor, display text and syntax."""
    path = random.choice(FORMS)(source, target)
    if target.endswith(".md") and random.random() < 0.7:
        path = path.removesuffix(".md")
    anchor = random.choice(("", "", "#Part", "#Intro#Part", "#^block", "#nothing", "#Zoë"))
    anchor = anchor if target.endswith(".md") else ""
    embed = "!" if random.random() < 0.15 else ""
    if random.random() < 0.6:
        display = f"|{random.choice(DISPLAYS)}" if random.random() < 0.4 else ""
        padding = " " if random.random() < 0.1 else ""
        return f"{embed}[[{padding}{path}{anchor}{padding}{display}]]"
    if random.random() < 0.3:
        destination = f"<{path.replace('%', '%25')}{anchor}>"
    else:
        destination = quote(path + anchor, safe="/#^.,&'+~:?" + random.choice(("", "Zoë新Ωü")))
    title = random.choice(("", "", ' "title"'))
    return f"{embed}[{random.choice(DISPLAYS)}]({destination}{title})"


def _relative(source: str, target: str) -> str:
    """Return the path of a target relative to the folder of a source, without a leading dot."""
    here, there = source.split("/")[:-1], target.split("/")
    common = 0
    while common < min(len(here), len(there) - 1) and here[common] == there[common]:
        common += 1
    return "../" * (len(here) - common) + "/".join(there[common:])


def _dotted(source: str, target: str) -> str:
    path = _relative(source, target)
    return path if path.startswith("../") else f"./{path}"


def _bare(source: str, target: str) -> str:
    return target.rsplit("/", 1)[-1]


def _upper(source: str, target: str) -> str:
    return _bare(source, target).upper().replace(".MD", ".md")


def _full(source: str, target: str) -> str:
    return target


def _rooted(source: str, target: str) -> str:
    return f"/{target}"


def _partial(source: str, target: str) -> str:
    return "/".join(target.split("/")[-2:])


FORMS = (_bare, _bare, _upper, _full, _rooted, _partial, _relative, _dotted)


# -- plans ------------------------------------------------------------------------------------------


def generate_moves(random: Random, files: Sequence[str]) -> list[tuple[str, str]]:
    """Return renames of files and folders: single ones, swaps, cycles and chains."""
    moves: dict[str, str] = {}
    for _ in range(random.randint(1, 3)):
        kind = random.choice(
            ("rename", "rename", "move", "swap", "cycle", "chain", "folder", "folder")
        )
        free = [path for path in files if path not in moves]
        if kind == "folder":
            folders = sorted({path[: path.rindex("/") + 1] for path in files if "/" in path})
            if folders and not any(old.endswith("/") for old in moves):
                old = random.choice(folders)
                new = (
                    random.choice(FOLDERS) + random.choice(("new", "alpha", "beta", "ny (2)")) + "/"
                )
                moves[old] = new
        elif kind in ("swap", "cycle"):
            ending = random.choice(free)[-3:] if free else ""
            same = [path for path in free if path.endswith(ending)]
            chosen = random.sample(same, min(len(same), 2 if kind == "swap" else 3))
            if len(chosen) > 1:
                moves.update(pairwise([*chosen, chosen[0]]))
        elif free:
            old = random.choice(free)
            moves[old] = _new_path(random, old, kind)
            rest = [path for path in free if path not in moves and path.endswith(old[-3:])]
            if kind == "chain" and rest:
                moves[random.choice(rest)] = old
    same_place = [old for old, new in moves.items() if old == new]
    return [item for item in moves.items() if item[0] not in same_place][:6]


def _new_path(random: Random, old: str, kind: str) -> str:
    folder, _, name = old.rpartition("/")
    ending = name[name.rindex(".") :]
    if kind == "move":
        return random.choice(FOLDERS) + name
    prefix = f"{folder}/" if folder else ""
    new_names = [*NAMES, "fresh", "new name", "missing", "It's 100% (new)"]
    return (random.choice(FOLDERS) if random.random() < 0.2 else prefix) + (
        random.choice(new_names) + ending
    )


def map_files(moves: Sequence[tuple[str, str]], files: Sequence[str]) -> dict[str, str]:
    """Return the new path of each file that moves; a file that has its own row doesn't follow its folder.

    A folder whose new name is that of an existing folder moves into it, as with `mv`.
    """
    own = dict(moves)
    found = {}
    folders = {path[: at + 1] for path in files for at, sign in enumerate(path) if sign == "/"}
    spelt = {normalize(folder): folder for folder in folders}
    for path in files:
        if path in own:
            found[path] = own[path]
            continue
        for old, new in moves:
            if old.endswith("/") and path.startswith(old):
                into = spelt.get(normalize(new))
                start = len(old[:-1].rpartition("/")[0] + "/") if "/" in old[:-1] else 0
                found[path] = into + path[start:] if into else new + path[len(old) :]
    return found


def generate_headings(
    random: Random, files: Mapping[str, bytes], moves: Sequence[tuple[str, str]]
) -> dict[str, tuple[int, str, str]]:
    """Return renames of headings: note to the number of the heading, its text and the new one."""
    vault, found = SeenVault(files), {}
    for path, file in vault.files.items():
        if file is None or not file.headings or random.random() > 0.15 or len(moves) > 4:
            continue
        number = random.randrange(len(file.headings))
        text = file.headings[number].text
        first = [heading_key(item.text) for item in file.headings].index(heading_key(text))
        if "[" not in text and first == number:
            found[path] = (number, text, random.choice(("New head", "Teil 2", "What: now?")))
    return found


def is_possible(example: RandomRename) -> bool:
    """Return True if nothing speaks against a plan: no two files get one path, and no folder one that exists.

    Plans in which a file is renamed beside its folder may be refused or not.
    """
    after = [example.expected.files.get(path, path) for path in example.files]
    names = {normalize(path) for path in after}
    folders = {
        name[: index + 1] for name in names for index, sign in enumerate(name) if sign == "/"
    }
    before = {
        path[: index + 1]
        for path in example.files
        for index, sign in enumerate(path)
        if sign == "/"
    }
    existing = {normalize(path) for path in before}
    olds = [old for old, _ in example.rows if "#" not in old]
    rows = [(old, new) for old, new in example.rows if old.endswith("/")]
    return (
        bool(example.rows)
        and len(names) == len(after)
        and not names & {folder.rstrip("/") for folder in folders}
        and not any(normalize(new) in existing or new.startswith(old) for old, new in rows)
        and not any(old != other and other.startswith(old) for old, _ in rows for other in olds)
    )


# -- deletes ----------------------------------------------------------------------------------------


class RandomDelete(NamedTuple):
    """A vault, what is deleted with the files that go with it, and what becomes of the links."""

    files: Mapping[str, bytes]
    words: Sequence[str]
    deleted: frozenset[str]
    choice: str
    to: str


def generate_delete(seed: int) -> RandomDelete:
    """Return a vault of 3 to 12 files, and one or two files or folders to delete."""
    random = Random(f"delete {seed}")
    files = generate_vault(random)
    paths = sorted(files)
    folders = sorted({path[: path.rindex("/") + 1] for path in paths if "/" in path})
    words = random.sample(paths, random.randint(1, 2))
    if folders and random.random() < 0.3:
        words = [random.choice(folders)]
    deleted = frozenset(path for path in paths if path in words or path.startswith(tuple(words)))
    rest = [path for path in paths if path.endswith(".md") and path not in deleted]
    choice = random.choice(("unlink", "unlink", "to", "to", "leave"))
    if choice == "to" and not rest:
        choice = "unlink"
    return RandomDelete(files, words, deleted, choice, random.choice(rest) if rest else "")
