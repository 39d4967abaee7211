"""Winsen MH-Z19, carbon dioxide in the air."""
