"""The messages of Core ML models: `.proto` files, and what `tools/generate_protos.py` makes of them."""
