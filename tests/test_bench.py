"""The benchmarks' harness: every peer runs, one at a time, and must agree before it is timed."""

import os
import re
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

import pydp
from harness import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))  # bench is run from a checkout, never installed

from bench import asked, readme, table  # noqa: E402
from bench.__main__ import arguments as parsed  # noqa: E402
from bench.__main__ import plan  # noqa: E402
from bench.case import (  # noqa: E402
    PEERS,
    SUITES,
    Case,
    cases,
    chosen,
    find_case,
    installed_peers,
    values,
)  # fmt: skip
from bench.harness import QUICK, Effort, PeerError, Row, agree, measure, team  # noqa: E402
from bench.surroundings import beyond_avx2, environment, held  # noqa: E402
from bench.worker import LIMITS  # noqa: E402

ALL = [(suite, case) for suite in SUITES for case in cases(suite)]


def test_every_peer_runs_and_the_others_stand_still():
    peers = installed_peers()
    with team(peers, 1) as workers:
        rows = [
            measure(workers, "matmul", find_case("matmul", "16 x 16 x 16"), 1, QUICK),
            measure(workers, "toy_mlp", find_case("toy_mlp", "2-6-2-2, batch 50"), 1, QUICK),
        ]
        if sys.platform == "linux":
            for worker in workers.values():
                stat = Path(f"/proc/{worker.process.pid}/stat").read_text()
                assert stat.rpartition(")")[2].split()[0] == "T", f"{worker.peer} runs on"
        head = table.versions(workers, 1)
        pids = [worker.process.pid for worker in workers.values()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    measured = {peer for row in rows for peer in row.seconds}
    assert measured == {peer for peer in peers if any(peer in row.case.peers for row in rows)}
    for row in rows:
        assert all(
            len(samples) >= QUICK.least and min(samples) > 0 for samples in row.seconds.values()
        )
        assert row.name in table.line(row, peers)
    assert set(PEERS) >= measured and workers.keys() == {*peers, LIMITS}
    if workers[LIMITS].version:
        assert len(rows[0].limits) == len(rows[0].seconds["pydp"])
        assert "GFLOP/s float32" in head[1] and rows[0].share()[1] in "FB"


class Timed:
    """A worker that answers with these seconds, again and again."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = cycle(seconds)

    def ask(self, what: str, *_: object) -> object:
        return next(self.seconds) if what == "time" else []


@pytest.mark.parametrize(
    ("theirs", "effort", "rounds"),
    [
        ([2.0], Effort(), 5),  # the ratio is sure at once
        ([2.0, 3.0], Effort(), 25),  # and never
        ([2.0, 2.05], Effort(), 7),  # 1.57 · 0.05 / 2.05 / sqrt(7) is 1.4 %
        ([2.0, 3.0], Effort(budget=0), 5),
    ],
)
def test_what_is_noisy_is_measured_longer(theirs, effort, rounds):
    case = find_case("matmul", "16 x 16 x 16")
    workers = {"pydp": Timed(1.0), "numpy": Timed(*theirs), LIMITS: Timed(0.0)}
    row = measure(workers, "matmul", case, 1, effort)
    assert [len(samples) for samples in row.seconds.values()] == [rounds, rounds]


def test_whole_steps_are_measured_on_two_threads():
    def planned(*arguments):
        chosen = plan(parsed([*arguments]))
        return {n: {suite for suite, _ in cases} for n, cases in chosen}

    assert planned("lenet", "softmax") == {1: {"softmax"}, 2: {"lenet", "softmax"}}
    assert planned("lenet", "--threads", "1", "4") == {1: {"lenet"}, 4: {"lenet"}}
    assert planned("lenet", "--only", "no such") == {1: set(), 2: set()}


def test_the_command_prints_one_table(tmp_path):
    file = tmp_path / "samples.json"
    command = [sys.executable, "-m", "bench", "softmax", "--only", "64 x 10", "--threads", "1"]
    done = subprocess.run(
        [*command, "--quick", "--peers", "numpy", "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "softmax 64 x 10 " in done.stdout and "numpy / pydp" in done.stdout
    assert "against numpy: faster in" in done.stdout
    assert '"case": "softmax 64 x 10"' in file.read_text()


def test_all_are_held_to_avx2():
    """The worker refuses a peer that says it uses another instruction set."""
    if "avx2" not in pydp._runtime.usable_isas():
        pytest.skip("this processor has no AVX2")
    with team(
        [peer for peer in ("pydp", "numpy", "torch") if peer in installed_peers()], 1, "avx2"
    ) as workers:
        assert all("avx2" in w.version for peer, w in workers.items() if peer in ("pydp", "torch"))
    assert set(held("avx2")["NPY_DISABLE_CPU_FEATURES"].split()) == set(beyond_avx2())


def record(suite: str, case: str, ours: float, **ratios: float) -> dict:
    ratio = {peer: [r, r, r] for peer, r in ratios.items()}
    return {"suite": suite, "case": f"{suite} {case}", "threads": 2, "ratio": ratio,
            "seconds": {"pydp": [ours] * 3}}  # fmt: skip


def test_the_readme_shows_losses():
    mlp, lenet = cases("mlp")[0].name, cases("lenet")[0].name
    rows = [
        record("attention", "2 x 8 x 1024 x 64, causal, grad", 4e-2, torch=2.0),
        record("mlp", mlp, 2e-3, torch=1.5, jax=0.994),
        record("lenet", lenet, 1e-2, torch=0.996),
        record("softmax", "64 x 10", 1e-6, torch=0.5),  # no workload
        record("mlp", mlp, 4e-3, torch=9.9) | {"threads": 1},
    ]
    *_, first, second, third, _, count = readme.table(rows)
    assert first == f"| MLP {mlp} | 2.00 ms | 1.50 | - | - | **0.99** |"
    assert second == f"| LeNet {lenet} | 10.0 ms | 1.00 | - | - | - |"
    assert third.startswith("| attention 2 x 8")
    assert count == "Slower in 1 of 4 comparisons (bold)."
    head = ["machine  x", "1 thread: a", "  limits: of one", "2 threads: b", "  limits: of two"]
    text = readme.section({"head": head, "rows": rows})
    assert "machine x\n2 threads: b\nlimits: of two\n" in text and "of one" not in text
    written = readme.put(f"before\n{readme.BEGIN}old{readme.END}after", text)
    assert written == f"before\n{readme.BEGIN}{text}{readme.END}after"


def test_the_readme_has_the_form_that_is_written():
    """Not the figures: those are of one machine. Every workload is there, in order."""
    if not readme.README.exists():
        pytest.skip("no README beside the tests")
    part = readme.README.read_text().partition(readme.BEGIN)[2].partition(readme.END)[0]
    if not part:
        pytest.skip("README.md has no table yet")
    known = [
        record(
            suite, case.name, 1.0, **{peer: 1.0 for peer in case.peers if peer in readme.PEER_NAMES}
        )
        for suite, case in chosen(["workloads"])
    ]

    def form(text: str) -> list[str]:
        table = text.partition("```")[0]
        cells = re.sub(r"\*\*([\d.]+)\*\*", r"\1", table)
        return re.sub(
            r"(?<=\| )[\d.]+( [µm]?s)?(?= \|)|(?<=in )\d+(?= of)", "#", cells
        ).splitlines()

    assert form(part) == form(readme.section({"head": [], "rows": known}))


@pytest.fixture
def one_thread():
    """Two runtimes in one process would spin against each other."""
    pydp_threads = pydp.get_num_threads()
    torch_threads = torch and torch.get_num_threads()
    pydp.set_num_threads(1)
    if torch:
        torch.set_num_threads(1)
    yield
    pydp.set_num_threads(pydp_threads)
    if torch:
        torch.set_num_threads(torch_threads)


def small(case: Case) -> bool:
    return sum(map(np.prod, case.shapes)) < 2_000_000 and case.flops < 4e9


@pytest.mark.parametrize(
    ("suite", "case"),
    [pytest.param(*both, id=f"{both[0]} {both[1].name}") for both in ALL if small(both[1])],
)
def test_peers_agree(suite, case, one_thread):
    """NumPy and PyTorch in this process; the harness asks again before it times."""
    others = ("jax", "compile")  # the one has threads that stay, the other compiles for seconds
    peers = [peer for peer in case.peers if peer in installed_peers() and peer not in others]
    results = {}
    for peer in peers:
        step = case.step(peer)
        for _ in range(case.calls):
            results[peer] = list(values(step()))
    agree(case, results)


def test_disagreement_is_no_figure():
    case = find_case("matmul", "16 x 16 x 16")
    right = np.ones((2, 2), np.float32)
    agree(case, {"pydp": [right], "numpy": [right + 1e-6]})
    for wrong in (right + 1e-3, right * np.nan, right[0]):
        with pytest.raises(PeerError, match="numpy"):
            agree(case, {"pydp": [right], "numpy": [wrong]})


def test_cases_are_found_by_name_and_know_their_peers():
    assert len({(suite, case.name) for suite, case in ALL}) == len(ALL)
    for suite, case in ALL:
        assert "pydp" in case.peers and case.peers.keys() <= PEERS.keys(), f"{suite} {case.name}"
        assert len(f"{suite} {case.name}") < table.NAME


def test_a_row_says_who_is_faster():
    case = find_case("matmul", "16 x 16 x 16")  # 8192 FLOPs, 3072 bytes
    row = Row("matmul", case, 1, {"pydp": [2e-6] * 3, "numpy": [1e-6] * 3, "torch": [4e-6] * 3})
    row.limits = [(8192e6, 1e12)] * 3  # a microsecond of arithmetic
    assert row.ratio("torch") == (2.0, 2.0, 2.0) and row.share() == (0.5, "F")
    assert "! 0.50" in table.line(row, ["pydp", "numpy", "torch"])
    assert table.verdict(row, "torch") == ""
    told = table.summary([row], ["numpy", "torch"])
    assert "    matmul 16 x 16 x 16, threads 1: 0.50 numpy / pydp (1)" in told
    row.limits = [(1e15, 3072e6)] * 3
    assert row.share() == (0.5, "B")


def test_a_row_is_held_against_what_is_asked():
    def row(suite: str, name: str, threads: int, ours: float, **theirs: float) -> Row:
        seconds = {peer: [time] * 3 for peer, time in ({"pydp": ours} | theirs).items()}
        case = find_case(suite, name)
        return Row(suite, case, threads, seconds, [(case.flops * threads, 1e15)] * 3)

    square = "512 x 512 x 512"
    toy = cases("toy_mlp")[0].name
    rows = [
        row("matmul", square, 1, 1.25, numpy=1.3),  # 80 % of arithmetic's limit
        row("matmul", square, 2, 0.7, numpy=0.6),  # 71 %
        row("matmul", "64 x 64 x 64", 1, 1.3),  # 77 %, and 75 are asked
        row("toy_mlp", toy, 2, 1.0, torch=3.9, jax=1.01),
    ]
    assert asked.missed(rows) == [
        "3 of 4 rows miss a figure that is asked for (in brackets):",
        f"    matmul {square}, threads 1: 0.80 of F (0.88)",
        f"    matmul {square}, threads 2: 0.86 numpy / pydp (1), 0.89 of one thread's share (0.95)",
        f"    toy_mlp {toy}, threads 2: 3.90 torch / pydp (4)",
    ]
    assert asked.missed(rows[2:3]) == ["0 of 1 rows miss a figure that is asked for"]


def test_what_is_asked_is_measured():
    """Every line fits a row of the table, so no figure is forgotten with a name."""
    names = [f"{suite} {case.name}" for suite, case in ALL]
    patterns = [name for _, name, _ in asked.RATIOS] + [name for *_, name, _ in asked.SHARES]
    for pattern in [*patterns, *(name for name, _ in asked.SCALING)]:
        assert any(re.match(pattern, name) for name in names), pattern


def test_the_shell_cannot_slow_down_one_peer(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "PRESCOTT")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = environment(2)
    assert "OPENBLAS_CORETYPE" not in found and found["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(8.314e-7, "831 ns"), (1.234e-5, "12.3 µs"), (9.999e-3, "10.0 ms"), (0.9999, "1.00 s")],
)
def test_times_have_three_digits(seconds, text):
    assert table.time_text(seconds) == text
