"""Which backup holds the rows that are to go, and why another one does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ioc_analytics.maintenance.coverage import find_cover, holding
from ioc_analytics.records.backups import Backup, Fingerprint

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
RESPONSES = "analytics.anonymized_assessment_responses"
WANTED = {(RESPONSES, "2024_03"): 120}
GOOD = Backup(
    id="20261125T020000Z-abcdef",
    created_at=NOW - timedelta(hours=2),
    size=1,
    location="/backups",
    checksum="c",
    state="drilled",
    fingerprints={f"{RESPONSES}_2024_03": Fingerprint(120, "d")},
)


def cover(*backups: Backup, now: datetime = NOW) -> tuple[str | None, str | None]:
    return find_cover(backups, WANTED, NOW - timedelta(days=100), now, 192)


def test_a_drilled_backup_with_the_rows_covers_them_also_when_they_wait() -> None:
    assert cover(GOOD) == (GOOD.id, None)
    waiting = {"retired.anonymized_assessment_responses_2024_03": Fingerprint(120, "d")}
    assert cover(replace(GOOD, fingerprints=waiting)) == (GOOD.id, None)
    assert find_cover([], {}, None, NOW, 192) == (None, None), "nothing goes, nothing is needed"


@pytest.mark.parametrize(
    ("backup", "reason"),
    [
        (replace(GOOD, state="written"), "there is no drilled backup"),
        (replace(GOOD, state="verified"), "there is no drilled backup"),
        (replace(GOOD, fault="a file is missing"), "there is no drilled backup"),
        (replace(GOOD, created_at=NOW - timedelta(days=9)), "more than 192 hours old"),
        (replace(GOOD, fingerprints={}), "holds 0 of the 120 rows"),
        (
            replace(GOOD, fingerprints={f"{RESPONSES}_2024_03": Fingerprint(119, "d")}),
            "holds 119 of the 120 rows",
        ),
    ],
)
def test_another_does_not_and_says_why(backup: Backup, reason: str) -> None:
    found, fault = cover(backup)
    assert found is None
    assert reason in (fault or "")


def test_a_backup_from_before_the_rows_arrived_does_not() -> None:
    _, fault = find_cover([GOOD], WANTED, NOW - timedelta(hours=1), NOW, 192)
    assert "taken before the rows arrived" in (fault or "")


def test_a_clock_that_jumps_ahead_makes_the_backup_old_too() -> None:
    found, fault = cover(GOOD, now=NOW + timedelta(days=400))
    assert found is None
    assert "hours old" in (fault or "")


def test_an_older_one_serves_when_the_newest_does_not() -> None:
    newest = replace(GOOD, id="20261125T030000Z-abcdef", fingerprints={})
    assert cover(newest, GOOD) == (GOOD.id, None)
    assert holding([newest, GOOD], WANTED) == (GOOD.id,)
