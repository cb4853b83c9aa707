"""Signatures put to use: composing, applying, matching arrays, filling in known sizes."""

import pytest

from pydp._signature import (
    UNDECLARED,
    KindError,
    SignatureError,
    apply,
    array,
    compose,
    match,
    parse,
)
from signatures import ADD_NORM, FEATURES, FLATTEN, POOL, RELU, chain, h, n, w

# ---- composing ----------------------------------------------------------------------------------


def test_alexnet_is_one_quotient_per_axis():
    features = chain(FEATURES)
    text = "real[..., 3, h, w] -> real[..., 256, (h - 63) // 32 + 1, (w - 63) // 32 + 1]"
    assert str(features) == text
    net = features >> FLATTEN >> parse("real[..., 9216] -> real[..., 4096]")
    assert str(net) == (
        "real[n, 3, h, w] -> real[n, 4096] where "
        "256*((h - 63) // 32 + 1)*((w - 63) // 32 + 1) == 9216, h >= 63, w >= 63"
    )
    assert str(net.check(h=224, w=224)) == "real[n, 3, 224, 224] -> real[n, 4096]"
    with pytest.raises(SignatureError) as caught:
        net.check(h=200, w=200)
    assert str(caught.value).endswith(
        "256*((h - 63) // 32 + 1)*((w - 63) // 32 + 1) == 9216 is false: 6400 against 9216"
    )
    with pytest.raises(SignatureError, match="give w a value"):
        net.check(h=224)


@pytest.mark.parametrize(
    ("f", "g", "result"),
    [
        # Leading axes absorb what the second does not look at, and the other way round.
        ("real[..., t, d] -> real[..., t, d]", "real[..., e] -> real[..., 4]",
         "real[..., t, d] -> real[..., t, 4]"),
        ("real[..., d] -> real[..., d]", "real[..., h, w] -> real[..., h*w]",
         "real[..., h, d] -> real[..., d*h]"),
        ("token[8, t] -> real[8, t, 64]", "real[..., d] -> real[...]", "token[8, t] -> real[8, t]"),
        # A name of the first is found out, and a name of the second.
        ("real[..., i] -> real[..., i]", "real[..., 7] -> real[..., 3]",
         "real[..., 7] -> real[..., 3]"),
        ("real[n, a] -> real[n, a + 2]", "real[n, 9] -> real[n]", "real[n, 7] -> real[n]"),
        ("real[h] -> real[2*h]", "real[4*w + 2] -> real[w]", "real[2*w + 1] -> real[w]"),
        # Names of the second that collide are renamed.
        ("real[h] -> any", "any -> real[h]", "real[h] -> real[h2]"),
        ("real[h, h2] -> any", "any -> real[h2, h]", "real[h, h2] -> real[h3, h4]"),
        # An intermediate size must be a size.
        ("real[h] -> real[h - 8]", "real[h] -> real[h + 8]", "real[h] -> real[h] where h >= 9"),
        ("real[h] -> real[h - 8]", "real[h] -> real[h - 2]", "real[h] -> real[h - 10]"),
        ("real[..., t] -> real[..., t]", "real[..., d] -> any", "real[..., t] -> any"),
        ("real[h] -> real[2*h - 7]", "any -> any", "real[h] -> any where h >= 4"),
        ("real[h, w] -> real[h - 8, w - 8]", "real[h, w] -> real[h*w]",
         "real[h, w] -> real[(h - 8)*(w - 8)] where h >= 9, w >= 9"),
        ("real[h, t, w] -> real[(h - 8)*(w - 8), t - 3]", "any -> any",
         "real[h, t, w] -> any where (h - 8)*(w - 8) >= 1, t >= 4"),
        # Open: no linear equation in one name.
        ("real[h] -> real[2*h]", "real[3*h] -> real[h]", "real[h] -> real[h2] where 2*h == 3*h2"),
        ("real[h] -> real[h // 2]", "real[7] -> real[]", "real[h] -> real[] where h // 2 == 7"),
        # Several values, optional ones left out, and tuples as one value.
        ("real[..., d] -> (real[..., d], token[...])",
         "(real[..., e], token[...], bool[...]?) -> real[e]",
         "real[..., d] -> real[d]"),
        ("any -> (real[3], real[4])", "((real[a], real[b]), any?) -> real[a + b]",
         "any -> real[7]"),
        ("any -> (real[3], real[4])", "(real[a], real[b])? -> real[a*b]", None),
        ("any -> (real[3], real[4])", "any -> any", "any -> any"),
        # Axes behind: any number, and the same.
        ("real[n, c, ...] -> real[n, c, ...]", "real[8, 3, h, w] -> real[8, h*w]",
         "real[8, 3, h, w] -> real[8, h*w]"),
        ("real[...] -> real[...]", "real[n, 8, ...] -> real[n, 8, ...]",
         "real[n, 8, ...] -> real[n, 8, ...]"),
        ("real[n, 8, ...] -> real[n, 8, ...]", "real[...] -> token[...]",
         "real[n, 8, ...] -> token[n, 8, ...]"),
        ("real[n, c, ...] -> real[c, n, ...]", "real[a, b, ...] -> real[a + b, ...]",
         "real[n, c, ...] -> real[c + n, ...]"),
        ("real[n, ..., d] -> real[n, ..., d]", "real[n, c, h, w] -> real[h]",
         "real[n, c, h, d] -> real[h]"),
        ("real[n, ..., d] -> real[n, ..., d]", "real[..., t, 5] -> real[..., t]",
         "real[n, t, 5] -> real[n, t]"),
        # Leading axes against axes behind: there is one in front.
        ("real[..., d] -> real[..., 16]", "real[n, 16, ...] -> real[n, 16, ...]",
         "real[n, d] -> real[n, 16]"),
        ("real[..., c, h, w] -> real[..., c, h, w]", "real[n, 16, ...] -> real[n, 16, ...]",
         "real[n, 16, h, w] -> real[n, 16, h, w]"),
        ("real[n, 16, ...] -> real[n, 16, ...]", "real[..., c, h, w] -> real[..., h, w]",
         "real[n, 16, h, w] -> real[n, h, w]"),
        ("real[a, b, c, ...] -> real[a, b, c, ...]", "real[..., 7] -> real[..., 8]",
         "real[a, b, 7] -> real[a, b, 8]"),
        # Kinds: any is each of them.
        ("token[n] -> any[n, 3]", "real[n, c] -> real[n]", "token[n] -> real[n]"),
        ("any", "real[d] -> real[d]", "any -> real[d]"),
        # Nothing known in between: two `...`.
        ("real[..., 3] -> any", "real[..., 4] -> real[..., o]", "real[..., 3] -> real[...', o]"),
        # The condition of the second in words of the first.
        ("real[w] -> real[3*w]", "real[h] -> real[h // 4] where h % 4 == 0, h != 0",
         "real[w] -> real[3*w // 4] where 3*w != 0, 3*w % 4 == 0"),
    ],
)  # fmt: skip
def test_compose(f, g, result):
    if result is None:
        with pytest.raises(KindError):
            compose(f, g)
        return
    assert str(compose(f, g)) == result
    assert parse(f) == parse(f), "composing leaves the parts as they were"


MISMATCHES = [
    # sizes
    (
        "real[..., 3, h, w] -> real[..., 64, h - 10, w - 10]",
        "real[..., 32, h, w] -> real[..., 8, h - 2, w - 2]",
        """Conv2d(3, 64, 11) >> Conv2d(32, 8, 3): sizes do not fit
  Conv2d(3, 64, 11)  : real[..., 3, h, w] -> real[..., 64, h - 10, w - 10]
  Conv2d(32, 8, 3)   : real[..., 32, h, w] -> real[..., 8, h - 2, w - 2]
  64 (output axis -3 of the first) against 32 (input axis -3 of the second)""",
        ("Conv2d(3, 64, 11)", "Conv2d(32, 8, 3)"),
    ),
    # a size known only by an equation found before
    (
        "real[n] -> real[n, n + 1]",
        "real[..., a, a] -> real[...]",
        """first >> second: sizes do not fit
  first   : real[n] -> real[n, n + 1]
  second  : real[..., a, a] -> real[...]
  n (output axis -2 of the first) against a = n + 1 (input axis -2 of the second)""",
        None,
    ),
    # no integer fits
    (
        "real[h] -> real[2*h + 1]",
        "real[8] -> real[]",
        """first >> second: sizes do not fit
  first   : real[h] -> real[2*h + 1]
  second  : real[8] -> real[]
  2*h + 1 (output axis -1 of the first) against 8 (input axis -1 of the second)""",
        None,
    ),
    # no size >= 0 fits
    (
        "real[h] -> real[h + 3]",
        "real[2] -> real[]",
        """first >> second: sizes do not fit
  first   : real[h] -> real[h + 3]
  second  : real[2] -> real[]
  h + 3 (output axis -1 of the first) against 2 (input axis -1 of the second)""",
        None,
    ),
    # an axis too few
    (
        "real[d] -> real[]",
        "real[..., d] -> real[...]",
        """first >> second: numbers of axes do not fit
  first   : real[d] -> real[]
  second  : real[..., d] -> real[...]
  0 axes (output of the first) against 1 axis or more (input of the second)""",
        None,
    ),
    # the result of the first makes a condition of the second false
    (
        "any -> real[30]",
        "real[h] -> real[h // 4] where h % 4 == 0",
        """first >> second: sizes do not fit
  first   : any -> real[30]
  second  : real[h] -> real[h // 4] where h % 4 == 0
  h % 4 == 0 is false: 2 against 0""",
        None,
    ),
    # a size in the middle below zero
    (
        "any -> real[5]",
        "real[h] -> real[h - 8]",
        """first >> second: sizes do not fit
  first   : any -> real[5]
  second  : real[h] -> real[h - 8]
  h - 8 = -3 is negative""",
        None,
    ),
]


@pytest.mark.parametrize(("f", "g", "message", "names"), MISMATCHES)
def test_size_errors(f, g, message, names):
    with pytest.raises(SignatureError) as caught:
        compose(f, g, names) if names else compose(f, g)
    assert str(caught.value) == message
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    ("f", "g", "line"),
    [
        ("any -> real[3]", "token[3] -> any",
         "real (output of the first) against token (input of the second)"),
        ("any -> (real[3] -> real[3])", "real[3] -> any",
         "a function (output of the first) against an array (input of the second)"),
        ("any -> (real[3], real[4])", "real[3] -> any",
         "2 values (output of the first) against 1 value (input of the second)"),
        ("any -> real[3]", "(real[3], any, any?) -> any",
         "1 value (output of the first) against 2 to 3 values (input of the second)"),
        ("any -> (any, token[3])", "(any, real[3]) -> any",
         "token (output 2 of the first) against real (input 2 of the second)"),
        ("real[3]", "any -> any", "real[3] is not the type of a function"),
        ("any -> any", "real[3]", "an array is used as a function"),
    ],
)  # fmt: skip
def test_kind_errors_are_type_errors(f, g, line):
    with pytest.raises(TypeError) as caught:
        compose(f, g)
    assert isinstance(caught.value, SignatureError)
    assert str(caught.value).endswith("  " + line)


def test_long_names_stay_on_one_line():
    with pytest.raises(SignatureError) as caught:
        compose("any -> real[3]", "real[4] -> any", ("Sequential(\n  (0): Linear", "L" * 500))
    assert str(caught.value).startswith("Sequential(... >> LLLL")
    assert max(map(len, str(caught.value).split("\n"))) < 160


# ---- applying -----------------------------------------------------------------------------------

LSTM = (
    "(real[..., t, d], (real[..., e], real[..., e])?, bool[..., t]?)"
    " -> (real[..., t, e], real[..., e])"
)


@pytest.mark.parametrize(
    ("f", "arguments", "result"),
    [
        (ADD_NORM, ["real[..., t, d] -> real[..., t, d]"], "real[..., t, d] -> real[..., t, d]"),
        (ADD_NORM, ["real[..., 64] -> real[..., e]"], "real[..., 64] -> real[..., 64]"),
        (ADD_NORM, ["any -> any"], "real[..., d] -> real[..., d]"),
        (ADD_NORM, [UNDECLARED], "real[..., d] -> real[..., d]"),
        (LSTM, ["real[8, 10, 512]"], "(real[8, 10, e], real[8, e])"),
        (LSTM, ["real[8, 10, 512]", "(real[8, 3], real[8, 3])"], "(real[8, 10, 3], real[8, 3])"),
        (LSTM, ["real[8, 10, 512]", None, "bool[b, t]"], "(real[8, 10, e], real[8, e])"),
        ("(real[..., s, d], real[..., t, d]) -> real[..., t, d]",
         ["(real[n, s, 4], real[n, t, d])"],
         "real[n, t, 4]"),
        ("() -> real[3]", [], "real[3]"),
        # The `...` of the function is, after the first argument, another `...` and 5.
        ("(real[..., d], real[..., d]) -> real[..., d]", ["real[..., 5, 6]", "real[..., 7, t, 6]"],
         "real[..., 7, 5, 6]"),
        ("(real[..., d], real[..., d]) -> real[..., d]", ["real[..., t, 6]", "real[5, 6]"],
         "real[5, 6]"),
        ("any -> any", ["real[h - 8]"], "any where h >= 9"),
        ("any", ["real[3]", "token[4]"], "any"),
        ("(real[..., h] -> real[..., h]) -> real[]", ["real[..., h] -> real[..., h // 2 * 2]"],
         "real[] where 2*(h // 2) == h, h >= 2"),
    ],
)  # fmt: skip
def test_apply(f, arguments, result):
    assert str(apply(f, *arguments)) == result


@pytest.mark.parametrize(
    ("f", "arguments", "line"),
    [
        (ADD_NORM, ["real[..., 64] -> real[..., 32]"],
         "32 (argument's result axis -1 of the call) against d = 64 "
         "(parameter's result axis -1 of box)"),
        (LSTM, ["real[8, 10, 512]", "(real[8, 3], real[8, 4])"],
         "4 (argument 2's item 2 axis -1 of the call) against e = 3 "
         "(parameter 2's item 2 axis -1 of box)"),
        (LSTM, [None], "0 values (argument of the call) against 1 to 3 values (parameter of box)"),
        ("(real[...] -> real[...]) -> any", ["real[..., t] -> real[...]"],  # ... = ..., t
         "0 axes or more (argument's result of the call) against 1 axis or more "
         "(parameter's result of box)"),
        (RELU, ["real[3] -> real[3]"],
         "a function (argument of the call) against an array (parameter of box)"),
    ],
)  # fmt: skip
def test_apply_errors(f, arguments, line):
    with pytest.raises(SignatureError) as caught:
        apply(f, *arguments, name="box")
    assert str(caught.value).split("\n")[-1] == "  " + line


def test_match_concrete_arrays():
    conv = "(real[n, c, h, w], real[o, c, k, k], real[o]?) -> real[n, o, h - k + 1, w - k + 1]"
    x, weight = ("real", (8, 3, 32, 30)), ("real", (64, 3, 5, 5))
    assert match(conv, [x, weight]) == [("real", (8, 64, 28, 26))]
    assert match(conv, [x, weight, None]) == match(conv, [x, weight, ("real", (64,))])
    with pytest.raises(SignatureError) as caught:
        match(conv, [x, ("real", (64, 4, 5, 5))], "conv2d")
    assert (
        str(caught.value)
        == f"""conv2d: sizes do not fit
  conv2d     : {conv}
  arguments  : real[8, 3, 32, 30], real[64, 4, 5, 5]
  4 (argument 2 axis -3 of the call) against c = 3 (parameter 2 axis -3 of conv2d)"""
    )
    with pytest.raises(SignatureError, match=r"w - k \+ 1 = -1 is negative"):
        match(conv, [x, ("real", (64, 3, 32, 32))])
    with pytest.raises(TypeError, match="token"):
        match(conv, [("token", (8, 3, 32, 30)), weight])
    with pytest.raises(SignatureError, match="the size d is open"):
        match("token[...] -> real[..., d]", [("token", (3,))])
    with pytest.raises(SignatureError, match="no known shape"):
        match("any -> any", [("real", (3,))])


def test_an_op_may_compute_its_type():
    def typing(types, stride=1):
        (x,) = types
        return array(x.kind, *x.axes[:-1], (x.axes[-1] - 3) // stride + 1)

    open_, known = array("real", n, h), array("real", 8, 11)
    assert str(typing([open_], stride=2)) == "real[n, (h - 3) // 2 + 1]"
    assert str(typing([known], stride=2)) == "real[8, 5]"


# ---- known sizes --------------------------------------------------------------------------------


def test_what_is_computed_leaves_something():
    window, pool = parse("real[..., h] -> real[..., h - 2]"), parse("real[n] -> real[n // 2]")
    assert str(window.specialise(h=3)) == "real[..., 3] -> real[..., 1]"
    with pytest.raises(SignatureError, match=r"\n  h - 2 = 0 leaves nothing$"):
        window.specialise(h=2)
    with pytest.raises(SignatureError, match=r"\n  h - 2 = -1 is negative$"):
        window.specialise(h=1)
    assert str(window >> pool >> parse("any -> any")) == "real[h] -> any where h >= 4"
    with pytest.raises(SignatureError, match="leaves nothing"):
        (window >> pool).specialise(h=3)
    # an equation may say so, too
    four = parse("real[..., 4] -> real[...]")
    assert str(parse("real[h] -> real[h // 2]") >> four) == "real[h] -> real[] where h // 2 == 4"
    even = parse("real[2*n] -> real[n]")
    for box in (pool, pool >> even):  # that n is 1 or more is not taken for granted here
        with pytest.raises(SignatureError):
            match(box, [("real", (0,))])
    # a length that is given may be 0
    assert match("real[n, d] -> real[n, 2*d]", [("real", (0, 3))]) == [("real", (0, 6))]


def test_specialise():
    assert str(FLATTEN.specialise(c=3, h=4)) == "real[n, 3, 4, w] -> real[n, 12*w]"
    assert str(FLATTEN.specialise(c=w + 1)) == "real[n, w + 1, h, w] -> real[n, h*w*(w + 1)]"
    assert FLATTEN.specialise() == FLATTEN
    assert str(parse("real[a, b] where a*b == 12").specialise(a=3)) == "real[3, 4]"
    for values, message in [
        ({"x": 3}, "no size is called x; its names are: n, c, h, w"),
        ({"h": -1}, "-1 against 0"),
    ]:
        with pytest.raises(SignatureError, match=message):
            FLATTEN.specialise(**values)
    with pytest.raises(SignatureError, match=r"\(h - 7\) // 4 \+ 1 = -1 is negative"):
        FEATURES[0].check(h=1)


def test_instances_are_apart_and_print_alike():
    f = FEATURES[0]
    a, b = f.instantiate(), f.instantiate()
    assert str(a) == str(b) == str(f)
    assert len({*a.names, *b.names, *f.names}) == 3 * len(f.names)
    assert str((a >> POOL).check(h=224, w=224)).endswith("64, 27, 27]")


def test_names_are_part_of_equality():
    assert parse("real[a] -> real[a]") != parse("real[b] -> real[b]")
    assert len({parse("real[a+1]"), parse("real[1 + a]")}) == 1
    assert parse("real[a]") != "real[a]"
