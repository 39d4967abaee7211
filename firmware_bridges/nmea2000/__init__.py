"""NMEA 2000, the bus of boats, through gateways with a serial port."""
