"""Writes a model of llama.cpp with random weights that fits in 0.6 MB: every byte is a token.

usage: python3 model.py FILE

Its answers are noise, but each token is computed, batched and cached as any model's, so the server
that runs it has the metrics of a real one. The format is GGUF 3, as the documentation of ggml
(docs/gguf.md) has it; nothing but Python's own library is needed. The same call writes the same bytes.
"""

import random
import struct
import sys

WIDTH, HEADS, HIDDEN, LAYERS, CONTEXT = 64, 4, 160, 2, 32768
ALIGNMENT = 32
UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
# What a token is, to the tokenizer.
UNKNOWN, CONTROL, BYTE = 2, 3, 6


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def plain(kind, value):
    if kind == STRING:
        return text(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def entry(key, kind, value):
    """A key with its value; a list becomes an array of `kind`."""
    if isinstance(value, list):
        head = struct.pack("<IIQ", ARRAY, kind, len(value))
        return text(key) + head + b"".join(plain(kind, one) for one in value)
    return text(key) + struct.pack("<I", kind) + plain(kind, value)


def entries():
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, "tiny"),
        entry("general.alignment", UINT32, ALIGNMENT),
        entry("general.file_type", UINT32, 0),
        entry("llama.vocab_size", UINT32, len(tokens)),
        entry("llama.context_length", UINT32, CONTEXT),
        entry("llama.embedding_length", UINT32, WIDTH),
        entry("llama.block_count", UINT32, LAYERS),
        entry("llama.feed_forward_length", UINT32, HIDDEN),
        entry("llama.attention.head_count", UINT32, HEADS),
        entry("llama.attention.head_count_kv", UINT32, HEADS),
        entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        entry("llama.rope.dimension_count", UINT32, WIDTH // HEADS),
        entry("tokenizer.ggml.model", STRING, "llama"),
        entry("tokenizer.ggml.tokens", STRING, tokens),
        entry("tokenizer.ggml.scores", FLOAT32, [0.0] * len(tokens)),
        entry("tokenizer.ggml.token_type", INT32, kinds),
        entry("tokenizer.ggml.unknown_token_id", UINT32, 0),
        entry("tokenizer.ggml.bos_token_id", UINT32, 1),
        entry("tokenizer.ggml.eos_token_id", UINT32, 2),
        entry("tokenizer.ggml.add_bos_token", BOOL, True),
        entry("tokenizer.ggml.add_space_prefix", BOOL, False),
    ], len(tokens)


def shapes(words):
    """Names of tensors with their sizes, the fastest dimension first."""
    yield "token_embd.weight", (WIDTH, words)
    for layer in range(LAYERS):
        yield f"blk.{layer}.attn_norm.weight", (WIDTH,)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{part}.weight", (WIDTH, WIDTH)
        yield f"blk.{layer}.ffn_norm.weight", (WIDTH,)
        yield f"blk.{layer}.ffn_gate.weight", (WIDTH, HIDDEN)
        yield f"blk.{layer}.ffn_up.weight", (WIDTH, HIDDEN)
        yield f"blk.{layer}.ffn_down.weight", (HIDDEN, WIDTH)
    yield "output_norm.weight", (WIDTH,)
    yield "output.weight", (WIDTH, words)


def padded(data):
    return data + bytes(-len(data) % ALIGNMENT)


def main():
    [path] = sys.argv[1:]
    keys, words = entries()
    draw = random.Random(1)
    heads, data = [], b""
    for name, shape in shapes(words):
        heads.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(data)))
        if len(shape) == 1:
            values = [1.0] * shape[0]
        else:
            values = [draw.gauss(0, shape[0] ** -0.5) for _ in range(shape[0] * shape[1])]
        data += padded(struct.pack(f"<{len(values)}f", *values))
    head = b"GGUF" + struct.pack("<IQQ", 3, len(heads), len(keys)) + b"".join(keys + heads)
    with open(path, "wb") as file:
        file.write(padded(head) + data)


main()
