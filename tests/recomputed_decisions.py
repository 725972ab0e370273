"""What `optc plan --json` decides, worked out again from the record and the cost table, by a script of its own."""

import tomllib
from pathlib import Path
from typing import Any


def table_of(path: Path) -> dict[str, Any]:
    """A cost table with what it extends, figures as plain numbers."""
    text = tomllib.loads(path.read_text())
    base = table_of(path.with_name(f"{text.pop('extends')}.toml")) if "extends" in text else {}
    return merged(base, plain(text))


def plain(entry: Any) -> Any:
    if isinstance(entry, dict):
        return entry["value"] if {"value", "how", "source"} == set(entry) else {k: plain(v) for k, v in entry.items()}
    return entry


def merged(base: Any, more: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    return {**base, **{key: merged(base.get(key), value) for key, value in more.items()}}


def choice_of(weight: dict[str, Any], unit: dict[str, Any], facts: dict[str, Any]) -> str:
    """The choice for a weight of the record; `unit` is of the table, `facts` of the record's `units`."""
    s, scheme = weight["storage"], unit["schemes"].get(weight["scheme"])
    narrow = weight["scheme"].startswith("quantized") and s["bits"] <= 8 and "i8" in unit["arithmetic_tflops"]
    ops = [op for use in weight["uses"] if not (use["codes"] and narrow) for op in use["takes"]]
    if scheme is None or not legal(s, scheme, ops):
        return "load"
    dense, stored = weight["resident_bytes_if_load"], weight["stored_bytes"]
    load = sum(use_ms(u, unit, facts, None, weight, dense) for u in weight["uses"])
    predict = sum(use_ms(u, unit, facts, scheme, weight, stored) for u in weight["uses"])
    if abs(load - predict) <= 1e-12 * max(load, predict):
        return "predict" if stored < dense else "load"
    return "predict" if predict < load else "load"


def legal(s: dict[str, Any], scheme: dict[str, Any], ops: list[str]) -> bool:
    def allows(name: str, value: Any) -> bool:
        return not scheme.get(name) or value in scheme[name]

    cut = s["granularity"] in ("group", "block")
    return (
        scheme["expansion"] != "folds" and allows("bits", s["bits"]) and allows("granularities", s["granularity"])
        and allows("vectors", s["vector"]) and (s["axis"] is None or allows("axes", s["axis"]))
        and all(allows("ops", op) for op in ops) and (not cut or s["group"] >= scheme.get("least_group", 1))
    )  # fmt: skip


def use_ms(use: Any, unit: Any, facts: Any, scheme: Any, weight: Any, size: int) -> float:
    """The time of one use, expanded at load if there is no scheme."""
    s, touched, dense = weight["storage"], use["touched"], weight["resident_bytes_if_load"]
    streams, rates = bool(scheme) and scheme["expansion"] == "streams", unit["arithmetic_tflops"]
    rate = (scheme or {}).get("arithmetic_tflops", rates[unit["dtype"]]) if streams else rates[unit["dtype"]]
    if use["codes"] and scheme and weight["scheme"].startswith("quantized") and s["bits"] <= 8:
        rate = rates.get("i8", rate)
    kept = s["density"] if scheme and 1 - s["density"] >= scheme.get("skips_zeros_from", 2) else 1
    work = [use["operations"] * kept / rate * 1e-9, use["activation_bytes"] / unit["activation_gbps"] * 1e-6]
    base = max(work) if unit["overlap"] == "full" else sum(work)
    shared = facts["base_ms"] * dense / max(1, facts["dense_bytes"])
    hidden = {"program": shared, "op": base, "none": 0}[unit["weights_overlap"]]
    miss = max(0, 1 - unit["weight_cache_mb"] * 1e6 / (facts["dense_bytes"] * size / dense))
    gbps = (scheme or {}).get("stream_gbps", unit["weight_gbps"])
    stream = size * touched * (miss / gbps + (1 - miss) / unit["weight_cache_gbps"]) * 1e-6
    if not scheme:
        return float(base + max(0, stream - hidden))
    decode = scheme.get("decode_by_bits", {}).get(str(s["bits"]), scheme["decode_gweights_per_s"])
    moved = max(stream, weight["elements"] * touched / decode * 1e-6)
    tables = (s["tables"] - 1) * touched * scheme.get("table_ns", 0) * 1e-6
    if streams:
        return float(base + max(0, (moved**4 + tables**4) ** 0.25 - hidden))
    arrival = dense * touched / unit["weight_cache_gbps"] * 1e-6
    return float(base + moved + tables + dense * touched / unit["activation_gbps"] * 1e-6 + max(0, arrival - hidden))
