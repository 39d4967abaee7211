"""SensorPush thermometers and barometers, advertisements."""
