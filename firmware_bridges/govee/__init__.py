"""Govee thermometers, meat thermometers and small sensors, advertisements."""
