"""People, answers and ratings of any number, drawn chunk by chunk in bounded memory.

For: files of synthetic records, tests and benchmarks. Not for: the columns of the records
(``tables``), faults on purpose (``planting``), files (``files``).

Chunk k draws from its own stream, spawned from (seed, k), and always draws ``CHUNK`` responses even
if fewer are wanted. So response i is the same whatever the number of responses, with one exception:
in order ``time`` the i-th of n responses stands at the i-th of n quantiles of the period's volume,
so its moment (and with it the assessment and the state of unfinished ones) depends on n. Everything
depends on the seed, the period, the organisations' number and the population.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.records.instruments import Instrument
from ioc_analytics.synthetic.organizations import (
    MICROSECONDS_PER_DAY,
    Assessments,
    Organizations,
    draw_assessments,
    draw_organizations,
    midnight,
)
from ioc_analytics.synthetic.population import (
    REFERENCE,
    FloatArray,
    IntArray,
    ItemBank,
    Population,
)
from ioc_analytics.synthetic.respondents import Respondents, draw_respondents
from ioc_analytics.synthetic.streams import CHUNK, Purpose, pick, stream

_SHORTEST_MILLISECONDS, _LONGEST_MILLISECONDS = 150, 600_000

Order = Literal["random", "time"]
STATUSES = ("completed", "abandoned", "started")
COMPLETED, ABANDONED, STARTED = range(3)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be generated."""

    instrument: Instrument
    responses: int
    seed: int = 0
    start: date = date(2025, 1, 1)
    days: int = 365
    order: Order = "random"
    organizations: int = 200
    population: Population = field(default=REFERENCE)

    def __post_init__(self) -> None:
        for name in ("responses", "days", "organizations"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.seed < 0:
            raise InvalidInput(f"seed is {self.seed}: it must be 0 or more")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Up to ``CHUNK`` responses as arrays; response i of the chunk is row i of each."""

    first: int
    """Number of the first response, counted from 0 over all chunks."""
    people: Respondents
    assessment: IntArray
    """Row in ``Assessments``."""
    device: IntArray
    status: IntArray
    """Position in ``STATUSES``."""
    is_careless: npt.NDArray[np.bool_]
    has_device: npt.NDArray[np.bool_]
    started_at: IntArray
    """Microseconds since 1970, UTC."""
    finished_at: IntArray
    """Moment of the last answer, microseconds since 1970."""
    updated_at: IntArray
    """Last answer, or the moment at which the response was given up."""
    answered: IntArray
    """Number of answers, given in the order of the items."""
    values: npt.NDArray[np.int8]
    """Shape ``(n, n_items)``: answers as given (not keyed) in the order of the items."""
    milliseconds: npt.NDArray[np.int32]
    """Shape ``(n, n_items)``: time for each item."""
    pause_before: IntArray
    """Item that a pause comes before; 0: there is none."""
    pause: IntArray
    """Length of the pause, milliseconds: no time spent."""
    ratings: FloatArray
    """Shape ``(n, 5, 2)``: score of each trait by the two raters; no column without raters."""
    confidences: FloatArray
    """As ``ratings``: confidence of the rater, 0 to 1."""

    def __len__(self) -> int:
        return len(self.started_at)

    def elapsed(self, rows: IntArray) -> IntArray:
        """Return milliseconds from the start to each answer of some rows, ``(n, n_items)``."""
        return elapsed_milliseconds(
            self.milliseconds[rows], self.pause_before[rows], self.pause[rows]
        )


class Generator:
    """Draws the chunks of a plan. The organisations are there from the start."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.bank: ItemBank = plan.population.items(plan.instrument)
        self.organizations: Organizations = draw_organizations(
            plan.population, plan.seed, plan.organizations
        )
        self.assessments: Assessments = draw_assessments(
            plan.seed, plan.organizations, plan.start, plan.days
        )
        self._volume = _cumulative_volume(plan)
        self._patience = plan.population.open_days * MICROSECONDS_PER_DAY

    def chunks(self, *, with_ai: bool = True) -> Iterator[Chunk]:
        """Yield all responses of the plan, ``CHUNK`` at a time."""
        for index in range(-(-self.plan.responses // CHUNK)):
            yield self.chunk(index, with_ai=with_ai)

    def chunk(self, index: int, *, with_ai: bool = True) -> Chunk:
        """Return chunk ``index``; the last one of the plan is cut to the plan's responses."""
        rng = stream(self.plan.seed, Purpose.RESPONSES, index)
        people = draw_respondents(rng, self.plan.population, self.organizations, index)
        device = pick(rng, [d.share for d in self.plan.population.devices])
        started = self._draw_moments(rng, index)
        careless = rng.random(CHUNK) < self.plan.population.careless_share
        answered = self._draw_answered(rng, device)
        milliseconds = self._draw_times(rng, device, careless)
        values = self._draw_answers(rng, people.traits, careless)
        has_device = rng.random(CHUNK) >= 0.3
        pause_before, pause = self._draw_pauses(index, answered)
        elapsed = elapsed_milliseconds(milliseconds, pause_before, pause)
        last = np.maximum(answered - 1, 0)[:, None]
        spent = np.where(answered > 0, np.take_along_axis(elapsed, last, axis=1)[:, 0], 0)
        finished = started + 1000 * spent
        status, answered, finished = self._settle(started, finished, answered, elapsed)
        ratings, confidences = np.empty((CHUNK, 5, 0)), np.empty((CHUNK, 5, 0))
        if with_ai:
            ratings, confidences = self._draw_ratings(index, values)
        switched = started >= self.assessments.switch_at[people.organization]
        whole = Chunk(
            first=index * CHUNK,
            people=people,
            assessment=2 * people.organization + switched,
            device=device,
            status=status,
            is_careless=careless,
            has_device=has_device,
            started_at=started,
            finished_at=finished,
            updated_at=np.where(status == ABANDONED, started + self._patience, finished),
            answered=answered,
            values=values,
            milliseconds=milliseconds,
            pause_before=pause_before,
            pause=pause,
            ratings=ratings,
            confidences=confidences,
        )
        wanted = min(CHUNK, self.plan.responses - index * CHUNK)
        return whole if wanted == CHUNK else _cut(whole, wanted)

    def _draw_moments(self, rng: np.random.Generator, index: int) -> IntArray:
        """Return the starts, to the millisecond, as microseconds since 1970."""
        quantile = rng.random(CHUNK)
        if self.plan.order == "time":
            rank = index * CHUNK + np.arange(CHUNK)
            quantile = np.minimum((rank + quantile) / self.plan.responses, np.nextafter(1.0, 0.0))
        hours = np.interp(quantile, self._volume, np.arange(len(self._volume)))
        milliseconds = np.floor(hours * 3_600_000).astype(np.int64)
        latest = self.plan.days * MICROSECONDS_PER_DAY - 1000
        return np.asarray(midnight(self.plan.start) + np.minimum(milliseconds * 1000, latest))

    def _draw_answered(self, rng: np.random.Generator, device: IntArray) -> IntArray:
        items, population = len(self.bank.codes), self.plan.population
        rates = [population.completion_probability(d, items) for d in population.devices]
        completes = rng.random(CHUNK) < np.array(rates)[device]
        return np.asarray(np.where(completes, items, rng.integers(0, items, CHUNK)))

    def _draw_times(
        self, rng: np.random.Generator, device: IntArray, careless: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int32]:
        population = self.plan.population
        median = 1000.0 * np.array([d.seconds_per_item for d in population.devices])[device]
        median *= np.where(careless, population.careless_speed, 1.0)
        median *= np.exp(population.person_time_sigma * rng.standard_normal(CHUNK))
        noise = rng.standard_normal((CHUNK, len(self.bank.codes)), dtype=np.float32)
        noise *= np.float32(population.item_time_sigma)
        noise += np.log(median).astype(np.float32)[:, None]
        np.exp(noise, out=noise)
        np.clip(noise, _SHORTEST_MILLISECONDS, _LONGEST_MILLISECONDS, out=noise)
        return noise.astype(np.int32)

    def _draw_pauses(self, index: int, answered: IntArray) -> tuple[IntArray, IntArray]:
        """Return the item that each pause comes before, 0 for none, and its milliseconds."""
        rng, population = stream(self.plan.seed, Purpose.PAUSES, index), self.plan.population
        items = len(self.bank.codes)
        is_pausing = (
            (rng.random(CHUNK) < population.pause_share) & (answered == items) & (items > 1)
        )
        before = rng.integers(1, max(items, 2), CHUNK)
        hours = population.pause_median_hours * np.exp(
            population.pause_sigma * rng.standard_normal(CHUNK)
        )
        pause = 3_600_000 * np.minimum(hours, 24 * population.longest_pause_days)
        return (
            np.where(is_pausing, before, 0),
            np.where(is_pausing, pause, 0.0).astype(np.int64),
        )

    def _draw_answers(
        self, rng: np.random.Generator, traits: FloatArray, careless: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int8]:
        bank = self.bank
        unique = np.sqrt(1.0 - bank.loading**2).astype(np.float32)
        latent = rng.standard_normal((CHUNK, len(bank.codes)), dtype=np.float32) * unique
        latent += (traits[:, bank.trait] * bank.loading).astype(np.float32)
        values = np.ones(latent.shape, np.int8)
        for step in range(bank.threshold.shape[1]):
            values += latent > bank.threshold[:, step].astype(np.float32)
        values[:, bank.is_reversed] = 6 - values[:, bank.is_reversed]
        straight = 1 + pick(rng, list(self.plan.population.straight_line_values))
        is_straight = rng.random(CHUNK) < self.plan.population.straight_line_share
        random = rng.integers(1, 6, values.shape, dtype=np.int8)
        careless_values = np.where(is_straight[:, None], straight[:, None], random)
        values[careless] = careless_values[careless]
        return values

    def _settle(
        self, started: IntArray, finished: IntArray, answered: IntArray, elapsed: IntArray
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Return status, answers and last moment as they are known when the period ends."""
        items = len(self.bank.codes)
        end = midnight(self.plan.start) + self.plan.days * MICROSECONDS_PER_DAY
        running = finished >= end
        in_time = np.sum(started[:, None] + 1000 * elapsed < end, axis=1) if running.any() else 0
        answered = np.where(running, in_time, answered)
        recent = started >= end - self._patience
        unfinished = np.where(recent, STARTED, ABANDONED)
        status = np.where(answered == items, COMPLETED, unfinished)
        last = np.take_along_axis(elapsed, np.maximum(answered - 1, 0)[:, None], axis=1)[:, 0]
        cut = started + 1000 * np.where(answered > 0, last, 0)
        return status, answered, np.where(running, cut, finished)

    def _draw_ratings(
        self, index: int, values: npt.NDArray[np.int8]
    ) -> tuple[FloatArray, FloatArray]:
        """Return scores and confidences of both raters, all responses taken as completed."""
        rng, population = stream(self.plan.seed, Purpose.RATERS, index), self.plan.population
        truth = complete_scores(self.bank, values)[:, :, None]
        bias = np.array([r.bias_points for r in population.raters])
        sd = np.array([r.error_sd_points for r in population.raters])
        rho = population.rater_error_correlation
        error = rng.standard_normal((CHUNK, 5, 2))
        error[:, :, 1] = rho * error[:, :, 0] + np.sqrt(1.0 - rho**2) * error[:, :, 1]
        error *= sd
        # Cut the error alike on both sides to the room that is left on the scale: a cut on one
        # side only would shift the bias, which is to be exact.
        room = np.maximum(np.minimum(truth + bias, 100.0 - truth - bias), 0.0)
        error = np.clip(error, -room, room)
        ratings = np.round(np.clip(truth + bias + error, 0.0, 100.0), 2)
        doubt = np.abs(error) / (4.0 * sd) + 0.1 * rng.random((CHUNK, 5, 2))
        confidences = np.round(np.clip(0.98 - 0.4 * doubt, 0.3, 0.98), 3).astype(np.float64)
        return ratings, confidences


def elapsed_milliseconds(
    milliseconds: npt.NDArray[np.int32], pause_before: IntArray, pause: IntArray
) -> IntArray:
    """Return the time from the start to each answer, pauses included, shape ``(n, n_items)``."""
    elapsed = np.cumsum(milliseconds, axis=1, dtype=np.int64)
    paused = np.flatnonzero(pause_before)
    is_later = np.arange(elapsed.shape[1]) >= pause_before[paused, None]
    elapsed[paused] += np.where(is_later, pause[paused, None], 0)
    return elapsed


def complete_scores(bank: ItemBank, values: npt.NDArray[np.int8]) -> FloatArray:
    """Return the ``(n, 5)`` scores (0 to 100) of responses ``(n, n_items)`` without gaps."""
    keyed = np.where(bank.is_reversed, 6 - values, values).astype(np.float32)
    member = (bank.trait[:, None] == np.arange(5)).astype(np.float32)
    count = member.sum(axis=0)
    return np.asarray((keyed @ member - count) / (4.0 * count) * 100.0, dtype=np.float64)


def expected_daily_shares(plan: Plan) -> FloatArray:
    """Return the expected share of the plan's responses per day, shape ``(days,)``."""
    return np.diff(_cumulative_volume(plan)[::24])


def _cumulative_volume(plan: Plan) -> FloatArray:
    """Return the share of volume before each hour of the period, shape ``(24 * days + 1,)``."""
    population = plan.population
    days = [plan.start + timedelta(days=offset) for offset in range(plan.days)]
    daily = [
        population.weekday_volume[day.weekday()] * population.month_volume[day.month - 1]
        for day in days
    ]
    hourly = np.outer(daily, population.hour_volume).ravel()
    return np.concatenate([[0.0], np.cumsum(hourly) / hourly.sum()])


def _cut(chunk: Chunk, count: int) -> Chunk:
    head = slice(0, count)
    arrays = [getattr(chunk, name)[head] for name in Chunk.__slots__[2:]]
    return Chunk(chunk.first, chunk.people.rows(head), *arrays)
