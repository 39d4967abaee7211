"""NMEA 0183, the sentences of GPS receivers and boat instruments."""
