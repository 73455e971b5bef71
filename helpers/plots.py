"""Every figure of the lessons, each with its alternative text.

A figure says in words what it shows (`alt`) for those who cannot see it. Colours are Okabe and Ito's set
(2008), which the colour-blind can tell apart, and differ in lightness; where groups are compared, marks or
hatches differ too, so that a grey print still reads. Importing this module sets matplotlib's style once.
Left out: interactive figures (`widgets`).
"""

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.figure import Figure

ORANGE, SKY, GREEN, BLUE, RED, PINK, BLACK = (
    "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7", "#000000",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK)
HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo")
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
    """Display a figure under its alternative text and close it.

    `alt`: one or two sentences: the kind of figure, what the axes are, what there is to see.
    Raises ValueError when it is empty.
    """
    if not alt.strip():
        raise ValueError("A figure needs an alternative text: say in words what it shows.")
    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)
