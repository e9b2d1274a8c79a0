"""Text in double brackets: a link, or clearly something else."""

from tables import each
from vaultlink.links.intent import is_link_text, is_meant_as_link, says_unresolved
from vaultlink.model import Link
from vaultlink.parse.note import parse_note

OTHER_TEXTS = [
    "1, 2], [3, 4",
    "1, 2",
    "1.5; -2",
    "-1e-3, 0, .5",
    '"a", "b"',
    "'a', 'b'",
    "01:02:01], [01:02:54",
    "x], [y",
    " -f x ",
    ' ! -z "$x" ',
    " $a == b ",
    ' "$a" = b ',
    " $# -eq 1 ",
    ' -n "$x" && -f y ',
    " a != b ",
    "$a =~ b",
    ":alpha:",
    ":^digit:",
    ":alnum:][:punct:",
    "a](b), [c](d",
    "1) A tool.](https://example.org|A tool.",
    "/r (2d8+16)\\[healing",
    "*.png#right|Figure",
    "<plugin-id>|<plugin-id>",
    "...",
    "…|text",
    "?",
]
LINK_TEXTS = [
    "Plan",
    " Plan ",
    " Plan | text ",
    "1",
    "1984",
    "1,000",
    "3.14, pi",
    "2021-01-01",
    "10.1",
    "1, 2 and 3",
    "C++",
    "C#",
    " C++ ",
    ".NET",
    "$PATH",
    "A$AP Rocky",
    "US $ and €",
    "pipeline vs &&",
    "a == b",
    "a -> b",
    "a > b",
    "Movies > 2020",
    "-f",
    "String[] args",
    "f(x[])",
    "[Untitled] (live)",
    "a | [00:05:19",
    "[a",
    '"Heroes"',
    "Iterative-deepening A*",
    "#heading",
    "#^id",
    "|text",
    "🎸",
    "計画",
    "/My folder/Plan",
    "{{date}}",
    "<% tp.date.now() %>",
    "https://example.org/a?b=1,2|text",
]


@each("inner", OTHER_TEXTS)
def test_text_that_is_no_link(inner: str) -> None:
    assert not is_link_text(inner)


@each("inner", LINK_TEXTS)
def test_text_that_is_meant_as_a_link(inner: str) -> None:
    assert is_link_text(inner)


def only_link(text: str) -> Link:
    [link] = parse_note("Home.md", text).links
    return link


def test_embeds_are_judged_like_links() -> None:
    assert not is_meant_as_link(only_link("![[*.png]]"))
    assert is_meant_as_link(only_link("![[map.png|200]]"))


def test_markdown_links_are_meant_as_links() -> None:
    assert is_meant_as_link(only_link("[1, 2](...)"))


@each(
    ("text", "expected"),
    [
        ("missing note [[x]]", True),
        ("First.\nmissing note: [[x]]\nLast.\n", True),
        ("[[x]] does not exist", True),
        ("- [[x]] (dead link)", True),
        ("[[does not exist]]", False),
        ("does not exist\n[[x]]", False),
        ("[[x]]\nis not found", False),
        ("[[x]] exists", False),
    ],
)
def test_line_says_that_its_link_does_not_resolve(text: str, expected: bool) -> None:
    [link] = parse_note("a.md", text).links
    assert says_unresolved(text, link) == expected
