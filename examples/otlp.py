"""Sends metrics of the GenAI conventions with the OpenTelemetry SDK and checks what auscult makes of them.

usage: otlp.py MAIN HTTP GRPC   (addresses of `auscult serve`, see otlp.sh)
"""

import json
import sys
import time
import urllib.request

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from grpc import Compression as GrpcCompression

MAIN, HTTP, GRPC = sys.argv[1:]
DELTA = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
EXPONENTIAL = {Histogram: ExponentialBucketHistogramAggregation()}


def ask(path):
    with urllib.request.urlopen(f"http://{MAIN}{path}", timeout=10) as answer:
        return answer.read().decode()


def send(name, exporter):
    """Three rounds of a model server; says whether each was taken."""
    ended = []
    export = exporter.export
    exporter.export = lambda *given, **named: ended.append(export(*given, **named)) or ended[-1]
    # Only when told.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    resource = Resource.create({"service.name": "chat", "service.instance.id": name})
    provider = MeterProvider(metric_readers=[reader], resource=resource)
    meter = provider.get_meter("example")
    requests = meter.create_counter("requests.completed", "{request}")
    cache = meter.create_gauge("kv_cache.usage", "1")
    first = meter.create_histogram("gen_ai.server.time_to_first_token", "s")
    for step in range(3):
        requests.add(10)
        cache.set(0.5 + step / 10)
        for _ in range(20):
            first.record(0.2, {"gen_ai.request.model": "large"})
        time.sleep(0.2)
        provider.force_flush()
    provider.shutdown()
    assert ended and all(end is MetricExportResult.SUCCESS for end in ended), (name, ended)


def main():
    for _ in range(100):
        try:
            ask("/-/ready")
            break
        except OSError:
            time.sleep(0.1)
    senders = {
        "http": HttpExporter(f"http://{HTTP}/v1/metrics"),
        "http-gzip": HttpExporter(f"http://{MAIN}/v1/metrics", compression=HttpCompression.Gzip),
        "http-delta": HttpExporter(f"http://{HTTP}/v1/metrics", preferred_temporality=DELTA),
        "grpc": GrpcExporter(GRPC, insecure=True),
        "grpc-gzip": GrpcExporter(GRPC, insecure=True, compression=GrpcCompression.Gzip),
        "grpc-exponential": GrpcExporter(
            GRPC, insecure=True, preferred_temporality=DELTA, preferred_aggregation=EXPONENTIAL
        ),
    }
    for name, exporter in senders.items():
        send(name, exporter)
    series = json.loads(ask("/api/auscult/v1/series?limit=10000"))["series"]
    for name in senders:
        mine = {entry["labels"]["__name__"]: entry["reading"] for entry in series
                if entry["labels"].get("instance") == name}
        print(name, mine)
        assert mine["kv_cache_usage_ratio"] == 0.7, mine
        # Ten requests every fifth of a second, and however long a round takes.
        assert 5 < mine["requests_completed_total"] < 60, mine
        assert any(key.startswith("gen_ai_server_time_to_first_token_seconds") for key in mine), mine
    own = [line for line in ask("/metrics").splitlines() if line.startswith("auscult_write_requests_total")]
    print("\n".join(own))
    assert not any("Refused" in line or "Partly" in line for line in own), own


main()
