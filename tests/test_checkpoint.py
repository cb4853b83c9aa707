"""Model files: what is written comes back, what is damaged is refused, failures change nothing."""

import json
import os
import signal
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
from pydp import CheckpointError, nn

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
DTYPES += ["float32", "float64"]


def file_of(header, body=b""):
    """A file with this header (text, bytes or JSON) and these bytes of data."""
    if not isinstance(header, (str, bytes)):
        header = json.dumps(header)
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header)) + header + body


def entry(shape, begin, end, dtype="F32", **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **more}


ONE = json.dumps(entry([1], 0, 4))


def write(path, content):
    path.write_bytes(content)
    return path


def small():
    return {
        "weight": pydp.tensor([[1.0, -2.5], [float("nan"), float("inf")]]),
        "count": pydp.tensor([3, 4]),
        "mask": pydp.tensor([True, False, True]),
    }


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


# ---- damaged and hostile files -------------------------------------------------------------------


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "f.safetensors"
    pydp.save(path, small(), {"a": "b"})
    whole = path.read_bytes()
    for n in range(len(whole)):
        path.write_bytes(whole[:n])
        with pytest.raises(CheckpointError, match=r"load: .*f\.safetensors is damaged"):
            pydp.load(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(CheckpointError, match="is damaged"):
        pydp.load(path)


def test_any_byte_of_the_header_changed(tmp_path):
    """A changed name or a dtype of equal size cannot be known; anything else is refused."""
    path = tmp_path / "f.safetensors"
    pydp.save(path, {"a": pydp.tensor([1.0, 2.0])})
    whole = bytearray(path.read_bytes())
    refused = 0
    for i in range(8 + whole[0]):
        for value in (0, 0x22, 0x39, 0x7B, 0x80, 0xFF, whole[i] ^ 1):
            changed = whole.copy()
            changed[i] = value
            path.write_bytes(changed)
            try:
                assert sum(tensor.size for tensor in pydp.load(path).values()) in (2, 8)
            except CheckpointError:
                refused += 1
    assert refused > 500


HOSTILE = {
    "empty file": b"",
    "seven bytes": b"\x02\0\0\0\0\0\0",
    "header length 0": struct.pack("<Q", 0),
    "header length 1": struct.pack("<Q", 1) + b"{",
    "header beyond the file": struct.pack("<Q", 100) + b"{}",
    "header over 100 MB": struct.pack("<Q", 100_000_001) + b"{}",
    "header length 2**63": struct.pack("<Q", 1 << 63) + b"{}",
    "header length 2**64 - 1": struct.pack("<Q", (1 << 64) - 1) + b"{}",
    "not UTF-8": file_of(b'{"\xff":' + ONE.encode() + b"}", b"\0" * 4),
    "half a surrogate pair": file_of('{"\\ud800":' + ONE + "}", b"\0" * 4),
    "not JSON": file_of("hello"),
    "not an object": file_of("[]"),
    "a string": file_of('"x"'),
    "text after the object": file_of("{}{}"),
    "NUL after the object": file_of("{}\0"),
    "deep lists": file_of("[" * 100_000),
    "deep objects": file_of('{"a":' * 100_000),
    "deep inside": file_of('{"a":{"dtype":"F32","shape":' + "[" * 5000 + "]" * 5000 + "}}"),
    "name twice, same place": file_of(f'{{"a":{ONE},"a":{ONE}}}', b"\0" * 4),
    "name twice, escaped": file_of(f'{{"a":{ONE},"\\u0061":{ONE}}}', b"\0" * 4),
    "name twice, two places": file_of(
        f'{{"a":{ONE},"a":{json.dumps(entry([1], 4, 8))}}}', b"\0" * 8
    ),
    "field twice": file_of('{"a":{"dtype":"F32",' + ONE[1:] + "}", b"\0" * 4),
    "metadata twice": file_of('{"__metadata__":{},"__metadata__":{}}'),
    "metadata key twice": file_of('{"__metadata__":{"x":"1","x":"2"}}'),
    "metadata no text": file_of({"__metadata__": {"x": 1}}),
    "metadata a list": file_of({"__metadata__": []}),
    "unknown field": file_of({"a": entry([1], 0, 4, more=1)}, b"\0" * 4),
    "missing field": file_of({"a": {"dtype": "F32", "shape": [1]}}, b"\0" * 4),
    "entry a list": file_of({"a": ["F32", [1], [0, 4]]}, b"\0" * 4),
    "entry null": file_of({"a": None}),
    "shape a float": file_of({"a": entry([1.0], 0, 4)}, b"\0" * 4),
    "shape NaN": file_of('{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', b"\0" * 4),
    "shape 1e400": file_of('{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}', b"\0" * 4),
    "shape negative": file_of({"a": entry([-1], 0, 4)}, b"\0" * 4),
    "shape of two negatives": file_of({"a": entry([-1, -1], 0, 4)}, b"\0" * 4),
    "shape true": file_of({"a": entry([True], 0, 4)}, b"\0" * 4),
    "shape text": file_of({"a": entry(["1"], 0, 4)}, b"\0" * 4),
    "shape beyond 64 bits": file_of({"a": entry([1 << 64], 0, 4)}, b"\0" * 4),
    "shape of many digits": file_of('{"a":{"shape":[' + "9" * 5000 + "]}}"),
    "shape product wraps to 4": file_of({"a": entry([(1 << 62) + 1, 4], 0, 16)}, b"\0" * 16),
    "shape product wraps to 0": file_of({"a": entry([1 << 32, 1 << 32], 0, 0)}),
    "size of empty wraps": file_of({"a": entry([1 << 62, 4, 0], 0, 0)}),
    "offsets reversed": file_of({"a": entry([1], 4, 0)}, b"\0" * 4),
    "offsets past the end": file_of({"a": entry([2], 0, 8)}, b"\0" * 4),
    "offsets at 2**64": file_of({"a": entry([1], (1 << 64) - 4, 1 << 64)}, b"\0" * 4),
    "offsets three": file_of('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2,4]}}', b"\0" * 4),
    "overlap": file_of({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, b"\0" * 12),
    "same place": file_of({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, b"\0" * 4),
    "hole between": file_of({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, b"\0" * 12),
    "hole before": file_of({"a": entry([1], 4, 8)}, b"\0" * 8),
    "bytes after": file_of({"a": entry([1], 0, 4)}, b"\0" * 5),
    "data without tensors": file_of({}, b"\0"),
    "size is not shape": file_of({"a": entry([3], 0, 8)}, b"\0" * 8),
    "bool of 2": file_of({"a": entry([2], 0, 2, "BOOL")}, b"\1\2"),
    "tie to nothing": file_of({"__metadata__": {"pydp.tied": '{"b":"a"}'}}),
    "tie over a tensor": file_of(
        {"__metadata__": {"pydp.tied": '{"a":"a"}'}, "a": entry([1], 0, 4)}, b"\0" * 4
    ),
    "tie no JSON": file_of({"__metadata__": {"pydp.tied": "{"}}),
    "tie a list": file_of({"__metadata__": {"pydp.tied": "[1]"}}),
    "tie to a list": file_of({"__metadata__": {"pydp.tied": '{"a":[]}'}}),
    "tie nested": file_of({"__metadata__": {"pydp.tied": "[" * 100_000}}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files_are_damaged(tmp_path, what):
    path = write(tmp_path / "f.safetensors", HOSTILE[what])
    with pytest.raises(CheckpointError, match=r"^load: .*f\.safetensors is damaged: "):
        pydp.load(path)


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "F4", "C64", "F128", "float32", ""])
def test_other_dtypes_are_refused(tmp_path, dtype):
    size = {"C64": 8, "F4": 1}.get(dtype, 2)
    path = write(
        tmp_path / "f.safetensors", file_of({"a": entry([2], 0, size, dtype)}, b"\0" * size)
    )
    with pytest.raises(CheckpointError, match=r"load: .*f\.safetensors"):
        pydp.load(path)


def test_a_dtype_that_the_library_knows_is_named(tmp_path):
    path = write(tmp_path / "f.safetensors", file_of({"a": entry([2], 0, 2, "F8_E4M3")}, b"\0" * 2))
    with pytest.raises(CheckpointError, match=r"a is F8_E4M3; pydp reads BOOL, .* F64, F16, BF16$"):
        pydp.load(path)


@pytest.mark.parametrize("shape", [[1] * 33, [1] * 65, [1 << 62, 0]], ids=str)
def test_shapes_that_no_tensor_has(tmp_path, shape):
    size = 4 if shape[-1] else 0
    path = write(tmp_path / "f.safetensors", file_of({"a": entry(shape, 0, size)}, b"\0" * size))
    with pytest.raises(CheckpointError, match=r"a has shape \("):
        pydp.load(path)


@pytest.mark.parametrize("version", ["2", "999999999999", "", "x", "-1", "0", "1.5"])
def test_files_of_another_layout_are_refused(tmp_path, version):
    path = write(tmp_path / "f.safetensors", file_of({"__metadata__": {"pydp": version}}))
    with pytest.raises(CheckpointError, match=r"layout .* this version of pydp reads up to 1"):
        pydp.load(path)


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"PK\x03\x04\0\0\x08\x08" + b"\0" * 100, "zip archive"),
        (b"\x80\x02}q\0.", "pickle, which can run any program"),
        (b"\x93NUMPY\x01\0v\0", "numpy.load"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "web page"),
    ],
)
def test_other_formats_are_refused_with_advice(tmp_path, content, advice):
    with pytest.raises(CheckpointError, match=advice):
        pydp.load(write(tmp_path / "f.bin", content))


def test_a_header_that_begins_like_a_pickle_is_still_read(tmp_path):
    header = json.dumps({"a": entry([1], 0, 4)}).ljust(0x0480).encode()
    path = write(tmp_path / "f.safetensors", file_of(header, b"\0" * 4))
    assert path.read_bytes().startswith(b"\x80\x04")
    assert list(pydp.load(path)) == ["a"]


def test_many_tiny_tensors_take_bounded_time(tmp_path):
    n = 20_000
    header = {f"{i:06}": entry([1], 4 * i, 4 * i + 4) for i in range(n)}
    path = write(tmp_path / "f.safetensors", file_of(header, b"\0" * 4 * n))
    begin = time.monotonic()
    assert len(pydp.load(path)) == n
    assert time.monotonic() - begin < 20


def test_a_damaged_file_changes_nothing_in_the_model(tmp_path):
    net = nn.Linear(3, 2)
    pydp.save(tmp_path / "f.safetensors", nn.Linear(3, 2))
    content = (tmp_path / "f.safetensors").read_bytes()
    (tmp_path / "f.safetensors").write_bytes(content[:-1])
    before = net.weight.numpy().copy()
    with pytest.raises(CheckpointError):
        net.load_state_dict(pydp.load(tmp_path / "f.safetensors"))
    assert np.array_equal(net.weight.numpy(), before)


# ---- what is no file -----------------------------------------------------------------------------


def test_no_file_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        pydp.load(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="save: no such folder"):
        pydp.save(tmp_path / "none" / "f.safetensors", {})
    for call in (pydp.load, lambda path: pydp.save(path, {})):
        with pytest.raises(OSError, match="too long"):
            call(tmp_path / ("x" * 300))


def test_pipes_folders_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.mkdir(tmp_path / "folder")
    os.symlink(tmp_path / "pipe", tmp_path / "link")
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    signal.alarm(10)  # a blocked open would not come back
    try:
        for name, kind in (("pipe", "pipe"), ("folder", "folder"), ("link", "pipe")):
            with pytest.raises(CheckpointError, match=f"load: .*{name} is a {kind}, not a file"):
                pydp.load(tmp_path / name)
            with pytest.raises(CheckpointError, match=f"save: .*{name} is a {kind}, not a file"):
                pydp.save(tmp_path / name, {})
        for call in (pydp.load, lambda path: pydp.save(path, {})):
            with pytest.raises(CheckpointError, match="device, not a file"):
                call("/dev/null")
            with pytest.raises(OSError, match="symbolic links"):
                call(tmp_path / "loop")
    finally:
        signal.alarm(0)
    assert sorted(os.listdir(tmp_path)) == ["folder", "link", "loop", "pipe"]


def test_a_file_that_becomes_a_pipe_does_not_block(tmp_path, monkeypatch):
    pydp.save(tmp_path / "file", {})
    os.mkfifo(tmp_path / "pipe")
    before = os.stat(tmp_path / "file")
    monkeypatch.setattr(os, "stat", lambda path: before)
    signal.alarm(10)
    try:
        with pytest.raises(CheckpointError, match="pipe, not a file"):
            pydp.load(tmp_path / "pipe")
    finally:
        signal.alarm(0)


def test_a_link_stays_a_link(tmp_path):
    os.mkdir(tmp_path / "store")
    os.symlink(tmp_path / "store" / "real.safetensors", tmp_path / "f.safetensors")
    for value in (1.0, 2.0):  # the first makes the file
        pydp.save(tmp_path / "f.safetensors", {"a": pydp.tensor([value])})
        assert os.path.islink(tmp_path / "f.safetensors")
        assert pydp.load(tmp_path / "store" / "real.safetensors")["a"].item() == value


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
        print("ready", flush=True)
        for i in range(10**6):
            pydp.save(sys.argv[1], {"a": numpy.full(200_000, i, numpy.float32)})
    """
    seen = set()
    for k in range(20):
        command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.02 * k)
            process.kill()
        values = set(pydp.load(path)["a"].numpy().tolist())
        assert len(values) == 1
        seen |= values
    assert len(seen) > 3  # it was killed at different times
