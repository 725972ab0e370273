"""A block as a networkx graph, for algorithms that want one."""

from typing import TYPE_CHECKING, Any

from optc.errors import OptcError
from optc.ir.block import Block
from optc.ir.liveness import uses_of
from optc.ir.value import Value

if TYPE_CHECKING:
    import networkx as nx

INPUT, OUTPUT = "input", "output"


def to_networkx(block: Block) -> "nx.MultiDiGraph[Any]":
    """The data flow of the block: one node per op (its position), and the nodes `input` and `output`.

    An edge runs from the op that defines a value to each op that uses it, with the value as attribute `value`;
    uses inside a nested block count as uses by the op that holds the block. Nodes of ops have the attribute `op`.

    Raises:
        OptcError: slug `no-networkx`: networkx is not installed.
    """
    try:
        import networkx as nx
    except ImportError:
        hint = "pip install 'optc[graph]'"
        raise OptcError("no-networkx", "optc", "the package networkx", "installed", hint=hint) from None
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    graph.add_node(INPUT)
    graph.add_node(OUTPUT)
    source: dict[Value, Any] = dict.fromkeys(block.params, INPUT)
    for position, op in enumerate(block.ops):
        graph.add_node(position, op=op)
        for value in uses_of(op):
            if value in source:
                graph.add_edge(source[value], position, value=value)
        source.update(dict.fromkeys(op.results, position))
    for value in block.results:
        if value in source:
            graph.add_edge(source[value], OUTPUT, value=value)
    return graph
