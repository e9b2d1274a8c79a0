"""Sentences about known findings, which are counted but not reported."""

from vaultlink.engine.fingerprints import KnownCount
from vaultlink.report.layout import escape_controls, format_count


def describe_known(count: KnownCount) -> str:
    """Return a sentence with the number of known findings.

    It also has the number of those that are no longer found. The result is "" if both are 0.
    """
    if not count.left and not count.gone:
        return ""
    if count.kind == "baseline":
        source = "in the baseline"
        advice = f" `vaultlink baseline --prune` removes {'it' if count.gone == 1 else 'them'}."
    else:
        source = f"from before the changes since {escape_controls(count.name)}"
        advice = ""
    if not count.left:
        verb = "is" if count.gone == 1 else "are"
        return f"{format_count(count.gone, 'finding')} {source} {verb} no longer found.{advice}"
    sentence = f"Not shown: {format_count(count.left, 'finding')} {source}"
    if not count.gone:
        return f"{sentence}."
    resolved = format_count(count.gone, "other is", "others are")
    return f"{sentence}; {resolved} no longer found.{advice}"
