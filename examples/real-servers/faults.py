"""What is done to a real server, fault by fault; each lasts as long as it is told to."""

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time

from load import request
from servers import USUAL_CPUS

# Prompts of the surge and answers of the longer kind, in tokens.
LONG_PROMPT, LONGER = {"llama-cpp": 1500, "vllm": 2500}, 1.6
# Clients that hold slots, and tokens of their answers: as long as the server lets them be.
HOLDERS, ENDLESS = {"llama-cpp": 4, "vllm": 16}, {"llama-cpp": 100_000, "vllm": 4000}
# Requests of a surge, as a multiple of what is answered one after the other: more than the server can do. On a
# GPU, answers in four slots take hardly longer than one; so do vLLM's eight at a time, on a processor too.
SURGE = {"llama-cpp": 3, "llama-cpp on a GPU": 6, "vllm": 12}
# Part of what the light load takes that a quota leaves the container.
CPU_PART = 0.6
# Seconds from the end of a process to the next one's start, and to that of one that ended at once.
GAP, BACK_OFF = 15, 5
# Blocks that vLLM's cache is left with, one of which it keeps for itself: 128 tokens each on a processor. A
# request of the light load fills one to two. The longest context has to fit.
FEW_BLOCKS = ["--num-gpu-blocks-override", "3", "--max-model-len", "256"]
# Programs of somebody else that work on the GPU.
GPU_WORKERS = 2


def hold(run):
    time.sleep(run.seconds)


def nothing(run):
    """Goes on as before."""
    hold(run)


def surge(run):
    """Requests arrive several times as fast as the server can answer them one after the other."""
    run.load.rate = SURGE[run.server.kind + " on a GPU" * run.told.gpu] * run.alone
    hold(run)


def long_prompts(run):
    """As many requests, with long prompts."""
    run.load.prompt = LONG_PROMPT[run.server.kind]
    hold(run)


def slots_held(run):
    """Answers without end, or as long as they may be, hold every slot."""
    end = time.monotonic() + run.seconds
    body = request(20, ENDLESS[run.server.kind], stream=True)

    def holder():
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", run.server.port, timeout=60)
            try:
                connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                while time.monotonic() < end and answer.read1(4096):
                    pass
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
            finally:
                connection.close()

    threads = [threading.Thread(target=holder, daemon=True) for _ in range(HOLDERS[run.server.kind])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(run.seconds + 10)


def stopped(run):
    """Every process of it is stopped (SIGSTOP), as one that waits for a lock for ever."""
    run.server.send(signal.SIGSTOP)
    hold(run)


def cpu_quota(run):
    """The container's quota leaves it a part of a processor."""
    if not run.server.group.is_there:
        raise SystemExit("cpu-quota needs the right to make a control group: run it as root, or leave it out")
    run.server.group.limit(max(0.02, CPU_PART * run.cpus))
    hold(run)
    run.server.group.limit(USUAL_CPUS)


def cpu_neighbours(run):
    """Programs of others take the processors on which it runs."""
    busy = ["taskset", "-c", str(run.server.pin), "sh", "-c", "while :; do :; done"]
    # More weight than the server has, where that is allowed.
    higher = ["nice", "-n", "-10"] if os.geteuid() == 0 else []
    others = [subprocess.Popen(higher + busy) for _ in range(3)]
    try:
        hold(run)
    finally:
        for other in others:
            other.kill()
            other.wait()


@contextlib.contextmanager
def neighbours(run, count):
    """Programs of somebody else on the GPU; the fault begins when they do."""
    others = [subprocess.Popen(run.told.neighbour, shell=True, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, start_new_session=True) for _ in range(count)]
    try:
        if not all(other.stdout.readline() for other in others):
            raise SystemExit(f"the neighbour ends at once: run it by hand to see why\n{run.told.neighbour}")
        run.start = time.time()
        yield
    finally:
        for other in others:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(other.pid, signal.SIGKILL)
            other.wait()


def gpu_neighbour(run):
    """Programs of somebody else keep the GPU busy."""
    with neighbours(run, GPU_WORKERS):
        hold(run)


def gpu_memory_neighbour(run):
    """A program of somebody else takes what memory of the GPU is free; the server ends, and its successors get none."""
    with neighbours(run, 1):
        end = run.start + run.seconds
        time.sleep(min(GAP, run.seconds / 4))
        run.server.kill()
        while time.time() + BACK_OFF < end:
            time.sleep(BACK_OFF)
            run.server.launch()
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.server.process.wait(max(0.0, end - time.time()))
        time.sleep(max(0.0, end - time.time()))


def killed(run):
    """Its processes are killed (SIGKILL); a new one is started soon after."""
    run.server.kill()
    restarted(run)


def planned_restart(run):
    """Someone ends it on purpose and starts it again."""
    run.server.stop()
    restarted(run)


def deployed(run):
    """A new version with other settings takes the place of the old one."""
    run.server.stop()
    run.server.more = {"llama-cpp": ["--batch-size", "1024"], "vllm": ["--max-num-seqs", "16"]}[run.server.kind]
    restarted(run)


def kv_pressure(run):
    """Another setting leaves the KV cache too few blocks for the same load."""
    if run.server.kind != "vllm":
        raise SystemExit("kv-pressure is for vllm: llama.cpp's server gives each slot a part of the cache")
    run.server.stop()
    run.server.more = FEW_BLOCKS
    restarted(run)


def restarted(run):
    end = time.monotonic() + run.seconds
    time.sleep(min(GAP, run.seconds / 3))
    run.server.launch()
    time.sleep(max(0.0, end - time.monotonic()))


def retry_storm(run):
    """Clients lose patience before an answer can be there, and ask again at once."""
    run.load.patience = 0.6 * run.gateway.usual_seconds()
    run.load.repeats, run.load.pause = 8, 0.05
    hold(run)


def peak(run):
    """Twice as many requests, and room for all of them."""
    run.load.rate *= 2
    hold(run)


def longer_answers(run):
    """Answers are somewhat longer, and there is room for that."""
    run.load.tokens *= LONGER
    hold(run)


# Name: what is done, and the change that people know of, if it is one.
WITHOUT_GPU = {
    # Those that keep a processor busy, and beside each some that do not: several are recorded at a time.
    "surge": (surge, None),
    "stopped": (stopped, None),
    "nothing": (nothing, None),
    "planned-restart": (planned_restart, "restart"),
    "long-prompts": (long_prompts, None),
    "killed": (killed, None),
    "longer-answers": (longer_answers, None),
    "deployed": (deployed, "deploy"),
    "slots-held": (slots_held, None),
    "cpu-quota": (cpu_quota, None),
    "peak": (peak, None),
    "retry-storm": (retry_storm, None),
    "cpu-neighbours": (cpu_neighbours, None),
}
# Those that need more than that: a load that several share a cache at, a GPU and somebody else on it.
FAULTS = WITHOUT_GPU | {
    "kv-pressure": (kv_pressure, "config"),
    "gpu-neighbour": (gpu_neighbour, None),
    "gpu-memory-neighbour": (gpu_memory_neighbour, None),
}
