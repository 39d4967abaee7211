"""ATC and PVVX firmware of Xiaomi thermometers, advertisements."""
