"""Plantower PMSx003, particles in the air."""
