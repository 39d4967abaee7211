"""ThermoBeacon hygrometers, advertisements."""
