"""Modbus RTU, the registers of meters, inverters and heat pumps."""
