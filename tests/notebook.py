"""Runs a notebook in a kernel of its own, as a person would, from top to bottom.

    python tests/notebook.py examples/notebook.ipynb

runs it with its own settings and keeps the outputs in the file, without times and execution data.
With `--set NAME=NUMBER` a name of the cell tagged "parameters" gets another number, and with
`--to FILE` another file gets the outputs.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--to", type=Path)
    options = parser.parse_args()
    book = nbformat.read(options.notebook, as_version=4)
    for setting in options.set:
        set_parameter(book, *setting.split("="))
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            book, timeout=600, coalesce_streams=True, resources={"metadata": {"path": folder}}
        )
        client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    strip(book)
    nbformat.write(book, options.to or options.notebook)


def set_parameter(book: nbformat.NotebookNode, name: str, value: str) -> None:
    """Changes one line of the cell that is tagged "parameters"."""
    (cell,) = (cell for cell in book.cells if "parameters" in cell.metadata.get("tags", ()))
    cell.source, count = re.subn(
        rf"^{name} = \d+", f"{name} = {value}", cell.source, flags=re.MULTILINE
    )
    assert count == 1, f"no line of the parameters sets {name}"


def strip(book: nbformat.NotebookNode) -> None:
    """Takes out what says when and on what machine it was run."""
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("execution", None)


if __name__ == "__main__":
    main()
