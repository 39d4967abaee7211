"""The desk's page for the people who help: a small server, and what it serves in `static`."""
