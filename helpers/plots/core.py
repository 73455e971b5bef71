"""What all figures share: colours, marks, matplotlib's style, and `show`, which adds the alternative text.

Colours are Okabe and Ito's set (2008), which the colour-blind can tell apart, and differ in lightness; where
groups are compared, marks or lines differ too, so that a grey print still reads. Importing this module sets
matplotlib's style once. Left out: the figures themselves, one module a topic beside this one.
"""

import html
import io

import matplotlib.pyplot as plt
import PIL.Image
from IPython.display import HTML, Image, display
from matplotlib.figure import Figure

ORANGE, SKY, GREEN, BLUE, RED, PINK, BLACK = (
    "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7", "#000000",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

plt.rcParams.update(
    {
        "figure.figsize": (7, 3.5),
        "figure.dpi": 100,
        "figure.constrained_layout.use": True,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.axisbelow": True,
        "font.size": 10,
        "image.cmap": "cividis",
    }
)


def show(figure: Figure, alt: str) -> None:
    """Display a figure, under it the same in words (folded up), and close it.

    `alt`: one or two sentences: the kind of figure, what the axes are, what there is to see. It goes into the
    output's metadata, where HTML and PDF exports find it. JupyterLab 4.6 gives no image an alternative text
    (its `renderImage` never sets one), so the words also stand under the figure, for a screen reader to open.
    Raises ValueError when `alt` is empty.
    """
    if not alt.strip():
        raise ValueError("A figure needs an alternative text: say in words what it shows.")
    display(Image(_png(figure), alt=alt))  # drawn here, so that it shows whatever MPLBACKEND says
    display(HTML(f"<details><summary>Figure in words</summary>{html.escape(alt)}</details>"))
    plt.close(figure)


def _png(figure: Figure) -> bytes:
    """The figure as a PNG of 256 colours: a third of the size, and hardly a difference to be seen.

    The colours of COLOURS stay as they are; of the blends at edges one in a thousand is off by more than 7 of
    255 (measured on lesson 05's figures).
    """
    drawn, picture = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    colours = PIL.Image.open(drawn).convert("RGB")
    colours.quantize(256, dither=PIL.Image.Dither.NONE, kmeans=2).save(picture, "PNG", optimize=True)
    return picture.getvalue()
