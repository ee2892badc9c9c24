"""A program of somebody else on the GPU, for `record.py --neighbour`: writes a line when it begins, and goes on until it is killed.

usage: python3 neighbour.py work     multiplies large matrices (needs PyTorch)
       python3 neighbour.py memory   takes all memory that is or becomes free, up to a rest (needs NVIDIA's driver)

Memory is taken with plain allocations, so that a GPU without room refuses them and nothing else happens.
"""

import ctypes
import sys
import time

# Rows and columns of a matrix; elements of 16 bits.
SIZE = 8192
# Bytes that are taken at a time, and that are left to others.
CHUNK, REST = 256 << 20, int(2.25 * (1 << 30))
# How long a full GPU is left alone before it is asked again, in seconds.
PAUSE = 0.1


def work():
    import torch
    begins()
    left, right = (torch.randn(SIZE, SIZE, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    product = torch.empty_like(left)
    while True:
        for _ in range(20):
            torch.mm(left, right, out=product)
        torch.cuda.synchronize()


def memory():
    cuda = ctypes.CDLL("libcuda.so.1")

    def call(name, *arguments):
        if code := getattr(cuda, name)(*arguments):
            raise SystemExit(f"{name} of NVIDIA's driver fails: {code}")

    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    call("cuInit", 0)
    call("cuDeviceGet", ctypes.byref(device), 0)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
    call("cuCtxSetCurrent", context)
    begins()
    while True:
        call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        taken = ctypes.c_uint64()
        if free.value < CHUNK + REST or cuda.cuMemAlloc_v2(ctypes.byref(taken), ctypes.c_size_t(CHUNK)):
            time.sleep(PAUSE)


def begins():
    print("begins", flush=True)


{"work": work, "memory": memory}[sys.argv[1]]()
