"""Drives a real llama.cpp server through load and faults, and records what it says of itself each second.

usage: python3 examples/llama-cpp/record.py LLAMA_SERVER MODEL OUTPUT_FOLDER [--seed N] [--scale S]

Writes three files into OUTPUT_FOLDER:
  metrics.csv.gz  a row a second: `time`, `instance`, `up`, `scrape_duration_seconds`, and each metric of
                  the server's page as it stood there; empty while the server does not answer
  clients.csv.gz  what clients saw in the second before: requests sent, answered and failed, those that
                  were not sent as too many waited, and the mean seconds from sending to the answer
  truth.csv       what was done to it: `fault`, `target`, `from`, `to` (as `auscult backtest --events` reads
                  it), and `drained`: since when nothing waited any more

Nothing but Python's own library is needed. The load follows the seed; what the server makes of it, and
so the numbers, differs from run to run, as with any real program.
"""

import argparse
import csv
import gzip
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
from datetime import datetime, timezone

SLOTS = 4
# Phases in order: name and seconds. Between faults the load is light, counted from when nothing waits
# any more, so that each has a quiet time before it.
LIGHT = ("light", 60)
PHASES = [
    ("light", 330),
    ("saturation", 45), LIGHT,
    ("slots-exhausted", 45), LIGHT,
    ("long-prompt-surge", 45), LIGHT,
    ("stopped", 20), LIGHT,
    ("cpu-limit", 45), LIGHT,
    ("killed-and-restarted", 15), LIGHT,
]
# Clients of the saturation, each of which asks as soon as it was answered; and the most requests that are
# under way otherwise: as behind a gateway, more are turned away.
BUSY_CLIENTS, MOST_WAITING = 16, 24
# The light kind of request: bytes of the prompt (each a token), and tokens to generate;
# prompts of the surge, and the longest that fits into a slot.
PROMPT, TOKENS = 60, 60
LONG_PROMPT, MOST_PROMPT = 1500, 6000
# Share of the time in which the server may run under the CPU limit, and how often it is stopped for it.
CPU_SHARE, CPU_PERIOD = 0.15, 0.1
# How long a scrape may take.
SCRAPE_TIMEOUT = 0.9


def stamp(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """The server as a process, which can be ended and begun again."""

    def __init__(self, program, model):
        self.port = free_port()
        self.command = [
            program, "--model", model, "--host", "127.0.0.1", "--port", str(self.port), "--metrics",
            "--offline", "--threads", "1", "--threads-http", "64", "--ctx-size", "32768", "--parallel", str(SLOTS),
        ]
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if self.ask("GET", "/health", None, 1)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit("the server does not come up: run it by hand to see why\n" + " ".join(self.command))

    def ask(self, method, path, body, timeout):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:  # cut off in the middle of an answer
            raise OSError(error) from error
        finally:
            connection.close()

    def send(self, what):
        self.process.send_signal(what)

    def end(self):
        self.process.kill()
        self.process.wait()


class Tally:
    """What clients saw since it was taken last."""

    def __init__(self):
        self.lock = threading.Lock()
        self.take()

    def take(self):
        with self.lock:
            seen = getattr(self, "seen", None)
            self.seen = {"sent": 0, "answered": 0, "failed": 0, "turned_away": 0, "seconds": 0.0}
            return seen

    def add(self, **more):
        with self.lock:
            for key, value in more.items():
                self.seen[key] += value


class Load:
    """Requests that arrive at random, at a rate, each of its own client that waits for the answer."""

    def __init__(self, server, tally, seed):
        self.server, self.tally, self.draw = server, tally, random.Random(seed)
        self.rate, self.prompt, self.tokens = 1, PROMPT, TOKENS
        self.waiting = threading.Semaphore(MOST_WAITING)
        self.is_over = False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        at = time.monotonic()
        while not self.is_over:
            at = max(at, time.monotonic() - 1) + self.draw.expovariate(self.rate)
            size, tokens = self.around(self.prompt), self.around(self.tokens)
            time.sleep(max(0, at - time.monotonic()))
            if self.waiting.acquire(blocking=False):
                threading.Thread(target=self.client, args=(size, tokens), daemon=True).start()
            else:
                self.tally.add(turned_away=1)

    def around(self, middle):
        return min(MOST_PROMPT, max(1, round(middle * self.draw.lognormvariate(0, 0.3))))

    def client(self, size, tokens):
        try:
            self.request(size, tokens)
        finally:
            self.waiting.release()

    def request(self, size, tokens):
        prompt = "".join(chr(97 + (size * 7 + place) % 26) for place in range(size))
        body = json.dumps({"prompt": prompt, "n_predict": tokens, "ignore_eos": True, "cache_prompt": False})
        start = time.monotonic()
        self.tally.add(sent=1)
        try:
            status, _ = self.server.ask("POST", "/completion", body, 60)
        except OSError:
            status = None
        if status == 200:
            self.tally.add(answered=1, seconds=time.monotonic() - start)
        else:
            self.tally.add(failed=1)

    def saturate(self, seconds):
        """Clients that ask one after the other, more of them than there are slots."""
        end = time.monotonic() + seconds

        def client():
            while time.monotonic() < end:
                self.request(PROMPT, TOKENS)

        together(client, BUSY_CLIENTS)


def together(work, count):
    """Does `work` in `count` threads, until all have ended."""
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def page_of(text):
    """Metrics of a page in the text format; this server's have no labels."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


class Recorder:
    """Scrapes at each whole second until it is over."""

    def __init__(self, server, tally):
        self.server, self.tally = server, tally
        self.rows, self.clients = [], []
        self.is_over = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        at = int(time.time()) + 1
        while not self.is_over:
            time.sleep(max(0, at - time.time()))
            asked, start = time.time(), time.monotonic()
            seen = self.tally.take()
            try:
                status, body = self.server.ask("GET", "/metrics", None, SCRAPE_TIMEOUT)
                page = page_of(body.decode()) if status == 200 else {}
            except OSError:
                page = {}
            took = time.monotonic() - start
            instance = f"127.0.0.1:{self.server.port}"
            up = {"time": stamp(asked), "instance": instance, "up": int(bool(page)), "scrape_duration_seconds": f"{took:.6f}"}
            self.rows.append(up | page)
            mean = seen["seconds"] / seen["answered"] if seen["answered"] else ""
            self.clients.append({
                "time": stamp(asked), "sent": seen["sent"], "answered": seen["answered"],
                "failed": seen["failed"], "turned_away": seen["turned_away"],
                "mean_seconds": mean and f"{mean:.6f}",
            })
            at = max(at + 1, int(time.time()))

    def end(self):
        self.is_over = True
        self.thread.join()


def hold_slots(server, seconds):
    """As many answers as there are slots that go on and on; they end with their clients."""
    body = json.dumps({"prompt": "on and on", "n_predict": 100000, "ignore_eos": True, "stream": True})
    end = time.monotonic() + seconds

    def hold():
        while time.monotonic() < end:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            try:
                connection.request("POST", "/completion", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                while time.monotonic() < end and answer.read1(4096):
                    pass
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
            finally:
                connection.close()

    together(hold, SLOTS)


def limit_cpu(server, seconds):
    """Lets the server run for a share of the time only, as a quota of the kernel does."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            server.send(signal.SIGSTOP)
            time.sleep(CPU_PERIOD * (1 - CPU_SHARE))
            server.send(signal.SIGCONT)
            time.sleep(CPU_PERIOD * CPU_SHARE)
    finally:
        server.send(signal.SIGCONT)


def light_rate(server):
    """Requests a second that keep the server a quarter busy, were they to come one after the other."""
    body = json.dumps({"prompt": "a" * PROMPT, "n_predict": TOKENS, "ignore_eos": True, "cache_prompt": False})
    start, count = time.monotonic(), 0
    while time.monotonic() - start < 5:
        server.ask("POST", "/completion", body, 60)
        count += 1
    return count / (time.monotonic() - start) / 4


def play(phase, seconds, server, load):
    """One phase, with the light load going on; returns when it is over."""
    load.prompt = PROMPT
    if phase == "saturation":
        load.saturate(seconds)
    elif phase == "slots-exhausted":
        hold_slots(server, seconds)
    elif phase == "long-prompt-surge":
        load.prompt = LONG_PROMPT
        time.sleep(seconds)
    elif phase == "stopped":
        server.send(signal.SIGSTOP)
        time.sleep(seconds)
        server.send(signal.SIGCONT)
    elif phase == "cpu-limit":
        limit_cpu(server, seconds)
    elif phase == "killed-and-restarted":
        server.end()
        time.sleep(seconds)
        server.begin()
    else:
        time.sleep(seconds)


def drained(recorder, patience=300):
    """Waits until nothing has waited for five seconds; gives the first of them, or nothing."""
    until = time.time() + patience
    while time.time() < until:
        last = recorder.rows[-5:]
        if len(last) == 5 and all(row.get("llamacpp:requests_deferred") == "0" for row in last):
            return last[0]["time"]
        time.sleep(0.5)
    return ""


def table(path, rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        lines = [names] + [[row.get(name, "") for name in names] for row in rows]
        text = "".join(",".join(map(str, line)) + "\n" for line in lines)
        packed.write(text.encode())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("output")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="of the length of all phases")
    told = parser.parse_args()
    os.makedirs(told.output, exist_ok=True)
    server, tally = Server(told.program, told.model), Tally()
    truth = []
    try:
        rate = light_rate(server)
        print(f"light load: {rate:.2f} requests a second")
        load, recorder = Load(server, tally, told.seed), Recorder(server, tally)
        load.rate = rate
        try:
            for phase, seconds in PHASES:
                start = time.time()
                print(stamp(start), phase, flush=True)
                play(phase, seconds * told.scale, server, load)
                if phase != "light":
                    load.prompt, end = PROMPT, stamp(time.time())
                    calm = drained(recorder)
                    truth.append([phase, f"127.0.0.1:{server.port}", stamp(start), end, calm and max(end, calm)])
        finally:
            load.is_over = True
            recorder.end()
    finally:
        server.end()
    table(f"{told.output}/metrics.csv.gz", recorder.rows)
    table(f"{told.output}/clients.csv.gz", recorder.clients)
    with open(f"{told.output}/truth.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fault", "target", "from", "to", "drained"])
        writer.writerows(truth)


main()
