"""Laws of placement: it is the fastest of all assignments, or says how far from it the fastest can be."""

import itertools
import math
import random
from collections.abc import Mapping, Sequence

import attrs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backends.placement import Flow, Node, Placement, place, placement_ms
from backends.placement_moves import Moves, improved
from backends.placement_problem import problem_of

UNITS = ("npu", "gpu", "cpu")
PAIRS = tuple(itertools.permutations(UNITS, 2))
QUARTERS = st.integers(0, 12).map(lambda n: n / 4)
"""Few different times, zero among them: ties are the rule, and sums are exact."""
ANY_TIME = st.floats(0, 10)


@attrs.frozen
class Task:
    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]
    launch_ms: Mapping[str, float]

    def placed(self, **options: int) -> Placement:
        return place(self.nodes, self.flows, self.launch_ms, **options)

    def ms(self, units: Sequence[str]) -> float:
        return placement_ms(units, self.nodes, self.flows, self.launch_ms)


@st.composite
def tasks(
    draw: st.DrawFn, times: st.SearchStrategy[float] = QUARTERS, most: int = 12, flows: int = 16, users: int = 4
) -> Task:
    """Nodes legal on one to three units, and values with any users behind their source, the outside among them."""
    count = draw(st.integers(1, most))
    units = st.lists(st.sampled_from(UNITS[3 - draw(st.integers(1, 3)) :]), min_size=1, unique=True)
    nodes = tuple(Node({unit: draw(times) for unit in draw(units)}) for _ in range(count))
    sources = draw(st.lists(st.integers(-1, count - 1), max_size=flows))
    given_to = [draw(st.lists(st.integers(s, count - 1), max_size=users)) for s in sources]
    values = tuple(
        Flow(source, tuple(user if user > source else -1 for user in ends), {pair: draw(times) for pair in PAIRS})
        for source, ends in zip(sources, given_to, strict=True)
    )
    many = draw(st.sampled_from([0.0, 1.0, 4.0]))
    return Task(nodes, values, {unit: draw(times) * many for unit in UNITS})


def least_ms(task: Task) -> float:
    """The least time of all assignments; a beginning that takes as long as the best one found is not gone on with."""
    best = math.inf

    def go_on(units: tuple[str, ...]) -> None:
        nonlocal best
        done = len(units)
        inner = [Flow(f.source, tuple(u for u in f.users if u < done), f.ms) for f in task.flows if f.source < done]
        spent = placement_ms(units, task.nodes[:done], inner, task.launch_ms)
        if spent >= best:
            return
        if done == len(task.nodes):
            best = spent
            return
        for unit in task.nodes[done].costs:
            go_on((*units, unit))

    go_on(())
    return best


@given(tasks())
def test_no_assignment_is_faster_than_the_placement(task: Task) -> None:
    placement = task.placed()
    assert placement.exact
    assert placement.ms == placement.bound_ms == least_ms(task) == task.ms(placement.units)
    assert all(unit in node.costs for unit, node in zip(placement.units, task.nodes, strict=True))


EXTREMES = st.sampled_from([0.0, 5e-324, 3e-300, 1e-9, 1.0, 1e9, 1e290])


@given(tasks(ANY_TIME, 8, 10) | tasks(st.floats(1e-3, 1e3), 8, 10) | tasks(EXTREMES, 8, 10))
def test_no_assignment_is_faster_by_more_than_rounding_whatever_the_size_of_times(task: Task) -> None:
    placement = task.placed()
    assert placement.exact
    assert placement.ms == placement.bound_ms == task.ms(placement.units)
    cheapest = [min(node.costs, key=node.costs.__getitem__) for node in task.nodes]
    simple = min(
        task.ms([unit if unit in node.costs else least for node, least in zip(task.nodes, cheapest, strict=True)])
        for unit in (*UNITS, "")
    )
    assert least_ms(task) <= placement.ms <= least_ms(task) + 1e-12 * simple


@given(tasks(most=8, flows=30, users=8) | tasks(ANY_TIME, 7, 30, 7), st.integers(1, 100))
def test_with_small_tables_the_fastest_is_between_the_bound_and_the_placement(task: Task, limit: int) -> None:
    placement = task.placed(limit=limit)
    least = least_ms(task)
    assert placement.ms == task.ms(placement.units)
    assert placement.bound_ms <= placement.ms
    assert placement.bound_ms <= least * (1 + 1e-12)
    assert least <= placement.ms * (1 + 1e-12)
    if placement.exact:
        assert math.isclose(placement.ms, least, rel_tol=1e-12)


@given(tasks(), st.data())
def test_no_cost_makes_the_fastest_placement_faster_by_rising(task: Task, data: st.DataObject) -> None:
    times = [(i, unit) for i, node in enumerate(task.nodes) for unit in node.costs]
    prices = [(i, pair) for i in range(len(task.flows)) for pair in PAIRS]
    more = data.draw(QUARTERS)
    i, key = data.draw(st.sampled_from(times + prices + [(0, unit) for unit in UNITS if more]))
    nodes, flows, launch = list(task.nodes), list(task.flows), dict(task.launch_ms)
    if isinstance(key, tuple):
        flows[i] = attrs.evolve(flows[i], ms={**flows[i].ms, key: flows[i].ms[key] + more})
    elif (i, key) in times and data.draw(st.booleans()):
        nodes[i] = Node({**nodes[i].costs, key: nodes[i].costs[key] + more})
    else:
        launch[key] += more
    risen = Task(tuple(nodes), tuple(flows), launch)
    assert task.placed().ms <= risen.placed().ms <= task.placed().ms + more


@given(tasks() | tasks(ANY_TIME), st.data(), st.sampled_from([1, 200_000]))
def test_the_order_of_flows_and_of_their_users_makes_no_difference(task: Task, data: st.DataObject, limit: int) -> None:
    flows = data.draw(st.permutations(task.flows))
    turned = [Flow(flow.source, flow.users[::-1] + flow.users[:1], flow.ms) for flow in flows]
    assert place(task.nodes, turned, dict(reversed(task.launch_ms.items())), limit=limit) == task.placed(limit=limit)


@given(tasks(most=40, flows=0), st.lists(QUARTERS, min_size=6, max_size=6))
def test_a_chain_is_placed_as_by_going_along_it(task: Task, times: list[float]) -> None:
    ms = dict(zip(PAIRS, times, strict=True))
    free = dict.fromkeys(UNITS, 0.0)
    links = [Flow(i - 1, (i,), ms) for i in range(1, len(task.nodes))]
    ahead = dict(task.nodes[0].costs)
    for node in task.nodes[1:]:
        ahead = {
            unit: cost + min(spent + ms.get((before, unit), 0.0) for before, spent in ahead.items())
            for unit, cost in node.costs.items()
        }
    assert place(task.nodes, links, free).ms == min(ahead.values())


@given(st.integers(0, 10_000))
def test_recurrent_layers_are_placed_exactly(seed: int) -> None:
    task = grid(random.Random(seed), 30, 3)
    placement = task.placed()
    assert placement.exact
    rough = task.placed(limit=100)
    assert rough.bound_ms <= placement.ms <= rough.ms


def test_small_tables_do_lose_exactness_somewhere() -> None:
    rough = [grid(random.Random(seed), 12, 4).placed(limit=30) for seed in range(10)]
    assert not all(placement.exact for placement in rough)
    assert all(placement.bound_ms > 0 for placement in rough)


def grid(rng: random.Random, length: int, width: int) -> Task:
    """Nodes each of which gives a value to the next one in its row and in its column."""
    nodes = [Node({unit: rng.randrange(40) / 4 for unit in UNITS}) for _ in range(length * width)]
    flows = []
    for i in range(len(nodes)):
        users = ([i + 1] if (i + 1) % width else []) + [i + width] * (i + width < len(nodes))
        flows.append(Flow(i, tuple(users), {pair: 1 + rng.randrange(16) / 4 for pair in PAIRS}))
    return Task(tuple(nodes), tuple(flows), dict.fromkeys(UNITS, 1.0))


@given(st.permutations(UNITS), st.integers(1, 20), QUARTERS)
def test_where_all_units_are_equal_all_nodes_are_on_the_one_that_is_named_first(
    units: list[str], count: int, ms: float
) -> None:
    nodes = [Node(dict.fromkeys(units, 1.0)) for _ in range(count)]
    flows = [Flow(i, tuple(range(i + 1, count)), dict.fromkeys(PAIRS, ms)) for i in range(count)]
    assert place(nodes, flows, dict.fromkeys(UNITS, 0.0)).units == (units[0],) * count


@given(tasks(flows=30), st.data())
def test_a_move_gains_what_it_says_and_moves_end_where_none_helps(task: Task, data: st.DataObject) -> None:
    problem = problem_of(task.nodes, task.flows, task.launch_ms, "cpu")
    legal = [np.flatnonzero(np.isfinite(row)).tolist() for row in problem.costs]
    start = np.array([data.draw(st.sampled_from(states)) for states in legal])
    moves = Moves(problem, start)
    for node in data.draw(st.permutations(range(len(task.nodes)))):
        state = data.draw(st.sampled_from(legal[node]))
        before = problem.total(np.array(moves.states))
        gain = moves.gain(node, state)
        moves.move(node, state)
        assert problem.total(np.array(moves.states)) == before - gain
    end = improved(problem, start)
    assert end[-1] == start[-1]
    assert problem.total(end) <= problem.total(start)
    for node, states in enumerate(legal[:-1]):
        for state in states:
            assert problem.total(np.where(np.arange(len(end)) == node, state, end)) >= problem.total(end)


def test_of_equal_units_a_node_is_on_that_of_its_neighbours_then_on_the_one_named_first() -> None:
    gpu, npu, either = Node({"npu": 5.0, "gpu": 0.0}), Node({"npu": 0.0, "gpu": 5.0}), Node({"npu": 1.0, "gpu": 1.0})
    free, launch = dict.fromkeys(PAIRS, 0.0), dict.fromkeys(UNITS, 0.0)
    assert place([gpu, either, npu], [], launch).units == ("gpu", "npu", "npu")
    links = [Flow(0, (1,), free), Flow(1, (2,), free)]
    assert place([gpu, either, gpu, npu], links, launch).units == ("gpu", "gpu", "gpu", "npu")


def test_a_value_is_paid_for_once_for_each_unit_that_needs_it() -> None:
    nodes = [Node({"npu": 0.0}), *[Node({"gpu": 0.0})] * 3, Node({"cpu": 0.0}), Node({"npu": 0.0})]
    value = Flow(0, (1, 2, 3, 4, 5, -1), dict.fromkeys(PAIRS, 0.0) | {("npu", "gpu"): 2.0, ("npu", "cpu"): 0.5})
    assert place(nodes, [value], dict.fromkeys(UNITS, 0.0)).ms == 2.5


def test_a_unit_is_launched_only_if_it_gains_more_than_its_launch_takes() -> None:
    nodes = [Node({"npu": 1.0, "gpu": 2.0}), Node({"npu": 2.0, "gpu": 1.0}), Node({"npu": 2.0, "gpu": 1.0})]
    assert place(nodes, [], {"npu": 0.0, "gpu": 1.5}).units == ("npu", "gpu", "gpu")
    assert place(nodes, [], {"npu": 0.0, "gpu": 2.5}).units == ("npu",) * 3
    assert place(nodes, [], {"npu": 1.5, "gpu": 0.0}) == Placement(("gpu",) * 3, 4.0, 4.0, True)


def test_how_slow_one_set_of_units_is_says_nothing_of_sets_that_are_no_part_of_it() -> None:
    times = ((0.0, 0.0, 6.0), (6.0, 2.0, 0.0), (0.0, 4.0, 5.0))
    prices = ((1.0, 1.0, 2.0, 5.0, 5.0, 3.0), (2.0, 4.0, 2.0, 4.0, 0.0, 4.0))
    nodes = [Node(dict(zip(UNITS, row, strict=True))) for row in times]
    flows = [Flow(i, (i + 1,), dict(zip(PAIRS, row, strict=True))) for i, row in enumerate(prices)]
    assert place(nodes, flows, dict.fromkeys(UNITS, 3.0)) == Placement(("npu", "cpu", "npu"), 7.0, 7.0, True)


def test_nothing_to_place_takes_no_time() -> None:
    assert place([], [Flow(-1, (-1,), {})], {}) == Placement((), 0.0, 0.0, True)
