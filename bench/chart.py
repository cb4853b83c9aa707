"""The workloads' ratios as a picture: python -m bench.chart samples.json picture.png

A point for each peer, on a line for each workload; right of 1 we are faster. The ground is
transparent and the text grey, so that it can be read on light pages and on dark ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.case import OURS, PEERS
from bench.readme import PEER_NAMES, label, workloads

GREY = "#7d8590"
# Told apart by colour-blind people, too, and on either ground; the marks differ as well.
LOOKS = {
    "torch": ("#e8710a", "o"), "torch+": ("#c2409a", "D"), "compile": ("#3b82f6", "s"),
    "jax": ("#1a9e77", "^"),
}  # fmt: skip
TICKS = (0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20)


def draw(records: list[dict[str, Any]], file: Path) -> None:
    """Of the workloads among the records, with their highest number of threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    rows = workloads(records)
    matplotlib.rcParams.update(
        dict.fromkeys(("text.color", "xtick.color", "ytick.color", "axes.labelcolor"), GREY)
        | {"svg.fonttype": "none", "svg.hashsalt": "pydp", "font.family": "sans-serif"}
    )  # the same samples give the same file, and its words are words
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.36 * len(rows)))
    places = range(len(rows) - 1, -1, -1)
    for peer in [peer for peer in PEERS if peer in LOOKS]:
        known = [(y, row["ratio"][peer]) for y, row in zip(places, rows, strict=True)
                 if peer in row["ratio"]]  # fmt: skip
        if not known:
            continue
        at, ratios = zip(*known, strict=True)
        low, middle, high = zip(*ratios, strict=True)
        color, mark = LOOKS[peer]
        axes.plot(middle, at, mark, color=color, markersize=8, label=PEER_NAMES[peer], zorder=3)
        axes.hlines(at, low, high, color=color, linewidth=2, alpha=0.6)
    axes.axvline(1, color=GREY, linewidth=1.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.set_yticks(list(places), [label(row) for row in rows])
    axes.grid(axis="both", color=GREY, alpha=0.25)
    axes.set_xlabel(f"their time / {OURS}'s time   (right of 1: {OURS} is faster)")
    axes.tick_params(length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="upper center", ncols=len(LOOKS), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.35 / figure.get_figheight()))
    told = {"Date": None} if file.suffix == ".svg" else {}
    figure.savefig(file, dpi=160, transparent=True, metadata=told)
    pyplot.close(figure)


if __name__ == "__main__":
    samples, picture = map(Path, sys.argv[1:])
    draw(json.loads(samples.read_text())["rows"], picture)
