"""The one door: HTTP on a Unix socket, its types and its client."""
