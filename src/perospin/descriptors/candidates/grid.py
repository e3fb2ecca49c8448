"""Candidate materials as columns of ions: who sits on a site, and grids of ions, layer numbers and halides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Ion, IonLibrary, Perovskite
from perospin.descriptors.cations.table import missing
from perospin.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

BLOCK_SIZE = 65_536
"""Materials a block: its 66 columns take 35 MB, whatever the number of blocks."""

SITES = ("spacer", "a_site", "metal", "halide")
PHASES = ("3D", "RP", "DJ", "ACI")
"""Families of a block's materials."""
BLOCK_COLUMNS = (*SITES, "n_layers", "phase")
"""Columns of a block: an occupant for each site (empty: none), layers (0: 3D), and 3D, RP, DJ or ACI."""


def known_cations(level: str = "fast", role: str | None = None, ions: IonLibrary | None = None) -> list[Ion]:
    """Reviewed cations that need no quantum chemistry at a level: those whose values ship, in the library's order.

    Cations that came from a published list (`Ion.listed_in`) are left out; a space that wants them names them.

    Parameters
    ----------
    level : {"fast", "published"}
        Level at which cations are described.
    role : {"spacer", "a_site"}, optional
        Only those usually found there. A spacer's neutral amine must be known too.
    ions : IonLibrary, optional
        Library to choose from; the shipped one if not given.
    """
    library = IonLibrary.of(ions)
    wanted = [ion for ion in library.cations if role in (None, ion.role) and not ion.listed_in]
    unknown = {*missing(wanted, level), *missing((ion for ion in wanted if ion.role == "spacer"), "neutral")}
    return [ion for ion in wanted if ion not in unknown]


@dataclass(frozen=True)
class Occupant:
    """What sits on one site: one ion, or several of one charge with their shares.

    Attributes
    ----------
    text : str
        As written in a block: ``"I"`` or ``"I:0.75+Br:0.25"``.
    parts : tuple
        Ions and shares, in the order of a formula.
    """

    text: str
    parts: tuple[tuple[Ion, Fraction], ...]

    @property
    def charge(self) -> int:
        """Charge of each ion."""
        return self.parts[0][0].charge

    @classmethod
    def read(cls, site: str, text: str, library: IonLibrary) -> Occupant:
        """Read the occupant of a site.

        Raises
        ------
        DataError
            If the text is no symbol and no list of shares, or its ions don't fit the site.
        UnknownIonError, AmbiguousIonError
            If the library has no such ion, or several.
        """
        parts: list[tuple[Ion, Fraction]] = []
        for piece in text.split("+") if ":" in text else [f"{text}:1"]:
            name, _, number = piece.rpartition(":")
            try:
                share = Fraction(number.strip())
            except (ValueError, ZeroDivisionError):
                share = Fraction(0)
            if not name.strip() or not 0 < share <= 1:
                raise DataError(f"{site} '{text:.60}' is neither a symbol nor shares such as 'I:0.75+Br:0.25'")
            parts.append((_ion(site, name.strip(), library), share))
        if len({ion for ion, _ in parts}) != len(parts):
            raise DataError(f"{site} '{text:.60}' names an ion twice")
        if sum(share for _, share in parts) != 1:
            raise DataError(f"the shares of {site} '{text:.60}' don't add up to 1")
        if len({ion.charge for ion, _ in parts}) > 1:
            raise DataError(f"{site} '{text:.60}' mixes charges; a block holds ions of one charge a site")
        if site == "metal" and len(parts) > 1:
            mixed = Perovskite.from_ions({"Cs": 1, "I": 3, **{ion.symbol: share for ion, share in parts}}, library)
            if any(ion.charge != 2 for ion, _ in mixed.b_site):
                raise DataError(f"metal '{text:.60}' reads as mixed charge states; describe such materials by formula")
        # the order in which a formula names them
        parts.sort(key=lambda p: (-p[1], -p[0].molar_mass_g_mol if site == "halide" else 0.0, p[0].symbol))
        return cls(text, tuple(parts))


def _ion(site: str, name: str, library: IonLibrary) -> Ion:
    states = library.states(name)
    if site in ("metal", "halide"):
        role, charge, kind = ("metal", 2, "divalent metals") if site == "metal" else ("anion", -1, "halides")
        fitting = [ion for ion in states if ion.role == role and ion.charge == charge]
        if not fitting:
            raise DataError(f"'{name}' can't be the {site} of a block, which holds {kind}; describe it by formula")
        return fitting[0]
    ion = states[0]
    if ion.role not in ("spacer", "a_site") or ion.charge not in ((1, 2) if site == "spacer" else (1,)):
        raise DataError(f"'{name}' (charge {ion.charge:+d}) can't be the {site} of a block")
    return ion


def occupant_text(occupant: str | Mapping[str, float]) -> str:
    """Write the occupant of a site as text: ``"I"``, or ``"I:0.75+Br:0.25"`` for ``{"I": 0.75, "Br": 0.25}``.

    Raises
    ------
    DataError
        If it is neither a symbol nor shares.
    """
    if isinstance(occupant, str) and occupant.strip():
        return occupant.strip()
    if isinstance(occupant, Mapping) and occupant:
        return "+".join(f"{symbol}:{share}" for symbol, share in occupant.items())
    raise DataError(
        f"the occupant of a site is a symbol or shares such as {{'I': 0.75, 'Br': 0.25}}, not {occupant!r:.60}"
    )


@dataclass(frozen=True)
class CandidateGrid:
    """Every charge-neutral perovskite that some ions and layer numbers make.

    Layered materials come first (Dion-Jacobson for dications, Ruddlesden-Popper for others), then those of alternating
    cations, then ABX3 if `three_dimensional` is set. A layer of n = 1 has no A site unless cations alternate, so that
    there the A site isn't varied.

    Attributes
    ----------
    spacers, a_site, metals, halides
        Occupants of each site: a symbol, or the shares of several ions, e.g. ``{"I": 0.75, "Br": 0.25}``.
    n_layers
        Layer numbers of the layered materials.
    three_dimensional
        Whether A-site cations, metals and halides are combined to ABX3 too.
    alternating
        Monovalent spacers that alternate with the A-site cations between the layers (ACI), S A(n) B(n) X(3n+1).

    Examples
    --------
    >>> len(CandidateGrid(spacers=["PEA", "BA"], a_site=["MA"], halides=["I", "Br"], n_layers=[1, 2]))
    8
    """

    spacers: Sequence[str | Mapping[str, float]] = ()
    a_site: Sequence[str | Mapping[str, float]] = ()
    metals: Sequence[str | Mapping[str, float]] = ("Pb",)
    halides: Sequence[str | Mapping[str, float]] = ("I",)
    n_layers: Sequence[int] = (1,)
    three_dimensional: bool = False
    alternating: Sequence[str | Mapping[str, float]] = ()

    def __post_init__(self) -> None:
        """Check the axes.

        Raises
        ------
        DataError
            If an axis is no list, is empty or names something twice, or a layer number is below 1.
        """
        for name in ("spacers", "a_site", "metals", "halides", "alternating"):
            axis = getattr(self, name)
            if isinstance(axis, str | Mapping) or not isinstance(axis, Iterable):
                raise DataError(f"{name} of a grid is a list of symbols, not {axis!r:.60}")
            texts = tuple(occupant_text(item) for item in axis)
            twice = next((text for text in texts if texts.count(text) > 1), None)
            if twice is not None:
                raise DataError(f"{name} of the grid names '{twice}' twice")
            object.__setattr__(self, name, texts)
        object.__setattr__(self, "n_layers", tuple(dict.fromkeys(self.n_layers)))
        wrong = next((n for n in self.n_layers if not isinstance(n, int) or n < 1), None)
        if wrong is not None:
            raise DataError(f"n_layers of the grid holds {wrong!r}; layer numbers are whole and 1 or more")
        deep = self.three_dimensional or self.alternating or (self.spacers and any(n > 1 for n in self.n_layers))
        if deep and not self.a_site:
            raise DataError(
                "a grid of 3D or ACI materials, or of n = 2 and more, needs A-site cations, e.g. a_site=['MA']"
            )
        if not len(self):
            raise DataError("the grid is empty: give metals, halides and spacers, or three_dimensional=True")

    def _layered(self) -> list[tuple[int, int]]:
        """List A site (-1 for none) and layer number of the layered materials of one spacer."""
        return [(a, n) for n in self.n_layers for a in (range(len(self.a_site)) if n > 1 else (-1,))]

    @property
    def n_stacks(self) -> int:
        """Number of stacks of layers: each is made with every metal and halide."""
        bulk = len(self.a_site) if self.three_dimensional else 0
        alternating = len(self.alternating) * len(self.n_layers) * len(self.a_site)
        return len(self.spacers) * len(self._layered()) + alternating + bulk

    @property
    def n_sheets(self) -> int:
        """Number of combinations of metal and halide."""
        return len(self.metals) * len(self.halides)

    def __len__(self) -> int:
        return self.n_stacks * self.n_sheets

    def stacks(self, start: int, stop: int) -> NDArray[np.int64]:
        """Look up spacer (index into `spacer_axis`, -1 for none), A site (-1), layers (0 for 3D) and phase.

        The stacks from `start` to `stop`, shape (n_stacks, 4); the phase is an index into `PHASES`, or -1 where it
        follows from the spacer.
        """
        import numpy as np

        index = np.arange(start, min(stop, self.n_stacks))
        kinds = np.array(self._layered(), dtype=np.int64).reshape(-1, 2)
        layers, n_a = np.array(self.n_layers, dtype=np.int64), max(len(self.a_site), 1)
        first, second = len(self.spacers) * len(kinds), len(self.alternating) * len(layers) * len(self.a_site)
        found = np.full((len(index), 4), -1, dtype=np.int64)
        plain = index < first
        found[plain, 0], kind = np.divmod(index[plain], max(len(kinds), 1))
        found[plain, 1:3] = kinds[kind]
        between = (index >= first) & (index < first + second)
        rest, found[between, 1] = np.divmod(index[between] - first, n_a)
        spacer, n = np.divmod(rest, len(layers))
        found[between, 0], found[between, 2], found[between, 3] = len(self.spacers) + spacer, layers[n], 3
        bulk = index >= first + second
        found[bulk, 1], found[bulk, 2] = index[bulk] - first - second, 0
        return found

    def table(self, stacks: NDArray[np.int64], sheet: NDArray[np.int64] | int) -> pd.DataFrame:
        """Block of materials: stacks as `stacks` gives them, shape (n, 4), with the sheets of these numbers."""
        import numpy as np
        import pandas as pd

        metal, halide = np.divmod(np.broadcast_to(sheet, len(stacks)), len(self.halides))
        axes = {"spacer": self.spacer_axis, "a_site": self.a_site, "metal": self.metals, "halide": self.halides}
        codes = {"spacer": stacks[:, 0], "a_site": stacks[:, 1], "metal": metal, "halide": halide}
        columns: dict[str, Any] = {
            name: pd.Categorical.from_codes(codes[name], pd.Index(list(axes[name]), dtype=object))
            if name != "spacer" else self._spacers_of(codes[name])
            for name in SITES
        }  # fmt: skip
        columns["n_layers"] = stacks[:, 2]
        if self.alternating:
            columns["phase"] = pd.Categorical.from_codes(stacks[:, 3], pd.Index(list(PHASES), dtype=object))
        return pd.DataFrame(columns)

    @property
    def spacer_axis(self) -> tuple[str, ...]:
        """Spacers, then those of alternating cations; one may stand in both."""
        return (*map(occupant_text, self.spacers), *map(occupant_text, self.alternating))

    def _spacers_of(self, codes: NDArray[np.int64]) -> pd.Categorical:
        import numpy as np
        import pandas as pd

        names = list(dict.fromkeys(self.spacer_axis))
        place = np.array([*(names.index(name) for name in self.spacer_axis), -1], dtype=np.int64)
        return pd.Categorical.from_codes(place[codes], pd.Index(names, dtype=object))

    def blocks(self, size: int = BLOCK_SIZE) -> Iterator[pd.DataFrame]:
        """Yield the materials as blocks of at most `size` rows; halides vary fastest, then metals."""
        import numpy as np

        for start in range(0, len(self), size):
            stop = min(start + size, len(self))
            stack, sheet = np.divmod(np.arange(start, stop), self.n_sheets)
            stacks = self.stacks(int(stack[0]), int(stack[-1]) + 1)
            yield self.table(stacks[stack - stack[0]], sheet)
