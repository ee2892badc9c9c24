"""Scrapes what a server, its host, its container, its GPU and its gateway say, every few seconds."""

import csv
import gzip
import io
import os
import re
import threading
import time
import urllib.request
import uuid
from datetime import datetime, timezone

# Part of the time from one scrape to the next that one may take.
TIMEOUT = 0.9
# Columns of the table, in order; labels among them.
LABELS = ["job", "instance", "service", "pod", "container", "node"]
# Of the host's page, what is of use here.
OF_HOST = re.compile(r"node_(cpu_seconds_total|load1$|pressure_|memory_MemAvailable_bytes|memory_MemTotal_bytes|vmstat_oom_kill)")
LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def stamp(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def page_of(text):
    """Names, labels and values of a page in the text format."""
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        if found and not line.startswith("#"):
            yield found[1], dict(LABEL.findall(found[2] or "")), found[3]


def is_wanted(name):
    """Buckets say nothing that sums and counts do not, for a diagnosis; times of creation say nothing."""
    return not name.endswith(("_bucket", "_created", "_info"))


def of_gpus(text):
    """What is said of GPUs, which get another number than their own: a recording may be handed on."""
    for name, labels, value in page_of(text):
        if name.startswith("DCGM_") and "gpu" in labels:
            number = uuid.uuid5(uuid.NAMESPACE_OID, labels.get("UUID", ""))
            kept = {"gpu": labels["gpu"], "UUID": f"GPU-{number}", "modelName": labels.get("modelName", "")}
            yield name, kept, value


class Recorder:
    """Collects samples in memory until it is over."""

    def __init__(self, server, gateway, host, gpu_exporter, pod, interval):
        self.server, self.gateway = server, gateway
        self.host, self.gpu_exporter = host and host.address(), gpu_exporter
        self.interval, self.timeout = interval, TIMEOUT * interval
        self.rows = []
        place = {"node": "worker-0"}
        self.labels = {
            "server": {"job": server.kind, "instance": f"{pod}:8000", "service": "chat", "pod": pod} | place,
            "container": {"job": "cadvisor", "instance": "worker-0:10250", "pod": pod, "container": "server"} | place,
            "host": {"job": "node", "instance": "worker-0:9100"} | place,
            "gpu": {"job": "dcgm", "instance": "worker-0:9400", "Hostname": "worker-0"},
            "gateway": {"job": "gateway", "instance": "gateway-0:9000", "service": "chat"},
        }
        self.is_over = False
        self.thread = threading.Thread(target=self.run)

    def start(self):
        self.thread.start()

    def run(self):
        at = (time.time() // self.interval + 1) * self.interval
        while not self.is_over:
            time.sleep(max(0, at - time.time()))
            self.scrape(time.time())
            at = max(at + self.interval, time.time() // self.interval * self.interval)

    def scrape(self, now):
        try:
            status, body = self.server.ask("GET", "/metrics", None, self.timeout)
            page = body.decode() if status == 200 else None
        except OSError:
            page = None
        self.up(now, "server", page is not None)
        self.add(now, "server", page_of(page or ""))
        self.up(now, "container", True)
        self.add(now, "container", self.container())
        self.up(now, "gateway", True)
        self.add(now, "gateway", self.gateway.series())
        if self.host:
            page = self.page(self.host)
            self.up(now, "host", page is not None)
            self.add(now, "host", (line for line in page_of(page or "") if OF_HOST.match(line[0])))
        if self.gpu_exporter:
            page = self.page(self.gpu_exporter)
            self.up(now, "gpu", page is not None)
            self.add(now, "gpu", of_gpus(page or ""))

    def page(self, address):
        try:
            with urllib.request.urlopen(address, timeout=self.timeout) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def container(self):
        """What cAdvisor reads from the kernel, read from there."""
        used = self.server.cpu_seconds()
        if used is not None:
            yield "container_cpu_usage_seconds_total", {}, f"{used:.2f}"
            yield "container_start_time_seconds", {}, f"{self.server.started:.0f}"
            yield from self.server.group.series()

    def up(self, now, source, answers):
        """Whether a page was read, as a scraper says it of the program that has the page."""
        others = {"container": ("container", "pod"), "gpu": ("Hostname",)}.get(source, ())
        labels = {name: value for name, value in self.labels[source].items() if name not in others}
        self.rows.append((now, "up", labels, int(answers)))

    def add(self, now, source, series):
        for name, labels, value in series:
            if is_wanted(name):
                self.rows.append((now, name, self.labels[source] | labels, value))

    def end(self):
        self.is_over = True
        self.thread.join()

    def write(self, path):
        """A long table: a sample a row."""
        others = sorted({name for _, _, labels, _ in self.rows for name in labels} - set(LABELS))
        names = LABELS + others
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["time", "__name__", "value"] + names)
        for now, metric, labels, value in self.rows:
            writer.writerow([stamp(now), metric, value] + [labels.get(name, "") for name in names])
        with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            packed.write(text.getvalue().encode())


def add(path, head, rows):
    """Adds rows to a table, which begins with a head."""
    is_new = not os.path.exists(path)
    with open(path, "a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(head)
        writer.writerows(rows)
