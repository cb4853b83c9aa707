"""Derives the coefficient blocks of vmath_tables.h and prints them as they stand there.

    python csrc/core/vmath_coefficients.py          (needs mpmath; seconds)

Every block is the polynomial p that makes the largest |f - p| * weight over an
interval smallest: the exchange algorithm of Remez on a fine Chebyshev grid, in
40 digits, the coefficients rounded to the type at the end. The weight makes
that the relative error of the function a reader sees (exp - 1, log, erf ...),
printed beside the block in units of the last place (2^-24 or 2^-53).

Constants that multiply a whole number (ln 2, pi) are cut into parts with so
few bits that the products are exact, fused multiply-add or not.
"""

from textwrap import fill

from mpmath import lu_solve, matrix, mp, mpf

mp.dps = 40
LN2 = mp.log(2)


def chebyshev_grid(low, high, n):
    middle, radius = (mpf(high) + low) / 2, (mpf(high) - low) / 2
    return [middle - radius * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def minimax(f, weight, low, high, n):
    """n coefficients of the weighted minimax polynomial, and its error."""
    x = chebyshev_grid(low, high, 24 * n)
    target, w = [f(v) for v in x], [weight(v) for v in x]
    powers = [[v**k for k in range(n)] for v in x]
    reference = [round((i + 0.5) * len(x) / (n + 1)) for i in range(n + 1)]
    while True:
        system, right = matrix(n + 1, n + 1), matrix(n + 1, 1)
        for row, i in enumerate(reference):
            for k in range(n):
                system[row, k] = powers[i][k]
            system[row, n] = (-1) ** row / w[i]
            right[row] = target[i]
        solution = lu_solve(system, right)
        c, level = list(solution)[:n], abs(solution[n])
        error = [
            (t - sum(a * b for a, b in zip(c, p, strict=True))) * v
            for t, p, v in zip(target, powers, w, strict=True)
        ]
        peaks = []  # one per stretch of equal sign
        for i, e in enumerate(error):
            if peaks and (error[peaks[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        assert len(peaks) == n + 1, "lost an extremum: enlarge the interval or n"
        worst = max(abs(e) for e in error)
        if worst < level * 1.001 or peaks == reference:
            return c, worst
        reference = peaks


def cut(x, bits):
    """x with its first `bits` significant bits, the others dropped."""
    _, e = mp.frexp(x)
    return mp.ldexp(mp.floor(mp.ldexp(x, bits - e)), e - bits)


def parts(x, bits, last):
    """x as a sum of numbers of `bits` bits each, then one of `last` bits."""
    found = []
    for b in bits:
        found.append(cut(x, b))
        x -= found[-1]
    return [*found, nearest(x, last)]


def nearest(x, bits):
    with mp.workprec(bits):
        return +x


def hexadecimal(x, bits):
    digits, exponent = float(nearest(x, bits)).hex().split("p")
    return f"{digits.rstrip('0').rstrip('.')}p{exponent}"


def erfcx(z):
    return mp.exp(z * z) * mp.erfc(z)


def print_blocks(bits):
    single = bits == 24

    def remark(text):
        print(fill(text, 77, initial_indent="/* ", subsequent_indent=" * ") + " */")

    def constants(name, values):
        print(f"VM_TABLE({name}) = {{")
        for i in range(0, len(values), 3):
            print("    " + ", ".join(hexadecimal(v, bits) for v in values[i : i + 3]) + ",")
        print("};")

    def block(name, text, f, weight, low, high, n):
        c, error = minimax(f, weight, low, high, n)
        remark(f"{text}; {float(error * mpf(2) ** bits):.2g} ulp")
        constants(name, c)

    remark("ln 2: the first part times an exponent is exact")
    constants("vm_ln2", parts(LN2, [15 if single else 41], bits))
    remark(f"pi: n times a part is exact for whole 2 n up to 2^{12 if single else 19}")
    constants("vm_pi", parts(mp.pi, [12 if single else 34] * 3, bits))
    remark("2 / 3")
    constants("vm_two_thirds", parts(mpf(2) / 3, [bits], bits))
    remark("v = y (c0 + c1 + c2 y^2) in the tanh form of gelu")
    v1 = 2 * mp.sqrt(2 / mp.pi)
    constants("vm_gelu_v_c", [*parts(v1, [bits], bits), v1 * mpf("0.044715")])

    remark("pi / 4: three times the first part is exact")
    constants("vm_eighth_turn", parts(mp.pi / 4, [bits - 2], bits))
    remark("e / 2")
    constants("vm_half_e", parts(mp.e / 2, [bits], bits))
    remark("log 2 and log e in base 10: the first part times an exponent is exact")
    log_2, log_e = mp.log10(2), mp.log10(mp.e)
    short = [15 if single else 41]
    constants("vm_log10_c", [*parts(log_2, short, bits), *parts(log_e, [bits], bits)])
    remark("log 2 and log e in base 2")
    constants("vm_log2_c", [mpf(1), mpf(0), *parts(1 / LN2, [bits], bits)])

    end = LN2 / 2 * mpf("1.0001")
    block(
        "vm_exp_c",
        "(exp(r) - 1 - r) / r^2, |r| <= ln 2 / 2, against exp(r) - 1",
        lambda r: (mp.expm1(r) - r) / r**2,
        lambda r: abs(r**2 / mp.expm1(r)),
        *(-end, end, 5 if single else 10),
    )
    block(
        "vm_log_c",
        "(log(1 + f) - f + f^2 / 2) / f^3, -1/4 <= f <= 1/2",
        lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3,
        lambda f: f**3 / mp.log1p(f),
        *(mpf("-0.25"), mpf("0.5"), 8 if single else 20),
    )

    # Functions of a square: r is its root; the interval starts beside 0 / 0.
    def of_root(f):
        return lambda square: f(mp.sqrt(square))

    block(
        "vm_erf_c",
        "erf(x) / x - 1 in x^2, |x| <= 0.8",
        of_root(lambda x: mp.erf(x) / x - 1),
        of_root(lambda x: x / mp.erf(x)),
        *(mpf("1e-9"), mpf("0.64"), 6 if single else 11),
    )
    block(
        "vm_sin_c",
        "(sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2",
        of_root(lambda r: (mp.sin(r) / r - 1) / r**2),
        of_root(lambda r: r**3 / mp.sin(r)),
        *(mpf("1e-9"), (mp.pi / 2) ** 2, 4 if single else 8),
    )
    block(
        "vm_sinh_c",
        "(sinh(x) / x - 1) / x^2 in x^2, |x| <= 1",
        of_root(lambda x: (mp.sinh(x) / x - 1) / x**2),
        of_root(lambda x: x**3 / mp.sinh(x)),
        *(mpf("1e-9"), mpf(1), 4 if single else 6),
    )
    block(
        "vm_atan_c",
        "(atan(t) / t - 1) / t^2 in t^2, |t| <= tan(pi / 8)",
        of_root(lambda t: (mp.atan(t) / t - 1) / t**2),
        of_root(lambda t: t**3 / mp.atan(t)),
        *(mpf("1e-9"), mp.tan(mp.pi / 8) ** 2, 5 if single else 11),
    )
    block(
        "vm_pow_c",
        "(log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5 in s^2, |s| < 0.172",
        of_root(lambda s: (2 * mp.atanh(s) - 2 * s - 2 * s**3 / 3) / s**5),
        of_root(lambda s: s**4 / 2),
        *(mpf("1e-6"), (3 - mp.sqrt(8)) ** 2, 3 if single else 7),
    )

    # exp(-z^2) is zero beyond z_end; a is the best of a few tried.
    a, z_end = (mpf("3.5"), mpf("10.3")) if single else (mpf(4), mpf("27.3"))

    def z(u):
        return a * (1 + u) / (1 - u)

    pole = f"{float(a):g}"
    block(
        "vm_tail_c",
        f"exp(z^2) erfc(z) in u = (z - {pole}) / (z + {pole}), z <= {float(z_end)}, "
        "the weight falling with exp(-z) to z = 3",
        lambda u: erfcx(z(u)),
        lambda u: mp.exp(-min(z(u), 3)) / erfcx(z(u)),
        *(mpf(-1), (z_end - a) / (z_end + a), 10 if single else 23),
    )


for bits in (53, 24):
    print("#if REAL_IS_DOUBLE\n" if bits == 53 else "#else\n")
    print_blocks(bits)
    print()
print("#endif")
