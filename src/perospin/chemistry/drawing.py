"""Drawings of ions as SVG text."""

from __future__ import annotations

from html import escape

__all__ = ["molecule_svg"]


def molecule_svg(smiles: str, label: str, width: int = 220, height: int = 110) -> str:
    """Draw a molecule; the drawing carries `label` for readers who can't see it.

    Parameters
    ----------
    smiles : str
        Of an ion of the library (`Ion.smiles`), which RDKit reads.
    label : str
    width, height : int
        In pixels.
    """
    from rdkit import Chem
    from rdkit.Chem.Draw import rdMolDraw2D

    drawing = rdMolDraw2D.MolDraw2DSVG(width, height)
    drawing.drawOptions().clearBackground = False
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, Chem.MolFromSmiles(smiles))
    drawing.FinishDrawing()
    svg = str(drawing.GetDrawingText())
    return svg[svg.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
