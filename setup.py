"""The optional C extension; all else about the package is in pyproject.toml."""

import os

from setuptools import Extension, setup

SOURCES = (
    "compare", "expand", "layout", "module", "packing", "partition", "quantize", "scale_search", "values", "vectors",
)  # fmt: skip
HEADERS = ("arrays", "floats", "kernels")

setup(
    ext_modules=[
        Extension(
            "optc.numerics.native._kernels",
            [f"optc/numerics/native/{name}.c" for name in SOURCES],
            depends=[f"optc/numerics/native/{name}.h" for name in HEADERS],
            extra_compile_args=[] if os.name == "nt" else ["-O3", "-ffp-contract=off", "-fno-math-errno"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
