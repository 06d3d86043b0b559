"""Drawn arrays as Arrow tables in the columns of the operational records.

For: files of synthetic records; callers that want records without files. Not for: drawing
(``generator``), text forms of CSV and JSONL (``writers``).

Ids and categories are dictionary-encoded; the answers of a response stand together, in the order of
the items, with one dictionary of response ids per table.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ioc_analytics.records.vocabularies import TRAITS
from ioc_analytics.synthetic import identities
from ioc_analytics.synthetic.generator import COMPLETED, STATUSES, Chunk, Generator
from ioc_analytics.synthetic.organizations import MICROSECONDS_PER_DAY, midnight
from ioc_analytics.synthetic.population import IntArray

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
SCORING_VERSION: Final = "1"
UNKNOWN_RESPONSE: Final = "R-nowhere"
UNKNOWN_ITEM: Final = "E99"
IMPOSSIBLE_VALUE: Final = 9

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AnswerFaults:
    """Answers to spoil: arrays of shape ``(n,)``; row of the chunk, item, and what to break."""

    row: IntArray
    item: IntArray
    name: npt.NDArray[np.str_]


class RecordTables:
    """Turns the chunks of one generator into tables of operational records."""

    def __init__(self, generator: Generator) -> None:
        plan, population = generator.plan, generator.plan.population
        self._generator = generator
        self._tag = generator.organizations.tag
        self._base_year = plan.start.year
        self._last_moment = midnight(plan.start) + plan.days * MICROSECONDS_PER_DAY - 1000
        self._countries = pa.array([c.code for c in population.countries])
        self._genders = pa.array([g.name for g in population.genders])
        self._devices = pa.array([d.name for d in population.devices])
        self._statuses = pa.array(STATUSES)
        self._names = pa.array(
            [
                f"{given} {family}"
                for given in identities.GIVEN_NAMES
                for family in identities.FAMILY_NAMES
            ]
        )
        self._slugs = pc.replace_substring(pc.utf8_lower(self._names), " ", ".")
        self._domains = pa.array(identities.MAIL_DOMAINS)
        self._addresses = pa.array(identities.IP_ADDRESSES)
        agents = [identities.USER_AGENTS[d.name] for d in population.devices]
        self._agents = pa.array([agent for group in agents for agent in group])
        self._agent_count = np.array([len(group) for group in agents])
        self._agent_first = np.cumsum(self._agent_count) - self._agent_count
        # The last code is no item of the instrument: it is there for spoiled answers.
        self._items = pa.array([*generator.bank.codes, UNKNOWN_ITEM])
        self._assessment_ids = pa.array(
            [f"A-{self._tag}-{n:06d}" for n in range(2 * len(generator.organizations))]
        )
        self._traits = pa.array(TRAITS)

    def assessments(self) -> pa.Table:
        """Return all assessments."""
        generator = self._generator
        organizations, drawn = generator.organizations, generator.assessments
        sectors = [g.name for g in generator.plan.population.industries]
        count = len(organizations)
        owner = np.repeat(np.arange(count), 2)
        texts = [identities.INDUSTRY_TEXTS[sectors[s]] for s in organizations.sector]
        industry = [text[n % len(text)] for n, text in enumerate(texts)]
        country = [generator.plan.population.countries[c].code for c in organizations.country]
        never = drawn.published_at < 0
        updated = np.where(never, drawn.created_at, drawn.published_at)
        columns = {
            "assessment_id": self._assessment_ids,
            "organization_id": pa.array([f"ORG-{self._tag}-{n:05d}" for n in owner]),
            "organization_name": pa.array([identities.organization_name(int(n)) for n in owner]),
            "industry": pa.array([industry[n] for n in owner]),
            "employee_count": pa.array(organizations.employees[owner]),
            "country": pa.array([country[n] for n in owner]),
            "assessment_type": pa.array(drawn.kind),
            "instrument": pa.array([generator.plan.instrument.name] * len(owner)),
            "status": pa.array(drawn.status),
            "question_count": pa.array(np.full(len(owner), len(generator.bank.codes), np.int32)),
            "created_at": _moments(drawn.created_at),
            "published_at": _moments(drawn.published_at, never),
            "updated_at": _moments(updated),
        }
        return pa.table(columns)

    def response_ids(self, chunk: Chunk, rows: IntArray) -> pa.Array:
        """Return the ids of the given rows of a chunk."""
        return _numbered(f"R-{self._tag}-", chunk.first + rows)

    def responses(self, chunk: Chunk, rows: IntArray) -> pa.Table:
        """Return the given rows of a chunk as response records."""
        people = chunk.people
        number, label = people.number[rows], people.label[rows]
        items = len(self._generator.bank.codes)
        year = _years(chunk.started_at[rows])
        born = self._base_year - people.age[rows]
        has_age, by_year = people.has_age[rows], people.gives_birth_year[rows]
        device = chunk.device[rows]
        agent = self._agent_first[device] + label % self._agent_count[device]
        name_code = label % len(self._names)
        unfinished = chunk.status[rows] != COMPLETED
        spent = (np.arange(items) < chunk.answered[rows, None]) * chunk.milliseconds[rows]
        mail = pc.binary_join_element_wise(
            pc.binary_join_element_wise(self._slugs.take(pa.array(name_code)), _text(number), "."),
            self._domains.take(pa.array(label % len(self._domains))),
            "@",
        )
        columns = {
            "response_id": self.response_ids(chunk, rows),
            "assessment_id": _coded(chunk.assessment[rows], self._assessment_ids),
            "respondent_id": _hide(_numbered(f"P-{self._tag}-", number), ~people.has_id[rows]),
            "email": _hide(mail, ~people.has_mail[rows]),
            "name": _coded(name_code, self._names, ~people.has_mail[rows]),
            "ip_address": _coded((label >> 8) % len(self._addresses), self._addresses),
            "country": _coded(people.country[rows], self._countries, ~people.has_country[rows]),
            "birth_year": _numbers(born, np.int32, ~(has_age & by_year)),
            "age": _numbers(year - born, np.int32, ~(has_age & ~by_year)),
            "gender": _coded(people.gender[rows], self._genders, ~people.has_gender[rows]),
            "device_type": _coded(device, self._devices, ~chunk.has_device[rows]),
            "user_agent": _coded(agent, self._agents),
            "status": _coded(chunk.status[rows], self._statuses),
            "completion_percentage": pa.array(100.0 * chunk.answered[rows] / items),
            "time_spent_seconds": pa.array(spent.sum(axis=1) / 1e3),
            "started_at": _moments(chunk.started_at[rows]),
            "completed_at": _moments(chunk.finished_at[rows], unfinished),
            "updated_at": _moments(chunk.updated_at[rows]),
        }
        return pa.table(columns)

    def question_responses(
        self,
        chunk: Chunk,
        rows: IntArray,
        faults: AnswerFaults | None = None,
        *,
        with_answer_times: bool = False,
    ) -> pa.Table:
        """Return the answers of the given rows; ``faults`` names those to spoil."""
        items = np.arange(len(self._generator.bank.codes))
        answered = chunk.answered[rows]
        given = items < answered[:, None]
        response = np.repeat(np.arange(len(rows), dtype=np.int32), answered)
        item = np.broadcast_to(items.astype(np.int32), given.shape)[given]
        value = chunk.values[rows][given].astype(np.int16)
        missing: Mask | None = None
        ids = self.response_ids(chunk, rows)
        if faults is not None and len(faults.row):
            missing = np.zeros(len(response), np.bool_)
            ids = pa.concat_arrays([ids, pa.array([UNKNOWN_RESPONSE])])
            place = np.full(len(chunk), -1)
            place[rows] = np.cumsum(answered) - answered
            inside = np.isin(faults.row, rows)
            flat = (place[faults.row] + faults.item)[inside]
            name = faults.name[inside]
            value[flat[name == "value_out_of_range"]] = IMPOSSIBLE_VALUE
            item[flat[name == "unknown_item"]] = len(items)
            response[flat[name == "orphan"]] = len(ids) - 1
            missing[flat[name == "missing_key"]] = True
        columns = {
            "response_id": _coded(response, ids, missing),
            "question_id": _coded(item, self._items),
            "value": pa.array(value),
            "time_spent_ms": pa.array(chunk.milliseconds[rows][given]),
        }
        if with_answer_times:
            columns["answered_at"] = _moments(
                (chunk.started_at[rows][:, None] + 1000 * chunk.elapsed(rows))[given]
            )
        return pa.table(columns)

    def scores(self, chunk: Chunk, rows: IntArray) -> pa.Table:
        """Return the scores of the given rows by the platform's rule.

        A trait is scored from the share of its items that the instrument asks for; ``raw_score`` is
        the mean keyed answer, ``score`` its place between the ends of the scale in percent.
        Answers spoiled on purpose count as they were before.
        """
        bank, instrument = self._generator.bank, self._generator.plan.instrument
        values = chunk.values[rows]
        keyed = np.where(bank.is_reversed, 6 - values, values).astype(np.float64)
        keyed *= np.arange(len(bank.codes)) < chunk.answered[rows][:, None]
        member = (bank.trait[:, None] == np.arange(len(TRAITS))).astype(np.float64)
        number = (keyed > 0) @ member
        is_scored = number >= instrument.minimum_answered_share * member.sum(axis=0) - 1e-9
        total, count = (keyed @ member)[is_scored], number[is_scored]
        response = np.repeat(np.arange(len(rows)), is_scored.sum(axis=1))
        trait = np.broadcast_to(np.arange(len(TRAITS)), is_scored.shape)[is_scored]
        version = pa.array([SCORING_VERSION])
        return pa.table(
            {
                "response_id": _coded(response, self.response_ids(chunk, rows)),
                "dimension": _coded(trait, self._traits),
                "score": pa.array((total - count) / (4.0 * count) * 100.0),
                "raw_score": pa.array(total / count),
                "percentile": pa.nulls(len(total), pa.float64()),
                "scoring_version": _coded(np.zeros(len(total), np.int32), version),
            }
        )

    def ai_validations(self, chunk: Chunk, rows: IntArray) -> pa.Table:
        """Return both raters' scores of the completed ones among the given rows."""
        rated = rows[chunk.status[rows] == COMPLETED]
        response = np.repeat(np.arange(len(rated)), len(TRAITS))
        models = pa.array([r.model for r in self._generator.plan.population.raters])
        first = np.zeros(len(response), np.int32)
        ratings, confidences = chunk.ratings[rated], chunk.confidences[rated]
        # A rating comes one to sixty minutes after the last answer.
        delay = (60 + chunk.people.label[rated] % 3540) * 1_000_000
        rated_at = np.minimum(chunk.finished_at[rated] + delay, self._last_moment)
        return pa.table(
            {
                "response_id": _coded(response, self.response_ids(chunk, rated)),
                "dimension": _coded(np.tile(np.arange(len(TRAITS)), len(rated)), self._traits),
                "primary_model": _coded(first, models),
                "primary_score": pa.array(ratings[:, :, 0].ravel()),
                "secondary_model": _coded(first + 1, models),
                "secondary_score": pa.array(ratings[:, :, 1].ravel()),
                "primary_confidence": pa.array(confidences[:, :, 0].ravel()),
                "secondary_confidence": pa.array(confidences[:, :, 1].ravel()),
                "validated_at": _moments(np.repeat(rated_at, len(TRAITS))),
            }
        )


def _coded(
    codes: npt.NDArray[np.integer], words: pa.Array, missing: Mask | None = None
) -> pa.DictionaryArray:
    indices = pa.array(codes.astype(np.int32, copy=False), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, words)


def _text(numbers: IntArray) -> pa.Array:
    return pc.cast(pa.array(numbers), pa.string())


def _numbered(prefix: str, numbers: IntArray) -> pa.Array:
    """Return ``prefix`` followed by the number with at least nine digits."""
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(_text(numbers), 9, "0"), "")


def _hide(texts: pa.Array, missing: Mask) -> pa.Array:
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), texts)


def _numbers(numbers: IntArray, kind: type[np.integer], missing: Mask) -> pa.Array:
    return pa.array(numbers.astype(kind), mask=missing)


def _moments(microseconds: IntArray, missing: Mask | None = None) -> pa.Array:
    return pa.array(microseconds, type=pa.int64(), mask=missing).cast(TIMESTAMP)


def _years(microseconds: IntArray) -> IntArray:
    return microseconds.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
