"""Factors that are functions of parameters: expressions in place of normfactors, and the user's own modifiers."""

import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyhf
import pytest
import scipy.stats

from hfscale.errors import InputError, ModelError, SelectionError
from hfscale.likelihood import Likelihood
from hfscale.model.arrow import arrow_hessian, arrow_layout
from hfscale.model.custom import CustomModifier, ParameterSettings
from hfscale.model.derivatives import first_order
from hfscale.model.structure import ModelGroup
from tests.evaluation import derivatives, hessian_of, value_of
from tests.models import (
    PYHF_WARNING,
    Spec,
    cls_of,
    group_of,
    groups_of,
    histosys,
    modifier,
    normfactor,
    normsys,
    on_device,
    one_channel,
    position,
    sample,
    workspace,
)

KAPPA = {"name": "kappa", "inits": [0.3], "bounds": [[-3.0, 3.0]]}


def keyed(spec: Spec, **key: Any) -> Spec:
    spec["measurements"][0]["config"]["hfscale"] = key
    return spec


def coupled(expressions: Mapping[str, str], poi: str = "kappa", observed: tuple[float, float] = (60, 45)) -> Spec:
    """A signal whose normalisation is an expression, on an uncertain background."""
    spec = one_channel(
        observed,
        sample("signal", [8.0, 3.0], normfactor("mu_ww"), normsys("a", 1.1, 0.95)),
        sample(
            "bkg",
            [50.0, 40.0],
            normsys("a", 1.2, 0.85),
            histosys("b", [54.0, 39.0], [47.0, 42.0]),
            modifier("staterror", "mc", [2.0, 3.0]),
        ),
        parameters=[KAPPA],
        poi=poi,
    )
    return keyed(spec, expressions=dict(expressions))


QUADRATIC = {"mu_ww": "1 + 0.4*kappa + 0.1*kappa**2"}
NESTED = {"mu_ww": "1 + 0.4*kappa + square * (1 + 0.2*a)", "square": "0.1 * kappa**2 + 0.05 * b"}


def slope_and_power(parameters: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    return 1.0 + parameters["kappa"] * data["linear"] + parameters["kappa"] ** 2 * data["square"] * parameters["a"]


def shift(parameters: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
    return data["size"] * jnp.tanh(parameters["x"]) * (1.0 + 0.1 * parameters["kappa"])


EFT = CustomModifier({"kappa": ParameterSettings(0.3, (-3.0, 3.0)), "a": None}, "multiply", slope_and_power)
ADDED = CustomModifier(
    {"x": ParameterSettings(0.2, (-4.0, 4.0), "normal"), "kappa": ParameterSettings(0.3, (-3.0, 3.0))}, "add", shift
)
FUNCTIONS = {"eft": EFT, "added": ADDED}


def uses(*, linear: Any = (0.4, 0.1), square: Any = 0.1, size: Any = (2.0, -1.0)) -> list[dict[str, Any]]:
    eft = {"type": "eft", "name": "ww", "channels": ["SR"], "samples": ["signal"]}
    added = {"type": "added", "name": "bend", "channels": ["SR"], "samples": ["bkg", "signal"]}
    return [{**eft, "data": {"linear": linear, "square": square}}, {**added, "data": {"size": size}}]


def custom(**numbers: Any) -> Spec:
    spec = coupled({})
    spec["channels"][0]["samples"][0]["modifiers"][0] = normfactor("mu")
    return keyed(spec, modifiers=uses(**numbers))


def custom_group(*specs: Spec) -> ModelGroup:
    (group,) = groups_of(specs, modifiers=FUNCTIONS)
    return group


def both() -> Spec:
    """Expressions and custom modifiers that share parameters, on the same sample."""
    spec = coupled(NESTED)
    config = spec["measurements"][0]["config"]
    config["hfscale"]["modifiers"] = uses()
    return spec


GROUPS = {
    "nested": lambda: group_of(coupled(NESTED)),
    "custom": lambda: custom_group(custom()),
    "both, clipped": lambda: custom_group(clipped()),
}


def clipped() -> Spec:
    spec = both()
    spec["measurements"][0]["config"]["hfscale"]["clip"] = {"bins": 46.0}
    return spec


def moved(group: ModelGroup, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.asarray(group.inits[0] + rng.normal(0, 0.05, group.inits.shape[1]))


@pytest.mark.parametrize("name", GROUPS)
def test_derivatives_are_those_of_automatic_differentiation(name: str) -> None:
    group = GROUPS[name]()
    theta = moved(group)
    v = np.random.default_rng(2).normal(size=len(theta))
    found = derivatives(group, theta, v)
    np.testing.assert_allclose(found.gradient, found.automatic_gradient, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.hessian @ v, found.automatic_product, rtol=1e-9, atol=1e-9)
    hessian = hessian_of(group, theta)
    np.testing.assert_allclose(found.hessian, hessian, rtol=1e-9, atol=1e-9 * np.abs(hessian).max())
    assert np.abs(hessian[position(group, "kappa")]).max() > 0.1
    np.linalg.cholesky(np.diag(found.diagonal) + found.rows.T @ found.rows)


@pytest.mark.filterwarnings(PYHF_WARNING)
@pytest.mark.parametrize("kappa", [-1.5, 0.0, 0.3, 2.0])
def test_rates_are_those_of_pyhf_with_the_value_put_in(kappa: float) -> None:
    spec = coupled(QUADRATIC)
    ours = Likelihood.from_workspace(spec)
    plain = coupled({}, poi="mu_ww")
    del plain["measurements"][0]["config"]["hfscale"]
    plain["measurements"][0]["config"]["parameters"] = []
    measured = pyhf.Workspace(plain)
    theirs = measured.model()
    values = {"a": 0.4, "b": -0.6, "mc[0]": 1.02, "mc[1]": 0.97, "kappa": kappa}
    values["mu_ww"] = 1 + 0.4 * kappa + 0.1 * kappa**2
    at = [values[name] for name in ours.parameter_names]
    there = [values[name] for name in theirs.config.par_names]
    np.testing.assert_allclose(ours.expected_data(at), theirs.expected_data(there), rtol=1e-12)
    expected = float(theirs.logpdf(there, measured.data(theirs))[0])
    assert float(ours.logpdf(at)) == pytest.approx(expected, rel=1e-12)


def test_the_likelihood_is_the_one_written_by_hand() -> None:
    likelihood = Likelihood.from_workspace(
        keyed(
            one_channel(
                [12, 7],
                sample("ww", [4.0, 2.0], normfactor("mu_ww")),
                sample("tt", [8.0, 3.0], normfactor("mu_tt"), normfactor("mu_all")),
                parameters=[KAPPA],
                poi="kappa",
            ),
            expressions={"mu_ww": "exp(kappa) * mu_all", "mu_tt": "max(kappa, 0.5) / sqrt(1 + mu_all)"},
        )
    )
    assert likelihood.parameter_names == ("mu_all", "kappa")
    for mu, kappa in ((1.0, 0.3), (1.7, 0.9)):
        tt = max(kappa, 0.5) / np.sqrt(1 + mu) * mu
        rates = np.exp(kappa) * mu * np.array([4.0, 2.0]) + tt * np.array([8.0, 3.0])
        expected = scipy.stats.poisson.logpmf([12, 7], rates).sum()
        assert float(likelihood.logpdf([mu, kappa])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("order", [1, -1])
def test_custom_modifiers_multiply_and_add(order: int) -> None:
    spec = custom()
    spec["measurements"][0]["config"]["hfscale"]["modifiers"] = uses()[::order]
    likelihood = Likelihood.from_workspace(spec, modifiers=FUNCTIONS)
    assert set(likelihood.parameter_names) == {"a", "b", "mc[0]", "mc[1]", "mu", "kappa", "x"}
    values = {"a": 1.0, "b": 1.0, "mc[0]": 1.1, "mc[1]": 0.9, "mu": 1.5, "kappa": 0.7, "x": 0.4}
    rates = likelihood.expected_data([values[name] for name in likelihood.parameter_names], include_auxdata=False)
    eft = 1 + 0.7 * np.array([0.4, 0.1]) + 0.7**2 * 0.1
    added = np.array([2.0, -1.0]) * np.tanh(0.4) * 1.07
    signal = (np.array([8.0, 3.0]) + added) * eft * 1.5 * 1.1
    bkg = (np.array([54.0, 39.0]) + added) * 1.2 * np.array([1.1, 0.9])
    np.testing.assert_allclose(rates, signal + bkg, rtol=1e-12)


def test_constraints_of_custom_parameters_count() -> None:
    base = Likelihood.from_workspace(custom(), modifiers=FUNCTIONS)
    at = base.suggested_init
    k = base.parameter_names.index("x")
    free = replace(ADDED, parameters={**ADDED.parameters, "x": ParameterSettings(0.2, (-4.0, 4.0))})
    without = Likelihood.from_workspace(custom(), modifiers={**FUNCTIONS, "added": free})
    difference = float(base.logpdf(at)) - float(without.logpdf(at))
    assert difference == pytest.approx(scipy.stats.norm.logpdf(0.2, at[k], 1.0), rel=1e-12)
    assert len(base.auxdata) == len(without.auxdata) + 1


@pytest.mark.parametrize("spec", [coupled(QUADRATIC), both()])
def test_fits_reach_the_minimum_of_iminuit(spec: Spec) -> None:
    likelihood = Likelihood.from_workspace(spec, modifiers=FUNCTIONS)
    fit = likelihood.fit()
    minuit = likelihood.cost().minuit()
    minuit.strategy, minuit.tol = 2, 1e-6
    minuit.migrad()
    assert fit.status.succeeded
    assert fit.twice_nll <= minuit.fval + 1e-7
    assert fit.twice_nll == pytest.approx(minuit.fval, abs=1e-5)


def test_an_expression_can_be_the_parameter_of_interest_of_cls() -> None:
    """CLs of a linear coupling is that of the normalisation itself."""
    plain = one_channel([12], sample("s", [5.0], normfactor("mu")), sample("b", [10.0], normsys("a", 1.1, 0.9)))
    linear = one_channel(
        [12],
        sample("s", [5.0], normfactor("mu")),
        sample("b", [10.0], normsys("a", 1.1, 0.9)),
        parameters=[{"name": "c", "inits": [1.0], "bounds": [[0.0, 5.0]]}],
        poi="c",
    )
    ours, reference = cls_of(keyed(linear, expressions={"mu": "2 * c"}), mu=0.75), cls_of(plain, mu=1.5)
    np.testing.assert_allclose(ours.CLs_obs, reference.CLs_obs, rtol=1e-7)
    np.testing.assert_allclose(ours.CLs_exp, reference.CLs_exp, rtol=1e-7)
    np.testing.assert_allclose(2 * ours.mu_hat, reference.mu_hat, rtol=1e-4)
    np.testing.assert_allclose(2 * ours.mu_hat_error, reference.mu_hat_error, rtol=1e-4)


def test_points_without_the_sample_share_the_structure() -> None:
    with_signal, without = coupled(QUADRATIC), coupled(QUADRATIC)
    del without["channels"][0]["samples"][0]
    group = group_of(with_signal, without)
    assert group.has_signal.tolist() == [True, False]
    k = position(group, "kappa")
    assert group.present[:, k].tolist() == [True, False]
    _, nll = value_of(group, group.inits)
    alone = Likelihood.from_workspace(coupled(QUADRATIC))
    assert -nll[0] == pytest.approx(float(alone.logpdf(alone.suggested_init)), rel=1e-12)


def test_numbers_of_custom_modifiers_are_arguments_of_one_program() -> None:
    group = custom_group(custom(), custom(linear=(0.8, -0.2)))
    assert group.points.derived.tolist() == [[0.4, 0.1, 0.1, 2.0, -1.0], [0.8, -0.2, 0.1, 2.0, -1.0]]
    rates, _ = value_of(group, np.repeat(group.inits[:1], 2, axis=0))
    for row, spec in zip(rates, (custom(), custom(linear=(0.8, -0.2))), strict=True):
        alone = Likelihood.from_workspace(spec, modifiers=FUNCTIONS)
        np.testing.assert_allclose(row, alone.expected_data(alone.suggested_init, include_auxdata=False), rtol=1e-13)


def test_points_with_other_expressions_are_other_groups() -> None:
    assert len(groups_of([coupled(QUADRATIC), coupled({"mu_ww": "1 + kappa"})])) == 2


def test_channels_of_different_size_can_share_a_modifier() -> None:
    spec = workspace(
        {"SR": [sample("signal", [4.0, 5.0], normfactor())], "CR": [sample("signal", [3.0], normfactor())]},
        {"SR": [4, 5], "CR": [3]},
    )
    use = {"type": "scale", "name": "all", "channels": ["SR", "CR"], "samples": ["signal"], "data": {}}
    scale = CustomModifier({"x": ParameterSettings(2.0)}, "multiply", lambda parameters, data: parameters["x"])
    likelihood = Likelihood.from_workspace(keyed(spec, modifiers=[use]), modifiers={"scale": scale})
    np.testing.assert_allclose(likelihood.expected_data([1.0, 2.0]), [6.0, 8.0, 10.0])


def test_a_plain_structure_is_what_it_was() -> None:
    plain, empty = coupled({}), coupled({})
    del plain["measurements"][0]["config"]["hfscale"]
    for spec in (plain, empty):
        spec["measurements"][0]["config"]["poi"] = "mu_ww"
    assert group_of(plain).structure == group_of(empty).structure
    assert group_of(plain).structure.digest == group_of(empty).structure.digest
    assert group_of(coupled(QUADRATIC)).structure.digest != group_of(plain).structure.digest


def test_what_programs_depend_on_is_in_the_structure() -> None:
    structure = group_of(coupled(QUADRATIC)).structure
    assert structure == group_of(coupled({"mu_ww": "(1+0.4*kappa)+0.1*kappa**2"})).structure
    assert structure != group_of(coupled({"mu_ww": "1 + 0.4*kappa + 0.2*kappa**2"})).structure
    ours = custom_group(custom()).structure
    (later,) = groups_of([custom()], modifiers={**FUNCTIONS, "eft": replace(EFT, version="2")})
    assert ours.digest != later.structure.digest


def test_a_function_that_is_defined_again_is_another_one() -> None:
    def again(power: int) -> CustomModifier:
        def function(parameters: Mapping[str, Any], data: Mapping[str, Any]) -> Any:
            return parameters["kappa"] ** power

        return replace(EFT, function=function)

    square, cube = (Likelihood.from_workspace(custom(), modifiers={**FUNCTIONS, "eft": again(n)}) for n in (2, 3))
    at = square.suggested_init
    assert square.group.structure != cube.group.structure
    assert not np.allclose(square.expected_data(at), cube.expected_data(at))


def test_structures_can_be_sent_to_other_processes() -> None:
    for group in (group_of(coupled(NESTED)), custom_group(both())):
        again = pickle.loads(pickle.dumps(group.structure))
        assert (again, hash(again)) == (group.structure, hash(group.structure))


@pytest.mark.parametrize(
    ("expressions", "message", "place"),
    [
        ({"mu_ww": "1 + kapa"}, r"'mu_ww' uses 'kapa', which is no scalar parameter", "expressions/mu_ww"),
        ({"mu_ww": "mc"}, "uses 'mc', which is no scalar parameter", "expressions/mu_ww"),
        ({"mu_ww": "u", "u": "v + 1", "v": "2*u"}, "in a circle: u -> v -> u", "expressions/u"),
        ({"mu_ww": "mu_ww * 2"}, "in a circle: mu_ww -> mu_ww", "expressions/mu_ww"),
        ({"mu_ww": "kappa[0]"}, r"'kappa\[0\]' is not allowed", "expressions/mu_ww, column 1"),
        ({"mu_ww": "1 + * 2"}, "is not an expression", "expressions/mu_ww, column 5"),
        ({"a": "kappa"}, "that is no normfactor", "expressions/a"),
        ({**QUADRATIC, "kappa": "1"}, "the measurement configures it", "expressions/kappa"),
        ({**QUADRATIC, "mu_zz": "kappa"}, "concerns no sample of any signal point", "expressions/mu_zz"),
    ],
)
def test_expressions_that_make_no_sense(expressions: Mapping[str, str], message: str, place: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        group_of(coupled(expressions))
    assert caught.value.place == f"measurements[fit]/config/hfscale/{place}"
    assert caught.value.remedy


def changed(**changes: Any) -> Spec:
    spec = custom()
    spec["measurements"][0]["config"]["hfscale"]["modifiers"][0].update(changes)
    return spec


@pytest.mark.parametrize(
    ("spec", "functions", "message"),
    [
        (custom(), {"added": ADDED}, "no function is given for the modifier type 'eft'; given are added"),
        (changed(samples=["sgnl"]), FUNCTIONS, r"modifiers\[ww\] concerns no sample of any signal point"),
        (
            keyed(custom(), modifiers=uses(), clip={"samples": 0.0}),
            FUNCTIONS,
            "adds to samples whose rates are clipped",
        ),
        (changed(name="bend"), FUNCTIONS, "two custom modifiers are named 'bend'"),
        (changed(data={"linear": "x"}), FUNCTIONS, "the data 'linear' of a custom modifier are 'x'"),
        (changed(data={"linear": [[1.0], [1.0, 2.0]]}), FUNCTIONS, "must be numbers"),
        (custom(), {**FUNCTIONS, "eft": replace(EFT, parameters={"zz": None})}, "use 'zz', which is no scalar"),
        (
            custom(),
            {**FUNCTIONS, "eft": replace(EFT, parameters={"a": ParameterSettings()})},
            "with a normal constraint instead of a none one",
        ),
    ],
)
def test_uses_of_modifiers_that_make_no_sense(
    spec: Spec, functions: Mapping[str, CustomModifier], message: str
) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        groups_of([spec], modifiers=functions)
    assert str(caught.value.place).startswith("measurements[fit]/config/hfscale/modifiers")
    assert caught.value.remedy


def test_a_function_that_returns_the_wrong_shape() -> None:
    wrong = replace(EFT, function=lambda parameters, data: jnp.ones(3))
    likelihood = Likelihood.from_workspace(custom(), modifiers={**FUNCTIONS, "eft": wrong})
    with pytest.raises(ModelError, match=r"returned an array of the shape \(3,\) for 'modifiers\[ww\]'"):
        likelihood.logpdf(likelihood.suggested_init)


def test_settings_that_make_no_sense() -> None:
    with pytest.raises(InputError, match="is not a parameter"):
        ParameterSettings(2.0, (-1.0, 1.0))
    with pytest.raises(InputError, match="is not a parameter"):
        ParameterSettings(sigma=0.0)


@pytest.mark.parametrize(("poi", "what"), [("mu_ww", "an expression"), ("kapa", "no parameter of the model")])
def test_a_poi_that_is_no_parameter(poi: str, what: str) -> None:
    with pytest.raises(SelectionError, match=f"the POI '{poi}' is {what}") as caught:
        group_of(coupled(QUADRATIC, poi=poi))
    assert caught.value.remedy == "choose a parameter, such as kappa"


def two_minima() -> Spec:
    """Two couplings explain the excess in the first bin; the start value lies on the side of the worse one."""
    spec = one_channel(
        [50.0, 36.0],
        sample("ww", [10.0, 0.0], normfactor("mu")),
        sample("zz", [0.0, 10.0], normfactor("mu_zz")),
        sample("bkg", [20.0, 20.0]),
        parameters=[{"name": "kappa", "inits": [1.0], "bounds": [[-4.0, 4.0]]}],
        poi="kappa",
    )
    return keyed(spec, expressions={"mu": "0.5*kappa + 0.5*kappa**2", "mu_zz": "1 - 0.2*kappa"})


def test_the_lower_of_two_minima_is_found() -> None:
    spec = two_minima()
    likelihood = Likelihood.from_workspace(spec)
    scan = np.linspace(-4, 4, 801)
    values = -2 * likelihood.logpdf(scan[:, None])
    fit = likelihood.fit()
    assert fit.parameters[0] == pytest.approx(scan[np.argmin(values)], abs=0.01)
    assert fit.parameters[0] < 0
    assert fit.twice_nll <= values.min() + 1e-9
    block = cls_of(spec)
    assert block.mu_hat[0] == pytest.approx(fit.parameters[0], abs=1e-5)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("least", [0.25, 0.0])
def test_the_hessian_in_blocks_is_the_plain_one(name: str, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfscale.model.arrow._FEWEST_LOCAL", least)
    group = GROUPS[name]()
    layout = arrow_layout(group.structure)

    def program(shared: Any, points: Any, theta: Any) -> Any:
        ev = first_order(group.structure, shared, points, theta)
        return arrow_hessian(group.structure, layout, shared, points, ev)

    theta = moved(group)
    with jax.enable_x64(True):
        core, border, blocks = (np.asarray(part)[0] for part in program(*on_device(group), jnp.asarray(theta)[None]))
    plain = derivatives(group, theta, np.ones(len(theta))).hessian
    assert layout.has_local or least
    np.testing.assert_allclose(core, plain[np.ix_(layout.core, layout.core)], rtol=1e-9, atol=1e-9)
    for b, local in enumerate(layout.local):
        real = local < len(theta)
        own = local[real]
        np.testing.assert_allclose(border[b][real], plain[np.ix_(own, layout.core)], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(blocks[b][np.ix_(real, real)], plain[np.ix_(own, own)], rtol=1e-9, atol=1e-9)
