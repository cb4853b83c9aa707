"""Model files: what is written comes back, and what fails changes nothing."""

import json
import os
import stat
import struct
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import safetensors.numpy

import pydp
from model_files import entry, file_of, small, write
from pydp import CheckpointError, nn

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
DTYPES += ["float32", "float64"]


def assert_equal(got, want):
    assert list(got) == sorted(want)
    for name, tensor in want.items():
        assert got[name].dtype == tensor.dtype and got[name].shape == tensor.shape
        equal_nan = tensor.dtype.kind == "f"
        assert np.array_equal(got[name].numpy(), tensor.numpy(), equal_nan=equal_nan)


# ---- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_shape_comes_back(tmp_path, dtype):
    numbers = np.arange(24) % 2 if dtype == "bool" else np.arange(24)
    a = numbers.astype(dtype)
    state = {"flat": a, "cube": a.reshape(2, 3, 4), "none": a[:0].reshape(0, 5), "one": a[3:4]}
    state["0-d"] = a.reshape(24)[5:6].reshape(())
    pydp.save(tmp_path / "f.safetensors", state)
    got = pydp.load(tmp_path / "f.safetensors")
    assert_equal(got, {name: pydp.tensor(value) for name, value in state.items()})
    for tensor in got.values():
        assert isinstance(tensor, pydp.Tensor) and not tensor.requires_grad
        assert (tensor + tensor).shape == tensor.shape  # memory that kernels take


def test_any_layout_is_written_in_c_order(tmp_path):
    a = np.arange(24.0, dtype=np.float32).reshape(4, 6)
    frozen = a.copy()
    frozen.flags.writeable = False
    state = {"T": a.T, "reversed": a[::-1, ::-1], "step": a[::2, 1::3], "big": a.astype(">f4")}
    state |= {"frozen": frozen, "wide": np.broadcast_to(a[0], (3, 6))}
    pydp.save(tmp_path / "f.safetensors", state)
    theirs = safetensors.numpy.load_file(tmp_path / "f.safetensors")
    for name, value in state.items():
        assert np.array_equal(theirs[name], value), name


def test_nothing_at_all_is_a_state_too(tmp_path):
    pydp.save(tmp_path / "f.safetensors", {})
    assert pydp.load(tmp_path / "f.safetensors") == {}


def test_module_there_and_back(tmp_path):
    one, two = [nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)) for _ in range(2)]
    pydp.save(tmp_path / "f.safetensors", one)
    assert two.load_state_dict(pydp.load(tmp_path / "f.safetensors")) == ([], [])
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_torch_reads_ours_and_we_read_theirs(tmp_path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    ours = nn.Sequential(nn.Linear(3, 4), nn.Conv2d(1, 2, 3))
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Conv2d(1, 2, 3))
    save_file(theirs.state_dict(), tmp_path / "theirs.safetensors", {"format": "pt"})
    loaded = pydp.load(tmp_path / "theirs.safetensors")
    assert loaded.metadata == {"format": "pt"}
    ours.load_state_dict(loaded)
    pydp.save(tmp_path / "ours.safetensors", ours)
    back = load_file(tmp_path / "ours.safetensors")
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(back[name], tensor)


def test_a_tie_is_stored_once_and_comes_back(tmp_path):
    net = nn.Sequential(nn.Linear(50, 50, bias=False), nn.Linear(50, 50, bias=False))
    net[1].weight = net[0].weight
    pydp.save(tmp_path / "f.safetensors", net)
    assert os.path.getsize(tmp_path / "f.safetensors") < 1.1 * 4 * 50 * 50
    got = pydp.load(tmp_path / "f.safetensors")
    assert got["0.weight"] is got["1.weight"] and got.metadata == {}
    assert net.load_state_dict(got) == ([], [])


def test_names_and_metadata_of_any_script(tmp_path):
    metadata = {"recipe": "Größe λ 🙂", "": "empty key", "lines": 'a\n"b"\\\0'}
    pydp.save(tmp_path / "Modell λ.safetensors", {"ä.🙂": pydp.tensor([1.0])}, metadata)
    got = pydp.load(tmp_path / "Modell λ.safetensors")
    assert list(got) == ["ä.🙂"] and got.metadata == metadata


def test_same_content_same_bytes(tmp_path):
    state, metadata = small(), {f"key {i}": str(i) for i in range(20)}
    pydp.save(tmp_path / "a.safetensors", state, metadata)
    turned = dict(reversed(state.items())), dict(reversed(metadata.items()))
    pydp.save(tmp_path / "b.safetensors", *turned)
    a = (tmp_path / "a.safetensors").read_bytes()
    assert a == (tmp_path / "b.safetensors").read_bytes()
    code = "import pydp, sys; f = pydp.load(sys.argv[1]); pydp.save(sys.argv[2], f, f.metadata)"
    for seed in "12":  # another process, another order of hashes
        paths = [str(tmp_path / name) for name in ("a.safetensors", "c.safetensors")]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, *paths], check=True, env=environment)
        assert (tmp_path / "c.safetensors").read_bytes() == a


def test_files_of_layout_1_are_read_for_ever(tmp_path):
    """The bytes that the first version wrote; while 1 is the newest layout, those written now."""
    metadata = {"made": "by hand", "pydp": "1", "pydp.tied": '{"b": "a"}'}
    header = {"__metadata__": metadata, "a": {"data_offsets": [0, 4], "dtype": "F32", "shape": [1]}}
    text = json.dumps(header, separators=(",", ":"))
    old = file_of(text + " " * (-len(text) % 8), struct.pack("<f", 1.5))
    got = pydp.load(write(tmp_path / "old.safetensors", old))
    assert got["a"].item() == 1.5 and got["a"] is got["b"]
    assert got.metadata == {"made": "by hand"}
    pydp.save(tmp_path / "new.safetensors", got, got.metadata)
    assert (tmp_path / "new.safetensors").read_bytes() == old


def test_half_floats_are_widened_and_reported(tmp_path):
    halves = np.array([1.5, -0.0, 6e-8, 65504.0, np.inf], np.float16)
    brain = np.array([1.5, -3e38, 1e-40, np.inf], np.float32).view(np.uint32) >> 16
    header = {"h": entry([5], 0, 10, "F16"), "b": entry([2, 2], 10, 18, "BF16")}
    header["f"] = entry([1], 18, 22)
    body = halves.tobytes() + brain.astype(np.uint16).tobytes() + np.float32(7).tobytes()
    path = write(tmp_path / "f.safetensors", file_of(header, body))
    with pytest.warns(UserWarning, match=r"2 of 3 tensors were BF16 and F16 and are now float32"):
        got = pydp.load(path)
    assert got.widened == {"h": "F16", "b": "BF16"}
    assert {str(t.dtype) for t in got.values()} == {"float32"}
    assert np.array_equal(got["h"].numpy(), halves.astype(np.float32))
    assert np.array_equal(got["b"].numpy().ravel().view(np.uint32), brain << 16)


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "kind", "message"),
    [
        ([1], TypeError, "save: state must be a module or a dict, got list"),
        ({1: pydp.tensor([1.0])}, TypeError, "save: a name must be a str, got 1"),
        ({"": pydp.tensor([1.0])}, ValueError, "save: '' cannot be the name of a tensor"),
        ({"\ud800": pydp.tensor([1.0])}, ValueError, "save: .* cannot be the name of a tensor"),
        ({"__metadata__": pydp.tensor([1.0])}, ValueError, "cannot be the name of a tensor"),
        ({"a": [1.0]}, TypeError, "save: a must be a tensor, got list"),
        ({"a": np.ones(2, np.float16)}, TypeError, "save: dtype must be one of .* got float16"),
        ({"a": np.array([None])}, TypeError, "save: dtype must be one of"),
        ({"a": np.ones(2, np.complex64)}, TypeError, "save: dtype must be one of"),
    ],
)
def test_states_that_cannot_be_saved(tmp_path, state, kind, message):
    with pytest.raises(kind, match=message):
        pydp.save(tmp_path / "f.safetensors", state)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [([1], TypeError), ({"a": 1}, TypeError), ({1: "a"}, TypeError), ({"pydp.x": "1"}, ValueError),
     ({"a": "\udfff"}, ValueError)],
)  # fmt: skip
def test_metadata_is_text(tmp_path, metadata, kind):
    with pytest.raises(kind, match="save: "):
        pydp.save(tmp_path / "f.safetensors", {}, metadata)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", [0, None, b"x", "", "a\0b", True])
def test_paths_are_text(path):
    for call in (pydp.load, lambda path: pydp.save(path, {})):
        with pytest.raises((TypeError, ValueError), match="path must"):
            call(path)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PKL", ".npy", ".npz"])
def test_names_of_other_formats_are_refused(tmp_path, suffix):
    with pytest.raises(ValueError, match=r"is another format; name it \.safetensors"):
        pydp.save(tmp_path / f"f{suffix}", {})


# ---- saving fails --------------------------------------------------------------------------------


def test_permissions_stay(tmp_path):
    path = tmp_path / "f.safetensors"
    before = os.umask(0o027)
    try:
        pydp.save(path, {})
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        pydp.save(path, small())
        assert path.stat().st_mode & 0o777 == 0o604
    finally:
        os.umask(before)


def test_the_recipe_of_a_save(tmp_path, monkeypatch):
    """File to disk, then the rename, then the folder to disk: what a loss of power asks for."""
    seen = []
    fsync, replace = os.fsync, os.replace

    def synced(number):
        status = os.fstat(number)
        seen.append("folder" if stat.S_ISDIR(status.st_mode) else f"file of {status.st_size}")
        fsync(number)

    def replaced(old, new):
        assert os.path.dirname(old) == os.path.dirname(new) == str(tmp_path)
        seen.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    path = tmp_path / "f.safetensors"
    pydp.save(path, small())
    assert seen == [f"file of {path.stat().st_size}", "rename", "folder"]


class Full:
    """A file that takes so many bytes and then says that the disk is full."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()

    def write(self, piece):
        self.room -= len(piece)
        if self.room < 0:
            self.file.write(piece[: self.room])
            raise OSError(28, "No space left on device")
        return self.file.write(piece)

    def __getattr__(self, name):
        return getattr(self.file, name)


def failing(*arguments):
    raise OSError(5, "Input/output error")


def interrupted(*arguments):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "replacement"),
    [("fsync", failing), ("replace", failing), ("fchmod", failing), ("open", failing),
     ("fsync", interrupted), ("replace", interrupted)]
    + [("fdopen", lambda n, mode, room=room, real=os.fdopen: Full(real(n, mode), room))
       for room in (0, 8, 40, 300)],
)  # fmt: skip
def test_whatever_fails_the_old_file_stays_and_nothing_else(
    tmp_path, monkeypatch, name, replacement
):
    path = tmp_path / "f.safetensors"
    pydp.save(path, small())
    before = path.read_bytes()
    monkeypatch.setattr(os, name, replacement)
    with pytest.raises((OSError, KeyboardInterrupt)):
        pydp.save(path, {**small(), "more": pydp.tensor([1.0] * 100)})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["f.safetensors"]


def test_a_real_limit_of_the_system(tmp_path):
    path = tmp_path / "f.safetensors"
    pydp.save(path, small())
    before = path.read_bytes()
    code = """
        import resource, signal, sys
        import pydp
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            pydp.save(sys.argv[1], {"a": pydp.tensor([1.0] * 5000)})
        except OSError as error:
            print(error.errno)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "27\n"
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["f.safetensors"]


def test_no_open_files_are_left(tmp_path, monkeypatch):
    def count():
        return len(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc: open files cannot be counted")
    path = tmp_path / "f.safetensors"
    pydp.save(path, small())
    before = count()
    for _ in range(20):
        pydp.save(path, small())
        pydp.load(path)
    path.write_bytes(b"x" * 20)
    for _ in range(20):
        with pytest.raises(CheckpointError):
            pydp.load(path)
    assert count() == before


def test_two_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "f.safetensors"
    size = 50_000

    def writer(value):
        for _ in range(20):
            pydp.save(path, {"a": np.full(size, value, np.float32)})

    threads = [threading.Thread(target=writer, args=(value,)) for value in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    while not path.exists():
        time.sleep(0.001)
    for _ in range(50):
        assert len(set(pydp.load(path)["a"].numpy().tolist())) == 1
    for thread in threads:
        thread.join()
    assert os.listdir(tmp_path) == ["f.safetensors"]


@pytest.mark.slow
def test_killed_at_any_time_the_file_is_old_or_new(tmp_path):
    path = tmp_path / "f.safetensors"
    pydp.save(path, {"a": np.zeros(200_000, np.float32)})
    code = """
        import sys, numpy, pydp
        for i in range(10**6):
            pydp.save(sys.argv[1], {"a": numpy.full(200_000, i, numpy.float32)})
            print(i, flush=True)
    """
    for k in range(20):  # killed some time after k % 5 was saved, however long that took
        command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for _ in range(k % 5 + 1):
                process.stdout.readline()
            time.sleep(0.001 * k)
            process.kill()
        (value,) = set(pydp.load(path)["a"].numpy().tolist())
        assert value >= k % 5
