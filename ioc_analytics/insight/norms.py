"""Norm tables by version: making, listing and asking them, and giving stored scores percentiles.

For: the facade, refresh. Not for: how groups are counted and kept (``states.norms``) or the formula
(``statistics.norms``).
"""

import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import dict_row

from ioc_analytics.database.locks import advisory_lock, transaction_lock
from ioc_analytics.database.pools import Database
from ioc_analytics.kernel import sqlfiles
from ioc_analytics.kernel.errors import InvalidInput, NotEnoughData
from ioc_analytics.kernel.suggestions import did_you_mean
from ioc_analytics.records.answers import to_json
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.vocabularies import ALL, TRAITS
from ioc_analytics.states.catalogue import read_categories
from ioc_analytics.states.norms import (
    NORM_DIMENSIONS,
    NormCounts,
    Norms,
    count_groups,
    fall_back,
    read_norms,
    write_groups,
)
from ioc_analytics.states.rebuild import adjacent_days, midnight, next_month
from ioc_analytics.states.rows import plan_for_many
from ioc_analytics.statistics.intervals import ConfidenceInterval
from ioc_analytics.statistics.norms import mid_rank_interval, mid_rank_percentiles

if TYPE_CHECKING:
    import pandas as pd

FEWEST_SCORES: Final = 10
"""No norm group may be smaller, whatever minimum is asked for: a table that never changes must not
hold people who stand out."""

NORMS_LOCK: Final = "norms"

_FILLED: Final = (
    "instruments", "dimensions", "regions", "genders", "age_bands", "scores", "percentiles",
)  # fmt: skip
"""Parameters of ``fill_percentiles``, a row of theirs each."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class NormVersion:
    """One version of the norm tables."""

    version: str
    range_start: datetime | None
    range_end: datetime | None
    """Start times of its responses, half-open; None: no limit."""

    has_careless: bool
    """Whether responses flagged as careless are in it."""

    minimum_n: int
    """Fewest scores of a group."""

    is_crossed: bool
    """Whether it has groups of a region and a gender or age band; they need rows."""

    responses: int
    """Scored responses that it was made from."""

    as_of: datetime | None
    """When the newest batch had been loaded."""

    published_at: datetime
    groups: int
    """Groups of all instruments that were large enough."""

    instruments: tuple[str, ...]
    is_current: bool
    """Whether stored scores have its percentiles."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


class NormVersions(tuple[NormVersion, ...]):
    """Published versions, the newest first."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the versions ready for JSON."""
        return {"norms": [one.to_dict() for one in self]}

    def to_frame(self) -> "pd.DataFrame":
        """Return one row per version."""
        import pandas as pd

        columns = [field.name for field in fields(NormVersion)]
        return pd.DataFrame([asdict(one) for one in self], columns=columns)


@dataclass(frozen=True, slots=True)
class NormPercentile:
    """Where a score stands in a norm group."""

    instrument: str
    trait: str
    score: float
    """Points of 0 to 100."""

    percentile: float
    """Mid-rank percentile, 0 to 100."""

    confidence_interval: ConfidenceInterval
    """Of the percentile: the group is a sample."""

    sample_size: int
    """Scores in the group."""

    version: str
    level: str
    """What the group is split by, such as ``region_gender``; ``all``: everybody."""

    region: str
    gender: str
    age_band: str
    """The group; ``all`` where it is not split by one."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class NormReceipt:
    """What giving a version to the stored scores has changed."""

    version: str
    months: tuple[date, ...]
    """Months that were looked at."""

    changed: int
    """Scores whose percentile or version is another one now."""

    duration_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt ready for JSON."""
        return {name: to_json(value) for name, value in asdict(self).items()}


def create_norms(
    database: Database,
    version: str,
    time_range: TimeRange,
    minimum_n: int,
    *,
    with_careless: bool,
) -> NormVersion:
    """Make and publish a version of the norm tables; it never changes afterwards.

    Args:
        database: The database.
        version: Its name: letters, digits, dots, dashes, underscores.
        time_range: Start times of the responses, half-open.
        minimum_n: Fewest scores of a group, at least 10.
        with_careless: Whether responses flagged as careless count too.

    Raises:
        InvalidInput: The name or minimum is not allowed, or there is a version of this name.
        NotEnoughData: No group of any instrument has the minimum.
    """
    if not _NAME.fullmatch(version):
        raise InvalidInput(
            "a norm version is named by up to 64 letters, digits, dots, dashes and underscores, "
            f"found {version!r}"
        )
    if minimum_n < FEWEST_SCORES:
        raise InvalidInput(
            f"a norm group has at least {FEWEST_SCORES} scores, {minimum_n} was asked for"
        )
    with database.connection("analyst") as connection:
        groups = count_groups(connection, time_range, with_careless=with_careless)
    parameters = {
        "version": version,
        "range_start": time_range.start,
        "range_end": time_range.end,
        "has_careless": with_careless,
        "minimum_n": minimum_n,
        "is_crossed": groups.is_crossed,
        "responses": groups.responses,
        "as_of": groups.as_of,
    }
    with database.connection("ingest") as connection:
        if not connection.execute(
            sqlfiles.query("insight/add_norm_version"), parameters
        ).fetchone():
            raise InvalidInput(
                f"there is a norm version {version!r} already, and published ones never change; "
                "give the new one another name"
            )
        if not write_groups(connection, version, groups, minimum_n):
            raise NotEnoughData(
                f"no norm group has {minimum_n} scores of one instrument: {groups.responses:,} "
                "scored responses were found in all; ask for a longer range or a lower minimum_n"
            )
        connection.execute(sqlfiles.query("insight/publish_norm_version"), {"version": version})
        return _find_version(list_norms(connection), version)


def list_norms(connection: psycopg.Connection[Any]) -> NormVersions:
    """Return the published versions, the newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sqlfiles.query("insight/norm_versions")).fetchall()
    return NormVersions(
        NormVersion(**row | {"instruments": tuple(row["instruments"])}) for row in rows
    )


def norm_percentile(
    connection: psycopg.Connection[Any],
    instrument: str,
    trait: str,
    score: float,
    *,
    region: str | None,
    gender: str | None,
    age_band: str | None,
    version: str | None,
) -> NormPercentile:
    """Place a score in the narrowest norm group that there is for a person.

    Args:
        connection: A connection of the analyst's role.
        instrument: Name of the questionnaire.
        trait: One of the five.
        score: Points of 0 to 100.
        region: Region of the person; None or ``unknown``: not known.
        gender: Gender of the person, likewise.
        age_band: Age band of the person, likewise.
        version: Norm version; None: the one that stored scores have, else the newest.

    Raises:
        InvalidInput: An unknown name, or a score outside 0 to 100.
        NotEnoughData: There are no norms, or none of this instrument and trait.
    """
    if trait not in TRAITS:
        raise InvalidInput(
            f"unknown trait {trait!r}{did_you_mean(trait, TRAITS)}; traits are {', '.join(TRAITS)}"
        )
    if not (math.isfinite(score) and 0 <= score <= 100):
        raise InvalidInput(f"a score is 0 to 100 points, found {score}")
    categories = read_categories(connection)
    person = zip(NORM_DIMENSIONS, (region, gender, age_band), strict=True)
    for name, word in (("instrument", instrument), *person):
        known = categories[name].values()
        if word is not None and word not in known:
            raise InvalidInput(
                f"{name} knows no {word!r}{did_you_mean(word, known)}; "
                f"known are {', '.join(sorted(known))}"
            )
    chosen = choose_version(list_norms(connection), version)
    norms = read_norms(connection, chosen.version, instrument, trait)
    for group in fall_back(region, gender, age_band):
        found = norms.get((instrument, trait, group))
        if found is not None:
            return NormPercentile(
                instrument,
                trait,
                float(score),
                float(mid_rank_percentiles(found.values, found.counts, score)),
                mid_rank_interval(found.values, found.counts, score),
                int(found.counts.sum()),
                chosen.version,
                _level(group),
                *group,
            )
    raise NotEnoughData(
        f"norm version {chosen.version!r} has no group of {chosen.minimum_n} scores of {trait} in "
        f"{instrument}; it covers {', '.join(chosen.instruments)}"
    )


def apply_norms(
    database: Database, version: str, progress: Callable[[date], None] | None = None
) -> NormReceipt:
    """Give the stored scores the percentiles of a version; safe to repeat.

    The version is current from the start, so that a refresh meanwhile fills in the same one; then
    month by month, each in a transaction of its own under the month's lock.

    Args:
        database: The database.
        version: A published version.
        progress: Called after each month.

    Raises:
        InvalidInput: There is no such version; the nearest is named.
        Unavailable: Another process applies norms: two at once would leave a mixture.
    """
    with (
        database.connection("ingest") as connection,
        advisory_lock(connection, NORMS_LOCK, wait=False),
    ):
        # The lock belongs to the session; an open transaction would keep vacuum from its work.
        connection.commit()
        return _apply(database, version, progress)


def _apply(
    database: Database, version: str, progress: Callable[[date], None] | None
) -> NormReceipt:
    started = time.monotonic()
    with database.connection("ingest") as connection:
        chosen = _find_version(list_norms(connection), version)
        connection.execute(sqlfiles.query("insight/make_norms_current"), {"version": version})
        norms = read_norms(connection, chosen.version)
        months = [month for (month,) in connection.execute(sqlfiles.query("states/months"))]
    changed = 0
    for month in months:
        with database.connection("ingest") as connection:
            transaction_lock(connection, f"states {month:%Y-%m}")
            changed += _fill(connection, chosen.version, norms, month, next_month(month))
        if progress:
            progress(month)
    return NormReceipt(chosen.version, tuple(months), changed, time.monotonic() - started)


def fill_percentiles(connection: psycopg.Connection[Any], days: Iterable[date]) -> int:
    """Give the scores of some days the percentiles of the current version, if there is one.

    Args:
        connection: A connection of the ingesting role that holds the lock of the days' month.
        days: Days whose rows have changed.

    Returns:
        Scores whose percentile or version is another one now.
    """
    row = connection.execute(sqlfiles.query("insight/current_norms")).fetchone()
    if row is None:
        return 0
    norms = read_norms(connection, row[0])
    return sum(_fill(connection, row[0], norms, first, last) for first, last in adjacent_days(days))


def _fill(
    connection: psycopg.Connection[Any], version: str, norms: Norms, first: date, last: date
) -> int:
    period = {"start": midnight(first), "end": midnight(last)}
    plan_for_many(connection)
    rows = connection.execute(sqlfiles.query("insight/distinct_scores"), period).fetchall()
    by_person: dict[tuple[str, ...], list[float]] = {}
    for *person, score in rows:
        by_person.setdefault(tuple(person), []).append(score)
    filled: list[tuple[Any, ...]] = []
    for person, scores in by_person.items():
        found = _group_of(norms, *person)
        percentiles: list[float | None] = [None] * len(scores)
        if found is not None:
            percentiles = mid_rank_percentiles(found.values, found.counts, scores).tolist()
        filled += [(*person, *pair) for pair in zip(scores, percentiles, strict=True)]
    if not filled:
        return 0
    columns = dict(zip(_FILLED, map(list, zip(*filled, strict=True)), strict=True))
    return connection.execute(
        sqlfiles.query("insight/fill_percentiles"), period | {"version": version} | columns
    ).rowcount


def _group_of(norms: Norms, instrument: str, trait: str, *person: str) -> NormCounts | None:
    found = (norms.get((instrument, trait, group)) for group in fall_back(*person))
    return next((counts for counts in found if counts is not None), None)


def choose_version(versions: tuple[NormVersion, ...], name: str | None) -> NormVersion:
    """Return the version of a name; without one, what stored scores have, else the newest.

    Raises:
        InvalidInput: There is no such version.
        NotEnoughData: There is no version at all.
    """
    if name is not None:
        return _find_version(versions, name)
    if not versions:
        raise NotEnoughData("there are no norms yet; make them with create_norms")
    return next((one for one in versions if one.is_current), versions[0])


def _find_version(versions: tuple[NormVersion, ...], name: str) -> NormVersion:
    known = {one.version: one for one in versions}
    if name not in known:
        raise InvalidInput(
            f"there is no norm version {name!r}{did_you_mean(name, known)}; "
            f"there are {', '.join(known) or 'none yet'}"
        )
    return known[name]


def _level(group: tuple[str, ...]) -> str:
    split = [n for n, word in zip(NORM_DIMENSIONS, group, strict=True) if word != ALL]
    return "_".join(split) or ALL
