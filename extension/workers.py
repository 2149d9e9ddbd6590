"""Workers: a bounded number of threads per service, in which the blocking upstream calls run.

Law: never more threads than allowed (`wide` jobs, the prefetch, may use more for their time); a thread that finds
nothing to do stays for the next job if it is within the limit, and ends if it is not.
"""

from __future__ import annotations

from _collections import deque
from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[], None]
    Start = Callable[[Callable[["_Sleeper"], None], tuple["_Sleeper"]], object]


class Workers:
    """Threads of one service; work never raises (it reports and lands its own failures)."""

    def __init__(self, limit: int, wide_limit: int = 10, *, start: Start = start_new_thread) -> None:
        """Start no thread yet; `start` starts one with a function and its arguments."""
        self._start_thread = start
        self._limit = limit
        self._wide_limit = max(limit, wide_limit)
        self._lock = allocate_lock()
        self._jobs: deque[Work] = deque()
        self._sleepers: list[_Sleeper] = []
        self.threads = 0

    def submit(self, work: Work, *, wide: bool = False) -> None:
        """Run `work` in a thread, at once if one is free or may be started, else when one gets free."""
        with self._lock:
            if self._sleepers:
                self._sleepers.pop().wake(work)
                return
            if self.threads >= (self._wide_limit if wide else self._limit):
                self._jobs.append(work)
                return
            self._start(work)

    def _start(self, work: Work) -> None:
        """Start a thread; where none can be had, one that runs takes the job, and RuntimeError says there is none."""
        sleeper = _Sleeper()
        sleeper.wake(work)
        try:
            self._start_thread(self._run, (sleeper,))
        except RuntimeError:
            if not self.threads:
                raise
            self._jobs.append(work)
        else:
            self.threads += 1

    def _run(self, sleeper: _Sleeper) -> None:
        """Work until there is nothing left and the thread is one too many."""
        while True:
            self._do(sleeper)
            with self._lock:
                if self._jobs:
                    sleeper.wake(self._jobs.popleft())
                elif self.threads > self._limit:
                    self.threads -= 1
                    return
                else:
                    self._sleepers.append(sleeper)

    def _do(self, sleeper: _Sleeper) -> None:
        """Wait for work and do it; no name here holds it: it, and a value in it, lives no longer than it runs."""
        try:
            sleeper.sleep()()
        except Exception:  # noqa: BLE001 (it reports its own failures; a thread less would be one less for ever)
            return


class _Sleeper:
    """Hands a thread its next job, for which it waits."""

    __slots__ = ("_latch", "_work")

    def __init__(self) -> None:
        self._latch = allocate_lock()
        self._latch.acquire()
        self._work: Work

    def wake(self, work: Work) -> None:
        """Hand over `work`."""
        self._work = work
        self._latch.release()

    def sleep(self) -> Work:
        """Wait for work, and hold on to it no longer."""
        self._latch.acquire()
        work = self._work
        del self._work
        return work
