"""MOCREO sensors, advertisements."""
