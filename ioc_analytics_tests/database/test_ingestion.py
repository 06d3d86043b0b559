"""Taking batches in: every record accounted for, once, whatever comes twice, late or changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.files.instruments import builtin_instruments
from ioc_analytics.kernel.errors import InvalidInput, PrivacyRefusal
from ioc_analytics.privacy.pipeline import AnonymizationPipeline
from ioc_analytics.records.receipts import IngestReceipt
from ioc_analytics.synthetic.files import generate_files
from ioc_analytics.synthetic.writers import Compression, FileFormat
from ioc_analytics_tests.fixtures.batches import (
    ITEMS,
    Records,
    answers,
    assessment,
    content_fingerprint,
    content_rows,
    count,
    response,
    scores,
    validation,
    write_batch,
)

Ingest = Callable[..., IngestReceipt]


@pytest.fixture
def ingest(analytics: AnalyticsSystem, tmp_path: Path) -> Ingest:
    """Write records as a batch of files and take it in."""
    numbers = iter(range(1000))

    def take(records: Records, **options: Any) -> IngestReceipt:
        folder = write_batch(tmp_path / f"batch{next(numbers)}", records)
        return analytics.ingest_files(folder, **options)

    return take


WHOLE: Records = {
    "assessments": [assessment()],
    "responses": [response("r"), response("s", started_at="2024-03-06T10:00:00Z")],
    "question_responses": [*answers("r"), *answers("s", 1)],
    "ai_validations": [validation("r")],
}


def outcome(receipt: IngestReceipt) -> tuple[int, int, int]:
    return receipt.accepted, receipt.duplicates, receipt.quarantined


def fetch(analytics: AnalyticsSystem, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with analytics.database.connection("ingest") as connection:
        return connection.execute(statement, values).fetchall()


def vector_matches_answers(analytics: AnalyticsSystem) -> bool:
    rows = fetch(
        analytics,
        """
        SELECT v.answers, array(
            SELECT coalesce(a.value, -128) FROM internal.questions AS q
            LEFT JOIN analytics.anonymized_question_responses AS a
                ON a.question_id = q.question_id AND a.response_hash = v.response_hash
                AND a.created_at = v.created_at
            WHERE q.instrument = v.instrument ORDER BY q.question_id
        ) FROM internal.answer_vectors AS v
        """,
    )
    return all([b - 256 if b > 127 else b for b in vector] == values for vector, values in rows)


def test_every_record_of_every_kind_is_accounted_for(ingest: Ingest) -> None:
    receipt = ingest(
        {
            **WHOLE,
            "responses": [
                *WHOLE["responses"],
                response("s", started_at="2024-03-06T10:00:00Z"),
                response("t", started_at="yesterday"),
                response("u", assessment_id="nobody knows"),
                response("v", gender="no such gender", started_at="2024-03-07T10:00:00Z"),
            ],
            "question_responses": [
                *WHOLE["question_responses"],
                {"response_id": "v", "question_id": "E1", "value": 9},
                {"response_id": "v", "question_id": "E99", "value": 3},
                {"response_id": "nobody", "question_id": "E1", "value": 3},
            ],
        }
    )
    kinds = {kind: (c.received, c.accepted, c.duplicates) for kind, c in receipt.by_kind.items()}
    assert kinds == {
        "assessments": (1, 1, 0),
        "responses": (6, 3, 1),
        "question_responses": (103, 100, 0),
        "ai_validations": (1, 1, 0),
    }
    assert receipt.quarantine == {
        "not_a_date": 1,
        "orphan": 2,
        "value_out_of_range": 1,
        "unknown_item": 1,
    }
    assert receipt.repairs == {"gender:not_in_vocabulary": 1}
    assert [str(day) for day in receipt.touched_days] == ["2024-03-05", "2024-03-06", "2024-03-07"]


def test_a_batch_is_loaded_once(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    folder = write_batch(tmp_path / "batch", WHOLE)
    first = analytics.ingest_files(folder)
    before = content_rows(analytics)
    again = analytics.ingest_files(folder)
    assert again.is_duplicate
    assert again.batch_id == first.batch_id
    assert outcome(again) == (0, first.records_processed, 0)
    assert content_rows(analytics) == before


def test_frames_are_loaded_once(analytics: AnalyticsSystem) -> None:
    data = AnonymizationPipeline(analytics.config).process_data(WHOLE)
    assert analytics.ingest_data(data).accepted == 104
    assert analytics.ingest_data(data).is_duplicate
    plain = {kind: table.to_pylist()[::-1] for kind, table in data.items()}
    receipt = analytics.ingest_data(plain)
    assert not receipt.is_duplicate
    assert outcome(receipt) == (0, 104, 0)


def test_the_same_rows_in_another_file_are_duplicates(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    ingest(WHOLE)
    before = content_rows(analytics)
    backwards: Records = {kind: rows[::-1] for kind, rows in WHOLE.items()}
    receipt = ingest(backwards)
    assert not receipt.is_duplicate
    assert outcome(receipt) == (0, 104, 0)
    assert receipt.touched_days == ()
    assert content_rows(analytics) == before


CHANGES: dict[str, Records] = {
    "assessments": {**WHOLE, "assessments": [assessment(country="FI")]},
    "responses": {**WHOLE, "responses": [response("r", gender="male"), WHOLE["responses"][1]]},
    "question_responses": {
        **WHOLE,
        "question_responses": [
            {**row, "value": row["value"] % 5 + 1}
            if (row["response_id"], row["question_id"]) == ("r", "E1")
            else row
            for row in WHOLE["question_responses"]
        ],
    },
    "ai_validations": {**WHOLE, "ai_validations": [validation("r", primary_score=99.0)]},
    "scores": {**WHOLE, "scores": scores("r", 70.0)},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_one_changed_row_of_the_same_version_is_a_conflict(
    analytics: AnalyticsSystem, ingest: Ingest, kind: str
) -> None:
    n_conflicts = 1
    if kind == "scores":
        ingest({**WHOLE, "scores": scores("r", 50.0)})
        n_conflicts = 5
    else:
        ingest(WHOLE)
    before = content_rows(analytics)
    receipt = ingest(CHANGES[kind])
    assert receipt.by_kind[kind].quarantined == receipt.quarantined == n_conflicts
    assert receipt.quarantine == {"conflict": n_conflicts}
    assert receipt.accepted == 0
    assert content_rows(analytics) == before


@pytest.mark.parametrize("kind", CHANGES)
def test_replacing_takes_changed_rows_of_the_same_version(
    analytics: AnalyticsSystem,
    ingest: Ingest,
    kind: str,
    platform_factory: Callable[[], AnalyticsSystem],
    tmp_path: Path,
) -> None:
    ingest({**WHOLE, "scores": scores("r", 50.0)} if kind == "scores" else WHOLE)
    ingest(CHANGES[kind])
    receipt = ingest(CHANGES[kind], replace=True)
    assert receipt.quarantined == 0
    fresh = platform_factory()
    fresh.ingest_files(write_batch(tmp_path / "fresh", CHANGES[kind]))
    assert content_rows(analytics) == content_rows(fresh)


def test_a_newer_version_replaces_the_kinds_that_it_brings(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    ingest(WHOLE)
    later = {"updated_at": "2024-03-08T00:00:00Z"}
    receipt = ingest({"responses": [response("r", gender="male", **later)]})
    assert outcome(receipt) == (1, 0, 0)
    assert count(analytics, "analytics.anonymized_question_responses") == 100
    assert count(analytics, "internal.ai_validations") == 1
    assert count(analytics, "analytics.anonymized_assessment_responses", "gender = 'male'") == 1
    even_later = {"updated_at": "2024-03-09T00:00:00Z"}
    ingest(
        {
            "responses": [response("r", **even_later)],
            "question_responses": answers("r", 2, ITEMS[:10]),
            "ai_validations": [validation("r", dimension="neuroticism")],
        }
    )
    assert count(analytics, "analytics.anonymized_question_responses") == 60
    assert fetch(analytics, "SELECT dimension FROM internal.ai_validations") == [("neuroticism",)]
    assert vector_matches_answers(analytics)


def test_an_older_version_that_arrives_later_changes_nothing(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    newer = {"updated_at": "2024-03-08T00:00:00Z"}
    ingest(
        {
            "assessments": [assessment(country="FR", updated_at="2024-02-01T00:00:00Z")],
            "responses": [response("r", gender="male", **newer)],
            "question_responses": answers("r", 3),
            "ai_validations": [validation("r", primary_score=1.0)],
        }
    )
    before = content_rows(analytics)
    receipt = ingest(
        {
            "assessments": [assessment()],
            "responses": [response("r")],
            "question_responses": answers("r"),
            "scores": scores("r"),
            "ai_validations": [validation("r")],
        }
    )
    assert outcome(receipt) == (0, 1 + 1 + 50 + 5 + 1, 0)
    assert content_rows(analytics) == before


@pytest.mark.parametrize("with_answers", [False, True])
def test_a_corrected_start_time_moves_the_response_and_its_children(
    analytics: AnalyticsSystem,
    ingest: Ingest,
    platform_factory: Callable[[], AnalyticsSystem],
    tmp_path: Path,
    with_answers: bool,
) -> None:
    ingest(WHOLE)
    moved = response("r", started_at="2024-07-01T10:00:00Z", updated_at="2024-07-02T00:00:00Z")
    correction: dict[str, Any] = {"responses": [moved]}
    if with_answers:
        correction["question_responses"] = answers("r", 2)
    receipt = ingest(correction)
    assert [str(day) for day in receipt.touched_days] == ["2024-03-05", "2024-07-01"]
    for table, number in (
        ("analytics.anonymized_assessment_responses", 1),
        ("analytics.anonymized_question_responses", 50),
        ("analytics.anonymized_assessment_scores", 5),
        ("internal.answer_vectors", 1),
        ("internal.ai_validations", 1),
    ):
        assert count(analytics, table, "created_at >= '2024-07-01'") == number, table
        assert count(analytics, table, "created_at < '2024-07-01'") == number - (
            table.endswith("ai_validations")
        ), table
    assert vector_matches_answers(analytics)


def test_a_corrected_assessment_moves_its_responses_and_touches_their_days(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    own = response("own", started_at="2024-03-09T00:00:00Z", country="US")
    german = response("german", started_at="2024-03-09T01:00:00Z", country="DE")
    ingest({**WHOLE, "responses": [*WHOLE["responses"], own, german]})
    receipt = ingest(
        {
            "assessments": [
                assessment(
                    industry="62",
                    organization_id="other",
                    country="FI",
                    updated_at="2024-06-01T00:00:00Z",
                )
            ]
        }
    )
    assert [str(day) for day in receipt.touched_days] == ["2024-03-05", "2024-03-06", "2024-03-09"]
    other = analytics.pseudonym("organization", "other")
    assert fetch(
        analytics, "SELECT DISTINCT org_hash FROM analytics.anonymized_assessment_responses"
    ) == [(other,)]
    regions = dict(
        fetch(analytics, "SELECT id, region FROM analytics.anonymized_assessment_responses")
    )

    def region_of(name: str) -> str:
        pseudonym: UUID = analytics.pseudonym("response", name)
        return str(regions[pseudonym])

    # What a respondent said of themselves stays, also where it is what the assessment said.
    assert region_of("own") == "Northern America"
    assert region_of("german") == "Western Europe"
    assert region_of("r") == region_of("s") == "Northern Europe"


def test_a_response_that_moves_to_another_assessment_takes_its_scores_along(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    ingest({**WHOLE, "assessments": [assessment("a"), assessment("b")]})
    ingest({"responses": [response("r", assessment_id="b", updated_at="2024-04-01T00:00:00Z")]})
    assert (
        count(
            analytics,
            "analytics.anonymized_assessment_scores",
            "assessment_hash <> (SELECT r.assessment_hash"
            " FROM analytics.anonymized_assessment_responses AS r WHERE r.id = response_hash)",
        )
        == 0
    )


def test_answers_and_scores_may_come_later(
    analytics: AnalyticsSystem,
    ingest: Ingest,
    platform_factory: Callable[[], AnalyticsSystem],
    tmp_path: Path,
) -> None:
    ingest({"assessments": [assessment()], "responses": WHOLE["responses"]})
    first = ingest({"question_responses": [*answers("r", 0, ITEMS[:30]), *answers("s", 1)]})
    assert outcome(first) == (80, 0, 0)
    second = ingest({"question_responses": answers("r")})
    assert outcome(second) == (20, 30, 0)
    ingest({"ai_validations": [validation("r")]})
    third = ingest({"ai_validations": [validation("r"), validation("r", dimension="neuroticism")]})
    assert outcome(third) == (1, 1, 0)
    assert vector_matches_answers(analytics)
    fresh = platform_factory()
    fresh.ingest_files(
        write_batch(
            tmp_path / "fresh",
            {
                **WHOLE,
                "ai_validations": [validation("r"), validation("r", dimension="neuroticism")],
            },
        )
    )
    assert content_rows(analytics) == content_rows(fresh)


def test_delivered_scores_take_the_place_of_the_platforms_own(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    ingest(WHOLE)
    assert outcome(ingest({"scores": scores("r", 70.0)})) == (5, 0, 0)
    stored = (
        "SELECT scoring_version, count(*) FROM analytics.anonymized_assessment_scores GROUP BY 1"
    )
    assert dict(fetch(analytics, stored)) == {"delivered": 5, "platform-1": 5}
    # Answers of the same version leave the delivered scores alone; newer ones do not.
    ingest({"responses": [response("r")], "question_responses": answers("r")})
    assert dict(fetch(analytics, stored)) == {"delivered": 5, "platform-1": 5}
    later = response("r", updated_at="2024-05-01T00:00:00Z")
    ingest({"responses": [later], "question_responses": answers("r", 2)})
    assert dict(fetch(analytics, stored)) == {"platform-1": 10}
    # The older scores have no say any more.
    assert outcome(ingest({"responses": [response("r")], "scores": scores("r", 70.0)})) == (0, 6, 0)
    assert dict(fetch(analytics, stored)) == {"platform-1": 10}


def test_careless_responses_are_flagged_and_stay_in(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    instrument = builtin_instruments()["ipip50"]
    shown = [item.code for item in sorted(instrument.items, key=lambda item: item.position)]
    ingest(
        {
            "assessments": [assessment()],
            "responses": [
                response(name)
                for name in ("fine", "straight", "string", "unknown time", "late straight")
            ]
            + [response("fast", time_spent_seconds=20)],
            "question_responses": [
                *answers("fine"),
                *({**row, "value": 3} for row in answers("straight")),
                *(
                    {**row, "value": 4} if row["question_id"] in shown[:26] else row
                    for row in answers("string", 1)
                ),
                *answers("fast"),
                *answers("unknown time"),
            ],
        }
    )

    def flagged() -> set[str]:
        careless = {
            row[0]
            for row in fetch(
                analytics,
                "SELECT id FROM analytics.anonymized_assessment_responses WHERE is_careless",
            )
        }
        names = ("fine", "straight", "string", "unknown time", "late straight", "fast")
        return {name for name in names if analytics.pseudonym("response", name) in careless}

    assert flagged() == {"straight", "string", "fast"}
    ingest({"question_responses": [{**row, "value": 2} for row in answers("late straight")]})
    assert flagged() == {"straight", "string", "fast", "late straight"}
    assert count(analytics, "analytics.anonymized_assessment_responses") == 6


def test_an_unknown_instrument_puts_answers_aside_and_keeps_responses(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    receipt = ingest({**WHOLE, "assessments": [assessment(instrument="ipip5")]})
    assert receipt.quarantine == {"unknown_instrument": 100}
    assert count(analytics, "analytics.anonymized_assessment_responses") == 2


def test_a_batch_makes_a_bounded_number_of_partitions(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    starts = [f"{year}-{month:02}-01T00:00:00Z" for year in (2024, 2025) for month in range(1, 13)]
    starts += [f"{year}-06-01T00:00:00Z" for year in range(1991, 2001)]
    rows = [response(f"r{n}", started_at=start) for n, start in enumerate(starts)]
    # The months with the most rows come first.
    rows += [response(f"many{n}", started_at="1991-06-02T00:00:00Z") for n in range(5)]
    receipt = ingest({"assessments": [assessment()], "responses": rows})
    assert receipt.quarantine.keys() == {"too_many_partitions"}
    assert (
        count(analytics, "analytics.anonymized_assessment_responses", "created_at < '1992-01-01'")
        == 6
    )
    settled = analytics.retry_quarantine()
    assert settled.settled == receipt.quarantined
    assert count(analytics, "analytics.anonymized_assessment_responses") == len(rows)


def test_dates_that_cannot_be_are_put_aside(ingest: Ingest) -> None:
    receipt = ingest(
        {
            "assessments": [assessment()],
            "responses": [
                response("old", started_at="1989-12-31T23:59:59Z"),
                response("new", started_at="4320-01-01T00:00:00Z"),
            ],
        }
    )
    assert receipt.quarantine == {"date_before_1990": 1, "date_in_future": 1}


def test_a_check_judges_and_writes_nothing(analytics: AnalyticsSystem, ingest: Ingest) -> None:
    ingest({"question_responses": answers("r", 0, ITEMS[:3])})
    ingest({"assessments": [assessment("z")], "responses": [response("s", assessment_id="z")]})

    def everything() -> list[Any]:
        return [
            content_rows(analytics),
            *(
                count(analytics, f"internal.{name}")
                for name in ("batches", "quarantine", "touched_days", "categories", "questions")
            ),
            count(analytics, "analytics.processing_jobs"),
            fetch(analytics, "SELECT oid FROM pg_class WHERE relkind = 'r' ORDER BY oid"),
        ]

    before = everything()
    batch: Records = {
        **WHOLE,
        "responses": [*WHOLE["responses"], response("old", started_at="2001-01-01T00:00:00Z")],
        "question_responses": [*WHOLE["question_responses"], *answers("nobody", 0, ITEMS[:1])],
    }
    checked = ingest(batch, check=True)
    assert checked.batch_id is None
    assert everything() == before
    done = ingest(batch)
    assert checked.by_kind == done.by_kind
    assert checked.quarantine == done.quarantine
    assert checked.touched_days == tuple(sorted({*checked.touched_days} & {*done.touched_days}))


def test_what_was_taken_in_before_an_error_is_told(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    first = write_batch(tmp_path / "first", WHOLE)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match=r"wrong\.csv") as refused:
        analytics.ingest_files(first, wrong, tmp_path / "never")
    [receipt] = refused.value.receipts
    assert (receipt.name, receipt.accepted) == ("first", 104)
    assert analytics.ingest_files(first).batch_id == receipt.batch_id
    with pytest.raises(InvalidInput) as refused:
        analytics.ingest_files(wrong)
    assert refused.value.receipts == ()


def test_a_batch_beyond_the_limit_is_refused_whole(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    config = analytics.config.replace(limits={"max_batch_responses": 1})
    with AnalyticsSystem(config) as small, pytest.raises(InvalidInput, match="split it"):
        small.ingest_files(write_batch(tmp_path / "batch", WHOLE))
    assert content_rows(analytics) == []
    assert fetch(analytics, "SELECT status FROM analytics.processing_jobs") == [("failed",)]


def test_frames_that_identify_somebody_are_refused(analytics: AnalyticsSystem) -> None:
    data = AnonymizationPipeline(analytics.config).process_data(WHOLE)
    plain = {kind: table.to_pylist() for kind, table in data.items()}
    plain["assessments"][0]["assessment_type"] = "ada@example.org"
    with pytest.raises(PrivacyRefusal, match="assessment_type"):
        analytics.ingest_data(plain)
    assert content_rows(analytics) == []
    assert count(analytics, "internal.batches") == 0


def test_an_id_that_a_wide_file_repeats_stays_whole(
    analytics: AnalyticsSystem, tmp_path: Path
) -> None:
    # Two lines of one person with different start times, in different chunks.
    config = analytics.config.replace(operations={"batch_size": 1})
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(WIDE)
    wide = tmp_path / "wide.csv"
    items = ITEMS[:50]
    wide.write_text(
        ",".join(["id", "start", *items])
        + "\n"
        + "\n".join(
            ",".join([name, start, *[str((n + shift) % 5 + 1) for n in range(50)]])
            for name, start, shift in (
                ("p", "2024-03-01T00:00:00Z", 0),
                ("q", "2024-03-01T00:00:00Z", 1),
                ("p", "2024-08-01T00:00:00Z", 2),
            )
        )
        + "\n"
    )
    with AnalyticsSystem(config) as single:
        receipt = single.ingest_files(wide, mapping=mapping)
    assert receipt.by_kind["responses"].accepted == 2
    assert receipt.quarantine["duplicate_in_batch"] == 1
    for table in ("question_responses", "assessment_scores"):
        assert (
            count(
                analytics,
                f"analytics.anonymized_{table}",
                "(created_at, response_hash) NOT IN (SELECT r.created_at, r.id"
                " FROM analytics.anonymized_assessment_responses AS r)",
            )
            == 0
        )


WIDE = """
name = "wide"
title = "A wide file"
source = "made up"
instrument = "ipip50"

[assessment]
id = "survey"
organization_id = { constant = "somebody" }
created_at = 2024-01-01

[time]
started = "start"

[respondent]
response_id = "id"

[items]
pattern = "{code}"
"""


def test_fingerprints_tell_content_and_not_order(
    analytics: AnalyticsSystem, ingest: Ingest
) -> None:
    ingest(WHOLE)
    before = content_fingerprint(analytics)
    ingest({"ai_validations": [validation("s")]})
    assert content_fingerprint(analytics) != before


@pytest.mark.parametrize(
    ("file_format", "compression"), [("jsonl", None), ("csv", "gzip"), ("parquet", None)]
)
def test_progress_tells_the_share_that_was_read(
    analytics: AnalyticsSystem, tmp_path: Path, file_format: FileFormat, compression: Compression
) -> None:
    generate_files(
        tmp_path / "year", responses=60, file_format=file_format, compression=compression
    )
    config = analytics.config.replace(operations={"batch_size": 5})
    told: list[tuple[int, float]] = []
    with AnalyticsSystem(config) as system:
        receipt = system.ingest_files(
            tmp_path / "year", progress=lambda _, judged, share: told.append((judged, share))
        )
    assert told == sorted(told)
    assert told[-1] == (receipt.records_processed, 1.0)
    assert 0 < told[0][1] < 1
