"""Write a pass of your own, and have it tried on random programs. Needs: pip install 'optc[test]'.

You learn that a pass has a method `run` from program to program, that a rule says what stands for an op, and that
`check_pass` shows the smallest program for which a law of passes does not hold: return `Abs(...)` from the rule.
"""

import attrs

import optc
from optc.ir.dtypes import FLOATS
from optc.ops.activations import Relu
from optc.ops.pool import MaxPool
from optc.pipeline.passes import Pass
from optc.pipeline.rules import Rule, rewrite
from optc.testing.check_pass import check_pass


def relu_last(op, match):  # max_pool(relu(x)) becomes relu(max_pool(x)), which goes through fewer elements
    relu = match.definition(op.x)
    fits = isinstance(relu, Relu) and match.single_use(op.x)
    return Relu(match.add(op.evolve(x=relu.x, results=()))) if fits else None


@attrs.frozen
class ReluLast(Pass):
    name, exact, idempotent = "relu-last", True, True

    def run(self, program, cx):
        return program.map_bodies(lambda body: rewrite(body, [Rule("relu-last", (MaxPool,), relu_last)], cx.count))


def pooled_relu(source):  # what random programs are to hold, so that the pass has something to do
    relu = source.builder.add(Relu(source.some(FLOATS, 3, 4)))
    return source.builder.add(MaxPool(relu, [source.integer(1, size) for size in relu.type.static_shape[2:]]))


check_pass(ReluLast, idioms=(pooled_relu,))
program = optc.compress(optc.load(optc.demo_model()), ReluLast())
print([op.name for op in program.main.body.ops if not op.constant])
