"""Writes the workloads' table into the README, and the picture that it shows, bench/workloads.svg:

    python -m bench.readme samples.json

The table stands between two markers, and is made of nothing but what `python -m bench --json` has
written. A ratio below 1 is bold: there we lose.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.case import OURS, WORKLOADS, is_workload
from bench.surroundings import ROOT
from bench.table import ratio_text, time_text

README, PICTURE = ROOT / "README.md", ROOT / "bench" / "workloads.svg"
BEGIN, END = "<!-- bench: python -m bench.readme -->\n", "<!-- /bench -->\n"
PEER_NAMES = {
    "torch": "PyTorch", "torch+": "PyTorch, tuned", "compile": "torch.compile", "jax": "JAX, jit"
}  # fmt: skip
TITLES = {
    "toy_mlp": "toy MLP", "mlp": "MLP", "lenet": "LeNet", "conv_net": "CIFAR ConvNet",
    "alexnet": "AlexNet", "vgg": "VGG-like", "language_model": "", "bert": "BERT-base",
    "gpt": "GPT",
}  # fmt: skip


def workloads(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the workloads, with the highest number of threads that was measured; a single
    kernel that counts as one comes last, wherever it was measured."""
    most = max((record["threads"] for record in records), default=0)
    rows = [
        record
        for record in records
        if record["threads"] == most and is_workload(record["suite"], name_of(record))
    ]
    return sorted(rows, key=lambda record: record["suite"] not in WORKLOADS)


def name_of(record: dict[str, Any]) -> str:
    """The case's name, without that of its suite."""
    case: str = record["case"]
    return case.removeprefix(record["suite"]).strip()


def label(record: dict[str, Any]) -> str:
    """What a reader calls the workload."""
    suite = record["suite"]
    return f"{TITLES.get(suite, suite)} {name_of(record)}".strip()


def cell(ratio: list[float] | None) -> str:
    if ratio is None:
        return "-"
    text = ratio_text(ratio[1])
    return f"**{text}**" if round(ratio[1], 2) < 1 else text


def table(records: list[dict[str, Any]]) -> list[str]:
    """The lines of the table, then one that counts."""
    rows = workloads(records)
    lines = [f"| | {OURS} | " + " | ".join(PEER_NAMES.values()) + " |"]
    lines.append("|---|---:|" + "---:|" * len(PEER_NAMES))
    lost = pairs = 0
    for row in rows:
        ours = time_text(sorted(row["seconds"][OURS])[len(row["seconds"][OURS]) // 2])
        cells = [cell(row["ratio"].get(peer)) for peer in PEER_NAMES]
        lost += sum(text.startswith("*") for text in cells)
        pairs += sum(text != "-" for text in cells)
        lines.append(f"| {label(row)} | {ours} | {' | '.join(cells)} |")
    return [*lines, "", f"Slower in {lost} of {pairs} comparisons (bold)."]


def section(samples: dict[str, Any]) -> str:
    """What stands between the markers."""
    head = [" ".join(line.split()) for line in samples["head"]]
    rows = workloads(samples["rows"])
    threads = rows[0]["threads"] if rows else 0
    told, ours = [], True  # a line with a number of threads opens what belongs to it
    for line in head:
        ours = line.startswith(f"{threads} ") if line[:1].isdigit() else ours
        told += [line] if ours else []
    return "\n".join(
        [
            *table(samples["rows"]),
            "",
            f"![the same as a picture]({PICTURE.relative_to(ROOT)})",
            "",
            "```text",
            *told,
            "```",
            "",
        ]
    )


def put(text: str, part: str) -> str:
    """The text with the part between the markers."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + part + END + rest.split(END)[1]


if __name__ == "__main__":
    samples = json.loads(Path(sys.argv[1]).read_text())
    README.write_text(put(README.read_text(), section(samples)))
    from bench.chart import draw  # which needs this module

    draw(samples["rows"], PICTURE)
