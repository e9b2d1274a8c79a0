"""Findings as JUnit XML, which nearly every build server shows as tests.

What a check came to enters, a document leaves. Each rule that ran is a suite. A note in which it found something is a test,
named by its path: so a server that compares runs by names sees a note that got worse and one that is mended, whatever line
things moved to. A rule that found nothing has one test, which passes.
"""

import re
from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vaultlink.engine.fingerprints import KnownCount
from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.known_counts import describe_known
from vaultlink.report.layout import escape_controls

RuleFindings = dict[str, list[Diagnostic]]
"""What a rule found, by paths."""


def render_junit(checked: CheckResult) -> bytes:
    """The findings as failures. Those that do not fail the check are what a test that passes has printed. Old findings are tests
    that were skipped."""
    found: dict[tuple[str, str], RuleFindings] = {
        (rule.code, rule.name): {} for rule in checked.rules
    }
    for d in checked.findings:
        found.setdefault((d.code, d.rule), {}).setdefault(d.path, []).append(d)
    root = Element("testsuites", name="vaultlink")
    for (code, rule), notes in sorted(found.items()):
        _add_suite(root, f"{code} {rule}", _build_tests(checked, rule, notes))
    if checked.known_counts:
        _add_suite(
            root, "known findings", [_build_known_test(debt) for debt in checked.known_counts]
        )
    for count in ("tests", "failures"):
        root.set(count, str(sum(int(suite.get(count, 0)) for suite in root)))
    root.set("errors", "0")
    indent(root)
    data: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _add_suite(root: Element, name: str, tests: Sequence[Element]) -> None:
    suite = SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(tests)),
        failures=_count_tests(tests, "failure"),
        errors="0",
        skipped=_count_tests(tests, "skipped"),
    )
    suite.extend(tests)


def _count_tests(tests: Sequence[Element], what: str) -> str:
    return str(sum(test.find(what) is not None for test in tests))


def _build_tests(checked: CheckResult, rule: str, notes: RuleFindings) -> list[Element]:
    if not notes:
        return [Element("testcase", classname=f"vaultlink.{rule}", name="no findings")]
    return [
        _build_test(rule, _clean_xml(checked.path_prefix + path), found, checked.failing_severities)
        for path, found in notes.items()
    ]


def _build_test(
    rule: str, path: str, found: Sequence[Diagnostic], failing: Collection[Severity]
) -> Element:
    """A note that a rule found something in. The text says all, since some servers show nothing else; there is no attribute
    for the file besides the name, since the schema that Jenkins goes by has none."""
    test = Element("testcase", classname=f"vaultlink.{rule}", name=path)
    lines = "\n".join(
        [f"{path}:{d.line}:{d.column}: {d.code} {d.rule} {_clean_xml(d.message)}" for d in found]
    )
    worst = max([d.severity for d in found], key=lambda severity: severity.rank)
    if worst not in failing:
        SubElement(test, "system-out").text = lines
    else:
        more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
        SubElement(
            test, "failure", type=worst.value, message=_clean_xml(found[0].message) + more
        ).text = lines
    return test


def _build_known_test(count: KnownCount) -> Element:
    test, sentence = (
        Element("testcase", classname="vaultlink.known", name=_clean_xml(count.label)),
        _clean_xml(describe_known(count)),
    )
    if count.left:
        SubElement(test, "skipped", message=sentence)
    else:
        SubElement(test, "system-out").text = sentence
    return test


_INVALID_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean_xml(text: str) -> str:
    """Text that XML can hold: control characters are spelled out, what is no character at all is replaced."""
    return (
        text
        if text.isascii() and text.isprintable()
        else _INVALID_XML.sub("\ufffd", escape_controls(text))
    )
