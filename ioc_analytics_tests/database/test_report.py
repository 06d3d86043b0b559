"""Reports: complete, dated, readable offline, honest about what is missing."""

import json
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ioc_analytics import AnalyticsSystem
from ioc_analytics.insight.report import report_period
from ioc_analytics.insight.report_sections import SECTIONS
from ioc_analytics.kernel.errors import (
    ConfigurationError,
    InvalidInput,
    NotEnoughData,
    PrivacyRefusal,
)
from ioc_analytics.states.sealing import seal_month
from ioc_analytics_tests.database.survey import make_survey


@pytest.fixture
def survey(analytics: AnalyticsSystem, tmp_path: Path) -> Iterator[AnalyticsSystem]:
    """A system with 400 responses, its reports in a folder of this test's own."""
    analytics.ingest_data(make_survey(analytics.config, 400))
    config = analytics.config.replace(reports={"path": tmp_path / "reports"})
    with AnalyticsSystem(config) as system:
        yield system


def test_a_report_stands_alone_and_dates_every_figure(survey: AnalyticsSystem) -> None:
    # Of this process: beside other tests, a clock on the wall would time them too.
    began = time.process_time()
    report = survey.generate_report({"title": "Q1 <b> & more"})
    assert time.process_time() - began < 5
    text = report.path.read_text("utf-8")
    assert "<h1>Q1 &lt;b&gt; &amp; more</h1>" in text
    assert not re.search(r"https?:|//[a-z]|<script|<link|@import|url\((?!#)", text)
    figures = re.findall(r"<figure>(.*?)</figure>", text, re.DOTALL)
    assert text.count("<svg") == 7
    assert len(figures) == text.count("<svg") + text.count("<table")
    for figure in figures:
        caption = re.findall(r"<figcaption.*?>(.*?)</figcaption>", figure)[0]
        assert "as of 20" in caption
        assert re.search(r"\bn\b|platform", caption)
    analysis = survey.get_ocean_analysis()
    assert f"n = {analysis.sample_size:,}" in text
    for trait in analysis.traits:
        assert f"{trait.average:.1f}" in text


def test_the_formats_say_the_same(survey: AnalyticsSystem) -> None:
    analysis = survey.get_ocean_analysis()
    markdown = survey.generate_report({"format": "markdown", "filename": "weekly"})
    assert markdown.path.name == "weekly.md"
    text = markdown.path.read_text("utf-8")
    assert f"| openness | {analysis.traits[0].sample_size:,} |" in text
    assert "data:image/svg+xml;base64," in text
    figures = json.loads(survey.generate_report({"format": "json"}).path.read_text("utf-8"))
    found = {section["name"]: section["figures"] for section in figures["sections"]}
    assert set(found) == set(SECTIONS)
    assert found["distributions"]["traits"][0]["average"] == analysis.traits[0].average


def test_activity_checks_and_norms_stand_in_the_report(survey: AnalyticsSystem) -> None:
    survey.create_norms("2024", minimum_n=50)
    sections = ["norms", "ai_validation", "outliers", "trends", "metrics"]
    report = survey.generate_report({"sections": sections, "format": "json"})
    found = {s["name"]: s for s in json.loads(report.path.read_text("utf-8"))["sections"]}
    completion = survey.analyze_metric("completion_rate")
    assert found["metrics"]["figures"]["completion_rate"]["value"] == completion.value
    trend = survey.analyze_trends("completion_rate", interval="weekly")
    assert found["trends"]["figures"]["completion_rate"]["trend"] == trend.trend
    assert "responses" not in found["outliers"]["figures"], "single people are never named"
    assert found["ai_validation"]["figures"]["agreements"]
    assert found["norms"]["figures"]["version"] == "2024"
    page = survey.generate_report({"sections": sections}).path.read_text("utf-8")
    assert f"{100 * completion.value:.1f} %" in page
    assert "Agreement of rater-a and rater-b" in page
    assert "norm version 2024" in page


def test_a_week_is_judged_beside_two_years(analytics: AnalyticsSystem, tmp_path: Path) -> None:
    analytics.ingest_data(make_survey(analytics.config, 4000, days=364))
    config = analytics.config.replace(reports={"path": tmp_path / "reports"})
    week = {"start": "2024-12-02", "end": "2024-12-09"}
    with AnalyticsSystem(config) as system:
        report = system.generate_report({"time_range": week, "format": "json"})
    text = json.loads(report.path.read_text("utf-8"))
    found = {section["name"]: section["figures"] for section in text["sections"]}
    volume = found["trends"]["response_volume"]
    assert volume["trend"] != "undetermined"
    assert volume["sample_size"] >= 45
    assert found["outliers"]["judged_months"] > 0
    assert min(found["ai_validation"]["judged_weeks"].values()) > 0
    assert len({point["period_start"] for point in found["history"]["points"]}) == 12
    # What is of the week alone stays so.
    assert found["metrics"]["response_volume"]["value"] < 120
    assert found["outliers"]["time_range"]["start"].startswith("2024-12-02")


def test_a_past_alone_is_no_report_of_a_week(survey: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData, match="no section"):
        survey.generate_report({"time_range": {"start": "2024-09-02", "end": "2024-09-09"}})
    trends = {"sections": ["trends"], "time_range": {"start": "2024-03-01", "end": "2024-05-01"}}
    assert survey.generate_report(trends).sections[0].has_figures


def test_what_retention_took_costs_its_section_only(survey: AnalyticsSystem) -> None:
    survey.refresh()
    with survey.database.connection("owner") as connection:
        seal_month(connection, date(2024, 1, 1))
        for table in ("scores", "responses"):
            connection.execute(
                f"DELETE FROM analytics.anonymized_assessment_{table} "
                "WHERE created_at < '2024-02-01'"
            )
    women = {"filters": {"gender": "female"}, "format": "json"}
    report = survey.generate_report({**women, "sections": ["distributions", "metrics", "trends"]})
    reasons = {entry["figure"]: entry["reason"] for entry in report.withheld}
    assert "are gone" in reasons["trends"]
    assert report.sections[0].has_figures
    # After the sealed month the range itself is judged, though its past is out of reach.
    later = {"time_range": {"start": "2024-02-01", "end": "2024-04-01"}}
    assert (
        survey.generate_report({**women, **later, "sections": ["trends"]}).sections[0].has_figures
    )


def test_filters_and_range_hold_for_the_figures(survey: AnalyticsSystem) -> None:
    industry = [{"field": "industry_category", "operator": "eq", "value": "Technology"}]
    times = {"start": "2024-01-10", "end": "2024-03-05"}
    report = survey.query_interface.generate_report(
        {"filters": industry, "time_range": times, "sections": ["distributions"]}
    )
    text = report.path.read_text("utf-8")
    assert f"n = {survey.get_ocean_analysis(industry, times).sample_size:,} " in text
    assert "industry_category is Technology" in text and "2024-03-05 (left out)" in text


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
def test_a_report_names_organizations_by_pseudonyms_only(
    survey: AnalyticsSystem, form: str
) -> None:
    chosen = [{"field": "org_hash", "operator": "in", "value": ["acme"]}]
    report = survey.generate_report({"filters": chosen, "organization": "acme", "format": form})
    text = report.path.read_text("utf-8")
    assert "acme" not in text
    assert str(survey.pseudonym("organization", "acme")) in text


def test_what_is_missing_is_visible(survey: AnalyticsSystem) -> None:
    industry = [{"field": "industry_category", "operator": "eq", "value": "Technology"}]
    report = survey.generate_report({"filters": industry, "sections": ["distributions", "groups"]})
    assert "groups" in {entry["figure"] for entry in report.withheld}
    text = report.path.read_text("utf-8")
    assert "<strong>Withheld</strong>" in text
    assert report.to_dict()["withheld"] == [dict(entry) for entry in report.withheld]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"sections": ["distribution"]}, "distributions"),
        ({"format": "htm"}, "html"),
        ({"titel": "x"}, "title"),
        ({"by": "gendr"}, "gender"),
        ({"interval": "monthli"}, "monthly"),
        ({"filename": "../x"}, "file name"),
        ({"sections": []}, "needs a section"),
    ],
)
def test_a_wrong_option_is_named(
    survey: AnalyticsSystem, config: dict[str, object], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        survey.generate_report(config)
    assert not survey.config.reports.path.exists()


def test_without_data_there_is_no_report(survey: AnalyticsSystem) -> None:
    with pytest.raises(NotEnoughData, match="no section"):
        survey.generate_report({"time_range": {"start": "1990-01-01", "end": "1990-02-01"}})
    assert not survey.config.reports.path.exists()


def test_a_reader_gets_none_and_a_bad_folder_is_named(
    survey: AnalyticsSystem, tmp_path: Path
) -> None:
    with (
        AnalyticsSystem(survey.config, role="reader") as reader,
        pytest.raises(PrivacyRefusal),
    ):
        reader.generate_report()
    (tmp_path / "file").write_text("")
    config = survey.config.replace(reports={"path": tmp_path / "file" / "reports"})
    with (
        AnalyticsSystem(config) as system,
        pytest.raises(ConfigurationError, match="ANALYTICS_REPORT_FOLDER"),
    ):
        system.generate_report()


def test_a_period_is_the_last_whole_one() -> None:
    week = report_period("weekly", date(2026, 3, 9)).to_dict()
    assert week == {"start": "2026-03-02T00:00:00+00:00", "end": "2026-03-09T00:00:00+00:00"}
    month = report_period("monthly", date(2026, 1, 1)).to_dict()
    assert month == {"start": "2025-12-01T00:00:00+00:00", "end": "2026-01-01T00:00:00+00:00"}
    with pytest.raises(InvalidInput, match="weekly"):
        report_period("weekli", date(2026, 1, 1))
