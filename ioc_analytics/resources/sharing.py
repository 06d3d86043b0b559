"""One database, and so one budget of connections, per process and settings.

For: the resources here, several of which may be used in one run. Not for: systems that their caller
opens and closes.
"""

import os
import threading
from dataclasses import dataclass
from typing import Final

from ioc_analytics.database.pools import Database
from ioc_analytics.kernel.settings import AnalyticsConfig


@dataclass(slots=True)
class _Lent:
    database: Database
    process: int
    users: int = 0


_lent: Final[list[_Lent]] = []
_lock: Final = threading.Lock()


def borrow(config: AnalyticsConfig) -> Database:
    """Return the database of some settings, the same one to all who borrow it in this process."""
    with _lock:
        for one in _lent:
            if one.process == os.getpid() and one.database.config == config:
                break
        else:
            _lent.append(one := _Lent(Database(config), os.getpid()))
        one.users += 1
        return one.database


def give_back(database: Database) -> None:
    """Give a borrowed database back; the last one to do so closes it."""
    with _lock:
        for one in _lent:
            if one.database is database:
                one.users -= 1
                if one.users == 0:
                    _lent.remove(one)
                    break
        else:
            return
    database.close()
