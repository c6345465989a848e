"""A stand-in for the W&B server on the loopback: takes what wandb 0.31 sends for runs and reports.

A run's id that was deleted is refused, as the real server does; one that is there is written over.
"""

import json
import re
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
        deleted: Ids of runs that were deleted, which are refused.
        reports: The variables of the last upsertView of each report, by its id.
        uploads: Contents of the files that were put, by name.
        keys: Every Authorization header.
    """

    def __init__(self, url):
        self.url = url
        self.runs = {}
        self.history = {}
        self.summary = {}
        self.exit_codes = {}
        self.deleted = set()
        self.reports = {}
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
        answers = {
            "CreateRunFiles": self._files,
            "Runs": self._list_runs,
            "GetProjects": self._list_projects,
            "ProjectInternalId": self._project_id,
            "upsertView": self._save_report,
        }
        if operation in answers:
            return answers[operation](variables)
        viewer = {"id": "1", "entity": ENTITY, "username": "somebody", "flags": "{}"}
        return {"viewer": viewer | {"teams": {"edges": []}}, "entity": {"organization": None}}

    def delete(self, run):
        """Delete a run, as somebody does on the web page."""
        self.deleted.add(run)
        for table in (self.runs, self.history, self.summary, self.exit_codes):
            table.pop(run, None)

    def _files(self, variables):
        files = [
            {"name": name, "uploadUrl": f"{self.url}/put/{name}"} for name in variables["files"]
        ]
        return {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}

    def _list_runs(self, variables):
        project = variables["project"]
        (wanted,) = json.loads(variables["filters"]).items()
        nodes = [
            self._node(name, run)
            for name, run in self.runs.items()
            if run["project"] == project and self._config(run, wanted[0]) == wanted[1]
        ]
        if not any(run["project"] == project for run in self.runs.values()):
            return {"project": None}
        edges = [{"node": node, "cursor": node["name"]} for node in nodes]
        page = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
        return {"project": {"internalId": "1", "runCount": len(nodes), "runs": page}}

    def _config(self, run, name):
        return json.loads(run["config"])[name.removeprefix("config.")]["value"]

    def _node(self, name, run):
        return {
            **dict.fromkeys(("id", "name"), name),
            "displayName": run["displayName"],
            "state": "finished",
            "tags": [],
            "group": run["groupName"],
            "projectId": "1",
            "user": {"name": "somebody", "username": "somebody"},
            "config": run["config"],
            "summaryMetrics": json.dumps(self.summary.get(name, {})),
            "historyLineCount": len(self.history.get(name, ())),
        }

    def _list_projects(self, variables):
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        names = dict.fromkeys(run["project"] for run in self.runs.values())
        common = {"__typename": "Project", "entityName": ENTITY, "user": None}
        common |= {"createdAt": "2020-01-01T00:00:00", "isBenchmark": False}
        edges = [{"node": {**common, "id": name, "name": name}} for name in names]
        return {"models": {"pageInfo": page, "edges": edges}}

    def _project_id(self, variables):
        known = any(run["project"] == variables["projectName"] for run in self.runs.values())
        return {"project": {"id": "1", "internalId": "1"} if known else None}

    def _save_report(self, variables):
        report = variables["id"] or f"report{len(self.reports)}"
        self.reports[report] = variables
        project = {"id": "1", "name": variables["projectName"], "entityName": ENTITY}
        view = {"id": report, "name": "n", "project": project, "type": "runs"}
        view |= {name: variables[name] for name in ("displayName", "description", "spec")}
        return {"upsertView": {"view": view, "inserted": not variables["id"]}}

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
            answer, status = {}, 200
            if self.path == "/graphql":
                query = json.loads(body)
                variables = query.get("variables") or {}
                operation = query.get("operationName") or _operation(query["query"])
                if operation == "UpsertBucket" and variables["name"] in received.deleted:
                    text = f"run {variables['name']} was previously created and deleted"
                    answer, status = {"errors": [{"message": f"{text}; try a new run name"}]}, 409
                else:
                    answer = {"data": received.graphql(operation, variables)}
            elif self.path.endswith("/file_stream"):
                received.file_stream(self.path.split("/")[-2], json.loads(body))
            elif self.path.startswith("/put/"):
                received.uploads[self.path.removeprefix("/put/")] = body
            text = json.dumps(answer).encode()
            self.send_response(status)
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


def _operation(query):
    return re.search(r"(?:query|mutation)\s+(\w+)", query)[1]


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
