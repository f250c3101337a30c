"""The numba backend's register tiles: every width of channels, the last row, the epilogue."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pcseg.sparse import get_backend
from pcseg.sparse.backends import numba_cpu, numba_kernels, numba_search
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


GUARDED = """
import ctypes, mmap, numpy as np, torch
from pcseg.sparse import get_backend
from pcseg.sparse.kernel_map import KernelMap

PAGE = mmap.PAGESIZE
libc = ctypes.CDLL(None, use_errno=True)

def at_the_edge(values):
    # A copy whose last byte is the last one of a page; the page behind it may not be touched.
    size = -(-values.nbytes // PAGE) * PAGE
    memory = mmap.mmap(-1, size + PAGE)
    view = np.frombuffer(memory, np.uint8)
    address = view.ctypes.data + size
    assert libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), 0) == 0
    copy = view[size - values.nbytes : size].view(values.dtype).reshape(values.shape)
    copy[:] = values
    kept.append(memory)
    return torch.from_numpy(copy)

kept = []
rows = torch.arange(40, dtype=torch.int32)
pairs = KernelMap(torch.cat([rows, rows]), torch.cat([rows, rows]), (0, 40, 80), 40, 40)
for dtype in (np.float32, np.float64):
    for cin in range(1, 20):
        for cout in (1, 3, 4, 7, 8, 13, 17, 24):
            x, g = (at_the_edge(np.random.rand(40, c).astype(dtype)) for c in (cin, cout))
            w = at_the_edge(np.random.rand(2, cin, cout).astype(dtype))
            ours, theirs = get_backend("numba"), get_backend("torch")
            for name, a, b in (("forward", x, w), ("grad_input", g, w), ("grad_weight", x, g)):
                found, wanted = (getattr(o, name)(a, b, pairs) for o in (ours, theirs))
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
print("sound")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="protects memory pages as Linux does")
def test_nothing_is_read_beyond_the_arrays():
    child = subprocess.run([sys.executable, "-c", GUARDED], capture_output=True, text=True)
    assert child.stdout.strip() == "sound", (child.returncode, child.stderr[-2000:])


@pytest.mark.parametrize("kernels", [numba_kernels, numba_search])
def test_kernels_change_with_the_code_that_is_compiled_into_them(kernels):
    # numba looks only at a kernel's own file to see whether its machine code is up to date.
    folder = Path(kernels.__file__).parent
    parts = [(folder / name).read_bytes() for name in ("numba_tiles.py", "tickets.py")]
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    assert digest == kernels.INLINED, f"write {digest} there: stale code is run until then"


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
