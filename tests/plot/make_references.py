"""Draw the reference figures anew: ``python -m tests.plot.make_references``. Look at them before committing them."""

from pathlib import Path

from tests.plot.searches import reference_figures

FOLDER = Path(__file__).parent / "references"
MEASUREMENTS = FOLDER / "measurements"
DPI = 50


def main() -> None:
    # Needs cabinetry, which the other references do not.
    from tests.plot.measurement_figures import measurement_figures

    for folder, figures in ((FOLDER, reference_figures()), (MEASUREMENTS, measurement_figures())):
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png", dpi=DPI, metadata={"Software": None})


if __name__ == "__main__":
    main()
