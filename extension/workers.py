"""Workers: a bounded number of threads per service, in which the blocking upstream calls run.

    reads ───────► every thread
    prefetches ──► every thread, and more of them for their time
    refreshes ───► every thread but one, where there are several

Law: never more threads than allowed (`wide` jobs, the prefetch, may use more for their time); what a read waits for
goes first, and never waits for refreshes alone that nobody waits for; a thread that finds nothing to do stays for the
next job if it is within the limit, and ends if it is not.
"""

from __future__ import annotations

from _collections import deque
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[], None]
    Start = Callable[[Callable[["_Sleeper"], None], tuple["_Sleeper"]], object]

_READ, _PREFETCH, _REFRESH = range(3)
"""In this order they go."""


class Workers:
    """Threads of one service; work never raises (it reports and lands its own failures)."""

    def __init__(self, limit: int, wide_limit: int = 10, *, start: Start = start_new_thread) -> None:
        """Start no thread yet; `start` starts one with a function and its arguments."""
        self._start_thread = start
        self._limit = limit
        self._wide_limit = max(limit, wide_limit)
        self._lock = allocate_lock()
        self._room = max(1, limit - 1)
        self._refreshing = 0
        self._queues: tuple[deque[Work], ...] = (deque(), deque(), deque())
        self._sleepers: list[_Sleeper] = []
        self.threads = 0

    def submit(self, work: Work, *, wide: bool = False, urgent: bool = True) -> None:
        """Run `work` in a thread, at once if one is free or may be started, else when one gets free.

        `urgent`: somebody waits for it; what is neither that nor `wide` is a refresh.
        """
        rank = _READ if urgent else _PREFETCH if wide else _REFRESH
        with self._lock:
            if not self._has_room(rank):
                self._queues[rank].append(work)
            elif self._sleepers:
                self._hand(self._sleepers.pop(), work, rank)
            elif self.threads < (self._wide_limit if wide else self._limit):
                self._start(work, rank)
            else:
                self._queues[rank].append(work)

    def _has_room(self, rank: int) -> bool:
        return rank != _REFRESH or self._refreshing < self._room

    def _hand(self, sleeper: _Sleeper, work: Work, rank: int) -> None:
        self._refreshing += rank == _REFRESH
        sleeper.wake(work, rank)

    def _start(self, work: Work, rank: int) -> None:
        """Start a thread; where none can be had, one that runs takes the job, and RuntimeError says there is none."""
        sleeper = _Sleeper()
        self._hand(sleeper, work, rank)
        try:
            self._start_thread(self._run, (sleeper,))
        except RuntimeError:
            self._refreshing -= rank == _REFRESH
            if not self.threads:
                raise
            self._queues[rank].append(work)
        else:
            self.threads += 1

    def _run(self, sleeper: _Sleeper) -> None:
        """Work until there is nothing left and the thread is one too many."""
        while True:
            self._do(sleeper)
            with self._lock:
                self._refreshing -= sleeper.rank == _REFRESH
                if self._go_on(sleeper):
                    continue
                if self.threads > self._limit:
                    self.threads -= 1
                    return
                self._sleepers.append(sleeper)

    def _go_on(self, sleeper: _Sleeper) -> bool:
        """Hand over what goes first of all that waits; tell whether there is any."""
        for rank, queue in enumerate(self._queues):
            if queue and self._has_room(rank):
                self._hand(sleeper, queue.popleft(), rank)
                return True
        return False

    def _do(self, sleeper: _Sleeper) -> None:
        """Wait for work and do it; no name here holds it: it, and a value in it, lives no longer than it runs."""
        try:
            sleeper.sleep()()
        except Exception:  # noqa: BLE001 (it reports its own failures; a thread less would be one less for ever)
            return


class _Sleeper:
    """Hands a thread its next job, for which it waits."""

    __slots__ = ("_latch", "_work", "rank")

    def __init__(self) -> None:
        self._latch = allocate_lock()
        self._latch.acquire()
        self._work: Work
        self.rank: int

    def wake(self, work: Work, rank: int) -> None:
        """Hand over `work`; `rank` is that of the last job handed over."""
        self._work = work
        self.rank = rank
        self._latch.release()

    def sleep(self) -> Work:
        """Wait for work, and hold on to it no longer."""
        self._latch.acquire()
        work = self._work
        del self._work
        return work
