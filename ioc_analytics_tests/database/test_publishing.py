"""Publishing: what goes in comes back the same, or is refused by name and place."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from ioc_analytics.database.publishing import (
    Category,
    Check,
    ChecksBroken,
    Relation,
    Server,
    Slice,
    Target,
    TimeWindow,
    publish,
    publish_patiently,
    read_arrow,
    read_batches,
    read_pandas,
    relation,
)
from ioc_analytics.kernel.errors import InvalidInput, Unavailable
from ioc_analytics_tests.fixtures.publishing import rows

VALUES = Target("other", "values")
SCHEMA = pa.schema(
    [
        ("place", pa.int32()),
        ("word", pa.string()),
        ("large", pa.int64()),
        ("real", pa.float64()),
        ("exact", pa.decimal128(12, 3)),
        ("at", pa.timestamp("us", tz="UTC")),
        ("wall", pa.timestamp("us")),
        ("day", pa.date32()),
        ("flag", pa.bool_()),
        ("content", pa.binary()),
        ("words", pa.list_(pa.string())),
        ("reals", pa.list_(pa.float64())),
    ]
)
WORDS = st.one_of(
    st.sampled_from(["", " ", "NULL", "\\N", "\\.", '"', '""', "%", "%s", "a,b", "x\r\ny", "é\t"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
)
MOMENTS = st.datetimes()
REALS = st.floats(width=64)


def or_null(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


ROWS = st.fixed_dictionaries(
    {
        "word": or_null(WORDS),
        "large": or_null(st.integers(-(2**63), 2**63 - 1)),
        "real": or_null(REALS),
        "exact": or_null(st.integers(-(10**12) + 1, 10**12 - 1).map(lambda n: Decimal(n) / 1000)),
        "at": or_null(MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
        "wall": or_null(MOMENTS),
        "day": or_null(st.dates()),
        "flag": or_null(st.booleans()),
        "content": or_null(st.binary(max_size=6)),
        "words": or_null(st.lists(or_null(WORDS), max_size=3)),
        "reals": or_null(st.lists(or_null(REALS), max_size=3)),
    }
)


def comparable(row: dict[str, Any]) -> str:
    """A row as text: NaN equals NaN, and zeros have signs."""
    return repr(row)


def in_order(table: pa.Table) -> list[str]:
    return [comparable(row) for row in table.sort_by("place").to_pylist()]


def test_every_value_comes_back_as_it_went_in(url: str) -> None:
    with Server(url).connection() as connection:

        @given(st.lists(ROWS, min_size=1, max_size=6))
        @example([{"reals": [-0.0, 0.0]}])  # the server writes -0.0 as -0, which JSON calls whole
        @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
        def travels(generated: list[dict[str, Any]]) -> None:
            told = [{"place": at, **row} for at, row in enumerate(generated)]
            sent = pa.Table.from_pylist(told, SCHEMA)
            assert publish(connection, sent, VALUES).rows == len(told)
            read = relation(connection, "other", "values", columns=SCHEMA.names)
            assert in_order(read_arrow(connection, read)) == in_order(sent)

        travels()


KINDS: dict[str, list[Any]] = {
    "id": [UUID(int=7), None],
    "ids": [[UUID(int=1).bytes], []],
    "numbers": [[1, None, 2], None],
    "words": [['a "quoted", word', "back\\slash", "", "NULL", None], None],
    "content": [b"\x00\xff\\", b""],
    "note": [{"a": [1, 2]}, {"b": None}],
}


@pytest.mark.parametrize("as_frame", [False, True])
def test_ids_arrays_bytes_and_json_go_in_and_come_back(url: str, as_frame: bool) -> None:
    data: Any = pd.DataFrame(KINDS)
    if not as_frame:
        notes = [json.dumps(note) for note in KINDS["note"]]
        fixed = pa.array([UUID(int=7).bytes, None], pa.binary(16))
        data = pa.table({**KINDS, "id": fixed, "note": notes})
    statement = "SELECT * FROM other.kinds ORDER BY id"
    with Server(url).connection() as connection:
        publish(connection, data, Target("other", "kinds"))
    stored = rows(url, statement)
    ids = [[UUID(int=1)], []]
    assert stored == list(zip(*{**KINDS, "ids": ids}.values(), strict=True))

    columns = [name for name in KINDS if name != "ids"]
    with Server(url).connection() as connection:
        read = read_arrow(connection, relation(connection, "other", "kinds", columns=columns))
        assert read["note"].to_pylist() == ['{"a": [1, 2]}', '{"b": null}']
        publish(connection, read, Target("other", "kinds"))
    assert rows(url, statement) == [(row[0], None, *row[2:]) for row in stored]
    with Server(url).connection() as connection:
        publish(connection, read.to_pandas(), Target("other", "kinds"))
    assert rows(url, statement) == [(row[0], None, *row[2:]) for row in stored]


def test_the_end_of_a_window_belongs_to_the_next(url: str) -> None:
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    piece = Slice(((TimeWindow("at", start, end),),), ("2026-03-01",))
    target = Target("other", "events")
    inside = pa.table({"at": pa.array([start], pa.timestamp("us", tz="UTC"))})
    with Server(url).connection() as connection:
        assert publish(connection, inside, target, piece).rows == 1
        with pytest.raises(InvalidInput, match="outside"):
            publish(connection, inside.set_column(0, "at", pa.array([end])), target, piece)


def test_nan_is_null_to_pandas_and_a_number_to_others(url: str) -> None:
    values = {"place": [1, 2], "real": [1.5, math.nan]}
    statement = "SELECT real::text FROM other.values ORDER BY place"
    with Server(url).connection() as connection:
        publish(connection, pd.DataFrame(values), VALUES)
    assert rows(url, statement) == [("1.5",), (None,)]
    for frame in (pl.DataFrame(values), pa.table(values)):
        with Server(url).connection() as connection:
            publish(connection, frame, VALUES)
        assert rows(url, statement) == [("1.5",), ("NaN",)]


def test_whole_numbers_keep_their_digits_beside_a_null(url: str) -> None:
    large = 2**53 + 1
    sent = pd.DataFrame({"place": [1, 2], "large": pd.array([large, None], "Int64")})
    with Server(url).connection() as connection:
        publish(connection, sent, VALUES)
        read = read_pandas(connection, relation(connection, "other", "values"))
    assert read["large"].dtype == pd.Int64Dtype()
    assert read["large"][0] == large
    # pandas itself makes floats of whole numbers beside a NULL; the table makes them whole again.
    floats = pd.DataFrame({"place": [1.0, 2.0], "large": [7, None]})
    with Server(url).connection() as connection:
        publish(connection, floats, VALUES)
    assert rows(url, "SELECT place, large FROM other.values ORDER BY 1") == [(1, 7), (2, None)]


def test_times_keep_their_moment_whatever_zone_they_come_in(url: str) -> None:
    berlin, moment = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    sent = pd.DataFrame(
        {
            "place": [1, 2, 3],
            "at": [moment, moment.astimezone(berlin), moment.astimezone(ZoneInfo("Asia/Tokyo"))],
            "wait": [timedelta(microseconds=1), None, timedelta(days=400, hours=1)],
        }
    )
    with Server(url).connection() as connection:
        publish(connection, sent, VALUES)
        read = read_arrow(connection, relation(connection, "other", "values", columns=["at"]))
    assert read["at"].to_pylist() == [moment] * 3
    naive = pa.table({"place": [1], "at": [moment.replace(tzinfo=None)]})
    with Server(url).connection() as connection:
        publish(connection, naive, VALUES)
    assert rows(url, "SELECT at FROM other.values") == [(moment,)]


def test_a_day_of_a_zone_is_its_date_there_and_its_moments_elsewhere(url: str) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    start, end = datetime(2026, 3, 2, tzinfo=tokyo), datetime(2026, 3, 3, tzinfo=tokyo)
    by_date = Slice(((TimeWindow("day", start, end),),), ("2026-03-02",))
    by_moment = Slice(((TimeWindow("at", start, end),),), ("2026-03-02",))
    target = Target("other", "daily")
    with Server(url).connection() as connection:
        sent = pa.table({"day": [date(2026, 3, 2)], "name": ["a"]})
        assert publish(connection, sent, target, by_date).rows == 1
        sent = pa.table({"at": [start.astimezone(UTC)]})  # 2026-03-01 15:00 in UTC
        assert publish(connection, sent, Target("other", "events"), by_moment).rows == 1
        with pytest.raises(InvalidInput, match="within a day"):
            noon = Slice(((TimeWindow("day", start.replace(hour=12), end),),), ("noon",))
            publish(connection, pa.table({"day": [], "name": []}), target, noon)
        with pytest.raises(InvalidInput, match="which cannot tell the period"):
            wrong = Slice(((TimeWindow("name", start, end),),), ("2026-03-02",))
            publish(connection, pa.table({"day": [], "name": []}), target, wrong)


def test_a_slice_without_partitions_has_no_rows(url: str) -> None:
    target = Target("other", "sectors")
    with Server(url).connection() as connection:
        publish(connection, pa.table({"sector": ["a"]}), target)
    with Server(url).connection() as connection:
        none = Slice(())
        assert read_arrow(connection, relation(connection, "other", "sectors", none)).num_rows == 0
        published = publish(
            connection, pa.table({"sector": pa.array([], pa.string())}), target, none
        )
    assert (published.rows, published.replaced) == (0, 0)
    assert rows(url, "SELECT count(*) FROM other.sectors") == [(1,)]


def test_percent_signs_mean_themselves(url: str) -> None:
    target = Target(
        "other", "sectors", checks={"known": Check("sector LIKE '50%' OR sector = 'it''s {}'")}
    )
    piece = Slice(((Category("sector", ("50%", "50% off", "it's {}")),),), ("50%",))
    sent = pa.table({"sector": ["50%", "50% off", "it's {}"], "n": [1, 2, 3]})
    with Server(url).connection() as connection:
        publish(connection, sent, target, piece)
        loaded = relation(connection, "other", "sectors", piece)
        query = sql.SQL("SELECT sector, n %% 2 AS n FROM ({}) AS s WHERE n > %(least)s")
        with_parameters = Relation(query.format(loaded.query), {"least": 1})
        assert read_arrow(connection, with_parameters)["n"].to_pylist() == [0, 1]
        without = Relation(sql.SQL("SELECT 'a%' || {} AS word").format(sql.Literal("%s")))
        assert read_arrow(connection, without)["word"].to_pylist() == ["a%%s"]
        assert publish(connection, with_parameters, target).rows == 2


def test_polars_and_streams_of_batches_go_in(url: str) -> None:
    target = Target("other", "sectors")
    with Server(url).connection() as connection:
        frame = pl.DataFrame({"sector": ["a", ""], "n": [1, None]})
        publish(connection, frame, target)
        assert sorted(connection.execute("SELECT * FROM other.sectors").fetchall()) == [
            ("", None),
            ("a", 1),
        ]
        dictionary = pa.table({"sector": pa.array(["x", "y"]).dictionary_encode()})
        assert publish(connection, dictionary.to_reader(), target).rows == 2
        with pytest.raises(InvalidInput, match="LazyFrame cannot be published .*; collect"):
            publish(connection, frame.lazy(), target)


def test_a_value_that_does_not_fit_is_named_by_place_and_never_quoted(url: str) -> None:
    secret = "born 1984"
    bad: list[tuple[Any, str]] = [
        (pa.table({"place": ["1", secret]}), "row 2 .* in 'place' that is no integer"),
        (pd.DataFrame({"place": [1, secret]}), r"column 'place' holds values .* \(int, str\)"),
        (pa.table({"place": [1], "day": [secret]}), "row 1 .* in 'day' that is no date"),
        (pa.table({"place": [2**40]}), "row 1 .* in 'place' that is no integer"),
        (Relation(sql.SQL("SELECT 1 AS place, date '1984-01-01' - 1/0 AS day")), "DivisionByZero"),
    ]
    for data, told in bad:
        with Server(url).connection() as connection, pytest.raises(InvalidInput, match=told) as met:
            publish(connection, data, VALUES)
        assert secret not in str(met.value)
        assert "1984" not in str(met.value)


def test_checks_are_judged_before_anybody_sees_the_rows(url: str) -> None:
    checks = {
        "not negative": Check("n >= 0"),
        "at least two": Check("count(*) >= 2", of="rows", is_blocking=False),
    }
    target = Target("other", "sectors", checks=checks)
    with Server(url).connection() as connection:
        one = publish(connection, pa.table({"sector": ["a"], "n": [1]}), target)
    assert [(v.name, v.is_met, v.rows, v.broken) for v in one.verdicts] == [
        ("not negative", True, 1, 0),
        ("at least two", False, 1, None),
    ]
    sent = pa.table({"sector": ["a", "b", "c"], "n": [-1, 2, None]})
    with (
        Server(url).connection() as connection,
        pytest.raises(ChecksBroken, match=r"'not negative' \(n >= 0\), by 2 of 3 rows") as met,
    ):
        publish(connection, sent, target)
    assert [verdict.is_met for verdict in met.value.verdicts] == [False, True]
    assert rows(url, "SELECT * FROM other.sectors") == [("a", 1)]


def test_a_check_that_cannot_be_evaluated_publishes_nothing(url: str) -> None:
    for condition, told in (("m > 0", 'column "m" does not exist'), ("n / 0 = 1", "n / 0")):
        target = Target("other", "sectors", checks={"odd": Check(condition)})
        with Server(url).connection() as connection, pytest.raises(InvalidInput) as met:
            publish(connection, pa.table({"sector": ["a"], "n": [1]}), target)
        assert f"the check 'odd' ({condition}) cannot be evaluated" in str(met.value)
        assert told in str(met.value)
    with pytest.raises(InvalidInput, match="did you mean 'rows'"):
        Check.from_value("odd", {"condition": "true", "of": "row_s"})
    assert rows(url, "SELECT * FROM other.sectors") == []


def test_a_row_before_the_first_partition_of_the_table_is_refused(url: str) -> None:
    sent = pa.table({"day": [date(2026, 3, 1), date(2026, 2, 28)], "n": [1, 2]})
    with (
        Server(url).connection() as connection,
        pytest.raises(InvalidInput, match="other.monthly is partitioned and has no partition"),
    ):
        publish(connection, sent, Target("other", "monthly"))
    assert rows(url, "SELECT * FROM other.monthly") == []


def test_a_budget_of_connections_is_kept(url: str) -> None:
    server = Server(url, max_connections=1, statement_timeout_seconds=1)
    with (
        server.connection(),
        pytest.raises(Unavailable, match="all 1 connections were in use"),
        server.connection(),
    ):
        pass
    with server.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_many_rows_go_in_and_out_in_bounded_memory(url: str) -> None:
    n_batches, n_rows = 40, 10_000
    batch = pa.record_batch({"sector": ["s" * 200] * n_rows, "n": list(range(n_rows))})

    def batches() -> Iterator[pa.RecordBatch]:
        for _ in range(n_batches):
            yield batch

    size = n_batches * batch.nbytes
    stream = pa.RecordBatchReader.from_batches(batch.schema, batches())
    target = Target("other", "sectors", mode="append")
    before = pa.total_allocated_bytes()
    assert publish_patiently(Server(url).connection, stream, target).rows == n_batches * n_rows
    seen = peak = 0
    with Server(url).connection() as connection:
        for read in read_batches(connection, relation(connection, "other", "sectors")):
            seen += read.num_rows
            peak = max(peak, pa.total_allocated_bytes() - before)
    assert seen == n_batches * n_rows
    assert peak < size / 3
