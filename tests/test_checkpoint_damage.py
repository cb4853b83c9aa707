"""Model files that are damaged, hostile, of another format, or no files at all are refused."""

import json
import os
import signal
import struct
import time

import numpy as np
import pytest

import pydp
from model_files import ONE, entry, file_of, small, write
from pydp import CheckpointError, nn

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
