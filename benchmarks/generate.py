"""Write a vault of N notes that resembles a wiki made from talks.

The same N and seed give the same bytes.

python benchmarks/generate.py FOLDER NOTES [--seed 1] [--links 10] [--dangling 0.2]
"""

import argparse
import random
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path

WORDS = (
    "anchor",
    "atlas",
    "ballast",
    "beacon",
    "bridge",
    "cable",
    "canal",
    "captain",
    "chart",
    "cliff",
    "clock",
    "coast",
    "compass",
    "crane",
    "current",
    "delta",
    "dock",
    "drift",
    "engine",
    "estuary",
    "ferry",
    "fog",
    "freight",
    "gale",
    "glacier",
    "harbour",
    "horizon",
    "island",
    "journal",
    "keel",
    "knot",
    "lagoon",
    "lantern",
    "ledger",
    "lock",
    "market",
    "mast",
    "meridian",
    "mooring",
    "north",
    "ocean",
    "orbit",
    "pilot",
    "port",
    "quay",
    "radar",
    "reef",
    "rope",
    "rudder",
    "sail",
    "salt",
    "sextant",
    "shore",
    "signal",
    "sonar",
    "storm",
    "strait",
    "survey",
    "tide",
    "timber",
    "trade",
    "valley",
    "voyage",
    "watch",
    "wave",
    "wharf",
    "wind",
)
ENDINGS = ("a", "an", "e", "el", "i", "in", "o", "or", "u", "ur")
SYLLABLES = [first + last for first in "bdfghklmnprstvwz" for last in ENDINGS]
CONNECTIVES = ("and the", "of the", "before the", "without a", "in every", "as a", "against the")
NOTES_PER_FOLDER = 300
VOCABULARY_SIZE = 6_000


class RandomLanguage:
    """A vocabulary of a few very common words and thousands of rare ones."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        rare = {
            "".join(rng.choices(SYLLABLES, k=rng.choice((2, 3)))) for _ in range(VOCABULARY_SIZE)
        }
        self.words = [*WORDS, *sorted(rare)]
        self.weights = list(accumulate(1 / rank for rank in range(20, 20 + len(self.words))))

    def draw_words(self, number: int) -> list[str]:
        """Return random words, weighted by frequency."""
        return self.rng.choices(self.words, cum_weights=self.weights, k=number)

    def make_sentence(self, length: int) -> str:
        """Return a sentence of random words."""
        return " ".join(self.draw_words(length)).capitalize()

    def make_titles(self, number: int) -> list[str]:
        """Return distinct titles."""
        found: dict[str, None] = {}
        while len(found) < number:
            first, second, third, fourth = self.draw_words(4)
            found[
                f"{first.capitalize()} {second} {self.rng.choice(CONNECTIVES)} {third} {fourth}"
            ] = None
        return list(found)


def to_slug(title: str) -> str:
    """Return a title as a file name."""
    return title.lower().replace(" ", "_")


def make_link(title: str, rng: random.Random) -> str:
    """Return a link in one of the forms that such wikis contain."""
    slug, minutes, seconds = to_slug(title), rng.randrange(90), rng.randrange(60)
    stamp = f"[{minutes // 60:02}:{minutes % 60:02}:{seconds:02}]"
    shapes = (
        f"[[{slug} | {title}]]",
        f"[[{slug}]]",
        f"[[{slug} | {stamp}]]",
        f"[{title}]({slug}.md)",
        f"[[{slug}#Details]]",
    )
    return rng.choices(shapes, weights=(60, 10, 20, 5, 5))[0]


def make_note(title: str, wanted: Iterable[str], language: RandomLanguage) -> str:
    """Return a note: properties, headings, text with links and time stamps, and sometimes code."""
    rng = language.rng
    parts = [
        f"---\ntitle: {title}\nvideoId: {rng.getrandbits(40):010x}\n"
        f"tags: [{language.draw_words(1)[0]}]\n---\n",
        "From: [[index | The index]]\n",
    ]
    for number, other in enumerate(wanted):
        if number % 4 == 0:
            parts.append(f"## {'Details' if number == 4 else language.make_sentence(3)}\n")
        minute = rng.randrange(60)
        stamp = f'<a class="yt-timestamp" data-t="00:{minute:02}:00">[00:{minute:02}:00]</a>'
        parts.append(
            f"{language.make_sentence(12)} {make_link(other, rng)} "
            f"{language.make_sentence(9)} {stamp}.\n"
        )
    if rng.random() < 0.1:
        parts.append("```\n[[not_a_link]]\n```\n")
    return "\n".join(parts)


def generate_vault(
    folder: Path, notes: int, *, seed: int = 1, links: int = 10, dangling: float = 0.2
) -> None:
    """Write the vault to a folder, with 300 notes per subfolder.

    Five unresolved links have three different targets.
    """
    rng = random.Random(seed)
    language = RandomLanguage(rng)
    there = max(1, round(notes * links * dangling * 0.6))
    titles = language.make_titles(notes + there)
    titles, missing = titles[:notes], titles[notes:]
    (folder / ".obsidian").mkdir(parents=True, exist_ok=True)
    (folder / "index.md").write_text("# Index\n", encoding="utf-8")
    for number, title in enumerate(titles):
        part = folder / f"part-{number // NOTES_PER_FOLDER:03}"
        if number % NOTES_PER_FOLDER == 0:
            part.mkdir(exist_ok=True)
        wanted = [rng.choice(missing if rng.random() < dangling else titles) for _ in range(links)]
        (part / f"{to_slug(title)}.md").write_text(
            make_note(title, wanted, language), encoding="utf-8"
        )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the new vault")
    parser.add_argument("notes", type=int, help="number of notes")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    parser.add_argument("--links", type=int, default=10, help="links per note")
    parser.add_argument("--dangling", type=float, default=0.2, help="share of unresolved links")
    given = parser.parse_args()
    generate_vault(
        given.folder, given.notes, seed=given.seed, links=given.links, dangling=given.dangling
    )


if __name__ == "__main__":
    main()
