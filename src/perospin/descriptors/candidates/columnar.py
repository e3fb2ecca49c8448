"""Descriptors of candidates by the million: columns of known ions in, columns of descriptors out.

A site has few different occupants, so that their values are looked up once and dealt out by index: no formula is
parsed, no quantum chemistry is run, and memory doesn't grow with the number of materials. The numbers are those of
`describe`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perospin.chemistry import Ion, IonLibrary, Perovskite
from perospin.chemistry.notation import render
from perospin.descriptors.candidates.grid import BLOCK_COLUMNS, BLOCK_SIZE, PHASES, SITES, CandidateGrid, Occupant
from perospin.descriptors.cations.table import missing
from perospin.descriptors.intrinsic import (
    AVERAGED,
    COLUMNS,
    SITE,
    SPACER,
    butylammonium,
    cation_row,
    derive,
    site_row,
    spacer_row,
)
from perospin.errors import DataError, QuantumError
from perospin.saving import whole_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Block = pd.DataFrame | Mapping[str, Any]
    Blocks = CandidateGrid | Block | Iterable[Block]


def describe_blocks(
    materials: Blocks,
    level: str = "fast",
    *,
    columns: Sequence[str] | None = None,
    ions: IonLibrary | None = None,
    compute: bool = False,
    block_size: int = BLOCK_SIZE,
) -> Iterator[pd.DataFrame]:
    """Describe candidates block by block; the values are those of `describe`, hundreds of times faster.

    Parameters
    ----------
    materials : CandidateGrid, DataFrame, mapping, or iterable of these tables
        A grid of ions, or tables with the columns ``spacer``, ``a_site``, ``metal``, ``halide``, ``n_layers`` and, if
        wanted, ``phase``: an ion's symbol each (``""`` or missing: none; shares as ``"I:0.75+Br:0.25"``), the number
        of layers (0 or missing: ABX3), and ``"RP"``, ``"DJ"`` or ``"ACI"`` (follows from the spacer's charge if not
        given). Layered: S2 A(n-1) Bn X(3n+1), S A(n-1) Bn X(3n+1) or S An Bn X(3n+1). Categorical columns are fastest.
    level : {"fast", "published"}
        Level at which cations are described.
    columns : sequence of str, optional
        Only these descriptors, in this order.
    ions : IonLibrary, optional
        Library with the user's own ions.
    compute : bool
        Whether cations that no shipped table holds are computed first (seconds to minutes each, cached).
    block_size : int
        Materials a block of a grid; longer tables are cut to this length.

    Yields
    ------
    DataFrame
        One row a material in the order given, indexed by canonical formula, columns as `describe` gives them.

    Raises
    ------
    DataError
        If a column is missing or unknown, or ions don't make a perovskite; the message names the ions.
    QuantumError
        If a cation isn't known at the level; the message names all of that block.
    """
    names = _chosen(columns)
    engine = _Engine(level, IonLibrary.of(ions), compute)
    for block in _blocks(materials, block_size):
        yield engine.describe(block, names).frame


def write_candidates(
    materials: Blocks,
    path: str | Path,
    level: str = "fast",
    *,
    columns: Sequence[str] | None = None,
    ions: IonLibrary | None = None,
    compute: bool = False,
    block_size: int = BLOCK_SIZE,
    on_block: Callable[[int], None] | None = None,
) -> int:
    """Describe candidates into a Parquet file, in constant memory; parameters as in `describe_blocks`.

    The file holds the formula (``material``), the ions as given (`BLOCK_COLUMNS`) and the descriptors. It appears
    under its name when it is complete.

    Parameters
    ----------
    path : path
        File to write; its name ends in ``.parquet``.
    on_block : callable, optional
        Called with the number of materials written so far, after each block.

    Returns
    -------
    int
        Number of materials written.

    Raises
    ------
    DataError
        As `describe_blocks`, or if the file can't be written.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    import pyarrow.parquet as pq

    path = Path(path)
    if path.suffix != ".parquet":
        raise DataError(f"candidates are written as Parquet: call the file e.g. '{path.with_suffix('.parquet').name}'")
    if not path.parent.is_dir():
        raise DataError(f"can't write '{path}': there is no folder '{path.parent}'")
    names = _chosen(columns)
    engine = _Engine(level, IonLibrary.of(ions), compute)
    writer, written = None, 0
    pending: Future[None] | None = None
    # one block is described while the one before is compressed: Arrow works outside Python's lock
    with whole_file(path) as part, ThreadPoolExecutor(max_workers=1) as background:
        try:
            for block in _blocks(materials, block_size):
                table = engine.describe(block, names).to_arrow()
                if pending is not None:
                    pending.result()
                if writer is None:
                    writer = pq.ParquetWriter(part, table.schema, compression="zstd", write_statistics=False)
                pending = background.submit(writer.write_table, table)
                written += len(table)
                if on_block is not None:
                    on_block(written)
            if writer is None or pending is None:
                raise DataError("there are no materials to write")
            pending.result()
            writer.close()
        finally:
            if pending is not None:
                pending.exception()  # what runs must end before its file is closed
            if writer is not None:
                writer.close()
    return written


def _chosen(columns: Sequence[str] | None) -> tuple[str, ...]:
    if columns is None:
        return COLUMNS
    unknown = next((name for name in columns if name not in COLUMNS), None)
    if unknown is not None:
        from perospin.similar import did_you_mean

        hint = did_you_mean(unknown, COLUMNS, otherwise="see perospin.descriptors.DESCRIPTIONS", most=3)
        raise DataError(f"there is no descriptor '{unknown}' for candidates; {hint}")
    return tuple(columns)


def _blocks(materials: Blocks, size: int) -> Iterator[Block]:
    import pandas as pd

    if isinstance(materials, CandidateGrid):
        yield from materials.blocks(size)
        return
    tables = [materials] if isinstance(materials, pd.DataFrame | Mapping) else materials
    for table in tables:
        if not isinstance(table, pd.DataFrame | Mapping):
            raise DataError(
                f"a block of candidates is a table with the columns {', '.join(BLOCK_COLUMNS)}, not {table!r:.40}; "
                "formulas are for describe"
            )
        unknown = next((str(name) for name in table if name not in BLOCK_COLUMNS), None)
        if unknown is not None:
            raise DataError(f"unknown column '{unknown}' of a block; it has {', '.join(BLOCK_COLUMNS)}")
        lacking = next((name for name in ("metal", "halide", "n_layers") if name not in table), None)
        if lacking is not None:
            raise DataError(f"a block of candidates needs the column '{lacking}'")
        try:
            frame = pd.DataFrame(table)
        except ValueError as error:
            raise DataError(f"the columns of a block don't fit together: {error}") from None
        for start in range(0, len(frame), size):
            yield frame.iloc[start : start + size]


@dataclass(frozen=True)
class _Column:
    """One site of a block: its distinct occupants (None: no ion, always last), and which one each row has."""

    occupants: tuple[Occupant | None, ...]
    codes: NDArray[np.int64]

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Whether there is an ion, (n_rows,)."""
        import numpy as np

        return np.array([occupant is not None for occupant in self.occupants])[self.codes]

    @property
    def charges(self) -> NDArray[np.float64]:
        """Charge of the ion, 0 where there is none, (n_rows,)."""
        import numpy as np

        return np.array([occupant.charge if occupant else 0.0 for occupant in self.occupants])[self.codes]

    def text(self, row: int) -> str:
        """Name the occupant of a row."""
        occupant = self.occupants[self.codes[row]]
        return occupant.text if occupant else "none"


@dataclass(frozen=True)
class _Described:
    """One described block: ions by site, layers, family (index into `PHASES`), and the descriptors."""

    sites: Mapping[str, _Column]
    layers: NDArray[np.int64]
    phases: NDArray[np.int64]
    frame: pd.DataFrame

    def to_arrow(self) -> Any:
        """Arrow table with the formula, the ions (`BLOCK_COLUMNS`) and the descriptors."""
        import numpy as np
        import pyarrow as pa

        def words(codes: NDArray[np.int64], texts: Sequence[str]) -> Any:
            return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(texts, pa.string()))

        columns = {"material": pa.array(self.frame.index.array)}
        for site, column in self.sites.items():
            columns[site] = words(column.codes, [o.text if o else "" for o in column.occupants])
        columns["n_layers"] = pa.array(self.layers.astype(np.int32))
        columns["phase"] = words(self.phases, PHASES)
        return pa.table(columns | {str(name): pa.array(values.to_numpy()) for name, values in self.frame.items()})


@dataclass
class _Engine:
    """Reads blocks, and remembers the values of the occupants it has met."""

    level: str
    library: IonLibrary
    compute: bool
    _occupants: dict[tuple[str, str], Occupant] = field(default_factory=dict)
    _rows: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _prefixes: dict[Any, str] = field(default_factory=dict)
    _texts: dict[tuple[str, int], str] = field(default_factory=dict)

    def describe(self, block: Block, names: Sequence[str]) -> _Described:
        """Describe one block."""
        import numpy as np
        import pandas as pd

        sites = {site: self._column(site, block) for site in SITES}
        layers = _layers(block)
        phases = _phases(block, sites["spacer"], sites["a_site"], layers)
        if not self.compute:
            self._refuse_unknown(sites)
        amounts = {
            "spacer": np.array([0, 2, 1, 1])[phases],
            "a_site": np.where(phases == 0, 1, np.where(phases == 3, layers, layers - 1)),
            "metal": np.maximum(layers, 1),
            "halide": np.where(layers == 0, 3, 3 * layers + 1),
        }
        raw = self._raw(sites, amounts)
        inverse_n = np.divide(1.0, layers, out=np.zeros(len(layers)), where=layers > 0)
        described = derive(raw, inverse_n, layers > 0, butylammonium(self.compute))
        values = np.empty((len(names), len(layers)))
        for row, name in zip(values, names, strict=True):
            row[:] = described[name]
        index = pd.Index(pd.array(self._formulas(sites, amounts, layers), dtype="str"), name="material")
        frame = pd.DataFrame(values.T, index=index, columns=list(names), copy=False)
        frame.attrs["level"] = self.level
        return _Described(sites, layers, phases, frame)

    # --- reading ---------------------------------------------------------------------------------------------

    def _column(self, site: str, block: Block) -> _Column:
        import numpy as np
        import pandas as pd

        if site not in block:
            return _Column((None,), np.zeros(len(block), dtype=np.int64))
        series = pd.Series(block[site])
        if isinstance(series.dtype, pd.CategoricalDtype):
            codes, texts = series.cat.codes.to_numpy(np.int64), [str(text) for text in series.cat.categories]
        else:
            found, uniques = pd.factorize(series)
            codes, texts = found.astype(np.int64), [str(text) for text in uniques]
        codes = np.where(codes < 0, len(texts), codes)
        used = np.bincount(codes, minlength=len(texts) + 1) > 0
        occupants = [self._occupant(site, text.strip()) if u else None for text, u in zip(texts, used, strict=False)]
        if site in ("metal", "halide") and (
            used[-1] or any(o is None and u for o, u in zip(occupants, used, strict=False))
        ):
            raise DataError(f"a row of the block has no {site}")
        return _Column((*occupants, None), np.asarray(codes, dtype=np.int64))

    def _occupant(self, site: str, text: str) -> Occupant | None:
        if not text:
            return None
        if (site, text) not in self._occupants:
            self._occupants[site, text] = Occupant.read(site, text, self.library)
        return self._occupants[site, text]

    def _refuse_unknown(self, sites: Mapping[str, _Column]) -> None:
        def ions(site: str) -> list[Ion]:
            return [ion for occupant in sites[site].occupants if occupant for ion, _ in occupant.parts]

        spacers = ions("spacer")
        unknown = [*missing([*spacers, *ions("a_site")], self.level), *missing(spacers, "neutral")]
        if unknown:
            names = list(dict.fromkeys(ion.symbol for ion in unknown))
            shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
            raise QuantumError(
                f"{len(names)} cations are not known at level {self.level}: {shown}; leave them out (known_cations() "
                "lists the others) or run `perospin cations compute` first and allow compute"
            )

    # --- values ----------------------------------------------------------------------------------------------

    def _table(self, site: str, column: _Column, n_values: int) -> NDArray[np.float64]:
        """Values of the occupants of a site, (n_values, n_occupants); NaN where there is no ion."""
        import numpy as np

        rows = [[math.nan] * n_values if o is None else self._row(site, o) for o in column.occupants]
        return np.array(rows, dtype=float).T.copy()

    def _row(self, site: str, occupant: Occupant) -> list[float]:
        key = (site, occupant.text)
        if key in self._rows:
            return self._rows[key]
        ions = [ion for ion, _ in occupant.parts]

        def mean(rows: Sequence[Mapping[str, float]], column: str) -> float:
            if len(rows) == 1:
                return rows[0].get(column, math.nan)
            return sum(r.get(column, math.nan) * float(s) for r, (_, s) in zip(rows, occupant.parts, strict=True))

        if site in ("metal", "halide"):
            found = [mean([site_row(ion) for ion in ions], column) for column in (*SITE, "bromide_fraction")]
        else:
            cations = [cation_row(ion, self.level, self.compute) for ion in ions]
            found = [mean(cations, column) for column in AVERAGED]
        if site == "spacer":
            spacers = [spacer_row(ion, self.compute) for ion in ions]
            found += [mean(spacers, column) for column in (*SPACER, "barrier_a")]
        self._rows[key] = found
        return found

    def _raw(
        self, sites: Mapping[str, _Column], amounts: Mapping[str, NDArray[np.int64]]
    ) -> dict[str, NDArray[np.float64]]:
        """Averages over ions, with the keys `RAW_COLUMNS`, each (n_rows,)."""
        import numpy as np

        n_averaged = len(AVERAGED)
        tables = {
            "spacer": self._table("spacer", sites["spacer"], n_averaged + len(SPACER) + 1),
            "a_site": self._table("a_site", sites["a_site"], n_averaged),
            "metal": self._table("metal", sites["metal"], len(SITE) + 1),
            "halide": self._table("halide", sites["halide"], len(SITE) + 1),
        }

        def deal(site: str, i: int) -> NDArray[np.float64]:
            return tables[site][i].take(sites[site].codes)

        spacer_share = amounts["spacer"] / (amounts["spacer"] + amounts["a_site"])
        no_spacer, no_a_site = spacer_share == 0.0, spacer_share == 1.0
        raw: dict[str, NDArray[np.float64]] = {}
        for i, column in enumerate(AVERAGED):
            spacer, a_site = deal("spacer", i), deal("a_site", i)
            raw[f"spacer_{column}"], raw[f"a_site_{column}"] = spacer, a_site
            both = spacer * spacer_share + a_site * (1.0 - spacer_share)
            raw[column] = np.where(no_spacer, a_site, np.where(no_a_site, spacer, both))
        raw["spacer_charge"] = sites["spacer"].charges
        for i, column in enumerate(SPACER, n_averaged):
            raw[f"spacer_{column}"] = deal("spacer", i)
        raw["barrier_thickness_a"] = deal("spacer", n_averaged + len(SPACER))
        for prefix in ("metal", "halide"):
            for i, column in enumerate(SITE):
                raw[f"{prefix}_{column}"] = deal(prefix, i)
        raw["bromide_fraction"] = deal("halide", len(SITE))
        return raw

    # --- formulas --------------------------------------------------------------------------------------------

    def _formulas(
        self,
        sites: Mapping[str, _Column],
        amounts: Mapping[str, NDArray[np.int64]],
        layers: NDArray[np.int64],
    ) -> Any:
        """Canonical formula of every row, site after site."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        pieces = {}
        for site, column in sites.items():
            key = column.codes * (int(amounts[site].max(initial=0)) + 1) + amounts[site]
            found, position = _distinct(key)
            first = [(column.occupants[column.codes[i]], int(amounts[site][i])) for i in found]
            texts = [self._terms(o, amount) if o and amount else "" for o, amount in first]
            pieces[site] = pa.array(texts, pa.string()).take(pa.array(position))
        # ABX3 has rules of its own for brackets, and an ion outside its usual role may be read as another site's
        usual = self._usual(sites["spacer"], "spacer") & self._usual(sites["a_site"], "a_site") & (layers > 0)
        if len(odd := np.flatnonzero(~usual)):
            key = sites["spacer"].codes[odd] * len(sites["a_site"].occupants) + sites["a_site"].codes[odd]
            key = (key * (int(layers.max()) + 1) + layers[odd]) * 3 + amounts["spacer"][odd]
            found, position = _distinct(key)
            texts = [self._as_read({s: (c.occupants[c.codes[i]], int(amounts[s][i])) for s, c in sites.items()},
                                   int(layers[i])) for i in odd[found]]  # fmt: skip
            whole = np.zeros(len(layers), dtype=np.int64)
            whole[odd] = position
            prefix = pa.array(texts, pa.string()).take(pa.array(whole))
            mask = pa.array(usual)
            pieces["spacer"] = pc.if_else(mask, pieces["spacer"], prefix)
            pieces["a_site"] = pc.if_else(mask, pieces["a_site"], "")
        return pc.binary_join_element_wise(*pieces.values(), "")

    def _usual(self, column: _Column, role: str) -> NDArray[np.bool_]:
        """Whether all ions of a site have the role of that site, (n_rows,)."""
        import numpy as np

        return np.array([all(i.role == role for i, _ in o.parts) if o else True for o in column.occupants])[
            column.codes
        ]

    def _as_read(self, sites: Mapping[str, tuple[Occupant | None, int]], n_layers: int) -> str:
        """Spacer and A site of a formula by way of `Perovskite`, which must read the same sites from it."""
        key = (n_layers, *((o.text if o else "", n) for o, n in (sites["spacer"], sites["a_site"])))
        if key not in self._prefixes:
            given = [(o, n) for o, n in (sites["spacer"], sites["a_site"]) if o]
            ions: dict[str | Ion, Fraction] = {i: n * share for occupant, n in given for i, share in occupant.parts}
            metal, halide = (Fraction(sites[site][1]) for site in ("metal", "halide"))
            read = Perovskite.from_ions(
                {**ions, self.library.get("Pb"): metal, self.library.get("I"): halide}, self.library
            )
            spacer = sites["spacer"][0]
            wanted = {ion for ion, _ in spacer.parts} if spacer else set()
            if {ion for ion, _ in read.spacers} != wanted or (read.n_layers or 0) != n_layers:
                shown = " + ".join(sorted(ion.symbol for ion, _ in read.spacers)) or "none"
                raise DataError(
                    f"{read.formula} reads as {read.family} with spacer {shown}, not as the block says; describe such "
                    "materials by formula"
                )
            self._prefixes[key] = read.formula.removesuffix(
                render([("Pb", False, metal), ("I", False, halide)], "plain")
            )
        return self._prefixes[key]

    def _terms(self, occupant: Occupant, amount: int) -> str:
        """Write one site of a formula: molecules in brackets, amounts behind."""
        key = (occupant.text, amount)
        if key not in self._texts:
            terms = [(ion.symbol, not ion.is_monatomic, share * amount) for ion, share in occupant.parts]
            self._texts[key] = render(terms, "plain")
        return self._texts[key]


def _distinct(key: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row where each distinct value stands first, and which distinct value each row has."""
    import numpy as np
    import pandas as pd

    position, values = pd.factorize(key)
    first = np.empty(len(values), dtype=np.int64)
    first[position[::-1]] = np.arange(len(key))[::-1]
    return first, position


def _layers(block: Block) -> NDArray[np.int64]:
    """Layer numbers, 0 for 3D, (n_rows,)."""
    import numpy as np
    import pandas as pd

    given = pd.to_numeric(pd.Series(block["n_layers"]), errors="coerce").fillna(0).to_numpy(float)
    wrong = np.flatnonzero((given != np.floor(given)) | (given < 0) | (given > 10**6))
    if len(wrong):
        raise DataError(f"n_layers is {given[wrong[0]]:g} in a row of the block; it must be whole, and 0 for 3D")
    return given.astype(np.int64)


def _phases(block: Block, spacer: _Column, a_site: _Column, layers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Family of every row as index into `PHASES`, from spacer, layers and what the block says, (n_rows,).

    Raises
    ------
    DataError
        If the ions of a row make none of these families; the message names them.
    """
    import numpy as np
    import pandas as pd

    given = np.full(len(layers), -1)
    if "phase" in block:
        codes, names = pd.factorize(pd.Series(block["phase"]))
        texts = [str(name).strip() for name in names]
        unknown = next((text for text in texts if text and text not in PHASES), None)
        if unknown is not None:
            raise DataError(f"phase '{unknown}' of the block is unknown; it is one of {', '.join(PHASES)}")
        given = np.array([PHASES.index(text) if text else -1 for text in texts] + [-1])[codes]
    has_spacer, has_a = spacer.filled, a_site.filled
    found = np.where(~has_spacer, 0, np.where(spacer.charges == 2, 2, np.where(given == 3, 3, 1)))
    needs_a = (found == 0) | (found == 3) | (layers > 1)
    both = np.array(
        [[bool({i for i, _ in s.parts} & {i for i, _ in a.parts}) if s and a else False for a in a_site.occupants]
         for s in spacer.occupants]
    )[spacer.codes, a_site.codes]  # fmt: skip
    for wrong, reason in (
        (has_spacer != (layers > 0), "layered materials have a spacer and n_layers of 1 or more, 3D ones have neither"),
        (
            (given >= 0) & (given != found),
            "the phase doesn't fit the spacer (DJ: charge 2; RP, ACI: charge 1; 3D: none)",
        ),
        (needs_a & ~has_a, "the A site is missing"),
        (~needs_a & has_a, "a single layer (n = 1) has no A site"),
        (both, "one ion is both spacer and A site; describe such materials by formula"),
    ):
        if len(rows := np.flatnonzero(wrong)):
            row = int(rows[0])
            raise DataError(
                f"spacer {spacer.text(row)}, A site {a_site.text(row)}, n_layers {layers[row]}: {reason} "
                f"(row {row + 1} of its block)"
            )
    return found
