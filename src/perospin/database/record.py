"""One measured property of one material: the value, its conditions and its source."""

from __future__ import annotations

import builtins
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from perospin.database.vocabulary import (
    CARRIERS,
    COMPOSITIONS,
    EVIDENCE,
    LIFETIME_CONVENTIONS,
    LIMITS,
    get_property,
)
from perospin.errors import DataError, FormulaError
from perospin.text import control_character, shorten

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary

Limit = Literal["value", "upper", "lower", "up_to"]
Composition = Literal["known", "other", "unknown"]
Evidence = Literal["primary", "secondary"]
_Part = TypeVar("_Part", "Source", "Conditions")

# Units of the conditions that carry one; the name says it already, this is for conversion on entry.
CONDITION_UNITS = {
    "size_nm": "nm",
    "temperature_k": "K",
    "field_t": "T",
    "excitation_nm": "nm",
    "fluence_uj_cm2": "uJ/cm^2",
    "wavelength_nm": "nm",
    "energy_ev": "eV",
    "xray_energy_kev": "keV",
    "bias_field_v_mm": "V/mm",
}

MOST_LAYERS = 10_000

_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ARXIV = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?")


def normalise_doi(text: str) -> str:
    """Bring a DOI or an arXiv identifier, with or without its web address, to the plain DOI.

    Raises
    ------
    DataError
        If the text is neither.

    Examples
    --------
    >>> normalise_doi("https://doi.org/10.1039/D5SC07406A"), normalise_doi("arXiv:2603.03038v1")
    ('10.1039/D5SC07406A', '10.48550/arXiv.2603.03038')
    """
    plain = re.sub(
        r"^(?:https?://)?(?:dx\.)?(?:doi\.org/|arxiv\.org/(?:abs|pdf|html)/)|^(?:doi|arxiv):\s*",
        "",
        text.strip(),
        flags=re.IGNORECASE,
    )
    if _DOI.fullmatch(plain):
        return plain
    if _ARXIV.fullmatch(plain):
        return f"10.48550/arXiv.{re.sub(r'v[0-9]+$', '', plain)}"
    raise DataError(
        f"'{shorten(text)}' is neither a DOI (10.1039/d5sc07406a) nor an arXiv identifier (arXiv:2603.03038)"
    )


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """Fields of a class that a table carries."""
    return tuple(item.name for item in fields(kind) if item.init)


@cache
def _reader(kind: Any) -> Callable[[object], tuple[Any, ...]]:
    return attrgetter(*_names(kind))


def _words(owner: object) -> None:
    """Text fields hold one line without control characters and blanks around it, so that a table can carry them."""
    kind = type(owner)
    for name, value in zip(_names(kind), _reader(kind)(owner), strict=True):  # type: ignore[arg-type]
        if not value or not isinstance(value, str):
            if value.__class__ is float and not value:
                object.__setattr__(owner, name, 0.0)  # a database keeps no -0.0
            continue
        if value.isprintable() and value[0] != " " and value[-1] != " " and "  " not in value:
            continue
        if found := control_character(value):
            raise DataError(f"{name} holds the control character {found}; leave it out")
        object.__setattr__(owner, name, " ".join(value.split()))


def _finite(name: str, value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise DataError(f"{name} is {value}; it must be a finite number or missing")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value was read.

    Attributes
    ----------
    doi
        DOI; an arXiv preprint has the DOI ``10.48550/arXiv.<id>``. Empty when none was shown.
    first_author, year
        Of the work that reports the value.
    located_in
        Place in it: abstract, table, figure, page of a notebook.
    evidence
        ``"primary"`` if read in that work, ``"secondary"`` if quoted elsewhere.
    url
        Page where it was read.
    """

    doi: str = ""
    first_author: str = ""
    year: int | None = None
    located_in: str = ""
    evidence: Evidence = "primary"
    url: str = ""

    def __post_init__(self) -> None:
        """Check the source.

        Raises
        ------
        DataError
            If nothing identifies the source, or a field is malformed.
        """
        _words(self)
        if self.doi:
            object.__setattr__(self, "doi", normalise_doi(self.doi))
        if not (self.doi or self.url or self.first_author):
            raise DataError(
                "a value needs a source: give a DOI or arXiv identifier, a URL, or at least who measured it"
            )
        if self.year is not None and not 1900 <= self.year <= 2100:
            raise DataError(f"year is {self.year}; it must lie between 1900 and 2100")
        if self.evidence not in EVIDENCE:
            raise DataError(f"evidence is '{shorten(self.evidence)}'; it must be one of: {', '.join(EVIDENCE)}")

    @property
    def arxiv(self) -> str:
        """ArXiv identifier, or ``""``."""
        prefix = "10.48550/arxiv."
        return self.doi[len(prefix) :] if self.doi.lower().startswith(prefix) else ""

    @property
    def label(self) -> str:
        """Short name for a table: ``"Belykh 2026"``, or what there is."""
        who = self.first_author or self.doi or re.sub(r"^https?://(www\.)?", "", self.url).split("/")[0]
        return f"{who} {self.year}" if self.year and self.first_author else who


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions a value holds; what was not stated stays empty.

    Attributes
    ----------
    dimensionality, n_layers, phase, space_group, form, device
        Of the sample, as stated (``"RP"``, 2, ``"orthorhombic"``, ``"Pbca"``, ``"film"``, ``"vertical"``).
    size_nm
        Crystal or layer size.
    carrier
        One of electron, hole, exciton, unspecified, or ``""``.
    technique
        Method of measurement or computation.
    temperature_k, field_t
        Sample temperature (K) and magnetic field (T).
    excitation_nm, fluence_uj_cm2
        Pump wavelength (nm) and fluence (uJ/cm^2).
    lifetime_convention
        Meaning of a lifetime, one of `LIFETIME_CONVENTIONS`; ``""`` when the source does not say.
    direction, handedness
        Field or crystal direction; enantiomer.
    wavelength_nm, energy_ev
        Wavelength (nm) or photon energy (eV) at which the value was read.
    xray_energy_kev, bias_field_v_mm
        X-ray photon energy or tube voltage (keV) and electric field (V/mm).
    """

    dimensionality: str = ""
    n_layers: int | None = None
    phase: str = ""
    space_group: str = ""
    form: str = ""
    size_nm: float | None = None
    carrier: str = ""
    technique: str = ""
    temperature_k: float | None = None
    field_t: float | None = None
    excitation_nm: float | None = None
    fluence_uj_cm2: float | None = None
    lifetime_convention: str = ""
    direction: str = ""
    handedness: str = ""
    wavelength_nm: float | None = None
    energy_ev: float | None = None
    xray_energy_kev: float | None = None
    bias_field_v_mm: float | None = None
    device: str = ""

    def __post_init__(self) -> None:
        """Check the conditions.

        Raises
        ------
        DataError
            If a word is outside the vocabulary or a number outside its physical range.
        """
        _words(self)
        if self.carrier and self.carrier not in CARRIERS:
            raise DataError(f"carrier is '{shorten(self.carrier)}'; it must be one of: {', '.join(CARRIERS)}, or empty")
        if self.lifetime_convention and self.lifetime_convention not in LIFETIME_CONVENTIONS:
            words = ", ".join(LIFETIME_CONVENTIONS)
            raise DataError(
                f"lifetime_convention is '{shorten(self.lifetime_convention)}'; it must be one of: {words}, or empty"
            )
        for name in CONDITION_UNITS:
            _finite(name, getattr(self, name))
        for name in ("size_nm", "excitation_nm", "wavelength_nm", "energy_ev", "xray_energy_kev"):
            number = getattr(self, name)
            if number is not None and number <= 0:
                raise DataError(f"{name} is {number:g}; it must be greater than 0")
        if self.temperature_k is not None and not 0 <= self.temperature_k <= 3000:
            raise DataError(f"temperature_k is {self.temperature_k:g}; it must lie between 0 and 3000 K")
        if self.fluence_uj_cm2 is not None and self.fluence_uj_cm2 < 0:
            raise DataError(f"fluence_uj_cm2 is {self.fluence_uj_cm2:g}; it can't be negative")
        if self.n_layers is not None and not 1 <= self.n_layers <= MOST_LAYERS:
            raise DataError(f"n_layers must be 1 or more, at most {MOST_LAYERS} (leave it empty for 3D)")


@dataclass(frozen=True, slots=True)
class Record:
    """A value of one property of one material.

    Build one with `Record.measured`, which converts the unit and reads the formula.

    Attributes
    ----------
    material
        Material as the source writes it.
    formula
        Canonical formula (``str(Perovskite.parse(...))``); empty unless `composition` is ``"known"``.
    composition
        One of `COMPOSITIONS`.
    property
        Name from the vocabulary.
    value, unit, uncertainty
        In the canonical unit of the property.
    limit
        One of `LIMITS`.
    original_value, original_unit
        As stated by the source, before conversion.
    conditions, source
        See `Conditions` and `Source`.
    estimated
        The number was not stated as such: derived, assumed or an order of magnitude.
    theory
        Computed, not measured.
    note
        What else the reader must know.
    origin
        Table, row and column (or file) it was taken from.
    record_id
        Identifier; the store gives one to a user's record.
    """

    material: str
    formula: str
    composition: Composition
    property: str
    value: float
    unit: str
    source: Source
    original_value: float
    original_unit: str
    uncertainty: float | None = None
    limit: Limit = "value"
    conditions: Conditions = field(default_factory=Conditions)
    estimated: bool = False
    theory: bool = False
    note: str = ""
    origin: str = ""
    record_id: str = ""
    _mark: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check what must hold for any record.

        Raises
        ------
        DataError
            If the record contradicts the vocabulary or itself.
        """
        _words(self)
        prop = get_property(self.property)
        if not self.material:
            raise DataError("material is empty; give a formula, or a description in words")
        if self.unit != prop.unit:
            raise DataError(
                f"{prop.name} is kept in {prop.unit}, not in '{shorten(self.unit)}'; use Record.measured to convert"
            )
        _finite("value", self.value)
        _finite("original_value", self.original_value)
        _finite("uncertainty", self.uncertainty)
        if prop.positive and self.value <= 0:
            raise DataError(f"{prop.name} is {self.value:g} {prop.unit}; it must be greater than 0")
        if self.uncertainty is not None and self.uncertainty < 0:
            raise DataError(f"uncertainty is {self.uncertainty:g}; it can't be negative")
        if self.limit not in LIMITS:
            raise DataError(f"limit is '{shorten(self.limit)}'; it must be one of: {', '.join(LIMITS)}")
        if self.composition not in COMPOSITIONS:
            raise DataError(
                f"composition is '{shorten(self.composition)}'; it must be one of: {', '.join(COMPOSITIONS)}"
            )
        if (self.composition == "known") != bool(self.formula):
            raise DataError(
                f"composition is '{self.composition}' but formula is '{shorten(self.formula)}': "
                "a known composition has a canonical formula, and only a known one has"
            )

    @classmethod
    def measured(
        cls,
        material: str,
        property: str,
        value: float,
        unit: str,
        source: Source,
        *,
        uncertainty: float | None = None,
        composition: Composition | None = None,
        ions: IonLibrary | None = None,
        **other: Any,
    ) -> Record:
        """Make a record from what a person would write down.

        Parameters
        ----------
        material
            Formula, or words when the composition is not known.
        property
            Name from `PROPERTIES`.
        value, unit, uncertainty
            As stated; converted to the canonical unit. A lifetime may be given as a rate (``1/ps``).
        source
            Where it was read.
        composition
            ``"known"`` (default: the formula must parse), or ``"other"`` or ``"unknown"`` to keep the text as it is.
        ions
            Ion library with the user's own cations, if the formula holds any.
        **other
            Further fields of `Record`: `limit`, `conditions`, `estimated`, `theory`, `note`, `origin`.

        Returns
        -------
        Record

        Raises
        ------
        DataError
            If a unit or word is wrong.
        FormulaError
            If the formula can't be read and `composition` does not say so.

        Examples
        --------
        >>> Record.measured("BA2PbI4", "tau_spin", 5.0, "1/ps", Source(first_author="Chen")).value
        0.2
        """
        converted, sigma = to_canonical(property, value, unit, uncertainty)
        known = composition is None or composition == "known"
        return cls(
            material=material,
            formula=canonical_formula(material, ions) if known else "",
            composition="known" if composition is None else composition,
            property=property,
            value=converted,
            unit=get_property(property).unit,
            uncertainty=sigma,
            source=source,
            original_value=value,
            original_unit=unit,
            **other,
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields in one flat dictionary; the columns of the tidy tables, in their order."""
        return dict(zip(COLUMNS, self.values(), strict=True))

    def values(self) -> tuple[Any, ...]:
        """Values of all fields, in the order of `COLUMNS`."""
        return _VALUES(self)

    @classmethod
    def from_dict(cls, flat: dict[str, Any]) -> Record:
        """Inverse of `to_dict`; keys that are missing take their defaults.

        Raises
        ------
        DataError
            If a required key is missing, a key is unknown, or a value is wrong.
        """
        unknown = sorted(set(flat) - _COLUMN_SET)
        if unknown:
            raise DataError(f"unknown column '{shorten(unknown[0])}'; a record has e.g. {', '.join(COLUMNS[:12])}")
        missing = [name for name in REQUIRED if name not in flat]
        if missing:
            raise DataError(f"a record needs the column '{missing[0]}'")
        own = {name: flat[name] for name in _OWN if name in flat}
        try:
            return cls(source=part_of(Source, flat), conditions=part_of(Conditions, flat), **own)
        except (TypeError, AttributeError) as error:
            raise DataError(f"a field of a record has the wrong kind of value ({shorten(str(error), 120)})") from None

    def with_id(self, record_id: str) -> Record:
        """Copy of this record under another identifier."""
        return replace(self, record_id=record_id)

    @builtins.property  # a field has the decorator's name
    def brief(self) -> str:
        """Material, property and value in a few words, for a message."""
        return f"{shorten(self.material)}, {self.property} = {self.value:g} {self.unit}"

    def fingerprint(self) -> str:
        """Hash of the content without identifier and origin; equal for the same statement entered twice."""
        if not self._mark:  # asked for several times in an import
            content = dict(zip(_MARKED, _MARKED_VALUES(self), strict=True))
            object.__setattr__(self, "_mark", hashlib.sha256(json.dumps(content).encode()).hexdigest())
        return self._mark


def part_of(kind: type[_Part], flat: dict[str, Any]) -> _Part:
    """Source or conditions out of the fields of a record; those that are missing take their defaults."""
    names = _names(kind)  # type: ignore[arg-type]  # a class is hashable
    if not all(map(flat.__contains__, names)):
        names = tuple(name for name in names if name in flat)
    values = [flat[name] for name in names]
    try:
        return _shared(kind, names, *values)  # type: ignore[arg-type]
    except TypeError:  # a value that can't be hashed, from a damaged file
        return kind(**dict(zip(names, values, strict=True)))


@lru_cache(maxsize=4096, typed=True)
def _shared(kind: type[_Part], names: tuple[str, ...], *values: Any) -> _Part:
    """Source or conditions of these values: the rows of a table share most of theirs."""
    return kind(**dict(zip(names, values, strict=True)))


REQUIRED = (
    "material",
    "formula",
    "composition",
    "property",
    "value",
    "unit",
    "original_value",
    "original_unit",
)
COLUMNS: tuple[str, ...] = (
    "record_id",
    "material",
    "formula",
    "composition",
    "property",
    "value",
    "unit",
    "uncertainty",
    "limit",
    "original_value",
    "original_unit",
    *(item.name for item in fields(Conditions)),
    "estimated",
    "theory",
    *(item.name for item in fields(Source)),
    "note",
    "origin",
)


_COLUMN_SET = frozenset(COLUMNS)
_OWN = tuple(name for name in _names(Record) if name not in ("source", "conditions"))


def _getter(columns: Iterable[str]) -> Callable[[Record], tuple[Any, ...]]:
    """Read these columns off a record in one go."""
    owners = dict.fromkeys(_names(Source), "source.") | dict.fromkeys(_names(Conditions), "conditions.")
    return attrgetter(*(owners.get(name, "") + name for name in columns))


_VALUES = _getter(COLUMNS)
# what a fingerprint is made of, in the order that it always had
_MARKED = tuple(sorted(_COLUMN_SET - {"record_id", "origin"}))
_MARKED_VALUES = _getter(_MARKED)


def canonical_formula(text: str, ions: IonLibrary | None = None) -> str:
    """Write the formula of a material the canonical way; `ions` adds a user's own cations.

    Raises
    ------
    FormulaError
        If the text is not a formula that `Perovskite.parse` reads.
    """
    return read_material(text, ions)[0]


@lru_cache(maxsize=4096)
def read_material(text: str, ions: IonLibrary | None = None) -> tuple[str, tuple[str, ...]]:
    """Canonical formula of a material, and the cautions of its reading.

    Raises
    ------
    FormulaError
        If the text is not a formula that `Perovskite.parse` reads.
    """
    from perospin.chemistry import Perovskite

    material = Perovskite.parse(text, ions)
    return str(material), material.cautions


def is_formula(text: str, ions: IonLibrary | None = None) -> bool:
    """Whether `canonical_formula` reads the text."""
    try:
        canonical_formula(text, ions)
    except FormulaError:
        return False
    return True


def to_canonical(
    property: str, value: float, unit: str, uncertainty: float | None = None
) -> tuple[float, float | None]:
    """Convert a value and its uncertainty to the canonical unit of a property.

    A lifetime given as a rate is inverted; its uncertainty then follows to first order,
    ``sigma_tau = tau^2 sigma_rate``.

    Raises
    ------
    DataError
        If the unit is unknown or does not fit the property.
    """
    from perospin.units import convert

    prop = get_property(property)
    if unit == prop.unit:
        return float(value), uncertainty if uncertainty is None else float(uncertainty)
    try:
        new = float(convert(value, unit, prop.unit))
        if uncertainty is None:
            return new, None
        return new, float(convert(uncertainty, unit, prop.unit, difference=True))
    except DataError as error:
        if prop.reciprocal_unit:
            try:
                rate = float(convert(value, unit, prop.reciprocal_unit))
            except DataError:
                pass
            else:
                if rate <= 0:
                    raise DataError(
                        f"a rate of {value:g} {shorten(unit)} is no lifetime; it must be greater than 0"
                    ) from None
                tau = 1.0 / rate
                if uncertainty is None:
                    return tau, None
                return tau, tau * tau * float(convert(uncertainty, unit, prop.reciprocal_unit))
        allowed = f"{prop.unit} or {prop.reciprocal_unit}" if prop.reciprocal_unit else prop.unit
        raise DataError(
            f"unit '{shorten(unit)}' does not fit {prop.name}, which is kept in {allowed} ({shorten(str(error), 160)})"
        ) from None
