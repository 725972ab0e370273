"""ONNX, read and written through the onnx package."""
