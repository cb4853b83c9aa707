"""python -m bench [suites …]: measure, and print one table. README.md says how to read it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import table
from bench.case import (
    KERNELS,
    OURS,
    PEERS,
    SUITES,
    Case,
    chosen,
    installed_peers,
    is_workload,
)
from bench.harness import QUICK, Effort, PeerError, Row, measure, team, weigh
from bench.surroundings import ISAS

GROUPS = ("workloads", "kernels")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ", ".join([*GROUPS, *SUITES])
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {names}")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--threads", type=int, nargs="+", help="default: 1 and 2; workloads 2")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), help="default: the installed")
    parser.add_argument("--isa", choices=ISAS, default="", help="hold all to this instruction set")
    parser.add_argument("--memory", action="store_true", help="the peak memory of whole steps, too")
    parser.add_argument("--quick", action="store_true", help="a trial of the harness: no figures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all samples")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="the workloads' ratios, drawn")
    options = parser.parse_args(given)
    for suite in options.suites:
        if suite not in (*SUITES, *GROUPS):
            parser.error(f"no suite {suite!r}: choose from {names}")
    options.suites = options.suites or list(SUITES)
    return options


def plan(options: argparse.Namespace) -> list[tuple[int, list[tuple[str, Case]]]]:
    """For each number of threads the suites' names and cases. Whole steps are compared with as many
    threads as there are, if none are named."""
    every = [(suite, case) for suite, case in chosen(options.suites) if options.only in case.name]
    if options.threads:
        return [(threads, every) for threads in options.threads]
    kernels = [(suite, case) for suite, case in every if suite in KERNELS]
    return [(1, kernels), (2, every)]


def main() -> int:
    options = arguments()
    wanted = options.peers or list(PEERS)
    peers = [peer for peer in installed_peers() if peer == OURS or peer in wanted]
    effort = QUICK if options.quick else Effort()
    rows: list[Row] = []
    failed = 0
    head = table.machine()
    print("\n".join(head))
    print("\n" + table.head(peers))
    for threads, planned in plan(options):
        with team(peers, threads, options.isa) as workers:
            head += table.versions(workers, threads)
            print("\n".join(table.versions(workers, threads)))
            for suite, case in planned:
                try:
                    rows.append(measure(workers, suite, case, threads, effort))
                    if options.memory and is_workload(suite, case.name):
                        weigh(rows[-1], peers, options.isa)
                except PeerError as error:
                    failed += 1
                    print(f"{suite} {case.name}: FAILED: {error}", flush=True)
                else:
                    print(table.line(rows[-1], peers), flush=True)
    print("\n" + "\n".join(table.summary(rows, peers)))
    if options.json:
        options.json.write_text(table.as_json(head, rows))
    if options.chart:
        from bench.chart import draw

        draw([table.record(row) for row in rows], options.chart)
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
