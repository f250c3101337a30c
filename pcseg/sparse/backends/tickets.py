"""Tickets: how threads that run the same kernel divide its tasks among themselves."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic


def _define_take_tickets(typing_context: Any, counter: Any, number: Any) -> Any:
    """Read ``counter[0]`` (int64) and add a number to it, atomically."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        amount = context.cast(builder, arguments[1], signature.args[1], types.int64)
        return builder.atomic_rmw("add", array.data, amount, "monotonic")

    return types.int64(counter, number), generate


take_tickets: Any = intrinsic(_define_take_tickets)
