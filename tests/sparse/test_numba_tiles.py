"""The numba backend's register tiles: every width of channels, the last row, the epilogue."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pcseg.sparse import get_backend
from pcseg.sparse.backends import numba_cpu
from pcseg.sparse.backends.base import Epilogue
from pcseg.sparse.kernel_map import KernelMap

widths = st.integers(1, 70)


def random_map(rows_in: int, rows_out: int, volume: int, seed: int) -> KernelMap:
    """Pairs as any kernel could have them: a row at most once a side, the last rows among them."""
    generator = torch.Generator().manual_seed(seed)
    starts, sides = [0], []
    for k in range(volume):
        count = int(torch.randint(0, min(rows_in, rows_out) + 1, (1,), generator=generator))
        in_rows, out_rows = (
            torch.randperm(rows, generator=generator)[:count].sort().values
            for rows in (rows_in, rows_out)
        )
        if k == 0 and count:
            in_rows[-1], out_rows[-1] = rows_in - 1, rows_out - 1
        starts.append(starts[-1] + count)
        sides.append(torch.stack([in_rows, out_rows]))
    in_rows, out_rows = torch.cat(sides, 1).to(torch.int32)
    return KernelMap(in_rows.contiguous(), out_rows.contiguous(), tuple(starts), rows_in, rows_out)


@given(cin=widths, cout=widths, rows=st.integers(1, 300), seed=st.integers(0, 99))
def test_all_widths_agree_with_the_reference(cin, cout, rows, seed):
    torch.manual_seed(seed)
    kernel_map = random_map(rows, max(rows - 3, 1), 4, seed)
    feats = torch.randn(rows, cin, dtype=torch.float64)
    weight = torch.randn(4, cin, cout, dtype=torch.float64)
    grad = torch.randn(kernel_map.num_out, cout, dtype=torch.float64)
    ours, theirs = get_backend("numba"), get_backend("torch")
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-4)):
        x, w, g = feats.to(dtype), weight.to(dtype), grad.to(dtype)
        for name, first, second in (
            ("forward", x, w),
            ("grad_input", g, w),
            ("grad_weight", x, g),
        ):
            found = getattr(ours, name)(first, second, kernel_map)
            wanted = getattr(theirs, name)(first, second, kernel_map)
            torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance * 10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_the_epilogue_is_that_of_the_reference(dtype, residual, relu):
    torch.manual_seed(0)
    kernel_map = random_map(900, 800, 27, 0)
    feats, weight = torch.randn(900, 20).to(dtype), torch.randn(27, 20, 37).to(dtype)
    more = torch.randn(800, 37).to(dtype) if residual else None
    epilogue = Epilogue(torch.randn(37).to(dtype), more, relu)
    found = get_backend("numba").forward(feats, weight, kernel_map, epilogue)
    wanted = get_backend("torch").forward(feats, weight, kernel_map, epilogue)
    assert found.dtype == dtype
    tolerance = 0.05 if dtype == torch.bfloat16 else 1e-4
    torch.testing.assert_close(found, wanted, rtol=tolerance, atol=tolerance)


def test_the_epilogue_keeps_nan():
    kernel_map = random_map(5, 5, 1, 0)
    feats = torch.full((5, 3), float("nan"))
    out = get_backend("numba").forward(feats, torch.ones(1, 3, 8), kernel_map, Epilogue(relu=True))
    assert out[kernel_map.out_rows.long()].isnan().all()


def test_the_weight_gradient_reads_nothing_beyond_the_arrays():
    # NaN behind each array: it would reach the gradient if a vector were read too far.
    kernel_map = random_map(64, 64, 3, 1)
    for cin, cout in ((3, 5), (9, 9), (17, 31)):
        storage = [torch.full((65 * c,), float("nan")) for c in (cin, cout)]
        x, g = (s[: 64 * c].view(64, c) for s, c in zip(storage, (cin, cout), strict=True))
        x.normal_(), g.normal_()
        found = get_backend("numba").grad_weight(x, g, kernel_map)
        torch.testing.assert_close(found, get_backend("torch").grad_weight(x, g, kernel_map))


@given(cin=st.integers(1, 35), cout=widths, rows=st.integers(1, 200), seed=st.integers(0, 99))
def test_products_of_joined_bfloat16_are_those_of_float32(cin, cout, rows, seed):
    torch.manual_seed(seed)
    kernel_map = random_map(rows, rows, 3, seed)
    feats = torch.randn(rows, 2 * cin).bfloat16()
    weight = torch.randn(3, 2 * cin, cout).bfloat16()
    backend = get_backend("numba")
    plain = backend.forward(feats.float(), weight.float(), kernel_map)
    plain_back = backend.grad_input(plain, weight.float(), kernel_map)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_cpu, "_JOIN_HALVES", True)
        joined = backend.forward(feats, weight, kernel_map)
        joined_back = backend.grad_input(plain.bfloat16(), weight, kernel_map)
    assert joined.dtype == joined_back.dtype == torch.bfloat16
    torch.testing.assert_close(joined.float(), plain, rtol=0.01, atol=0.01 * cin**0.5)
    scale = float(plain_back.abs().max()) if rows else 0.0
    torch.testing.assert_close(joined_back.float(), plain_back, rtol=0.02, atol=0.02 * scale)


PROGRAM = """
import sys
from numba import types
from pcseg.sparse.backends import numba_kernels, numba_tiles

def array(dtype, dims):
    return types.Array(dtype, dims, "C")

x, y = getattr(types, sys.argv[1]), types.float32
numba_kernels.convolve.compile((
    array(x, 2), array(x, 1), array(types.int32, 1), array(types.int32, 1), array(types.int64, 2),
    types.int64, types.int64, types.int64, types.int64,
    types.Tuple((array(y, 1), array(y, 2), types.boolean)), array(y, 2), array(types.int64, 1),
))
print(numba_tiles.SHAPE)
print("".join(numba_kernels.convolve.inspect_asm().values()))
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64", reason="instructions of x86-64")
@pytest.mark.parametrize(
    ("dtype", "instruction"), [("float32", "vfmadd231ps"), ("int32", "vdpbf16ps")]
)
def test_the_instructions_of_newer_processors_are_used(tmp_path, dtype, instruction):
    # Compiled for a processor that need not be here, and not run.
    names = "avx avx2 fma avx512f avx512bw avx512dq avx512vl avx512bf16".split()
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "NUMBA_CPU_NAME": "sapphirerapids",
        "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in names),
    }
    command = [sys.executable, "-c", PROGRAM, dtype]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "rows=12" in child.stdout
    lines = [line for line in child.stdout.splitlines() if instruction in line and "zmm" in line]
    assert len(lines) >= 24
