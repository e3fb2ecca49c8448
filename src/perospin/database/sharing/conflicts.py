"""Values of one property and material that differ: their spread, the conditions that differ, a recommended value.

The rule, which `RULE` says in words: only values under like conditions are put together; each source counts once; the
recommended value is the median of the sources. The interval is where another laboratory's value is expected. Its width
comes from how much sources differ among themselves, over all materials, and `coverage` tests it on sources held out.
"""

from __future__ import annotations

import builtins
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perospin.database.record import CONDITION_UNITS
from perospin.database.vocabulary import PROPERTIES, Property

if TYPE_CHECKING:
    from perospin.database.record import Record

__all__ = ["LEVEL", "RULE", "Conflict", "Coverage", "Setting", "conflicts", "coverage"]

LEVEL = 0.90
"""Probability with which the interval should hold another source's value."""
RULE = (
    "Only values under like conditions are put together: temperature, field and size within a factor of 1.5, or "
    "unstated in all; equal carrier, convention, direction, enantiomer and phase (a value that doesn't state one joins "
    "the others if they agree on it). Bounds, largest values, estimated and "
    "computed ones are shown and not counted. A source counts once, by the median of its values; each row that a work "
    "quotes from others is a source of its own, unless it repeats an original's number. Recommended is the median of "
    "the sources (geometric mean of the middle two of an even number). The interval should hold another source's value "
    "with 90 % probability: Student's t of the scatter between sources, pooled over all materials of the property "
    "(spin lifetimes, and cell edges, are pooled where one alone has fewer than 3 degrees of freedom)."
)
_NEAR = 1.5
_WORDS = ("carrier", "lifetime_convention", "direction", "handedness", "phase")
_NUMBERS = ("temperature_k", "field_t", "size_nm")
_SHOWN = (
    *(*_NUMBERS, *_WORDS, "form", "technique", "space_group", "device", "n_layers", "excitation_nm", "fluence_uj_cm2"),
    *("wavelength_nm", "energy_ev", "xray_energy_kev", "bias_field_v_mm"),
)
_LEAST_FREEDOM = 3
_POOLED = dict.fromkeys(("tau_spin", "T1", "T2", "T2_star"), "spin lifetimes")
_POOLED |= dict.fromkeys(("lattice_a", "lattice_b", "lattice_c"), "cell edges")
# measured the same way, so that their relative scatter may be put together
_BY_SYMMETRY = frozenset(("lattice_alpha", "lattice_beta", "lattice_gamma", "formula_units_per_cell"))
# numbers that the symmetry of a crystal fixes say nothing about how well measurements agree
_COPY = 2e-3


@dataclass(frozen=True)
class Setting:
    """Values under like conditions.

    Attributes
    ----------
    conditions
        What the values have in common, name to value in words; empty where nothing is stated.
    records
        All of them, those that aren't counted included.
    sources
        Value of each source that counts, by its short name, in the unit of the property.
    recommended
        Median of the sources; None if only bounds, estimates or computed values are known.
    interval
        Where another source's value is expected (`LEVEL`); None if too few sources differ to say how much.
    basis
        What the interval rests on, in words.
    """

    conditions: Mapping[str, str]
    records: tuple[Record, ...]
    sources: Mapping[str, float]
    recommended: float | None
    interval: tuple[float, float] | None
    basis: str

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values; records by their identifiers."""
        return {
            "conditions": dict(self.conditions),
            "records": [record.record_id for record in self.records],
            "sources": dict(self.sources),
            "recommended": self.recommended,
            "interval": None if self.interval is None else list(self.interval),
            "basis": self.basis,
        }


@dataclass(frozen=True)
class Conflict:
    """All that is known of one property of one material, where more than one source speaks.

    Attributes
    ----------
    material
        Canonical formula, or the words of the source.
    property, unit
        From the vocabulary.
    low, high
        Smallest and largest of all values.
    differing
        Conditions that differ, with what is stated of each; ``not stated`` where some say nothing.
    settings
        Values under like conditions, most sources first.
    """

    material: str
    property: str
    unit: str
    low: float
    high: float
    differing: Mapping[str, tuple[str, ...]]
    settings: tuple[Setting, ...]

    @builtins.property  # a field has the name of the decorator
    def records(self) -> tuple[Record, ...]:
        """All records, setting after setting."""
        return tuple(record for setting in self.settings for record in setting.records)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        return {
            **{name: getattr(self, name) for name in ("material", "property", "unit", "low", "high")},
            "differing": {name: list(values) for name, values in self.differing.items()},
            "settings": [setting.to_dict() for setting in self.settings],
        }


@dataclass(frozen=True)
class Coverage:
    """How often the value of a source that was held out lay in the interval made without it.

    Attributes
    ----------
    tested, inside
        Numbers of sources held out, by group of properties.
    untested
        Sources that couldn't be tested, since without them there is no interval.
    """

    tested: Mapping[str, int] = field(default_factory=dict)
    inside: Mapping[str, int] = field(default_factory=dict)
    untested: int = 0

    @property
    def share(self) -> float:
        """Share of those tested that lay inside; NaN if none was tested."""
        n = sum(self.tested.values())
        return sum(self.inside.values()) / n if n else math.nan

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        share = None if math.isnan(self.share) else self.share
        tested = {name: {"tested": n, "inside": self.inside[name]} for name, n in self.tested.items()}
        return {"level": LEVEL, "share": share, "groups": tested, "untested": self.untested}


def conflicts(records: Iterable[Record], beside: Iterable[Record] = (), single: bool = False) -> list[Conflict]:
    """Spread, differing conditions and a recommended value of each material and property.

    Parameters
    ----------
    records : iterable of Record
        What is asked about.
    beside : iterable of Record
        Further records that only tell how much sources differ.
    single : bool
        Whether to list also what one source alone says.

    Returns
    -------
    list of Conflict
        By property, in the order of the vocabulary; within it the largest disagreement under like conditions first.
    """
    asked = list(records)
    known = {record.record_id or record.fingerprint() for record in asked}
    more = [record for record in beside if (record.record_id or record.fingerprint()) not in known]
    groups = _settings([*asked, *more])
    scatter = _Scatter(groups)
    wanted = {(_material(record), record.property) for record in asked}
    found: dict[tuple[str, str], list[_Group]] = defaultdict(list)
    for group in groups:
        if (group.material, group.property.name) in wanted:
            found[group.material, group.property.name].append(group)
    listed = [
        _conflict(name, PROPERTIES[prop], mine, scatter)
        for (name, prop), mine in found.items()
        if single or len({_source(record) for group in mine for record in group.records}) > 1
    ]
    order = list(PROPERTIES)
    return sorted(listed, key=lambda item: (order.index(item.property), -_disagreement(item), item.material))


def coverage(records: Iterable[Record]) -> Coverage:
    """Hold out each source of each setting in turn, and see whether its value lies in the interval made without it.

    Parameters
    ----------
    records : iterable of Record
        For example `curated_records`.

    Returns
    -------
    Coverage
        Angles and numbers that the symmetry of a crystal fixes are left out.
    """
    groups = [group for group in _settings(records) if group.property.name not in _BY_SYMMETRY]
    tested: dict[str, int] = defaultdict(int)
    inside: dict[str, int] = defaultdict(int)
    untested = 0
    scatter = _Scatter(groups)
    for group in groups:
        if len(group.sources) < 2:
            continue
        for left in group.sources:
            others = [value for name, value in group.sources.items() if name != left]
            interval, _ = scatter.without(group, left).interval(group.property, others)
            if interval is None:
                untested += 1
                continue
            kind = group.property.group
            tested[kind] += 1
            inside[kind] += interval[0] <= group.sources[left] <= interval[1]
    return Coverage(dict(tested), {kind: inside[kind] for kind in tested}, untested)


@dataclass(frozen=True)
class _Group:
    """Records under like conditions, and the value of each source that counts."""

    material: str
    property: Property
    records: tuple[Record, ...]
    sources: Mapping[str, float]


class _Scatter:
    """How much sources differ under like conditions: sum of squares and degrees of freedom, pooled over materials."""

    def __init__(self, groups: Iterable[_Group]) -> None:
        self._found: dict[str, tuple[float, int]] = {}
        for group in groups:
            self._add(group, group.sources, 1)

    def without(self, group: _Group, source: str) -> _Scatter:
        """Leave out one source of a group."""
        other = _Scatter(())
        other._found = dict(self._found)
        other._add(group, group.sources, -1)
        other._add(group, {name: value for name, value in group.sources.items() if name != source}, 1)
        return other

    def _add(self, group: _Group, sources: Mapping[str, float], sign: int) -> None:
        values = [_compared(group.property, value) for value in sources.values()]
        if len(values) < 2:
            return
        mean = math.fsum(values) / len(values)
        squares = math.fsum((value - mean) ** 2 for value in values)
        for name in filter(None, (group.property.name, _POOLED.get(group.property.name))):
            before, freedom = self._found.get(name, (0.0, 0))
            self._found[name] = (before + sign * squares, freedom + sign * (len(values) - 1))

    def interval(self, prop: Property, values: Sequence[float]) -> tuple[tuple[float, float] | None, str]:
        """Interval of another source about the middle of these, and what it rests on."""
        if prop.name in _BY_SYMMETRY:
            return None, "fixed by the symmetry of the crystal"
        name = prop.name
        squares, freedom = self._found.get(name, (0.0, 0))
        if freedom < _LEAST_FREEDOM and name in _POOLED:
            name = _POOLED[name]
            squares, freedom = self._found.get(name, (0.0, 0))
        if freedom < _LEAST_FREEDOM:
            return None, "too few sources repeat such a measurement to say how much they differ"
        from scipy.special import stdtrit

        middle = _compared(prop, _middle(prop, values))
        scale = math.sqrt(max(squares, 0.0) / freedom * (1.0 + 1.0 / len(values)))
        half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * scale
        low, high = middle - half, middle + half
        ends = (10.0**low, 10.0**high) if prop.positive else (low, high)
        return ends, f"scatter between sources of {name}, {freedom} degrees of freedom"


def _compared(prop: Property, value: float) -> float:
    """Give a value where sources are compared: its logarithm, unless it may be zero or less."""
    return math.log10(value) if prop.positive else value


def _middle(prop: Property, values: Iterable[float]) -> float:
    """Median; of an even number the geometric mean of the middle two, unless a value may be zero or less."""
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if low == high:
        return low
    return math.sqrt(low) * math.sqrt(high) if prop.positive else 0.5 * (low + high)


def _settings(records: Iterable[Record]) -> list[_Group]:
    """Cut records into those under like conditions."""
    together: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        together[_material(record), record.property].append(record)
    groups = []
    for (material, name), parts in ((key, [alike]) for key, alike in together.items()):
        for number in _NUMBERS:
            parts = [piece for part in parts for piece in _cut(part, number)]
        for word in _WORDS:
            parts = [piece for part in parts for piece in _apart(part, word)]
        prop = PROPERTIES[name]
        groups += [_Group(material, prop, tuple(part), _by_source(part, prop)) for part in parts]
    return groups


def _cut(records: Sequence[Record], name: str) -> list[list[Record]]:
    """Parts within which a number lies within a factor of `_NEAR` of the smallest, and those that don't state it."""
    silent = [record for record in records if getattr(record.conditions, name) is None]
    stated = sorted((r for r in records if getattr(r.conditions, name) is not None), key=lambda r: _number(r, name))
    parts: list[list[Record]] = [silent] if silent else []
    start = None
    for record in stated:
        value = _number(record, name)
        if start is None or not (value == start or (start > 0 and value <= _NEAR * start)):
            start = value
            parts.append([])
        parts[-1].append(record)
    return parts


def _apart(records: Sequence[Record], name: str) -> list[list[Record]]:
    """Parts that say one word; who says nothing joins the others where they all say the same."""
    by_word: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_word[_word(record, name)].append(record)
    if len(by_word.keys() - {""}) <= 1:
        return [list(records)]
    return list(by_word.values())


def _by_source(records: Sequence[Record], prop: Property) -> dict[str, float]:
    """Value of each source that counts; a quotation of another one's number is no second source."""
    found: dict[str, list[float]] = defaultdict(list)
    counted = [record for record in records if _counts(record)]
    originals = [record for record in counted if record.source.evidence == "primary"]
    for record in counted:
        name = _source(record)
        if record.source.evidence == "secondary" and prop.group != "structure":
            if any(math.isclose(record.value, other.value, rel_tol=_COPY) for other in originals):
                continue
            name += f", {record.source.located_in}" if record.source.located_in else ""
        found[name].append(record.value)
    return {name: _middle(prop, values) for name, values in found.items()}


def _counts(record: Record) -> bool:
    return record.limit == "value" and not record.estimated and not record.theory


def _conflict(material: str, prop: Property, groups: Sequence[_Group], scatter: _Scatter) -> Conflict:
    records = [record for group in groups for record in group.records]
    settings = sorted(
        (_setting(group, scatter) for group in groups), key=lambda s: (-len(s.sources), str(s.conditions))
    )
    differing = {}
    for name in _SHOWN:
        said = list(dict.fromkeys(_shown(record, name) for record in sorted(records, key=lambda r: _number(r, name))))
        if len(said) > 1:
            differing[name] = tuple(word or "not stated" for word in said)
    values = [record.value for record in records]
    return Conflict(material, prop.name, prop.unit, min(values), max(values), differing, tuple(settings))


def _setting(group: _Group, scatter: _Scatter) -> Setting:
    prop, values = group.property, list(group.sources.values())
    common = {}
    for name in _SHOWN:
        said = list(
            dict.fromkeys(_shown(record, name) for record in sorted(group.records, key=lambda r: _number(r, name)))
        )
        if len(said) == 1 and said[0]:
            common[name] = said[0]
        elif name in _NUMBERS and all(said):
            common[name] = f"{said[0].split(' ')[0]} to {said[-1]}"
    if not values:
        return Setting(common, group.records, {}, None, None, "only bounds, estimated or computed values")
    interval, basis = scatter.interval(prop, values)
    return Setting(common, group.records, group.sources, _middle(prop, values), interval, basis)


def _disagreement(conflict: Conflict) -> float:
    """Largest ratio (or difference, where a property may be negative) of sources under like conditions."""
    found = [0.0]
    for setting in conflict.settings:
        if len(setting.sources) > 1:
            low, high = min(setting.sources.values()), max(setting.sources.values())
            found.append(math.log10(high / low) if low > 0 else high - low)
    return max(found)


def _material(record: Record) -> str:
    return record.formula or record.material


def _source(record: Record) -> str:
    return record.source.label if record.source.first_author else record.source.doi.lower() or record.source.label


def _word(record: Record, name: str) -> str:
    said = str(getattr(record.conditions, name))
    return "" if said == "unspecified" else said


def _number(record: Record, name: str) -> float:
    value = getattr(record.conditions, name)
    return float(value) if isinstance(value, int | float) else -math.inf


def _shown(record: Record, name: str) -> str:
    value = getattr(record.conditions, name)
    if value is None or value in ("", "unspecified"):
        return ""
    return f"{value:g} {CONDITION_UNITS[name]}" if name in CONDITION_UNITS else str(value)
