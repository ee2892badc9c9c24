"""Records what a real server of language models says of itself before and during a fault.

usage: python3 record.py llama-cpp|vllm PROGRAM MODEL OUTPUT_FOLDER [--faults a,b] [--seeds 1,2,3] [--at-once N]
                         [--calm S] [--seconds S] [--settle S] [--interval S] [--light FROM,TO] [--together]
                         [--gpu] [--context TOKENS] [--gpu-exporter ADDRESS] [--neighbour COMMAND]

Writes into OUTPUT_FOLDER, for each fault and seed:
  FAULT-SEED.csv.gz  samples of the server, its container, its host, its GPU and its gateway, a row each
and, at the end, adds to:
  runs.csv           run, server, fault, target, from, to, and how much of the server the light load took
  changes.csv        changes that people knew of: time, kind, target

With --together all faults of a seed are recorded at the same time, each on a server of its own that waits
until all are up; faults behind a slash (--faults a,b/c,d) are done when those before it have ended.

Nothing but Python's own library is needed; node_exporter is used where it is installed, and control groups
where the user may make them. The load follows the seed; what the server makes of it differs from run to run.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import threading
import time

import faults
import servers
import watch
from load import Gateway, Load, alone
from watch import add

# Share of the server that the light load takes, as if requests came one after the other: drawn by the seed.
SHARES = (0.10, 0.25)


class Together:
    """Runs at the same time: one is measured at a time, none is loaded before all were, and none ends before the last."""

    def __init__(self, runs):
        self.measured, self.begin, self.end = threading.Lock(), threading.Barrier(runs), threading.Barrier(runs)


class Run:
    """One server, one fault."""

    def __init__(self, told, fault, seed, later):
        self.told, self.fault, self.seconds, self.calm = told, fault, told.seconds, told.calm + later
        draw = random.Random(f"{told.server} {fault} {seed}")
        self.name = f"{fault}-{seed}"
        # Of two runs at the same time, no change may be taken for one of the other.
        self.pod = f"chat-{seed * len(faults.FAULTS) + list(faults.FAULTS).index(fault)}"
        self.share = draw.uniform(*told.light)
        if told.server == "vllm":
            self.server = servers.vllm(told.program, told.model, self.name)
        else:
            self.server = servers.llama_cpp(told.program, told.model, self.name, told.context, told.gpu)
        if fault == "cpu-neighbours":
            # Those that are recorded at the same time have a processor each.
            self.server.pin = -(1 + seed) % os.cpu_count()
        self.gateway = Gateway()
        self.load = Load(self.server, self.gateway, draw.random())

    def play(self, together, keep):
        """Records it; `keep` gets the row of the run, and that of the change, if there was one."""
        exporter = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
        host = servers.NodeExporter(exporter) if exporter else None
        try:
            self.begin(together)
            self.record(host)
            target, start, end = f"{self.pod}:8000", watch.stamp(self.start), watch.stamp(self.end)
            _, change = faults.FAULTS[self.fault]
            keep([self.name, self.server.kind, self.fault, target, start, end, f"{self.share:.3f}"],
                 change and [start, change, target])
            # Others find what they share as it was.
            self.load.light()
            self.server.send(signal.SIGCONT)
        finally:
            together.end.wait()
            self.load.is_over = True
            self.server.end()
            if host:
                host.end()

    def begin(self, together):
        """Until the server is up and has its light load."""
        try:
            self.server.begin()
            with together.measured:
                self.alone = alone(self.server, self.told.settle)
        finally:
            # Nobody waits for one that does not come up.
            together.begin.wait()
        self.load.begin(self.alone * self.share)
        time.sleep(self.told.settle)

    def record(self, host):
        """The time before the fault, and that of the fault."""
        told = self.told
        recorder = watch.Recorder(self.server, self.gateway, host, told.gpu_exporter, self.pod, told.interval)
        recorder.start()
        try:
            used = self.server.cpu_seconds()
            time.sleep(self.calm)
            self.cpus = (self.server.cpu_seconds() - used) / self.calm
            do, _ = faults.FAULTS[self.fault]
            self.start = time.time()
            do(self)
            self.end = time.time()
        finally:
            recorder.end()
        recorder.write(f"{told.output}/{self.name}.csv.gz")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=["llama-cpp", "vllm"])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("--faults", default=",".join(faults.WITHOUT_GPU))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--together", action="store_true", help="all faults of a seed at the same time")
    parser.add_argument("--calm", type=float, default=180, help="seconds before the fault")
    parser.add_argument("--seconds", type=float, default=90, help="seconds of the fault")
    parser.add_argument("--settle", type=float, default=10, help="seconds of the measurement, and of load before anything counts")
    parser.add_argument("--interval", type=float, default=5, help="seconds from one scrape to the next")
    parser.add_argument("--light", type=shares, default=SHARES, help="share of the server that the load takes")
    parser.add_argument("--context", type=int, default=32768, help="tokens of context of llama.cpp, all slots together")
    parser.add_argument("--gpu", action="store_true", help="llama.cpp computes on the GPU, which all servers share")
    parser.add_argument("--gpu-exporter", help="page of a GPU exporter, as http://127.0.0.1:9400/metrics")
    parser.add_argument("--neighbour", help="program of somebody else on the GPU; writes a line when it begins")
    told = parser.parse_args()
    stages = [stage.split(",") for stage in told.faults.split("/")]
    asked = [fault for stage in stages for fault in stage]
    if unknown := [fault for fault in asked if fault not in faults.FAULTS]:
        parser.error(f"there is no fault {unknown[0]}: one of {', '.join(faults.FAULTS)}")
    if len(stages) > 1 and not told.together:
        parser.error("faults behind a slash need --together")
    if told.gpu and told.server != "llama-cpp":
        parser.error("--gpu is for llama-cpp")
    if not told.neighbour and any(fault.startswith("gpu-") for fault in asked):
        parser.error("a neighbour on the GPU needs --neighbour COMMAND")
    os.makedirs(told.output, exist_ok=True)
    runs = [[(fault, int(seed), told.seconds * at) for at, stage in enumerate(stages) for fault in stage]
            for seed in told.seeds.split(",")]
    waiting = runs if told.together else [[run] for of_seed in runs for run in of_seed]
    lock, failed = threading.Lock(), []

    def keep(row, change):
        with lock:
            head = ["run", "server", "fault", "target", "from", "to", "light_load"]
            add(f"{told.output}/runs.csv", head, [row])
            add(f"{told.output}/changes.csv", ["time", "kind", "target"], [change] if change else [])

    def play(together, run):
        fault, seed, _ = run
        print(f"{watch.stamp(time.time())} {fault} {seed}\n", end="", flush=True)
        try:
            Run(told, *run).play(together, keep)
        except (Exception, SystemExit) as error:
            failed.append(run)
            print(f"{fault} {seed}: {error}", file=sys.stderr, flush=True)

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                runs = waiting.pop(0)
            together = Together(len(runs))
            in_threads(play, [(together, run) for run in runs], 0)

    in_threads(work, [()] * told.at_once, 7)
    sys.exit(1 if failed else 0)


def shares(text):
    """Two numbers with a comma between them."""
    low, high = map(float, text.split(","))
    return low, high


def in_threads(work, arguments, pause):
    """Does `work` with each of `arguments` in a thread of its own, until all have ended."""
    threads = [threading.Thread(target=work, args=given) for given in arguments]
    for place, thread in enumerate(threads):
        if place > 0:
            time.sleep(pause)
        thread.start()
    for thread in threads:
        thread.join()


main()
