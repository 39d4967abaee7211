"""Simulated devices, radios, brokers and a service desk, all speaking the real interfaces."""
