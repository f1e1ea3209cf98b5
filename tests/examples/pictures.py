"""The pictures of the examples: ``python -m tests.examples.pictures`` draws them again, from the notebooks' outputs."""

import base64
import tempfile
from pathlib import Path

import nbclient
import nbformat

from tests.examples.pairing import EXAMPLES
from tests.examples.running import copy_examples

NAMES = ("recast", "toys_and_asymptotics")

if __name__ == "__main__":
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
            resources = {"metadata": {"path": str(copy_examples(Path(folder)))}}
            nbclient.NotebookClient(notebook, timeout=600, resources=resources).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        picture = next(output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {}))
        (EXAMPLES / "pictures" / f"{name}.png").write_bytes(base64.b64decode(picture))
