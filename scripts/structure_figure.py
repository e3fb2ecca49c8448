"""Draw where the structure descriptors are measured: python scripts/structure_figure.py [FILE.cif]."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Arc, Circle, Polygon
from scipy.spatial import ConvexHull

from perospin.descriptors.structure import describe_structure, example_structures, read_structure
from perospin.descriptors.structure.bridges import beta_in_deg, beta_out_deg
from perospin.descriptors.structure.layers import find_layers
from perospin.descriptors.structure.network import components, find_network
from perospin.descriptors.structure.ordering import order, read_sites
from perospin.look import BLACK, BLUE, GREEN, GREY, ORANGE, PALE, RC, SKY, VERMILLION, WIDE

ROOT = Path(__file__).resolve().parents[1]


class Picture:
    """The crystal in axes that lie along the layer (x, y) and across it (z)."""

    def __init__(self, path: Path) -> None:
        structure = read_structure(path)
        self.values = describe_structure(structure).values
        self.crystal = order(read_sites(structure))
        self.network = find_network(self.crystal)
        pieces = components(len(self.network.b_atoms), self.network.bridges, self.network.bridge_image)
        self.stack = find_layers(self.network, pieces)
        self.slab = self.stack.slabs[0]
        first, second = self.network.bridge_vectors_a()
        line = (second - first)[self.slab.sheets[0].bridges[0]]
        z = self.stack.normal
        x = line - line @ z * z
        x /= np.linalg.norm(x)
        self.axes = np.array([x, np.cross(z, x), z])
        self.normal = z
        steps = np.array(list(product(range(-4, 5), repeat=3)))
        b_sites = self.crystal.frac[self.network.b_atoms]
        cart = (b_sites[:, None, :] + steps) @ self.crystal.lattice_a
        piece = self.slab.component
        self.origin = (b_sites[piece.members[0]] + piece.image[0]) @ self.crystal.lattice_a
        self.b = self.turn(cart.reshape(-1, 3))
        self.vertices = self.b[:, None, :] + np.repeat(self.network.vectors_a @ self.axes.T, len(steps), axis=0)
        light = [i for i, s in enumerate(self.crystal.symbols) if s in ("C", "N", "O")]
        self.light = self.turn(((self.crystal.frac[light][:, None, :] + steps) @ self.crystal.lattice_a).reshape(-1, 3))
        self.light_symbols = np.repeat([self.crystal.symbols[i] for i in light], len(steps))

    def turn(self, cart: np.ndarray) -> np.ndarray:
        """Cartesian coordinates in the picture's axes."""
        return (cart - self.origin) @ self.axes.T


def octahedra(ax: Axes, picture: Picture, which: np.ndarray, plane: tuple[int, int], depth: int) -> None:
    for n in which[np.argsort(-picture.b[which, depth])]:
        corners = picture.vertices[n][:, plane]
        hull = corners[ConvexHull(corners).vertices]
        ax.add_patch(Polygon(hull, facecolor=SKY, edgecolor=BLUE, alpha=0.35, lw=0.8))
        ax.plot(*corners.T, "o", color=GREEN, ms=3.5, zorder=3)
        ax.plot(*picture.b[n, plane], "o", color=BLACK, ms=4.5, zorder=4)


def arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], text: str, at: tuple[float, float], **kw: str
) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "<->", "lw": 1.0, "color": BLACK, "shrinkA": 0, "shrinkB": 0})
    ax.text(*at, text, va="center", **kw)


def side(ax: Axes, p: Picture) -> None:
    spacing = p.stack.spacings_a[0]
    left, right = -7.5, 12.0
    top = p.slab.top_a - p.slab.mid_a
    bottom = p.slab.bottom_a - p.slab.mid_a
    near = (np.abs(p.b[:, 1]) < 3.2) & (p.b[:, 0] > left) & (p.b[:, 0] < right)
    near &= (p.b[:, 2] > -3) & (p.b[:, 2] < spacing + 3)
    rows = np.flatnonzero(near)
    atoms, bonds = spacers(p, left + 1.5, right - 1.5, spacing)
    for pair in bonds:
        ax.plot(*pair[:, [0, 2]].T, color=GREY, lw=1.0, zorder=1)
    ax.plot(*atoms[:, [0, 2]].T, "o", color=VERMILLION, ms=4.5, zorder=5)
    octahedra(ax, p, rows, (0, 2), 1)
    for height in (0.0, spacing):
        ax.hlines(height, left - 1.6, right + 1.6, color=BLACK, lw=0.6, ls=(0, (5, 3)), zorder=0)
    for height in (top, bottom, spacing + bottom):
        ax.hlines(height, left - 1.6, right + 1.6, color=GREEN, lw=0.6, ls=(0, (1, 2)), zorder=0)
    arrow(ax, (right + 1.6, 0), (right + 1.6, spacing), f"layer spacing\n{spacing:.2f} Å", (right + 2.0, spacing / 2))
    arrow(
        ax, (left - 1.6, bottom), (left - 1.6, top), f"thickness\n{top - bottom:.2f} Å", (left - 2.0, 0.0), ha="right"
    )
    arrow(
        ax, (left - 1.6, top), (left - 1.6, spacing + bottom), f"gap\n{spacing - top + bottom:.2f} Å",
        (left - 2.0, (spacing + top + bottom) / 2), ha="right",
    )  # fmt: skip
    nitrogen = max((a for a in atoms if abs(a[2] - top) < 1.5), key=lambda a: a[0])
    ax.annotate(
        f"N {p.values['nitrogen_depth_a']:.2f} Å below\nterminal halides",
        nitrogen[[0, 2]],
        (right + 2.0, top - 0.6),
        va="center",
        color=VERMILLION,
        arrowprops={"arrowstyle": "-", "color": VERMILLION, "lw": 0.7},
    )
    ax.set(xlim=(left - 6.8, right + 9.2), ylim=(-3.6, spacing + 3.6), aspect="equal")
    ax.set_title("a  across the layers")


def spacers(p: Picture, left: float, right: float, spacing: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Nitrogen atoms of the gap in one row of pockets, and the bonds of their molecules."""
    gap = (p.light[:, 2] > 0) & (p.light[:, 2] < spacing) & (np.abs(p.light[:, 1]) < 12)
    gap &= (p.light[:, 0] > left - 8) & (p.light[:, 0] < right + 8)
    atoms, symbols = p.light[gap], p.light_symbols[gap]
    starts = (symbols == "N") & (atoms[:, 0] > left) & (atoms[:, 0] < right) & (atoms[:, 1] > 0) & (atoms[:, 1] < 5.6)
    queue, seen, bonds = list(np.flatnonzero(starts)), set(np.flatnonzero(starts).tolist()), []
    while queue:
        i = queue.pop()
        for j in np.flatnonzero(np.linalg.norm(atoms - atoms[i], axis=1) < 1.7).tolist():
            if i < j or j not in seen:
                bonds.append(atoms[[i, j]])
            if j not in seen:
                seen.add(j)
                queue.append(j)
    return atoms[starts], bonds


def angle_arc(ax: Axes, at: np.ndarray, first: np.ndarray, second: np.ndarray, colour: str, size: float) -> None:
    angles = [np.degrees(np.arctan2(*(v[::-1]))) for v in (first, second)]
    start, stop = sorted(angles)
    if stop - start > 180:
        start, stop = stop, start + 360
    ax.add_patch(Arc(at, size, size, theta1=start, theta2=stop, color=colour, lw=1.4, zorder=6))


def bridges_by(p: Picture) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X and its two B for each bridge of the sheet, in the picture's axes, and its beta_in and beta_out."""
    rows = p.slab.sheets[0].bridges
    first, second = (v[rows] for v in p.network.bridge_vectors_a())
    i, s = p.network.bridges[rows, 0], p.network.bridges[rows, 1]
    image = {int(b): im for b, im in zip(p.slab.component.members, p.slab.component.image, strict=True)}
    centre = np.array([p.crystal.frac[p.network.b_atoms[b]] + image[int(b)] for b in i]) @ p.crystal.lattice_a
    x = p.turn(centre + p.network.vectors_a[i, s])
    ends = np.stack([first @ p.axes.T, second @ p.axes.T], axis=1)
    return x, ends, beta_in_deg(first, second, p.normal), beta_out_deg(first, second, p.normal)


def top(ax: Axes, p: Picture) -> None:
    spacing = p.stack.spacings_a[0]
    middle = np.array([5.6, 0.0])
    near = (np.abs(p.b[:, 2]) < 1.0) & (np.abs(p.b[:, :2] - middle) < 6.5).all(axis=1)
    octahedra(ax, p, np.flatnonzero(near), (0, 1), 2)
    upper = (np.abs(p.b[:, 2] - spacing) < 1.0) & (np.abs(p.b[:, :2] - middle) < 6.5).all(axis=1)
    ax.plot(*p.b[upper][:, :2].T, "o", mfc="none", mec=ORANGE, ms=6, mew=1.2, zorder=2)
    x, ends, inside, _ = bridges_by(p)
    n = int(np.argmin(np.linalg.norm(x[:, :2] - middle, axis=1)))
    at, (first, second) = x[n, :2], ends[n, :, :2]
    for v in (first, second):
        ax.plot(*np.array([at, at + v]).T, color=VERMILLION, lw=1.6, zorder=5)
    angle_arc(ax, at, first, second, VERMILLION, 2.2)
    away = -(first + second) / np.linalg.norm(first + second)
    ax.text(*(at - 3.3 * away), rf"$\beta_\mathrm{{in}}$ {inside[n]:.1f}°", color=VERMILLION, ha="center", va="center",
            bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.8}, zorder=7)  # fmt: skip
    shift = f"({p.values['layer_shift_t1']:.2f}, {p.values['layer_shift_t2']:.2f})"
    ax.set(xlim=middle[0] + np.array([-9.0, 9.0]), ylim=middle[1] + np.array([-9.0, 9.0]), aspect="equal")
    ax.set_title("b  onto one layer")
    caption = f"open: B of the next layer, shift factors {shift}"
    ax.text(0.5, 0.0, caption, ha="center", va="top", transform=ax.transAxes)


def edge(ax: Axes, p: Picture) -> None:
    x, ends, _, outside = bridges_by(p)
    n = int(np.argmin(outside))
    across = ends[n, 1] - ends[n, 0]
    along = np.array([*across[:2], 0.0]) / np.linalg.norm(across[:2])
    flat = np.array([ends[n] @ along, ends[n][:, 2]]).T
    ax.plot(*np.array([flat[0], flat[1]]).T, color=PALE, lw=1.2, ls="--", zorder=1)
    for v in flat:
        ax.plot(*np.array([[0, 0], v]).T, color=VERMILLION, lw=1.6, zorder=3)
        ax.add_patch(Circle(v, 0.13, color=BLACK, zorder=4))
        ax.text(v[0], v[1] - 0.45, "B", ha="center", va="center")
    ax.add_patch(Circle((0, 0), 0.11, color=GREEN, zorder=4))
    ax.text(0, -0.45 * np.sign(flat[:, 1].mean()), "X", ha="center", va="center", color=GREEN)
    angle_arc(ax, np.zeros(2), flat[0], flat[1], VERMILLION, 1.6)
    text = rf"$\beta_\mathrm{{out}}$ {outside[n]:.1f}°"
    ax.text(0, 1.25 * np.sign(flat[:, 1].mean()), text, ha="center", va="center", color=VERMILLION)
    ax.set(xlim=(-3.6, 3.6), ylim=(-1.7, 1.9), aspect="equal")
    ax.set_title("c  one bridge, edge on")


def main(path: Path) -> None:
    picture = Picture(path)
    with mpl.rc_context(RC):
        figure = plt.figure(figsize=(WIDE, 4.2))
        grid = figure.add_gridspec(2, 2, width_ratios=[1.35, 1], height_ratios=[3.4, 1])
        for draw, spot in ((side, grid[:, 0]), (top, grid[0, 1]), (edge, grid[1, 1])):
            ax = figure.add_subplot(spot)
            draw(ax, picture)
            ax.axis("off")
        figure.savefig(ROOT / "docs" / "images" / "structure.png")
    print(f"docs/images/structure.png drawn from {path.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else example_structures()["PEA2PbCl4_HybriD3_216"])
