"""Making the next items in a second thread while the caller works on the ones it has.

For: reading and judging while the server writes. Not for: work that needs another core of Python
(the producer should wait on files or run in libraries that release the interpreter).
"""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.1


def read_ahead(items: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """Yield items that a thread produces, at most ``depth`` ahead.

    The thread has ended when the iterator has, however that happened, and ``items`` is closed if it
    is a generator; who may leave the loop early closes the iterator (``contextlib.closing``). What
    the producer raises is raised here, in its place.
    """
    ahead: queue.Queue[Any] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def offer(item: object) -> bool:
        while not stop.is_set():
            try:
                ahead.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer((item, None)):
                    return
            offer(None)
        except BaseException as error:  # noqa: BLE001  # handed to the caller's thread, which raises it
            offer((None, error))

    producer = threading.Thread(target=produce, name="read-ahead", daemon=True)
    producer.start()
    try:
        while (entry := ahead.get()) is not None:
            item, error = entry
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        producer.join()
        if isinstance(items, Generator):
            items.close()
