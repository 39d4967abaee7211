"""`edge-agent watch`: the agent as it lives, on a screen (`screen.py`) or line by line (`plain.py`)."""
