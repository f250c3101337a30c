"""Products and weight gradients of the Triton kernels, at awkward shapes, sizes and dtypes."""

from __future__ import annotations

import pytest
import torch
from triton_device import DEVICE

from pcseg.sparse import MapCache, get_backend
from pcseg.sparse.backends.base import Epilogue
from pcseg.sparse.backends.triton import products
from pcseg.sparse.backends.triton.configs import Config
from pcseg.sparse.kernel import make_kernel

TRITON, REFERENCE = (get_backend(name) for name in ("triton", "torch"))


def kernel_map(size=3, stride=1, number=150, seed=0):
    generator = torch.Generator().manual_seed(seed)
    xyz = torch.randint(-4, 4, (number, 3), generator=generator)
    coords = torch.nn.functional.pad(torch.unique(xyz, dim=0), (1, 0)).to(DEVICE, torch.int32)
    maps, kernel = MapCache(), make_kernel(size, stride)
    fine = maps.level(coords, (1, 1, 1), None)
    return maps.kernel_map(fine, maps.coarser(fine, kernel.stride, TRITON), kernel, TRITON)


def random(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator).to(DEVICE, dtype)


def operands(found, cin, cout, dtype=torch.float32):
    """Features, weight and the gradient of the output, all of them different everywhere."""
    feats = random(found.num_in, cin, seed=1, dtype=dtype)
    weight = random(found.volume, cin, cout, seed=2, dtype=dtype) / 4
    return feats, weight, random(found.num_out, cout, seed=3, dtype=dtype)


KERNELS = [(3, 1), (2, 1), (2, 2), (3, 2), (1, 1)]
CHANNELS = [(4, 32, 2, 2), (33, 48, 2, 2), (96, 17, 3, 1), (1, 1, 3, 1)]


@pytest.mark.parametrize("swap", [False, True], ids=["as built", "transposed"])
@pytest.mark.parametrize("cin, cout, size, stride", [(5, 19, *k) for k in KERNELS] + CHANNELS)
def test_any_number_of_channels(cin, cout, size, stride, swap):
    found = kernel_map(size, stride)
    found = found.transposed if swap else found
    feats, weight, grad = operands(found, cin, cout)
    for ours, theirs in [
        (TRITON.forward(feats, weight, found), REFERENCE.forward(feats, weight, found)),
        (TRITON.grad_input(grad, weight, found), REFERENCE.grad_input(grad, weight, found)),
        (TRITON.grad_weight(feats, grad, found), REFERENCE.grad_weight(feats, grad, found)),
    ]:
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("swap", [False, True], ids=["as built", "transposed"])
@pytest.mark.parametrize("parts, relu", [("shift", False), ("residual", True), ("both", True)])
@pytest.mark.parametrize("size, stride", [(3, 1), (2, 2), (1, 1)])
def test_the_output_is_finished_at_once(size, stride, parts, relu, swap):
    found = kernel_map(size, stride)
    found = found.transposed if swap else found
    feats, weight, residual = operands(found, 6, 20)
    epilogue = Epilogue(
        None if parts == "residual" else random(20, seed=4),
        None if parts == "shift" else residual,
        relu,
    )
    ours = TRITON.forward(feats, weight, found, epilogue)
    theirs = REFERENCE.forward(feats, weight, found, epilogue)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_relu_lets_nan_through():
    found = kernel_map(3)
    feats, weight, _ = operands(found, 4, 4)
    feats[0] = float("nan")
    out = TRITON.forward(feats, weight, found, Epilogue(relu=True))
    assert out[0].isnan().all()


@pytest.mark.parametrize("tile", [(32, 16, 16), (128, 64, 32)])
@pytest.mark.parametrize("size, stride, swap", [(3, 1, False), (3, 1, True), (2, 2, True)])
def test_every_tile_size_gives_the_same(monkeypatch, size, stride, swap, tile):
    found = kernel_map(size, stride)
    found = found.transposed if swap else found
    feats, weight, grad = operands(found, 24, 40)
    monkeypatch.setattr(products, "choose", lambda *_: Config(tile, 4, 2))
    out = products.convolve(feats, weight, found)
    torch.testing.assert_close(out, REFERENCE.forward(feats, weight, found), atol=1e-4, rtol=1e-4)
    found_grad = products.weight_gradient(feats, grad, found)
    expected = REFERENCE.grad_weight(feats, grad, found)
    torch.testing.assert_close(found_grad, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("programs", [1, 7, 50])
@pytest.mark.parametrize("size, stride", [(3, 1), (2, 2)])
def test_any_division_of_the_pairs_gives_the_same(monkeypatch, size, stride, programs):
    found = kernel_map(size, stride)
    feats, _, grad = operands(found, 8, 8)
    monkeypatch.setattr(products, "_PROGRAMS", programs)
    monkeypatch.setattr(products, "_LEAST_STEPS", 1)
    ours = products.weight_gradient(feats, grad, found)
    theirs = REFERENCE.grad_weight(feats, grad, found)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size, stride", [(3, 1), (2, 2)])
def test_the_same_bits_at_every_call(size, stride):
    found = []
    for _ in range(3):
        built = kernel_map(size, stride)
        feats, weight, grad = operands(built, 20, 20)
        found.append(
            [
                TRITON.forward(feats, weight, built),
                TRITON.grad_input(grad, weight, built),
                TRITON.grad_weight(feats, grad, built),
            ]
        )
    for again in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], again, strict=True))


# The interpreter multiplies the bits of bfloat16 as if they were whole numbers.
HALF = [torch.float16, torch.bfloat16] if DEVICE.type == "cuda" else [torch.float16]


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("size, stride, swap", [(3, 1, False), (2, 2, True)])
def test_half_precision_is_added_in_float32(size, stride, swap, dtype):
    found = kernel_map(size, stride)
    found = found.transposed if swap else found
    feats, weight, grad = operands(found, 16, 24, dtype)
    exact = feats.float(), weight.float(), grad.float()
    out = products.convolve(feats, weight, found)
    assert out.dtype == dtype
    expected = REFERENCE.forward(exact[0], exact[1], found)
    error = (out.float() - expected).abs().max() / expected.abs().max()
    assert error < torch.finfo(dtype).eps  # one rounding, at the end

    gradient = products.weight_gradient(feats, grad, found)
    assert gradient.dtype == torch.float32
    expected = REFERENCE.grad_weight(exact[0], exact[2], found)
    torch.testing.assert_close(gradient, expected, atol=1e-4, rtol=1e-4)


def test_a_weight_gradient_beyond_float16_stays_finite():
    found = kernel_map(2, 2)
    feats = torch.full((found.num_in, 4), 200.0, device=DEVICE, dtype=torch.float16)
    grad = torch.full((found.num_out, 4), 100.0, device=DEVICE, dtype=torch.float16)
    gradient = products.weight_gradient(feats, grad, found)
    lengths = torch.tensor(found.starts, device=DEVICE).diff()
    expected = (lengths * 20_000.0).float()[:, None, None].expand_as(gradient)
    assert expected.max() > torch.finfo(torch.float16).max
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_on_a_cpu_is_computed_in_float32(dtype):
    if DEVICE.type != "cpu":
        pytest.skip("a GPU multiplies half precision as it is")
    found = kernel_map(3)
    feats, weight, grad = operands(found, 8, 8, dtype)
    out = TRITON.forward(feats, weight, found)
    assert torch.equal(out, TRITON.forward(feats.float(), weight.float(), found).to(dtype))
    gradient = TRITON.grad_weight(feats, grad, found)
    assert torch.equal(gradient, TRITON.grad_weight(feats.float(), grad.float(), found))


def test_no_rows_and_no_neighbours():
    empty = kernel_map(3, 1, number=0)
    feats, weight, grad = operands(empty, 4, 8)
    assert TRITON.forward(feats, weight, empty).shape == (0, 8)
    assert torch.equal(TRITON.grad_weight(feats, grad, empty), torch.zeros(27, 4, 8).to(DEVICE))
    lonely = kernel_map(2, 1, number=1)
    feats, weight, grad = operands(lonely, 4, 8)
    torch.testing.assert_close(TRITON.forward(feats, weight, lonely), feats @ weight[0])
    assert TRITON.grad_weight(feats, grad, lonely)[1:].abs().max() == 0


def test_float64_has_the_arithmetic_of_the_torch_backend():
    found = kernel_map(3)
    feats, weight, grad = operands(found, 3, 3, torch.float64)
    assert torch.equal(
        TRITON.forward(feats, weight, found), REFERENCE.forward(feats, weight, found)
    )
    gradient = TRITON.grad_weight(feats, grad, found)
    assert gradient.dtype == torch.float64
    assert torch.equal(gradient, REFERENCE.grad_weight(feats, grad, found))


def test_float32_is_multiplied_as_torch_multiplies_it():
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    named_before = getattr(matmul, "fp32_precision", None)
    feats = torch.ones(1, 1)
    try:
        for allowed, expected in ((True, "tf32"), (False, "ieee")):
            matmul.allow_tf32 = allowed
            assert products.precision(feats) == expected
            assert products.precision(feats.half()) == "ieee"
        if hasattr(matmul, "fp32_precision"):
            matmul.fp32_precision = "tf32"
            assert products.precision(feats) == "tf32"
    finally:
        matmul.allow_tf32 = before
        if named_before is not None:
            matmul.fp32_precision = named_before
