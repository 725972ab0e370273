"""PyTorch modules and exported programs, by way of PyTorch's own ONNX exporter."""
