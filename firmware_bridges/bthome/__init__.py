"""BTHome v2, advertisements of sensors and buttons."""
