"""Old findings: counted, and told in a sentence, but not reported."""

from vaultlink.engine.fingerprints import KnownCount
from vaultlink.report.layout import escape_controls, format_count


def describe_known(debt: KnownCount) -> str:
    """How many old findings are left, and how many are gone; "" if there were none."""
    if not debt.left and not debt.gone:
        return ""
    gone = format_count(debt.gone, "other is", "others are") if debt.gone else ""
    if debt.kind == "baseline":
        prune = f"`vaultlink baseline --prune` takes {'it' if debt.gone == 1 else 'them'} out."
        if not debt.left:
            return (
                f"Gone: {format_count(debt.gone, 'finding')} of the baseline, none is left; {prune}"
            )
        return f"Not shown: {format_count(debt.left, 'finding')} of the baseline" + (
            f"; {gone} gone, {prune}" if gone else "."
        )
    name = escape_controls(debt.name)
    if not debt.left:
        return f"Gone: {format_count(debt.gone, 'finding')} from before the changes since {name}, none is left."
    return (
        f"Not shown: {format_count(debt.left, 'finding')} from before the changes since {name}"
        + (f"; {gone} gone since." if gone else ".")
    )
