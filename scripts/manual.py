"""Put the manual's sources together in build/manual, from docs/ and from perospin itself: python scripts/manual.py.

Pages of docs/ are copied, notebooks become pages, formulas become MathML (no script is loaded from anywhere), and the
reference of the Python interface, the command line and the files is written from what perospin declares. `make docs`
then builds the site.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import inspect
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS, BUILT = ROOT / "docs", ROOT / "build" / "manual"
ROOMS = (
    "chemistry", "descriptors", "studies", "learning", "reports", "measurements", "fitting", "spectra", "mechanisms",
    "detectors", "database", "navigation",
)  # fmt: skip
BESIDE = ("DATA.md", "CHANGELOG.md", "CONTRIBUTING.md")
_FENCE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$(?=\S)([^$\n]+?)(?<=\S)\$(?![\w$])", re.DOTALL)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def with_mathml(text: str) -> str:
    """Turn formulas between dollar signs into MathML; code is left as it is."""
    from latex2mathml.converter import convert

    def formula(match: re.Match[str]) -> str:
        block = match[1] is not None
        found: str = convert((match[1] or match[2]).strip(), display="block" if block else "inline")
        return found

    parts = _FENCE.split(text)
    return "".join(part if i % 2 else _FORMULA.sub(formula, part) for i, part in enumerate(parts))


def page_of(notebook: dict[str, Any], name: str, pictures: Path) -> str:
    """Write a notebook as a page: its sentences, code and outputs; pictures go into a folder beside it."""
    found = [f"[Download this page as a notebook]({name}.ipynb)"]
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            found.append(re.sub(r"\.ipynb([)#])", r".md\1", source))
            continue
        if "hide" not in cell.get("metadata", {}).get("tags", ()):
            found.append(f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            found += _shown(output, pictures, f"{name}-{number}")
    first = next((i for i, text in enumerate(found) if text.startswith("# ")), None)
    if first is not None:  # the title comes before the link
        title, _, rest = found.pop(first).partition("\n")
        found[:0] = [title, rest] if rest.strip() else [title]
    return "\n\n".join(found) + "\n"


def _shown(output: dict[str, Any], pictures: Path, name: str) -> Iterator[str]:
    data = output.get("data", {})
    if output["output_type"] == "stream":
        yield "```text\n" + _ANSI.sub("", "".join(output["text"])).rstrip() + "\n```"
    elif "image/png" in data:
        pictures.mkdir(parents=True, exist_ok=True)
        picture = "".join(data["image/png"])
        (pictures / f"{name}.png").write_bytes(base64.b64decode(picture))
        yield f"![output of the cell above]({pictures.name}/{name}.png)"
    elif "text/html" in data:
        yield re.sub(r"<style.*?</style>|\n\s*(?=\n)", "", "".join(data["text/html"]), flags=re.DOTALL)
    elif "text/plain" in data:
        yield "```text\n" + _ANSI.sub("", "".join(data["text/plain"])).rstrip() + "\n```"


def python_pages() -> dict[str, str]:
    """One page a room: every public name with its documentation."""
    pages = {}
    for room in ROOMS:
        module = importlib.import_module(f"perospin.{room}")
        names = [name for name in dir(module) if not name.startswith("_")]
        lines = [f"# perospin.{room}", "", (inspect.getdoc(module) or "").strip(), ""]
        for name in names:
            value = getattr(module, name)
            where = getattr(value, "__module__", "")
            if inspect.ismodule(value) or not (inspect.isclass(value) or inspect.isfunction(value)):
                continue
            if where.startswith(f"perospin.{room}"):
                lines.append(f"::: {where}.{value.__qualname__}")
        pages[f"reference/python/{room}.md"] = "\n".join(lines) + "\n"
    return pages


def command_pages() -> dict[str, str]:
    """One page a command, from what its --help says."""
    import typer
    from typer.cli import get_docs_for_click

    from perospin.cli.main import COMMANDS

    pages, rows = {}, []
    for name, (module, said) in COMMANDS.items():
        command: Any = typer.main.get_command(importlib.import_module(module).app)
        context = command.context_class(command, info_name=name)
        text = get_docs_for_click(obj=command, ctx=context, name=name, call_prefix="perospin")
        pages[f"reference/commands/{name}.md"] = _plain(text)
        rows.append(f"| [`perospin {name}`](commands/{name}.md) | {said} |")
    head = ["# The command line", "", "`perospin COMMAND --help` says the same in the terminal.", ""]
    pages["reference/commands.md"] = "\n".join([*head, "| command | what it does |", "|---|---|", *rows, ""])
    return pages


def _plain(text: str) -> str:
    """Keep angle brackets of usage lines from being read as tags, and markup of the terminal from being printed."""
    text = re.sub(r"\[/?(?:bold|dim|red|italic)[^\]]*\]", "", text)
    parts = _FENCE.split(text)
    return "".join(part if i % 2 else part.replace("<", "&lt;") for i, part in enumerate(parts))


def space_page() -> str:
    """Keys of a space file, from its declaration."""
    from pydantic import BaseModel

    from perospin.navigation.space import declaration

    lines = ["# Space files", "", "What `perospin screen` and `perospin campaign new` read; "
             "[screening](../navigation/screening.md) has an example.", ""]  # fmt: skip
    for name, heading in (
        ("SpaceFile", "The file"), ("Materials", "`[materials]`"), ("Fractions", "`[[fractions]]`"),
        ("Variable", "`[[variables]]`"), ("RuleText", "`[[rules]]`"),
    ):  # fmt: skip
        model = getattr(declaration, name)
        if not (inspect.isclass(model) and issubclass(model, BaseModel)):
            continue
        said = _said(model)
        lines += [
            f"## {heading}",
            "",
            (inspect.getdoc(model) or ""),
            "",
            "| key | what it is | default |",
            "|---|---|---|",
        ]
        for key, field in model.model_fields.items():
            default = "needed" if field.is_required() else f"`{field.get_default(call_default_factory=True)}`"
            lines.append(f"| `{field.alias or key}` | {said.get(key, '')} | {default} |".replace("\n", " "))
        lines.append("")
    return "\n".join(lines)


def _said(model: type) -> dict[str, str]:
    """Text that stands below each key in the source."""
    import ast
    import textwrap

    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    found = {}
    assert isinstance(body, ast.ClassDef)
    for line, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(after, ast.Expr):
            text = getattr(after.value, "value", "")
            found[line.target.id] = " ".join(str(text).split()).replace("|", "\\|")
    return found


def vocabulary_page() -> str:
    """Properties that a record may hold, with their units."""
    from perospin.database import vocabulary

    lines = ["# Record vocabulary", "", "What a record of the database may hold: `perospin data import`, "
             "`perospin fit ... --save`.", "", "| property | what it is | unit |", "|---|---|---|"]  # fmt: skip
    for name, entry in sorted(vocabulary.PROPERTIES.items()):
        lines.append(f"| `{name}` | {getattr(entry, 'description', '')} | {getattr(entry, 'unit', '')} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write everything anew."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if BUILT.exists():
        shutil.rmtree(BUILT)
    for path in sorted(DOCS.rglob("*")):
        target = BUILT / path.relative_to(DOCS)
        if path.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(with_mathml(path.read_text(encoding="utf-8")), encoding="utf-8")
            continue
        shutil.copyfile(path, target)
        if path.suffix == ".ipynb":
            notebook = json.loads(path.read_text(encoding="utf-8"))
            page = page_of(notebook, path.stem, target.with_name("pictures"))
            target.with_suffix(".md").write_text(with_mathml(page), encoding="utf-8")
    for name in BESIDE:
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](").replace("](README.md", "](index.md")
        (BUILT / name).write_text(text, encoding="utf-8")
    pages = {
        **python_pages(), **command_pages(), "reference/space_files.md": space_page(),
        "reference/vocabulary.md": vocabulary_page(),
    }  # fmt: skip
    for name, text in pages.items():
        target = BUILT / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    print(f"{sum(1 for _ in BUILT.rglob('*.md'))} pages in {BUILT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
