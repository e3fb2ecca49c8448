"""A halide perovskite by its composition: which ion sits where, and how many of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from perospin.chemistry.ion import Ion
from perospin.chemistry.ions import IonLibrary
from perospin.chemistry.notation import Style, amount_text, render
from perospin.chemistry.parse import read_formula
from perospin.chemistry.roles import Family, Sites, assign
from perospin.errors import FormulaError
from perospin.text import shorten

Site = tuple[tuple[Ion, Fraction], ...]


@dataclass(frozen=True)
class Perovskite:
    """A charge-neutral halide perovskite. Make one with :meth:`parse` or :meth:`from_ions`.

    Two formulae of the same composition (``(BA)4Pb2I8``, ``BA2PbI4``) give equal objects.

    Attributes
    ----------
    spacers, a_site, b_site, x_site
        Ions of each site with their exact amounts per formula unit, in canonical order. Two charge states of one
        metal (Cs2Au2I6) are two entries.
    n_layers
        Number of octahedral layers of a layered perovskite; None for all others, 3D included.
    family
        ``"3D"`` (ABX3), ``"RP"`` (Ruddlesden-Popper, S2 A(n-1) Bn X(3n+1)), ``"DJ"`` (Dion-Jacobson, the same with
        one dication S), ``"ACI"`` (alternating cations, S An Bn X(3n+1), e.g. (GUA)(MA)3Pb3I10), ``"double"``
        (A2BB'X6 with two charge states), ``"A3B2X9"``, ``"other"``. It follows from stoichiometry alone: it doesn't
        say that the compound exists, nor that its octahedra share corners only.
    cautions
        Sentences on how the formula was read where that isn't beyond doubt: rounded amounts that leave a net charge, an
        unusual charge state, compounds added up. They play no part in equality.
    """

    spacers: Site
    a_site: Site
    b_site: Site
    x_site: Site
    n_layers: int | None
    family: Family
    cautions: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, text: str, ions: IonLibrary | None = None, names: str | None = None) -> Perovskite:
        """Read a formula.

        Parameters
        ----------
        text
            Plain text, unicode subscripts, LaTeX or HTML; abbreviations, structural formulae or chemical names
            (the last in brackets); groups such as ``PEA2PbI4(MAPbI3)2``; decimal amounts. ``(n = 2)`` behind the
            formula is checked against it.
        ions
            Ion library; the shipped one if not given.
        names
            Whose abbreviations the formula uses (see :meth:`IonLibrary.with_names`): ``"nomad"`` for the ion list of
            the Perovskite Database. Not given: ours, with a caution where a list means another molecule.

        Raises
        ------
        FormulaError
            If the text isn't the formula of a charge-neutral halide perovskite; the message says where and what would
            be right. Unknown ions raise UnknownIonError, abbreviations of several ions AmbiguousIonError.
        """
        library = IonLibrary.of(ions)
        terms, layers, cautions = read_formula(text, library if names is None else library.with_names(names))
        shown = shorten(text.strip())
        sites = assign(((term.states, term.amount) for term in terms), shown)
        material = cls._from_sites(sites, tuple(f"'{shown}': {caution}" for caution in (*cautions, *sites.cautions)))
        if layers is not None and material.n_layers != layers:
            found = "not layered" if material.n_layers is None else f"of n = {material.n_layers}"
            raise FormulaError(f"'{shown}' says n = {layers}, but its composition is {found}")
        return material

    @classmethod
    def of(cls, material: str | Perovskite, ions: IonLibrary | None = None) -> Perovskite:
        """Return a material as it is, or parse its formula (see :meth:`parse`)."""
        return material if isinstance(material, Perovskite) else cls.parse(material, ions)

    @classmethod
    def from_ions(
        cls, amounts: Mapping[str | Ion, int | float | str | Fraction], ions: IonLibrary | None = None
    ) -> Perovskite:
        """Build a perovskite from ions and amounts, e.g. ``{"PEA": 2, "MA": 1, "Pb": 2, "I": 7}``.

        Parameters
        ----------
        amounts
            Amount of each ion, by name or as an :class:`Ion`; the charge state of a metal follows from neutrality in
            both cases. A float counts as the decimal number it is printed as.
        ions
            Ion library for the names; the shipped one if not given.

        Raises
        ------
        FormulaError
            As :meth:`parse`; also if an amount isn't a positive number.
        """
        library = IonLibrary.of(ions)
        shown = shorten(" ".join(f"{name}:{amount}" for name, amount in amounts.items()))
        contents: list[tuple[tuple[Ion, ...], Fraction]] = []
        for name, given in amounts.items():
            try:
                amount = Fraction(str(given))
            except (ValueError, ZeroDivisionError):
                amount = Fraction(0)
            if amount <= 0:
                raise FormulaError(f"the amount of {name} in '{shown}' must be a positive number, got {given!r:.30}")
            if isinstance(name, Ion):
                metal = name.role == "metal" and name.symbol in library
                contents.append((library.states(name.symbol) if metal else (name,), amount))
            else:
                contents += [(states, amount * share) for states, share in library.resolve(name)]
        sites = assign(contents, shown)
        return cls._from_sites(sites, tuple(f"'{shown}': {caution}" for caution in sites.cautions))

    @classmethod
    def layered(
        cls, spacer: str, metal: str = "Pb", halide: str = "I", n_layers: int = 1, a_cation: str = "MA",
        ions: IonLibrary | None = None,
    ) -> Perovskite:  # fmt: skip
        """Put a layered perovskite together: S2 A(n-1) Bn X(3n+1), with one S if it is a dication.

        Parameters
        ----------
        spacer, metal, halide, a_cation
            Names of ions; the A-site cation enters from n = 2 on.
        n_layers
            At least 1.
        ions
            Ion library for the names; the shipped one if not given.

        Raises
        ------
        FormulaError
            As :meth:`parse`; also if `n_layers` is less than 1.

        Examples
        --------
        >>> str(Perovskite.layered("PEA", n_layers=2)), str(Perovskite.layered("3AMP", halide="Br"))
        ('(PEA)2(MA)Pb2I7', '(3AMP)PbBr4')
        """
        if n_layers < 1:
            raise FormulaError(f"a layered perovskite has at least one layer, not {n_layers}")
        library = IonLibrary.of(ions)
        spacers = 2 if library.get(spacer).charge == 1 else 1
        amounts = [(spacer, spacers), (a_cation, n_layers - 1), (metal, n_layers), (halide, 3 * n_layers + 1)]
        return cls.from_ions({name: amount for name, amount in amounts if amount}, library)

    @classmethod
    def _from_sites(cls, sites: Sites, cautions: tuple[str, ...]) -> Perovskite:
        return cls(
            spacers=_by_amount(sites.spacers),
            a_site=_by_amount(sites.a_site),
            b_site=tuple(sorted(sites.b_site.items(), key=lambda p: (p[0].charge, -p[1], p[0].symbol))),
            x_site=tuple(sorted(sites.x_site.items(), key=lambda p: (-p[1], -p[0].molar_mass_g_mol, p[0].symbol))),
            n_layers=sites.n_layers,
            family=sites.family,
            cautions=cautions,
        )

    @property
    def formula(self) -> str:
        """Canonical plain formula; :meth:`parse` gives it back."""
        return self.format("plain")

    def __str__(self) -> str:
        return self.formula

    def __repr__(self) -> str:
        return f"<Perovskite {self.describe()}>"

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(f"<br>caution: {escape(caution)}" for caution in self.cautions)
        return f"<div><b>{self.format('html')}</b><br>{escape(self.describe().partition(': ')[2])}{rows}</div>"

    def format(self, style: Style = "plain") -> str:
        """Write the formula.

        Parameters
        ----------
        style
            ``"plain"`` ``(PEA)2PbI4``; ``"unicode"`` with subscript digits; ``"latex"`` in dollar signs, for
            matplotlib too; ``"html"`` with ``<sub>``.

        Raises
        ------
        FormulaError
            If there is no such style.
        """
        compact = self.family in ("3D", "double")  # MAPbI3, but (MA)3Bi2I9
        lone = len(self.cations) == 1
        merged: dict[str, tuple[Ion, Fraction]] = {}
        for ion, amount in (*self.spacers, *self.a_site, *self.b_site, *self.x_site):
            merged[ion.symbol] = (ion, merged.get(ion.symbol, (ion, Fraction(0)))[1] + amount)
        terms = [
            (symbol, not (ion.is_monatomic or (compact and _stands_bare(ion) and (lone or amount != 1))), amount)
            for symbol, (ion, amount) in merged.items()
        ]
        return render(terms, style)

    @property
    def organic(self) -> Site:
        """Molecular cations, spacers and A site together, with their amounts; empty for all-inorganic ones."""
        merged: dict[Ion, Fraction] = {}
        for ion, amount in (*self.spacers, *self.a_site):
            if ion.is_organic:
                merged[ion] = merged.get(ion, Fraction(0)) + amount
        return tuple(merged.items())

    @property
    def cations(self) -> Site:
        """Spacers and A site together, with their amounts."""
        merged: dict[Ion, Fraction] = {}
        for ion, amount in (*self.spacers, *self.a_site):
            merged[ion] = merged.get(ion, Fraction(0)) + amount
        return tuple(merged.items())

    @property
    def molar_mass_g_mol(self) -> float:
        """Molar mass of the formula unit (g/mol)."""
        return sum(
            ion.molar_mass_g_mol * float(amount)
            for ion, amount in (*self.spacers, *self.a_site, *self.b_site, *self.x_site)
        )

    @property
    def composition(self) -> dict[str, float]:
        """Atoms of each element per formula unit."""
        counts: dict[str, Fraction] = {}
        for ion, amount in (*self.spacers, *self.a_site, *self.b_site, *self.x_site):
            for element, count in ion.elements:
                counts[element] = counts.get(element, Fraction(0)) + count * amount
        return {element: float(count) for element, count in counts.items()}

    def describe(self) -> str:
        """One line in words, e.g. ``(PEA)2PbI4: RP, n = 1, spacer PEA, B Pb(+2), X I``."""
        sites = [("spacer", self.spacers), ("A", self.a_site), ("B", self.b_site), ("X", self.x_site)]
        words = [self.family if self.n_layers is None else f"{self.family}, n = {self.n_layers}"]
        for label, site in sites:
            parts = [
                ion.symbol
                + (f"({ion.charge:+d})" if ion.role == "metal" else "")
                + (f" {amount_text(amount)}" if len(site) > 1 else "")
                for ion, amount in site
            ]
            if parts:
                words.append(f"{label} {' + '.join(parts)}")
        return f"{self.formula}: {', '.join(words)}"


def _by_amount(amounts: Mapping[Ion, Fraction]) -> Site:
    return tuple(sorted(amounts.items(), key=lambda p: (-p[1], p[0].symbol)))


def _stands_bare(ion: Ion) -> bool:
    """Whether a cation can be written without brackets, as in MAPbI3."""
    return ion.role == "a_site" and ion.symbol.isalpha()
