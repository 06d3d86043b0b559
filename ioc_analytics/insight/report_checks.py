"""Sections of a report about what was checked: outliers, AI raters, norms.

For: ``insight.report_sections``, which knows their order. Not for: the checks themselves
(``insight.outliers``, ``insight.ai_validation``, ``insight.norms``).
"""

from collections.abc import Sequence
from typing import Final

from ioc_analytics.insight.ai_validation import (
    AiValidation,
    RaterAgreement,
    analyze_ai_validation,
)
from ioc_analytics.insight.norms import NormVersion, choose_version, list_norms
from ioc_analytics.insight.outliers import Outliers, find_outliers
from ioc_analytics.insight.report_pieces import (
    Picture,
    Question,
    Section,
    Table,
    dated,
    number,
    p_value,
    since,
    span,
)
from ioc_analytics.pictures import Range, figures_with_ranges
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.records.vocabularies import ALL, TRAITS
from ioc_analytics.states.norms import read_norms
from ioc_analytics.states.reading import snapshot
from ioc_analytics.statistics.distributions import percentiles
from ioc_analytics.statistics.intervals import ConfidenceInterval

MOST_RATED: Final = 50_000
"""Responses of a pair of raters that a report takes: enough for a bias within 0.1 points, where a
million would take as long as all other sections. ``analyze_ai_validation`` takes all."""

MOST_DISTANCES: Final = 100_000
"""Responses of an instrument whose distances a report takes; ``find_outliers`` takes all."""

_NORM_POINTS: Final = (10, 25, 50, 75, 90)


def outliers(name: str, title: str, question: Question) -> Section:
    """Lay out limits and far months; single responses are counted, never named."""
    q = question
    answer = find_outliers(
        q.connection,
        q.filters,
        q.time_range,
        q.organization,
        history=q.history_range,
        most=MOST_DISTANCES,
    )
    limits = tuple(
        (
            trait,
            instrument,
            one.method.replace("_", " "),
            f"{one.sample_size:,}",
            number(one.low),
            number(one.high),
            f"{one.below:,}",
            f"{one.above:,}",
        )
        for instrument, found in answer.by_instrument.items()
        for trait, both in found.limits.items()
        for one in both
    )
    months = tuple(
        (
            one.segment,
            one.instrument,
            one.trait,
            f"{one.month:%Y-%m}",
            f"{one.sample_size:,}",
            number(one.average),
            f"{one.difference:+.1f}",
            p_value(one.adjusted_p_value),
        )
        for one in answer.segments
    )
    note = f"{dated(answer.as_of)}; each row has its n; points of 0 to 100"
    columns = ("trait", "instrument", "limits", "n", "low", "high", "below", "above")
    tables = [Table(f"Scores beyond the limits. {note}.", columns, limits)] if limits else []
    if months:
        columns = (
            "segment",
            "instrument",
            "trait",
            "month",
            "n",
            "mean",
            "difference",
            "p, adjusted",
        )
        caption = f"Months that break with their own history, {since(q.history_range)}. {note}."
        tables.append(Table(caption, columns, months))
    return Section(
        name,
        title,
        note,
        tables=tuple(tables),
        remarks=_far(answer, q.history_range),
        withheld=answer.withheld,
        figures={key: value for key, value in answer.to_dict().items() if key != "responses"},
    )


def _far(answer: Outliers, history: TimeRange) -> tuple[str, ...]:
    counted = (
        f"{name}: {found.far_responses:,} of {found.vectors:,} responses lie far off in the five "
        "traits together"
        + (
            f" (a sample of {found.share:.1%} that is drawn by pseudonyms; find_outliers takes all)"
            if found.share < 1
            else ""
        )
        for name, found in answer.by_instrument.items()
        if found.vectors is not None and found.far_responses is not None
    )
    months = (
        f"{answer.judged_months:,} months of industries and regions were judged, "
        f"{since(history)}: {len(answer.segments):,} stand out"
    )
    return (*counted, months, "a far score is no fault")


def ai_validation(name: str, title: str, question: Question) -> Section:
    """Lay out the agreement of the raters, and weeks in which one broke with its history."""
    answer = analyze_ai_validation(
        question.connection,
        question.time_range,
        history=question.history_range,
        most=MOST_RATED,
    )
    note = f"{dated(answer.as_of)}; each row has its n; points of 0 to 100, intervals in brackets"
    by_pair: dict[str, list[RaterAgreement]] = {}
    for one in answer.agreements:
        pair = f"{one.primary_model} and {one.secondary_model}"
        by_pair.setdefault(pair, []).append(one)
    filtered = ("AI validation takes the time range, not the filters",) if question.filters else ()
    return Section(
        name,
        title,
        note,
        tuple(_differences(pair, found, note) for pair, found in by_pair.items()),
        (
            *(t for pair, found in by_pair.items() for t in _agreements(pair, found, note)),
            *_drift(answer, note),
        ),
        remarks=(*filtered, *_drawn(answer), _judged(answer, question.history_range)),
        withheld=answer.withheld,
        figures=answer.to_dict(),
    )


def _differences(pair: str, found: Sequence[RaterAgreement], note: str) -> Picture:
    ranges = [
        Range(one.dimension, limits.bias, limits.limit_low, limits.limit_high)
        for one in found
        for limits in (one.agreement.limits,)
    ]
    what = f"{pair}: mean difference, and the limits that hold 95 % of differences"
    return Picture(f"{what}. {note}.", figures_with_ranges(ranges, "points"))


def _agreements(pair: str, found: Sequence[RaterAgreement], note: str) -> tuple[Table, Table]:
    limits = tuple(
        (
            one.dimension,
            f"{one.sample_size:,}",
            f"{measured.bias:+.1f} ({span(measured.bias_interval)})",
            f"{measured.limit_low:.1f} to {measured.limit_high:.1f}",
            number(measured.mean_absolute_difference),
        )
        for one in found
        for measured in (one.agreement.limits,)
    )
    coefficients = tuple(
        (
            one.dimension,
            f"{one.sample_size:,}",
            _with_interval(measured.icc.icc, measured.icc.confidence_interval),
            _with_interval(measured.kappa.kappa, measured.kappa.confidence_interval),
            _with_interval(measured.rate.rate, measured.rate.confidence_interval),
        )
        for one in found
        for measured in (one.agreement,)
    )
    columns = ("trait", "n", "bias", "limits of agreement", "mean absolute difference")
    first = Table(f"Differences of {pair}. {note}.", columns, limits)
    columns = ("trait", "n", "ICC(2,1)", "weighted kappa", "share within 10 points")
    return first, Table(f"Agreement of {pair}. {note}.", columns, coefficients)


def _drift(answer: AiValidation, note: str) -> tuple[Table, ...]:
    rows = tuple(
        (
            one.model,
            one.dimension,
            f"{one.week:%Y-%m-%d}",
            f"{one.sample_size:,}",
            f"{one.distance:+.1f}",
            f"{one.difference:+.1f}",
            p_value(one.adjusted_p_value),
        )
        for one in answer.drift
    )
    columns = ("rater", "trait", "week from", "n", "off the questionnaire", "off its history",
               "p, adjusted")  # fmt: skip
    caption = f"Weeks that break with a rater's history. {note}."
    return (Table(caption, columns, rows),) if rows else ()


def _drawn(answer: AiValidation) -> tuple[str, ...]:
    """Say what was drawn of the responses, where there were too many for a report."""
    sampled = [one for one in answer.agreements if one.sample_size < one.scored]
    if not sampled and answer.drift_share == 1:
        return ()
    least = min(sampled or answer.agreements, key=lambda one: one.sample_size)
    return (
        "from a sample that is drawn by pseudonyms: at least "
        f"{least.sample_size:,} of {least.scored:,} responses of a trait for agreement, "
        f"{answer.drift_share:.1%} of responses for drift; analyze_ai_validation takes all",
    )


def _judged(answer: AiValidation, history: TimeRange) -> str:
    weeks = ", ".join(f"{model} {n:,}" for model, n in answer.judged_weeks.items())
    return (
        f"weeks of traits judged by their own history, {since(history)}: {weeks}; "
        f"{len(answer.drift):,} stand out"
    )


def norms(name: str, title: str, question: Question) -> Section:
    """Lay out the norm version that stored scores have: the whole group of each instrument."""
    with snapshot(question.connection):
        chosen = choose_version(list_norms(question.connection), None)
        stored = read_norms(question.connection, chosen.version)
    everybody = (ALL, ALL, ALL)
    groups = {
        (instrument, trait): counts
        for (instrument, trait, group), counts in stored.items()
        if group == everybody
    }
    rows = tuple(
        (
            trait,
            instrument,
            f"{int(found.counts.sum()):,}",
            *(number(score) for score in percentiles(found.values, found.counts, _NORM_POINTS)),
        )
        for instrument in chosen.instruments
        for trait in TRAITS
        if (found := groups.get((instrument, trait))) is not None
    )
    note = f"norm version {chosen.version}, {dated(chosen.as_of)}; each row has its n"
    columns = ("trait", "instrument", "n", *(f"p{point}" for point in _NORM_POINTS))
    return Section(
        name,
        title,
        note,
        tables=(Table(f"Scores at percentiles of everybody. {note}.", columns, rows),),
        remarks=(_described(chosen),),
        figures=chosen.to_dict(),
    )


def _described(chosen: NormVersion) -> str:
    start = f"{chosen.range_start:%Y-%m-%d}" if chosen.range_start else "the first"
    end = f"{chosen.range_end:%Y-%m-%d}" if chosen.range_end else "the last"
    return (
        f"made from {chosen.responses:,} responses, {start} to {end}; {chosen.groups:,} groups by "
        f"region, gender and age band of at least {chosen.minimum_n:,} scores"
    )


def _with_interval(value: float | None, interval: ConfidenceInterval | None) -> str:
    return number(value, 2) if interval is None else f"{number(value, 2)} ({span(interval, 2)})"
