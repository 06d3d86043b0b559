"""The facade: norm tables and the percentiles read from them."""

from collections.abc import Callable
from datetime import date
from typing import Any

from ioc_analytics.insight.norms import (
    NormPercentile,
    NormReceipt,
    NormVersion,
    apply_norms,
    create_norms,
    list_norms,
    norm_percentile,
)
from ioc_analytics.records.filters import TimeRange
from ioc_analytics.system.base import SystemBase


class Norms(SystemBase):
    """Make, list, ask and apply versions of the norm tables."""

    def create_norms(
        self,
        version: str,
        time_range: Any = None,
        minimum_n: int | None = None,
        *,
        with_careless: bool = False,
    ) -> NormVersion:
        """Make and publish a version of the norm tables; it never changes afterwards.

        Args:
            version: Its name: letters, digits, dots, dashes, underscores.
            time_range: ``TimeRange`` or ``{"start", "end"}``, half-open; None: all time.
            minimum_n: Fewest scores of a group, at least 10; None: the setting.
            with_careless: Whether responses flagged as careless count too.

        Raises:
            InvalidInput: The name or minimum is not allowed, or the version exists.
            NotEnoughData: No group has the minimum.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("make norms")
        self._note("make norms", version)
        minimum = self.config.norm_minimum_n if minimum_n is None else minimum_n
        return create_norms(
            self.database,
            version,
            TimeRange.parse(time_range),
            minimum,
            with_careless=with_careless,
        )

    def list_norms(self) -> tuple[NormVersion, ...]:
        """Return the versions of the norm tables, the newest first."""
        self.demand_analyst("see norms")
        with self.database.connection("analyst") as connection:
            return list_norms(connection)

    def norm_percentile(
        self,
        instrument: str,
        trait: str,
        score: float,
        region: str | None = None,
        gender: str | None = None,
        age_band: str | None = None,
        version: str | None = None,
    ) -> NormPercentile:
        """Place a score in the narrowest norm group that there is for a person.

        Args:
            instrument: Name of the questionnaire.
            trait: One of the five.
            score: Points of 0 to 100.
            region: Region of the person; None or ``unknown``: not known.
            gender: Gender of the person, likewise.
            age_band: Age band of the person, likewise.
            version: Norm version; None: the one that stored scores have, else the newest.

        Raises:
            InvalidInput: An unknown name, or a score outside 0 to 100.
            NotEnoughData: There are no norms of this instrument and trait.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("see norms")
        asked = (instrument, trait, score, region, gender, age_band, version)
        self._note_answer("norm_percentile", *asked)
        with self.query_counters.request(), self.database.connection("analyst") as connection:
            return norm_percentile(
                connection,
                instrument,
                trait,
                score,
                region=region,
                gender=gender,
                age_band=age_band,
                version=version,
            )

    def apply_norms(
        self, version: str, *, progress: Callable[[date], None] | None = None
    ) -> NormReceipt:
        """Give the stored scores the percentiles of a version; safe to repeat.

        Scores that come later get them at the next refresh.

        Args:
            version: A version of the norm tables.
            progress: Called after each month.

        Raises:
            InvalidInput: There is no such version.
            PrivacyRefusal: The role sees released figures only.
        """
        self.demand_analyst("give scores percentiles")
        receipt = apply_norms(self.database, version, progress)
        with self.database.connection("ingest") as connection:
            self._audit(connection, "apply norms", version, row_count=receipt.changed)
        return receipt
