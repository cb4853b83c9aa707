#!/bin/sh
# Compiles vmath_test.c for every (ISA, type) this machine can run and runs it.
#
#     tests/ktest/vmath.sh [--all | --time | points]
#
# CC chooses the compiler. NEON runs when a cross compiler and qemu are there,
# with few points: its long double is computed by software twice over.
set -u
here=$(cd "$(dirname "$0")" && pwd)
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
common="-O2 -std=gnu11 -ffp-contract=off -fno-math-errno -Wall -Wextra -Werror"
failed=0

# try ISA COMPILER RUNNER DEFAULT-ARGUMENT FLAGS
try() {
    isa=$1 compiler=$2 runner=$3 argument=$4 flags=$5
    for type in float double; do
        program=$built/$isa-$type
        # shellcheck disable=SC2086
        $compiler $common $flags -DPD_ISA="$isa" -DPD_REAL=$type \
            "$here/vmath_test.c" -o "$program" -lm &&
            $runner "$program" $argument || failed=1
    done
}

cc=${CC:-gcc}
argument=${1:-}
has() { grep -qw "$1" /proc/cpuinfo 2>/dev/null; }
case $(uname -m) in
x86_64)
    if has avx512f; then
        try avx512 "$cc" "" "$argument" \
            "-mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma"
    fi
    if has avx2; then try avx2 "$cc" "" "$argument" "-mavx2 -mfma"; fi
    try baseline "$cc" "" "$argument" ""
    if command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null &&
        [ "${argument#--}" = "$argument" ]; then
        try neon aarch64-linux-gnu-gcc \
            "qemu-aarch64 -L /usr/aarch64-linux-gnu" "${argument:-16384}" ""
    fi
    ;;
aarch64) try neon "$cc" "" "$argument" "" ;;
*) try baseline "$cc" "" "$argument" "" ;;
esac
exit $failed
