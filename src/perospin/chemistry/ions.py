"""Ions and the library that finds them by symbol, alias or name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from perospin.chemistry._tables import read_table
from perospin.chemistry.elements import parse_hill
from perospin.chemistry.ion import LARGEST_CAGE_ATOMS, Ion, Role
from perospin.chemistry.names import OWN, NameList, get_names
from perospin.chemistry.radii import shannon_radius_pm
from perospin.errors import AmbiguousIonError, DataError, UnknownIonError
from perospin.similar import similar_names, similarity
from perospin.text import shorten

_NAME_WITH_SYNONYM = re.compile(r"(.+?) \(([^()]*ium(?:, protonated)?)\)")
_ENDS_IN_DIGIT = re.compile(r"\d$")


def _sorted_elements(composition: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(composition.items()))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)


def _names(name: str) -> list[str]:
    """All spellings of a chemical name, lower case: with and without synonym, ``n-`` and stereo remark."""
    names = [name]
    if match := _NAME_WITH_SYNONYM.fullmatch(name):
        names += [match[1], match[2]]
    names += [other[2:] for other in names if other.startswith("n-")]
    return [other.casefold() for other in names]


class IonLibrary:
    """A set of ions that can be looked up by symbol, alias or chemical name.

    Immutable; :meth:`with_ions` gives a larger copy. ``IonLibrary.default()`` is the shipped library.

    Parameters
    ----------
    ions
        The ions. The charge states of a metal follow each other, the most common first.
    ambiguous
        Abbreviations that stand for several ions, with the symbols of those that are in the library.
    names
        Whose abbreviations are meant, one of ``perospin.chemistry.names.NAME_LISTS``; see :meth:`with_names`.
    """

    def __init__(
        self,
        ions: Iterable[Ion],
        ambiguous: Mapping[str, tuple[str, ...]] | None = None,
        names: str | None = None,
    ) -> None:
        self._ions = tuple(ions)
        self._ambiguous = dict(ambiguous or {})
        self._source = names
        self._list = None if names in (None, OWN) else get_names(names or "")
        self._states: dict[str, tuple[Ion, ...]] = {}
        for ion in self._ions:
            self._states[ion.symbol] = (*self._states.get(ion.symbol, ()), ion)
        self._aliases: dict[str, str] = {}
        self._names: dict[str, Ion] = {}
        for ion in self._ions:
            for alias in ion.aliases:
                self._aliases.setdefault(alias, ion.symbol)
            for name in _names(ion.name):
                self._names.setdefault(name, ion)
        listed = () if self._list is None else (*self._list.symbols, *self._list.uncertain)
        known = {
            **dict.fromkeys(self._states), **dict.fromkeys(self._aliases), **dict.fromkeys(self._ambiguous),
            **dict.fromkeys(listed),
        }  # fmt: skip
        # In running text an abbreviation that ends in a digit would swallow the amount, and one of a single letter
        # (G, Q) turns up inside any other: these need brackets. So do ions that came from another's list, unless that
        # list is named: they must not change what a formula without brackets says.
        foreign = {ion.symbol for ion in self._ions if ion.listed_in} - set(listed)
        self._tokens = frozenset(name for name in known if name not in foreign and self._reads_bare(name))
        self._longest = max((len(token) for token in self._tokens), default=0)

    def _reads_bare(self, name: str) -> bool:
        structural = re.search(r"H\d", name) or any(ion.role == "anion" for ion in self._states.get(name, ()))
        if structural:
            return True
        return not _ENDS_IN_DIGIT.search(name) and (len(name) > 1 or name in self._states)

    @classmethod
    def default(cls) -> IonLibrary:
        """Return the shipped library (cached)."""
        return _default_library()

    @classmethod
    def of(cls, ions: IonLibrary | Mapping[str, str | Mapping[str, Any]] | Iterable[str] | None) -> IonLibrary:
        """Return the library that is meant: itself, or the shipped one, with the given ions if there are any.

        Raises
        ------
        DataError
            As :meth:`with_ions`.
        """
        if isinstance(ions, IonLibrary):
            return ions
        return cls.default().with_ions(ions) if ions else cls.default()

    @classmethod
    def from_toml(cls, path: str | Path) -> IonLibrary:
        """Return the shipped library with the ions of a TOML file added (see :meth:`with_toml`)."""
        return cls.default().with_toml(path)

    def with_toml(self, path: str | Path) -> IonLibrary:
        """Return a library with the ions of a TOML file added.

        The file has one table ``[ions]`` whose entries are ``NAME = "SMILES"`` or
        ``NAME = { smiles = "...", name = "...", role = "spacer", aliases = ["..."], radius_pm = 250.0 }``.

        Raises
        ------
        DataError
            If the file can't be read or an entry is wrong.
        """
        from perospin.chemistry.user_ions import read_toml

        return self.with_ions(read_toml(path))

    def with_ions(self, ions: Mapping[str, str | Mapping[str, Any]] | Iterable[str]) -> IonLibrary:
        """Return a library with the user's own cations added (needs RDKit).

        Parameters
        ----------
        ions
            ``{"NAME": "SMILES"}``, or ``{"NAME": {"smiles": ..., "role": ...}}`` with the keys of
            :meth:`with_toml`, or a list of ``"NAME=SMILES"`` texts.

        Raises
        ------
        DataError
            If a name is taken or can't stand in a formula, or a SMILES isn't a cation of charge 1 or 2.
        """
        from perospin.chemistry.user_ions import extend

        return extend(self, ions)

    @property
    def names(self) -> str | None:
        """Whose abbreviations are meant; see :meth:`with_names`."""
        return self._source

    def with_names(self, names: str | None) -> IonLibrary:
        """Return the library that reads abbreviations as a published list means them.

        Parameters
        ----------
        names
            ``"nomad"``: the ion list of the Perovskite Database goes before our own abbreviations; a name whose row
            there contradicts itself is refused. ``"perospin"``: our meaning, without a caution where a list differs.
            None: our meaning, with that caution (see :meth:`clash`).

        Raises
        ------
        DataError
            If there is no such list.
        """
        if names == self._source:
            return self
        return type(self)(self._ions, self._ambiguous, names)

    def __iter__(self) -> Iterator[Ion]:
        return iter(self._ions)

    def __len__(self) -> int:
        return len(self._ions)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in self._states
            or name in self._aliases
            or name.casefold() in self._names
            or (self._list is not None and name in self._list.symbols)
        )

    @property
    def cations(self) -> tuple[Ion, ...]:
        """A-site cations and spacers."""
        return tuple(ion for ion in self._ions if ion.role in ("a_site", "spacer"))

    @property
    def metals(self) -> tuple[Ion, ...]:
        """Metal ions, one for each charge state."""
        return tuple(ion for ion in self._ions if ion.role == "metal")

    @property
    def anions(self) -> tuple[Ion, ...]:
        """Halides and pseudohalides."""
        return tuple(ion for ion in self._ions if ion.role == "anion")

    @property
    def ambiguous(self) -> dict[str, tuple[str, ...]]:
        """Abbreviations without a primary meaning, with the candidates' symbols."""
        return dict(self._ambiguous)

    def get(self, name: str) -> Ion:
        """Find an ion by symbol, alias or chemical name.

        Parameters
        ----------
        name
            E.g. ``"PEA"``, ``"C6H5C2H4NH3"``, ``"phenethylammonium"``, ``"Sn"`` or ``"tin(IV)"``. Case
            matters for symbols and aliases (``PeA`` isn't ``PEA``), not for names. A metal's symbol gives its most
            common charge state.

        Raises
        ------
        UnknownIonError
            If there is no such ion; the message offers similar names.
        AmbiguousIonError
            If the abbreviation is used for several ions; the message lists them.
        """
        states = self.states(name)
        return states[0]

    def states(self, name: str) -> tuple[Ion, ...]:
        """Like :meth:`get`, but with all charge states of a metal, the most common first."""
        if not isinstance(name, str):
            raise DataError(f"the name of an ion is text, got {type(name).__name__}: {name!r:.60}")
        key = name.strip()
        if self._list is not None and key in self._list.symbols:
            return self._states[self._list.symbols[key]]
        if self._list is not None and key in self._list.uncertain:
            raise AmbiguousIonError(self._uncertainty(key, self._list))
        if key in self._states:
            return self._states[key]
        if key in self._aliases:
            return self._states[self._aliases[key]]
        if key in self._ambiguous:
            raise AmbiguousIonError(self._ambiguity(key, self._ambiguous[key]))
        if key.casefold() in self._names:
            return (self._names[key.casefold()],)
        if hands := self.both_hands(key):
            raise AmbiguousIonError(self._ambiguity(key, tuple(ion.symbol for ion in hands)))
        raise UnknownIonError(self.unknown_message(key))

    def both_hands(self, name: str) -> tuple[Ion, ...]:
        """R and S ion of an abbreviation that names no hand (``FMBA``) or both (``R/S-MPEA``), or ()."""
        key = name.strip()
        for prefix in ("R/S-", "S/R-", "rac-", "(R/S)-", "RS-"):
            if key.startswith(prefix):
                key = key[len(prefix) :]
                break
        hands = []
        for hand in ("R-", "S-"):
            symbol = hand + key if hand + key in self._states else self._aliases.get(hand + key)
            if symbol is None:
                return ()
            hands.append(self._states[symbol][0])
        return tuple(hands)

    def resolve(self, name: str) -> tuple[tuple[tuple[Ion, ...], Fraction], ...]:
        """Return what a name in a formula stands for: charge states and share.

        One ion with share 1 nearly always; two hands with share 1/2 each where the name says both or neither and
        the library has no racemic entry (``R/S-MPEA``).

        Raises
        ------
        UnknownIonError, AmbiguousIonError
            As :meth:`get`.
        """
        try:
            return ((self.states(name), Fraction(1)),)
        except AmbiguousIonError:
            hands = () if name.strip() in self._ambiguous else self.both_hands(name)
            if not hands:
                raise
            return tuple(((ion,), Fraction(1, len(hands))) for ion in hands)

    def knows(self, name: str) -> bool:
        """Whether a name stands for some ion or ions, ambiguous abbreviations included."""
        key = name.strip()
        listed = self._list is not None and key in self._list.uncertain
        return key in self or key in self._ambiguous or listed or bool(self.both_hands(key))

    def clash(self, name: str) -> str:
        """Sentence on a name that stands for another molecule in a published list, or ''.

        Names both molecules and says how to mean the other one; with a list chosen (:meth:`with_names`), what its
        drawing shows and our ion doesn't. Nothing once ``names="perospin"`` was said.
        """
        key = name.strip()
        if self._source == OWN:
            return ""
        if self._list is not None:
            remark = self._list.remarks.get(key, "")
            return f"'{key}' in the {self._list.title}: {remark}" if remark else ""
        other = get_names("nomad")
        if key not in self or not (key in other.symbols or key in other.uncertain):
            return ""
        ours = self.states(key)[0]
        if ours.role in ("metal", "anion") or key in other.remarks:
            return ""
        if key in other.uncertain:
            return f"'{key}' is read as {ours.name}; its row in the {other.title} is uncertain: {other.uncertain[key]}"
        symbol = other.symbols[key]
        if ours.symbol == symbol or symbol not in self._states:
            return ""
        return (
            f"'{key}' is read as {ours.name}; the {other.title} uses it for {self._states[symbol][0].name}: write "
            f"{symbol}, or take the names of '{other.key}', if you mean that one; '{OWN}' keeps ours (names=, --names)"
        )

    def tokens_at(self, text: str, start: int, end: int) -> list[str]:
        """Abbreviations and structural formulae that stand in running text at `start`, the longest first."""
        longest = min(self._longest, end - start)
        return [text[start : start + n] for n in range(longest, 0, -1) if text[start : start + n] in self._tokens]

    def suggestions(self, name: str) -> list[str]:
        """Up to three similar symbols, aliases or names; differences in case come first."""
        names = [ion.name for ion in self._ions]
        folded: dict[str, list[str]] = {}
        for other in dict.fromkeys([*self._states, *self._aliases, *names]):
            folded.setdefault(other.casefold(), []).append(other)
        name = name.strip()[:64]
        close = similar_names(name.casefold(), folded, most=3)
        spelt = [other for key in close for other in sorted(folded[key], key=lambda o: -_similarity(name, o))]
        return spelt[:3]

    def isomers(self, name: str) -> list[str]:
        """Symbols of the cations whose composition a sum formula such as ``C8H12N`` states; up to six."""
        if not re.fullmatch(r"(?:[A-Z][a-z]?[0-9]{0,3}){2,8}", name):
            return []
        elements = _sorted_elements(parse_hill(name))
        return [ion.symbol for ion in self.cations if ion.elements == elements][:6]

    def unknown_message(self, name: str, where: str = "", remark: str = "") -> str:
        """Sentence for an unknown ion: what, where, similar ones or a remark, and how to define it."""
        shown = shorten(name)
        text = f"unknown ion '{shown}'{where}"
        if remark:
            text += f": {remark}."
        elif isomers := self.isomers(name):
            text += f", but it is the composition of {' or '.join(isomers)}: write the one you mean."
        elif candidates := self.suggestions(name):
            text += f"; did you mean {' or '.join(candidates)}?"
        else:
            text += "."
        label = shown if re.fullmatch(r"[A-Za-z0-9,'-]{1,32}", shown) else "NAME"
        return f"{text} Define your own cation with --ion '{label}=<SMILES>'"

    def _uncertainty(self, name: str, source: NameList) -> str:
        ours = self._states.get(name) or self._states.get(self._aliases.get(name, ""), ())
        hint = f"; the names of '{OWN}' mean {ours[0].name}" if ours else ""
        return (
            f"'{shorten(name)}' has no certain structure in the {source.title}: {source.uncertain[name]}. Write the "
            f"symbol of the ion you mean, or define it with --ion 'NAME=<SMILES>'{hint}"
        )

    def _ambiguity(self, name: str, symbols: tuple[str, ...]) -> str:
        candidates = " or ".join(f"{symbol} ({self._states[symbol][0].name})" for symbol in symbols)
        others = "" if len(symbols) > 1 else ", among others"
        return f"'{shorten(name)}' is used for several ions: write {candidates}{others}"


def _similarity(a: str, b: str) -> float:
    """Similarity of two spellings, 0 to 1, with regard to case; symbols in capitals win a tie."""
    return similarity(a, b) + 1e-6 * sum(c.isupper() for c in b)


@lru_cache(maxsize=1)
def _default_library() -> IonLibrary:
    ions: list[Ion] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    for row in read_table("cations.csv"):
        role: Role = "a_site" if row["role"] == "a_site" else "spacer"
        ions.append(
            Ion(
                symbol=row["symbol"],
                name=row["name"],
                charge=int(row["charge"]),
                role=role,
                smiles=row["smiles"],
                aliases=_split(row["aliases"]) + _split(row["structural_formulae"]),
                radius_pm=float(row["radius_pm"]) if row["radius_pm"] else None,
                radius_source=row["radius_source"],
                note=row["note"],
                elements=_sorted_elements(parse_hill(row["composition"])),
            )
        )
        for alias in _split(row["ambiguous_aliases"]):
            ambiguous[alias] = (*ambiguous.get(alias, ()), row["symbol"])
    ions.extend(_listed_ion(row) for row in read_table("names_nomad.csv") if row["verdict"] == "added")
    for row in read_table("metals.csv"):
        symbol, charge = row["symbol"], int(row["charge"])
        radius, source = _shannon_or_none(symbol, charge)
        ions.append(
            Ion(symbol, row["name"], charge, "metal", radius_pm=radius, radius_source=source,
                elements=((symbol, 1),))
        )  # fmt: skip
    for row in read_table("anions.csv"):
        elements = _sorted_elements(parse_hill(row["composition"]))
        radius, source = _shannon_or_none(row["symbol"], -1)
        ions.append(
            Ion(row["symbol"], row["name"], int(row["charge"]), "anion", row["smiles"], _split(row["aliases"]),
                radius, source, elements=elements)
        )  # fmt: skip
    return IonLibrary(ions, ambiguous)


def _listed_ion(row: dict[str, str]) -> Ion:
    """Cation that was added from a published list."""
    source = get_names("nomad")
    elements = _sorted_elements(parse_hill(row["composition"]))
    cage = row["charge"] == "1" and sum(count for element, count in elements if element != "H") <= LARGEST_CAGE_ATOMS
    remarks = [f"from the {source.title}, {source.licence}, where it is {row['name']}", row["remark"]]
    return Ion(
        symbol=row["symbol"],
        name=row["ion_name"],
        charge=int(row["charge"]),
        role="a_site" if cage else "spacer",
        smiles=row["smiles"],
        note="; ".join(remark for remark in remarks if remark),
        elements=elements,
        listed_in=source.key,
    )


def _shannon_or_none(symbol: str, charge: int) -> tuple[float | None, str]:
    try:
        return shannon_radius_pm(symbol, charge, 6), "Shannon, six-coordinate"
    except DataError:
        return None, ""
