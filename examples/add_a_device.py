"""Describe a device of your own in a cost table, and see what changes.

You learn that a table says only what differs from one that ships with optc, that each figure has a source, and where a
decision would flip. `optc devices phone.toml` shows the whole table.
"""

from pathlib import Path

import optc

TABLE = """
extends = "iphone14pro"
name = "phone"
title = "A phone with slow lookups"

[units.npu.schemes.palettized]
decode_gweights_per_s = { value = 1.5, how = "measured", source = "my benchmark of today, median of 20 runs" }
"""

Path("phone.toml").write_text(TABLE, "utf-8")
small = optc.compress(optc.load(optc.demo_model()), optc.Palettize(bits=4))
for device in ("iphone14pro", "phone.toml"):
    plan = optc.plan(small, device, sizes={"batch": 64})
    print(f"{plan.device.title}: {plan.totals.predict_ms:.4f} ms")
    for decision in plan.decisions:
        flip = decision.break_even
        where = f", until {flip.figure} is {flip.value:.3g} (it is {flip.now:g})" if flip else ""
        print(f"  {decision.name} on {decision.unit}: expanded at {decision.choice} ({decision.reason}){where}")
