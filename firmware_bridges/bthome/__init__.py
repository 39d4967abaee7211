"""BTHome, advertisements of sensors and buttons."""
