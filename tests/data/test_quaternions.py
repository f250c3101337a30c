"""Quaternions and rotations."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pcseg.data.quaternions import quaternion_of, rotation_of

component = st.floats(-1, 1)


def test_a_quarter_turn_to_the_left() -> None:
    half = np.sqrt(0.5)
    turn = rotation_of(np.array([half, 0, 0, half]))
    np.testing.assert_allclose(turn @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(quaternion_of(turn), [half, 0, 0, half], atol=1e-15)


@given(component, component, component, component)
def test_there_and_back(w: float, x: float, y: float, z: float) -> None:
    given = np.array([w, x, y, z])
    if np.linalg.norm(given) < 1e-3:
        return
    turn = rotation_of(given)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) > 0
    found = quaternion_of(turn)
    assert found[0] >= 0
    # q and -q are the same rotation.
    unit = given / np.linalg.norm(given)
    assert abs(abs(unit @ found) - 1) < 1e-12
