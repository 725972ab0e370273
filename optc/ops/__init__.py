"""The catalog of ops: each one signature, type inference, reference semantics and cost facts."""
