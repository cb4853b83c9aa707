"""Model files: tensors by name, in the safetensors format: numbers, and nothing that runs.

    8 bytes         n: length of the header, little-endian
    n bytes         JSON: name -> {dtype, shape, data_offsets}, and "__metadata__": text -> text
    the rest        the tensors' elements, without a gap

The `safetensors` library lays out and checks the data. Added here: what that library lets pass
(names twice, sizes and dtypes that pydp cannot hold), files that are never half written, and the
same bytes for the same content: keys sorted, no time, no name of the machine.

Invariants: `load` gives a whole file or a CheckpointError; after `save` the path names the whole
new file or, if anything failed, the old one untouched.

The recipe of `save` is the one that survives a loss of power: a temporary file in the same folder,
write, fsync, rename over the old name, fsync of the folder. A killed process may leave a file
`.pydp-….tmp` behind, which can be deleted.

In the metadata `pydp` is the version of this layout, and `pydp.tied` says which names are one
tensor (JSON, name -> the name under which it is stored). Other keys are the user's.

Source: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pydp import _graph
from pydp._arrays import Array, as_array
from pydp._op import Later
from pydp._tensor import Tensor
from pydp.nn import Module

json: Any = Later("json")  # with the first file

FORMAT = 1
LONGEST_HEADER = 100_000_000  # the library's own limit

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_), "I8": np.dtype("<i1"), "U8": np.dtype("<u1"),
    "I16": np.dtype("<i2"), "U16": np.dtype("<u2"), "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"), "I64": np.dtype("<i8"), "U64": np.dtype("<u8"),
    "F32": np.dtype("<f4"), "F64": np.dtype("<f8"),
}  # fmt: skip
WIDENED = ("F16", "BF16")

# How files begin that are often taken for a model file, and what to do with them.
OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive (.pt of PyTorch, or .npz); convert it with safetensors.torch"),
    (b"\x80", "a pickle, which can run any program; convert it where you trust it"),
    (b"\x93NUMPY", "a .npy array; read it with numpy.load and save it with pydp.save"),
    (b"\x89HDF", "an HDF5 file of Keras; convert it with safetensors.numpy"),
    (b"GGUF", "a GGUF file; take the model's safetensors file instead"),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with git lfs pull"),
    (b"<", "a web page; the download went wrong"),
)
OTHER_SUFFIXES = (".pt", ".pth", ".pkl", ".pickle", ".npy", ".npz", ".h5", ".gguf")


class CheckpointError(ValueError):
    """A model file that cannot be read or written as such; the message begins with its path.

    >>> import os, pydp, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "net.safetensors")
    ...     with open(path, "wb") as file:
    ...         size = file.write(b"no tensors")
    ...     try:
    ...         pydp.load(path)
    ...     except pydp.CheckpointError as error:
    ...         print(str(error).replace(folder + os.sep, ""))
    load: net.safetensors is damaged: its header would have 8030883942550761326 bytes
    """


class Loaded(dict[str, Tensor]):
    """What `load` found: tensors by name, and

    metadata   the user's text by key
    widened    name -> "F16" or "BF16", for the tensors that became float32
    """

    metadata: dict[str, str]
    widened: dict[str, str]


# ---- saving --------------------------------------------------------------------------------------


def save(
    path: str | os.PathLike[str],
    state: Module | Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write tensors by name, or a module's state, to a file that `load` and others read.

    path       of the file; a file there is replaced in one step and keeps its permissions
    state      a module, or a dict of tensors (or arrays); a tensor under several names is written
               once
    metadata   text by key, such as the recipe of the model; keys that begin with "pydp" are ours

    The same content gives the same bytes. OSError where the system refuses; the old file is then
    as it was.

    >>> import pydp, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pydp.save(f"{folder}/net.safetensors", pydp.nn.Linear(2, 3), {"made": "by hand"})
    ...     loaded = pydp.load(f"{folder}/net.safetensors")
    >>> list(loaded), loaded.metadata
    (['bias', 'weight'], {'made': 'by hand'})
    """
    name = _checked_path(path, "save")
    if name.lower().endswith(OTHER_SUFFIXES):
        suffix = os.path.splitext(name)[1]
        raise ValueError(f"save: {name}: {suffix} is another format; name it .safetensors")
    arrays, tied = _arrays(state)
    texts = _checked_metadata(metadata)
    texts["pydp"] = str(FORMAT)
    if tied:
        texts["pydp.tied"] = json.dumps(tied, sort_keys=True)
    _replace(name, _encoded(arrays, texts))


def _arrays(state: Any) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays in C order by name, and the other names of those that have several."""
    if isinstance(state, Module):
        state = state.state_dict()
    if not isinstance(state, Mapping):
        raise TypeError(f"save: state must be a module or a dict, got {type(state).__name__}")
    arrays: dict[str, Array] = {}
    tied: dict[str, str] = {}
    names: dict[int, str] = {}
    for key, value in state.items():
        if not isinstance(key, str):
            raise TypeError(f"save: a name must be a str, got {key!r}")
        if not key or key == "__metadata__" or not _encodes(key):
            raise ValueError(f"save: {key!r} cannot be the name of a tensor")
        if not isinstance(value, (Tensor, np.ndarray)):
            raise TypeError(f"save: {key} must be a tensor, got {type(value).__name__}")
        if id(value) in names:
            tied[key] = names[id(value)]
            continue
        names[id(value)] = key
        array = value._array if isinstance(value, Tensor) else as_array(value, "save", copy=False)
        arrays[key] = np.asarray(array, order="C")
    return arrays, tied


def _checked_metadata(metadata: Any) -> dict[str, str]:
    if not (metadata is None or isinstance(metadata, Mapping)):
        raise TypeError(f"save: metadata must be a dict of text, got {type(metadata).__name__}")
    for key, value in (metadata or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError(f"save: metadata must be text by text, got {key!r}: {value!r}")
        if key.startswith("pydp") or not (_encodes(key) and _encodes(value)):
            raise ValueError(f"save: {key!r} cannot be a key of metadata")
    return dict(metadata or {})


def _encodes(text: str) -> bool:
    """Whether a text has a UTF-8 form: half a surrogate pair has none."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _encoded(arrays: dict[str, Array], metadata: dict[str, str]) -> list[bytes | memoryview]:
    """The file in pieces. The library orders metadata at random, so the header is ours."""
    import safetensors.numpy

    whole = safetensors.numpy.save(arrays)
    end = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:end])
    header["__metadata__"] = metadata
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > LONGEST_HEADER:
        raise ValueError(f"save: names and metadata take {len(text)} bytes, more than a file holds")
    return [len(text).to_bytes(8, "little"), text, memoryview(whole)[end:]]


def _replace(name: str, pieces: Iterable[bytes | memoryview]) -> None:
    """Put a file with this content in the place of `name`, whole or not at all."""
    target = os.path.realpath(name)  # through a link, so that the link stays one
    folder = os.path.dirname(target)
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
    if mode is not None:
        _check_regular(mode, name, "save")
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "save: the file is write-protected", name)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "save: no such folder", folder)

    temporary = os.path.join(folder, f".pydp-{os.urandom(8).hex()}.tmp")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make a rename last."""
    number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system without it
            raise
    finally:
        os.close(number)


# ---- loading -------------------------------------------------------------------------------------


def load(path: str | os.PathLike[str]) -> Loaded:
    """The tensors of a safetensors file by name; for a module's `load_state_dict`.

    F16 and BF16 become float32, which a warning and `.widened` report. CheckpointError where the
    file is damaged, of another format or of a dtype that pydp does not have; OSError where the
    system does not let it be read.

    >>> import pydp
    >>> pydp.load("/dev/null")
    Traceback (most recent call last):
    pydp.checkpoint.CheckpointError: load: /dev/null is a device, not a file
    """
    name = _checked_path(path, "load")
    data = _read(name)
    try:
        loaded = _decoded(data)
    except _DamageError as damage:
        if int.from_bytes(data[:8], "little") > LONGEST_HEADER:  # no file of ours begins so
            for beginning, what in OTHER_FORMATS:
                if data.startswith(beginning):
                    raise CheckpointError(f"load: {name} is {what}") from None
        raise CheckpointError(f"load: {name} is damaged: {damage}") from None
    except CheckpointError as error:
        raise CheckpointError(f"load: {name}: {error}") from None
    if loaded.widened:
        kinds = " and ".join(sorted(set(loaded.widened.values())))
        warnings.warn(
            f"load: {name}: {len(loaded.widened)} of {len(loaded)} tensors were {kinds} and are "
            "now float32",
            stacklevel=2,
        )
    return loaded


class _DamageError(Exception):
    """What is wrong with a file; `load` adds which."""


def _read(name: str) -> bytes:
    """The bytes of a regular file. A pipe or device is refused before it is opened; one that
    appears in between does not block. A wrong header length is found before much is read."""
    _check_regular(os.stat(name).st_mode, name, "load")
    number = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as file:
        status = os.fstat(number)
        _check_regular(status.st_mode, name, "load")
        head = file.read(32)
        length = int.from_bytes(head[:8], "little")
        if length > min(status.st_size - 8, LONGEST_HEADER):
            return head
        file.seek(0)
        return file.read()


def _decoded(data: bytes) -> Loaded:
    import safetensors

    if len(data) < 8:
        raise _DamageError(f"it has {len(data)} bytes, fewer than the 8 that a header begins with")
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, LONGEST_HEADER):
        raise _DamageError(f"its header would have {length} bytes")
    try:
        tensors = safetensors.deserialize(data)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise _DamageError(str(error).removeprefix("Error while deserializing: ")) from None
    metadata = _checked_header(data[8 : 8 + length])

    loaded = Loaded()
    loaded.widened = {}
    for name, parts in sorted(tensors, key=lambda item: item[0]):
        dtype, shape = parts["dtype"], tuple(parts["shape"])
        if dtype in WIDENED:
            loaded.widened[name] = dtype
        loaded[name] = _graph.wrap(_array(name, dtype, shape, parts["data"]))
    for alias, name in _tied(metadata.pop("pydp.tied", "{}")).items():
        if alias in loaded or name not in loaded:
            raise _DamageError(f"{alias} cannot be another name of {name}")
        loaded[alias] = loaded[name]
    metadata.pop("pydp", None)
    loaded.metadata = metadata
    return loaded


def _checked_header(text: bytes) -> dict[str, str]:
    """The metadata of a header that the library has accepted, after the checks it leaves out."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise _DamageError(f"{twice!r} is there twice")
        return found

    try:
        header = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise _DamageError(f"its header is no JSON: {error}") from None
    metadata = header.pop("__metadata__", None) or {}
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise _DamageError(f"{name!r} must have dtype, shape and data_offsets, and no more")
        if entry["dtype"] not in (*DTYPES, *WIDENED):
            raise CheckpointError(
                f"{name} is {entry['dtype']}; pydp reads {', '.join((*DTYPES, *WIDENED))}"
            )
    written = metadata.get("pydp", str(FORMAT))
    if not written.isdecimal() or not 1 <= int(written[:9]) <= FORMAT:
        raise CheckpointError(
            f"it is written in layout {written[:9]}, this version of pydp reads up to {FORMAT}; "
            "install a newer one"
        )
    return dict(metadata)


def _array(name: str, dtype: str, shape: tuple[int, ...], data: Any) -> Array:
    """A tensor's bytes as an array of its own."""
    if dtype == "F16":
        array = np.frombuffer(data, "<f2").astype(np.float32)
    elif dtype == "BF16":  # the upper half of a float32
        array = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif dtype == "BOOL" and np.any(np.frombuffer(data, "u1") > 1):
        raise _DamageError(f"{name!r} is BOOL, but has bytes other than 0 and 1")
    else:
        array = np.frombuffer(data, DTYPES[dtype])
    try:
        return as_array(array.reshape(shape), "load", copy=not array.flags.writeable)
    except ValueError as error:  # more axes than pydp has, or sizes such as 2**62 by 0
        raise CheckpointError(f"{name} has shape {shape}: {error}") from None


def _tied(text: str) -> dict[str, str]:
    try:
        tied = json.loads(text)
    except (ValueError, RecursionError):
        tied = None
    if not isinstance(tied, dict) or not all(isinstance(name, str) for name in tied.values()):
        raise _DamageError("its list of tied names is not one")
    return tied


# ---- paths ---------------------------------------------------------------------------------------


def _checked_path(path: Any, op: str) -> str:
    """A path as text. A number would name an open file, such as the terminal."""
    found = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(found, str):
        raise TypeError(f"{op}: path must be a str or a Path, got {path!r}")
    if not found or "\0" in found:
        raise ValueError(f"{op}: path must not be empty or hold a NUL, got {found!r}")
    return found


def _check_regular(mode: int, name: str, op: str) -> None:
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
        kind = kinds.get(stat.S_IFMT(mode), "device")
        raise CheckpointError(f"{op}: {name} is a {kind}, not a file")
