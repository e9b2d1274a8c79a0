"""Write a vault of N notes that resembles a wiki made from talks.

The same N and seed give the same bytes. --articles writes longer notes, which cost as much to check
as those of a real wiki of 15,000 notes.

python benchmarks/generate.py FOLDER NOTES [--seed 1] [--links 10] [--dangling 0.2]
python benchmarks/generate.py FOLDER NOTES --articles [--seed 1]
"""

import argparse
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
SOUND_ARTICLES = 0.6
"""The share of articles without findings."""


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

    def make_titles(self, number: int, endings: Sequence[str] = ("",)) -> list[str]:
        """Return distinct titles. The first word of each has one of the endings."""
        found: dict[str, None] = {}
        while len(found) < number:
            first, second, third, fourth = self.draw_words(4)
            first = first.capitalize() + (self.rng.choice(endings) if endings[1:] else "")
            found[f"{first} {second} {self.rng.choice(CONNECTIVES)} {third} {fourth}"] = None
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


def to_name(title: str) -> str:
    """Return a title as the name of a note, which has only letters, digits and underscores."""
    return to_slug("".join(sign for sign in title if sign.isalnum() or sign == " "))


def misspell(title: str, rng: random.Random) -> str:
    """Return a title that lacks one letter of its longest word."""
    word = max(title.split(), key=len)
    at = rng.randrange(1, len(word) - 1)
    return title.replace(word, word[:at] + word[at + 1 :])


@dataclass(frozen=True, slots=True)
class Article:
    """The sentences of a note that resembles those of a real wiki.

    - known, missing: titles of the notes that it links to, and of notes that nobody wrote.
    - is_sound: whether all links resolve. If not, links to missing notes are frequent, of which one
      in ten lacks a letter of a note's name, and links to titles.
    - ending: what the first word of each sentence ends in.
    """

    language: RandomLanguage
    known: Sequence[str]
    missing: Sequence[str]
    is_sound: bool
    ending: str

    def make_link(self) -> str:
        """Return a link whose display text differs from the title."""
        rng = self.language.rng
        other = rng.choice(self.known)
        if not self.is_sound and rng.random() < 0.4:
            other = rng.choice(self.missing) if rng.random() < 0.9 else misspell(other, rng)
        elif not self.is_sound and rng.random() < 0.4:
            return f"[[{other}]]"
        return f"[[{to_name(other)} | {' '.join(other.split()[1:])}]]"

    def make_sentence(self) -> str:
        """Return a sentence with a time stamp, and sometimes with bold words or a link."""
        rng = self.language.rng
        words = self.language.draw_words(rng.randrange(10, 29))
        words[0] = words[0].capitalize() + self.ending
        if rng.random() < 0.2:
            words[3] = f"**{words[3]} {words[4]}**"
        if rng.random() < 0.23:
            words[6] = self.make_link()
        time = f"00:{rng.randrange(60):02}:{rng.randrange(60):02}"
        return f'{" ".join(words)} <a class="yt-timestamp" data-t="{time}">[{time}]</a>.'

    def make_paragraph(self) -> str:
        """Return a line of sentences."""
        number = self.language.rng.randrange(2, 5)
        return " ".join(self.make_sentence() for _ in range(number)) + "\n"

    def make_part(self, number: int) -> str:
        """Return a heading with text, and a list below every third heading."""
        words = " ".join(self.language.draw_words(3)).capitalize()
        if self.language.rng.random() < 0.05:
            words = self.make_link()
        part = f"{'###' if number % 3 else '##'} {words}\n\n{self.make_paragraph()}\n"
        return part + "".join(
            f"*   {self.make_sentence()}\n" for _ in range(0 if number % 3 else 4)
        )


def make_article(
    title: str, index: str, written: Sequence[str], missing: Sequence[str], language: RandomLanguage
) -> str:
    """Return a note of 8 headings and 40 sentences, of which half end within a line."""
    rng = language.rng
    known = rng.sample(written, min(4, len(written)))
    is_sound, ending = rng.random() < SOUND_ARTICLES, "’s" if rng.random() < 0.1 else ""
    article = Article(language, known, missing, is_sound, ending)
    parts = [
        f"---\ntitle: {title}\nvideoId: {rng.getrandbits(40):010x}\n---\n",
        f"From: [[{index}]] <br/> \n",
        article.make_paragraph(),
        *(article.make_part(number) for number in range(8)),
    ]
    if rng.random() < 0.3:
        parts.append(f"> [!NOTE] {language.make_sentence(2)}\n> {article.make_sentence()}\n")
        parts.append(f"[Source](https://example.org/{to_slug(title)})\n")
    return "\n".join(parts)


def generate_articles(folder: Path, notes: int, *, seed: int = 1) -> None:
    """Write a vault of longer notes in folders. Each folder has an index of its topics."""
    language = RandomLanguage(random.Random(seed))
    titles = [
        f"{title} {' '.join(language.draw_words(2))}"
        for title in language.make_titles(notes * 4 // 3 + 4, (*[""] * 8, "’s", "-based"))
    ]
    (folder / ".obsidian").mkdir(parents=True, exist_ok=True)
    for number in range(-(-notes // NOTES_PER_FOLDER)):
        index = f"talks_{number}"
        written = min(NOTES_PER_FOLDER, notes - number * NOTES_PER_FOLDER) - 1
        listed = [titles.pop() for _ in range(written + written // 3 + 1)]
        missing = listed[written:]
        lines = [f"- [[{to_name(title)} | {title}]]\n" for title in listed]
        (folder / index).mkdir(exist_ok=True)
        (folder / index / f"{index}.md").write_text("".join(lines), encoding="utf-8")
        for title in listed[:written]:
            text = make_article(title, index, listed[:written], missing, language)
            (folder / index / f"{to_name(title)}.md").write_text(text, encoding="utf-8")


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
    parser.add_argument("--articles", action="store_true", help="longer notes")
    given = parser.parse_args()
    if given.articles:
        generate_articles(given.folder, given.notes, seed=given.seed)
        return
    generate_vault(
        given.folder, given.notes, seed=given.seed, links=given.links, dangling=given.dangling
    )


if __name__ == "__main__":
    main()
