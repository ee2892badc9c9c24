"""Requests of OpenTelemetry's own classes, as the tests of the OTLP reader get them.

Run it with opentelemetry-sdk and opentelemetry-exporter-otlp-proto-common installed; it writes
crates/telemetry/tests/golden/otlp/: `every_shape`, built by hand in protobuf and JSON, and `sdk`, what the
SDK makes of the instruments of the GenAI conventions (its times replaced, so that it is the same again).
"""

from pathlib import Path

from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

FOLDER = Path(__file__).resolve().parent.parent / "crates/telemetry/tests/golden/otlp"
START = 1_700_000_000 * 10**9
TIME = START + 10 * 10**9
DELTA, CUMULATIVE = pb.AGGREGATION_TEMPORALITY_DELTA, pb.AGGREGATION_TEMPORALITY_CUMULATIVE
NO_VALUE = pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


def pair(key, **value):
    return KeyValue(key=key, value=AnyValue(**value))


def number(**fields):
    return pb.NumberDataPoint(**{"start_time_unix_nano": START, "time_unix_nano": TIME, **fields})


def sum_of(name, temporality, is_monotonic, *points, unit=""):
    data = pb.Sum(aggregation_temporality=temporality, is_monotonic=is_monotonic, data_points=points)
    return pb.Metric(name=name, unit=unit, sum=data)


def histogram(name, kind, point, temporality, **fields):
    fields = {"start_time_unix_nano": START, "time_unix_nano": TIME, **fields}
    data = kind(aggregation_temporality=temporality, data_points=[point(**fields)])
    return {"name": name, "unit": "s", "data": data}


def every_shape():
    attributes = [
        pair("gpu.index", int_value=3),
        pair("host", string_value="other"),
        pair("is.spare", bool_value=True),
        pair("ratio", double_value=0.25),
        pair("bytes", bytes_value=b"\x00\xff"),
        pair("list", array_value=ArrayValue(values=[AnyValue(string_value='a"b'), AnyValue(int_value=1)])),
        pair("map", kvlist_value=KeyValueList(values=[pair("x", bool_value=False), KeyValue(key="y")])),
        pair("same.name", string_value="1"),
        pair("same_name", string_value="2"),
    ]
    explicit = histogram(
        "ttft", pb.Histogram, pb.HistogramDataPoint, CUMULATIVE,
        count=7, sum=3.5, bucket_counts=[1, 2, 4], explicit_bounds=[0.1, 0.5], min=0.05, max=2.0,
    )
    buckets = pb.ExponentialHistogramDataPoint.Buckets
    exponential = histogram(
        "tpot", pb.ExponentialHistogram, pb.ExponentialHistogramDataPoint, DELTA,
        count=9, sum=12.0, scale=-1, zero_count=1, zero_threshold=0.5,
        positive=buckets(offset=0, bucket_counts=[2, 0, 3]), negative=buckets(offset=-1, bucket_counts=[3]),
    )
    quantiles = [pb.SummaryDataPoint.ValueAtQuantile(quantile=q, value=v) for q, v in [(0.5, 1.5), (0.99, 9.0)]]
    summary = pb.SummaryDataPoint(
        time_unix_nano=TIME, count=4, sum=8.0, quantile_values=quantiles, attributes=[pair("route", string_value="/")]
    )
    metrics = [
        pb.Metric(name="gpu.power", unit="W", gauge=pb.Gauge(data_points=[
            number(as_double=310.5, attributes=attributes),
            number(as_int=-3, time_unix_nano=TIME + 1),
            number(as_double=float("nan"), time_unix_nano=TIME + 2),
            number(as_double=float("-inf"), time_unix_nano=TIME + 3),
            number(flags=NO_VALUE, time_unix_nano=TIME + 4),
        ])),
        pb.Metric(name="gpu.utilization", unit="1", gauge=pb.Gauge(data_points=[number(as_double=0.9)])),
        sum_of("requests", CUMULATIVE, True, number(as_int=2**53), unit="{request}"),
        sum_of("tokens", DELTA, True, number(as_int=500), unit="{token}"),
        sum_of("queue.size", CUMULATIVE, False, number(as_int=12)),
        sum_of("queue.change", DELTA, False, number(as_int=-20)),
        pb.Metric(name=explicit["name"], unit="s", histogram=explicit["data"]),
        pb.Metric(name=exponential["name"], unit="s", exponential_histogram=exponential["data"]),
        pb.Metric(name="rpc", unit="ms", summary=pb.Summary(data_points=[summary])),
        # What follows cannot be.
        sum_of("unsaid", pb.AGGREGATION_TEMPORALITY_UNSPECIFIED, True, number(as_int=1)),
        sum_of("startless", DELTA, True, number(as_int=1, start_time_unix_nano=0)),
        pb.Metric(name="empty", gauge=pb.Gauge(data_points=[number()])),
        pb.Metric(name="timeless", gauge=pb.Gauge(data_points=[number(as_int=1, time_unix_nano=0)])),
        pb.Metric(name="nothing"),
    ]
    resource = [
        pair("service.name", string_value="llm"),
        pair("service.namespace", string_value="prod"),
        pair("service.instance.id", string_value="replica-0"),
        pair("host.name", string_value="node-7"),
        pair("k8s.pod.name", string_value="llm-0"),
        pair("gen_ai.request.model", string_value="large"),
        pair("process.pid", int_value=42),
    ]
    request = ExportMetricsServiceRequest()
    mine = request.resource_metrics.add()
    mine.resource.attributes.extend(resource)
    scope = mine.scope_metrics.add()
    scope.scope.name = "by.hand"
    scope.metrics.extend(metrics)
    return request


def sdk():
    reader = InMemoryMetricReader()
    resource = Resource.create({
        "service.name": "chat", "service.instance.id": "chat-1", "host.name": "node-1",
    })
    spread = View(
        instrument_type=Histogram, instrument_name="gen_ai.server.time_per_output_token",
        aggregation=ExponentialBucketHistogramAggregation(),
    )
    provider = MeterProvider(metric_readers=[reader], resource=resource, views=[spread])
    meter = provider.get_meter("gen_ai")
    labels = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "self_hosted", "gen_ai.request.model": "large",
    }
    usage = meter.create_histogram(
        "gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=[1, 4, 16, 64, 256, 1024]
    )
    for kind, tokens in [("input", 120), ("input", 3000), ("output", 17)]:
        usage.record(tokens, {**labels, "gen_ai.token.type": kind})
    duration = meter.create_histogram(
        "gen_ai.server.request.duration", "s", explicit_bucket_boundaries_advisory=[0.1, 1, 10]
    )
    first = meter.create_histogram(
        "gen_ai.server.time_to_first_token", "s", explicit_bucket_boundaries_advisory=[0.01, 0.1, 1]
    )
    spacing = meter.create_histogram("gen_ai.server.time_per_output_token", "s")
    for seconds in [0.5, 2.0, 4.0]:
        duration.record(seconds, labels)
        first.record(seconds / 10, labels)
        spacing.record(seconds / 100, labels)
    meter.create_counter("requests.completed", "{request}").add(3, labels)
    meter.create_up_down_counter("requests.running").add(2)
    meter.create_gauge("kv_cache.usage", "1").set(0.75)
    request = encode_metrics(reader.get_metrics_data())
    for resource in request.resource_metrics:
        kept = [pair for pair in resource.resource.attributes if pair.key != "telemetry.sdk.version"]
        del resource.resource.attributes[:]
        resource.resource.attributes.extend(sorted(kept, key=lambda pair: pair.key))
        for metric in [metric for scope in resource.scope_metrics for metric in scope.metrics]:
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                point.time_unix_nano = TIME
                # A gauge of the SDK has no start.
                point.start_time_unix_nano = START if point.start_time_unix_nano else 0
                del point.exemplars[:]
    return request


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    shapes = every_shape()
    (FOLDER / "every_shape.bin").write_bytes(shapes.SerializeToString(deterministic=True))
    text = json_format.MessageToJson(shapes, use_integers_for_enums=True)
    (FOLDER / "every_shape.json").write_text(text + "\n")
    (FOLDER / "sdk.bin").write_bytes(sdk().SerializeToString(deterministic=True))


main()
