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
    """How many old findings are left, and how many are gone."""
    left = number(debt.left, "finding")
    gone = number(debt.gone, "other is", "others are") if debt.gone else ""
    if debt.kind == "revision":
        return f"Not shown: {left} from before the changes since {clean(debt.name)}" + (f"; {gone} gone since." if gone else ".")
    prune = f"; {gone} gone, `vaultlink baseline --prune` takes {'it' if debt.gone == 1 else 'them'} out." if gone else "."
    return f"Not shown: {left} of the baseline{prune}"
