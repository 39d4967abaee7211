"""SwitchBot sensors, locks and motors, advertisements."""
