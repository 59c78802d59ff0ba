"""As much of a W&B server as its client needs to begin, resume and upload runs: on loopback, with what it was sent."""

import json
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TEAM = {"id": "team", "name": "team"}


@dataclass
class Uploaded:
    """One run as the server has it. Of the lines of a stream, one with a known number replaces the former."""

    about: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, dict[int, str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        lines = self.streams.get("wandb-history.jsonl", {})
        return [json.loads(lines[number]) for number in sorted(lines)]

    @property
    def config(self) -> dict[str, Any]:
        return {key: entry["value"] for key, entry in json.loads(self.about.get("config") or "{}").items()}

    def receive(self, stream: str, offset: int, lines: list[str]) -> None:
        self.streams.setdefault(stream, {}).update(enumerate(lines, offset))


class WandbServer(ThreadingHTTPServer):
    """Use it as a context; `url` is where it listens. `vanish` takes it off the network."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.runs: dict[str, Uploaded] = {}
        self.views: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.after_rows: Callable[[], None] = lambda: None
        """Called when rows of a history have arrived."""
        self.lock = threading.Lock()
        self._gone = False
        self._connections: list[Any] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "WandbServer":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.vanish()

    def vanish(self) -> None:
        if self._gone:
            return
        self._gone = True
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.close()

    def finish_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        with suppress(OSError, ValueError):  # the other side, or this one, has hung up
            super().finish_request(request, client_address)

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """What GraphQL's `operation` gives; nothing for those that the client can do without."""
        with self.lock:
            self.asked.append(operation)
            known = getattr(self, f"_{operation}", None)
            return known(given) if known else {}

    def run(self, name: str) -> Uploaded:
        return self.runs.setdefault(name, Uploaded())

    def _Viewer(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  # named as it is asked for
        teams = {"edges": [{"node": TEAM}]}
        return {"viewer": {"id": "u", "entity": "team", "username": "u", "email": "u", "flags": "{}", "teams": teams}}

    def _ServerFeaturesQuery(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"serverInfo": {"features": []}}

    def _UpsertBucket(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        new = given["name"] not in self.runs
        run = self.run(given["name"])
        run.about |= {key: value for key, value in given.items() if value is not None}
        return {"upsertBucket": {"bucket": self._bucket(given["name"]), "inserted": new}}

    def _RunResumeStatus(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        known = given["name"] in self.runs
        bucket = self._bucket(given["name"]) if known else None
        return {"model": {"id": "p", "name": given["project"], "entity": TEAM, "bucket": bucket}}

    def _bucket(self, name: str) -> dict[str, Any]:
        run = self.runs[name]
        about, rows = run.about, run.rows
        return {
            "id": name,
            "name": name,
            "displayName": about.get("displayName"),
            "description": None,
            "config": about.get("config"),
            "sweepName": about.get("sweep"),
            "project": {"id": "p", "name": about.get("project"), "entity": TEAM},
            "historyLineCount": len(rows),
            "eventsLineCount": len(run.streams.get("wandb-events.jsonl", {})),
            "logLineCount": len(run.streams.get("output.log", {})),
            "historyTail": json.dumps([json.dumps(row) for row in rows[-1:]]),
            "eventsTail": "[]",
            "summaryMetrics": json.dumps(rows[-1] if rows else {}),
            "tags": about.get("tags") or [],
            "notes": None,
            "wandbConfig": '{"t": {}}',  # what a run has that has begun
        }

    def _CreateRunFiles(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        files = [{"name": name, "uploadUrl": f"{self.url}/upload/{given['run']}/{name}"} for name in given["files"]]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def _UpsertView2(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.views.append(given)
        return {"upsertView": {"view": {"id": "v", "name": given["name"]}, "inserted": True}}

    def _ArtifactType(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"project": None}

    def _CreateArtifact(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        asked = given["input"]
        artifacts = self.run(asked["runName"]).artifacts
        identity = f"{asked['runName']}:{len(artifacts)}"
        aliases = {alias["alias"] for alias in asked["aliases"]}
        metadata = json.loads(asked["metadata"] or "{}")
        artifacts.append({"name": asked["artifactCollectionName"], "aliases": aliases, "metadata": metadata})
        return {
            "createArtifact": {
                "artifact": {"id": identity, "state": "PENDING", "artifactSequence": {"latestArtifact": None}}
            }
        }

    def _CreateArtifactManifest(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        file = {"id": "f", "uploadUrl": f"{self.url}/manifest/{given['artifactID']}", "uploadHeaders": []}
        return {"createArtifactManifest": {"artifactManifest": {"id": f"m{given['artifactID']}", "file": file}}}

    def _CreateArtifactFiles(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        specs = given["input"]["artifactFiles"]
        nodes = [
            {
                "storagePath": spec["name"],
                "uploadUrl": f"{self.url}/artifact/{spec['artifactID']}/{spec['name']}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": spec["artifactID"]},
            }
            for spec in specs
        ]
        return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}

    def _CommitArtifact(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name, _, number = given["artifactID"].rpartition(":")
        self.run(name).artifacts[int(number)]["whole"] = True
        return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": ""}}}


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WandbServer

    def do_POST(self) -> None:
        body = self._body()
        if self.path != "/graphql" and not self.path.endswith("/file_stream"):  # the client's own telemetry
            self._reply({})
            return
        sent = json.loads(body)
        if self.path == "/graphql":
            operation = re.search(r"(?:query|mutation)\s+(\w+)", sent["query"])
            assert operation
            self._reply({"data": self.server.answer(operation[1], sent.get("variables") or {})})
            return
        stream = re.fullmatch(r"/files/\w+/[^/]+/([^/]+)/file_stream", self.path)
        if stream:
            with self.server.lock:
                for name, part in (sent.get("files") or {}).items():
                    self.server.run(stream[1]).receive(name, part["offset"], part["content"])
        self._reply({})
        if stream and "wandb-history.jsonl" in (sent.get("files") or {}):
            self.server.after_rows()

    def do_PUT(self) -> None:
        content = self._body()
        kind, name, file = self.path.lstrip("/").split("/", 2) if self.path.count("/") > 2 else ("manifest", "", "")
        with self.server.lock:
            if kind == "upload":
                self.server.run(name).files[file] = content
            if kind == "artifact":
                run, _, number = name.rpartition(":")
                self.server.run(run).artifacts[int(number)].setdefault("files", {})[file] = content
        self._reply({})

    def log_message(self, *arguments: Any) -> None:
        """Nothing: standard error is the test's."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return content

    def _reply(self, content: dict[str, Any]) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
