"""Ask numbered questions in order, with a way back."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class AnswerHistory(Generic[T]):
    """The answers to numbered questions so far.

    Attributes:
        by_number: The answers by the number of their question, from 0. An answer may also settle
            later questions.
    """

    def __init__(self) -> None:
        self.by_number: dict[int, T] = {}
        self._steps: list[tuple[int, dict[int, T]]] = []

    @property
    def has_steps(self) -> bool:
        """True if there is an answer to take back."""
        return bool(self._steps)

    def record(self, number: int, answer: Callable[[], bool]) -> bool:
        """Call `answer`, which adds to `by_number`, and remember the answers before.

        Args:
            number: The number of the question.
            answer: Adds the answer; returns False if it is not possible.

        Returns:
            The result of `answer`.
        """
        before = dict(self.by_number)
        is_answered = answer()
        if is_answered:
            self._steps.append((number, before))
        return is_answered

    def ask_all(self, count: int, ask: Callable[[int], str]) -> None:
        """Ask the questions that have no answer, until all have one or the user quits.

        Args:
            count: The number of questions.
            ask: Asks a question until it is answered, and returns the key: `q` quits, `b` takes the
                last answer back.
        """
        number = 0
        while number < count:
            if number in self.by_number:
                number += 1
                continue
            key = ask(number)
            if key == "q":
                break
            if key == "b":
                number, before = self._steps.pop()
                self.by_number.clear()
                self.by_number.update(before)
