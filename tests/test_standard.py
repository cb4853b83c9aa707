"""The array API standard's functions on shapes, order, sums and products: argument for argument as
array-api-strict, values, shapes and types alike. float32 stands for the default float."""

import numpy as np
import pytest

import pydp
from harness import integers

strict = pytest.importorskip("array_api_strict")

F = integers(2, 3, 4).astype(np.float32)
Z = integers(2, 3, 4, seed=1).astype(np.int32)
U = integers(2, 3, 4, low=0, seed=2).astype(np.uint8)
B = F > 0
LINE = np.array([3, 1, 2, 1, 0], np.int64)

# name: (arrays, keyword arguments) of each call
CALLS = {
    "broadcast_to": [((F,), {"shape": (5, 2, 3, 4)}), ((Z[:, :1],), {"shape": (2, 3, 4)})],
    "concat": [(((F, F),), {}), (((F, F),), {"axis": -1}), (((F, F[0]),), {"axis": None}),
               (((Z, Z),), {"axis": 1})],
    "expand_dims": [((F,), {"axis": a}) for a in (0, 2, -1, -4)],
    "flip": [((F,), {}), ((F,), {"axis": 1}), ((B,), {"axis": (0, -1)})],
    "moveaxis": [((F, 0, -1), {}), ((F, (0, 1), (2, 0)), {})],
    "permute_dims": [((F, (2, 0, 1)), {}), ((F, (-1, 0, 1)), {})],
    "repeat": [((F, 2), {}), ((F, 2), {"axis": 1}), ((LINE, 3), {"axis": 0})],
    "reshape": [((F, (4, -1)), {}), ((F, (24,)), {"copy": True}), ((F, (2, 12)), {"copy": False})],
    "roll": [((F, 2), {}), ((F, -1), {"axis": 1}), ((F, (1, 2)), {"axis": (0, 2)})],
    "squeeze": [((F[:1], 0), {}), ((F[:1, :, :1], (0, -1)), {})],
    "stack": [(((F, F),), {}), (((F, F),), {"axis": -1})],
    "tile": [((F, (2, 1)), {}), ((F, (2, 1, 1, 3)), {})],
    "unstack": [((F,), {}), ((F,), {"axis": 1})],
    "matrix_transpose": [((F,), {}), ((Z,), {})],
    "take": [((LINE, np.array([2, 0])), {"axis": 0}), ((F, np.array([1, 1, 0])), {"axis": 1})],
    "take_along_axis": [((F, np.array([[[0], [1], [3]]] * 2)), {}),
                        ((F, np.array([[[1, 0, 1, 1]] * 3])), {"axis": 0})],
    "argmax": [((F,), {}), ((F,), {"axis": 1, "keepdims": True}), ((Z,), {"axis": -1})],
    "argmin": [((F,), {}), ((U,), {"axis": 0})],
    "argsort": [((F,), {}), ((Z,), {"axis": 0, "descending": True}), ((LINE,), {"stable": False})],
    "sort": [((F,), {}), ((U,), {"axis": 1, "descending": True}), ((LINE,), {"stable": False})],
    "count_nonzero": [((F,), {}), ((B,), {"axis": (0, 1)}), ((Z,), {"axis": 1, "keepdims": True})],
    "nonzero": [((F,), {}), ((B,), {}), ((LINE,), {})],
    "searchsorted": [((np.sort(LINE), LINE), {}), ((np.sort(LINE), LINE), {"side": "right"}),
                     ((LINE, LINE), {"sorter": np.argsort(LINE)})],
    "unique_all": [((LINE,), {}), ((F,), {})],
    "unique_counts": [((Z,), {})],
    "unique_inverse": [((U,), {})],
    "unique_values": [((LINE,), {})],
    "sum": [((x,), k) for x in (F, Z, U)
            for k in ({}, {"axis": 1}, {"axis": (0, 2), "keepdims": True})]
           + [((Z,), {"dtype": "int32"}), ((F,), {"dtype": "float64"})],
    "prod": [((x,), k) for x in (F, Z, U) for k in ({}, {"axis": (0, 1)}, {"keepdims": True})]
            + [((U,), {"dtype": "int16"})],
    "mean": [((F,), {}), ((F,), {"axis": (0, -1), "keepdims": True})],
    "var": [((F,), {}), ((F,), {"axis": 1, "correction": 1.0})],
    "std": [((F,), {}), ((F,), {"axis": -1, "correction": 1, "keepdims": True})],
    "max": [((F,), {}), ((Z,), {"axis": (0, 1)}), ((U,), {"keepdims": True})],
    "min": [((F,), {"axis": 0}), ((Z,), {})],
    "all": [((B,), {}), ((F,), {"axis": 1})],
    "any": [((B,), {"axis": (0, 2)}), ((Z,), {"keepdims": True})],
    "cumulative_sum": [((LINE,), {}), ((F,), {"axis": 1}), ((U,), {"axis": -1}),
                       ((F,), {"axis": 0, "include_initial": True}),
                       ((LINE,), {"dtype": "float32"})],
    "cumulative_prod": [((LINE,), {}), ((F,), {"axis": 2, "include_initial": True})],
    "diff": [((LINE,), {}), ((F,), {"axis": 1, "n": 2}), ((LINE,), {"prepend": LINE[:2]}),
             ((F,), {"axis": 0, "append": F})],
    "matmul": [((F, F.mT), {}), ((Z[0], Z[0].T), {}), ((F, F[0, 0]), {}), ((F[0, 0], F.mT), {})],
    "tensordot": [((F, F.transpose(2, 0, 1)), {"axes": 1}), ((Z, Z), {"axes": 0}),
                  ((F, F), {"axes": ((0, 1), (0, 1))})],
    "vecdot": [((F, F), {}), ((F, F[0]), {"axis": -2}), ((Z, Z), {})],
}  # fmt: skip


def into(make, value):
    """NumPy arrays as arrays of a namespace, inside tuples too."""
    if isinstance(value, np.ndarray):
        return make(value.copy())
    if isinstance(value, tuple):
        return tuple(into(make, v) for v in value)
    return value


def call(xp, make, name, arguments, keywords):
    keywords = {key: into(make, value) for key, value in keywords.items()}
    if "dtype" in keywords and xp is strict:
        keywords["dtype"] = getattr(strict, keywords["dtype"])
    result = getattr(xp, name)(*into(make, arguments), **keywords)
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]


@pytest.mark.parametrize(
    ("name", "arguments", "keywords"),
    [(name, *one) for name, calls in CALLS.items() for one in calls],
    ids=[f"{name}-{k}" for name, calls in CALLS.items() for k in range(len(calls))],
)
def test_as_the_standard(name, arguments, keywords):
    got = call(pydp, pydp.tensor, name, arguments, keywords)
    want = call(strict, strict.asarray, name, arguments, keywords)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-6)
