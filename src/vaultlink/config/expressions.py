"""Match regular expressions of JavaScript in linear time.

Python's own expressions try one alternative after the other, so that `(a+)+$` takes time that
doubles with each character. Here all alternatives are followed at once, as states of an automaton.
What lies ahead of and behind each position is computed first, in one pass over the text for each
assertion. Back references are not supported: no linear way to match them is known.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from vaultlink.config.expression_syntax import (
    MAX_LENGTH,
    Boundary,
    CharSet,
    Choice,
    Look,
    Node,
    Repeat,
    Sequence_,
    UnsupportedExpression,
    parse_expression,
)

_MAX_STEPS = 500
"""Steps of an automaton; more take too long for each character."""

_MAX_STATES = 2_000
"""Sets of steps that are kept before all are forgotten."""

_WORD_CHARS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")


class _Step(msgspec.Struct):
    """A step of an automaton: a character, a condition, or neither; then others.

    `condition` is the number of an assertion, counted from 0, and `is_met` what it must be.
    """

    chars: CharSet | None = None
    condition: int | None = None
    is_met: bool = True
    following: tuple[int, ...] = ()


class _State:
    """A set of steps, and the states that follow it by character and assertions."""

    def __init__(self, steps: frozenset[int]):
        self.steps = steps
        self.next: dict[object, _State] = {}


_MATCHED = _State(frozenset())
"""The state after a match."""


class Expression:
    """A compiled expression."""

    def __init__(self, source: str, *, ignore_case: bool, is_trusted: bool = False):
        """Compile an expression; one that is trusted can be ten times as long.

        Raises:
            UnsupportedExpression: The expression is invalid or not supported.
        """
        factor = 10 if is_trusted else 1
        node = parse_expression(source, MAX_LENGTH * factor)
        self._automaton = _Automaton(node, ignore_case, max_steps=_MAX_STEPS * factor)

    def search(self, text: str) -> bool:
        """Return True if the expression matches anywhere in `text`."""
        return self._automaton.search(text)


class _Automaton:
    """The steps of an expression or assertion; a reversed one reads from the end."""

    def __init__(
        self,
        node: Node,
        ignore_case: bool,
        *,
        is_reversed: bool = False,
        max_steps: int = _MAX_STEPS,
    ):
        self._max_steps = max_steps
        self._ignore_case, self._is_reversed = ignore_case, is_reversed
        self._steps: list[_Step] = []
        self._conditions: list[tuple[Boundary | Look, Callable[[str], list[bool]]]] = []
        self._end = self._add(_Step())
        self._first = self._build(node, self._end)
        self._reset()

    def _reset(self) -> None:
        self._states: dict[frozenset[int], _State] = {}
        self._accepting: dict[str, frozenset[int]] = {}
        self._start = self._find_state(frozenset({self._first}))

    def _find_state(self, steps: frozenset[int]) -> _State:
        state = self._states.get(steps)
        if state is None:
            state = self._states[steps] = _State(steps)
        return state

    # -- build --------------------------------------------------------------------------------

    def _add(self, step: _Step) -> int:
        if len(self._steps) >= self._max_steps:
            raise UnsupportedExpression(f"it needs more than {self._max_steps:,} steps")
        self._steps.append(step)
        return len(self._steps) - 1

    def _build(self, node: Node, then: int) -> int:
        """Add the steps of a node, which lead to the step `then`; return the first one."""
        if isinstance(node, CharSet):
            return self._add(_Step(self._fold(node), following=(then,)))
        if isinstance(node, Sequence_):
            for part in node.parts if self._is_reversed else reversed(node.parts):
                then = self._build(part, then)
            return then
        if isinstance(node, Choice):
            return self._add(_Step(following=tuple(self._build(part, then) for part in node.parts)))
        if isinstance(node, Repeat):
            return self._build_repeat(node, then)
        is_met = node.kind != "B" if isinstance(node, Boundary) else not node.negated
        number = self._number_condition(node)
        return self._add(_Step(condition=number, is_met=is_met, following=(then,)))

    def _build_repeat(self, node: Repeat, then: int) -> int:
        if node.most is None:
            loop = self._add(_Step())
            body = self._build(node.part, loop)
            self._steps[loop].following = (body, then)
            then = loop
        else:
            end = then
            for _ in range(node.most - node.least):
                then = self._add(_Step(following=(self._build(node.part, then), end)))
        for _ in range(node.least):
            then = self._build(node.part, then)
        return then

    def _number_condition(self, node: Boundary | Look) -> int:
        plain = Boundary("b") if node == Boundary("B") else node
        for number, (known, _) in enumerate(self._conditions):
            if known == plain:
                return number
        find: Callable[[str], list[bool]]
        if isinstance(plain, Look):
            part = _Automaton(plain.part, self._ignore_case, is_reversed=plain.is_ahead)
            find = part.find_ends
        else:
            find = _BOUNDARIES[plain.kind]
        self._conditions.append((plain, find))
        return len(self._conditions) - 1

    def _fold(self, chars: CharSet) -> CharSet:
        if not self._ignore_case:
            return chars
        ranges = tuple(
            (ord(fold_char(chr(first))),) * 2 if first == last else (first, last)
            for first, last in chars.ranges
        )
        return CharSet(ranges, chars.negated)

    # -- match --------------------------------------------------------------------------------

    def search(self, text: str) -> bool:
        """Return True if the expression matches anywhere in `text`."""
        return self._follow(text, lambda _offset: True)

    def find_ends(self, text: str) -> list[bool]:
        """Return for each position of `text` if a match ends there; a reversed one begins."""
        ends = [False] * (len(text) + 1)

        def note(offset: int) -> bool:
            ends[offset] = True
            return False

        self._follow(text, note)
        return ends[::-1] if self._is_reversed else ends

    def _follow(self, text: str, on_match: Callable[[int], bool]) -> bool:
        """Read a text and call `on_match` at each end of a match until it returns True."""
        conditions = self._evaluate(text)
        if self._is_reversed:
            text = text[::-1]
            conditions = conditions[::-1]
        if self._ignore_case:
            text = text.upper() if text.isascii() else "".join(map(fold_char, text))
        state, size = self._start, len(text)
        for offset in range(size + 1):
            char = text[offset] if offset < size else ""
            key = (char, conditions[offset]) if conditions else char
            found = state.next.get(key)
            if found is None:
                found = self._advance(state, char, conditions[offset] if conditions else 0, key)
            if found is _MATCHED:
                if on_match(offset):
                    return True
                steps, _ = self._close(state.steps, conditions[offset] if conditions else 0)
                found = self._find_state(self._read(steps, char))
            state = found
        return False

    def _evaluate(self, text: str) -> list[int]:
        """Return the assertions that hold at each position, as bits; else nothing."""
        values = [find(text) for _, find in self._conditions]
        return [
            sum(value[offset] << number for number, value in enumerate(values))
            for offset in range(len(text) + 1 if values else 0)
        ]

    def _advance(self, state: _State, char: str, holding: int, key: object) -> _State:
        if len(self._states) > _MAX_STATES:
            self._reset()
        steps, is_matched = self._close(state.steps, holding)
        found = _MATCHED if is_matched else self._find_state(self._read(steps, char))
        state.next[key] = found
        return found

    def _close(self, steps: frozenset[int], holding: int) -> tuple[list[int], bool]:
        """Return the steps that read a character, and True if the end is reached."""
        pending, seen, reading, is_matched = list(steps), set(steps), list[int](), False
        while pending:
            number = pending.pop()
            step = self._steps[number]
            if number == self._end:
                is_matched = True
            elif step.chars is not None:
                reading.append(number)
            elif step.condition is None or bool(holding >> step.condition & 1) == step.is_met:
                new = [item for item in step.following if item not in seen]
                seen.update(new)
                pending += new
        return reading, is_matched

    def _read(self, steps: Sequence[int], char: str) -> frozenset[int]:
        """Return the steps after a character; a match can begin at every position."""
        accepting = self._accepting.get(char)
        if accepting is None:
            accepting = self._accepting[char] = frozenset(
                number
                for number, step in enumerate(self._steps)
                if char and step.chars and self._contains(step.chars, char)
            )
        found = {self._first}
        for number in accepting.intersection(steps):
            found.update(self._steps[number].following)
        return frozenset(found)

    def _contains(self, chars: CharSet, char: str) -> bool:
        codes = [ord(char)]
        if self._ignore_case:
            codes += [ord(lower)] if len(lower := char.lower()) == 1 else []
        return chars.negated != any(
            first <= code <= last for first, last in chars.ranges for code in codes
        )


def fold_char(char: str) -> str:
    """Return a character as JavaScript compares it without regard to case."""
    upper = char.upper()
    return char if len(upper) != 1 or (char > "\x7f" >= upper) else upper


def _find_word_boundaries(text: str) -> list[bool]:
    words = [False, *(char in _WORD_CHARS for char in text), False]
    return [before != after for before, after in pairwise(words)]


_BOUNDARIES: dict[str, Callable[[str], list[bool]]] = {
    "^": lambda text: [True, *(False for _ in text)],
    "$": lambda text: [*(False for _ in text), True],
    "b": _find_word_boundaries,
}
