"""Xiaogui scales, advertisements."""
