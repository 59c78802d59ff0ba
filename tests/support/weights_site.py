"""A server that publishes weights, as well or as badly as it is told to."""

import re
from collections import deque

CONTENT = bytes(range(256)) * 800 + b"the end"  # over three pieces
HALF = len(CONTENT) // 2


class Site:
    """What the server of these tests sends: answers in their order, the last of them forever."""

    def __init__(self):
        self.content = CONTENT
        self.ranges = []
        """Of every request, what it asked for; None for all."""
        self.answers = deque([ranged()])

    def answer(self, request):
        self.ranges.append(request.headers["Range"])
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        answer(request, self.content)


def ranged(until=None):
    """Heeds a range. Breaks off before byte number `until`."""

    def answer(request, content):
        start = int(re.fullmatch(r"bytes=(\d+)-", request.headers["Range"] or "bytes=0-")[1])
        if start >= len(content):
            return status(416)(request, content)
        return send(request, 206 if request.headers["Range"] else 200, content[start:], content[start:until])

    return answer


def whole(until=None):
    """Knows no ranges."""
    return lambda request, content: send(request, 200, content, content[:until])


def status(code):
    return lambda request, content: send(request, code, b"", b"")


def send(request, code, promised, sent):
    request.send_response(code)
    request.send_header("Content-Length", str(len(promised)))
    request.end_headers()
    request.wfile.write(sent)
