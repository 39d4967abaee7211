"""Qingping and ClearGrass sensors, advertisements."""
