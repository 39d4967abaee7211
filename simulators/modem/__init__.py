"""A modem for text messages on a pseudo-terminal, for tests and the demo."""
