"""Derives the coefficient blocks of vmath.h and prints them as they stand there.

    python csrc/core/vmath_coefficients.py          (needs mpmath; seconds)

Every block is the polynomial p that makes the largest |f - p| * weight over an
interval smallest: the exchange algorithm of Remez on a fine Chebyshev grid, in
40 digits, the coefficients rounded to the type at the end. The weight makes
that the relative error of the function a reader sees (exp - 1, log, erf ...),
printed beside the block in units of the last place (2^-24 or 2^-53).

Constants that multiply a whole number (ln 2, pi) are cut into parts with so
few bits that the products are exact, fused multiply-add or not.
"""

from mpmath import (atanh, cos, erf, erfc, exp, expm1, floor, frexp, ldexp, log, log1p,
                    lu_solve, matrix, mp, mpf, pi, sin, sqrt)  # fmt: skip

mp.dps = 40
LN2 = log(2)


def chebyshev_grid(low, high, n):
    middle, radius = (mpf(high) + low) / 2, (mpf(high) - low) / 2
    return [middle - radius * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]


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
    _, e = frexp(x)
    return ldexp(floor(ldexp(x, bits - e)), e - bits)


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
    return exp(z * z) * erfc(z)


def odd(f, lead):
    """(f(r) / r - lead) / r^2 as a function of z = r^2, for an odd f."""
    return lambda z: (f(sqrt(z)) / sqrt(z) - lead) / z


SMALL = mpf("1e-9")


def blocks(bits):
    single = bits == 24
    half_ln2 = LN2 / 2 * mpf("1.0001")

    def block(name, comment, f, weight, low, high, n):
        c, error = minimax(f, weight, low, high, n)
        ulp = float(error * mpf(2) ** bits)
        print(f"/* {comment}; {ulp:.2f} ulp */")
        constants(name, c)

    def constants(name, values):
        print(f"V_TABLE({name}) = {{")
        for i in range(0, len(values), 3):
            print("    " + ", ".join(hexadecimal(v, bits) for v in values[i : i + 3]) + ",")
        print("};")

    print("/* ln 2: the first part times an exponent is exact */")
    constants("vm_ln2", parts(LN2, [15 if single else 41], bits))
    print("/* pi: n times a part is exact for whole 2 n up to 2^12 (2^19) */")
    constants("vm_pi", parts(pi, [12, 12, 12] if single else [34, 34, 34], bits))

    print("/* 2 / 3 */")
    constants("vm_two_thirds", parts(mpf(2) / 3, [bits], bits))
    print("/* v = y (c0 + c1 + c2 y^2) in the tanh form of gelu */")
    v1 = 2 * sqrt(2 / pi)
    constants("vm_gelu_v_c", [*parts(v1, [bits], bits), v1 * mpf("0.044715")])
    block("vm_exp_c", "(exp(r) - 1 - r) / r^2, |r| <= ln 2 / 2, against exp(r) - 1",
          lambda r: (expm1(r) - r) / r**2, lambda r: abs(r * r / expm1(r)),
          -half_ln2, half_ln2, 5 if single else 10)  # fmt: skip
    block("vm_log_c", "(log(1 + f) - f + f^2 / 2) / f^3, -1/4 <= f <= 1/2",
          lambda f: (log1p(f) - f + f * f / 2) / f**3, lambda f: f**3 / log1p(f),
          mpf(-1) / 4, mpf(1) / 2, 8 if single else 20)  # fmt: skip
    block("vm_erf_c", "erf(x) / x - 1 in x^2, |x| <= 0.8",
          lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z)),
          SMALL, mpf("0.64"), 6 if single else 11)  # fmt: skip
    a = 3 if single else 4  # the best of a few tried
    end = mpf("10.3") if single else mpf("27.3")
    block("vm_tail_c", f"(z + {a}) exp(z^2) erfc(z) in u = (z - {a}) / (z + {a}), z <= {end}",
          lambda u: erfcx(a * (1 + u) / (1 - u)) * 2 * a / (1 - u),
          lambda u: 1 / (erfcx(a * (1 + u) / (1 - u)) * 2 * a / (1 - u)),
          mpf(-1), (end - a) / (end + a), 10 if single else 22)  # fmt: skip
    block("vm_pow_c", "(log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5 in s^2, |s| <= 1/5",
          lambda z: (2 * atanh(sqrt(z)) - 2 * sqrt(z) - 2 * sqrt(z) ** 3 / 3) / sqrt(z) ** 5,
          lambda z: z * z / 2, mpf("1e-6"), mpf("0.04"), 4 if single else 8)  # fmt: skip
    block("vm_sin_c", "(sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2",
          odd(sin, 1), lambda z: z * sqrt(z) / sin(sqrt(z)),
          SMALL, (pi / 2) ** 2, 4 if single else 8)  # fmt: skip


for bits in (53, 24):
    print("#if REAL_IS_DOUBLE\n" if bits == 53 else "#else\n")
    blocks(bits)
    print()
print("#endif")
