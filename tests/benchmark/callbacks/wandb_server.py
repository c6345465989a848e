"""A stand-in for the W&B server on the loopback: takes what wandb 0.31 sends for one run."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENTITY = "team"


class Received:
    """What has come in, by run id.

    Attributes:
        url: Where the server listens.
        runs: The variables of the first UpsertBucket of each run.
        history: The rows of each run.
        summary: The last summary of each run.
        exit_codes: Of the runs that ended.
        uploads: Contents of the files that were put, by name.
        keys: Every Authorization header.
    """

    def __init__(self, url):
        self.url = url
        self.runs = {}
        self.history = {}
        self.summary = {}
        self.exit_codes = {}
        self.uploads = {}
        self.keys = set()
        self.lock = threading.Lock()

    def graphql(self, operation, variables):
        """Return the data that answer one GraphQL operation."""
        if operation == "UpsertBucket":
            name = variables["name"]
            with self.lock:
                new = self.runs.setdefault(name, variables) is variables
            return {"upsertBucket": {"bucket": _bucket(variables), "inserted": new}}
        if operation == "CreateRunFiles":
            files = [
                {"name": name, "uploadUrl": f"{self.url}/put/{name}"} for name in variables["files"]
            ]
            return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}
        viewer = {"id": "1", "entity": ENTITY, "username": "somebody", "flags": "{}"}
        return {"viewer": viewer | {"teams": {"edges": []}}, "entity": {"organization": None}}

    def file_stream(self, run, body):
        """Take one batch of rows, summary and end."""
        with self.lock:
            for name, part in body.get("files", {}).items():
                rows = [json.loads(line) for line in part["content"]]
                if name == "wandb-history.jsonl":
                    self.history.setdefault(run, [])[part["offset"] :] = rows
                elif name == "wandb-summary.json":
                    self.summary[run] = rows[-1]
            if body.get("complete"):
                self.exit_codes[run] = body["exitcode"]


@contextmanager
def serve():
    """Yield what a server on a free port of the loopback receives."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            received.keys.add(self.headers.get("Authorization"))
            answer = {}
            if self.path == "/graphql":
                query = json.loads(body)
                variables = query.get("variables") or {}
                answer = {"data": received.graphql(query["operationName"], variables)}
            elif self.path.endswith("/file_stream"):
                received.file_stream(self.path.split("/")[-2], json.loads(body))
            elif self.path.startswith("/put/"):
                received.uploads[self.path.removeprefix("/put/")] = body
            text = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Received(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _bucket(variables):
    project = {"id": "1", "name": variables["project"], "entity": {"id": "1", "name": ENTITY}}
    return {
        "id": "1",
        "name": variables["name"],
        "displayName": variables.get("displayName") or variables["name"],
        "description": "",
        "config": variables.get("config") or "{}",
        "sweepName": None,
        "historyLineCount": 0,
        "project": project,
    }
