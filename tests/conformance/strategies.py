"""Random pyhf workspaces of all seven modifier types, small enough that a model compiles in a second.

Names are shared the way real workspaces share them: one systematic as histosys here and normsys there, shapefactors
across channels, staterrors across the samples of a channel. Bins without yield or without uncertainty occur, channels,
samples and modifiers come in any order, and measurements override what they may override.
"""

from typing import Any

from hypothesis import strategies as st

from tests.models import Spec, histosys, modifier, normfactor, normsys, sample, workspace

CHANNELS = ("SR", "CR", "b-veto", "A0")
BACKGROUNDS = ("ttbar", "Wjets", "diboson")
SYSTEMATICS = ("JES", "alpha_b", "scale")
LUMI: Spec = {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.017]}


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers with few digits, as they stand in documents."""
    return st.integers(round(low * 100), round(high * 100)).map(lambda n: n / 100)


def yields(bins: int, low: float = 0.5) -> st.SearchStrategy[list[float]]:
    """Expected yields; some bins are empty."""
    return st.lists(st.one_of(st.just(0.0), *[numbers(low, 80.0)] * 4), min_size=bins, max_size=bins)


@st.composite
def histosys_modifiers(draw: st.DrawFn, name: str, nominal: list[float]) -> Spec:
    """Shifts of up to a sixth of the yields, and sometimes a yield where there is nominally none."""
    up = [draw(numbers(0.85, 1.15)) * n if n else draw(st.sampled_from([0.0, 0.5])) for n in nominal]
    down = [draw(numbers(0.85, 1.15)) * n for n in nominal]
    return histosys(name, up, down)


@st.composite
def modifiers(draw: st.DrawFn, channel: str, name: str, nominal: list[float]) -> list[Spec]:
    """What modifies a background sample, in any order."""
    n = len(nominal)
    found = [draw(histosys_modifiers(s, nominal)) for s in draw(_some(SYSTEMATICS, 2))]
    found += [normsys(s, draw(numbers(0.7, 1.6)), draw(numbers(0.6, 1.3))) for s in draw(_some(SYSTEMATICS, 2))]
    uncertainties = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.5]), min_size=n, max_size=n)
    optional = [
        modifier("lumi", "lumi"),
        normfactor("k_bkg"),
        modifier("shapefactor", f"shape_{n}"),
        modifier("shapesys", f"mc_{channel}_{name}", draw(uncertainties)),
        modifier("staterror", f"stat_{channel}", draw(uncertainties)),
    ]
    found += draw(_some(optional, 3))
    return draw(st.permutations(found))


def _some(items: Any, at_most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(items), max_size=at_most, unique_by=str)


@st.composite
def backgrounds(draw: st.DrawFn, channel: str, bins: int) -> list[Spec]:
    names = draw(st.lists(st.sampled_from(BACKGROUNDS), min_size=1, max_size=2, unique=True))
    found = []
    for name in names:
        nominal = draw(yields(bins))
        # pyhf refuses models without any parameter.
        found.append(sample(name, nominal, *(draw(modifiers(channel, name, nominal)) or [normfactor("k_bkg")])))
    return found


@st.composite
def signals(draw: st.DrawFn, name: str, bins: int) -> Spec:
    """A signal sample: scaled by the POI, with or without systematics of its own."""
    nominal = draw(yields(bins))
    found = [normfactor(), *([modifier("lumi", "lumi")] if draw(st.booleans()) else [])]
    found += [normsys(s, draw(numbers(0.8, 1.3)), draw(numbers(0.7, 1.2))) for s in draw(_some(SYSTEMATICS, 2))]
    found += [draw(histosys_modifiers(s, nominal)) for s in draw(_some(("JES", "sig_theory"), 1))]
    return sample(name, nominal, *draw(st.permutations(found)))


@st.composite
def overrides(draw: st.DrawFn, channels: dict[str, list[Spec]]) -> list[Spec]:
    """Parameter configurations: lumi's, which is required, and some others."""
    used = {(m["type"], m["name"]): s for samples in channels.values() for s in samples for m in s["modifiers"]}
    known = [LUMI] if ("lumi", "lumi") in used else []
    configs: list[Spec] = [
        {"name": "mu", "inits": [draw(numbers(0.0, 2.0))], "bounds": [[0.0, 20.0]]},
        {"name": "k_bkg", "inits": [0.9], "bounds": [[0.2, 3.0]], "fixed": draw(st.booleans())},
        {"name": "JES", "auxdata": [draw(numbers(-0.5, 0.5))], "bounds": [[-4.0, 4.0]]},
        {"name": "alpha_b", "fixed": True, "inits": [draw(numbers(-1.5, 1.5))]},
        {"name": "not_in_the_model", "inits": [3.0]},
    ]
    for kind, name in sorted(used):
        n = len(used[kind, name]["data"])
        if kind == "staterror":
            configs.append({"name": name, "sigmas": [0.25] * n, "auxdata": [1.1] * n})
        elif kind == "shapesys":
            configs.append({"name": name, "factors": [30.0] * n, "auxdata": [28.0] * n})
        elif kind == "shapefactor":
            configs.append({"name": name, "inits": [1.2] * n, "bounds": [[0.1, 5.0]] * n})
    return draw(st.permutations(known + draw(_some(configs, 4))))


@st.composite
def background_channels(draw: st.DrawFn) -> dict[str, list[Spec]]:
    names = draw(st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True))
    return {name: draw(backgrounds(name, draw(st.integers(1, 3)))) for name in names}


@st.composite
def finished(draw: st.DrawFn, channels: dict[str, list[Spec]]) -> Spec:
    """A workspace of the given channels, with observations and parameter configurations."""
    bins = {name: len(samples[0]["data"]) for name, samples in channels.items()}
    counts = {
        name: draw(st.lists(st.integers(0, 150), min_size=bins[name], max_size=bins[name]))
        for name in draw(st.permutations(list(bins)))
    }
    return workspace(channels, counts, draw(overrides(channels)))


@st.composite
def workspaces(draw: st.DrawFn) -> Spec:
    """One complete workspace with signal in one or more channels."""
    channels = draw(background_channels())
    places = draw(st.lists(st.sampled_from(sorted(channels)), min_size=1, unique=True))
    return draw(finished({c: _with_signal(draw, c, s, "signal", c in places) for c, s in channels.items()}))


def _with_signal(draw: st.DrawFn, channel: str, samples: list[Spec], name: str, present: bool) -> list[Spec]:
    if not present:
        return samples
    return draw(st.permutations([*samples, draw(signals(name, len(samples[0]["data"])))]))


@st.composite
def campaigns(draw: st.DrawFn) -> tuple[Spec, list[Spec]]:
    """A background workspace and two or three signal points made from it.

    Points differ in the channels their signal reaches, in the number of signal samples (none is possible), in the
    modifiers these have, and in which background channels the patch removes.
    """
    channels = draw(background_channels())
    background = draw(finished(channels))
    points = []
    for k in range(draw(st.integers(2, 3))):
        kept = draw(st.lists(st.sampled_from(sorted(channels)), min_size=1, unique=True)) if k else sorted(channels)
        own = {}
        for channel in kept:
            n_signals = draw(st.integers(0, 2)) if k else 1
            extra = [draw(signals(f"point{k}_{i}", len(channels[channel][0]["data"]))) for i in range(n_signals)]
            own[channel] = [*channels[channel], *extra]
        observations = [o for o in background["observations"] if o["name"] in kept]
        point = workspace(own, {o["name"]: o["data"] for o in observations}, _configs(background, own))
        points.append(point)
    return background, points


def _configs(background: Spec, channels: dict[str, list[Spec]]) -> list[Spec]:
    """Configurations of the background workspace, with lumi's if a signal brought it."""
    configs = background["measurements"][0]["config"]["parameters"]
    known = {config["name"] for config in configs}
    used = {m["name"] for samples in channels.values() for s in samples for m in s["modifiers"]}
    return configs + ([LUMI] if "lumi" in used and "lumi" not in known else [])
