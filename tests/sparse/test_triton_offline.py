"""Every Triton kernel compiles for an H100, within its registers and its shared memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")

SHARED_OF_AN_A100 = 163 * 1024


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """What the compiler says of each; in a child, for this process may have the interpreter."""
    program = Path(__file__).with_name("triton_offline.py")
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path_factory.mktemp("triton"))
    child = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, env=environment, timeout=600
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout)


def test_no_kernel_spills_or_wants_too_much(kernels):
    assert len({kernel["kernel"] for kernel in kernels}) == 12
    for kernel in kernels:
        assert kernel["local_bytes"] == 0, kernel
        assert kernel["registers"] <= 224, kernel
        assert kernel["shared_bytes"] <= SHARED_OF_AN_A100, kernel


def test_sizes_that_change_with_every_scan_compile_nothing_anew(kernels):
    assert all(kernel["specialised"] == [] for kernel in kernels), kernels


def test_products_use_tensor_cores_unless_float32_is_to_be_exact(kernels):
    products = [k for k in kernels if "PRECISION" in k["constants"]]
    assert len(products) == 48
    exact = [k for k in products if not k["tensor_cores"]]
    assert len(exact) == 12
    # An exact config has 64 rows or 32 pairs, and the precision that torch has by default.
    assert {k["constants"]["PRECISION"] for k in exact} == {"ieee"}
    assert all(k["shared_bytes"] <= k["planned_bytes"] for k in products)
    loops = [k for k in products if k["kernel"] != "grouped_product"]
    assert all(k["asynchronous"] for k in loops)
