"""Compare two schemes: what they store, how far their outputs are off, and what they cost on a device.

You learn how to try schemes side by side, where the numbers of a plan are, and to read a decision.
"""

import numpy as np

import optc

program = optc.load(optc.demo_model())
pictures, digits = optc.demo_data()
before = optc.run(program, {"picture": pictures})["logits"]

for name, scheme in {
    "4-bit palettes": optc.Palettize(bits=4),
    "4-bit integers in blocks of 32": optc.Quantize(dtype="int4", granularity="per_block", block_size=32),
}.items():
    small = optc.compress(program, scheme)
    after = optc.run(small, {"picture": pictures})["logits"]
    noise = 10 * np.log10(np.square(before).sum() / np.square(after - before).sum())
    stored = sum(weight.stored_bytes for weight in optc.weights(small).values())
    right = (after.argmax(axis=1) == digits).mean()
    print(f"{name}: {stored:,} bytes of weights, {right:.1%} right, outputs at {noise:.1f} dB")
    plan = optc.plan(small, "iphone14pro", sizes={"batch": 64})
    print(f"  predict {plan.totals.predict_ms:.4f} ms, {plan.totals.resident_bytes:,} bytes resident")
    for decision in plan.decisions:
        if decision.scheme != "dense":
            print(f"  {decision.name} on {decision.unit}: expanded at {decision.choice} ({decision.reason})")
