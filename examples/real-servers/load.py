"""Clients of a server, and what a gateway before it would count of them."""

import json
import random
import threading
import time

# The light kind of request: bytes of the prompt (each a token), and tokens to generate.
PROMPT, TOKENS = 60, 60
# The longest prompt that fits.
MOST_PROMPT = {"llama-cpp": 6000, "vllm": 3700}
# Most requests that the gateway lets through at a time; more are turned away.
MOST_WAITING = 64
# As usual client libraries do: how long they wait for an answer, how often they ask again, and after how long.
PATIENCE, REPEATS, PAUSE = 30.0, 2, 0.5


class Gateway:
    """Counts requests as a gateway does, by what came of them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.outcomes = {"answered": 0, "failed": 0, "timed_out": 0}
        self.repeated = 0
        self.seconds = 0.0
        self.latest = []

    def ended(self, outcome, seconds):
        with self.lock:
            self.outcomes[outcome] += 1
            self.seconds += seconds
            if outcome == "answered":
                self.latest.append(seconds)

    def repeats(self):
        with self.lock:
            self.repeated += 1

    def series(self):
        """Names, labels and values, as its page would have them."""
        with self.lock:
            for outcome, count in self.outcomes.items():
                yield "gateway_requests_total", {"outcome": outcome}, count
            yield "gateway_requests_repeated_total", {}, self.repeated
            yield "gateway_requests_served_total", {"served": "as_requested"}, self.outcomes["answered"]
            name, model = "gen_ai_client_operation_duration_seconds", {"gen_ai_request_model": "tiny"}
            yield f"{name}_sum", model, self.seconds
            yield f"{name}_count", model, sum(self.outcomes.values())

    def usual_seconds(self):
        """The median time of an answer so far."""
        with self.lock:
            latest = sorted(self.latest)
        return latest[len(latest) // 2] if latest else 1.0


class Load:
    """Requests that arrive at random, at a rate, each of its own client, which asks again if it fails."""

    def __init__(self, server, gateway, seed):
        self.server, self.gateway, self.draw = server, gateway, random.Random(seed)
        self.usual_rate = 1.0
        self.light()
        self.waiting = threading.Semaphore(MOST_WAITING)
        self.is_over = False

    def begin(self, rate):
        self.usual_rate = rate
        self.light()
        threading.Thread(target=self.run, daemon=True).start()

    def light(self):
        """As it is while nothing is done to the server."""
        self.rate, self.prompt, self.tokens = self.usual_rate, PROMPT, TOKENS
        self.patience, self.repeats, self.pause = PATIENCE, REPEATS, PAUSE

    def run(self):
        at = time.monotonic()
        while not self.is_over:
            at = max(at, time.monotonic() - 1) + self.draw.expovariate(self.rate)
            prompt = min(MOST_PROMPT[self.server.kind], self.around(self.prompt))
            body = request(prompt, self.around(self.tokens))
            # A rate that rises is not waited for at the old one.
            while not self.is_over and time.monotonic() < at:
                time.sleep(min(0.2, max(0.0, at - time.monotonic())))
            threading.Thread(target=self.client, args=(body,), daemon=True).start()

    def around(self, middle):
        return max(1, round(middle * self.draw.lognormvariate(0, 0.3)))

    def client(self, body):
        """One who asks until there is an answer, or patience ends."""
        for attempt in range(self.repeats + 1):
            if self.is_over:
                return
            if attempt > 0:
                time.sleep(self.pause * 2 ** (attempt - 1))
                self.gateway.repeats()
            if not self.waiting.acquire(blocking=False):
                self.gateway.ended("failed", 0.0)
                continue
            try:
                if self.attempt(body):
                    return
            finally:
                self.waiting.release()

    def attempt(self, body):
        start = time.monotonic()
        try:
            status, _ = self.server.ask("POST", "/v1/completions", body, self.patience)
            outcome = "answered" if status == 200 else "failed"
        except TimeoutError:
            outcome = "timed_out"
        except OSError:
            outcome = "failed"
        self.gateway.ended(outcome, time.monotonic() - start)
        return outcome == "answered"


def request(prompt, tokens, **more):
    """Body of a request; every prompt begins otherwise, so that none is found in a cache."""
    first = f"{random.getrandbits(48):012x}"
    text = (first + "".join(chr(97 + (prompt * 7 + place) % 26) for place in range(prompt)))[:max(prompt, 1)]
    return json.dumps({"model": "tiny", "prompt": text, "max_tokens": tokens, "ignore_eos": True} | more)


def alone(server, seconds):
    """Requests a second of a single client that asks one after the other, after a first one."""
    server.ask("POST", "/v1/completions", request(PROMPT, TOKENS), 60)
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        server.ask("POST", "/v1/completions", request(PROMPT, TOKENS), 60)
        count += 1
    return count / (time.monotonic() - start)
