"""Signatures of a real network, which the tests of the language share."""

from pydp._signature import parse, symbol

h, w, n = symbol("h"), symbol("w"), symbol("n")


def windows(channels_in, channels_out, window, stride=1, padding=0):
    """The signature of a convolution, from the arithmetic an op would write."""

    def out(x):
        return (x + 2 * padding - (window - 1) - 1) // stride + 1

    return parse(f"real[..., {channels_in}, h, w] -> real[..., {channels_out}, {out(h)}, {out(w)}]")


POOL = windows("c", "c", 3, 2)
RELU = parse("real[...] -> real[...]")
FLATTEN = parse("real[n, c, h, w] -> real[n, c*h*w]")
ADD_NORM = parse("(real[..., d] -> real[..., d]) -> (real[..., d] -> real[..., d])")
FEATURES = [
    windows(3, 64, 11, 4, 2),
    RELU,
    POOL,
    windows(64, 192, 5, 1, 2),
    RELU,
    POOL,
    windows(192, 384, 3, 1, 1),
    windows(384, 256, 3, 1, 1),
    windows(256, 256, 3, 1, 1),
    POOL,
]


def chain(signatures):
    result, *rest = signatures
    for signature in rest:
        result = result >> signature
    return result
