"""Transports: they move bytes, edges and advertisements and know no device language."""
