"""Old findings: counted, and told in a sentence, but not reported."""

from vaultlink.engine.fingerprints import KnownCount
from vaultlink.report.layout import escape_controls, format_count


def describe_known(count: KnownCount) -> str:
    """How many old findings are left, and how many are gone; "" if there were none."""
    if not count.left and not count.gone:
        return ""
    gone = format_count(count.gone, "other is", "others are") if count.gone else ""
    if count.kind == "baseline":
        prune = f"`vaultlink baseline --prune` takes {'it' if count.gone == 1 else 'them'} out."
        if not count.left:
            return f"Gone: {format_count(count.gone, 'finding')} of the baseline, none is left; {prune}"
        return f"Not shown: {format_count(count.left, 'finding')} of the baseline" + (
            f"; {gone} gone, {prune}" if gone else "."
        )
    name = escape_controls(count.name)
    if not count.left:
        return f"Gone: {format_count(count.gone, 'finding')} from before the changes since {name}, none is left."
    return (
        f"Not shown: {format_count(count.left, 'finding')} from before the changes since {name}"
        + (f"; {gone} gone since." if gone else ".")
    )
