"""The signed report of a gateway."""

from edge_agent.control.types.base import Reply

# Stands before the document where it is signed, so that a signature of a report is of nothing else.
SIGNED_AS = b"edge-agent report 1\n"


class Report(Reply):
    """`document` is JSON, redacted; `signature` (Ed25519, hex) is over SIGNED_AS and the document, by `key` (hex)."""

    document: str
    signature: str
    key: str
