"""Every test that takes `backend` runs on each backend and device of this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from pcseg.sparse import available_backends, use_backend


def _places() -> list:
    """All backends with the devices they work on here."""
    places = [pytest.param((name, "cpu"), id=f"{name}-cpu") for name in available_backends("cpu")]
    if torch.cuda.is_available():
        places += [
            pytest.param((name, "cuda"), id=f"{name}-cuda", marks=pytest.mark.gpu)
            for name in available_backends("cuda")
        ]
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
