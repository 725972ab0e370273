import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.einsum import Einsum

N, M = SymDim.named("n"), SymDim.named("m")


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("equation", "xs", "shape"),
    [
        ("nqhd,nkhd->nhqk", [(N, M, 8, 4), (N, 7, 8, 4)], (N, 8, M, 7)),
        ("ba", [(2, 3)], (3, 2)),
        ("ij,jk", [(2, 3), (3, 4)], (2, 4)),
        ("...ij,...jk->...ik", [(5, 1, 2, 3), (N, 3, 4)], (5, N, 2, 4)),
        ("...i->i...", [(2, 3, 4)], (4, 2, 3)),
        ("ij,ij->", [(N, 3), (N, 3)], ()),
        (" i j -> j i ", [(2, 3)], (3, 2)),
    ],
)
def test_einsum_infers(equation: str, xs: list[tuple[int, ...]], shape: tuple[int, ...]) -> None:
    assert Einsum(tuple(tensor(*x) for x in xs), equation).result.tensor.shape == shape


@pytest.mark.parametrize(
    ("slug", "equation", "xs"),
    [
        ("einsum-equation", "i1->i", [(2, 3)]),
        ("einsum-equation", "i->j->i", [(2,)]),
        ("einsum-equation", "...i...->i", [(2, 3)]),
        ("einsum-operands", "i,i->i", [(2,)]),
        ("einsum-operands", "", []),
        ("einsum-result", "i->j", [(2,)]),
        ("einsum-result", "i->ii", [(2,)]),
        ("einsum-result", "...i->i", [(2, 3)]),
        ("einsum-result", "i->...i", [(2,)]),
        ("einsum-rank", "ij->i", [(2,)]),
        ("einsum-rank", "i->i", [(2, 3)]),
        ("einsum-rank", "...ij->...", [(2,)]),
        ("einsum-rank", "...a->...a", [(1,) * 33]),
        ("size-mismatch", "ii->i", [(2, 3)]),
        ("broadcast", "ij,jk->ik", [(2, 3), (4, 5)]),
    ],
)
def test_einsum_refuses(slug: str, equation: str, xs: list[tuple[int, ...]]) -> None:
    with pytest.raises(OptcError) as caught:
        Einsum(tuple(tensor(*x) for x in xs), equation)
    assert caught.value.slug == slug


def test_a_repeated_label_takes_the_diagonal() -> None:
    x = np.float32([[1, 2], [3, 4]])
    assert Einsum((tensor(2, 2),), "ii->i").evaluate((x,)).tolist() == [1, 4]


def test_arithmetic_counts_one_operation_per_operand_and_combination_of_labels() -> None:
    assert Einsum((tensor(N, 3), tensor(3, 4)), "ij,jk->ik").operations() == N * 24
    assert Einsum((tensor(2, 3),), "ij->").operations() == 6
