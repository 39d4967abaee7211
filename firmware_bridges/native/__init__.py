"""The native link: our own framing, both ends. SPEC.md is its law."""
