"""Tokens on a disk, and the loader processes that read them."""

import os
import sysconfig

import torch
from torch.utils.data import DataLoader, IterableDataset

# Bytes of text, a token each.
SIZE = 8_000_000
# Samples follow each other by so many bytes, so that neighbours in a batch come from different texts.
STRIDE = 1_000_003


def corpus(path):
    """Writes the sources of Python's own library into a file, byte by byte tokens, if it is not there."""
    if os.path.exists(path):
        return
    folder = sysconfig.get_path("stdlib")
    text = bytearray()
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and len(text) < SIZE:
            with open(f"{folder}/{name}", "rb") as file:
                text += file.read()
    with open(f"{path}.new", "wb") as file:
        file.write(text[:SIZE])
        os.fsync(file.fileno())
    os.rename(f"{path}.new", path)


class Tokens(IterableDataset):
    """Batches of one rank without end, from the sample `start` on; ranks take turns."""

    def __init__(self, path, length, batch, rank, ranks, start):
        self.path, self.length, self.batch = path, length, batch
        self.first, self.ranks = start // batch // ranks * ranks + rank, ranks

    def __iter__(self):
        file, number = os.open(self.path, os.O_RDONLY), self.first
        room = os.fstat(file).st_size - self.length - 1
        while True:
            places = ((number * self.batch + one) * STRIDE % room for one in range(self.batch))
            rows = [bytearray(os.pread(file, self.length + 1, place)) for place in places]
            yield torch.stack([torch.frombuffer(row, dtype=torch.uint8) for row in rows])
            number += self.ranks


def batches(dataset):
    """Batches that a process of its own reads ahead, two at most."""
    return iter(DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=2))
