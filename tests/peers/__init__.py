"""What each function of pydp is in PyTorch: the table that tests/test_against_torch.py examines.

A row is (name, how its arguments are drawn, ours, theirs); see row.py. A file per family.
"""

from peers import activation, elementwise, image, index, network, norm, product, reduce, shape

FAMILIES = (elementwise, activation, reduce, shape, index, product, image, norm, network)
TABLE = [row for family in FAMILIES for row in family.ROWS]

# Registered ops and public functions without a row, and why.
WITHOUT = {
    "alias": "the graph's own: the same value behind a new node, no function of its own",
    "apart": "the heads of nn.MultiheadAttention, which tests/nn compares",
    "together": "the heads of nn.MultiheadAttention, which tests/nn compares",
    "dropout": "random: PyTorch draws other numbers; tests/ops/test_dropout.py asks the mask",
    "bernoulli": "random, and has no gradient",
    "choice": "random; its gradient is take's",
    "exponential": "random: no common numbers; tests/ops/test_sample.py asks the gradient",
    "multinomial": "random, and has no gradient",
    "normal": "random: no common numbers; tests/ops/test_sample.py asks the gradient",
    "permutation": "random; its gradient is take's",
    "rand_like": "random, and has no gradient",
    "randn_like": "random, and has no gradient",
    "shuffle": "random, in place",
    "uniform": "random: no common numbers; tests/ops/test_sample.py asks the gradient",
}

# Public functions whose results are bools, integers or shapes, or that are constant between steps:
# there is nothing to differentiate.
# fmt: off
STEPS = {
    "all", "any", "argmax", "argmin", "argsort", "bitwise_and", "bitwise_invert",
    "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "broadcast_shapes",
    "count_nonzero", "equal", "floor_divide", "greater", "greater_equal", "isfinite", "isinf",
    "isnan", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor",
    "nextafter", "nonzero", "not_equal", "searchsorted", "signbit", "unique_all", "unique_counts",
    "unique_inverse", "unique_values",
}
# fmt: on
