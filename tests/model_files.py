"""Files to load and states to save, for the tests of model files."""

import json
import struct

import pydp


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
