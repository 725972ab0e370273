"""What a graphics processor cannot run."""

from backends.rule import Rule, named, ranks_above, uses

RULES = (
    Rule("opaque", "an op that optc does not know", named("opaque"), "it may be anything"),
    Rule("control-flow", "is handed ops one after the other, without branches", named("cond", "while_loop"), "assumed"),
    Rule("dtype", "no text", uses("str"), "shader languages have none"),
    Rule("dynamic-shape", "sizes that only the data decide", named("dynamic_*", "nonzero"), "assumed: read back first"),
    Rule("rank", "tensors of at most 8 dimensions", ranks_above(8), "assumed"),
)
