"""Old findings: counted, and told in a sentence, but not reported."""

from dataclasses import dataclass

from vaultlink.report.layout import clean, number


@dataclass(frozen=True, slots=True)
class Debt:
    """Findings that are not reported because they are old: the `kind` of place that they are known from (`baseline` or
    `revision`), its `name`, how many of them are `left`, and how many are `gone` since."""

    kind: str
    name: str
    left: int
    gone: int

    @property
    def where(self) -> str:
        """The place, in words."""
        return "the baseline" if self.kind == "baseline" else self.name


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
