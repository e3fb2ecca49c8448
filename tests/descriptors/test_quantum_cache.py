"""The cache of finished calculations: what is in it is whole, and what is not whole is not in it."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perospin.descriptors.quantum import ResultCache
from perospin.descriptors.quantum.cache import Identity, read_json_result

VERSIONS = (("rdkit", "2026.9.1"), ("tblite", "0.8.0"), ("pyscf", "2.14.0"))
MA = Identity("C[NH3+]", 1, "fast", 1, '{"match": {}, "seed": 7}', VERSIONS)
finite = st.floats(allow_nan=False, allow_infinity=False)


def an_answer(homo_ev: float = -21.1) -> dict:
    return {
        "values": {"homo_ev": homo_ev, "dipole_debye": 2.25},
        "conformer": {"rule": "lowest GFN2-xTB energy", "n_found": 1, "above_lowest_gfn2_ev": 0.0},
        "symbols": ["C", "N"],
        "positions_a": [[0.0, 0.0, 0.0], [1.5, 0.0, 0.1]],
        "seconds": 1.5,
    }


@pytest.fixture
def cache(tmp_path):
    return ResultCache(tmp_path)


@given(values=st.dictionaries(st.sampled_from(["homo_ev", "lumo_ev", "polarisability_bohr3"]), finite), x=finite)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_result_comes_back_to_the_last_bit(cache, values, x):
    answer = an_answer() | {"values": values, "positions_a": [[x, 0.0, 0.0], [0.0, x, x]]}
    cache.put(MA, answer)
    found = cache.get(MA)
    assert found is not None
    assert {key: found[key] for key in answer} == answer
    assert found["versions"] == dict(VERSIONS)


def test_anything_that_decides_the_numbers_is_in_the_key(cache):
    others = [
        replace(MA, smiles="CC[NH3+]"),
        replace(MA, charge=2),
        replace(MA, level="published"),
        replace(MA, revision=2),
        replace(MA, options='{"match": {}, "seed": 8}'),
        replace(MA, versions=(("rdkit", "2026.9.2"), *VERSIONS[1:])),
        replace(MA, versions=(*VERSIONS[:2], ("pyscf", "2.15.0"))),
    ]
    assert len({one.key for one in (MA, *others)}) == 1 + len(others)
    cache.put(MA, an_answer())
    assert [cache.get(other) for other in others] == [None] * len(others)


def test_the_folder_is_one_table_for_any_reader_of_parquet(cache):
    for i in range(3):
        cache.put(replace(MA, smiles="C" * (i + 1) + "[NH3+]"), an_answer(-20.0 - i))
    (cache.folder / ".abc.123.tmp").write_bytes(b"half a fi")  # another process is writing
    frame = pd.read_parquet(cache.folder)
    assert sorted(frame["homo_ev"]) == [-22.0, -21.0, -20.0]
    assert set(frame["pyscf_version"]) == {"2.14.0"}


def test_a_truncated_file_is_noticed_not_used_and_written_again(cache, caplog):
    cache.put(MA, an_answer())
    path = cache.files()[0]
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert cache.get(MA) is None
        assert "not a whole Parquet file" in caplog.text
        assert [fault.path for fault in cache.verify()] == [path]
    cache.put(MA, an_answer())
    assert cache.get(MA) is not None
    assert cache.verify() == []


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_never_changes_a_number(cache, where, bit):
    cache.put(MA, an_answer())
    good = cache.get(MA)
    path = cache.files()[0]
    damaged = bytearray(path.read_bytes())
    damaged[int(where * len(damaged))] ^= 1 << bit
    path.write_bytes(damaged)
    assert cache.get(MA) in (None, good)  # None, unless the bit means nothing


def test_foreign_files_are_named_and_do_not_disturb(cache):
    cache.put(MA, an_answer())
    other = replace(MA, smiles="CC[NH3+]")
    single = cache.files()[0]
    (cache.folder / f"{other.key}.parquet").write_bytes(single.read_bytes())  # renamed by hand
    pd.DataFrame({"x": [1]}).to_parquet(cache.folder / "mine.parquet")
    (cache.folder / "notes.parquet").write_text("not a table")
    assert cache.get(other) is None
    assert cache.get(MA) is not None
    reasons = {fault.path.stem: fault.reason for fault in cache.verify()}
    assert set(reasons) == {other.key, "mine", "notes"}
    assert "other columns" in reasons["mine"]
    assert len(list(cache.rows())) == 1


def test_a_value_changed_by_hand_is_noticed(cache):
    cache.put(MA, an_answer())
    path = cache.files()[0]
    frame = pd.read_parquet(path)
    schema = __import__("pyarrow.parquet").parquet.read_schema(path)
    frame["homo_ev"] = -1.0
    frame.to_parquet(path, schema=schema, index=False)
    assert cache.get(MA) is None
    assert "checksum" in cache.verify()[0].reason


def test_compaction_keeps_every_result_and_readers_find_them_meanwhile(cache):
    identities = [replace(MA, smiles="C" * n + "[NH3+]") for n in range(1, 40)]
    for identity in identities:
        cache.put(identity, an_answer(-float(len(identity.smiles))))
    lost, stop = [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            lost.extend(i for i in identities[:5] if cache.get(i) is None)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert cache.compact() == 39
        cache.put(replace(MA, smiles="N"), an_answer())
        assert cache.compact() == 40
    finally:
        stop.set()
        reader.join()
    assert lost == []
    assert len(cache.files()) == 1
    assert [cache.get(i)["values"]["homo_ev"] for i in identities] == [-float(len(i.smiles)) for i in identities]
    assert cache.compact() == 40  # nothing to do is no harm
    assert len(cache.files()) == 1


def test_compaction_leaves_damaged_files_for_verify(cache):
    cache.put(MA, an_answer())
    damaged = cache.folder / "00.parquet"
    damaged.write_bytes(b"PAR1")
    assert cache.compact() == 1
    assert [fault.path for fault in cache.verify()] == [damaged]


def _write_and_read(folder: Path, seed: int) -> int:
    """What one of several processes does to a shared folder; the number of results it lost sight of."""
    cache, lost = ResultCache(folder), 0
    for n in range(30):
        identity = replace(MA, smiles="C" * (1 + (n * seed) % 11) + "[NH3+]")
        cache.put(identity, an_answer(-float(len(identity.smiles))))
        found = cache.get(identity)
        lost += found is None or found["values"]["homo_ev"] != -float(len(identity.smiles))
        if n % 10 == 9:
            cache.compact()
    return lost


def test_several_processes_write_and_compact_the_same_folder(tmp_path):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_write_and_read, [tmp_path] * 2, (3, 5))) == [0, 0]
    cache = ResultCache(tmp_path)
    assert cache.verify() == []
    assert len(list(cache.rows())) == 11
    assert not list(cache.folder.glob(".*"))


def test_results_of_version_0_1_are_read_if_their_name_says_what_they_are(tmp_path):
    match = {"radius_a": 1.5, "homo_ev": -21.0, "lumo_ev": -2.5}
    answer = an_answer() | {
        "smiles": "C[NH3+]",
        "charge": 1,
        "level": "published",
        "revision": 1,
        "seed": 20250911,
        "versions": dict(VERSIONS),
    }
    name = hashlib.sha256(json.dumps(["C[NH3+]", "published", 1, match], sort_keys=True).encode()).hexdigest()[:20]
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(answer))
    identity, found = read_json_result(path, [None, match])
    assert json.loads(identity.options) == {"match": match, "seed": 20250911}
    assert found["values"] == answer["values"]
    assert read_json_result(path, [None]) is None  # chosen by values nobody knows any more
    path.write_text(json.dumps(answer)[:-5])
    assert read_json_result(path, [None, match]) is None
