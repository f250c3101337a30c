"""Every test that takes `backend` runs on each backend and device of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pcseg.sparse import available_backends, use_backend
from pcseg.sparse.backends import BACKENDS


def _places() -> list:
    """All backends by device; what is absent here is skipped and said so."""
    places = []
    for name in BACKENDS:
        cpu = pytest.mark.skipif(
            name not in available_backends("cpu"), reason=f"{name} does not work on the CPU"
        )
        cuda = pytest.mark.skipif(
            not torch.cuda.is_available() or name not in available_backends("cuda"),
            reason=f"no CUDA device that {name} works on",
        )
        if name != "spconv":
            places.append(pytest.param((name, "cpu"), id=f"{name}-cpu", marks=cpu))
        if name != "numba":
            marks = [cuda, pytest.mark.gpu]
            places.append(pytest.param((name, "cuda"), id=f"{name}-cuda", marks=marks))
    return places


@pytest.fixture(params=_places())
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """A device with one of its backends in use."""
    name, device = request.param
    with use_backend(name):
        yield torch.device(device)


@pytest.fixture(autouse=True)
def _exact_products() -> None:
    """Dense convolutions on CUDA round to TF32 unless told otherwise."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
