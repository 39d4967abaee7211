"""Device languages, sans-IO: bytes, advertisements and levels in, readings out."""
