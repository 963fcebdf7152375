"""How charts look on every page: colours, line styles, and the PNG that a figure becomes."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

#: Vermilion and bluish green of Okabe and Ito (https://jfly.uni-koeln.de/color/), which colour-blind eyes tell apart; bars under
#: the mean are hatched too.
UNDER, OVER, INK, FAINT = "#d55e00", "#009e73", "#1d2733", "#8a97a3"
LINES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#000000")
STYLES = ("-", "--", "-.", ":")


def png_of(figure: Figure, dpi: int = 100) -> bytes:
    """A drawn figure as the bytes of a PNG, the same for the same figure."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
