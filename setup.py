"""The optional C extension; all else about the package is in pyproject.toml."""

import os

from setuptools import Extension, setup

SOURCES = ("module", "partition", "quantize", "scale_search", "values", "vectors")

setup(
    ext_modules=[
        Extension(
            "optc.numerics.native._kernels",
            [f"optc/numerics/native/{name}.c" for name in SOURCES],
            depends=["optc/numerics/native/floats.h", "optc/numerics/native/kernels.h"],
            extra_compile_args=[] if os.name == "nt" else ["-O3", "-ffp-contract=off", "-fno-math-errno"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
