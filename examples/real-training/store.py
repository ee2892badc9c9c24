"""Storage of checkpoints: takes files over a socket, writes them through to the disk, says when that is done.

usage: python3 store.py SOCKET FOLDER
"""

import os
import socket
import struct
import sys

HEAD = struct.Struct("!Q")


def send(path, data, patience):
    """Stores bytes as the last checkpoint; an `OSError` if that fails."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(patience)
        client.connect(path)
        client.sendall(HEAD.pack(len(data)))
        client.sendall(data)
        if client.recv(1) != b"k":
            raise OSError("the storage has not kept the checkpoint")


def keep(client, folder):
    (left,) = HEAD.unpack(client.recv(HEAD.size, socket.MSG_WAITALL))
    with open(f"{folder}/new", "wb") as file:
        while left:
            part = client.recv(min(left, 1 << 16))
            if not part:  # the sender has ended
                return
            file.write(part)
            left -= len(part)
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{folder}/new", f"{folder}/checkpoint")
    client.sendall(b"k")


def main():
    path, folder = sys.argv[1:]
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            client, _ = server.accept()
            with client:
                try:
                    keep(client, folder)
                except (OSError, struct.error):  # the sender has ended
                    pass


if __name__ == "__main__":
    main()
