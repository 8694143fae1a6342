"""A mail server on loopback that takes every letter and keeps none: it only counts them."""

import socketserver
import threading


class Talk(socketserver.StreamRequestHandler):
    """One client, until it leaves."""

    def say(self, words):
        self.wfile.write(words.encode() + b"\r\n")

    def handle(self):
        self.say("220 sink.example ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.say("354 go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.letters += 1
            self.say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return


class Sink(socketserver.ThreadingTCPServer):
    """Running from the beginning; `letters` is how many came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.port, self.letters = self.server_address[1], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()
