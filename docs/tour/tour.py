"""A walk through the platform on made-up data: every question an analyst asks, and its answer.

    python docs/tour/tour.py                     in a home folder that is thrown away
    python docs/tour/tour.py --home tour-home    kept, to go on asking

Each stop is a function of a few lines that can be copied. docs/tour/README.md says what to look at.
"""

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ioc_analytics import AnalyticsError, AnalyticsSystem, create_analytics_system
from ioc_analytics.synthetic.files import generate_files

YEAR = {"start": "2025-01-01", "end": "2026-01-01"}


def take_in_files(analytics: AnalyticsSystem, folder: Path) -> None:
    """Ingest: identified files go in, pseudonymised rows and a receipt come out."""
    (batch,) = generate_files(
        folder / "year", responses=4_500, seed=7, duplicate_share=0.01, dirty_share=0.002,
        organizations=40,
    ).batches  # fmt: skip
    receipt = analytics.ingest_files(batch)
    print(f"{receipt.records_processed:,} records: {receipt.accepted:,} accepted, "
          f"{receipt.duplicates:,} duplicates, {receipt.quarantined} put aside")  # fmt: skip
    again = analytics.ingest_files(batch)
    print(f"the same files again: {again.accepted} accepted")
    analytics.refresh()


def see_the_traits(analytics: AnalyticsSystem, folder: Path) -> None:
    """OCEAN: distributions, correlations and reliability; exact at any moment."""
    ocean = analytics.get_ocean_analysis(time_range=YEAR)
    for trait in ocean.traits:
        interval, alpha = trait.confidence_interval, trait.reliability.alpha
        print(f"{trait.name:18} mean {trait.average:.1f} "
              f"[{interval.low:.1f}, {interval.high:.1f}], "
              f"median {trait.percentiles[50]:.1f}, alpha {alpha:.2f}")  # fmt: skip
    pair = ocean.correlations["extraversion"]["neuroticism"]
    print(f"extraversion and neuroticism: r {pair.r:.2f}, n {pair.sample_size:,}")


def compare_groups(analytics: AnalyticsSystem, folder: Path) -> None:
    """Comparisons: Welch's test, effect sizes, and what the tests take for granted."""
    found = analytics.compare_groups("gender", time_range=YEAR)
    for trait in found.traits:
        if trait.welch and trait.variance_explained:
            print(f"{trait.name:18} p {trait.adjusted_p_value:.3f}, "
                  f"explains {100 * trait.variance_explained.omega_squared:.1f} %")  # fmt: skip
    print(f"careful: {found.warnings[0]}")


def follow_the_traits(analytics: AnalyticsSystem, folder: Path) -> None:
    """Longitudinal: each trait by month or quarter."""
    history = analytics.ocean_over_time("quarterly", time_range=YEAR).to_frame()
    print(history[history["trait"] == "openness"].round(2).to_string(index=False))


def place_a_person(analytics: AnalyticsSystem, folder: Path) -> None:
    """Norms: made once, named, and the same for ever; the narrowest group that is large enough."""
    made = analytics.create_norms("2025", YEAR, minimum_n=100)
    print(f"{made.groups} groups of {made.responses:,} responses")
    for gender, age_band in ((None, None), ("female", "25_34")):
        place = analytics.norm_percentile("ipip50", "openness", 75, None, gender, age_band)
        low, high = place.confidence_interval.low, place.confidence_interval.high
        print(f"75 points of openness: percentile {place.percentile:.0f} [{low:.0f}, {high:.0f}] "
              f"among {place.sample_size:,} of level {place.level}")  # fmt: skip


def look_for_outliers(analytics: AnalyticsSystem, folder: Path) -> None:
    """Outliers: responses far from all others, and odd months of segments."""
    found = analytics.find_outliers(time_range=YEAR)
    for instrument, counts in found.by_instrument.items():
        print(f"{instrument}: {counts.far_responses} responses lie far off")
    print(f"{len(found.segments)} of {found.judged_months} months of segments stand out")


def look_for_carelessness(analytics: AnalyticsSystem, folder: Path) -> None:
    """Careless responding: how many, by which signs, and what they do to the means."""
    found = analytics.analyze_careless(time_range=YEAR)
    rate = found.rates[0]
    print(f"{rate.dimension} {rate.segment}: {100 * rate.rate:.1f} % of {rate.sample_size:,}")
    for sign in found.indices["ipip50"]:
        print(f"{sign.name:11} {sign.cut_off}: {sign.flagged}")


def ask_the_items(analytics: AnalyticsSystem, folder: Path) -> None:
    """Item functioning: do people of equal trait answer an item alike?"""
    found = analytics.analyze_item_functioning("gender", "ipip50", "female", "male")
    classes = [item.item_class for items in found.traits.values() for item in items]
    print({name: classes.count(name) for name in "ABC"}, found.warnings[:1])


def meet_the_peers(analytics: AnalyticsSystem, folder: Path) -> None:
    """Benchmarks: an organization among its peers, never in a league table."""
    largest = analytics.query(
        "SELECT org_hash FROM anonymized_assessment_responses GROUP BY 1 ORDER BY count(*) DESC"
    ).data[0]["org_hash"]
    found = analytics.get_benchmarks(largest, time_range=YEAR)
    if found.performance_index:
        print(f"performance index {found.performance_index.value:.0f}")
    for name, one in found.shown.items():
        print(f"{name:20} {one.value:6.1f} {one.unit}, peers {one.peer_median:.1f} "
              f"({one.peer_organizations} of level {one.peer_level})")  # fmt: skip
    print([advice.description for advice in found.recommendations] or "nothing to recommend")


def measure(analytics: AnalyticsSystem, folder: Path) -> None:
    """Metrics: a value with its interval; people cluster in organizations, and it is said."""
    for name in ("completion_rate", "careless_rate", "median_time_spent"):
        found = analytics.analyze_metric(name, {"industry": "Technology"}, YEAR)
        if found.confidence:
            print(f"{name:18} {found.value:.3f} {found.unit} [{found.confidence.low:.3f}, "
                  f"{found.confidence.high:.3f}] by {found.confidence.method}, "
                  f"n {found.sample_size:,}")  # fmt: skip


def judge_trends(analytics: AnalyticsSystem, folder: Path) -> None:
    """Trends: direction, slope, season, jumps; undetermined where nobody can tell."""
    for interval in ("daily", "monthly"):
        found = analytics.analyze_trends("response_volume", YEAR, interval)
        print(f"{interval}: {found.trend} over {found.sample_size} periods")
        for entry in found.withheld[:1]:
            print(f"  {entry['figure']}: {entry['reason']}")


def look_ahead(analytics: AnalyticsSystem, folder: Path) -> None:
    """Forecasts: models race over the past, and intervals are as wide as their errors were."""
    found = analytics.forecast("response_volume", 8, "weekly")
    for point in found.points[:2]:
        print(f"week of {point.start}: {point.value:.0f} "
              f"[{point.interval.low:.0f}, {point.interval.high:.0f}]")  # fmt: skip
    print(
        f"by {found.model}; repeating the last season was {'' if found.naive_wins else 'not '}best"
    )


def see_who_will_complete(analytics: AnalyticsSystem, folder: Path) -> None:
    """Completion: which of the responses open now will be completed, and can it be trusted?"""
    found = analytics.predict_completion()
    low, high = found.interval.low, found.interval.high
    print(f"{found.value:.1f} [{low:.1f}, {high:.1f}] of {found.open_responses} open ones within "
          f"{found.horizon_days} days, by {found.model}")  # fmt: skip
    calibration = found.accuracy.backtest.calibration
    if calibration:
        slope = calibration.slope_interval
        print(f"over {found.accuracy.evaluated:,} later ones: calibration {calibration.slope:.2f} "
              f"[{slope.low:.2f}, {slope.high:.2f}]")  # fmt: skip
    for row in found.to_frame().iloc[[0, -1]].itertuples():
        print(f"open for {row.hours_open:.0f} hours: probability {row.probability:.2f}")


def be_warned(analytics: AnalyticsSystem, folder: Path) -> None:
    """Risks: early warnings, with the rate of false ones said beforehand."""
    found = analytics.assess_risks()
    for one in found.watched:
        print(f"{one.metric:20} {one.weighted:.3f} within [{one.interval.low:.3f}, "
              f"{one.interval.high:.3f}], p {one.p_value:.2f}")  # fmt: skip
    print(f"{len(found.risks)} raised; {100 * found.false_alarm_rate:.1f} % would be by chance")


def plan_resources(analytics: AnalyticsSystem, folder: Path) -> None:
    """Planning: what is used up when; unknown where nothing was measured yet."""
    for one in analytics.plan_resources(60).resources:
        value = "unknown" if one.value is None else f"{one.value:.0f} {one.unit}"
        print(f"{one.resource:12} {value}, used up {one.exhausted or '-'}; {one.reason}")


def ask_in_sql(analytics: AnalyticsSystem, folder: Path) -> None:
    """Query: your own SQL, with parameters, read-only; asked twice, it comes from the cache."""
    statement = "SELECT region, count(*) AS n FROM anonymized_assessment_responses " \
                "WHERE created_at >= $1 GROUP BY 1 ORDER BY 2 DESC"  # fmt: skip
    for _ in range(2):
        found = analytics.query(statement, ["2025-07-01T00:00:00Z"], {"max_rows": 2})
        print(found.data, f"truncated: {found.truncated}, from cache: {found.from_cache}")


def ask_in_names(analytics: AnalyticsSystem, folder: Path) -> None:
    """Aggregation: the same without SQL."""
    found = analytics.execute_aggregation_query(
        "anonymized_assessment_responses",
        {
            "group_by": ["device_type"],
            "measures": ["count", "avg(time_spent_seconds)"],
            "filters": [{"field": "status", "operator": "eq", "value": "completed"}],
        },
    )
    print(found.to_frame().to_string(index=False))


def take_data_out(analytics: AnalyticsSystem, folder: Path) -> None:
    """Export: counted, harmless to a spreadsheet, with a manifest beside it."""
    for form in ("csv", "parquet"):
        found = analytics.export_data("SELECT * FROM anonymized_assessment_scores", (), form)
        print(f"{found.filename}: {found.row_count:,} rows, SHA-256 {found.checksum[:12]}...")


def write_a_report(analytics: AnalyticsSystem, folder: Path) -> None:
    """Report: one HTML file that opens offline, prints, and fits a phone."""
    found = analytics.generate_report({"title": "A year of OCEAN", "time_range": YEAR})
    print(f"{found.path.name}: {', '.join(section.title for section in found.sections)}")


def feed_a_model(analytics: AnalyticsSystem, folder: Path) -> None:
    """Machine learning: features known at the cut-off only, parted in time; results are kept."""
    moments = [datetime(2025, 1, 15, tzinfo=UTC) + timedelta(days=14 * step) for step in range(24)]
    gathered = analytics.training_frame("completion", moments, window_days=14)
    kept = gathered.export(analytics.config.exports.path / "completion.parquet")
    print(f"{kept.filename}: {kept.row_count:,} rows of {', '.join(gathered.features[:4])}, ...")
    train, test = gathered.split("2025-08-01")
    print(f"{len(train)} rows to learn from, {len(test)} later ones to be judged by")
    base = float(train["target"].mean())
    brier = float(((test["target"] - base) ** 2).mean())
    analytics.store_prediction_results(
        [
            {
                "model_name": "base rate",
                "model_version": "1",
                "prediction_target": "completion",
                "prediction": base,
                "accuracy_metrics": {"brier": brier},
            }
        ]
    )


def compare_the_raters(analytics: AnalyticsSystem, folder: Path) -> None:
    """AI validation: how far two raters agree, by day, trait and pair; small days are withheld."""
    found = analytics.query(
        "SELECT dimension, sum(n) AS n, avg(bias) AS bias, avg(agreement_rate) AS agreement "
        "FROM dual_ai_validation_metrics WHERE withheld_reason IS NULL GROUP BY 1 ORDER BY 1"
    )
    print(found.to_frame().round(2).to_string(index=False))


def be_refused(analytics: AnalyticsSystem, folder: Path) -> None:
    """Refusals: what was asked, what was found, what to do."""
    questions: list[Callable[[], Any]] = [
        lambda: analytics.analyze_metric("completion_rat"),
        lambda: analytics.get_ocean_analysis(time_range={"end": "2021-01-01"}),
        lambda: analytics.query("DELETE FROM anonymized_assessments"),
    ]
    for ask in questions:
        try:
            ask()
        except AnalyticsError as refusal:
            print(f"{type(refusal).__name__}: {refusal}")


STOPS = (
    take_in_files,
    see_the_traits,
    compare_groups,
    follow_the_traits,
    place_a_person,
    look_for_outliers,
    look_for_carelessness,
    ask_the_items,
    meet_the_peers,
    measure,
    judge_trends,
    look_ahead,
    see_who_will_complete,
    be_warned,
    plan_resources,
    ask_in_sql,
    ask_in_names,
    take_data_out,
    write_a_report,
    feed_a_model,
    compare_the_raters,
    be_refused,
)


def walk(analytics: AnalyticsSystem, folder: Path) -> None:
    """Go from stop to stop; ``folder`` takes the made-up files."""
    for number, stop in enumerate(STOPS, start=1):
        print(f"\n{number}. {(stop.__doc__ or '').strip()}\n")
        stop(analytics, folder)


def main() -> None:
    """Walk on a platform of the tour's own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="home folder to keep; must be new")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ioc-tour-") as scratch:
        home = arguments.home or Path(scratch, "home")
        with create_analytics_system(home=home) as analytics:
            analytics.initialize()
            walk(analytics, Path(scratch))


if __name__ == "__main__":
    main()
