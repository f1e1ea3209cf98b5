"""The notebooks beside the examples: ``python -m tests.examples.pairing`` writes them again after a change."""

from pathlib import Path

import jupytext
import nbformat

EXAMPLES = Path(__file__).parents[2] / "examples"


def scripts() -> list[Path]:
    return sorted(EXAMPLES.glob("*.py"))


def paired(script: Path) -> str:
    """The text of the notebook of a script in jupytext's percent format: the same cells, without outputs."""
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # random ones would change with every writing
    metadata = {"jupytext": {"formats": "ipynb,py:percent"}, "kernelspec": dict(notebook.metadata["kernelspec"])}
    notebook.metadata = nbformat.from_dict(metadata)
    return str(nbformat.writes(notebook, version=4)) + "\n"


if __name__ == "__main__":
    for script in scripts():
        script.with_suffix(".ipynb").write_text(paired(script))
