"""Execute the notebooks of `docs/notebooks` (MyST sources) into `.ipynb` files beside them.

python docs/scripts/notebooks.py
"""

from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def main() -> None:
    for source in sorted(FOLDER.glob("*.md")):
        notebook = jupytext.read(source)
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": FOLDER}}).execute()
        for cell in notebook.cells:  # timestamps would differ in every version of the file
            cell.metadata.pop("execution", None)
        # Found again from the text, so that the file changes only where its contents do.
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"
        nbformat.write(notebook, source.with_suffix(".ipynb"))
        print(source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
