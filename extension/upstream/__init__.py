"""HTTP/1.1 over TLS, blocking and lean: it knows sockets and certificates, and nothing of AWS."""
