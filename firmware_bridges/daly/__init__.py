"""Daly, a battery management system."""
