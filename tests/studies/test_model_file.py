"""Model files: what is written comes back, and what is foreign, damaged or hostile is refused without running it."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import small_study
from perospin.errors import RefusedFileError, StudyError
from perospin.learning.estimators import KINDS, build_estimator, predict_with_spread
from perospin.studies.files import archive, model_file
from perospin.studies.files.archive import read_archive, write_archive
from perospin.studies.files.plain_state import ESTIMATORS, RECORDS, decode, encode
from perospin.studies.files.result_folder import FORMAT as RESULT_FORMAT
from perospin.studies.predicting.predictor import Predictor
from perospin.studies.result import StudyResult
from perospin.studies.study import Study

WRITTEN = Path(__file__).parents[1] / "data"


class Trap:
    """Something that leaves a trace if it is ever unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    content = small_study.predicting()
    members = [
        {"kind": "ridge", "features": "all"},
        {"kind": "prior_gp", "features": "all", "n_draws": 20},
        {"kind": "random_forest", "features": "all", "n_estimators": 5},
    ]
    content["estimators"] = [
        {"name": "rule", "kind": "two_class_rule"},
        {"name": "ridge", "kind": "average", "members": members},
    ]
    return Study.load(small_study.write(tmp_path_factory.mktemp("study"), content)).predictor()


@pytest.fixture(scope="module")
def file(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return predictor.save(tmp_path_factory.mktemp("model") / "model.npz")


def rewritten(
    file: Path, target: Path, changes: dict[str, bytes | None], manifest: dict[str, Any] | None = None
) -> Path:
    """Copy an archive with members replaced, added or left out (None), and its manifest made to fit."""
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    known = json.loads(members.pop("manifest.json"))
    members |= {name: data for name, data in changes.items() if data is not None}
    members = {name: data for name, data in members.items() if changes.get(name, b"") is not None}
    known["members"] = {name: {"bytes": len(data), "sha256": archive._sha256(data)} for name, data in members.items()}
    known |= manifest or {}
    with zipfile.ZipFile(target, "w") as new:
        new.writestr("manifest.json", json.dumps(known))
        for name, data in members.items():
            new.writestr(name, data)
    return target


def refused(path: Path) -> str:
    with pytest.raises(RefusedFileError) as caught:
        Predictor.load(path)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    return text


# -- round trip ----------------------------------------------------------------------------------------------


def test_a_saved_model_predicts_as_before(predictor: Predictor, file: Path) -> None:
    loaded = Predictor.load(file)
    for formula in ("(PEA)2PbI4", "(3AMP)PbI4", "MAPbBr3"):
        ours, theirs = predictor.predict(formula).to_dict(), loaded.predict(formula).to_dict()
        ours_contributions, theirs_contributions = ours.pop("contributions"), theirs.pop("contributions")
        assert theirs_contributions == pytest.approx(ours_contributions, abs=1e-12)
        for end in ("value", "low", "high", "base", "typical_factor"):
            assert theirs.pop(end) == pytest.approx(ours.pop(end), rel=1e-12)
        assert theirs == ours


def test_equal_models_give_equal_files(predictor: Predictor, file: Path, tmp_path: Path) -> None:
    assert Predictor.load(file).save(tmp_path / "again").read_bytes() == file.read_bytes()


SMALL: dict[str, dict[str, Any]] = {
    "gp": {"n_particles": 64, "n_chains": 8, "n_draws": 6},
    "structured_gp": {"kernels": {"a": ["x1", "x2"]}, "terms": [["1 + a"]], "likelihood": "student_t"},
    "group_mean": {"column": "x1"},
    "variance_components": {"effects": [{"name": "a", "linear": ["x1"]}, {"name": "b", "smooth": ["x1", "x2"]}]},
    "mlp_ensemble": {"steps": 20, "members": 2, "heteroscedastic": True},
    "prior_gp": {"n_draws": 50},
    "symbolic": {"population": 50, "generations": 3},
    "random_forest": {"n_estimators": 9},
    "xgboost": {"n_estimators": 30},
    "average": {"members": [{"kind": "svr"}, {"kind": "mean"}]},
    "best_of": {"members": [{"kind": "ridge"}, {"kind": "elastic_net"}]},
    "stack": {"members": [{"kind": "ridge"}, {"kind": "two_class_rule"}]},
}


def test_every_kind_of_estimator_predicts_the_same_in_another_process(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    X = pd.DataFrame(rng.uniform(0.5, 2.0, (30, 3)), columns=["x1", "x2", "x3"])
    X["is_n1"], X["spacer_charge"] = rng.integers(0, 2, 30).astype(float), rng.integers(1, 3, 30).astype(float)
    X["single_layer_spacing_a"], X["single_layer_spacing_sd_a"] = rng.uniform(9.0, 16.0, 30), 0.5
    X["exchange_log10"] = rng.normal(0.0, 0.5, 30)
    y = np.log(X["x1"].to_numpy()) - 0.3 * X["x2"].to_numpy() + 0.1 * rng.standard_normal(30)
    fitted = {kind: build_estimator({"kind": kind, **SMALL.get(kind, {})}, 1).fit(X, y) for kind in KINDS}
    state, arrays = encode({"models": fitted, "X": X})
    file = write_archive(tmp_path / "models.npz", "test", 1, {"state": state}, arrays)
    program = f"""
        import json, sys
        from perospin.studies.files.archive import read_archive
        from perospin.learning.estimators import predict_with_spread
        from perospin.studies.files.plain_state import decode
        _, content, arrays = read_archive({str(file)!r}, "test", 1)
        state = decode(content["state"], arrays, "the file")
        found = {{k: [None if v is None else v.tolist() for v in predict_with_spread(m, state["X"])]
                 for k, m in state["models"].items()}}
        print(json.dumps([found, "xgboost" in sys.modules]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    found, needs_xgboost = json.loads(done.stdout)
    assert set(found) == set(KINDS)
    assert not needs_xgboost
    for kind, model in fitted.items():
        mean, sd = predict_with_spread(model, X)
        np.testing.assert_allclose(found[kind][0], mean, rtol=1e-12, atol=1e-12, err_msg=kind)
        assert (found[kind][1] is None) == (sd is None), kind
        if sd is not None:
            np.testing.assert_allclose(found[kind][1], sd, rtol=1e-9, atol=1e-12, err_msg=kind)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_plain_values_come_back(value: Any) -> None:
    content, arrays = encode(value)
    np.testing.assert_equal(decode(json.loads(json.dumps(content, allow_nan=False)), arrays, "x"), value)


def test_what_no_file_may_hold_is_said_when_it_is_written() -> None:
    from sklearn.neighbors import KNeighborsRegressor

    with pytest.raises(StudyError, match="a KNeighborsRegressor can't be written"):
        encode(KNeighborsRegressor())
    with pytest.raises(StudyError, match="can't be written"):
        encode(np.zeros(2, dtype=complex))
    with pytest.raises(StudyError, match="can't be written"):
        encode(print)


# -- every earlier format ------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", sorted((WRITTEN / "results").iterdir()), ids=lambda p: p.name)
def test_results_of_every_format_open(folder: Path) -> None:
    score = StudyResult.load(folder)["small"].score("ridge", "loso")
    assert score is not None
    assert score["r2"] == pytest.approx(-0.48, abs=0.01)


@pytest.mark.parametrize("folder", sorted((WRITTEN / "models").iterdir()), ids=lambda p: p.name)
def test_models_of_every_format_open(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    loaded = Predictor.load(folder / "model.npz")
    np.testing.assert_allclose(loaded.model.predict(loaded.data.features), expected["predictions"], rtol=1e-9)
    low, high = loaded.intervals.predict(loaded.data.features, 0.8)
    np.testing.assert_allclose(low, expected["low"], rtol=1e-7)
    np.testing.assert_allclose(high, expected["high"], rtol=1e-7)


def test_there_is_a_file_of_each_format() -> None:
    assert {p.name for p in (WRITTEN / "models").iterdir()} == {f"format{i + 1}" for i in range(model_file.FORMAT)}
    assert {p.name for p in (WRITTEN / "results").iterdir()} == {f"format{i + 1}" for i in range(RESULT_FORMAT)}


# -- hostile files -------------------------------------------------------------------------------------------


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    for name in ("model.pkl", "model.npz", "model.joblib"):
        (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "trace")))
        assert "Python pickle, which can run code" in refused(tmp_path / name)
    assert not (tmp_path / "trace").exists()


def test_a_pickle_in_an_array_of_objects_is_refused_and_not_run(file: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Trap(tmp_path / "trace")], dtype=object), allow_pickle=True)
    bad = rewritten(file, tmp_path / "model.npz", {"arrays/0.npy": buffer.getvalue()})
    assert "may hide code" in refused(bad)
    assert not (tmp_path / "trace").exists()
    np.savez(tmp_path / "plain.npz", a=np.array([Trap(tmp_path / "trace")], dtype=object))
    assert "plain .npz" in refused(tmp_path / "plain.npz")
    assert not (tmp_path / "trace").exists()


def test_a_skops_file_is_refused_and_not_run(tmp_path: Path) -> None:
    schema = {"__class__": "mkdir", "__module__": "os", "__loader__": "FunctionNode", "content": "0.pkl"}
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as new:
        new.writestr("schema.json", json.dumps(schema))
        new.writestr("0.pkl", pickle.dumps(Trap(tmp_path / "trace")))
    assert "skops file" in refused(tmp_path / "model.skops")
    assert not (tmp_path / "trace").exists()


def changed_content(file: Path, change: Any) -> bytes:
    with zipfile.ZipFile(file) as old:
        content = json.loads(old.read("content.json"))
    change(content)
    return json.dumps(content).encode()


def test_a_type_that_is_not_listed_is_refused(file: Path, tmp_path: Path) -> None:
    def name(kind: str, of: str) -> Any:
        return lambda content: content["state"]["value"].append(["model", {"$": kind, "type": of, "value": {}}])

    for kind, of in (
        ("estimator", "os.system"),
        ("record", "subprocess.Popen"),
        ("estimator", "Formula"),
        ("code", "x"),
    ):
        data = changed_content(file, name(kind, of))
        refused(rewritten(file, tmp_path / "model.npz", {"content.json": data}))


def test_an_attribute_cannot_stand_in_for_a_method(file: Path, tmp_path: Path) -> None:
    for key in ("predict", "__class__", "__reduce__", "get_params"):
        bad = {"$": "estimator", "type": "TrainingMean", "value": {key: 1.0}}
        data = changed_content(file, lambda content, bad=bad: content["state"]["value"].append(["model", bad]))
        assert "no fitted attribute" in refused(rewritten(file, tmp_path / "model.npz", {"content.json": data}))


def test_parts_that_do_not_fit_together_are_refused(file: Path, tmp_path: Path) -> None:
    changes = [
        lambda content: content.pop("state"),
        lambda content: content.update(spec={"seed": "x"}),
        lambda content: content.update(state={"$": "array", "value": 10**6}),
        lambda content: content.update(state={"$": "array", "value": -1}),
        lambda content: content.update(state={"$": "tuple"}),
        lambda content: content["state"]["value"].append(["data", None]),
        lambda content: content["state"]["value"].append(["model", {"$": "estimator", "type": "BestOf", "value": {}}]),
        lambda content: content["state"]["value"].append(["data", {"$": "record", "type": "Units", "value": {"x": 1}}]),
    ]
    for change in changes:
        refused(rewritten(file, tmp_path / "model.npz", {"content.json": changed_content(file, change)}))


def places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and dictionaries."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


def test_whatever_stands_in_a_file_it_opens_or_is_refused(file: Path, tmp_path: Path) -> None:
    """Values replaced at random, with checksums that fit: never another exception, never a file or a process."""
    rng = random.Random(11)
    with zipfile.ZipFile(file) as old:
        content = json.loads(old.read("content.json"))
    everywhere = places(content)[1:]
    values: list[Any] = [
        None,
        0,
        -1,
        1e308,
        "x",
        [],
        {},
        True,
        {"$": "array", "value": 0},
        {"$": "tuple", "value": [1]},
    ]
    refusals = 0
    for _ in range(40):
        changed, place = json.loads(json.dumps(content)), rng.choice(everywhere)
        node = changed
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = rng.choice(values)
        try:
            Predictor.load(rewritten(file, tmp_path / "model.npz", {"content.json": json.dumps(changed).encode()}))
        except RefusedFileError:
            refusals += 1
    assert refusals > 20


def test_endless_nesting_is_refused(file: Path, tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert "not valid JSON" in refused(rewritten(file, tmp_path / "model.npz", {"content.json": deep}))
    nested = ("[" * 300 + "]" * 300).encode()
    data = changed_content(file, lambda c: c.update(state=json.loads(nested)))
    assert "nested deeper" in refused(rewritten(file, tmp_path / "model.npz", {"content.json": data}))


def test_a_name_that_leads_out_of_the_archive_is_refused(file: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in (
        "../escaped.npy",
        "/tmp/escaped.npy",
        "arrays/../../escaped.npy",
        "arrays\\..\\0.npy",
        "arrays/0.npy/",
    ):
        bad = rewritten(file, inner / "model.npz", {name: b"x"})
        assert "so it is not opened" in refused(bad)
    assert [p.name for p in inner.iterdir()] == ["model.npz"]
    assert not (tmp_path / "escaped.npy").exists()


def test_zip_bombs_are_refused_before_they_unpack(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bomb(size: int) -> Path:
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as new:
            new.writestr("manifest.json", "{}")
            with new.open("arrays/0.npy", "w") as member:
                for _ in range(size // 2**20):
                    member.write(bytes(2**20))
        return tmp_path / "bomb.npz"

    read: list[str] = []
    honest = archive._member
    monkeypatch.setattr(archive, "_member", lambda a, e, p: (read.append(e.filename), honest(a, e, p))[1])
    assert "as a zip bomb does" in refused(bomb(2**25))
    monkeypatch.setattr(archive, "LARGEST_BYTES", 2**24)
    assert "at most 16 are opened" in refused(bomb(2**25))
    assert read == []


def test_a_bomb_that_declares_too_little_is_not_read_further(tmp_path: Path) -> None:
    path = tmp_path / "liar.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("manifest.json", b"{" + b" " * 500_000 + b"}")
    data = path.read_bytes().replace((500_002).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    refused(path)


def test_an_array_that_claims_more_than_it_has_is_refused(file: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**3)})
    bad = rewritten(file, tmp_path / "model.npz", {"arrays/0.npy": buffer.getvalue()})
    assert "not as large as its shape" in refused(bad)
    evil = b"\x93NUMPY\x01\x00\x76\x00" + b"__import__('os').mkdir('x')".ljust(117) + b"\n"
    assert "not an array" in refused(rewritten(file, tmp_path / "model.npz", {"arrays/0.npy": evil}))


def test_two_members_of_one_name_are_refused(file: Path, tmp_path: Path) -> None:
    bad = shutil.copy(file, tmp_path / "model.npz")
    with zipfile.ZipFile(bad, "a") as archive_file, pytest.warns(UserWarning, match="Duplicate name"):
        archive_file.writestr("content.json", b"{}")
    assert "two members of one name" in refused(Path(bad))


# -- damage --------------------------------------------------------------------------------------------------


def test_a_truncated_file_is_refused_at_every_length(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    for length in (0, 1, 4, 30, 100, len(data) // 2, len(data) - 30, len(data) - 1):
        (tmp_path / "model.npz").write_bytes(data[:length])
        refused(tmp_path / "model.npz")


@given(st.data())
def test_a_flipped_byte_never_gives_another_model(
    file: Path, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    good = bytearray(file.read_bytes())
    where = data.draw(st.integers(0, len(good) - 1))
    good[where] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.npz"
    path.write_bytes(good)
    try:
        _, content, arrays = read_archive(path, model_file.WHAT, model_file.FORMAT)
    except RefusedFileError:
        return
    # a byte that says nothing (a time, a comment): the content is what it was
    _, expected, numbers = read_archive(file, model_file.WHAT, model_file.FORMAT)
    assert content == expected
    for ours, theirs in zip(arrays, numbers, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_edited_member_is_found_by_its_checksum(file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(file) as old:
        manifest = json.loads(old.read("manifest.json"))
    data = changed_content(file, lambda content: content.update(part="other"))
    bad = rewritten(file, tmp_path / "model.npz", {"content.json": data}, {"members": manifest["members"]})
    assert "damaged or changed after it was written (checksum of content.json)" in refused(bad)


def test_a_newer_format_asks_for_an_update(file: Path, tmp_path: Path) -> None:
    bad = rewritten(file, tmp_path / "model.npz", {}, {"format": model_file.FORMAT + 1, "perospin": "9.0"})
    assert "written by a newer perospin (9.0)" in refused(bad)
    for wrong in (0, "1", True, None):
        assert "no format number" in refused(rewritten(file, tmp_path / "model.npz", {}, {"format": wrong}))
    assert "says it is 'a cake'" in refused(rewritten(file, tmp_path / "model.npz", {}, {"what": "a cake"}))


def test_foreign_files_are_named(tmp_path: Path) -> None:
    assert "there is no file" in refused(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("hello")
    assert "is not a perospin model" in refused(tmp_path / "text.npz")
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as new:
        new.writestr("a.txt", "a")
    assert "it has no manifest" in refused(tmp_path / "zip.npz")


def test_names_in_files_stay() -> None:
    assert set(ESTIMATORS) == {
        *("AverageModel", "BestOf", "ColumnModel", "FamilyMean", "GaussianProcess", "MLPEnsemble", "PowerLaw"),
        *("PriorAveragedGP", "StackModel", "StructuredGP", "SymbolicRegression", "TrainingMean", "TwoClassRule"),
        *("TwoStage", "ClassLaw", "ClassStep", "VarianceComponents"),
    }
    assert set(RECORDS) == {
        *("Constant", "Dataset", "Formula", "FrozenLine", "FrozenSupportVectors", "FrozenTrees", "Intervals"),
        *("PriorDraws", "PriorRows", "Scheme", "Split", "Units"),
    }


# -- results -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small result of the present format, made from the one of format 1."""
    return StudyResult.load(WRITTEN / "results" / "format1").save(tmp_path_factory.mktemp("result") / "out")


@pytest.fixture
def copied(result: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(result, tmp_path / "out"))


def test_an_edited_result_is_refused(copied: Path) -> None:
    assert StudyResult.load(copied).name == "small"
    table = copied / "tables" / "small" / "scores.csv"
    good = table.read_bytes()
    table.write_bytes(good.replace(b"-0.", b"0.", 1))
    with pytest.raises(RefusedFileError, match=r"scores.csv' was damaged or changed"):
        StudyResult.load(copied)
    table.write_bytes(good)
    text = (copied / "result.json").read_text()
    (copied / "result.json").write_text(text.replace("A small study", "A grand study"))
    with pytest.raises(RefusedFileError, match=r"result.json' was damaged or changed"):
        StudyResult.load(copied)


def test_a_result_cannot_lead_elsewhere(copied: Path) -> None:
    content = json.loads((copied / "result.json").read_text())
    content["format"] = 1
    for name in ("../../secret", "/etc", "..", "a\\b"):
        named = {"parts": {name: content["parts"]["small"]}, "default_part": name}
        (copied / "result.json").write_text(json.dumps({**content, **named}))
        with pytest.raises(RefusedFileError, match="can't be a folder"):
            StudyResult.load(copied)


def test_whatever_stands_in_a_result_it_opens_or_is_refused(copied: Path) -> None:
    """Values replaced at random in a result of format 1, which has no checksums."""
    rng = random.Random(5)
    content = {**json.loads((copied / "result.json").read_text()), "format": 1}
    everywhere = [place for place in places(content)[1:] if place[0] != "study"]
    refusals = 0
    for _ in range(60):
        changed, place = json.loads(json.dumps(content)), rng.choice(everywhere)
        node = changed
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = rng.choice([None, -1, "x", [], {}, {"a": 1}, 1e308])
        (copied / "result.json").write_text(json.dumps(changed))
        try:
            StudyResult.load(copied)
        except StudyError:
            refusals += 1
    assert refusals > 10


def test_a_result_that_is_no_result_is_refused(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("[]", "3", '{"format": "1"}', "[" * 100_000, '{"format": 1}', '{"format": 2}', "\x80abc"):
        (copied / "result.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(RefusedFileError):
            StudyResult.load(copied)
    monkeypatch.setattr("perospin.saving.LARGEST_BYTES", 3)
    with pytest.raises(RefusedFileError, match="more than any result"):
        StudyResult.load(copied)
