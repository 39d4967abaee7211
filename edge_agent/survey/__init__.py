"""Surveys on site: who is heard by radio, what a serial line speaks, what a contact does. Each is a command."""
