"""One rank of a synchronous data-parallel training; `launch.py` starts it.

Each step: a batch from the loader's process, forward and backward, one all-reduce of all gradients (gloo),
clipping, Adam. Gradients that are not numbers are left out by all. The first rank sends checkpoints to the
storage; all wait for it. Its times and counts go to its board (`board.py`).
"""

import argparse
import datetime
import gc
import io
import json
import os
import random
import signal
import time

import data
import store
import torch
import torch.distributed as dist
from board import Board
from model import LONGEST, Model

# Steps over which the learning rate rises at first and falls at the end, and to what part of it.
WARM_UP, DECAY, FLOOR = 20, 200, 0.1
# Largest norm of the gradients that is taken whole, and how long an exchange or a save may take.
CLIP, WATCHDOG, SAVE_PATIENCE = 1.0, 600, 120
# Of Adam: how much of both moments a step keeps, and what keeps the quotient finite.
FIRST, SECOND, LEAST = 0.9, 0.95, 1e-8
# The process ended because an exchange did not.
ENDED_BY_WATCHDOG = 17
# Behind the gradients: loss, samples, tokens, whether to save, whether to end.
EXTRA = 5


class Garbage:
    """Objects that refer to each other: what a leak of small things looks like to the collector."""

    def __init__(self, count):
        gc.disable()  # or it would look through them again and again while they are made
        self.kept = [[None] for _ in range(count)]
        for one, other in zip(self.kept, self.kept[1:]):
            one[0] = other
        gc.enable()


class Rank:
    def __init__(self, told):
        self.told, self.rank, self.ranks, self.folder = told, told.rank, told.ranks, told.folder
        self.board = Board(f"{told.folder}/rank-{told.rank}")
        self.board["process"], self.board["state"], self.board["sequence"] = os.getpid(), 3, 0
        self.settings, self.garbage = {}, None
        self.ends = False
        signal.signal(signal.SIGTERM, self.end)

    def end(self, *_):
        self.ends = True

    def begin(self):
        """Takes up the last checkpoint."""
        path, kept = f"{self.folder}/checkpoint", None
        if os.path.exists(path):
            kept = torch.load(path, map_location="cpu", weights_only=True)
        self.step = kept["step"] if kept else 0
        self.sample = kept["sample"] if kept and not os.path.exists(f"{self.folder}/replay") else 0
        told = self.told
        dataset = data.Tokens(f"{self.folder}/tokens", told.length, told.batch, self.rank, self.ranks, self.sample)
        # Before there are threads or a device that a process begun here would share.
        self.batches = data.batches(dataset)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(0)
        self.model = Model(told.width, told.layers, told.length).to(self.device)
        self.parameters = list(self.model.parameters())
        # All weights, and Adam's two moments of them, one after the other.
        state = torch.cat([one.detach().flatten() for one in self.parameters])
        state = torch.stack([state, torch.zeros_like(state), torch.zeros_like(state)])
        self.state = kept["state"].to(self.device) if kept else state
        for one, part in zip(self.parameters, self.parts(self.state[0])):
            one.data = part
        dist.init_process_group(
            "gloo", f"tcp://127.0.0.1:{told.meet}", timeout=datetime.timedelta(seconds=WATCHDOG),
            rank=self.rank, world_size=self.ranks)
        self.flat = torch.zeros(self.state.shape[1] + EXTRA, device=self.device)
        self.board["parameters"] = self.state.shape[1]
        self.board["step"], self.board["saved_step"], self.board["unsaved"] = self.step, self.step, 0
        self.saved = time.time()

    def parts(self, flat):
        """Views of a vector of all weights, as the model has them."""
        parts = flat.split([one.numel() for one in self.parameters])
        return [part.view_as(one) for one, part in zip(self.parameters, parts)]

    def adam(self, gradients, rate):
        weights, first, second = self.state
        first.lerp_(gradients, 1 - FIRST)
        second.lerp_(gradients * gradients, 1 - SECOND)
        done = self.step + 1
        spread = (second / (1 - SECOND**done)).sqrt_().add_(LEAST)
        weights.addcdiv_(first, spread, value=-rate / (1 - FIRST**done))

    def look(self):
        """Settings in force from this step on; all ranks see the same, as they are told some steps before."""
        try:
            with open(f"{self.folder}/settings.json") as file:
                said = json.load(file)
        except OSError:
            return
        if said["from_step"] <= self.step:
            self.settings = said
            objects = said.get("objects", 0)
            if objects and not self.garbage:
                self.garbage = Garbage(objects)

    def rate(self):
        rise = min(1.0, (self.step + 1) / WARM_UP)
        start = self.settings.get("decay_from")
        fall = 1.0 if start is None else max(FLOOR, 1.0 - (1.0 - FLOOR) * (self.step - start) / DECAY)
        return self.told.rate * rise * fall * self.settings.get("rate_factor", 1.0)

    def all_reduce(self, tensor):
        self.board.add("sequence", 1)
        self.board["state"] = 1
        work = dist.all_reduce(tensor, async_op=True)
        self.board["state"] = 2
        work.wait()
        self.board["state"] = 3

    def wait_for_device(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def batch(self):
        """Rows for this step; more of them one after the other where this rank has longer sequences."""
        parts = self.settings.get("parts", {}).get(str(self.rank), 1)
        rows = [next(self.batches) for _ in range(min(parts, LONGEST))]
        whole = [rows[0]] + [row[:, 1:] for row in rows[1:]]
        return torch.cat(whole, 1).to(self.device, torch.long), len(rows)

    def spoil(self, hidden):
        """What a failing unit does: all bits of an exponent are set in one number of the activations."""
        bits = hidden.detach().clone().view(torch.int32)
        place = random.randrange(bits.numel())
        bits.view(-1)[place] |= 0x7F800000
        return hidden + (bits.view(torch.float32) - hidden.detach())

    def pause(self):
        """The collector runs at different steps in different ranks."""
        every = self.settings.get("collect_every", 20)
        if self.garbage and (self.step + self.rank * every // self.ranks) % every == 0:
            gc.collect()

    def one_step(self):
        begun = time.perf_counter()
        self.look()
        at = time.perf_counter()
        rows, parts = self.batch()
        data_seconds = time.perf_counter() - at
        self.pause()
        is_spoilt = self.settings.get("spoilt_rank") == self.rank and random.random() < self.settings["spoilt_share"]
        loss = self.model(rows, self.spoil if is_spoilt else None)
        self.model.zero_grad()
        loss.backward()
        count = self.flat.numel() - EXTRA
        torch.cat([one.grad.flatten() for one in self.parameters], out=self.flat[:count])
        if not torch.isfinite(self.flat[:count]).all():
            self.board.add("nan_gradients", 1)
        is_first = self.rank == 0
        interval = self.settings.get("save_interval", self.told.save_interval)
        saves = is_first and time.time() - self.saved >= interval
        tokens, samples = rows.shape[0] * (rows.shape[1] - 1), self.told.batch * parts
        self.flat[count:] = torch.tensor([loss.item(), samples, tokens, saves, self.ends], dtype=torch.float32)
        self.wait_for_device()
        at = time.perf_counter()
        self.all_reduce(self.flat)
        collective_seconds = time.perf_counter() - at
        loss, samples, tokens, saves, ends = self.flat[count:].tolist()
        gradients = self.flat[:count].div_(self.ranks)
        norm = gradients.norm().item()
        rate = self.rate()
        is_finite = norm - norm == 0
        if is_finite:
            self.adam(gradients.mul_(min(1.0, CLIP / (norm + 1e-6))), rate)
        self.wait_for_device()
        self.step += 1
        self.sample += int(samples)
        seconds = time.perf_counter() - begun
        loss /= self.ranks
        board = self.board
        board.add("skipped", not is_finite)
        board.add("nan_steps", loss != loss)
        board.add("tokens", tokens)
        board.add("stepping", seconds)
        board.add("unsaved", seconds)
        for name, value in [
            ("step", self.step), ("sample", self.sample), ("step_tokens", tokens), ("loss", loss),
            ("gradient_norm", norm), ("learning_rate", rate), ("step_seconds", seconds),
            ("own_seconds", seconds - data_seconds - collective_seconds), ("data_seconds", data_seconds),
            ("collective_seconds", collective_seconds), ("heartbeat", time.time()), ("save_interval", interval),
        ]:
            board[name] = value
        if saves or ends:
            self.save()
        return not ends

    def save(self):
        """The first rank saves; the others stand still until it has."""
        begun = time.perf_counter()
        if self.rank == 0:
            buffer = io.BytesIO()
            torch.save({"step": self.step, "sample": self.sample, "state": self.state}, buffer)
            try:
                store.send(f"{self.folder}/store", buffer.getbuffer(), SAVE_PATIENCE)
                self.board.add("saves", 1)
                self.board["saved_step"], self.board["unsaved"] = self.step, 0
            except OSError:
                self.board.add("failed_saves", 1)
            self.saved = time.time()
            self.board["save_seconds"] = time.perf_counter() - begun
        self.all_reduce(torch.zeros(1))
        self.board.add("stall", time.perf_counter() - begun)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    for name, kind in [("rank", int), ("ranks", int), ("meet", int), ("width", int), ("layers", int),
                       ("length", int), ("batch", int), ("rate", float), ("save_interval", float)]:
        parser.add_argument(f"--{name}", type=kind, required=True)
    told = parser.parse_args()
    torch.set_num_threads(1)
    rank = Rank(told)
    rank.begin()
    try:
        while rank.one_step():
            pass
    except RuntimeError as error:
        # Another rank has ended, or nobody heard of it for too long.
        print(error, flush=True)
        os._exit(ENDED_BY_WATCHDOG if "imed out" in str(error) else 1)
    os._exit(0)


if __name__ == "__main__":
    main()
