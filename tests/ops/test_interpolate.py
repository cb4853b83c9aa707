"""interpolate and its gradient: PyTorch's places and weights, both layouts, what is refused."""

import numpy as np
import pytest

import pydp
from harness import Case, assert_bits, examine, integers, real, torch

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch, the peer, is not installed")


def case(why, x, exact=False, **arguments):
    def theirs(x):
        return torch.nn.functional.interpolate(x, **arguments)

    # a place far from 0 is rounded, in float32 to 1e-6: PyTorch's as ours
    return Case("interpolate", lambda x: pydp.interpolate(x, **arguments), [x], why, exact=exact,
                torch=torch and theirs, bound=1e-5)  # fmt: skip


CASES = [
    case("each pixel twice", integers(2, 3, 4, 5), scale_factor=2, exact=True),
    case("every second pixel", integers(2, 3, 6, 8), scale_factor=0.5, exact=True),
    case("one number for each axis", integers(2, 2, 5, 3), scale_factor=(1.4, 3), exact=True),
    case("to a size", integers(1, 3, 7, 5), size=(4, 11), exact=True),
    case("to one size for both", integers(1, 2, 3, 5), size=4, exact=True),
    case("signals", integers(2, 3, 7), size=12, exact=True),
    case("recomputed", integers(1, 2, 7, 5), scale_factor=1.3, recompute_scale_factor=True,
         exact=True),
    case("many channels", integers(2, 19, 3, 4), scale_factor=2, exact=True),
    case("twice", real(2, 3, 4, 5), scale_factor=2, mode="bilinear"),
    case("five times: each pixel is seen by many", real(1, 2, 3, 4), scale_factor=5,
         mode="bilinear"),
    case("five times, many channels", real(1, 17, 3, 4), scale_factor=5),
    case("halves", real(2, 3, 6, 8), scale_factor=0.5, mode="bilinear"),
    case("down to a third and less", real(1, 2, 20, 17), size=(6, 5), mode="bilinear"),
    case("corners", real(2, 3, 4, 5), size=(7, 9), mode="bilinear", align_corners=True),
    case("corners of one pixel", real(1, 2, 4, 5), size=(1, 1), mode="bilinear",
         align_corners=True),
    case("from one pixel", real(1, 2, 1, 1), size=(3, 4), mode="bilinear"),
    case("one axis as it is", real(1, 2, 4, 5), size=(4, 8), mode="bilinear"),
    case("a scale that does not divide", real(1, 2, 5, 6), scale_factor=1.3, mode="bilinear"),
    case("the same recomputed", real(1, 2, 5, 6), scale_factor=1.3, mode="bilinear",
         recompute_scale_factor=True),
    case("corners and a scale", real(1, 2, 5, 6), scale_factor=1.3, mode="bilinear",
         align_corners=True),
    case("many channels", real(2, 19, 3, 4), scale_factor=2, mode="bilinear"),
    case("signals", real(2, 3, 7), size=12, mode="linear"),
    case("signals, corners", real(2, 3, 7), scale_factor=2.5, mode="linear", align_corners=True),
    case("no image", real(0, 3, 4, 4), size=5, mode="bilinear"),
    case("several tasks", real(3, 5, 60, 50), scale_factor=2, mode="bilinear"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_nearest_place_is_that_of_torch(dtype):
    """Also where a place is next to a whole number, so that rounding decides."""
    for n in range(1, 41):
        x = np.arange(n, dtype=dtype)[None, None]
        peer = torch.from_numpy(x)
        for arguments in [{"size": out} for out in range(1, 61)] + [
            {"scale_factor": s, "recompute_scale_factor": again}
            for s in (1.0, 1.2, 1.25, 1.5, 2.7, 3.0, 10 / 3)
            for again in (False, True)
        ]:
            want = torch.nn.functional.interpolate(peer, **arguments).numpy()
            got = pydp.interpolate(pydp.tensor(x), **arguments).numpy()
            assert_bits(got, want, f"{n}, {arguments}")


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_the_result_lies_as_x_does(mode):
    x = pydp.tensor(real(2, 4, 5, 3)).permute_dims((0, 3, 1, 2)).requires_grad_()
    y = pydp.interpolate(x, scale_factor=2, mode=mode)
    assert y.numpy().transpose(0, 2, 3, 1).flags.c_contiguous
    assert pydp.interpolate(pydp.zeros((1, 2, 3, 4)), size=5).numpy().flags.c_contiguous


def test_an_infinite_pixel_does_not_reach_where_it_has_no_weight():
    x = pydp.tensor([[[[1.0, 2.0], [np.inf, 3.0]]]])
    y = pydp.interpolate(x, size=(3, 2), mode="bilinear", align_corners=True).numpy()
    assert y[0, 0, 0].tolist() == [1.0, 2.0]
    assert pydp.interpolate(x, size=(4, 4)).numpy()[0, 0, 1].tolist() == [1.0, 1.0, 2.0, 2.0]


ERRORS = [
    ((1, 2, 3, 4), {}, ValueError,
     "interpolate: expected either size or scale_factor, got neither"),
    ((1, 2, 3, 4), {"size": 3, "scale_factor": 2}, ValueError,
     "interpolate: expected either size or scale_factor, got both"),
    ((1, 2, 3, 4), {"size": 3, "mode": "bicubic"}, ValueError,
     "interpolate: mode must be one of 'nearest', 'linear', 'bilinear', got 'bicubic'"),
    ((1, 2, 3), {"size": 3, "mode": "bilinear"}, ValueError,
     "interpolate: mode 'bilinear' takes x of 4 axes, got shape (1, 2, 3)"),
    ((2, 3), {"size": 3}, ValueError,
     "interpolate: mode 'nearest' takes x of 3 or 4 axes, got shape (2, 3)"),
    ((1, 2, 3, 4), {"size": 0}, ValueError, "interpolate: size must be at least 1, got 0"),
    ((1, 2, 3, 4), {"size": 2.0}, TypeError, "interpolate: size must be an int, got 2.0"),
    ((1, 2, 3, 4), {"size": (3,)}, ValueError,
     "interpolate: size must be an int or 2, got (3,)"),
    ((1, 2, 3, 4), {"scale_factor": (2, 2, 2)}, ValueError,
     "interpolate: scale_factor must be a number or 2, got (2, 2, 2)"),
    ((1, 2, 3, 4), {"scale_factor": -1}, ValueError,
     "interpolate: scale_factor must be positive and finite, got -1.0"),
    ((1, 2, 3, 4), {"scale_factor": float("nan")}, ValueError,
     "interpolate: scale_factor must be positive and finite, got nan"),
    ((1, 2, 3, 4), {"scale_factor": True}, TypeError,
     "interpolate: scale_factor must be a number, got True"),
    ((1, 2, 3, 4), {"scale_factor": 0.3}, ValueError,
     "interpolate: scale_factor 0.3 leaves nothing of height 3"),
    ((1, 2, 3, 4), {"scale_factor": 1e300}, ValueError,
     "interpolate: scale_factor 1e+300 makes height 3 2**31 or more"),
    ((1, 2, 3, 0), {"size": 3}, ValueError,
     "interpolate: width of x must be at least 1, got 0"),
    ((1, 2, 3, 0), {"scale_factor": 2.0}, ValueError,
     "interpolate: width of x must be at least 1, got 0"),
    ((1, 2, 3, 4), {"size": 3, "align_corners": True}, ValueError,
     "interpolate: align_corners is for the linear modes, got True"),
    ((1, 2, 3, 4), {"size": 3, "mode": "bilinear", "align_corners": 1}, TypeError,
     "interpolate: align_corners must be a bool or None, got 1"),
    ((1, 2, 3, 4), {"size": 3, "recompute_scale_factor": True}, ValueError,
     "interpolate: recompute_scale_factor is for scale_factor, got size 3"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "arguments", "error", "message"), ERRORS)
def test_errors(shape, arguments, error, message):
    with pytest.raises(error) as raised:
        pydp.interpolate(pydp.zeros(shape), **arguments)
    assert str(raised.value) == message


def test_more_than_memory():
    with pytest.raises(MemoryError):
        pydp.interpolate(pydp.zeros((1, 1, 2, 2)), size=(2**30, 2**30))


@pytest.mark.parametrize("shape", [(1, 1, 5), (1, 1, 1, 5), (1, 2, 1, 300)])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_nearest_by_a_little_more_than_1_or_2(shape, scale):
    """PyTorch takes the scale for 1 or 2, but in the values of some sizes: ours is the formula."""
    n = shape[-1]
    scale += 0.5 / n
    x = pydp.tensor(np.broadcast_to(np.arange(float(n)), shape).copy(), requires_grad=True)
    y = pydp.interpolate(x, scale_factor=scale if len(shape) == 3 else (1.0, scale))
    places = np.floor(np.arange(int(n * scale)) / scale)
    np.testing.assert_array_equal(y.numpy(), np.broadcast_to(places, y.shape))
    pydp.sum(y).backward()
    counts = np.bincount(places.astype(int), minlength=n)
    np.testing.assert_array_equal(x.grad.numpy(), np.broadcast_to(counts, shape))
