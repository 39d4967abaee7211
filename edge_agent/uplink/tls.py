"""The socket of a connection with TLS."""

import ssl


class TlsSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails; paho forgets it open."""

    def do_handshake(self, block: bool = False) -> None:
        """Raises ssl.SSLError, with the socket closed."""
        try:
            super().do_handshake(block)
        except OSError as error:
            self.close()
            if isinstance(error, ssl.SSLError):
                raise
            # somebody is there, so it is not the network: he does not speak TLS
            raise ssl.SSLError(error.errno or 0, f"no answer in TLS: {error}") from None
