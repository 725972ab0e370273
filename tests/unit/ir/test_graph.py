"""The networkx view of a block."""

import sys

import networkx as nx
import pytest
from hypothesis import given

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.graph import INPUT, OUTPUT, to_networkx
from optc.ir.liveness import uses_of
from optc.ir.types import TensorType
from tests.unit.ir.ops_for_tests import F2, Add, Cond, Neg, block_of
from tests.unit.ir.test_printer import nested_programs


@given(nested_programs())
def test_the_graph_is_acyclic_and_has_an_edge_for_each_use(program: Program) -> None:
    body = program.main.body
    graph = to_networkx(body)
    assert nx.is_directed_acyclic_graph(graph)
    assert graph.number_of_nodes() == len(body.ops) + 2
    assert graph.number_of_edges() == sum(len(uses_of(op)) for op in body.ops) + len(body.results)
    assert all(source == INPUT or source < target for source, target in graph.edges() if target != OUTPUT)


def test_edges_carry_their_values_and_nested_uses_count() -> None:
    builder = Builder()
    x, c = builder.param(F2, "x"), builder.param(TensorType(DType.BOOL), "c")
    y = builder.add(Neg(x), "y")
    z = builder.add(Cond(c, block_of(Neg, y), block_of(Neg, x)), "z")
    out = builder.add(Add(z, z), "out")
    graph = to_networkx(builder.block(out))
    edges = {(a, b, data["value"].name) for a, b, data in graph.edges(data=True)}
    assert edges == {
        (INPUT, 0, "x"), (INPUT, 1, "c"), (0, 1, "y"), (INPUT, 1, "x"), (1, 2, "z"), (2, OUTPUT, "out"),
    }  # fmt: skip
    assert graph.number_of_edges(1, 2) == 2
    assert graph.nodes[0]["op"] is builder.ops[0]


def test_without_networkx_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(OptcError, match="networkx must be installed") as caught:
        to_networkx(Builder().block())
    assert caught.value.slug == "no-networkx"
