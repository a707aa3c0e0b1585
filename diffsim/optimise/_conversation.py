"""Methods that insist on calling the function themselves, turned into ask and tell.

The library runs in a thread of its own; where it calls the function, the thread hands over
the points and sleeps until it is told the answer. Only one side runs at a time, so that the
run is as deterministic as the library is.
"""

import abc
import queue
import threading
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from .._problem import Evaluation, Order
from .._types import Vector
from ._interface import REASONS, AbstractOptimiser, Request, Traits, reason_code, succeeded

Ask = Callable[[Float[np.ndarray, "b d"], Order], Evaluation]


class _Stop(BaseException):
    """Unwinds the library's thread; no library catches it."""


class Conversation:
    """A library's call under way: `request` is what it waits for; None once it has ended."""

    def __init__(self, talk: Callable[[Ask], None]):
        self._talk = talk
        self._questions: queue.Queue = queue.Queue()
        self._answers: queue.Queue = queue.Queue()
        self.request: Request | None = None
        self.start_failed = False
        self._asked = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._listen()

    def answer(self, evaluation: Evaluation) -> None:
        """Hand over an answer and wait for the next question."""
        if self._asked == 1 and not np.any(np.asarray(succeeded(evaluation))):
            self.start_failed = True
            self.close()
            return
        self._answers.put(evaluation)
        self._listen()

    def close(self) -> None:
        """End the thread, if it still runs."""
        if self._thread.is_alive():
            self._answers.put(_Stop())
            self._thread.join()
        self.request = None

    def _listen(self) -> None:
        self.request, error = self._questions.get()
        self._asked += 1
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            self._talk(self._ask)
            self._questions.put((None, None))
        except _Stop:
            pass
        except Exception as error:  # raised where it is seen: in the driver's thread
            self._questions.put((None, error))

    def _ask(self, points: Float[np.ndarray, "b d"], order: Order) -> Evaluation:
        # Some libraries step out of the bounds by rounding, or by a trust region's width.
        inside = np.clip(np.asarray(points, float), 0.0, 1.0)
        self._questions.put((Request.at(inside, order), None))
        answer = self._answers.get()
        if isinstance(answer, _Stop):
            raise answer
        return answer


class AbstractConversation(AbstractOptimiser):
    """A method whose library calls the function.

    **Bounds:** the library is given those of the unit cube; what it asks beyond them all the
    same is projected onto it.
    """

    @abc.abstractmethod
    def talk(self, ask: Ask, x0: np.ndarray, seed: np.random.Generator, traits: Traits) -> None:
        """Run the library from `x0`, calling `ask(points, order)` for evaluations."""

    def init(self, x0: Vector, key: Array, traits: Traits) -> Conversation:
        start, seed = np.asarray(x0, float), generator(key)
        return Conversation(lambda ask: self.talk(ask, start, seed, traits))

    def ask(self, state: Conversation) -> Request:
        if state.request is None:
            raise RuntimeError("the method has ended and must not be asked again.")
        return state.request

    def tell(self, state: Conversation, request: Request, evaluation: Evaluation) -> Any:
        state.answer(evaluation)
        return state

    def status(self, state: Conversation) -> Int[np.ndarray, " 1"]:
        if state.start_failed:
            reason = REASONS.start_failed
        else:
            reason = REASONS.running if state.request is not None else REASONS.method
        return np.asarray(reason_code(reason))[None]

    def close(self, state: Conversation) -> None:
        state.close()


def generator(key: Array) -> np.random.Generator:
    """A NumPy random stream from a JAX key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())


class FailurePenalty:
    """A finite value for failed evaluations, worse than any seen, for libraries that
    interpolate and would be spoilt by infinity."""

    def __init__(self) -> None:
        self._lowest, self._highest = np.inf, -np.inf

    def __call__(self, value: float, fine: bool) -> float:
        """The value itself where it is fine."""
        if not fine:
            return self._highest + 10.0 * (self._highest - self._lowest + abs(self._highest) + 1.0)
        self._lowest, self._highest = min(value, self._lowest), max(value, self._highest)
        return value
