"""Same bits for every repetition and every number of threads; safe in forked workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from pcseg.sparse import SparseConv3d, SparseInverseConv3d, SparseTensor, SubMConv3d, use_backend
from pcseg.sparse.backends import threads

# Place-dependent features and gradients: with constant ones, rows that were exchanged look right.
PROGRAM = """
import hashlib, json, sys, threading, torch
from unittest import mock
from pcseg.sparse import SparseConv3d, SparseInverseConv3d, SparseTensor, SubMConv3d, use_backend
from pcseg.sparse.backends import numba_cpu, threads

torch.manual_seed(0)
coords = torch.unique(torch.randint(0, 28, (6000, 3)), dim=0)
coords = torch.nn.functional.pad(coords, (1, 0)).int()
feats, gradient = torch.randn(len(coords), 24), torch.randn(len(coords), 40)
layers = [SubMConv3d(24, 40), SparseConv3d(40, 32, 3, 2), SparseInverseConv3d(32, 40, 3)]

def digest():
    start = feats.clone().requires_grad_()
    tensor = SparseTensor(start, coords)
    for layer in layers:
        layer.weight.grad = None
        tensor = layer(tensor)
    tensor.feats.backward(gradient)
    found = [tensor.feats, start.grad, *(layer.weight.grad for layer in layers)]
    return hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in found)).hexdigest()

def side_by_side(kernel, *arguments, work):
    # As threads.share, but all threads begin at the same moment.
    count = threads.thread_count(work)
    barrier = threading.Barrier(count)
    def run():
        barrier.wait()
        kernel(*arguments)
    others = [threading.Thread(target=run) for _ in range(count - 1)]
    for other in others:
        other.start()
    run()
    for other in others:
        other.join()

used, digests = [], []
with use_backend(sys.argv[1]):
    for count in (1, 2, 4):
        torch.set_num_threads(count)
        used.append(threads.thread_count(10**9))
        digests.append([digest() for _ in range(int(sys.argv[2]))])
        with mock.patch.object(numba_cpu, "share", side_by_side):
            digests[-1] += [digest() for _ in range(int(sys.argv[2]))]
print(json.dumps([used, digests]))
"""


def run(backend: str, repeats: int) -> tuple[list[int], list[list[str]]]:
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", PROGRAM, backend, str(repeats)]
    child = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=True
    )
    used, digests = json.loads(child.stdout.strip().splitlines()[-1])
    return used, digests


def test_numba_gives_the_same_bits_for_1_2_and_4_threads():
    used, digests = run("numba", 20)
    assert used == [1, 2, 4]
    assert len({d for row in digests for d in row}) == 1


def test_torch_repeats_itself_for_1_2_and_4_threads():
    _, digests = run("torch", 2)
    assert [len(set(row)) for row in digests] == [1, 1, 1]  # four times each


class _Convolved(Dataset):
    """Samples that are convolved where they are loaded."""

    def __init__(self, layer, tensor):
        self.layer, self.tensor = layer, tensor

    def __len__(self):
        return 4

    def __getitem__(self, index):
        torch.set_num_threads(2)  # a worker has one, and would need no help
        with torch.no_grad():
            fresh = SparseTensor(self.tensor.feats, self.tensor.coords)
            feats = self.layer(fresh).feats
        assert threads._crew._size > 0
        return feats


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_workers_compute_the_same_after_the_parent_used_threads():
    torch.manual_seed(0)
    coords = torch.unique(torch.randint(0, 28, (9000, 3)), dim=0)
    coords = torch.nn.functional.pad(coords, (1, 0)).int()
    tensor, layer = SparseTensor(torch.randn(len(coords), 24), coords), SubMConv3d(24, 40)
    with use_backend("numba"), torch.no_grad():
        here = layer(tensor).feats  # starts the threads that a child would miss
        loader = DataLoader(
            _Convolved(layer, tensor),
            batch_size=None,
            num_workers=2,
            multiprocessing_context="fork",
            timeout=60,
        )
        assert all(torch.equal(there, here) for there in loader)


def test_concurrent_callers_do_not_disturb_each_other():
    from concurrent.futures import ThreadPoolExecutor

    torch.manual_seed(0)
    coords = torch.unique(torch.randint(0, 20, (4000, 3)), dim=0)
    coords = torch.nn.functional.pad(coords, (1, 0)).int()
    feats = torch.randn(len(coords), 32)
    layers = [SubMConv3d(32, 32), SparseConv3d(32, 32), SparseInverseConv3d(32, 32)]

    def forward(_=None):
        with use_backend("numba"), torch.no_grad():
            tensor = SparseTensor(feats, coords)
            for layer in layers:
                tensor = layer(tensor)
            return tensor.feats

    alone = forward()
    with ThreadPoolExecutor(4) as pool:
        assert all(torch.equal(feats, alone) for feats in pool.map(forward, range(12)))


def test_shared_work_is_done_once_by_all_and_errors_come_back():
    tasks, done, helpers = list(range(500)), [], set()

    def kernel(tasks, done):
        while tasks:
            helpers.add(threading.get_ident())
            done.append(tasks.pop())
            time.sleep(1e-4)

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        threads.share(kernel, tasks, done, work=10**9)
        assert sorted(done) == list(range(500))
        assert len(helpers) == 3
        with pytest.raises(ZeroDivisionError):
            threads.share(lambda: 1 / 0, work=10**9)
        threads.share(kernel, [7], done, work=1)  # little work: no helpers
        assert done[-1] == 7
    finally:
        torch.set_num_threads(before)


def test_an_error_on_another_thread_is_raised_here():
    here, started = threading.get_ident(), threading.Event()

    def kernel():
        if threading.get_ident() != here:
            started.set()
            raise MemoryError("of a helper")
        started.wait(10)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(MemoryError, match="of a helper"):
            threads.share(kernel, work=10**9)
    finally:
        torch.set_num_threads(before)
