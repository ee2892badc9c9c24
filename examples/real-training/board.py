"""What ranks write down for the agent: numbers in a file that both map, which outlives the rank."""

import mmap
import os
import struct

FIELDS = [
    "process", "parameters",  # number of the rank's process, weights of the model
    "step", "sample", "tokens", "step_tokens",
    "loss", "gradient_norm", "learning_rate", "skipped", "nan_steps", "nan_gradients",
    "step_seconds", "own_seconds", "data_seconds", "collective_seconds", "stepping", "unsaved", "heartbeat",
    "sequence", "state",  # collectives entered; 1 scheduled, 2 started, 3 completed
    "save_seconds", "save_interval", "saves", "failed_saves", "stall", "saved_step",
]
PLACES = {name: 8 * place for place, name in enumerate(FIELDS)}
SIZE = 8 * len(FIELDS)


class Board:
    """Numbers by name, zero at first; each is written and read whole."""

    def __init__(self, path):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(file, SIZE)
        self.memory = mmap.mmap(file, SIZE)
        os.close(file)

    def __getitem__(self, name):
        return struct.unpack_from("d", self.memory, PLACES[name])[0]

    def __setitem__(self, name, value):
        struct.pack_into("d", self.memory, PLACES[name], value)

    def add(self, name, value):
        self[name] += value
