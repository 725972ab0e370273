"""The formats by suffix, and the targets that they have."""

WRITTEN = (".onnx", ".mlpackage", ".optc")
READ_ONLY = (".mlmodel", ".pt2")
COREML_TARGETS = ("ios15", "ios16", "ios17", "ios18", "ios26")
TARGETS = (*COREML_TARGETS, "onnx")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
"""Suffixes of pictures that can be the inputs of models."""
