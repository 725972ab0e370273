"""Names of the operators of a file, which programs have no place for: a program names values.

They are kept in the metadata, by the name of the operator's first output, so that a writer gives them back to the
operators that compute these values.
"""

import json
from collections.abc import Iterable, Mapping

from optc.ir.block import NODE_NAMES

Named = Iterable[tuple[str, str, str]]


def node_names(operators: Named) -> dict[str, str]:
    """The metadata that hold names of `operators` (kind, name, first output) but for those that writers make up."""
    kept = {output: name for kind, name, output in operators if name and output and name != default_name(kind, output)}
    return {NODE_NAMES: json.dumps(kept, ensure_ascii=False, separators=(",", ":"))} if kept else {}


def default_name(kind: str, output: str) -> str:
    """The name of an operator that has none of its own."""
    return f"{kind}_{output}" if output else kind


def names_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """Names of operators by first output; none where the metadata hold nothing that can be read so."""
    try:
        data = json.loads(metadata.get(NODE_NAMES, "{}"))
        return {str(output): name for output, name in data.items() if isinstance(name, str)}
    except (ValueError, RecursionError, AttributeError):
        return {}
