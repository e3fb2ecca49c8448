"""Exchange with other databases: what goes out comes back, and what can't is listed."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perospin import Perovskite
from perospin.chemistry import IonLibrary
from perospin.database import Record, Source, Store, check_file, curated_records, export_records
from perospin.database.citing import cited_sources
from perospin.database.exchange import (
    DIRECTIONS,
    Creator,
    Publication,
    definitions,
    from_nomad,
    from_optimade,
    losses,
    publish,
    to_csl,
    to_nomad,
    to_optimade,
)
from perospin.database.record import COLUMNS
from perospin.errors import DataError, PerospinError

CURATED = list(curated_records())
KNOWN = [record for record in CURATED if record.composition == "known"]
ABOUT = Publication(
    title="Spin lifetimes",
    description="Some.",
    creators=(Creator.read("Curie, Marie; 0000-0002-1825-0097"), Creator("A group")),
    date="2026-11-29",
)
LIBRARY = IonLibrary.default()


def bare(records: Any) -> list[Record]:
    """Without the identifiers, which a store gives anew."""
    return [dataclasses.replace(record, record_id="") for record in records]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out") / "set"
    publish(CURATED, folder, ABOUT)
    return folder


# --- data package ---------------------------------------------------------------------------------------------------


def test_a_published_folder_comes_back_whole(published: Path) -> None:
    found = check_file(published, allow_unknown=True)
    assert found.issues == ()
    assert bare(found.records) == bare(CURATED)


def test_the_same_records_give_the_same_bytes(published: Path, tmp_path: Path) -> None:
    publish(CURATED, tmp_path / "again", ABOUT)
    names = sorted(path.name for path in published.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((published / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)


def test_frictionless_finds_the_package_valid(published: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(published)
        package = frictionless.Package("datapackage.json")
        report = package.validate()
    assert report.valid, report.flatten(["rowNumber", "fieldName", "note"])[:3]
    assert [resource.name for resource in package.resources] == ["records", "properties", "ions"]


def test_the_crate_keeps_the_rules_of_ro_crate(published: Path) -> None:
    crate = json.loads((published / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    graph = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(graph) == len(crate["@graph"])  # identifiers are unique
    descriptor = graph["ro-crate-metadata.json"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["conformsTo"]["@id"].startswith("https://w3id.org/ro/crate/1.")
    root = graph[descriptor["about"]["@id"]]
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license"} <= set(root)
    for pointers in (*(root[name] for name in ("hasPart", "author", "citation")), [root["license"]]):
        assert all(pointer["@id"] in graph for pointer in pointers)  # nothing dangles
    on_disk = {path.name for path in published.iterdir()} - {"ro-crate-metadata.json", "SHA256SUMS"}
    files = {name for name, entity in graph.items() if entity["@type"] == "File"}
    assert files == on_disk
    assert all(int(graph[name]["contentSize"]) == (published / name).stat().st_size for name in files)


def test_the_metadata_are_what_a_doi_needs(published: Path) -> None:
    cite = json.loads((published / "datacite.json").read_text(encoding="utf-8"))
    assert cite["schemaVersion"] == "http://datacite.org/schema/kernel-4"
    assert cite["publicationYear"] == 2026
    assert cite["types"]["resourceTypeGeneral"] == "Dataset"
    assert cite["publisher"]["name"]
    assert cite["creators"][0]["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert [c["nameType"] for c in cite["creators"]] == ["Personal", "Organizational"]
    dois = {one["relatedIdentifier"] for one in cite["relatedIdentifiers"]}
    assert dois == {one.source.doi for one in cited_sources(CURATED) if one.source.doi}
    assert ABOUT.missing == ()
    assert Publication().missing == ("title", "creators", "description")


def test_csl_lists_every_source() -> None:
    cited = cited_sources(KNOWN)
    items = to_csl(cited)
    assert len({item["id"] for item in items}) == len(items) == len(cited)
    assert [item.get("DOI", "") for item in items] == [one.source.doi for one in cited]
    assert [item.get("issued") for item in items] == [
        {"date-parts": [[one.source.year]]} if one.source.year else None for one in cited
    ]
    assert all(item["type"] in ("article-journal", "article", "webpage") for item in items)


@pytest.mark.parametrize("harm", ["changed", "lacking", "interrupted", "foreign"])
def test_a_harmed_folder_is_refused_with_a_sentence(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "set"
    publish(KNOWN[:3], folder, ABOUT)
    if harm == "changed":
        (folder / "records.csv").write_text((folder / "records.csv").read_text().replace("190", "191"))
    elif harm == "lacking":
        (folder / "ions.csv").unlink()
    elif harm == "interrupted":
        (folder / "SHA256SUMS").unlink()
    else:
        (folder / "datapackage.json").unlink()
    words = {
        "changed": "was changed",
        "lacking": "lacks 'ions.csv'",
        "interrupted": "incomplete",
        "foreign": "holds no",
    }
    with pytest.raises(DataError, match=words.get(harm, "holds no")) as caught:
        check_file(folder)
    assert len(str(caught.value)) <= 400


def test_an_interrupted_publication_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from perospin import saving

    folder = tmp_path / "set"
    publish(KNOWN[:3], folder, ABOUT)
    whole = saving.write_bytes

    def stopped(path: Any, data: bytes) -> None:
        if Path(path).name == "ions.csv":
            raise KeyboardInterrupt
        whole(path, data)

    monkeypatch.setattr(saving, "write_bytes", stopped)
    with pytest.raises(KeyboardInterrupt):
        publish(KNOWN[:4], folder, ABOUT)
    with pytest.raises(DataError, match="incomplete"):
        check_file(folder)
    monkeypatch.setattr(saving, "write_bytes", whole)
    publish(KNOWN[:4], folder, ABOUT)
    assert len(check_file(folder).records) == 4


def test_a_strange_folder_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(DataError, match=r"thesis\.docx"):
        publish(KNOWN[:1], tmp_path, ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_cation_of_ones_own_travels_with_the_package(tmp_path: Path) -> None:
    own = LIBRARY.with_ions({"MyA": "[NH3+]CCCOCCF"})
    record = Record.measured("(MyA)2PbI4", "tau_spin", 3.0, "ps", Source(first_author="Me"), ions=own)
    with pytest.raises(DataError, match="unknown ion 'MyA'"):
        publish([record], tmp_path / "set", ABOUT)
    publish([record], tmp_path / "set", ABOUT, own)
    assert bare(check_file(tmp_path / "set").records)[0].formula == "(MyA)2PbI4"
    other = LIBRARY.with_ions({"MyA": "[NH3+]CCCOCCCl"})
    with pytest.raises(DataError, match="in this package is"):
        check_file(tmp_path / "set", ions=other)


def test_words_about_a_data_set_are_checked() -> None:
    for wrong, words in (
        ({"licence": "GPL"}, "CC-BY-4.0"),
        ({"date": "29.11.2026"}, "2026-11-29"),
        ({"doi": "ten"}, "neither a DOI"),
    ):
        with pytest.raises(DataError, match=words):
            Publication(**wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="checksum"):
        Creator.read("Curie, Marie; 0000-0002-1825-0098")


# --- every format that promises to lose nothing -----------------------------------------------------------------------

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=12)
_NUMBER = st.floats(1e-6, 1e6)


@st.composite
def some_records(draw: st.DrawFn) -> Record:
    base = draw(st.sampled_from(KNOWN))
    conditions = dataclasses.replace(
        base.conditions,
        temperature_k=draw(st.none() | st.floats(0, 3000)),
        field_t=draw(st.none() | st.floats(-20, 20)),
        bias_field_v_mm=draw(st.none() | _NUMBER),
        form=draw(_TEXT),
        device=draw(_TEXT),
    )
    return dataclasses.replace(
        base,
        conditions=conditions,
        note=draw(_TEXT),
        origin=draw(st.just("x") | _TEXT.filter(bool)),
        uncertainty=draw(st.none() | _NUMBER),
        estimated=draw(st.booleans()),
        record_id="",
    )


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(some_records(), min_size=1, max_size=4, unique_by=lambda r: (r.formula, r.property, r.note, r.origin)))
def test_a_round_trip_loses_nothing(tmp_path: Path, records: list[Record]) -> None:
    for format in ("csv", "json", "optimade", "package"):
        assert not [loss for loss in losses(format, records) if loss.n_records]
        if format == "package":
            publish(records, target := tmp_path / "set", ABOUT)
        else:
            suffix = "jsonl" if format == "optimade" else format
            export_records(records, target := tmp_path / f"table.{suffix}", format)
        found = check_file(target, skip_known=True)
        assert found.issues == ()
        key = repr
        assert sorted(bare(found.records), key=key) == sorted(records, key=key), format


# --- NOMAD ------------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([ion for ion in LIBRARY.cations if ion.role == "spacer"]),
    st.sampled_from(["MA", "FA", "Cs"]),
    st.sampled_from(["Pb", "Sn", "Ge"]),
    st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100),
    st.integers(1, 3),
)
def test_a_composition_comes_back_from_nomad(spacer: Any, cage: str, metal: str, share: Fraction, n: int) -> None:
    amounts: dict[Any, Any] = {spacer: 2 // spacer.charge, metal: n, "I": (3 * n + 1) * share}
    amounts["Br"] = (3 * n + 1) * (1 - share)
    if n > 1:
        amounts[cage] = n - 1
    material = Perovskite.from_ions(amounts)
    archive = json.loads(json.dumps(to_nomad(material, band_gap_ev=2.5, doi="10.1000/x", dimensionality="2D")))
    found = from_nomad(archive)
    assert found.material == material
    assert (found.band_gap_ev, found.dimensionality, found.doi) == (2.5, "2D", "https://doi.org/10.1000/x")


def test_every_ion_of_the_list_is_found_as_the_list_draws_it() -> None:
    """By its drawing alone where our library has it; its abbreviation never overrules the drawing."""
    from perospin.chemistry._tables import read_table

    for row in read_table("names_nomad.csv"):
        if row["verdict"] not in ("known", "added", "protons") or row["drawn"].startswith("["):
            continue
        ion = LIBRARY.get(row["symbol"])
        entry = {"abbreviation": row["name"], "smiles": row["drawn"], "coefficient": 2.0 / ion.charge}
        archive = {
            "ions_a_site": [entry],
            "ions_b_site": [{"abbreviation": "Pb", "coefficient": 1}],
            "ions_x_site": [{"abbreviation": "I", "smiles": "[I-]", "coefficient": 4}],
        }
        found = from_nomad(archive)
        assert dict(found.material.cations) == {ion: Fraction(2, ion.charge)}, row["name"]
        assert bool(found.remarks) == (row["verdict"] == "protons")


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        ({}, "holds no perovskite composition"),
        ({"ions_a_site": [{"abbreviation": "PhEA", "coefficient": 1}]}, "no certain structure"),
        ({"ions_a_site": [{"abbreviation": "MA", "smiles": "C[NH3+]", "coefficient": "much"}]}, "positive number"),
        (
            {"ions_a_site": [{"abbreviation": "MA", "smiles": "[NH3+]CCCOCCF", "coefficient": 1}]},
            "isn't in the library",
        ),
        ({"ions_a_site": ["MA"]}, "is no ion"),
    ],
)
def test_a_wrong_archive_is_refused(archive: dict[str, Any], words: str) -> None:
    with pytest.raises(PerospinError, match=words) as caught:
        from_nomad(archive)
    assert len(str(caught.value)) <= 400


def test_band_gaps_go_to_nomad_and_back(tmp_path: Path) -> None:
    gaps = [r for r in KNOWN if r.property == "band_gap" and r.limit == "value" and r.source.doi]
    export_records(gaps, tmp_path / "gaps.archive.json")
    found = check_file(tmp_path / "gaps.archive.json", skip_known=True)
    assert not found.issues
    for ours, back in zip(gaps, found.records, strict=True):
        assert (back.formula, back.value, back.source.doi) == (ours.formula, ours.value, ours.source.doi)
        assert back.theory == ours.theory
        for name in ("dimensionality", "form"):
            word = getattr(ours.conditions, name)
            assert getattr(back.conditions, name) == (word if word in DIRECTIONS["nomad"].words[name] else "")
    lost = {loss.what: loss.n_records for loss in losses("nomad", gaps)}
    assert lost["technique"] == sum(bool(r.conditions.technique) for r in gaps)
    assert "formula" not in lost


# --- OPTIMADE, crystals -----------------------------------------------------------------------------------------------


def test_every_property_is_defined_with_its_unit() -> None:
    found = definitions()
    assert all(name.startswith("_perospin_") for name in found)
    assert found["_perospin_tau_spin"]["items"]["x-optimade-unit"] == "ps"
    assert found["_perospin_g_factor"]["items"]["x-optimade-unit"] == "dimensionless"


def test_optimade_models_take_our_entries() -> None:
    models = pytest.importorskip("optimade.models")
    from perospin.database.exchange.optimade import entries

    kinds = {"structures": models.StructureResource, "references": models.ReferenceResource}
    found = entries(KNOWN[:150])
    for entry in found:
        kinds[entry["type"]](**entry)
    assert {entry["type"] for entry in found} == set(kinds)


def test_a_crystal_comes_back_from_optimade_and_ase(tmp_path: Path) -> None:
    pytest.importorskip("pymatgen")
    from pymatgen.core import Lattice, Structure

    from perospin.database.exchange import from_ase, to_ase, write_crystals

    mixed = Structure(
        Lattice.cubic(6.3), ["Cs", "Pb", *[{"I": 0.75, "Br": 0.2}] * 3],
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    )  # fmt: skip
    entry = json.loads(json.dumps(to_optimade(mixed, "mixed")))
    back = from_optimade(entry["attributes"])
    assert back.lattice == mixed.lattice
    assert [site.species for site in back] == [site.species for site in mixed]
    assert back.cart_coords == pytest.approx(mixed.cart_coords)
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"data": [entry, {**entry, "id": "none", "attributes": {}}]}))
    written, refused = write_crystals(answer, tmp_path / "cif")
    assert Structure.from_file(written[0]).composition.almost_equals(mixed.composition)
    assert refused == [("none", "'none' has a composition but no positions of atoms")]
    with pytest.raises(DataError, match="no value to import"):
        check_file(answer)
    pytest.importorskip("ase")
    with pytest.raises(DataError, match="mixed or partly occupied"):
        to_ase(mixed)
    pure = Structure(mixed.lattice, ["Cs", "Pb", "I", "I", "I"], mixed.frac_coords, properties={"source": "x"})
    atoms = to_ase(pure)
    assert from_ase(atoms) == pure
    assert from_ase(atoms).properties == {"source": "x"}
    atoms.pbc = [True, True, False]
    with pytest.raises(DataError, match="aren't a crystal"):
        from_ase(atoms)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_optimade_s_own_validator_passes_the_endpoint() -> None:
    pytest.importorskip("mongomock")
    pytest.importorskip("optimade")
    from fastapi.testclient import TestClient
    from optimade.validator import ImplementationValidator

    from perospin.database.exchange import optimade_app

    app = optimade_app([r for r in KNOWN if r.property in ("tau_spin", "band_gap")], base_url="http://testserver")
    client = TestClient(app)

    class InProcess:
        base_url = "http://testserver/v1"

        def get(self, request: str) -> Any:
            self.last_request = request if request.startswith("http") else f"{self.base_url}/{request}"
            self.response = client.get(self.last_request.removeprefix("http://testserver"))
            return self.response

    checker = ImplementationValidator(client=InProcess(), run_optional_tests=False)
    checker.validate_implementation()
    assert checker.valid, checker.results.failure_messages
    assert checker.results.success_count >= 50
    query = '_perospin_properties HAS "tau_spin" AND chemical_formula_descriptive CONTAINS "(PEA)2PbI4"'
    answer = client.get("/v1/structures", params={"filter": query}).json()
    assert [entry["attributes"]["_perospin_formula"] for entry in answer["data"]] == ["(PEA)2PbI4"]
    assert client.post("/v1/structures", json={}).status_code == 405  # read-only


# --- losses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", DIRECTIONS)
def test_what_is_lost_is_true(key: str) -> None:
    """Each column of a record is either said on the other side or listed with its count."""
    direction = DIRECTIONS[key]
    listed = losses(key, CURATED)
    assert all(loss.why for loss in listed)
    assert set(direction.kept) <= set(COLUMNS)
    if direction.kept:
        whole = [record.to_dict() for record in CURATED if direction.whole(record)]
        for name in ("technique", "temperature_k", "note"):
            filled = sum(row[name] not in ("", None) for row in whole)
            told = next((loss.n_records for loss in listed if loss.what == name), 0)
            assert told == (0 if name in direction.kept else filled)


def test_import_into_a_store_and_twice(published: Path, tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.db") as store:
        found = check_file(published, store=store, allow_unknown=True)
        store.add(found.records)
        again = check_file(published, store=store, allow_unknown=True, skip_known=True)
        assert store.add(again.records, skip_known=True) == []
        assert bare(store.query()) == bare(CURATED)


def test_garbage_is_refused_with_a_sentence(tmp_path: Path) -> None:
    for name, content in (
        ("a.jsonl", b"\x00\xff garbage"),
        ("b.json", b"[1, 2"),
        ("c.json", b"[]"),
        ("d.jsonl", b'{"x-optimade": {}}\n{"type": "structures", "id": 3}\n'),
        ("e.json", b'{"data": {"ions_a_site": 3}}'),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError) as caught:
            check_file(tmp_path / name)
        assert 10 < len(str(caught.value)) <= 400
