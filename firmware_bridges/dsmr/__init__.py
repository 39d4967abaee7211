"""DSMR P1, the telegrams of smart meters."""
