"""The way out and in: MQTT, the drain, and what the desk sends down."""
