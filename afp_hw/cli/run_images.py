"""Images on a program: several processes, and results that are kept as they come."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from afp_hw import golden
from afp_hw.program.load import load_program
from afp_hw.program.program import TensorPlace
from afp_hw.program.stored_grids import output_values
from afp_hw.rtlsim.accelerator import AcceleratorSimulator
from afp_hw.rtlsim.program_check import Input, check_program, golden_memory
from afp_hw.schedule.accelerator import schedule_network
from afp_hw.search.journal import Journal, content_key

Report = Callable[[int, int], None]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What every image is run on.

    Attributes
    ----------
    directory
        The program's.
    library
        Compiled Verilog of its accelerator; None: the interpreter alone.
    latency
        Of the memory.
    """

    directory: Path
    library: Path | None
    latency: int


class _Runner:
    """A program made ready to run."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._program, self._accelerator = load_program(order.directory)
        self._schedule = self._simulator = None
        if order.library is not None:
            self._schedule = schedule_network(
                self._program.descriptors, self._accelerator, order.latency
            )
            self._simulator = AcceleratorSimulator(self._accelerator, library=order.library)

    def run(self, given: Input, progress: Report) -> Result:
        """One image; what JSON holds of it."""
        place = self._program.output
        if self._simulator is None or self._schedule is None:
            memory = golden_memory(self._program, self._accelerator, given)
            values = output_values(self._program, self._accelerator, memory, given.lsb)
            return {"class": class_of(place, values)}
        total = self._schedule.cycles
        checked = check_program(
            self._program,
            self._simulator,
            self._schedule,
            given,
            self._order.latency,
            lambda cycles: progress(min(cycles, total), total),
        )
        return {
            "class": class_of(place, checked.values),
            "output_bits": checked.output_bits,
            "stored_bits": checked.stored_bits,
            "times": checked.times,
            "counters": dict(checked.counters),
            "cpu_seconds": checked.cpu_seconds,
        }


def class_of(place: TensorPlace, values: NDArray[Any]) -> int | None:
    """Which element of an output of one axis is the largest, the first of equals; exact."""
    if values.ndim != 1:
        return None
    layout = place.layout
    if layout.item is not None:
        return int(np.argmax(golden.to_fix(values, layout.item.fmt)))
    lsb = np.broadcast_to(np.array(layout.lsb, object), values.shape)
    return int(np.argmax(values.astype(object) << (lsb - lsb.min())))


def run_images(
    order: Order, inputs: Sequence[Input], image: str, jobs: int, report: Report
) -> list[Result]:
    """Results of all inputs, in their order; those that an earlier run has finished are on file.

    Parameters
    ----------
    order
        Program and engine.
    inputs
        Images.
    image
        Hash of the program's image and manifest.
    jobs
        Processes.
    report
        ``report(done, total)``.

    Raises
    ------
    MismatchError
        The first one found.
    """
    library = None if order.library is None else order.library.name
    journal = Journal(content_key("run", image, library, order.latency))
    names = [each.key for each in inputs]
    waiting = {name: each for name, each in zip(names, inputs, strict=True) if name not in journal}

    def keep(name: str, result: Result) -> None:
        journal.result(name, lambda: result)

    # Each process multiplies on its own: more threads than processors only get in their way.
    with threadpool_limits(1, "blas"):
        if min(jobs, len(waiting)) > 1:
            _in_processes(order, waiting, jobs, keep, report)
        elif waiting:
            _here(order, waiting, keep, report)
    return [journal.result(name, dict) for name in names]


def _here(
    order: Order,
    waiting: dict[str, Input],
    keep: Callable[[str, Result], None],
    report: Report,
) -> None:
    runner = _Runner(order)

    def of(index: int) -> Report:
        """Of one image, as part of all."""
        return lambda done, total: report(index * total + done, len(waiting) * total)

    for index, (name, each) in enumerate(waiting.items()):
        keep(name, runner.run(each, of(index)))


def _in_processes(
    order: Order,
    waiting: dict[str, Input],
    jobs: int,
    keep: Callable[[str, Result], None],
    report: Report,
) -> None:
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    workers = min(jobs, len(waiting))
    with ProcessPoolExecutor(workers, context, _begin, (order, stopped)) as pool:
        try:
            futures = {pool.submit(_run, each): name for name, each in waiting.items()}
            for done, future in enumerate(as_completed(futures), 1):
                keep(futures[future], future.result())
                report(done, len(waiting))
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


_worker: tuple[_Runner, Any] | None = None  # of a process that _in_processes started


def _begin(order: Order, stopped: Any) -> None:
    """What a process starts with. Ctrl-C is for the one that started it, which then says so."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1, "blas")
    _worker = _Runner(order), stopped


def _run(given: Input) -> Result:
    assert _worker is not None  # by _begin
    runner, stopped = _worker

    def progress(_done: int, _total: int) -> None:
        if stopped.is_set():
            raise InterruptedError

    progress(0, 1)
    return runner.run(given, progress)
