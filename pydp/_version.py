"""The one version number: semantic, read by the build and by `pydp.__version__`."""

__version__ = "0.1.0"
