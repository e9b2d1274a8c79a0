"""The output format `junit`: JUnit XML.

Nearly every build server shows it as tests. Each rule that ran is a test suite. Each note with
findings of the rule is a test, and its name is the path. So a server that compares runs by test
name sees which notes got worse and which were fixed, even if lines moved. A rule without findings
has one test, which passes.
"""

from collections.abc import Collection, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vaultlink.engine.diagnostics import KnownCount
from vaultlink.model import Diagnostic, Severity
from vaultlink.report.check_result import CheckResult
from vaultlink.report.concise import describe_known
from vaultlink.report.layout import escape_commands, escape_controls
from vaultlink.text import lazy_pattern

_RuleFindings = dict[str, list[Diagnostic]]
"""The findings of one rule by path."""


def render_junit(result: CheckResult) -> bytes:
    """Render the findings as failed tests.

    Findings that do not fail the check are the output of passed tests. Known findings are skipped
    tests.
    """
    by_rule: dict[tuple[str, str], _RuleFindings] = {
        (rule.code, rule.name): {} for rule in result.rules
    }
    for d in result.findings:
        by_rule.setdefault((d.code, d.rule), {}).setdefault(d.path, []).append(d)
    root = Element("testsuites", name="vaultlink")
    for (code, rule), notes in sorted(by_rule.items()):
        _add_suite(root, f"{code} {rule}", _build_tests(result, rule, notes))
    if result.known_counts:
        tests = [_build_known_test(count) for count in result.known_counts]
        _add_suite(root, "known findings", tests)
    for attribute in ("tests", "failures"):
        root.set(attribute, str(sum(int(suite.get(attribute, 0)) for suite in root)))
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


def _count_tests(tests: Sequence[Element], outcome: str) -> str:
    return str(sum(test.find(outcome) is not None for test in tests))


def _build_tests(result: CheckResult, rule: str, notes: _RuleFindings) -> list[Element]:
    if not notes:
        return [Element("testcase", classname=f"vaultlink.{rule}", name="no findings")]
    return [
        _build_test(
            rule, _clean_xml(result.path_prefix + path), findings, result.failing_severities
        )
        for path, findings in notes.items()
    ]


def _build_test(
    rule: str, path: str, findings: Sequence[Diagnostic], failing: Collection[Severity]
) -> Element:
    """Build the test for a rule's findings in one note.

    Its text has all findings, because some servers show nothing else. It has no attribute for the
    file, because Jenkins' schema has none.
    """
    test = Element("testcase", classname=f"vaultlink.{rule}", name=path)
    lines = "\n".join(
        [f"{path}:{d.line}:{d.column}: {d.code} {d.rule} {_clean_xml(d.message)}" for d in findings]
    )
    worst = max([d.severity for d in findings], key=lambda severity: severity.rank)
    if worst not in failing:
        SubElement(test, "system-out").text = lines
    else:
        more = f" (and {len(findings) - 1:,} more)" if len(findings) > 1 else ""
        message = _clean_xml(findings[0].message) + more
        SubElement(test, "failure", type=worst.value, message=message).text = lines
    return test


def _build_known_test(count: KnownCount) -> Element:
    test = Element("testcase", classname="vaultlink.known", name=_clean_xml(count.label))
    sentence = _clean_xml(describe_known(count))
    if count.left:
        SubElement(test, "skipped", message=sentence)
    else:
        SubElement(test, "system-out").text = sentence
    return test


_INVALID_XML = lazy_pattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean_xml(text: str) -> str:
    """Escape a text for XML, which can't contain all characters.

    Control characters are spelled out; U+FFFD replaces the others.
    """
    return escape_commands(
        text
        if text.isascii() and text.isprintable()
        else _INVALID_XML.sub("\ufffd", escape_controls(text))
    )
