"""Consoles: clients of the control socket, never of the hardware."""
