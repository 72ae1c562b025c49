"""A client for consoles, as far as the harness needs one: does the host find the VM?

MS-RDPEPS and MS-RDPBCGR, written apart from the simulator.
"""

from __future__ import annotations

import socket

__all__ = ["connects"]


def connects(host: str, port: int, blob: str) -> bool:
    """Name a VM to the host's console service and ask for a connection; says if it answers."""
    text = (blob + "\0").encode("utf-16-le")
    preconnection = (18 + len(text)).to_bytes(4, "little") + bytes(4) + b"\x02\0\0\0" + bytes(4)
    preconnection += (len(text) // 2).to_bytes(2, "little") + text
    # TPKT, X.224 connection request, and a negotiation request for TLS and CredSSP.
    request = bytes.fromhex("0300 0013 0e e0 0000 0000 00 01 00 0800 03000000")
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(preconnection + request)
        try:
            answer = connection.recv(4096)
        except ConnectionError:
            return False
    return len(answer) > 5 and answer[0] == 3 and answer[5] == 0xD0
