"""Executes the tutorials (``docs/tutorials/*.ipynb``) in place: all of them, or the named ones.

``python scripts/tutorials.py`` runs all, ``python scripts/tutorials.py predict crystal`` two. Each notebook has
120 seconds. Nothing that changes from run to run (times, ids) is kept, so that a diff shows what changed.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "tutorials"
TIME_LIMIT_S = 120
LONGEST_PLAIN = 3000


def tidied(notebook: Any) -> Any:
    """Take out what differs between two equal runs: times, ids, versions, names of temporary folders."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for place, cell in enumerate(notebook.cells):
        cell.metadata = {"tags": cell.metadata.tags} if cell.metadata.get("tags") else {}
        cell.id = f"cell-{place}"
        if cell.cell_type != "code":
            continue
        texts: list[Any] = []
        for output in cell.outputs:
            output.pop("transient", None)
            if "metadata" in output:
                output.metadata = {}
            data = output.get("data", {})
            if "text/html" in data and len(data.get("text/plain", "")) > LONGEST_PLAIN:
                del data["text/plain"]  # every field of a result; the page shows its table
            previous = texts[-1] if texts else None
            if output.output_type == "stream" and previous is not None and previous.get("name") == output.name:
                previous.text += output.text  # one text, whenever the kernel flushed it
            else:
                texts.append(output)
        cell.outputs = texts
    return notebook


def execute(path: Path) -> tuple[Any, float]:
    """Execute a notebook in a kernel of its own; return it tidied, with the seconds that it took.

    The kernel writes to a temporary folder only: the stores, models and log of whoever runs this stay as they are.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        own = {name: str(Path(folder) / name.lower()) for name in ("PEROSPIN_CACHE", "PEROSPIN_STATE", "IPYTHONDIR")}
        environment = {
            **os.environ,
            **own,
            "PEROSPIN_STORE": str(Path(folder) / "records.sqlite"),
            "TMPDIR": folder,
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        client = NotebookClient(
            notebook,
            timeout=TIME_LIMIT_S,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            config=Config({"KernelManager": {"connection_file": str(Path(folder) / "kernel.json")}}),
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.execute(env=environment)
    return tidied(notebook), time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="notebooks to run (default: all)")
    names = parser.parse_args().names or sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    for name in names:
        path = FOLDER / f"{re.sub(r'[.]ipynb$', '', Path(name).name)}.ipynb"
        if not path.is_file():
            parser.error(f"there is no tutorial '{name}' in docs/tutorials")
        notebook, seconds = execute(path)
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        print(f"{path.stem:24s} {seconds:6.1f} s", flush=True)


if __name__ == "__main__":
    main()
