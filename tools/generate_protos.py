"""Makes the Python code of Core ML's messages from their `.proto` files, which lie beside it.

pip install 'grpcio-tools>=1.85' && python tools/generate_protos.py
"""

import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "optc/formats/coreml/proto"


def main(target: Path = ROOT) -> int:
    """Write the code into the project below `target`; protoc's exit code."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / FOLDER).glob("*.proto"))
    return int(protoc.main(["protoc", f"-I{ROOT}", f"--python_out={target}", f"--pyi_out={target}", *files]))


if __name__ == "__main__":
    sys.exit(main())
