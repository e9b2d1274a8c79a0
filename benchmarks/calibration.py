"""A fixed amount of Python work, by which the figures of `gate.py` are divided.

It mixes calls, strings, patterns, dictionaries and sorting, as vaultlink does. Figures recorded
before a change of this file cannot be compared with later ones.
"""

import re

LINK = re.compile(r"\[\[([^\]|#]+)(?:#([^\]|]+))?(?:\|([^\]]+))?\]\]")
LINE = "See [[harbour_{0} | The harbour {0}]] and [[pier#Details]], [not](a_link.md), `code` {0}."


def read_line(text: str) -> list[tuple[str, str]]:
    """Return the targets of a line's links, and what they show."""
    return [
        (match[1].strip(), (match[3] or match[2] or "").strip()) for match in LINK.finditer(text)
    ]


def work(lines: int) -> int:
    """Read generated lines, and return the number of characters in the sorted result."""
    seen: dict[str, list[int]] = {}
    for number in range(lines):
        text = LINE.format(number % 997)
        for target, shown in read_line(text):
            seen.setdefault(target.casefold(), []).append(number + len(shown))
        words = [word.strip(".,`") for word in text.split() if word.isascii()]
        seen.setdefault(max(words, key=len), []).append(len(words))
    return sum(len(f"{name}:{sum(found)}") for name, found in sorted(seen.items()))


if __name__ == "__main__":
    work(10_000)
