"""Tickets: how threads that run the same kernel divide its tasks among themselves."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _define_take_ticket(typing_context: Any, counter: Any) -> Any:
    """Read ``counter[0]`` and add one to it, atomically."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = ir.Constant(ir.IntType(64), 1)
        return builder.atomic_rmw("add", array.data, one, "monotonic")

    return types.int64(counter), generate


take_ticket: Any = intrinsic(_define_take_ticket)
