"""Tests of topics: which unresolved targets are one, and that all outputs count the same."""

import random
import re
from pathlib import Path

import pytest

from running import RunCommand, create_vault, write_files
from tables import each
from vaultlink.api import open_vault
from vaultlink.disk.scan import Settings
from vaultlink.index.topics import TopicCounter, list_topics, topic_key


@each(
    ("one", "other"),
    [
        ("Role of Memory", "role of memory"),
        ("Role of Memory", "role_of_memory"),
        ("Role of Memory", "role-of-memory.md"),
        ("What’s new?", "whats-new"),
        ("Café Notes", "café-notes"),
        ("2026-05-18", "2026_05_18"),
        ("a/Plan", "a\\plan"),
        ("img/My Map.PNG", "img/my-map.png"),
        ("note\u00a0one", "note one"),
    ],
)
def test_spellings_of_one_topic(one: str, other: str) -> None:
    assert topic_key(one) == topic_key(other)


@each(
    ("one", "other"),
    [
        ("Thận", "Thần"),
        ("Cafe", "Café"),
        ("1.1", "11"),
        ("2026-05-18", "20260518"),
        ("C", "C++"),
        ("a/Plan", "b/Plan"),
        ("a/Plan", "Plan"),
        ("Plan", "Plans"),
        ("Map.png", "Map png"),
        ("Map.png", "Map.jpg"),
        ("...", "---"),
        ("❤", "☀"),
    ],
)
def test_different_topics(one: str, other: str) -> None:
    assert topic_key(one) != topic_key(other)


def test_relative_targets_start_at_the_root() -> None:
    assert topic_key("../b/Plan", "a/note.md") == "/b/plan"
    assert topic_key("./Plan", "a/note.md") == topic_key("../a/Plan", "b/note.md") == "/a/plan"


@pytest.mark.parametrize(
    ("links", "topics"),
    [
        ("[[Plan]] [[a/Plan]] [[x/a/plan]]", {"x/a/plan": 3}),
        ("[[Plan]] [[Plan]] [[a/Plan]]", {"a/Plan": 3}),
        ("[[Plan]] [[a/Plan]] [[b/Plan]]", {"Plan": 1, "a/Plan": 1, "b/Plan": 1}),
        ("[[a/Plan]] [[x/a/Plan]] [[b/Plan]]", {"x/a/Plan": 2, "b/Plan": 1}),
        ("[[Plan]] [[/a/Plan]]", {"/a/Plan": 2}),
        ("[[/a/Plan]] [[x/a/Plan]]", {"/a/Plan": 1, "x/a/Plan": 1}),
        ("[[Plan]] [x](./Plan.md)", {"./Plan": 2}),
        ("[[role-of-memory]] [[Role of memory]] [[Role of memory]]", {"Role of memory": 3}),
        ("![[map.png]] [[img/Map.png]] [[map]]", {"img/Map.png": 2, "map": 1}),
        ("[[Plan#One]] [[plan#Two]] [[#x]]", {"Plan": 2}),
    ],
)
def test_topics_of_a_note(tmp_path: Path, links: str, topics: dict[str, int]) -> None:
    create_vault(tmp_path, {"Home.md": links})
    vault = open_vault(tmp_path, Settings(cache=False, isolated=True))
    assert {item.name: len(item.findings) for item in list_topics(vault.check())} == topics


NOTES = {
    ".obsidian/daily-notes.json": "{}",
    "Home.md": "[[Role of memory]] [[role-of-memory]] [[Role of memory]] [[Plan]] [[a/Plan]] ![[map.png]]\n",
    "Other.md": "[[ROLE_OF_MEMORY]] [[2026-05-18]] [[Allowed]] [[{{title}}]] [[1, 2]] [[mem title]]\n",
    "mem.md": "---\ntitle: mem title\n---\n[x](https://a.b) [[Home]] [[Mme]]\n",
    "Quiet.md": "%%vaultlink-disable-file%%\n[[Nobody counts this]]\n",
    "b.canvas": '{"nodes":[{"id":"a","type":"file","file":"gone.md"}],"edges":[]}',
    "vaultlink.toml": 'allow-dangling = ["Allowed"]\n',
}


def test_all_outputs_have_the_same_topics(run: RunCommand, tmp_path: Path) -> None:
    vault = create_vault(tmp_path / "vault", NOTES)
    for more in ({}, {"New.md": "[[Plan]] [[One more]]\n"}):
        write_files(vault, more)
        data = run("topics", "--vault", vault, "--output-format", "json").data
        report = run("report", "--vault", vault, "--output-format", "json").data
        found = run("check", "--vault", vault, "--output-format", "json").data
        assert isinstance(data, dict)
        assert isinstance(report, dict)
        assert isinstance(found, dict)
        topics = {item["topic"]: item["count"] for item in data["topics"]}
        assert topics["Role of memory"] == 4
        assert topics["a/Plan"] == (3 if more else 2)
        assert not {"Allowed", "Nobody counts this", "{{title}}", "1, 2"} & topics.keys()
        assert {item["name"]: item["links"] for item in report["topics"]} == topics
        assert report["totals"]["topics"] == len(topics)
        broken = {"dangling-link", "dangling-embed", "title-link", "respelt-link", "planned-note"}
        assert sum(topics.values()) == sum(item["rule"] in broken for item in found["findings"])
        lines = run(
            "check", "--vault", vault, "--output-format", "full", "--show", "overview"
        ).lines
        counted = 0
        for at in (lines.index(line) for line in lines if re.match("Mistakes|Planned notes", line)):
            left_out = re.search(r"and (\d+) more", lines[at])
            shown = lines[at + 1 : lines.index("", at)]
            counted += len(shown) + int(left_out[1] if left_out else 0)
            for line in shown:
                number, name, *remark = re.split(r"\s{2,}", line.strip())
                links = remark[0].split()[0] if "links" in "".join(remark) else number
                rest = re.search(r"(\d+) more planned", "".join(remark))
                assert topics[name] == int(links) + int(rest[1] if rest else 0)
        assert counted == len(topics)
        page = run("check", "--vault", vault, "--output-format", "markdown").out
        for name, count in topics.items():
            assert re.search(rf"\| `?{re.escape(name)}`? +\| +{count} \|", page)
        told = run("topics", "--vault", vault, "--output-format", "table").err
        assert f"{len(topics)} topics in {sum(topics.values())} unresolved links: " in told


def test_counter_follows_the_findings_of_notes(tmp_path: Path) -> None:
    vault = open_vault(create_vault(tmp_path / "v", {"Empty.md": ""}))
    texts = (
        ("a.md", "[[Plan]] [[x/Plan]] [[Role]] [[plan]]"),
        ("b.md", "[[role]] [[y/Plan]]"),
        ("a.md", "[[Plan]]"),
        ("b.md", ""),
        ("a.md", ""),
        ("b.md", "[[x/Plan]]"),
    )
    counter, counts = TopicCounter(), []
    for path, text in texts:
        vault = vault.holding(path, text)
        counter.update_note(path, vault.state.diagnostics.get(path, ()))
        topics = list_topics(vault.check())
        planned = sum(topic.is_planned for topic in topics)
        assert counter.count() == (len(topics), len(topics) - planned)
        counts.append(counter.count().topics)
    assert counts == [2, 4, 2, 1, 0, 1]


@pytest.mark.parametrize("seed", range(10))
def test_counter_agrees_with_the_topics_after_random_changes(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    targets = ("Plan", "x/Plan", "y/x/plan", "Role", "Port", "x/Harbor", "Harbuor", "./Plan", "z/")
    vault = open_vault(create_vault(tmp_path / "v", {"Harbour.md": "# Port\n"}))
    counter = TopicCounter()
    for _ in range(25):
        path = dice.choice(("a.md", "b.md", "x/c.md"))
        text = " ".join(f"[[{target}]]" for target in dice.choices(targets, k=dice.randint(0, 6)))
        vault = vault.holding(path, text)
        for note in vault.notes:
            counter.update_note(note, vault.state.diagnostics.get(note, ()))
        topics = list_topics(vault.check())
        mistakes = sum(not topic.is_planned for topic in topics)
        assert counter.count() == (len(topics), mistakes)
