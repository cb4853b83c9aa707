"""rnn against its definition, PyTorch and differences; errors by message.

The cases are those of recurrent_cases.py. Errors that lstm has too are examined there.
"""

import pytest
from recurrent_cases import cases, examine_backward, examine_cut, examine_final_state

import pydp
from harness import examine

KINDS = ("tanh", "relu")
CASES = [case for kind in KINDS for case in cases("rnn", nonlinearity=kind)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_examination(case):
    examine(case)


@pytest.mark.parametrize("kind", KINDS)
def test_final_state(kind):
    examine_final_state("rnn", nonlinearity=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_backward(kind):
    examine_backward("rnn", nonlinearity=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_has_the_same_bits(kind):
    examine_cut("rnn", nonlinearity=kind)


X, W, U = pydp.zeros((2, 5, 3)), pydp.zeros((4, 3)), pydp.zeros((4, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, W, pydp.zeros((16, 4))), {}, ValueError,
         "rnn: weight_hh must be [h, h] with a hidden size h of at least 1, got (16, 4)"),
        ((X, pydp.zeros((16, 3)), U), {}, ValueError,
         "rnn: weight_ih must be (4, 3) for x (2, 5, 3) and weight_hh (4, 4), got (16, 3)"),
        ((X, W, U), {"state": pydp.zeros((1, 2, 4))}, ValueError,
         "rnn: state must be (2, 4) for x (2, 5, 3) and hidden size 4, got (1, 2, 4)"),
        ((X, W, U), {"state": pydp.zeros((2, 4), dtype="float64")}, TypeError,
         "rnn: arguments must have one dtype, got x float32, weight_ih float32, weight_hh "
         "float32, state float64; use astype"),
        ((X, W, U), {"lengths": [5, 6]}, ValueError, "rnn: lengths[1] is 6, allowed are 0 … 5"),
        ((X, W, U), {"nonlinearity": "gelu"}, ValueError,
         'rnn: nonlinearity must be "tanh" or "relu", got \'gelu\''),
    ],
)  # fmt: skip
def test_errors(arguments, options, error, message):
    with pytest.raises(error) as caught:
        pydp.rnn(*arguments, **options)
    assert str(caught.value) == message
