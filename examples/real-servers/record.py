"""Records what a real server of language models says of itself before and during a fault.

usage: python3 record.py llama-cpp|vllm PROGRAM MODEL OUTPUT_FOLDER [--faults a,b] [--seeds 1,2,3] [--at-once N]
                         [--calm S] [--seconds S]

Writes into OUTPUT_FOLDER, for each fault and seed:
  FAULT-SEED.csv.gz  samples of the server, its container, its host and its gateway, a row each
and, at the end, adds to:
  runs.csv           run, server, fault, target, from, to, and how much of the server the light load took
  changes.csv        changes that people knew of: time, kind, target

Nothing but Python's own library is needed; node_exporter is used where it is installed, and control groups
where the user may make them. The load follows the seed; what the server makes of it differs from run to run.
"""

import argparse
import os
import random
import shutil
import threading
import time

import faults
import servers
import watch
from load import Gateway, Load, alone

# Share of the server that the light load takes, as if requests came one after the other: drawn by the seed.
SHARES = (0.10, 0.25)
# Seconds that a server gets to settle before anything counts.
SETTLE = 10


class Run:
    """One server, one fault."""

    def __init__(self, told, fault, seed):
        self.fault, self.seconds, self.calm = fault, told.seconds, told.calm
        draw = random.Random(f"{told.server} {fault} {seed}")
        self.name = f"{fault}-{seed}"
        # Of two runs at the same time, no change may be taken for one of the other.
        self.pod = f"chat-{seed * len(faults.FAULTS) + list(faults.FAULTS).index(fault)}"
        self.share = draw.uniform(*SHARES)
        make = {"llama-cpp": servers.llama_cpp, "vllm": servers.vllm}[told.server]
        self.server = make(told.program, told.model, self.name)
        if fault == "cpu-neighbours":
            self.server.pin = os.cpu_count() - 1
        self.gateway = Gateway()
        self.load = Load(self.server, self.gateway, draw.random())

    def play(self, output):
        """Gives the row of the run, and that of the change, if there was one."""
        exporter = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
        host = servers.NodeExporter(exporter) if exporter else None
        self.recorder = watch.Recorder(self.server, self.gateway, host, self.pod)
        try:
            self.server.begin()
            self.alone = alone(self.server, SETTLE)
            self.load.rate = self.alone * self.share
            self.load.start()
            time.sleep(SETTLE)
            self.recorder.start()
            try:
                time.sleep(self.calm)
                do, change = faults.FAULTS[self.fault]
                start = time.time()
                do(self)
                end = time.time()
            finally:
                self.load.is_over = True
                self.recorder.end()
        finally:
            self.server.end()
            if host:
                host.end()
        self.recorder.write(f"{output}/{self.name}.csv.gz")
        target, stamp = f"{self.pod}:8000", watch.stamp(start)
        row = [self.name, self.server.kind, self.fault, target, stamp, watch.stamp(end), f"{self.share:.2f}"]
        return row, change and [stamp, change, target]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server", choices=["llama-cpp", "vllm"])
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("--faults", default=",".join(faults.FAULTS))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--calm", type=float, default=180, help="seconds before the fault")
    parser.add_argument("--seconds", type=float, default=90, help="seconds of the fault")
    told = parser.parse_args()
    os.makedirs(told.output, exist_ok=True)
    waiting = [(fault, int(seed)) for seed in told.seeds.split(",") for fault in told.faults.split(",")]
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                fault, seed = waiting.pop(0)
            print(watch.stamp(time.time()), fault, seed, flush=True)
            row, change = Run(told, fault, seed).play(told.output)
            with lock:
                head = ["run", "server", "fault", "target", "from", "to", "light_load"]
                watch.add(f"{told.output}/runs.csv", head, [row])
                watch.add(f"{told.output}/changes.csv", ["time", "kind", "target"], [change] if change else [])

    threads = [threading.Thread(target=work) for _ in range(told.at_once)]
    for thread in threads:
        thread.start()
        time.sleep(7)
    for thread in threads:
        thread.join()


main()
