"""Kinds of mistakes of a search for mentions, each with sentences that must and must not be linked.

The kinds come from hits that were judged by hand in seven vaults. All sentences are invented. In a
sentence, ⟦words⟧ mark what must be linked, ⟪words⟫ what must not be.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from builder import build_state
from tables import each
from vaultlink.mentions.finder import MentionFinder
from vaultlink.mentions.mention import MentionOptions

MARKED = re.compile(r"⟦([^⟧]*)⟧|⟪([^⟫]*)⟫")
FILLERS = {
    f"Diary {number}.md": f"The {number}th day of the week was cold, and the hens stayed in the barn.\n"
    for number in range(30)
}
"""Notes that make the vault large enough for rare and common words."""

LINKED_FILLERS = {
    f"Day {number}.md": f"Rain. See [[Day {number + 1}]] and [[Day {number + 2}]].\n"
    for number in range(120)
}
"""Notes that make it so large that other notes are expected to link to what is a term."""


Sentence = str | tuple[str, str]


class Kind(NamedTuple):
    """A kind of mistake.

    `notes` are the notes that may be meant: path to text. `sentences` are the texts to search, each
    in a note of its own; a pair names that note. `unsolved` are further sentences in which the
    mistake is still made. `fillers` are the other notes.
    """

    notes: Mapping[str, str]
    sentences: tuple[Sentence, ...]
    unsolved: tuple[Sentence, ...] = ()
    fillers: Mapping[str, str] = FILLERS


class Result(NamedTuple):
    """Spans by path: those to link, those not to link, and those that are certain."""

    wanted: set[tuple[str, int, int]]
    unwanted: set[tuple[str, int, int]]
    certain: set[tuple[str, int, int]]


def search(kind: Kind, sentences: Sequence[Sentence]) -> Result:
    """Search sentences for the notes of a kind."""
    files = {**kind.fillers, **kind.notes}
    result = Result(set(), set(), set())
    searched = []
    for number, sentence in enumerate(sentences):
        path, marked = (f"Page {number}.md", sentence) if isinstance(sentence, str) else sentence
        for count, match in enumerate(MARKED.finditer(marked)):
            start = match.start() - 2 * count
            spans = result.unwanted if match[1] is None else result.wanted
            spans.add((path, start, start + len(match[0]) - 2))
        files[path] = re.sub("[⟦⟧⟪⟫]", "", marked)
        searched.append(path)
    index = build_state(files).index
    finder = MentionFinder(index, MentionOptions(), files)
    for path in searched:
        for mention in finder.find(path, files[path]):
            if mention.certain:
                result.certain.add((path, mention.start, mention.end))
    return result


KINDS = {
    "a common word that is also the name of a note": Kind(
        {
            "Options.md": "An option is a contract.\n",
            "Kestrel.md": "A small falcon.\n",
            "Birds.md": "Of birds, the [[Kestrel]] is small.\nSee [[Options]], too.\n",
        },
        (
            *(f"There are {count} ⟪options⟫ to choose from.\n" for count in range(12)),
            "⟪Options⟫ are listed in the menu.\n",
            "A pair of ⟦Kestrel⟧ chicks was ringed in May.\n",
        ),
    ),
    "a note of navigation with a common name": Kind(
        {
            "index.md": "- [[Kestrel]]\n",
            "directory.md": "- [[Kestrel]]\n",
            "Kestrel.md": "A small falcon.\n",
        },
        (
            "The glycemic ⟪index⟫ of rice is high.\n",
            "The Dollar ⟪Index⟫ fell again.\n",
            "Change to the ⟪directory⟫ of the project.\n",
            "The ⟪Index⟫ rose by two points.\n",
        ),
    ),
    "a capital that only starts a sentence": Kind(
        {
            "Note.md": "A form for notes.\n",
            "Search.md": "How to search.\n",
            "Maps.md": "A plugin.\n",
            "Repeat.md": "A plugin.\n",
        },
        (
            "⟪Note⟫ that the converse is false.\n",
            "It holds. ⟪Note⟫ that the converse is false.\n",
            "- ⟪Search⟫ for the command and run it.\n",
            "1. Open the menu.\n2. ⟪Search⟫ for the command.\n",
            "> ⟪Note⟫ the exception below.\n",
            "⟪Maps⟫ the times of a story onto a dial.\n",
            "⟪Repeat⟫ the last command or commands.\n",
        ),
    ),
    "a label that many notes repeat": Kind(
        {"Weather.md": "Rain and sun.\n", "Links.md": "A page about links.\n"},
        tuple(
            f"# Walk {count}\n\n⟪Weather⟫: dry\n⟪Links⟫: [photos](https://example.org/{count})\n"
            for count in range(12)
        ),
    ),
    "a label of what follows it": Kind(
        {"Community gardens.md": "Shared plots.\n", "Cover crops.md": "Clover.\n"},
        (
            "**⟪Community gardens⟫**: two\n",
            "**⟪Cover crops⟫.** Each spring, the field gets clover.\n",
            "- [ ] ⟪Cover crops⟫: order seeds\n",
            "Seeds for ⟦cover crops⟧: clover and rye.\n",
            "The plots of ⟦community gardens⟧ are shared.\n",
        ),
    ),
    "the title of a page that only lists others": Kind(
        {
            "tools/index.md": "---\ntitle: Garden tools\n---\n- [[Rake]]\n",
            "Rake.md": "A tool.\n",
            "Watering cans.md": "Of tin.\n",
        },
        (
            "All ⟪garden tools⟫ are in the shed.\n",
            "See the page Garden notes, or ⟦Garden Tools⟧ for the list.\n",
            "Both ⟦watering cans⟧ are in the shed.\n",
        ),
    ),
    "a noun in German, where all nouns have a capital": Kind(
        {"garten/Kette.md": "Von Gliedern.\n", "Ada Krämer.md": "Sie lebt hier.\n"},
        (
            "Er trägt eine goldene ⟪Kette⟫ und lacht.\n",
            "Gestern kam ⟦Ada Krämer⟧ und brachte Brot.\n",
        ),
        fillers={
            f"Tag {number}.md": f"Kalt ist der Regen und nass am Tag {number}.\n"
            for number in range(30)
        },
    ),
    "a part of a quotation of few words": Kind(
        {"Cover crops.md": "Clover.\n", "Feeding the early bird.md": "A book.\n"},
        (
            'Press the button "⟪Cover crops⟫" twice.\n',
            "Type “show all ⟪cover crops⟫ of May” and wait.\n",
            "The button '⟪Cover crops⟫' is hidden.\n",
            'He wrote "⟦Feeding the early bird⟧" in one winter.\n',
            'She said "yes", and the ⟦cover crops⟧ were sown, "all" of them.\n',
        ),
    ),
    "the own title in other punctuation": Kind(
        {
            "a1.md": '---\ntitle: "From seed to market: a year, with pictures"\n---\nText.\n',
            "Wells.md": "From them, [[a1]] and [[b2]] are seen.\n",
        },
        (
            (
                "From seed to market a year with pictures.md",
                "- Title: ⟪From seed to market: a year, with pictures⟫\n\nAs in [[Wells]].\n",
            ),
            ("Shelf.md", "I read ⟦From seed to market: a year, with pictures⟧ in May.\n"),
        ),
    ),
    "an everyday phrase that is the name of a note with few links": Kind(
        {
            "Market day.md": "A play.\n",
            "Winter barley.md": "Sown in autumn.\n",
            "The Long Road Home.md": "A song.\n",
            **{f"Field {number}.md": "It has [[Winter barley]].\n" for number in range(8)},
        },
        (
            "We sold ten hens on ⟪market day⟫ last week.\n",
            "Two fields have ⟦winter barley⟧ this year.\n",
            "They sang ⟦The Long Road Home⟧ that night.\n",
        ),
        fillers=LINKED_FILLERS,
    ),
    "a part of a longer proper name": Kind(
        {
            "Containers.md": "Isolated processes.\n",
            "Fedora.md": "A distribution of Linux.\n",
            "Project Management.md": "How to lead projects.\n",
            "Meadow Server.md": "A database.\n",
            "Systems.md": "I use [[Fedora]].\nThey use [[Containers]].\n",
        },
        (
            "Linux ⟪Containers⟫ (LXC) share the kernel.\n",
            "An immutable system such as ⟪Fedora⟫ CoreOS is hard to learn.\n",
            "The ⟪Project Management⟫ Institute awards the title.\n",
            "The certificate PMP (⟪Project Management⟫ Professional) is hard to get.\n",
            "Reports come from ⟪Meadow Server⟫ Reporting Services.\n",
            "I installed ⟦Fedora⟧ on the old laptop.\n",
            "The table is stored in ⟦Meadow Server⟧ and read each night.\n",
            "She wrote a book about ⟦Project Management⟧ in small teams.\n",
        ),
    ),
    "a part of a compound with a hyphen": Kind(
        {"Divisors.md": "Sums of points.\n", "Work.md": "Jobs.\n", "Market Fit.md": "A match.\n"},
        (
            "The element is a zero-⟪divisors⟫ example.\n",
            "Proof-of-⟪Work⟫ is a protocol.\n",
            "A product-⟪market fit⟫ is rare.\n",
        ),
    ),
    "a person with the same family name": Kind(
        {"Jarvis.md": "The assistant of the household.\n", "House.md": "It has [[Jarvis]].\n"},
        (
            "Dr. Erich ⟪Jarvis⟫ studies the songs of birds.\n",
            "A talk by Erich ⟪Jarvis⟫ was recorded.\n",
            "We asked ⟦Jarvis⟧ to turn on the lamps.\n",
            "The songs were recorded when Dr. ⟪Jarvis⟫ was in the field.\n",
        ),
    ),
    "a name in the text of a link or its address": Kind(
        {"Curves.md": "Lines.\n", "Soil health.md": "Humus.\n"},
        (
            "See [[Surfaces and ⟪Curves⟫#The $V[f]$ rule|the rule]] again.\n",
            "See [an article about ⟪Soil Health⟫](https://example.org/a) first.\n",
            "See [the article](https://example.org/⟪soil-health⟫/a) first.\n",
            "See [x](the_⟪soil_health⟫_of_farms) first.\n",
            "See https://example.org/⟪soil-health⟫ first.\n",
            "Earthworms improve ⟦soil health⟧ within a year.\n",
        ),
    ),
    "a note that a link beside the words names already": Kind(
        {"Soil Health.md": "Humus.\n"},
        (
            "⟪Soil Health⟫ ([Soil Health](Soil%20Health.md)) needs time.\n",
            "⟪Soil Health⟫ needs time, see [[Soil Health]].\n",
            "For more on ⟦Soil Health⟧ see [[nothing about it]].\n",
        ),
    ),
    "the subject of the note itself under a shorter name": Kind(
        {
            "Marlow's theorem.md": "About sums.\n",
            "Connectedness.md": "About metric spaces.\n",
            "Courses/Milking machines.md": "A course.\n",
            "Tide theory.md": "The moon.\n",
        },
        (
            (
                "Connectedness and path-connectedness.md",
                "⟪Connectedness⟫ seems to be obvious.\n",
            ),
            ("Criticism of tide theory.md", "⟦Tide theory⟧ has been debated for decades.\n"),
            ("Sums.md", "The kernel is found with ⟦Marlow's theorem⟧ below.\n"),
            ("Tide theory - A talk.md", "The talk is about ⟦tide theory⟧ and the moon.\n"),
            ("Milking machine.md", "Cows are used to ⟪milking machines⟫ from the first year on.\n"),
            (
                "Marlow's theorem on linear independence.md",
                "⟪Marlow's theorem⟫ is a converse for the Wronskian.\n",
            ),
        ),
    ),
    "the data of a drawing": Kind(
        {"System containers.md": "Like virtual machines.\n"},
        (
            (
                "Drawing.excalidraw.md",
                "---\nexcalidraw-plugin: parsed\ntags: [excalidraw]\n---\n\n# Excalidraw Data\n\n"
                "## Text Elements\n⟪System containers⟫ ^zMx2XUBF\n",
            ),
            ("Kernel.md", "They run as ⟦system containers⟧ on one kernel.\n"),
        ),
    ),
    "a phrase of everyday words that is the proper name of a product": Kind(
        {
            "Code Block.md": "A plugin.\n",
            "Move Files.md": "A plugin.\n",
            "Quiet Outline.md": "A plugin. Compare [[Code Block]] and [[Move Files]].\n",
        },
        (
            *(f"Example {count} uses a ⟪code block⟫ with colours.\n" for count in range(12)),
            *(f"Script {count} can ⟪move files⟫ between folders.\n" for count in range(12)),
            "I replaced the pane by ⟦Quiet Outline⟧ and never looked back.\n",
        ),
    ),
    "a quoted example of a title": Kind(
        {"How the garden stores water.md": "In barrels.\n", "Feed the early bird.md": "A book.\n"},
        (
            'The idea is taken from "⟦Feed the early bird⟧" by a coach.\n',
            "The books on the table:\n\n- ⟦Feed the early bird⟧\n- another one\n",
            'Titles are sentences (for example, "⟪Feed the early bird⟫").\n',
            "**Recommended:**\n\n- ⟪How the garden stores water⟫\n\n"
            "**Not recommended:**\n\n- How The Garden Stores Water\n",
        ),
    ),
    "a slug without capitals whose heading has another form": Kind(
        {
            "typing-speed.md": "# Typing Speed\n\nA plugin.\n",
            "font-size.md": "# Font Size Adjuster\n\nA plugin.\n",
        },
        (
            "All settings of ⟦Typing Speed⟧ were lost with the update.\n",
            "The list of words improves your ⟪typing speed⟫ on small keyboards.\n",
            "- ⟪Font size⟫ of the folder: choose a number\n",
        ),
    ),
    "the same term in another field": Kind(
        {
            "Graphs/Marlow's formula.md": "Edges and faces.\n",
            "Graphs/Faces.md": "See [[Marlow's formula]].\n",
            "Trees/Forests.md": "See [[Marlow's formula]].\n",
            "Databases/Trigger.md": "A procedure that a change starts.\n",
            "Health/Health.md": "Sleep and food.\n",
        },
        (
            ("Trees/Roots.md", "The number follows from ⟦Marlow's formula⟧ for trees.\n"),
            ("Graphs/Planar graphs.md", "The number follows from ⟦Marlow's formula⟧ for faces.\n"),
            ("Radio/Scope.md", "The input for an external ⟪TRIGGER⟫ is on the panel.\n"),
            ("Work/Wheel.md", 'The categories are "Work", "⟪Health⟫" and "Friends" there.\n'),
            ("Curves/Plane curves.md", "The curve is smooth by ⟪Marlow's formula⟫ for products.\n"),
        ),
    ),
    "a name with an article": Kind(
        {"The yard.md": "Who may use it.\n", "The great drought.md": "No rain.\n"},
        (
            *(f"The hens of house {count} crossed ⟪the yard⟫ at noon.\n" for count in range(12)),
            "Many farms closed after ⟦the great drought⟧ of that decade.\n",
        ),
    ),
    "a part of a longer term that the vault knows": Kind(
        {"Binary search.md": "Halving.\n", "Trees.md": "A [[binary search tree]] is sorted.\n"},
        (
            "The entry is found with ⟦binary search⟧ in a few steps.\n",
            "Convert the list to a ⟪binary search⟫ tree.\n",
        ),
    ),
    "a part of a compound of nouns": Kind(
        {"Ledger data.md": "Rows.\n", "Tide networks.md": "Canals.\n", "Web Search.md": "Pages.\n"},
        (
            "The ⟪ledger data⟫ officers meet in May.\n",
            "She drew canal ⟪tide networks⟫ on the wall.\n",
            "The ⟦ledger data⟧ are kept for ten years.\n",
            "She drew large ⟦tide networks⟧ on the wall.\n",
            "Lanoma ⟪Web Search⟫ needs an account.\n",
            "We use ⟦Web Search⟧ on all pages.\n",
        ),
        fillers={
            f"Log {number}.md": f"The officers of the canal are in boat {number}, the canal is deep.\n"
            for number in range(40)
        },
    ),
    "an abbreviation of other words": Kind(
        {
            "CISA.md": "---\ntitle: Coastal Inspection Service Agency\n---\nAn office.\n",
            "Coast.md": "- [[CISA]]\n- [[CISA]]\n",
            **{f"Pier {number}.md": "Ask [[CISA]] first.\n" for number in range(6)},
        },
        (
            "The Cyber Information Sharing Act (⟪CISA⟫) is a law.\n",
            "Once a month, ⟦CISA⟧ reports.\n",
        ),
    ),
    "a sentence that wants no link": Kind(
        {"Harbour lamps.md": "Of brass.\n"},
        (
            "Here ⟪harbour lamps⟫ is left without a wikilink on purpose.\n",
            "Die ⟪harbour lamps⟫ sind hier nicht verlinkt.\n",
            "The ⟦harbour lamps⟧ are lit. Another page has no link.\n",
        ),
    ),
    "the head of a table": Kind(
        {"Harbour lamps.md": "Of brass.\n"},
        (
            "| ⟪Harbour lamps⟫ | height |\n| --- | --- |\n| one | 3 |\n",
            "| place | height |\n| --- | --- |\n| ⟦harbour lamps⟧ | 3 |\n",
        ),
    ),
    "a note in backups, logs and flashcards": Kind(
        {
            "Harbour lamps.md": "Of brass, with green glass.\n",
            "Tests/Oil.md": "For [[Harbour lamps]].\n",
            "Pier/Oil.md": "For [[Harbour lamps]].\n",
            "Backup tools/Oil.md": "For [[Harbour lamps]].\n",
        },
        (
            ("backup-2024-05/Pier.md", "The ⟪harbour lamps⟫ are lit.\n"),
            ("backups/Pier.md", "The ⟪harbour lamps⟫ are lit.\n"),
            ("wiki/log.md", "Changed ⟪harbour lamps⟫ today.\n"),
            ("Pier - Flashcards.md", "What is lit? ⟪Harbour lamps⟫ at night.\n"),
            ("Pier/Log cabin.md", "The ⟦harbour lamps⟧ are lit.\n"),
            ("Pier/Why flashcards help.md", "The ⟦harbour lamps⟧ are lit.\n"),
            ("Backup tools/Pier.md", "The ⟦harbour lamps⟧ are lit.\n"),
            ("Pier/Log of May.md", "On [[Diary 3]], the ⟦harbour lamps⟧ were lit.\n"),
            ("Tests/Pier.md", "The ⟦harbour lamps⟧ are lit.\n"),
        ),
    ),
    "a copy of the note in another folder": Kind(
        {
            "en/tides.md": "---\ntitle: Tide tables\n---\nTimes of high water.\n",
            "de/tides.md": "---\ntitle: Gezeitentafeln\n---\nZeiten der Flut.\n",
            "en/Sea.md": "Of [[de/Meer]].\n",
            "de/Meer.md": "Von [[en/Sea]].\n",
        },
        (
            ("de/Hafen.md", "Wir lesen ⟪Tide tables⟫ jeden Tag.\n"),
            ("en/Harbour.md", "We read ⟦tide tables⟧ each day.\n"),
        ),
    ),
    "the subject of the note": Kind(
        {"Harbour lamps.md": "Of brass, with green glass.\n"},
        (
            ("lamps_old.md", "# Harbour lamps\n\nThe ⟪harbour lamps⟫ are lit.\n"),
            ("lamps.md", "# Lamps\n\nThe ⟦harbour lamps⟧ are lit.\n"),
        ),
    ),
    "the note of a folder": Kind(
        {"Harbour lamps/Harbour lamps.md": "Of brass, with green glass.\n"},
        (
            ("Harbour lamps/Glass.md", "The ⟪harbour lamps⟫ are lit.\n"),
            ("Pier.md", "The ⟦harbour lamps⟧ are lit.\n"),
        ),
    ),
    "a note that embeds this one": Kind(
        {"Harbour lamps.md": "![[Glass]]\n", "Pier.md": "[[Harbour lamps]] [[Glass]]\n"},
        (
            ("Glass.md", "The ⟪harbour lamps⟫ are lit.\n"),
            ("Oil.md", "The ⟦harbour lamps⟧ are lit.\n"),
        ),
    ),
    "a drawing": Kind(
        {
            "Harbour lamps.md": "---\nexcalidraw-plugin: parsed\n---\nA drawing.\n",
            "Pier lamps.md": "Of brass.\n",
        },
        ("The ⟪harbour lamps⟫ are lit.\n", "The ⟦pier lamps⟧ are lit.\n"),
    ),
    "words that a link of the line explains": Kind(
        {"Harbour lamps.md": "Of brass.\n", "Harbour lamps and glass.md": "Green.\n"},
        (
            "- [[Harbour lamps and glass]]: on how ⟪harbour lamps⟫ are made\n",
            "- [[Diary 3]]: on how ⟦harbour lamps⟧ are made\n",
            "The ⟦harbour lamps⟧ are lit. ![[Harbour lamps map.png]]\n",
        ),
    ),
    "text that a plugin writes, and words for an address": Kind(
        {"Harbour lamps.md": "Of brass.\n"},
        (
            "%% Begin Waypoint %%\n- ⟪Harbour lamps⟫ in the bay\n%% End Waypoint %%\n",
            "%% start of it %%\n- ⟦Harbour lamps⟧ in the bay\n\n%% end of it all %%\n",
            "<!-- SerializedQuery: LIST -->\n- ⟪Harbour lamps⟫\n<!-- SerializedQuery END -->\n",
            "- ⟪Harbour lamps⟫ - https://example.org/lamps\n",
            "- ⟦Harbour lamps⟧ in the bay - https://example.org/lamps\n",
            "The (old)⟪harbour lamps⟫ are lit.\n",
            "The (old) ⟦harbour lamps⟧ are lit.\n",
        ),
    ),
    "an everyday phrase of a short word and another": Kind(
        {
            "the three.md": "Gods of the sea.\n",
            "to check.md": "A mark for open questions.\n",
            "sea gods.md": "There are some.\n",
        },
        (
            *(f"Tell the {count} of us to wait.\n" for count in range(12)),
            "We saw ⟪the three⟫ boats at noon.\n",
            "The bank gave us the means ⟪to check⟫ this.\n",
            "Of all ⟦sea gods⟧ it was the kindest.\n",
        ),
    ),
    "a part of a longer title": Kind(
        {"History.md": "Of the town.\n", "Ada.md": "Wrote [[History]] and [[History]].\n"},
        (
            "- ⟪History⟫ of the World: Travels (Marlow)\n",
            "We asked about ⟦History⟧ of the town.\n",
        ),
    ),
    "a part of a foreign word in Japanese": Kind(
        {"コントローラ.md": "機械を動かす装置である。\n"},
        (
            "この⟪コントローラ⟫ーは新しい。\n",
            "この⟪コントローラ⟫ボックスは新しい。\n",
            "この⟦コントローラ⟧は新しい。\n",
        ),
        fillers={f"日記{number}.md": f"第{number}日は寒かった。\n" for number in range(30)},
    ),
    "a word for a name with capitals inside": Kind(
        {
            "most.md": "---\ntitle: MoST\n---\nA model.\n",
            "iron.md": "---\ntitle: iRon\n---\nA model.\n",
            "lamp.md": "---\ntitle: PierLamp\n---\nA model.\n",
            **{f"Run {number}.md": "We ran [[most]] and [[iron]] on it.\n" for number in range(12)},
        },
        (
            "For ⟪most⟫ of us it was late.\n",
            "We bent some ⟪iron⟫ for the gate.\n",
            "We compare it with ⟦PierLamp⟧ at night.\n",
        ),
    ),
    "a name that two notes have": Kind(
        {"a/Power series.md": "Real ones.\n", "b/Power series.md": "Complex ones.\n"},
        ("The function has a ⟪power series⟫ around each point.\n",),
    ),
    "a name of several words in running text": Kind(
        {
            "Vector spaces.md": "Sums and multiples.\n",
            "the_great_drought.md": "---\ntitle: The Great Drought\n---\nNo rain.\n",
            "stochastic_descent.md": "---\ntitle: Stochastic descent\n---\nSteps.\n",
        },
        (
            "A complex is a list of ⟦vector spaces⟧ and maps between them.\n",
            "Many farms closed after ⟦the Great Drought⟧ of that decade.\n",
            "The problem is solved with ⟦stochastic descent⟧ (SD) in most cases.\n",
            "The problem is solved with ⟦Stochastic-Descent⟧ in most cases.\n",
            "| method | use |\n| --- | --- |\n| ⟦stochastic descent⟧ | large data |\n",
        ),
    ),
}


def mistakes_of(result: Result) -> set[tuple[str, int, int]]:
    """Return the certain mentions that must not be linked."""
    return {
        (path, start, end)
        for path, start, end in result.certain
        for other, first, last in result.unwanted
        if path == other and start < last and first < end
    }


@each("name", KINDS)
def test_mistakes_are_avoided(name: str) -> None:
    result = search(KINDS[name], KINDS[name].sentences)
    assert mistakes_of(result) == set()


@each("name", KINDS)
def test_true_mentions_beside_them_are_found(name: str) -> None:
    result = search(KINDS[name], KINDS[name].sentences)
    assert result.wanted - result.certain == set()


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.unsolved])
@pytest.mark.xfail(strict=True, reason="known mistakes; move solved sentences to `sentences`")
def test_unsolved_mistakes_are_avoided(name: str) -> None:
    result = search(KINDS[name], KINDS[name].unsolved)
    assert mistakes_of(result) == set()


def test_nouns_of_german_with_the_letters_of_a_common_word_are_not_listed() -> None:
    days = {
        f"Tag {number}.md": f"Kalt ist der Regen, und wir {'essen' if number < 4 else 'warten'}.\n"
        for number in range(30)
    }
    files = {**days, "Essen.md": "Eine Stadt.\n", "Wir.md": "Kalt ist hier das Essen und gut.\n"}
    index = build_state(files).index
    finder = MentionFinder(index, MentionOptions(lowest_score=0.1), files)
    assert finder.find("Wir.md", files["Wir.md"]) == []
