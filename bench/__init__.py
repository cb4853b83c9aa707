"""Benchmarks against NumPy, PyTorch and JAX: run from a checkout as `python -m bench`."""
