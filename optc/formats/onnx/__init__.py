"""ONNX models: reader and writer."""
