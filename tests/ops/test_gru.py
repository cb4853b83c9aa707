"""gru against its definition, PyTorch and differences; errors by message.

The cases are those of recurrent_cases.py. Errors that lstm has too are examined there.
"""

import pytest
from recurrent_cases import cases, examine_backward, examine_cut, examine_final_state

import pydp
from harness import examine

CASES = cases("gru")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


def test_final_state():
    examine_final_state("gru")


def test_backward():
    examine_backward("gru")


def test_every_cut_has_the_same_bits():
    examine_cut("gru")


X, W, U = pydp.zeros((2, 5, 3)), pydp.zeros((12, 3)), pydp.zeros((12, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, W, pydp.zeros((16, 4))), {}, ValueError,
         "gru: weight_hh must be [3 h, h] with a hidden size h of at least 1, got (16, 4)"),
        ((X, pydp.zeros((16, 3)), U), {}, ValueError,
         "gru: weight_ih must be (12, 3) for x (2, 5, 3) and weight_hh (12, 4), got (16, 3)"),
        ((X, W, U), {"state": pydp.zeros((1, 2, 4))}, ValueError,
         "gru: state must be (2, 4) for x (2, 5, 3) and hidden size 4, got (1, 2, 4)"),
        ((X, W, U), {"state": pydp.zeros((2, 4), dtype="float64")}, TypeError,
         "gru: arguments must have one dtype, got x float32, weight_ih float32, weight_hh "
         "float32, state float64; use astype"),
        ((X, W, U), {"lengths": [5, 6]}, ValueError, "gru: lengths[1] is 6, allowed are 0 … 5"),
    ],
)  # fmt: skip
def test_errors(arguments, options, error, message):
    with pytest.raises(error) as caught:
        pydp.gru(*arguments, **options)
    assert str(caught.value) == message
