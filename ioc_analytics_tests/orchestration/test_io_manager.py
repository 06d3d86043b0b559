"""The I/O manager: what assets return is published whole, or not at all."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import dagster as dg
import pandas as pd
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from ioc_analytics.database.pools import Database
from ioc_analytics.database.publishing import (
    Category,
    Relation,
    Server,
    Slice,
    Target,
    TimeWindow,
    publish,
    read_arrow,
    relation,
)
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.resources import PostgresIOManager

DAYS = dg.DailyPartitionsDefinition("2026-03-01", timezone="UTC")
BY_DAY = {"partition_expr": "day"}

TABLES = """
CREATE SCHEMA other;
CREATE TABLE other.daily (
    day date NOT NULL,
    name text NOT NULL,
    amount numeric(10, 2),
    note jsonb,
    CONSTRAINT daily_pkey PRIMARY KEY (day, name)
);
CREATE TABLE other.events (at timestamptz NOT NULL, value double precision);
CREATE TABLE other.sectors (sector text NOT NULL, n bigint);
CREATE TABLE other.summary (name text, amount numeric(12, 2));
CREATE TABLE other.kinds (
    id uuid, ids uuid [], numbers integer [], words text [], content bytea, note jsonb
);
"""


@pytest.fixture
def url(empty_database: AnalyticsConfig) -> Iterator[str]:
    with Database(empty_database) as database:
        address = database.conninfo("owner")
        with psycopg.connect(address) as connection:
            connection.execute(TABLES)
        yield address


@pytest.fixture
def manager(url: str) -> PostgresIOManager:
    return PostgresIOManager(url=url, schema_name="other")


def rows(url: str, statement: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


def frame(day: str, **amounts: float | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "day": [date.fromisoformat(day)] * len(amounts),
            "name": list(amounts),
            "amount": list(amounts.values()),
        }
    )


def make(
    value: Any, manager: PostgresIOManager, *, partition: str | None = None, **options: Any
) -> dg.ExecuteInProcessResult:
    """Materialize an asset that returns a value."""
    name = options.pop("name", "daily")
    tags = options.pop("tags", None)

    def returned() -> Any:
        return value

    made = dg.asset(name=name, **options)(returned)

    return dg.materialize(
        [made],
        resources={"io_manager": manager},
        partition_key=partition,
        tags=tags,
        raise_on_error=False,
    )


def reason(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    return str(failure.description)


def test_a_frame_takes_the_types_of_the_table(manager: PostgresIOManager, url: str) -> None:
    data = pd.DataFrame(
        {
            "day": ["2026-03-01", "2026-03-02"],
            "name": ["", 'quoted "name", with\nlines'],
            "amount": [1.005, None],
            "note": [{"a": [1, 2]}, None],
        }
    )
    assert make(data, manager).success
    assert rows(url, "SELECT day, name, amount::text, note FROM other.daily ORDER BY day") == [
        (date(2026, 3, 1), "", "1.01", {"a": [1, 2]}),
        (date(2026, 3, 2), 'quoted "name", with\nlines', None, None),
    ]


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


def test_a_rerun_leaves_the_same_rows(manager: PostgresIOManager, url: str) -> None:
    for day in ("2026-03-01", "2026-03-02", "2026-03-01"):
        value = frame(day, a=1, b=2)
        result = make(value, manager, partition=day, partitions_def=DAYS, metadata=BY_DAY)
        assert result.success
    assert rows(url, "SELECT count(*) FROM other.daily") == [(4,)]
    (event,) = result.get_asset_materialization_events()
    shown = {name: value.value for name, value in event.materialization.metadata.items()}
    assert shown["dagster/partition_row_count"] == 2
    assert shown["rows_replaced"] == 2
    assert shown["dagster/table_name"] == "other.daily"


def test_a_row_outside_the_partition_is_refused(manager: PostgresIOManager, url: str) -> None:
    options: dict[str, Any] = {"partitions_def": DAYS, "metadata": BY_DAY}
    make(frame("2026-03-01", a=1), manager, partition="2026-03-01", **options)
    wrong = pd.concat([frame("2026-03-01", a=2), frame("2026-03-03", a=3)])
    result = make(wrong, manager, partition="2026-03-01", **options)
    assert not result.success
    assert "1 rows for other.daily lie outside the partition 2026-03-01" in reason(result)
    assert "2026-03-03" in reason(result)
    assert rows(url, "SELECT day, amount::int FROM other.daily") == [(date(2026, 3, 1), 1)]


def test_the_end_of_a_window_belongs_to_the_next(url: str) -> None:
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    piece = Slice(((TimeWindow("at", start, end),),), ("2026-03-01",))
    target = Target("other", "events")
    inside = pa.table({"at": pa.array([start], pa.timestamp("us", tz="UTC"))})
    with Server(url).connection() as connection:
        assert publish(connection, inside, target, piece).rows == 1
        with pytest.raises(InvalidInput, match="outside"):
            publish(connection, inside.set_column(0, "at", pa.array([end])), target, piece)


def test_a_missing_table_is_named_with_the_nearest(manager: PostgresIOManager) -> None:
    result = make(frame("2026-03-01", a=1), manager, name="dayly")
    assert not result.success
    assert "table other.dayly does not exist; did you mean 'daily'?" in reason(result)
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_an_unknown_column_and_a_wrong_kind_of_value_are_named(manager: PostgresIOManager) -> None:
    wrong = make(frame("2026-03-01", a=1).rename(columns={"amount": "ammount"}), manager)
    assert "has no column 'ammount'; did you mean 'amount'?" in reason(wrong)
    assert "str cannot be published into other.daily" in reason(make("x", manager))
    assert "annotated `-> None`" in reason(make(None, manager))


def test_several_partitions_are_one_publication(manager: PostgresIOManager, url: str) -> None:
    value = pd.concat([frame(f"2026-03-0{day}", a=day) for day in (1, 2, 3)])
    result = make(
        value,
        manager,
        partitions_def=DAYS,
        metadata=BY_DAY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        tags={
            "dagster/asset_partition_range_start": "2026-03-01",
            "dagster/asset_partition_range_end": "2026-03-03",
        },
    )
    assert result.success
    assert rows(url, "SELECT count(*) FROM other.daily") == [(3,)]


def test_categories_and_two_dimensions_are_partitions_too(
    manager: PostgresIOManager, url: str
) -> None:
    sectors = dg.StaticPartitionsDefinition(["Retail", "Finance"])
    for sector in ("Retail", "Finance", "Retail"):
        value = pa.table({"sector": [sector], "n": [5]})
        assert make(
            value,
            manager,
            name="sectors",
            partition=sector,
            partitions_def=sectors,
            metadata={"partition_expr": "sector"},
        ).success
    assert sorted(rows(url, "SELECT sector, n FROM other.sectors")) == [
        ("Finance", 5),
        ("Retail", 5),
    ]
    both = dg.MultiPartitionsDefinition(
        {"day": DAYS, "name": dg.StaticPartitionsDefinition(["a", "b"])}
    )
    options: dict[str, Any] = {
        "partitions_def": both,
        "metadata": {"partition_expr": {"day": "day", "name": "name"}},
    }
    for name in ("a", "b", "a"):
        key = dg.MultiPartitionKey({"day": "2026-03-01", "name": name})
        value = frame("2026-03-01", **{name: 1})
        assert make(value, manager, partition=key, **options).success
    assert rows(url, "SELECT count(*) FROM other.daily") == [(2,)]


def test_upsert_replaces_rows_with_the_same_key(manager: PostgresIOManager, url: str) -> None:
    upsert = {"mode": "upsert"}
    make(frame("2026-03-01", a=1, b=2), manager, metadata=upsert)
    make(frame("2026-03-01", b=3, c=4), manager, metadata=upsert)
    found = rows(url, "SELECT name, amount::int FROM other.daily ORDER BY name")
    assert found == [("a", 1), ("b", 3), ("c", 4)]
    twice = pd.concat([frame("2026-03-01", a=1), frame("2026-03-01", a=2)])
    assert "1 keys (day, name) stand more than once" in reason(
        make(twice, manager, metadata=upsert)
    )


def test_append_adds(manager: PostgresIOManager, url: str) -> None:
    for _ in range(2):
        value = pa.table({"sector": ["Retail"], "n": [1]})
        assert make(value, manager, name="sectors", metadata={"mode": "append"}).success
    assert rows(url, "SELECT count(*) FROM other.sectors") == [(2,)]


def test_a_check_keeps_bad_rows_from_being_published(manager: PostgresIOManager, url: str) -> None:
    checked = {"checks": {"not negative": "amount >= 0"}}
    assert make(frame("2026-03-01", a=1), manager, metadata=checked).success
    result = make(frame("2026-03-01", a=-1), manager, metadata=checked)
    assert "break the check 'not negative'" in reason(result)
    assert rows(url, "SELECT amount::int FROM other.daily") == [(1,)]


def test_a_relation_stays_in_the_database(manager: PostgresIOManager, url: str) -> None:
    @dg.asset(partitions_def=DAYS, metadata=BY_DAY)
    def daily(context: dg.AssetExecutionContext) -> pd.DataFrame:
        return frame(context.partition_key, a=1, b=2)

    @dg.asset
    def summary(daily: Relation) -> Relation:
        query = sql.SQL("SELECT name, sum(amount) AS amount FROM ({}) AS d GROUP BY name")
        return Relation(query.format(daily.query), daily.parameters)

    resources = {"io_manager": manager}
    for day in ("2026-03-01", "2026-03-02"):
        assert dg.materialize([daily], resources=resources, partition_key=day).success
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [daily, summary], resources=resources, instance=instance, selection=[summary]
        )
    assert result.success
    assert sorted(rows(url, "SELECT name, amount::int FROM other.summary")) == [("a", 2), ("b", 4)]


def test_inputs_come_as_annotated_and_only_of_their_partition(manager: PostgresIOManager) -> None:
    seen: dict[str, Any] = {}

    @dg.asset(partitions_def=DAYS, metadata=BY_DAY)
    def daily(context: dg.AssetExecutionContext) -> pa.Table:
        return pa.Table.from_pandas(frame(context.partition_key, a=1), preserve_index=False)

    @dg.asset(partitions_def=DAYS)
    def as_frame(daily: pd.DataFrame) -> None:
        seen["frame"] = daily

    @dg.asset(
        partitions_def=DAYS,
        ins={"daily": dg.AssetIn(metadata={"columns": ["name"]})},
    )
    def as_arrow(daily: pa.Table) -> None:
        seen["arrow"] = daily

    for day in ("2026-03-01", "2026-03-02"):
        assert dg.materialize(
            [daily, as_frame, as_arrow], resources={"io_manager": manager}, partition_key=day
        ).success
    assert list(seen["frame"]["day"]) == [date(2026, 3, 2)]
    assert seen["arrow"].to_pydict() == {"name": ["a"]}


def test_writers_of_one_partition_do_not_double_it(url: str) -> None:
    piece = Slice(((Category("sector", ("Retail",)),),), ("Retail",))
    value = pa.table({"sector": ["Retail"] * 100, "n": list(range(100))})
    target = Target("other", "sectors")
    first = psycopg.connect(url)
    publish(first, value, target, piece)
    is_done = threading.Event()

    def second_writer() -> None:
        with psycopg.connect(url) as connection:
            publish(connection, value, target, piece)
        is_done.set()

    second = threading.Thread(target=second_writer)
    second.start()
    # The second one waits, because the first has not committed.
    assert not is_done.wait(0.3)
    first.commit()
    first.close()
    second.join(timeout=30)
    assert is_done.is_set()
    assert rows(url, "SELECT count(*) FROM other.sectors") == [(100,)]


def test_a_reader_sees_the_old_or_the_new_rows(url: str) -> None:
    target = Target("other", "sectors")
    with psycopg.connect(url) as connection:
        publish(connection, pa.table({"sector": ["old"] * 5}), target)
    with psycopg.connect(url, autocommit=True) as reader:
        writer = psycopg.connect(url)
        publish(writer, pa.table({"sector": ["new"] * 3}), target)
        statement = "SELECT DISTINCT sector, count(*) FROM other.sectors GROUP BY 1"
        assert reader.execute(statement).fetchall() == [("old", 5)]
        writer.commit()
        writer.close()
        assert reader.execute(statement).fetchall() == [("new", 3)]
