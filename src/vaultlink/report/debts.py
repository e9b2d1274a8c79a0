"""Old findings: counted, and told in a sentence, but not reported."""

from vaultlink.fingerprints import Debt
from vaultlink.report.layout import clean, number


def debt_sentence(debt: Debt) -> str:
    """How many old findings are left, and how many are gone; "" if there were none."""
    if not debt.left and not debt.gone:
        return ""
    gone = number(debt.gone, "other is", "others are") if debt.gone else ""
    if debt.kind == "baseline":
        prune = f"`vaultlink baseline --prune` takes {'it' if debt.gone == 1 else 'them'} out."
        if not debt.left:
            return f"Gone: {number(debt.gone, 'finding')} of the baseline, none is left; {prune}"
        return f"Not shown: {number(debt.left, 'finding')} of the baseline" + (
            f"; {gone} gone, {prune}" if gone else "."
        )
    name = clean(debt.name)
    if not debt.left:
        return f"Gone: {number(debt.gone, 'finding')} from before the changes since {name}, none is left."
    return f"Not shown: {number(debt.left, 'finding')} from before the changes since {name}" + (
        f"; {gone} gone since." if gone else "."
    )
