"""Reads what midflight tells of a run with the standards' own libraries, and prints what they understood as JSON.

    telling.py lineage FILE     events of OpenLineage, through the client's model classes
    telling.py prometheus       a scrape on stdin, through Prometheus's parser
    telling.py receive          serves OTLP over HTTP; prints its port, then a line for each request
"""

import gzip
import http.server
import importlib
import json
import pkgutil
import sys


def facet_classes():
    """Every model class by the name that its schema has."""
    import attr
    import openlineage.client.generated as generated

    classes = {}
    for module in pkgutil.iter_modules(generated.__path__):
        found = importlib.import_module(f"openlineage.client.generated.{module.name}")
        for name, value in vars(found).items():
            if isinstance(value, type) and attr.has(value):
                classes.setdefault(name, value)
    return classes


def model(cls, value, extra, path):
    """An instance of a model class; keys that it does not know go to `extra`."""
    import attr

    fields = {field.name: field for field in attr.fields(cls)}
    known = {}
    for key, item in value.items():
        name = "type" if key == "type" and "type" in fields else key
        if name in fields:
            known[name] = item
        elif key not in ("_producer", "_schemaURL"):
            extra.add(f"{path}.{key}")
    return cls(**{key.lstrip("_"): item for key, item in known.items() if fields[key].init})


def facets(holder, classes, extra, out):
    made = {}
    for key, facet in holder.items():
        url = facet["_schemaURL"]
        name = url.rsplit("/", 1)[1]
        made[key] = model(classes[name], facet, extra, key)
        out.add(f"{key} {url.split('/facets/')[1].split('/')[0]}")
    return made


def lineage(path):
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.serde import Serde

    classes, told, names, extra = facet_classes(), [], set(), set()
    for line in open(path, encoding="utf-8"):
        event = json.loads(line)
        of = lambda holder: facets(holder, classes, extra, names)
        made = RunEvent(
            eventType=RunState[event["eventType"]],
            eventTime=event["eventTime"],
            run=Run(runId=event["run"]["runId"], facets=of(event["run"]["facets"])),
            job=Job(event["job"]["namespace"], event["job"]["name"], facets=of(event["job"]["facets"])),
            inputs=[
                InputDataset(d["namespace"], d["name"], facets=of(d["facets"]), inputFacets=of(d["inputFacets"]))
                for d in event["inputs"]
            ],
            outputs=[
                OutputDataset(d["namespace"], d["name"], facets=of(d["facets"]), outputFacets=of(d["outputFacets"]))
                for d in event["outputs"]
            ],
            producer=event["producer"],
        )
        again = json.loads(Serde.to_json(made))
        told.append({"eventType": again["eventType"], "inputs": len(again["inputs"]), "outputs": len(again["outputs"])})
    print(json.dumps({"events": told, "facets": sorted(names), "unknown": sorted(extra)}))


def prometheus():
    from prometheus_client.parser import text_string_to_metric_families

    samples = []
    for family in text_string_to_metric_families(sys.stdin.read()):
        for sample in family.samples:
            samples.append({"name": sample.name, "type": family.type, "labels": sample.labels, "value": sample.value})
    print(json.dumps(samples))


def receive():
    from google.protobuf.json_format import MessageToDict, Parse
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            service = {"/v1/traces": traces.ExportTraceServiceRequest, "/v1/metrics": metrics.ExportMetricsServiceRequest}
            answer = {"/v1/traces": traces.ExportTraceServiceResponse, "/v1/metrics": metrics.ExportMetricsServiceResponse}
            message = service[self.path]()
            if self.headers["content-type"] == "application/json":
                # Names of traces and spans are hexadecimal in OTLP's JSON, where protobuf's own has base64.
                value = json.loads(body)
                unhex(value)
                Parse(json.dumps(value), message)
                out = b"{}"
            else:
                message.ParseFromString(body)
                out = answer[self.path]().SerializeToString()
            print(json.dumps({"path": self.path, "body": MessageToDict(message)}), flush=True)
            self.send_response(200)
            self.send_header("content-type", self.headers["content-type"])
            self.send_header("content-length", str(len(out)))
            self.end_headers()
            self.wfile.write(out)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def unhex(value):
    import base64

    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                value[key] = base64.b64encode(bytes.fromhex(item)).decode()
            else:
                unhex(item)
    elif isinstance(value, list):
        for item in value:
            unhex(item)


if __name__ == "__main__":
    {"lineage": lineage, "prometheus": prometheus, "receive": receive}[sys.argv[1]](*sys.argv[2:])
