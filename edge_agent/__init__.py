"""edge-agent: sensors, findings and help requests from a gateway in a home or a vehicle."""

__version__ = "0.1.0"
