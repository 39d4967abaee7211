"""Plain text lines, as hobby firmware prints them."""
