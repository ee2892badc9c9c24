"""Starts the ranks of a training, restarts them from the last checkpoint when one dies, shows `/metrics`.

usage: python3 launch.py FOLDER --port PORT [--ranks 4] …

`SIGHUP` ends all ranks after a save and starts them again, as one who plans a restart does.
FOLDER keeps tokens, checkpoint and boards; a file `settings.json` there changes settings while it runs.
"""

import argparse
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from board import Board

HERE = os.path.dirname(os.path.abspath(__file__))
# Seconds from the end of a rank to the next start: what finding out and placing anew takes at least.
REPLACE = 5.0
OF_JOB = {  # name of the metric: field of the first rank's board
    "training_step": "step", "training_loss": "loss", "training_grad_norm": "gradient_norm",
    "training_learning_rate": "learning_rate", "training_skipped_steps_total": "skipped",
    "training_nan_steps_total": "nan_steps", "training_step_seconds": "step_seconds",
    "training_tokens_total": "tokens", "training_sample": "sample",
    "training_checkpoint_seconds": "save_seconds", "training_checkpoint_interval_seconds": "save_interval",
    "training_checkpoint_step": "saved_step", "training_checkpoints_total": "saves",
    "training_failed_checkpoints_total": "failed_saves", "training_checkpoint_stall_seconds_total": "stall",
    "training_step_seconds_total": "stepping", "training_heartbeat_timestamp_seconds": "heartbeat",
}
OF_RANK = {
    "training_rank_own_seconds": "own_seconds", "training_rank_data_seconds": "data_seconds",
    "training_rank_collective_seconds": "collective_seconds", "training_rank_collective_sequence": "sequence",
    "training_rank_nan_gradients_total": "nan_gradients",
}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Agent:
    def __init__(self, told):
        self.told, self.folder = told, told.folder
        self.boards = [Board(f"{told.folder}/rank-{rank}") for rank in range(told.ranks)]
        self.ranks = []
        self.restarts = self.failures = self.watchdogs = self.lost_steps = 0
        self.lost_seconds = 0.0
        self.is_planned = False
        signal.signal(signal.SIGHUP, self.plan)

    def plan(self, *_):
        self.is_planned = True
        for rank in self.ranks:
            rank.terminate()

    def start(self):
        meet, told = free_port(), self.told
        passed = [f"--{name}={getattr(told, name)}" for name in
                  ("ranks", "width", "layers", "length", "batch", "rate", "save_interval")]
        log = open(f"{self.folder}/log", "ab")
        command = [sys.executable, f"{HERE}/train.py", self.folder, f"--meet={meet}"] + passed
        self.ranks = [subprocess.Popen(command + [f"--rank={rank}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                      for rank in range(told.ranks)]
        log.close()

    def watch(self):
        """Never ends."""
        path = f"{self.folder}/store"
        if os.path.exists(path):
            os.unlink(path)
        with subprocess.Popen([sys.executable, f"{HERE}/store.py", path, self.folder]):
            self.start()
            while True:
                time.sleep(0.25)
                ended = [rank.poll() for rank in self.ranks]
                if self.is_planned and all(code == 0 for code in ended):
                    self.is_planned = False
                    self.again()
                elif any(ended):  # not well
                    self.failed(ended)

    def failed(self, ended):
        time.sleep(1.0)  # the others see it, or do not
        for rank in self.ranks:
            rank.kill()
            rank.wait()
        is_first = self.boards[0]
        self.lost_steps += int(is_first["step"] - is_first["saved_step"])
        self.lost_seconds += is_first["unsaved"]
        if 17 in ended:
            self.watchdogs += 1
        else:
            self.failures += 1
        self.is_planned = False
        time.sleep(REPLACE)
        self.again()

    def again(self):
        self.restarts += 1
        self.start()

    def page(self):
        first, told = self.boards[0], self.told
        rows = [(name, "", first[field]) for name, field in OF_JOB.items()]
        job = [
            ("training_data_seconds", max(board["data_seconds"] for board in self.boards)),
            # Whoever comes last waits for nobody: what it takes is the exchange itself.
            ("training_exchange_seconds", min(board["collective_seconds"] for board in self.boards)),
            ("training_tokens_per_second", first["step_tokens"] / max(first["step_seconds"], 1e-9)),
            ("training_restarts_total", self.restarts), ("training_lost_steps_total", self.lost_steps),
            ("training_watchdog_timeouts_total", self.watchdogs), ("training_lost_seconds_total", self.lost_seconds),
            ("training_running", int(all(rank.poll() is None for rank in self.ranks))),
        ]
        if told.peak:
            used = 6 * first["parameters"] * first["step_tokens"] / max(first["step_seconds"], 1e-9)
            job.append(("training_mfu", used / told.peak))
        rows += [(name, "", value) for name, value in job]
        rows.append(("training_failures_total", f',host="{told.host}"', self.failures))
        fastest = min(board["own_seconds"] for board in self.boards)
        ahead = max(board["sequence"] for board in self.boards)
        for rank, board in enumerate(self.boards):
            labels = f',rank="{rank}",host="{told.host}"' + (f',gpu="{told.gpu}"' if told.gpu else "")
            rows += [(name, labels, board[field]) for name, field in OF_RANK.items()]
            # Outside of the collective that others are in.
            is_outside = board["sequence"] < ahead
            rows.append(("training_rank_collective_state", labels, 0 if is_outside else board["state"]))
            own = board["own_seconds"]
            rows.append(("training_rank_relative_score", labels, fastest / own if own > 0 else 1.0))
        lines = [f'{name}{{training_job="{told.name}"{labels}}} {value:.10g}\n' for name, labels, value in rows]
        return "".join(lines)


def serve(agent, port):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            is_page = self.path == "/metrics"
            body = agent.page() if is_page else "steps\n"
            status = 200 if is_page or agent.boards[0]["heartbeat"] > 0 else 503
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="pretrain", help="what the job is called in labels")
    parser.add_argument("--host", default="worker-0", help="what its host is called in labels")
    parser.add_argument("--gpu", default="", help="number of the GPU that all ranks share, in labels")
    parser.add_argument("--peak", type=float, default=0, help="arithmetic operations a second that it has at most")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--length", type=int, default=64, help="tokens of a sequence")
    parser.add_argument("--batch", type=int, default=16, help="sequences of a rank in a step")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate")
    parser.add_argument("--save-interval", type=float, default=15, help="seconds between checkpoints")
    agent = Agent(parser.parse_args())
    serve(agent, agent.told.port)
    agent.watch()


main()
