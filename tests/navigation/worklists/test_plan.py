"""Recipes, layouts and strokes: what is made is what the simulator finds, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation.worklists.ions import in_ions, ions_of
from perospin.navigation.worklists.labware import PLATES, Pipette, Plate, load_plate, plate_of
from perospin.navigation.worklists.layout import LAYOUTS, laid_out
from perospin.navigation.worklists.plan import map_rows, plan_worklist, stock_totals
from perospin.navigation.worklists.recipes import Target, recipe
from perospin.navigation.worklists.simulator import Transfer, simulate
from perospin.navigation.worklists.stocks import Stock

SMALL = Pipette("p20", 1.0, 20.0, 0.1)
LARGE = Pipette("p300", 20.0, 300.0, 1.0)
PEA = Stock("PEA2PbI4", {"PEA2PbI4": 0.5}, {"DMF": 1.0}, 4000.0, well="A1")
FA = Stock("FAPbI3", {"FAPbI3": 1.0}, {"DMF": 0.8, "DMSO": 0.2}, 4000.0, well="A2")
DMF = Stock("DMF", {}, {"DMF": 1.0}, 9000.0, well="A3")
STOCKS = [PEA, FA, DMF]
DEEP = PLATES["96-deep"]


def test_a_worked_recipe() -> None:
    # 100 uL of 0.4 M with 0.25 and 0.75: 10 umol PEA2PbI4 are 20 uL, 30 umol FAPbI3 are 30 uL, and 50 uL of DMF
    made = recipe(Target("a", {"PEA2PbI4": 1.0, "FAPbI3": 3.0}, 0.4), STOCKS, 100.0, [SMALL, LARGE])
    assert made.volumes_ul == pytest.approx({"PEA2PbI4": 20.0, "FAPbI3": 30.0, "DMF": 50.0})
    assert made.shares == pytest.approx({"PEA2PbI4": 0.25, "FAPbI3": 0.75})
    assert made.concentration_m == pytest.approx(0.4)
    assert made.solvent == pytest.approx({"DMF": 0.94, "DMSO": 0.06})


def test_without_a_concentration_nothing_is_diluted() -> None:
    made = recipe(Target("a", {"PEA2PbI4": 1.0, "FAPbI3": 1.0}), STOCKS, 90.0, [SMALL, LARGE])
    assert made.volumes_ul == pytest.approx({"PEA2PbI4": 60.0, "FAPbI3": 30.0})


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(any), min_size=1, max_size=8),
    st.sampled_from([None, 0.2, 0.35]),
    st.sampled_from(sorted(LAYOUTS)),
    st.integers(1, 3),
    st.sampled_from([60.0, 150.0, 900.0]),
)
def test_volumes_are_conserved_and_made_is_what_the_simulator_finds(
    shares: list[tuple[int, int]], concentration: float | None, layout: str, replicates: int, volume: float
) -> None:
    targets = [
        Target(f"s{i}", {"PEA2PbI4": float(a), "FAPbI3": float(b)}, concentration) for i, (a, b) in enumerate(shares)
    ]
    vessels = [replace(stock, volume_ul=30_000.0) for stock in STOCKS]
    work = plan_worklist(targets, vessels, DEEP, [SMALL, LARGE], volume, replicates, layout, nearest=True)
    found = work.simulated()
    assert len(found) == len(shares) * replicates
    for fill in work.fills:
        assert found[fill.well].volumes_ul == pytest.approx(fill.made.volumes_ul)
        assert found[fill.well].shares == pytest.approx(fill.made.shares)
        assert found[fill.well].concentration_m == pytest.approx(fill.made.concentration_m)
    assert sum(stock_totals(work).values()) == pytest.approx(sum(f.made.volume_ul for f in work.fills))
    for one in work.transfers:
        tool = {"p20": SMALL, "p300": LARGE}[one.pipette]
        assert tool.minimum_ul <= one.volume_ul <= tool.maximum_ul


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100), st.floats(0.05, 0.45))
@example(66, 0.05031441154172187)  # the best shares alone were two steps off in concentration
def test_rounding_stays_below_a_step(percent: int, concentration: float) -> None:
    target = Target("a", {"PEA2PbI4": percent / 100, "FAPbI3": 1 - percent / 100}, concentration)
    made = recipe(target, STOCKS, 500.0, [Pipette("fine", 0.0025, 500.0, 0.0025)])
    assert made.share_error < 1e-4
    assert made.concentration_error < 1e-4


def test_what_cannot_be_made_is_told_with_the_nearest() -> None:
    with pytest.raises(
        NavigationError, match=r"'dense' can't be made: the nearest is FAPbI3 1 at 1 M, 33 % off in conc"
    ):
        plan_worklist([Target("dense", {"FAPbI3": 1.0}, 1.5)], STOCKS, DEEP, [SMALL, LARGE])
    with pytest.raises(NavigationError, match=r"no stock holds 'FAPbI' for 'x'; did you mean 'FAPbI3'"):
        plan_worklist([Target("x", {"FAPbI": 1.0})], STOCKS, DEEP, [SMALL])
    # 0.3 uL of 100: nothing, or the least stroke
    with pytest.raises(NavigationError, match="off in a share"):
        plan_worklist([Target("trace", {"PEA2PbI4": 0.02, "FAPbI3": 0.98})], STOCKS, DEEP, [Pipette("p10", 10, 100, 1)])


@pytest.mark.parametrize(
    ("stroke", "said"),
    [
        (Transfer("stocks", "A1", "A1", 12_000.0, "p300"), "the tip of 'p300' holds 300 uL"),
        (Transfer("stocks", "A1", "A1", 0.5, "p20"), "moves 1 uL at least"),
        (Transfer("stocks", "A1", "A1", 10.05, "p20"), "steps of 0.1 uL"),
        (Transfer("stocks", "A1", "I1", 10.0, "p20"), "no well I1 on 'plate'; its last one is H12"),
        (Transfer("stocks", "B1", "A1", 10.0, "p20"), "no stock stands in stocks B1"),
        (Transfer("stocks", "A1", "A1", 10.0, "p50"), "there is no pipette 'p50'"),
        (Transfer("stocks", "A4", "A1", 20.0, "p20"), "the stock 'little' is empty, 30 uL are left"),
    ],
)
def test_the_simulator_refuses_what_a_machine_would_spoil(stroke: Transfer, said: str) -> None:
    little = Stock("little", {}, {"DMF": 1.0}, 30.0, well="A4")
    with pytest.raises(NavigationError, match=said):
        simulate([stroke], [*STOCKS, little], PLATES["96"], [SMALL, LARGE], 20.0)


def test_twelve_millilitres_do_not_fit_into_a_well() -> None:
    strokes = [Transfer("stocks", "A3", "A1", 300.0, "p300")] * 2
    with pytest.raises(NavigationError, match=r"stroke 2 .* overflows, 600 uL in 360 uL"):
        simulate(strokes, STOCKS, PLATES["96"], [LARGE])
    with pytest.raises(NavigationError, match="holds 360 uL; 12000 uL don't fit"):
        plan_worklist([Target("a", {"FAPbI3": 1.0})], STOCKS, PLATES["96"], [LARGE], 12_000.0)


def test_a_stock_that_does_not_suffice() -> None:
    with pytest.raises(NavigationError, match=r"'FAPbI3' needs 100 uL and gives 80 uL above the dead volume of 20 uL"):
        plan_worklist([Target("a", {"FAPbI3": 1.0})], [replace(FA, volume_ul=100.0)], DEEP, [LARGE])
    # a second vessel of the same solution helps
    two = [replace(FA, volume_ul=100.0), replace(FA, volume_ul=100.0, well="B1")]
    work = plan_worklist([Target(str(i), {"FAPbI3": 1.0}) for i in range(2)], two, DEEP, [LARGE], 80.0)
    assert [one.source_well for one in work.transfers] == ["A2", "B1"]


def test_cautions() -> None:
    toluene = Stock("toluene", {}, {"toluene": 1.0}, 5000.0, well="B1")
    mixed = Target("a", {"FAPbI3": 1.0}, 0.5, {"DMF": 0.4, "DMSO": 0.1, "toluene": 0.5})
    plate = Plate("flat", 8, 12, 360.0, "polystyrene")
    told = " | ".join(plan_worklist([mixed], [FA, toluene], plate, [SMALL, LARGE]).cautions)
    assert "attack polystyrene; take a plate of polypropylene" in told
    assert "'toluene' is an antisolvent and well A1 has no time" in told
    assert "mixes FAPbI3 with the antisolvent toluene; it will precipitate" in told
    timed = replace(mixed, conditions={"antisolvent_s": 25.0})
    work = plan_worklist([timed], [FA, toluene], DEEP, [SMALL, LARGE])
    assert [one.delay_s for one in work.transfers] == [None, 25.0]
    # log-linear: 2 M in DMF, 0.02 M in water; half and half dissolves 0.2 M
    both = [
        Stock("in DMF", {"MAI": 1.0}, {"DMF": 1.0}, 900.0, well="A1", solubility_m=2.0),
        Stock("in water", {"MAI": 0.01}, {"water": 1.0}, 900.0, well="A2", solubility_m=0.02),
    ]
    half = Target("h", {"MAI": 1.0}, 0.505, {"DMF": 0.5, "water": 0.5})
    assert any(
        "0.505 M, and 0.2 M dissolves" in one for one in plan_worklist([half], both, DEEP, [SMALL, LARGE]).cautions
    )


@given(st.integers(1, 12), st.integers(1, 8), st.sampled_from(sorted(LAYOUTS)), st.integers(0, 9))
def test_each_well_is_used_once(count: int, replicates: int, layout: str, seed: int) -> None:
    wells = laid_out(count, replicates, plate_of(96).wells, layout, seed)
    flat = [well for sample in wells for well in sample]
    assert sorted(flat) == sorted(plate_of(96).wells[: count * replicates])
    if layout == "blocked":
        blocks = [set(plate_of(96).wells[r * count : (r + 1) * count]) for r in range(replicates)]
        assert all(sample[r] in blocks[r] for sample in wells for r in range(replicates))


def test_the_map_says_meant_and_made() -> None:
    work = plan_worklist(
        [Target("a", {"PEA2PbI4": 0.333, "FAPbI3": 0.667})], STOCKS, DEEP, [Pipette("p", 5, 100, 5)], nearest=True
    )
    row = map_rows(work)[0]
    assert row["meant PEA2PbI4"] == 0.333
    assert row["made PEA2PbI4"] == pytest.approx(work.simulated()["A1"].shares["PEA2PbI4"])


def test_plates_from_files(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "plate.json"
    file.write_text(
        '{"name": "corning_96_wellplate_360ul_flat", "wells": 96, "volume_ul": 360, "material": "polystyrene"}'
    )
    assert load_plate(file) == Plate("corning_96_wellplate_360ul_flat", 8, 12, 360.0, "polystyrene")
    file.write_text('{"name": "x", "wells": 95, "volume_ul": 360}')
    with pytest.raises(NavigationError, match="is no plate"):
        load_plate(file)
    assert plate_of(384).number("P24") == 384
    assert plate_of(96).number("A2") == 9


def test_too_dense_a_wish_keeps_its_composition() -> None:
    made = recipe(Target("a", {"PEA2PbI4": 0.5, "FAPbI3": 0.5}, 3.0), STOCKS, 90.0, [SMALL, LARGE])
    assert made.shares == pytest.approx({"PEA2PbI4": 0.5, "FAPbI3": 0.5})
    assert made.concentration_m == pytest.approx(2 / 3)


def test_salts_mix_to_a_formula() -> None:
    salts = [
        Stock("PEAI", {"PEAI": 1.0}, {"DMF": 1.0}, 900.0, well="A1"),
        Stock("MAI", {"MAI": 1.0}, {"DMF": 1.0}, 900.0, well="A2"),
        Stock("PbI2", {"PbI2": 1.0}, {"DMF": 1.0}, 900.0, well="A3"),
    ]
    work = plan_worklist([Target("n = 2", ions_of("(PEA)2(MA)Pb2I7"))], in_ions(salts), DEEP, [SMALL, LARGE])
    # 2 PEAI + MAI + 2 PbI2
    assert work.fills[0].made.volumes_ul == pytest.approx({"PEAI": 40.0, "MAI": 20.0, "PbI2": 40.0})
    with pytest.raises(NavigationError, match="the stock 'x': 'PbI' is no perovskite and no halide"):
        in_ions([Stock("x", {"PbI": 1.0}, {"DMF": 1.0}, 900.0)])
