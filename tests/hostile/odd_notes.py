"""Generate notes and vaults of odd Markdown, and minimise those that show a defect."""

import random
from collections.abc import Callable, Iterator, Mapping

LINKS = (
    "[[long-tide]]|[[longtide]]|[[Long Tide]]|[[long_tide]]|[[long_tide|long_tide]]|[[long-tide|]]|[[long-tide]|[long-tide]]"
    "|[[long-tide|![[long-tide]]|![[img]]|![[Img.png|100]]|[[plan#one]]|[[Plan#One|x]]|[[#One]]|[[Plan.md]]|[[plan.md#one two]]"
    "|[[./Plan]]|[[../Plan]]|[[ Plan ]]|[[[Plan]]]|[[Plan] ]|[ [Plan] ]|\\[\\[Plan\\]\\]|[[Plan]] ([[long-tide]])|[[sub/x]]|[[X]]"
    "|[[x#^BLK|`c`]]|[[x#^b]]|[[Role of memory]]|[[Annie]]|[[annie]]|[[Plam]]|[[Nowhere]]|[[Nowhere|x]]|[[long-tide|a|b]]"
    "|[[long-tide\\|b]]|[[https://a.b/c]]|[[a]](https://a.b)|[w](long-tide.md)|[w](<Long Tide.md>)|[w](sub/deep/x.md)"
    "|[t](<al-sub/deep/x>)|[w](./Plan)|[w](Plan)|[w](plan#one%20two)|[w] (plan.md)|[w](my plan.md)|[[|]]|https://x.y|{{x}}|<%x%>"
)
MARKS = (
    '#t|#t/u|`|``|$|$$|%%|**|*|_|~~|==|<b>|</b>|<div>|<!--|-->|<a f="">|<a href="long-tide.md">|\\|(|)|!|^b|^blk| ^q|#|##|# '
    "|## One|- |* |1. |> |> [!note] |- [ ] |[^1]|[^1]:|---|===|-|--|```|~~~|    |\t| |  |T|word|title: x|é|\u00a0|\u200b|\ufeff"
    "|&nbsp;|&amp;|%20|\\n|## Backlinks|**Add backlinks using these topics:**|Add backlinks using these topics:"
    "|%%vaultlink-disable%%|<!-- vaultlink-disable VL1 -->"
)
TABLES = ("|", " | ", "\\|", "-|", "|-|", "|-|-|", "--|--")
LINES = ("\n", "\n", "\n", "\n\n", "\n\n", "\r\n")
HEADS = (
    "",
    "",
    "",
    "---\ntitle: x\n---\n",
    "---\ntag: a\nup: [[Plan]]\n---\n",
    "---\naliases: [Annie]\n---\n",
    '---\nup: "[[long-tide]]"\n---\n',
    "---\nalias: Bob\nrelated:\n  - '[[plan]]'\n---\n",
    "---\n",
)


def _split_parts(text: str) -> list[str]:
    """Split at bars that are not within brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "|" and depth <= 0:
            parts.append("")
            depth = 0
        else:
            parts[-1] += char
    return parts


PARTS = (*_split_parts(LINKS), *_split_parts(MARKS), *TABLES, *LINES, *LINES)
TARGETS: Mapping[str, str] = {
    "long_tide.md": "---\naliases: [Annie]\n---\nx ^BLK\n\n# One\n",
    "Plan.md": "# One\n\n## One two\n\ny ^b\n",
    "sub/deep/x.md": "a ^b\n\n# H\n",
    "Role.md": "---\ntitle: Role of memory\n---\n",
    "Img.png": "",
    "al-sub/deep/x.md": "---\ntitle: y\n---\n",
}
"""The notes that links lead to."""


def make_note(chance: random.Random) -> str:
    """Return an odd note."""
    return chance.choice(HEADS) + "".join(chance.choices(PARTS, k=chance.randint(1, 14)))


def make_vault(chance: random.Random, notes: int) -> dict[str, str]:
    """Return a vault with this number of odd notes."""
    vault = dict(TARGETS)
    for number in range(notes):
        vault[f"{chance.choice(('', 'f/'))}n{number}.md"] = make_note(chance)
    return vault


def minimise(vault: dict[str, str], is_faulty: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Return a small vault that is faulty still."""
    changed = True
    while changed:
        changed = False
        for smaller in _shrink(vault):
            if is_faulty(smaller):
                vault, changed = smaller, True
                break
    return vault


def _shrink(vault: dict[str, str]) -> Iterator[dict[str, str]]:
    for path in vault:
        yield {other: text for other, text in vault.items() if other != path}
    for path, text in vault.items():
        size = len(text)
        while size:
            for at in range(0, len(text), size):
                yield {**vault, path: text[:at] + text[at + size :]}
            size //= 2
