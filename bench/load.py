"""The load generator, a process of its own: requests over connections that are kept open.

Reads one job per line from standard input, writes one answer per line: JSON both ways.
    job      {"port", "connections", "requests": [[method, path, headers, body], …]}
    answer   {"seconds", "statuses": {"201": n}, "bytes": of the last answer, headers and all}
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Request = tuple[str, str, Mapping[str, str], str]


@dataclass(frozen=True, slots=True)
class Answer:
    """How long all requests took together, in seconds; their statuses; the bytes of the last."""

    seconds: float
    statuses: Mapping[str, int]
    bytes: int


class Load:
    """The generator as the benchmark holds it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, requests: Sequence[Request], *, connections: int, expect: int) -> Answer:
        """Send `requests` over so many connections at once; every answer must be `expect`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"port": self._port, "connections": connections, "requests": requests}
        print(json.dumps(job), file=self._process.stdin, flush=True)
        answer = Answer(**json.loads(self._process.stdout.readline()))
        assert answer.statuses == {str(expect): len(requests)}, answer.statuses
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Send the requests of a job; the clock runs from when every connection is open."""
    count = min(job["connections"], len(job["requests"]))
    shares = [job["requests"][place::count] for place in range(count)]
    ready = threading.Barrier(count + 1)
    statuses: Counter[str] = Counter()
    sizes: list[int] = []

    def sender(requests: Sequence[Request]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", job["port"])
        connection.connect()
        ready.wait()
        for method, path, headers, body in requests:
            connection.request(method, path, body.encode() or None, dict(headers))
            response = connection.getresponse()
            size = len(response.read())
            statuses[str(response.status)] += 1
        sizes.append(size + sum(len(f"{n}: {v}\r\n") for n, v in response.getheaders()))
        connection.close()

    threads = [threading.Thread(target=sender, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return {
        "seconds": time.perf_counter() - began,
        "statuses": dict(statuses),
        "bytes": sizes[0],
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
