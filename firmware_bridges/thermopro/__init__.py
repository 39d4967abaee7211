"""ThermoPro thermometers, advertisements."""
