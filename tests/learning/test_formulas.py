from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import curve_fit

from perospin.errors import StudyError
from perospin.learning.estimators.formulas.formulas import (
    Constant,
    Formula,
    evaluate,
    formula_size,
    make_formula,
    pareto_front,
    refit,
    to_sympy,
    used_names,
)

X = np.linspace(1.0, 2.0, 5)


def test_evaluates_what_python_would():
    for text in ("x0", "-x0**2 + 3*x1", "2.5*x0/(x1 - 9)", "sqrt(x0)*exp(-x1)", "log(x0 + 1e-3) - log10(x1)", "x0**-1"):
        expected = eval(text, {f: getattr(np, f) for f in ("sqrt", "exp", "log", "log10")}, {"x0": X, "x1": X**2})
        assert_allclose(evaluate(text, [X, X**2]), expected)
    assert_allclose(evaluate("c0 + c1*x0", [X], [1.0, 2.0]), 1 + 2 * X)
    assert_allclose(evaluate("3", [X]), np.full(5, 3.0))


def test_what_cannot_be_computed_is_nan_without_a_warning():
    assert np.isnan(evaluate("sqrt(-x0)", [X])).all()
    assert np.isinf(evaluate("1/(x0 - x0)", [X])).all()
    assert np.isinf(evaluate("exp(x0*1e6)", [X])).all()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "x0.__class__",
        "[x0 for x0 in (1,)]",
        "open('x')",
        "x0 if x0 else 1",
        "lambda: x0",
        "'a' * 9",
        "True",
        "y0",
        "sqrt(x0, x0)",
        "sqrt(x=x0)",
        "x0 @ x0",
        "x0 < 1",
        "x0 //",
        "-" * 1900 + "x0",
        "+".join(["x0"] * 900),
        "",
        "1j",
    ],
)
def test_anything_but_arithmetic_is_refused(text):
    with pytest.raises(StudyError):
        evaluate(text, [X])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="xc01+-*/().,[]{}'\" _sqrtlogep=:;\n", max_size=40))
def test_any_text_evaluates_or_is_refused(text):
    try:
        values = evaluate(text, [X, X], [1.0, 2.0])
    except StudyError:
        return
    assert values.shape == (5,)


def test_a_name_that_is_not_there():
    with pytest.raises(StudyError, match="names 'x3', but there are only 1"):
        evaluate("x3", [X])


def test_size_counts_nodes():
    assert formula_size("c0") == 1
    assert formula_size("c0 + c1*x0**2/x1") == 9
    assert formula_size("-x0") == 1
    assert formula_size("sqrt(x0)") == 2
    assert used_names("c1*x2 + x0 - c0", "x") == [0, 2]


def test_refit_agrees_with_scipys_curve_fit():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 3.0, 40)
    sd = rng.uniform(0.02, 0.2, 40)
    y = 2.0 * np.exp(-0.7 * x) + 0.3 + sd * rng.standard_normal(40)
    theirs, covariance = curve_fit(lambda x, a, b, c: a * np.exp(-b * x) + c, x, y, p0=[1, 1, 0], sigma=sd)
    weights = 1 / sd**2
    ours = refit("c0*exp(-c1*x0) + c2", [x], y, weights / weights.mean(), np.array([1.0, 1.0, 0.0]))
    assert_allclose(ours.values, theirs, rtol=1e-5)
    assert_allclose(ours.covariance, covariance, rtol=1e-3)
    assert ours.rank == 3


def test_a_constant_the_data_cannot_tell_has_no_interval():
    y = 6.0 * X + np.array([0.1, -0.1, 0.05, 0.0, -0.05])
    fit = refit("c0*c1*x0 + c2*0", [X], y, np.ones(5), np.array([2.0, 2.0, 1.0]))
    assert fit.rank == 1
    assert fit.values[0] * fit.values[1] == pytest.approx(6.0, rel=0.02)
    assert np.isinf(np.diag(fit.covariance)).all()
    formula = make_formula("c0*c1*x0 + c2*0", ["a"], fit, 5, 4)
    assert np.isfinite(formula.deviations([X])).all()


def test_refit_gives_up_where_the_formula_has_no_value():
    assert refit("sqrt(x0 - c0)", [X], X, np.ones(5), np.array([5.0])) is None


def test_intervals_cover_the_truth():
    """95 % of the intervals of both constants hold the planted ones."""
    inside = np.zeros(2)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.uniform(1.0, 3.0, 12)
        y = 2.0 * np.sqrt(x) - 1.0 + 0.1 * rng.standard_normal(12)
        fit = refit("c0*sqrt(x0) + c1", [x], y, np.ones(12), np.array([1.0, 0.0]))
        constants = make_formula("c0*sqrt(x0) + c1", ["a"], fit, 12, 4).constants
        inside += [c.low <= truth <= c.high for c, truth in zip(constants, (2.0, -1.0), strict=True)]
    assert (inside / 200 > 0.91).all()
    assert (inside / 200 < 0.985).all()


def example() -> Formula:
    fit = refit("c0 + c1*x1/x0", [X, X**2], 2.0 - 3.0 * X, np.ones(5), np.array([1.0, 1.0]))
    return make_formula("c0 + c1*x1/x0", ["homo_ev", "dipole_debye"], fit, 5, 6)


def test_formula_for_people():
    formula = example()
    assert formula.text() == "2 + -3*dipole_debye/homo_ev" or formula.text() == "2 - 3*dipole_debye/homo_ev"
    assert formula.units == {"homo_ev": "eV", "dipole_debye": "D"}
    assert formula.used_columns == ["homo_ev", "dipole_debye"]
    latex = formula.latex()
    assert r"\frac" in latex
    assert r"\mathrm{dipole\_debye}" in latex
    assert_allclose(formula.values([X, X**2]), 2.0 - 3.0 * X)


def test_formula_survives_json():
    formula = example()
    again = Formula.from_dict(json.loads(json.dumps(formula.to_dict())))
    assert again == formula
    loose = Formula("c0*c1*x0", ("a",), (Constant("c0", 1.0, -np.inf, np.inf),), ((np.inf,),), 5, 0.1, 0.0, 0.01)
    assert Formula.from_dict(json.loads(json.dumps(loose.to_dict(), allow_nan=False))) == loose
    with pytest.raises(StudyError):
        Formula.from_dict({**formula.to_dict(), "expression": "__import__('os')"})


def made(size: int, error: float) -> Formula:
    return Formula("c0", (), (Constant("c0", 1.0, 1.0, 1.0),), ((0.0,),), size, error, 0.0, error**2)


def test_front_keeps_what_pays():
    front = pareto_front([made(5, 0.5), made(1, 1.0), made(3, 1.1), made(7, 0.499), made(5, 0.4), made(9, 0.1)])
    assert [(f.size, f.rmse_in_sample) for f in front] == [(1, 1.0), (5, 0.4), (9, 0.1)]


def test_sympy_sees_the_same_formula():
    import sympy

    x0, x1 = sympy.symbols("x0 x1", real=True)
    built = to_sympy("2*sqrt(x0) - x1**0.5/exp(x0) + log(x1)", {"x0": x0, "x1": x1})
    assert built == 2 * sympy.sqrt(x0) - sympy.sqrt(x1) / sympy.exp(x0) + sympy.log(x1)
