"""The I/O manager: what assets return is published whole, or not at all."""

from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg
import pandas as pd
import pandera.pandas as pandera
import polars as pl
import pyarrow as pa
import pytest
from psycopg import sql

from ioc_analytics.database.pools import Database
from ioc_analytics.database.publishing import Relation
from ioc_analytics.kernel.errors import InvalidInput
from ioc_analytics.kernel.settings import AnalyticsConfig
from ioc_analytics.resources import (
    AnalyticsResource,
    PostgresIOManager,
    contract,
    publication_checks,
    sharing,
)
from ioc_analytics.system import AnalyticsSystem
from ioc_analytics_tests.fixtures.publishing import rows

DAYS = dg.DailyPartitionsDefinition("2026-03-01", timezone="UTC")
BY_DAY = {"partition_expr": "day"}


@pytest.fixture
def manager(url: str) -> PostgresIOManager:
    return PostgresIOManager(url=url, schema_name="other")


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


def checked(amounts: dict[str, float]) -> dg.AssetsDefinition:
    """An asset with a blocking check of each row and a soft one of all rows."""

    @dg.asset(
        metadata={
            "checks": {
                "not negative": "amount >= 0",
                "two_names": {
                    "condition": "count(DISTINCT name) >= 2",
                    "of": "rows",
                    "is_blocking": False,
                },
            }
        }
    )
    def daily() -> pd.DataFrame:
        return frame("2026-03-01", **amounts)

    return daily


def states(instance: dg.DagsterInstance) -> dict[str, tuple[bool, str, Any]]:
    """Passed, severity and metadata of the newest evaluation of each check."""
    found = {}
    for name in ("not_negative", "two_names"):
        key = dg.AssetCheckKey(dg.AssetKey("daily"), name)
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        assert record.event is not None and record.event.dagster_event is not None
        evaluation = record.event.dagster_event.asset_check_evaluation_data
        shown = {label: value.value for label, value in evaluation.metadata.items()}
        found[name] = (evaluation.passed, evaluation.severity.value, shown)
    return found


def test_a_blocking_check_keeps_rows_from_being_published_and_its_asset_check_says_so(
    manager: PostgresIOManager, url: str, instance: dg.DagsterInstance
) -> None:
    def attempt(amounts: dict[str, float], selection: dg.AssetSelection | None = None) -> bool:
        daily = checked(amounts)
        return dg.materialize(
            [daily, *publication_checks(daily)],
            resources={"io_manager": manager},
            instance=instance,
            selection=selection,
            raise_on_error=False,
        ).success

    assert attempt({"a": 1})  # a soft check does not keep them back
    negative, names = "amount >= 0", "count(DISTINCT name) >= 2"
    assert states(instance) == {
        "not_negative": (True, "ERROR", {"condition": negative, "rows": 1, "broken": 0}),
        "two_names": (False, "WARN", {"condition": names, "rows": 1}),
    }
    assert not attempt({"a": -1, "b": -2, "c": 3})
    refused = {
        "not_negative": (False, "ERROR", {"condition": negative, "rows": 3, "broken": 2}),
        "two_names": (True, "WARN", {"condition": names, "rows": 3}),
    }
    assert states(instance) == refused
    assert rows(url, "SELECT name, amount::int FROM other.daily") == [("a", 1)]
    # Asked again without the asset, the checks report what was noted.
    attempt({}, dg.AssetSelection.all_asset_checks())
    assert states(instance) == refused
    assert attempt({"a": 5, "b": 6})
    assert [passed for passed, *_ in states(instance).values()] == [True, True]
    assert rows(url, "SELECT name, amount::int FROM other.daily ORDER BY 1") == [("a", 5), ("b", 6)]


def test_a_check_without_a_publication_warns(instance: dg.DagsterInstance) -> None:
    daily = checked({"a": 1})
    dg.materialize(
        [daily, *publication_checks(daily)],
        resources={"io_manager": dg.mem_io_manager},
        instance=instance,
        selection=dg.AssetSelection.all_asset_checks(),
    )
    assert states(instance)["not_negative"] == (False, "WARN", {})


def test_a_backfill_over_partitions_without_data_empties_them(
    manager: PostgresIOManager, url: str
) -> None:
    options: dict[str, Any] = {"partitions_def": DAYS, "metadata": BY_DAY}
    for day in ("2026-03-01", "2026-03-05"):
        assert make(frame(day, a=1), manager, partition=day, **options).success
    for value in (frame("2026-03-01"), pd.DataFrame(columns=["day", "name", "amount"])):
        result = make(
            value,
            manager,
            backfill_policy=dg.BackfillPolicy.single_run(),
            tags={
                "dagster/asset_partition_range_start": "2026-03-01",
                "dagster/asset_partition_range_end": "2026-03-03",
            },
            **options,
        )
        assert result.success
        assert len(result.get_asset_materialization_events()) == 3
        assert rows(url, "SELECT day FROM other.daily") == [(date(2026, 3, 5),)]


def test_a_partition_before_the_first_one_writes_nothing(
    manager: PostgresIOManager, url: str
) -> None:
    with pytest.raises(dg.DagsterUnknownPartitionError, match="2026-02-28"):
        make(
            frame("2026-02-28", a=1),
            manager,
            partition="2026-02-28",
            partitions_def=DAYS,
            metadata=BY_DAY,
        )
    assert rows(url, "SELECT * FROM other.daily") == []
    result = make(
        pa.table({"day": [date(2026, 2, 28)], "n": [1]}),
        manager,
        name="monthly",
        partition="2026-02-28",
        partitions_def=dg.DailyPartitionsDefinition("2026-02-27", timezone="UTC"),
        metadata=BY_DAY,
    )
    assert "partitioned and has no partition for some of the rows" in reason(result)
    assert rows(url, "SELECT * FROM other.monthly") == []


def test_the_days_of_a_zone_are_its_dates(manager: PostgresIOManager, url: str) -> None:
    days = dg.DailyPartitionsDefinition("2026-03-01", timezone="Asia/Tokyo")
    for day in ("2026-03-01", "2026-03-02", "2026-03-01"):
        value = frame(day, a=1)
        assert make(value, manager, partition=day, partitions_def=days, metadata=BY_DAY).success
    assert rows(url, "SELECT count(*) FROM other.daily") == [(2,)]


def test_days_apart_are_read_without_those_between(manager: PostgresIOManager) -> None:
    seen: list[date] = []
    ends = dg.SpecificPartitionsPartitionMapping(["2026-03-01", "2026-03-03"])

    @dg.asset(partitions_def=DAYS, metadata=BY_DAY)
    def daily() -> pd.DataFrame:
        return pd.concat([frame(f"2026-03-0{day}", a=day) for day in (1, 2, 3)])

    @dg.asset(ins={"daily": dg.AssetIn(partition_mapping=ends)})
    def both(daily: pd.DataFrame) -> None:
        seen.extend(daily["day"])

    resources = {"io_manager": manager}
    all_days = {
        "dagster/asset_partition_range_start": "2026-03-01",
        "dagster/asset_partition_range_end": "2026-03-03",
    }
    assert dg.materialize([daily], resources=resources, tags=all_days).success
    assert dg.materialize([daily, both], selection=[both], resources=resources).success
    assert sorted(seen) == [date(2026, 3, 1), date(2026, 3, 3)]


def test_polars_frames_and_streams_go_in_and_come_as_annotated(manager: PostgresIOManager) -> None:
    seen: dict[str, Any] = {}

    @dg.asset
    def sectors() -> pl.DataFrame:
        return pl.DataFrame({"sector": ["a", "b"], "n": [1, None]})

    @dg.asset
    def as_polars(sectors: pl.DataFrame) -> None:
        seen["polars"] = sectors.sort("sector").to_dicts()

    @dg.asset
    def as_pandas(sectors: pd.DataFrame) -> None:
        seen["pandas"] = sectors["n"].dtype

    @dg.asset
    def summary(sectors: pa.RecordBatchReader) -> pa.RecordBatchReader:
        schema = pa.schema([("name", pa.string()), ("amount", pa.int64())])
        batches = (batch.rename_columns(schema.names) for batch in sectors)
        return pa.RecordBatchReader.from_batches(schema, batches)

    @dg.asset
    def left_alone(sectors: pa.RecordBatchReader) -> None:
        """Take nothing: the connection ends with the run."""

    assets = [sectors, as_polars, as_pandas, summary, left_alone]
    result = dg.materialize(assets, resources={"io_manager": manager})
    assert result.success
    assert seen["polars"] == [{"sector": "a", "n": 1}, {"sector": "b", "n": None}]
    assert seen["pandas"] == pd.Int64Dtype()
    (event,) = result.asset_materializations_for_node("summary")
    assert event.metadata["dagster/row_count"].value == 2
    schema = event.metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    assert [(column.name, column.type) for column in schema.columns] == [
        ("name", "text"),
        ("amount", "numeric(12,2)"),
    ]


def test_it_needs_nothing_of_the_platform(manager: PostgresIOManager, url: str) -> None:
    assert make(frame("2026-03-01", a=1), manager).success
    found = rows(
        url,
        "SELECT nspname FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_')"
        " AND nspname <> 'information_schema' ORDER BY 1",
    )
    assert found == [("other",), ("public",)]


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


SALES = pandera.DataFrameSchema(
    {
        "day": pandera.Column("object"),
        "name": pandera.Column(str, pandera.Check.str_length(1, 5)),
        "amount": pandera.Column(float, pandera.Check.ge(0), nullable=True, coerce=True),
    },
    name="sales",
)


@pytest.mark.parametrize("kind", ["pandas", "arrow", "stream", "polars"])
def test_a_contract_is_judged_before_rows_are_staged(
    manager: PostgresIOManager, url: str, instance: dg.DagsterInstance, kind: str
) -> None:
    def value(data: pd.DataFrame) -> Any:
        if kind == "pandas":
            return data
        table = pa.Table.from_pandas(data, preserve_index=False)
        if kind == "polars":
            return pl.from_arrow(table)
        return table if kind == "arrow" else table.to_reader(max_chunksize=1)

    def attempt(data: pd.DataFrame) -> dg.ExecuteInProcessResult:
        @dg.asset(metadata={"contract": contract(SALES)})
        def daily() -> Any:
            return value(data)

        return dg.materialize(
            [daily, *publication_checks(daily)],
            resources={"io_manager": manager},
            instance=instance,
            raise_on_error=False,
        )

    good = attempt(frame("2026-03-01", a=1.5, b=None))
    assert good.success
    (told,) = good.get_asset_check_evaluations()
    assert (told.check_name, told.passed) == ("contract", True)
    refused = attempt(frame("2026-03-01", a=-7.25, toolong=1.0))
    assert not refused.success
    wanted = "'amount' breaks greater_than_or_equal_to(0)"
    # A stream is judged batch by batch, and the first one breaks one rule alone.
    assert wanted in reason(refused)
    assert kind == "stream" or "'name' breaks str_length(1, 5)" in reason(refused)
    assert "toolong" not in reason(refused)
    assert "7.25" not in reason(refused)
    missing = attempt(frame("2026-03-01", a=1.0).drop(columns="amount"))
    assert "column 'amount' is missing" in reason(missing)
    assert rows(url, "SELECT name, amount FROM other.daily ORDER BY 1") == [
        ("a", Decimal("1.50")),
        ("b", None),
    ]


def test_a_contract_shows_its_columns_and_does_not_judge_relations(
    manager: PostgresIOManager,
) -> None:
    good = make(frame("2026-03-01", a=1.0), manager, metadata={"contract": contract(SALES)})
    (event,) = good.get_asset_materialization_events()
    columns: Any = event.materialization.metadata["dagster/column_schema"].value
    amount = {column.name: column for column in columns.columns}["amount"]
    assert amount.type == "numeric(10,2)"
    assert amount.constraints.other == ["greater_than_or_equal_to(0)"]
    relation = Relation(sql.SQL("SELECT * FROM other.daily"))
    told = reason(make(relation, manager, metadata={"contract": contract(SALES)}))
    assert "stay in the database: give their asset `checks`" in told
    with pytest.raises(InvalidInput, match="a contract is a pandera DataFrameSchema"):
        contract("amount > 0")


def test_the_platforms_manager_shares_its_connections_and_keeps_its_verdicts(
    analytics: AnalyticsSystem,
) -> None:
    config = analytics.config
    settings = {
        "home": str(config.home),
        "pg_bin": str(config.pg_bin),
        "database": {"database": config.database.database},
    }
    with analytics.database.connection("owner") as connection:
        connection.execute("CREATE TABLE analytics.sectors (sector text, n bigint)")
        connection.execute("GRANT SELECT, INSERT, DELETE ON analytics.sectors TO ioc_ingest")
    seen: list[bool] = []
    manager = PostgresIOManager(settings=settings)

    @dg.asset(metadata={"checks": {"positive": "n > 0", "known": "sector <> ''"}})
    def sectors(analytics: AnalyticsResource) -> pd.DataFrame:
        with manager.connection():
            seen.append(analytics.system.database is borrowed(analytics.config))
        return pd.DataFrame({"sector": ["a", ""], "n": [1, 2]})

    result = dg.materialize(
        [sectors],
        resources={"io_manager": manager, "analytics": AnalyticsResource(settings=settings)},
        raise_on_error=False,
    )
    assert "'known'" in reason(result)
    assert seen == [True]
    manager.close()
    assert not sharing._lent
    kept = analytics.query(
        "SELECT table_name, check_name, passed, severity, score FROM data_quality_metrics"
        " ORDER BY check_name"
    ).data
    assert [tuple(row.values()) for row in kept] == [
        ("analytics.sectors", "known", False, "error", 0.5),
        ("analytics.sectors", "positive", True, "error", 1.0),
    ]
    assert analytics.get_system_status().database.data_quality_score == 50


def test_verdicts_that_cannot_be_noted_change_nothing_else(
    analytics: AnalyticsSystem,
) -> None:
    config = analytics.config
    settings = {
        "home": str(config.home),
        "pg_bin": str(config.pg_bin),
        "database": {"database": config.database.database},
    }
    with analytics.database.connection("owner") as connection:
        connection.execute("CREATE TABLE analytics.sectors (n bigint)")
        connection.execute("GRANT SELECT, INSERT ON analytics.sectors TO ioc_ingest")
        connection.execute("DROP TABLE analytics.data_quality_metrics CASCADE")
        # One of the same name, which takes no verdict.
        connection.execute("CREATE TABLE analytics.data_quality_metrics (n bigint)")
        connection.execute("GRANT INSERT ON analytics.data_quality_metrics TO ioc_ingest")
    values = [1]

    @dg.asset(metadata={"mode": "append", "checks": {"positive": "n > 0"}})
    def sectors() -> pd.DataFrame:
        return pd.DataFrame({"n": values})

    manager = PostgresIOManager(settings=settings)
    resources = {"io_manager": manager}
    assert dg.materialize([sectors], resources=resources).success
    values[0] = -1
    broken = dg.materialize([sectors], resources=resources, raise_on_error=False)
    assert "'positive'" in reason(broken)
    manager.close()
    with analytics.database.connection("owner") as connection:
        assert connection.execute("SELECT n FROM analytics.sectors").fetchall() == [(1,)]


def borrowed(config: AnalyticsConfig) -> Database:
    """Return what both resources have borrowed."""
    database = sharing.borrow(config)
    sharing.give_back(database)
    (only,) = sharing._lent
    assert only.users == 2
    return database
