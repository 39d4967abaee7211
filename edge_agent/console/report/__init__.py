"""`edge-agent report`: one signed file that opens on a phone without network; its check, and two of them compared."""
