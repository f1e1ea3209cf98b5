"""Draw the reference figures anew: ``python -m tests.plot.make_references``. Look at them before committing them."""

from pathlib import Path

from tests.plot.searches import reference_figures

FOLDER = Path(__file__).parent / "references"
DPI = 50


def main() -> None:
    for name, figure in reference_figures().items():
        figure.savefig(FOLDER / f"{name}.png", dpi=DPI, metadata={"Software": None})


if __name__ == "__main__":
    main()
