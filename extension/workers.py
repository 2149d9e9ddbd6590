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


class Workers:
    """Threads of one service; work never raises (it reports and lands its own failures)."""

    def __init__(self, limit: int, wide_limit: int = 10) -> None:
        """Start no thread yet."""
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
        try:
            start_new_thread(self._run, (work,))
        except RuntimeError:
            if not self.threads:
                raise
            self._jobs.append(work)
        else:
            self.threads += 1

    def _run(self, work: Work) -> None:
        """Work until there is nothing left and the thread is one too many."""
        sleeper = _Sleeper()
        while True:
            work()
            with self._lock:
                if self._jobs:
                    work = self._jobs.popleft()
                    continue
                if self.threads > self._limit:
                    self.threads -= 1
                    return
                self._sleepers.append(sleeper)
            work = sleeper.sleep()


class _Sleeper:
    """A thread that waits for its next job."""

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
        """Wait for work, and hold on to it no longer than it runs."""
        self._latch.acquire()
        work = self._work
        del self._work
        return work
