"""
Generate src/netloom/images/caffe_pb2.py and its type stub from caffe.proto.

Needs grpcio-tools (in the dev extra). The generated code asks for a protobuf at least
as new as the compiler: raise the bound in pyproject.toml to the version printed here.
By hand:

    .venv/bin/python scripts/generate_caffe_messages.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from grpc_tools import protoc

SOURCE = Path(__file__).resolve().parent.parent / "src"
PROTO = SOURCE / "netloom" / "images" / "caffe.proto"


def main() -> int:
    """Compile the file; return the compiler's exit status."""
    # From src/, so that the file is known by its full path and clashes with no other caffe.proto.
    status = protoc.main(
        ["", f"-I{SOURCE}", f"--python_out={SOURCE}", f"--pyi_out={SOURCE}", str(PROTO)]
    )
    if status == 0:
        code = PROTO.with_name("caffe_pb2.py").read_text()
        version = re.search(r"Protobuf Python Version: (\S+)", code)
        stub = PROTO.with_name("caffe_pb2.pyi")
        # The compiler writes Mapping without its types.
        stub.write_text('# mypy: disable-error-code="type-arg"\n' + stub.read_text())
        print(f"Generated. It needs protobuf>={version[1] if version else 'unknown'}.")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
