"""A contact, detector or switch on a GPIO line."""
