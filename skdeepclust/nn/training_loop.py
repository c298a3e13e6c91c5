# SPDX-License-Identifier: BSD-3-Clause
"""A training that can be watched, hurried, stopped, saved and continued at any step: all of it but the step."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .._support._interrupt import deferred_interrupt
from .ranks import Ranks
from .recipe import Schedule, seed_by_counter

# answers
GO_ON, COOL_DOWN, STOP = "go on", "cool down", "stop"
_ORDER = 0  # what a stream of random numbers is for; subclasses count on


class TrainingLoop:
    """Train `network` in place, epoch by epoch, step by step; subclasses make the step.

    The state between two steps is `state`; a training that loads it goes on to the same network, bit by bit on
    one kind of machine, as one that was never interrupted. Random numbers come from torch's global generators,
    seeded anew in every step: call `run` inside ``torch.random.fork_rng``.

    A subclass sets `TERMS`, the names of the terms of its loss, and implements `make_step`; where its steps depend on
    more than the network and the optimizer, `own_state` and `load_own_state` as well.

    Parameters
    ----------
    network : nn.Module
    optimizer : torch.optim.Optimizer
        Of the parameters of `network`.
    X : array-like of shape (n, d)
        The rows that are trained on.
    recipe : Schedule
        How long, and in batches of how many, a Recipe for example; the rest of it is for subclasses.
    seed : int
        Of everything random; the same on all ranks.
    ranks : Ranks or None, default=None
        Those that train together; None for this process alone.

    Attributes
    ----------
    history : list of dict
        One record per epoch: "epoch" (from 1), "loss" and its terms, "samples_per_second", "seconds" of training so
        far.
    progress : float
        Share of the training that is over: of its steps or of its time, whichever is more.
    step : int
        Steps made.
    batch_size, steps_per_epoch : int
    next_batch : Tensor of shape (batch_size,) or None
        During a step: the rows of the one after it; None in the last of an epoch.
    notes : dict of str to Tensor
        Room for what a caller wants to find again in the state.
    was_interrupted : bool
        Whether Ctrl-C ended the last `run`.
    """

    TERMS: tuple[str, ...] = ()

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        X,
        recipe: Schedule,
        seed: int,
        ranks: Ranks | None = None,
    ):
        self.ranks = Ranks() if ranks is None else ranks
        self.network, self.optimizer, self.X = network, optimizer, X
        self.recipe: Any = recipe  # of the kind that the steps of the subclass need
        self.seed = seed
        self.batch_size = min(recipe.batch_size, len(X))
        self.steps_per_epoch = len(X) // self.batch_size
        self.history: list[dict] = []
        self.notes: dict[str, Tensor] = {}
        self.was_interrupted = False
        self.step = 0
        self._was_stopped = False  # by an answer of `on_epoch` or by a step
        self._epoch_began_at = 0  # the step
        self._sums = torch.zeros(len(self.TERMS), device=next(network.parameters()).device)
        self.next_batch: Tensor | None = None
        self._cool_down_from: tuple[int, float] | None = None  # step and progress
        self._seconds = 0.0  # of training before this run
        self._run_started: float | None = None
        self._clock = 0.0  # seconds as the first rank saw them last: all ranks have to see the same
        self._timed_from = (0.0, 0)  # time and step at which the timed part of the epoch began

    def make_step(self, batch: Tensor, progress: float) -> Tensor:
        """Update the network once.

        Parameters
        ----------
        batch : Tensor of shape (batch_size,), int64
            The rows of the step, of all ranks together.
        progress : float

        Returns
        -------
        Tensor of shape (len(TERMS),)
            The terms of the loss, without graph.
        """
        raise NotImplementedError

    def own_state(self) -> dict:
        """What the steps of the subclass depend on, beside network and optimizer."""
        return {}

    def load_own_state(self, state: dict) -> None:
        """Go back to what `own_state` returned, which came from another process or device, perhaps."""

    def stop(self) -> None:
        """End the training with the step that is being made."""
        self._was_stopped = True

    @property
    def seconds(self) -> float:
        """Seconds of training so far, those before a continuation included."""
        running = 0.0 if self._run_started is None else time.perf_counter() - self._run_started
        return self._seconds + running

    @property
    def progress(self) -> float:
        if self._was_stopped:
            return 1.0
        done = 0.0
        if self.recipe.max_epochs is not None:
            done = self.step / (self.recipe.max_epochs * self.steps_per_epoch)
        if self.recipe.max_time is not None:
            done = max(done, self._clock / self.recipe.max_time)
        if self._cool_down_from is not None:
            step, at = self._cool_down_from
            done = max(done, at + (1 - at) * (self.step - step) / max(1.0, self.recipe.cool_down * step))
        return min(done, 1.0)

    @contextmanager
    def clock_stopped(self) -> Iterator[None]:
        """Do not count what is done in this context, within `on_epoch`, as time of training."""
        started = time.perf_counter()
        try:
            yield
        finally:
            if self._run_started is not None:
                self._run_started += time.perf_counter() - started

    def run(
        self,
        on_epoch: Callable[[dict], str | None] = lambda record: None,
        save: Callable[[dict], object] = lambda state: None,
        save_every: float = math.inf,
    ) -> None:
        """Train to the end, from wherever the state is.

        Parameters
        ----------
        on_epoch : callable, default: does nothing
            Called after every epoch with its record, which it may add to. It returns None or ``GO_ON``;
            ``COOL_DOWN`` to bring the learning rate to zero within a quarter of the steps made so far; or ``STOP``.
        save : callable, default: does nothing
            Called with the state at the end, and between steps `save_every` seconds after the last time.
        save_every : float, default=inf

        Raises
        ------
        FloatingPointError
            If the loss is no longer finite.
        KeyboardInterrupt
            If Ctrl-C came before the first step was made, or to one of several ranks; otherwise it ends the
            training, and `was_interrupted` is set.
        """
        self._run_started = time.perf_counter()
        self.was_interrupted = False
        try:
            with deferred_interrupt() as check_interrupt:  # never in the middle of a step
                self._train(on_epoch, save, save_every, check_interrupt)
        except KeyboardInterrupt:
            if self.step == 0 or self.ranks.size > 1:  # several ranks are never interrupted at the same step
                raise
            self.was_interrupted = True
            save(self.state())  # in the middle of the epoch, where a training that goes on has to begin
            if self.step > self._epoch_began_at:
                self._close_epoch()
        finally:
            self._seconds, self._run_started = self.seconds, None
        if not self.was_interrupted:
            save(self.state())

    def _train(self, on_epoch, save, save_every, check_interrupt):
        last_saved = time.perf_counter()
        order = None
        self._read_clock()
        while (progress := self.progress) < 1.0:
            if order is None:
                order = self._order()
                self._timed_from = (time.perf_counter(), self.step)
            start = (self.step - self._epoch_began_at) * self.batch_size
            batch, *later = order[start : start + 2 * self.batch_size].split(self.batch_size)
            self.next_batch = later[0] if later and len(later[0]) == self.batch_size else None
            self._sums += self.make_step(batch, progress)
            self.step += 1
            check_interrupt()
            self._read_clock()
            if self.step - self._epoch_began_at == self.steps_per_epoch or self.progress >= 1.0:
                order = None
                answer = self.ranks.broadcast_object(on_epoch(self._close_epoch()))
                if answer == STOP:
                    self.stop()
                elif answer == COOL_DOWN and self._cool_down_from is None:
                    self._cool_down_from = (self.step, self.progress)
            if time.perf_counter() - last_saved > save_every:
                save(self.state())
                last_saved = time.perf_counter()

    def _read_clock(self) -> None:
        if self.recipe.max_time is not None:
            self._clock = self.ranks.broadcast_object(self.seconds)

    def _order(self) -> Tensor:
        seed_by_counter(self.seed, _ORDER, len(self.history))
        return torch.randperm(len(self.X))

    def _close_epoch(self) -> dict:
        """Append the record of the epoch and return it."""
        n_steps = self.step - self._epoch_began_at
        terms = dict(zip(self.TERMS, (self._sums / n_steps).tolist()))
        loss = sum(terms.values())
        epoch = len(self.history) + 1
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} in epoch {epoch}; lower learning_rate, or use precision='float32'."
            )
        started, from_step = self._timed_from
        speed = (self.step - from_step) * self.batch_size / max(time.perf_counter() - started, 1e-9)
        record = {"epoch": epoch, "loss": loss, **terms, "samples_per_second": speed, "seconds": self.seconds}
        self.history.append(record)
        self._sums.zero_()
        self._epoch_began_at = self.step
        return record

    def state(self) -> dict:
        """Everything that the rest of the training depends on, in tensors, numbers, strings, lists and dicts."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "own": self.own_state(),
            "history": self.history,
            "notes": self.notes,
            "step": self.step,
            "epoch_began_at": self._epoch_began_at,
            "sums": self._sums,
            "cool_down_from": None if self._cool_down_from is None else list(self._cool_down_from),
            "seconds": self.seconds,
            "seed": self.seed,
            "was_stopped": self._was_stopped,
        }

    def load_state(self, state: dict) -> None:
        """Go back to what `state` returned, on this or another machine."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.load_own_state(state["own"])
        self.history = list(state["history"])
        self.notes = dict(state["notes"])
        self.step, self._epoch_began_at = state["step"], state["epoch_began_at"]
        self._sums = state["sums"].to(self._sums.device)
        at = state["cool_down_from"]
        self._cool_down_from = None if at is None else (int(at[0]), float(at[1]))
        self._seconds = state["seconds"]
        self.seed = state["seed"]
        self._was_stopped = state["was_stopped"]
