"""Register tiles: the innermost loops of the numba backend, written in LLVM's own vector types.

A tile is a small matrix that lives in the processor's registers while a sum runs. The rows it reads
and writes are found through the kernel map, so nothing is gathered into a buffer, no BLAS is
called, and no compiler beyond numba's is needed. Its shape follows the processor that numba
compiles for: 6 x 16 float32 with AVX2, 12 x 32 with AVX-512, 6 x 16 with NEON, 6 x 8 otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, config
from numba.extending import intrinsic

_I32, _I64 = ir.IntType(32), ir.IntType(64)

_AHEAD = 8
"""Rows that are asked for before they are needed."""


@dataclass(frozen=True)
class TileShape:
    """Rows and columns of tiles, for one kind of processor.

    Attributes:
        rows: of the usual tile.
        few_rows: of the smaller one, so that sums of both reach every multiple of `row_unit` from
            `few_rows` on.
        row_unit: see above.
        vectors: vectors side by side in a row of the usual tile.
        bits: width of a vector.
        multiplies_halves: whether there is an instruction for products of bfloat16.
    """

    rows: int
    few_rows: int
    row_unit: int
    vectors: int
    bits: int
    multiplies_halves: bool = False

    def lanes(self, itemsize: int) -> int:
        """Numbers of `itemsize` bytes in one vector."""
        return self.bits // (8 * itemsize)


def _shape_here() -> TileShape:
    features = _features()
    if "avx512f" in features:
        return TileShape(12, 8, 4, vectors=2, bits=512, multiplies_halves="avx512bf16" in features)
    if "avx" in features:
        return TileShape(6, 4, 2, vectors=2, bits=256)
    if "neon" in features:
        return TileShape(6, 4, 2, vectors=4, bits=128)
    return TileShape(6, 4, 2, vectors=2, bits=128)


def _features() -> set[str]:
    """What the processor can do that numba compiles for: this one's, or what its user set."""
    chosen = config.CPU_FEATURES  # type: ignore[attr-defined]
    if config.CPU_NAME == "generic" and chosen is None:  # type: ignore[attr-defined]
        return set()
    if chosen is not None:
        return {name[1:] for name in chosen.split(",") if name.startswith("+")}
    return {name for name, there in binding.get_host_cpu_features().items() if there}


SHAPE = _shape_here()

if SHAPE.multiplies_halves:
    binding.initialize_native_asmparser()  # for an instruction that LLVM's own types cannot name


def make_row_tile(vectors: int, partial: bool) -> Any:
    """A tile of output rows: ``y[o, n:] += x[i] @ w`` for pairs (i, o), a few at a time.

    Args:
        vectors: vectors in a row of the tile.
        partial: whether only some columns of the last vector exist in the output.

    Returns:
        A function for numba code: ``(x, w, w_at, y, in_rows, out_rows, first, last, column,
        fresh)``, with x (num_in, Cin) and y (num_out, Cout) in C order, w one-dimensional with a
        (Cin, tile columns) panel at `w_at`, the pairs ``first:last``, and `fresh` to set instead
        of add. If x and w are int32, each of their numbers holds two bfloat16 of neighbouring
        input channels, the first in the lower half; y is float32 then.
    """

    def row_tile(  # type: ignore[no-untyped-def]
        context, x, w, w_at, y, in_rows, out_rows, first, last, column, fresh
    ):
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _row_tile(_Code(target, builder, signature, arguments), vectors, partial)
            return target.get_dummy_value()

        kinds = x, w, w_at, y, in_rows, out_rows, first, last, column, fresh
        return types.void(*kinds), generate

    return intrinsic(row_tile)


def make_weight_tile(rows: int, vectors: int) -> Any:
    """A tile of a weight gradient: ``s[a:, n:] += sum of x[p]^T g[p]`` over packed rows p.

    Args:
        rows: input channels of the tile.
        vectors: vectors of output channels of the tile.

    Returns:
        A function for numba code: ``(xs, x_at, gs, g_at, count, s, a, n, fresh)``, with xs and gs
        one-dimensional, `count` rows of the tile's height at `x_at` and of its width at `g_at`, s
        in C order, and `fresh` to set instead of add.
    """

    def weight_tile(  # type: ignore[no-untyped-def]
        context, xs, x_at, gs, g_at, count, s, a, n, fresh
    ):
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _weight_tile(_Code(target, builder, signature, arguments), rows, vectors)
            return target.get_dummy_value()

        return types.void(xs, x_at, gs, g_at, count, s, a, n, fresh), generate

    return intrinsic(weight_tile)


def make_spread_row(numbers: int = 0, vectors: int = 0) -> Any:
    """Distribute a row that a kernel map names over panels of some columns.

    Whole vectors are read and written, up to one vector less one number too many: so much of the
    array must follow the row, the next row of a panel must be written after this one, and a
    vector of room must follow each panel.

    Args:
        numbers: width of the panels.
        vectors: or their width in vectors.

    Returns:
        A function for numba code: ``(source, rows, place, column, pieces, copy, at, stride)``:
        `pieces` pieces, from `column` on, of row ``rows[place]`` of `source`, to ``at``,
        ``at + stride``, … in the one-dimensional `copy`. The row of 8 places later, if there is
        one, is asked for in advance.
    """

    def spread_row(  # type: ignore[no-untyped-def]
        context, source, rows, place, column, pieces, copy, at, stride
    ):
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code = _Code(target, builder, signature, arguments)
            _spread_row(code, numbers or vectors * code.lanes)
            return target.get_dummy_value()

        return types.void(source, rows, place, column, pieces, copy, at, stride), generate

    return intrinsic(spread_row)


def _spread_row(code: _Code, width: int) -> None:
    b, lanes = code.builder, code.lanes
    source, rows, copy = code.array(0), code.array(1), code.array(5)
    place, column, pieces, at, stride = (code.arguments[i] for i in (2, 3, 4, 6, 7))
    channels = b.extract_value(source.shape, 1)
    begin = b.gep(code.row(source, rows, place, channels), [column])
    end = b.gep(copy.data, [at])
    last = b.sub(b.extract_value(rows.shape, 0), _I64(1))
    later = b.add(place, _I64(_AHEAD))
    later = b.select(b.icmp_signed("<", later, last), later, last)
    ahead = b.gep(code.row(source, rows, later, channels), [column])
    with cgutils.for_range(b, pieces, intp=_I64) as loop:
        here = b.gep(begin, [b.mul(loop.index, _I64(width))])
        there = b.gep(end, [b.mul(loop.index, stride)])
        code.prefetch(b.gep(ahead, [b.mul(loop.index, _I64(width))]))
        for v in range(-(-width // lanes)):
            code.store(code.load(here, v * lanes), there, v * lanes)


def _row_tile(code: _Code, vectors: int, partial: bool) -> None:
    b, vec, lanes = code.builder, code.vector, code.lanes
    x, w, y, in_rows, out_rows = (code.array(i) for i in (0, 1, 3, 4, 5))
    w_at, first, last, column, fresh = (code.arguments[i] for i in (2, 6, 7, 8, 9))
    cin, cout = b.extract_value(x.shape, 1), b.extract_value(y.shape, 1)
    # More rows where a row is a single vector: the sums must hide the latency of a product. Not
    # more than twelve: each has a pointer in a register.
    rows = SHAPE.rows if vectors > 1 else 12
    sums = [[cgutils.alloca_once(b, vec) for _ in range(vectors)] for _ in range(rows)]
    panel = b.gep(w.data, [w_at])
    with cgutils.for_range_slice(b, first, last, _I64(rows), intp=_I64, inc=True) as (pair, _):
        there, sources, targets = [], [], []  # what is not used costs nothing
        for m in range(rows):
            at = b.add(pair, _I64(m))
            there.append(b.icmp_signed("<", at, last))
            # Rows of the tile beyond the last pair repeat it and are not stored.
            at = b.select(there[m], at, b.sub(last, _I64(1)))
            sources.append(code.row(x, in_rows, at, cin))
            targets.append(b.gep(code.row(y, out_rows, at, cout), [column]))
        for m in range(rows):
            for v in range(vectors):
                old = code.zero
                if not partial:
                    old = b.select(fresh, code.zero, code.load(targets[m], v * lanes))
                b.store(old, sums[m][v])
        with cgutils.for_range(b, cin, intp=_I64) as loop:
            line = b.gep(panel, [b.mul(loop.index, _I64(vectors * lanes))])
            right = [code.load(line, v * lanes, code.factors) for v in range(vectors)]
            for m in range(rows):
                left = code.spread(b.load(b.gep(sources[m], [loop.index])))
                for v in range(vectors):
                    if code.halves:
                        code.multiply_add_halves(left, right[v], sums[m][v])
                    else:
                        code.multiply_add(left, right[v], sums[m][v])
        if partial:
            _add_columns(code, sums, pair)
        else:
            for m in range(rows):
                with b.if_then(there[m], likely=True):
                    for v in range(vectors):
                        code.store(b.load(sums[m][v]), targets[m], v * lanes)


def _add_columns(code: _Code, sums: Sequence[Sequence[Any]], pair: Any) -> None:
    """Add the columns that exist of a tile of single vectors to the output, number by number."""
    b = code.builder
    y, out_rows = code.array(3), code.array(5)
    last, column, fresh = (code.arguments[i] for i in (7, 8, 9))
    cout = b.extract_value(y.shape, 1)
    # A copy in memory: what is indexed by a variable cannot stay in a register.
    copy = cgutils.alloca_once(b, code.number, len(sums) * code.lanes)
    for m, (total,) in enumerate(sums):
        code.store(b.load(total), copy, m * code.lanes)
    left = b.sub(last, pair)
    count = b.select(b.icmp_signed("<", left, _I64(len(sums))), left, _I64(len(sums)))
    with cgutils.for_range(b, count, intp=_I64) as rows:
        row = b.gep(code.row(y, out_rows, b.add(pair, rows.index), cout), [column])
        numbers = b.gep(copy, [b.mul(rows.index, _I64(code.lanes))])
        with cgutils.for_range(b, b.sub(cout, column), intp=_I64) as columns:
            place = b.gep(row, [columns.index])
            old = b.select(fresh, code.number(0.0), b.load(place))
            b.store(b.fadd(old, b.load(b.gep(numbers, [columns.index]))), place)


def _weight_tile(code: _Code, rows: int, vectors: int) -> None:
    b, lanes = code.builder, code.lanes
    xs, gs, s = code.array(0), code.array(2), code.array(5)
    x_at, g_at, count, a, n, fresh = (code.arguments[i] for i in (1, 3, 4, 6, 7, 8))
    width = b.extract_value(s.shape, 1)
    sums = [[cgutils.alloca_once(b, code.vector) for _ in range(vectors)] for _ in range(rows)]
    places = []
    for m in range(rows):
        places.append(b.gep(s.data, [b.add(b.mul(b.add(a, _I64(m)), width), n)]))
        for v in range(vectors):
            old = b.select(fresh, code.zero, code.load(places[m], v * lanes))
            b.store(old, sums[m][v])
    left, right = b.gep(xs.data, [x_at]), b.gep(gs.data, [g_at])
    with cgutils.for_range(b, count, intp=_I64) as loop:
        line = b.gep(right, [b.mul(loop.index, _I64(vectors * lanes))])
        factors = [code.load(line, v * lanes) for v in range(vectors)]
        column = b.gep(left, [b.mul(loop.index, _I64(rows))])
        for m in range(rows):
            factor = code.spread(b.load(b.gep(column, [_I64(m)])))
            for v in range(vectors):
                code.multiply_add(factor, factors[v], sums[m][v])
    for m in range(rows):
        for v in range(vectors):
            code.store(b.load(sums[m][v]), places[m], v * lanes)


class _Code:
    """What both tiles are written with: the builder, the vector type, and the usual steps."""

    def __init__(self, target: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> None:
        self.target, self.builder = target, builder
        self.signature, self.arguments = signature, arguments
        dtype = signature.args[0].dtype
        self.halves = dtype == types.int32
        self.number = ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()
        self.lanes = SHAPE.lanes(dtype.bitwidth // 8)
        self.vector = ir.VectorType(self.number, self.lanes)
        self.factors = ir.VectorType(_I32, self.lanes) if self.halves else self.vector
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)
        self._align = dtype.bitwidth // 8
        self._fma_name = f"llvm.fmuladd.v{self.lanes}f{dtype.bitwidth}"

    def array(self, number: int) -> Any:
        make: Callable[..., Any] = self.target.make_array(self.signature.args[number])
        return make(self.target, self.builder, self.arguments[number])

    def row(self, array: Any, rows: Any, place: Any, width: Any) -> Any:
        """Pointer to the row of `array` that entry `place` of an int32 list names."""
        b = self.builder
        row = b.sext(b.load(b.gep(rows.data, [place])), _I64)
        return b.gep(array.data, [b.mul(row, width)])

    def load(self, pointer: Any, offset: int, kind: Any = None) -> Any:
        place = self._vector_at(pointer, offset, kind or self.vector)
        return self.builder.load(place, align=self._align)

    def store(self, value: Any, pointer: Any, offset: int) -> None:
        place = self._vector_at(pointer, offset, self.vector)
        self.builder.store(value, place, align=self._align)

    def prefetch(self, pointer: Any) -> None:
        """Bring the line of `pointer` into the second-level cache."""
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        ask = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0i8")
        place = self.builder.bitcast(pointer, byte)
        self.builder.call(ask, [place, number(0), number(3), number(1)])

    def spread(self, number: Any) -> Any:
        """A vector of the same number in all lanes."""
        empty = ir.Constant(self.factors, ir.Undefined)
        lanes = ir.Constant(ir.VectorType(_I32, self.lanes), [0] * self.lanes)
        first = self.builder.insert_element(empty, number, _I32(0))
        return self.builder.shuffle_vector(first, empty, lanes)

    def multiply_add(self, a: Any, c: Any, total: Any) -> None:
        """``total += a * c``, fused where the processor can."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        fma = cgutils.get_or_insert_function(self.builder.module, kind, self._fma_name)
        self.builder.store(self.builder.call(fma, [a, c, self.builder.load(total)]), total)

    def multiply_add_halves(self, a: Any, c: Any, total: Any) -> None:
        """``total += a.low * c.low + a.high * c.high``, the halves of each number as bfloat16."""
        b = self.builder
        if SHAPE.multiplies_halves:
            kind = ir.FunctionType(self.vector, [self.factors, self.factors, self.vector])
            code = ir.InlineAsm(kind, "vdpbf16ps $2, $1, $0", "=v,v,v,0")
            b.store(b.call(code, [a, c, b.load(total)]), total)
            return
        sixteen = ir.Constant(self.factors, [16] * self.lanes)
        upper = ir.Constant(self.factors, [-65536] * self.lanes)
        # A bfloat16 is the upper half of a float32.
        low = [b.bitcast(b.shl(factor, sixteen), self.vector) for factor in (a, c)]
        high = [b.bitcast(b.and_(factor, upper), self.vector) for factor in (a, c)]
        self.multiply_add(low[0], low[1], total)
        self.multiply_add(high[0], high[1], total)

    def _vector_at(self, pointer: Any, offset: int, kind: Any) -> Any:
        place = self.builder.gep(pointer, [_I64(offset)])
        return self.builder.bitcast(place, kind.as_pointer())
