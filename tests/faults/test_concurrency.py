"""Threads, processes and signals: the same answers, no hang, and nothing half done.

A test's first line is the fault.
"""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import pydp
from harness import Case, gradients, typed, value
from processes import ROOT, printed
from pydp import _kernels, nn

LINUX = sys.platform == "linux"
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
on_linux = pytest.mark.skipif(not LINUX, reason="reads /proc")


@pytest.fixture(autouse=True)
def same_threads_after():
    before = pydp.get_num_threads()
    yield
    pydp.set_num_threads(before)


# ---- threads -------------------------------------------------------------------------------------


def cases():
    """Two cases of each op: the largest, and the last one."""
    found: dict[str, list[Case]] = {}
    for path in sorted((Path(ROOT) / "tests" / "ops").glob("test_*.py")):
        sys.path.append(ROOT)
        try:
            module = importlib.import_module(f"tests.ops.{path.stem}")
        finally:
            sys.path.remove(ROOT)
        for cases in [v for v in vars(module).values() if isinstance(v, list)]:
            for case in cases:
                if isinstance(case, Case):
                    found.setdefault(case.op, []).append(case)
    for of_one in found.values():
        of_one.sort(key=lambda case: sum(a.size for a in case.inputs))
    return [case for of_one in found.values() for case in of_one[-2:]]


def bits(case):
    arrays = typed(case, np.float32)
    grads = gradients(case, arrays) if case.grad else []
    return b"".join(np.asarray(a).tobytes() for a in [value(case, arrays), *grads])


def test_every_op_in_threads():
    """An op keeps something of a call where another thread's call finds it: a static buffer, a
    scratch area, a plan."""
    examined = cases()
    assert len({case.op for case in examined}) > 30
    pydp.set_num_threads(1)
    want = [bits(case) for case in examined]
    pydp.set_num_threads(2)
    turns = threading.Barrier(4)

    def work(i):
        wrong = []
        for k in range(len(examined)):
            turns.wait(60)  # all threads on one op, then all on the next
            if bits(examined[k]) != want[k]:
                wrong.append(str(examined[k]))
        for k in np.random.default_rng(i).permutation(len(examined)):  # each on another
            if bits(examined[k]) != want[k]:
                wrong.append(str(examined[k]))
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert [wrong for found in pool.map(work, range(4)) for wrong in found] == []


def test_python_goes_on_during_a_long_kernel():
    """A kernel keeps the GIL while it computes for a second, and everything else stands still."""
    a = pydp.full((2500, 2500), 0.5, dtype="float64")
    ended, ticks = threading.Event(), []

    def work():
        for _ in range(3):
            pydp.matmul(a, a)
        ended.set()

    thread = threading.Thread(target=work)
    began = time.monotonic()
    thread.start()
    while not ended.wait(0.005):
        ticks.append(time.monotonic())
    thread.join()
    longest = max(np.diff([began, *ticks, time.monotonic()]))
    assert longest < 0.7 * (time.monotonic() - began), "Python stood still"


@on_linux
def test_threads_of_threads():
    """Each of many Python threads starts a team of its own: k · k threads."""
    code = """
import os, threading
import numpy as np, pydp
from concurrent.futures import ThreadPoolExecutor
pydp.set_num_threads(4)
x = pydp.tensor(np.ones((400, 400), np.float32), requires_grad=True)
most = 0
def work(i):
    global most
    for _ in range(10):
        (x @ x).sum().backward()
        most = max(most, len(os.listdir("/proc/self/task")))
with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
print(most)
"""
    # The main thread, the pool's 8, a team of 4 and, when it is made, 4 that ask whether the system
    # grants them. A team for each of the pool would be 24 more.
    assert int(printed(code)) <= 1 + 8 + 4 + 4


# ---- fork and spawn ------------------------------------------------------------------------------

CHILDREN = """
import os, signal, threading
import numpy as np, pydp
from pydp import _walk
pydp.set_num_threads(4)
x = pydp.tensor(np.ones(1 << 20, np.float32), requires_grad=True)
def step():
    x.grad = None
    (x * x).sum().backward()
    assert (x.grad.numpy() == 2).all()
def children(n):
    for _ in range(n):
        if os.fork() == 0:
            signal.alarm(10)             # a child that hangs is killed, and its status tells
            try:
                step()
            except BaseException:
                os._exit(1)
            os._exit(0)
    failed = [status for status in (os.wait()[1] for _ in range(n)) if status]
    return f"{n} ended, {failed} of them with these failures"
step()
"""
ALL = "20 ended, [] of them with these failures"


@forks
@pytest.mark.parametrize(
    "when",
    {
        "after a parallel region": "print(children(20))",
        "while another thread adds gradients": """
with _walk._leaf_lock:
    thread = threading.Thread(target=lambda: print(children(20)))
    thread.start()
    thread.join()
""",
        "while another thread computes": """
y, going = pydp.tensor(np.ones(1 << 20, np.float32), requires_grad=True), [1]
def busy():
    while going:
        (y * y).sum().backward()
thread = threading.Thread(target=busy)
thread.start()
print(children(20))
going.clear()
thread.join()
""",
    }.items(),
    ids=lambda item: item[0],
)
def test_a_forked_child(when):
    """A child waits for a team, or for a lock, that stayed behind in its parent."""
    if "computes" in when[0] and "libasan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("AddressSanitizer's own allocator leaves a lock held in the child")
    assert printed(CHILDREN + when[1], timeout=240) == ALL


def double(x):
    return x * 2.0, float(x.sum()), pydp.get_num_threads()


def forward(net, x):
    return net(x).detach()


def die(_):
    os._exit(9)


@pytest.fixture
def spawned(monkeypatch):
    """A pool of fresh processes, in which this file is found as a module."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([ROOT, str(Path(ROOT) / "tests")]))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        yield pool


def importable(function):
    """The function under a name by which a fresh process finds it."""
    sys.path.append(ROOT)
    try:
        module = importlib.import_module("tests.faults.test_concurrency")
    finally:
        sys.path.remove(ROOT)
    return getattr(module, function.__name__)


def test_tensors_and_modules_go_to_spawned_processes(spawned):
    """A tensor is sent as an address, with its graph, or not at all."""
    x = pydp.tensor([1.0, 2.0], requires_grad=True)
    y, total, threads = spawned.submit(importable(double), x.detach()).result(60)
    np.testing.assert_array_equal(y.numpy(), [2, 4])
    assert total == 3
    assert threads >= 1
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    strided = pydp.tensor(np.arange(6.0).reshape(2, 3)).T.astype("float32")
    got = spawned.submit(importable(forward), net, strided).result(60)
    np.testing.assert_array_equal(got.numpy(), net(strided).numpy())
    with pytest.raises(RuntimeError, match=r"pickle: only leaves can be pickled; use detach\(\)"):
        spawned.submit(importable(double), x * 2.0).result(60)


def test_a_worker_that_dies(spawned):
    """The parent waits for ever for a worker that is gone."""
    with pytest.raises(BrokenProcessPool):
        spawned.submit(importable(die), pydp.ones(2)).result(60)


# ---- signals -------------------------------------------------------------------------------------

TRAINING = """
import os, random, signal, sys
import numpy as np, pydp
from pydp import nn, optim
def training():
    pydp.manual_seed(0)
    net = nn.Sequential(nn.Linear(20, 300), nn.Tanh(), nn.Linear(300, 300), nn.Linear(300, 3))
    learn = optim.Adam(net.parameters(), lr=1e-3)
    x = pydp.tensor(np.random.default_rng(0).standard_normal((64, 20)).astype(np.float32))
    target = pydp.tensor(np.arange(64) % 3)
    def step():
        learn.zero_grad()
        pydp.cross_entropy(net(x), target).backward()
        learn.step()
    def bits():
        return hash(b"".join(p.numpy().tobytes() for p in net.parameters()))
    return step, bits
"""


def test_ctrl_c_between_the_halves_of_a_step():
    """Ctrl-C leaves some weights stepped and others not, recording off, or a lock held."""
    code = f"""{TRAINING}
signal.signal(signal.SIGALRM, signal.default_int_handler)
step, bits = training()
states = [bits()]
for _ in range(400):
    step()
    states.append(bits())
random.seed(0)
step, bits = training()
done = interrupted = 0
while interrupted < 60:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-4, 4e-3))
        while True:
            step()
    except KeyboardInterrupt:
        interrupted += 1
    state = bits()
    assert state in states[done:], f"after {{interrupted}} interrupts a state between two steps"
    done = states.index(state, done)
    assert pydp.is_recording()
    if done > 300:
        step, bits = training()
        done = 0
print("whole steps only")
"""
    assert printed(code, timeout=240) == "whole steps only"


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_during_a_checkpoint(tmp_path, number, code):
    """SIGTERM or SIGHUP in training leaves half a checkpoint, or another exit code than usual."""
    path = tmp_path / "model.safetensors"
    program = f"""
import sys, pydp
from pydp import nn
from pydp.train import Stopped, stop_signals
net = nn.Linear(600, 600)
try:
    with stop_signals():
        print("ready", flush=True)
        while True:
            x = net(pydp.ones((1, 600))).sum()
            x.backward()
            pydp.save({str(path)!r}, net.state_dict())
except Stopped as stopped:
    sys.exit(stopped.code)
"""
    for delay in (0.02, 0.05, 0.1, 0.15):
        with subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": ROOT},
        ) as process:
            try:
                assert process.stdout.readline() == "ready\n"
                while not path.exists():
                    time.sleep(0.005)
                time.sleep(delay)
                process.send_signal(getattr(signal, number))
                assert process.wait(20) == code
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
        assert pydp.load(path)["weight"].shape == (600, 600)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(
    not hasattr(sys, "_is_gil_enabled") or not _kernels.__file__, reason="this Python has its GIL"
)
def test_a_python_without_gil():
    """The module claims to need no GIL, which nobody has examined."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, pydp; print(sys._is_gil_enabled())"],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "True"
