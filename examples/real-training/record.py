"""Records what a real training job says of itself before and during a fault.

usage: python3 record.py OUTPUT_FOLDER [--faults a,b] [--seeds 1,2] [--at-once N] [--calm S] [--seconds S]
                         [--interval S] [--ranks N] [--gpu N] [--gpu-exporter URL] [settings of launch.py]

Writes into OUTPUT_FOLDER, for each fault and seed:
  FAULT-SEED.csv.gz  samples of the job and its ranks, its container and its host, a row each
and, at the end, adds to:
  runs.csv           run, fault, target, from, to
  changes.csv        changes that people knew of: time, kind, target

A first job learns for a while, and all others go on from its checkpoint. Needs torch; node_exporter is used where
it is installed, and control groups where the user may make them.
"""

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(f"{HERE}/../real-servers")

import data  # noqa: E402
import faults  # noqa: E402
import servers  # noqa: E402
import watch  # noqa: E402
from job import Job, Recorder  # noqa: E402

# Seconds that a job gets to settle before anything counts.
SETTLE = 10


class Run:
    """One job, one fault."""

    def __init__(self, told, fault, seed, base):
        self.told, self.fault, self.base, self.seconds = told, fault, base, told.seconds
        self.name = f"{fault}-{seed}"
        # Of two runs at the same time, no change may be taken for one of the other.
        self.job_name = f"pretrain-{seed * len(faults.FAULTS) + list(faults.FAULTS).index(fault)}"
        self.rank = random.Random(f"{fault} {seed}").randrange(told.ranks)

    def play(self):
        """Gives the row of the run, and that of the change, if there was one."""
        with tempfile.TemporaryDirectory(dir=self.told.scratch) as folder:
            for name in ("tokens", "checkpoint"):
                shutil.copy(f"{self.base}/{name}", f"{folder}/{name}")
            self.job = Job(self.job_name, folder, self.told.sizes, self.told.ranks, self.told.gpu)
            exporter = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
            host = servers.NodeExporter(exporter) if exporter else None
            try:
                return self.watched(host)
            finally:
                self.job.end()
                if host:
                    host.end()

    def watched(self, host):
        recorder = Recorder(self.job, host, self.told.gpu_exporter, self.job_name, self.told.interval)
        self.job.begin()
        time.sleep(SETTLE)
        recorder.start()
        try:
            used, steps = self.job.used(), []
            end = time.monotonic() + self.told.calm
            while time.monotonic() < end:
                steps.append(self.job.boards[0]["step_seconds"])
                time.sleep(0.5)
            self.usual_step = statistics.median(steps)
            self.usual_cpus = (self.job.used() - used) / self.told.calm
            do, change, kind = faults.FAULTS[self.fault]
            start = time.time()
            do(self)
            end = time.time()
        finally:
            recorder.end()
        recorder.write(f"{self.told.output}/{self.name}.csv.gz")
        stamp = watch.stamp(start)
        target = {"rank": f"{self.job_name}/{self.rank}", "host": "worker-0", "storage": ""}.get(kind, self.job_name)
        row = [self.name, self.told.kind, self.fault, target, stamp, watch.stamp(end), f"{self.usual_step:.3f}"]
        return row, change and [stamp, change, self.job_name]


def learnt(told):
    """The folder of a job that has learnt for a while."""
    folder = f"{told.scratch}/base"
    os.makedirs(folder, exist_ok=True)
    data.corpus(f"{folder}/tokens")
    if not os.path.exists(f"{folder}/checkpoint"):
        job = Job("base", folder, told.sizes, told.ranks, told.gpu)
        try:
            job.begin()
            while job.boards[0]["saved_step"] < told.base_steps:
                time.sleep(0.5)
        finally:
            job.end()
    return folder


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--faults", default=",".join(faults.FAULTS))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--apart", type=float, default=45, help="seconds between the starts of jobs that run at once")
    parser.add_argument("--calm", type=float, default=180, help="seconds before the fault")
    parser.add_argument("--seconds", type=float, default=90, help="seconds of the fault")
    parser.add_argument("--interval", type=float, default=5, help="seconds between scrapes")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--base-steps", type=int, default=800, help="steps that the first job learns for")
    parser.add_argument("--gpu", default="", help="number of the GPU that the ranks share, as its exporter has it")
    parser.add_argument("--gpu-exporter", help="URL of the page of a GPU exporter")
    parser.add_argument("--kind", default="cpu", help="what the table of runs says of the machine")
    parser.add_argument("--scratch", default=tempfile.gettempdir(), help="folder for tokens and checkpoints")
    told, told.sizes = parser.parse_known_args()
    os.makedirs(told.output, exist_ok=True)
    waiting = [(fault, int(seed)) for seed in told.seeds.split(",") for fault in told.faults.split(",")]
    base, lock = learnt(told), threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                fault, seed = waiting.pop(0)
            print(watch.stamp(time.time()), fault, seed, flush=True)
            row, change = Run(told, fault, seed, base).play()
            with lock:
                head = ["run", "kind", "fault", "target", "from", "to", "usual_step_seconds"]
                watch.add(f"{told.output}/runs.csv", head, [row])
                watch.add(f"{told.output}/changes.csv", ["time", "kind", "target"], [change] if change else [])

    threads = [threading.Thread(target=work) for _ in range(told.at_once)]
    for thread in threads:
        thread.start()
        time.sleep(told.apart if told.at_once > 1 else 0)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
