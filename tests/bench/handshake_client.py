"""Makes new TLS connections to a port of 127.0.0.1, one after the other, for some seconds; prints how many, and the group.

Run by a Python that has pyOpenSSL it takes that, else the ssl module. The certificate is not checked: the client's work does not count.
"""

import json
import socket
import ssl
import sys
import time

try:
    from OpenSSL import SSL
except ImportError:
    SSL = None


def connected(port):
    plain = socket.create_connection(("127.0.0.1", port), timeout=20)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


def newest(port):
    """One handshake by pyOpenSSL; gives the group."""
    plain = connected(port)
    plain.settimeout(None)
    line = SSL.Connection(newest.context, plain)
    line.set_connect_state()
    line.do_handshake()
    group = line.get_group_name()
    plain.close()
    return group


def system(port):
    """One handshake by the ssl module, which offers X25519 first."""
    with system.context.wrap_socket(connected(port), server_hostname="localhost") as line:
        modern = ssl.OPENSSL_VERSION_INFO >= (3, 5)
        return "the system's first group" if modern else "X25519" if line.version() == "TLSv1.3" else line.version()


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    if SSL:
        newest.context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    system.context = ssl.create_default_context()
    system.context.check_hostname, system.context.verify_mode = False, ssl.CERT_NONE
    once, count, until = newest if SSL else system, 0, time.monotonic() + seconds
    while time.monotonic() < until:
        group = once(port)
        count += 1
    print(json.dumps({"count": count, "group": group}))


main()
