"""What the array API standard (2024.12) asks a namespace to say of itself."""

from __future__ import annotations

from typing import Any

from pydp._arguments import check_device
from pydp._arrays import DTYPES, FLOAT32, INT64, MAX_AXES
from pydp._dtypes import KINDS, DType, isdtype

__array_api_version__ = "2024.12"


class ArrayNamespaceInfo:
    """The answers of `__array_namespace_info__()`."""

    def capabilities(self) -> dict[str, Any]:
        """What the standard leaves open: boolean indexing, shapes that depend on data, axes."""
        return {
            "boolean indexing": True,
            "data-dependent shapes": True,
            "max dimensions": MAX_AXES,
        }

    def default_device(self) -> str:
        """ "cpu"."""
        return "cpu"

    def devices(self) -> list[str]:
        """The one device."""
        return ["cpu"]

    def default_dtypes(self, *, device: str | None = None) -> dict[str, DType]:
        """The dtypes of Python's numbers and of indices. There are no complex ones."""
        check_device(device, "default_dtypes")
        return {"real floating": FLOAT32, "integral": INT64, "indexing": INT64}

    def dtypes(self, *, device: str | None = None, kind: Any = None) -> dict[str, DType]:
        """The dtypes of a kind (see isdtype), or all, by name."""
        check_device(device, "dtypes")
        wanted = tuple(KINDS) if kind is None else kind
        return {name: dtype for name, dtype in DTYPES.items() if isdtype(dtype, wanted)}


def __array_namespace_info__() -> ArrayNamespaceInfo:  # noqa: N807 (the standard's name)
    """What this namespace has: devices, dtypes, defaults, capabilities.

    >>> import pydp
    >>> pydp.__array_namespace_info__().default_dtypes()["real floating"]
    dtype('float32')
    """
    return ArrayNamespaceInfo()
