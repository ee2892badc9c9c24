"""A training job as processes that can be hurt, and a recorder of what it says."""

import json
import os
import sys

import servers
import watch
from board import Board

servers.PATIENCE["training"] = 180
HERE = os.path.dirname(os.path.abspath(__file__))


class Job(servers.Server):
    """A launcher with its ranks, loaders and storage; `/health` answers once steps are done."""

    def __init__(self, name, folder, sizes, ranks, gpu):
        command = [sys.executable, f"{HERE}/launch.py", folder, "--port", "PORT", "--name", name, "--ranks", str(ranks)]
        command += sizes + (["--gpu", gpu] if gpu else [])
        # It may do without other users' patience: nothing else here is urgent.
        super().__init__("training", ["nice", "-n", "5"] + command, {}, name)
        self.folder, self.boards = folder, [Board(f"{folder}/rank-{rank}") for rank in range(ranks)]
        if self.group.is_there:
            self.group.limit(os.cpu_count())

    def step(self):
        return int(self.boards[0]["step"])

    def heartbeat(self):
        return self.boards[0]["heartbeat"]

    def process_of(self, rank):
        return int(self.boards[rank]["process"])

    def loaders(self):
        ranks = {self.process_of(rank) for rank in range(len(self.boards))}
        return [one for one in self.processes() if parent(one) in ranks]

    def storage(self):
        """The first process that the launcher began; it stays."""
        return min(one for one in self.processes() if parent(one) == self.process.pid)

    def tell(self, **settings):
        """Changes settings; some steps from now, so that all ranks do at the same one."""
        path = f"{self.folder}/settings.json"
        with open(f"{path}.new", "w") as file:
            json.dump(settings | {"from_step": self.step() + 4}, file)
        os.rename(f"{path}.new", path)

    def used(self):
        """Processor time of all that it has run, in seconds; of what runs, where the kernel counts no groups."""
        if not self.group.is_there:
            return self.cpu_seconds()
        with open(f"{self.group.pressure}/cpu.stat") as file:
            return int(dict(line.split() for line in file)["usage_usec"]) / 1e6


def parent(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


class Recorder(watch.Recorder):
    """Collects what the job, its container, its host and its GPU say."""

    def __init__(self, job, host, gpu_exporter, name, interval):
        super().__init__(job, None, host, gpu_exporter, name, interval)
        place = {"node": "worker-0"}
        self.labels["server"] = {"job": "training", "instance": "worker-0:9500"} | place
        self.labels["container"] |= {"pod": f"{name}-worker-0", "container": "trainer"}
        self.sources = {
            "server": (f"http://127.0.0.1:{job.port}/metrics", watch.page_of),
            "host": (self.host, of_host),
            "gpu": (gpu_exporter, watch.of_gpus),
        }

    def scrape(self, now):
        for source, (address, read) in self.sources.items():
            if address:
                page = self.page(address)
                self.up(now, source, page is not None)
                self.add(now, source, read(page or ""))
        self.up(now, "container", True)
        self.add(now, "container", self.container())

    def container(self):
        used = self.server.used()
        if used is not None:
            yield "container_cpu_usage_seconds_total", {}, f"{used:.2f}"
            yield "container_start_time_seconds", {}, f"{self.server.started:.0f}"
            yield from self.server.group.series()


def of_host(text):
    return (line for line in watch.page_of(text) if watch.OF_HOST.match(line[0]))
