"""Writes a vault of N notes that looks like a wiki made from talks: the same N and seed give the same bytes.

    python benchmarks/generate.py FOLDER NOTES [--seed 1] [--links 10] [--dangling 0.2]
"""

import argparse
import random
from pathlib import Path

WORDS = (
    "anchor", "atlas", "ballast", "beacon", "bridge", "cable", "canal", "captain", "chart", "cliff", "clock",
    "coast", "compass", "crane", "current", "delta", "dock", "drift", "engine", "estuary", "ferry", "fog",
    "freight", "gale", "glacier", "harbour", "horizon", "island", "journal", "keel", "knot", "lagoon", "lantern",
    "ledger", "lock", "market", "mast", "meridian", "mooring", "north", "ocean", "orbit", "pilot", "port", "quay",
    "radar", "reef", "rope", "rudder", "sail", "salt", "sextant", "shore", "signal", "sonar", "storm", "strait",
    "survey", "tide", "timber", "trade", "valley", "voyage", "watch", "wave", "wharf", "wind",
)
JOINTS = ("and the", "of the", "before the", "without a", "in every", "as a", "against the")
NOTES_A_FOLDER = 300


def title_of(number: int, rng: random.Random) -> str:
    """A title that no other number has: words drawn at random, and the number where they would not do."""
    first, second, third = rng.sample(WORDS, 3)
    return f"{first.capitalize()} {second} {rng.choice(JOINTS)} {third} {number}"


def slug_of(title: str) -> str:
    """A title as a file name."""
    return title.lower().replace(" ", "_")


def sentence(rng: random.Random, length: int) -> str:
    """Words that mean nothing."""
    return " ".join(rng.choices(WORDS, k=length)).capitalize()


def link_to(title: str, rng: random.Random) -> str:
    """A link in one of the shapes that wikis of this kind hold."""
    slug, minutes, seconds = slug_of(title), rng.randrange(90), rng.randrange(60)
    stamp = f"[{minutes // 60:02}:{minutes % 60:02}:{seconds:02}]"
    shapes = (
        f"[[{slug} | {title}]]", f"[[{slug}]]", f"[[{slug} | {stamp}]]", f"[{title}]({slug}.md)", f"[[{slug}#Details]]",
    )
    return rng.choices(shapes, weights=(60, 10, 20, 5, 5))[0]


def note(title: str, titles: list[str], links: int, dangling: float, rng: random.Random) -> str:
    """One note: properties, headings, prose with links and time stamps, and now and then code."""
    parts = [f"---\ntitle: {title}\nvideoId: {rng.getrandbits(40):010x}\ntags: [{rng.choice(WORDS)}]\n---\n",
             "From: [[index | The index]]\n"]
    for number in range(links):
        if number % 4 == 0:
            parts.append(f"## {'Details' if number == 4 else sentence(rng, 3)}\n")
        missing = rng.random() < dangling
        wanted = f"Missing {rng.choice(WORDS)} {rng.randrange(len(titles))}" if missing else rng.choice(titles)
        minute = rng.randrange(60)
        stamp = f'<a class="yt-timestamp" data-t="00:{minute:02}:00">[00:{minute:02}:00]</a>'
        parts.append(f"{sentence(rng, 12)} {link_to(wanted, rng)} {sentence(rng, 9)} {stamp}.\n")
    if rng.random() < 0.1:
        parts.append("```\n[[not_a_link]]\n```\n")
    return "\n".join(parts)


def generate(folder: Path, notes: int, *, seed: int = 1, links: int = 10, dangling: float = 0.2) -> None:
    """Write the vault into a folder, 300 notes to a subfolder."""
    rng = random.Random(seed)
    titles = [title_of(number, rng) for number in range(notes)]
    (folder / ".obsidian").mkdir(parents=True, exist_ok=True)
    (folder / "index.md").write_text("# Index\n", encoding="utf-8")
    for number, title in enumerate(titles):
        part = folder / f"part-{number // NOTES_A_FOLDER:03}"
        if number % NOTES_A_FOLDER == 0:
            part.mkdir(exist_ok=True)
        text = note(title, titles, links, dangling, rng)
        (part / f"{slug_of(title)}.md").write_text(text, encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a vault of N notes with seeded randomness.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("notes", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--links", type=int, default=10, help="links a note")
    parser.add_argument("--dangling", type=float, default=0.2, help="share of links that lead nowhere")
    given = parser.parse_args()
    generate(given.folder, given.notes, seed=given.seed, links=given.links, dangling=given.dangling)


if __name__ == "__main__":
    main()
