"""Flagging responses that were given without reading.

For: ingestion. Not for: the indices themselves (``statistics.careless``), or taking flagged
responses out of an analysis (a filter on ``is_careless`` does).

A response is flagged when it gives one answer to everything, when one answer runs over at least
half of the questions in the order of presentation (Curran 2016, doi:10.1016/j.jesp.2015.07.006),
or when it took less than a second per answered question (half of the two seconds of Huang et al.
2012, doi:10.1007/s10869-011-9231-8: what nobody can do, not what few do). Instruments under ten
questions are judged by time alone: a run of five is no evidence there.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ioc_analytics.ingestion.answers import MISSING
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.statistics.careless import SECONDS_PER_ANSWER, longest_run

_FEWEST_ANSWERS: Final = 10


def has_careless_pattern(
    answers: npt.NDArray[np.int8], instrument: Instrument
) -> npt.NDArray[np.bool_]:
    """Return which responses show a run or no variance.

    Args:
        answers: Shape ``(n_responses, n_items)`` in catalogue order, ``MISSING`` where unanswered.
        instrument: The questionnaire, which knows the order of presentation.
    """
    order = np.argsort([item.position for item in instrument.items])
    answered = (answers != MISSING).sum(axis=1)
    run = longest_run(answers[:, order], missing=MISSING)
    return np.asarray(
        (answered >= _FEWEST_ANSWERS) & (run >= np.maximum(_FEWEST_ANSWERS, (answered + 1) // 2)),
        dtype=np.bool_,
    )


def is_impossibly_fast(
    seconds: npt.NDArray[np.float64], answered: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return which responses took less time than reading takes; unknown times are not flagged."""
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (answered > 0) & (seconds < answered * SECONDS_PER_ANSWER), dtype=np.bool_
        )
