"""Writes a model of llama.cpp with random weights that costs what real ones do: every byte is a token.

usage: python3 large.py FILE [--width 2048] [--layers 16] [--heads 16] [--groups 4] [--hidden 5632]

Unless told, 0.7 billion weights of 16 bits: 1.4 GB, written within seconds. Its answers are noise, as those of
model.py's, but a step takes a GPU as long as one of any model of its size. Queries of WIDTH / HEADS elements a
head share keys and values in groups. The format is GGUF 3, as the documentation of ggml (docs/gguf.md) has it;
nothing but Python's own library is needed. The same call writes the same bytes.
"""

import argparse
import math
import random
import struct

CONTEXT, ALIGNMENT = 131072, 32
UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
FORMATS = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}
# Types of tensors, and bytes of an element.
SINGLE, HALF = 0, 1
BYTES = {SINGLE: 4, HALF: 2}
# What a token is, to the tokenizer.
UNKNOWN, CONTROL, BYTE = 2, 3, 6
TOKENS = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def plain(kind, value):
    return text(value) if kind == STRING else struct.pack(FORMATS[kind], value)


def entry(key, kind, value):
    """A key with its value; a list becomes an array of `kind`."""
    if isinstance(value, list):
        return text(key) + struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(plain(kind, one) for one in value)
    return text(key) + struct.pack("<I", kind) + plain(kind, value)


def entries(told):
    sizes = {
        "vocab_size": len(TOKENS), "context_length": CONTEXT, "embedding_length": told.width,
        "block_count": told.layers, "feed_forward_length": told.hidden, "attention.head_count": told.heads,
        "attention.head_count_kv": told.groups, "rope.dimension_count": told.width // told.heads,
    }
    return [
        entry("general.architecture", STRING, "llama"),
        entry("general.name", STRING, "large"),
        entry("general.alignment", UINT32, ALIGNMENT),
        entry("general.file_type", UINT32, HALF),
        *(entry(f"llama.{name}", UINT32, size) for name, size in sizes.items()),
        entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-5),
        entry("tokenizer.ggml.model", STRING, "llama"),
        entry("tokenizer.ggml.tokens", STRING, TOKENS),
        entry("tokenizer.ggml.scores", FLOAT32, [0.0] * len(TOKENS)),
        entry("tokenizer.ggml.token_type", INT32, [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256),
        entry("tokenizer.ggml.unknown_token_id", UINT32, 0),
        entry("tokenizer.ggml.bos_token_id", UINT32, 1),
        entry("tokenizer.ggml.eos_token_id", UINT32, 2),
        entry("tokenizer.ggml.add_bos_token", BOOL, True),
        entry("tokenizer.ggml.add_space_prefix", BOOL, False),
    ]


def shapes(told):
    """Names of tensors with their sizes, the fastest dimension first."""
    width, hidden = told.width, told.hidden
    shared = width // told.heads * told.groups
    yield "token_embd.weight", (width, len(TOKENS))
    for layer in range(told.layers):
        yield f"blk.{layer}.attn_norm.weight", (width,)
        yield f"blk.{layer}.attn_q.weight", (width, width)
        yield f"blk.{layer}.attn_k.weight", (width, shared)
        yield f"blk.{layer}.attn_v.weight", (width, shared)
        yield f"blk.{layer}.attn_output.weight", (width, width)
        yield f"blk.{layer}.ffn_norm.weight", (width,)
        yield f"blk.{layer}.ffn_gate.weight", (width, hidden)
        yield f"blk.{layer}.ffn_up.weight", (width, hidden)
        yield f"blk.{layer}.ffn_down.weight", (hidden, width)
    yield "output_norm.weight", (width,)
    yield "output.weight", (width, len(TOKENS))


def padding(size):
    return bytes(-size % ALIGNMENT)


def weights(draw, shape):
    """Random halves with either sign, within a factor of two: by their bits, as that is quick."""
    if len(shape) == 1:
        return struct.pack(f"<{shape[0]}f", *[1.0] * shape[0])
    # Twice this exponent's power is the largest, so that the squares of a row sum to about one.
    exponent = math.floor(math.log2(shape[0] ** -0.5))
    high = bytes((byte & 0x80) | (exponent + 15) << 2 | byte & 0x03 for byte in range(256))
    data = bytearray(draw.randbytes(2 * shape[0] * shape[1]))
    data[1::2] = data[1::2].translate(high)
    return data


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--groups", type=int, default=4, help="heads of keys and values")
    parser.add_argument("--hidden", type=int, default=5632)
    told = parser.parse_args()
    if told.width % told.heads or told.heads % told.groups:
        parser.error("WIDTH has to be a multiple of HEADS, and HEADS one of GROUPS")
    keys, tensors = entries(told), []
    heads, at = [], 0
    for name, shape in shapes(told):
        kind = SINGLE if len(shape) == 1 else HALF
        heads.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, at))
        size = math.prod(shape) * BYTES[kind]
        at += size + len(padding(size))
        tensors.append(shape)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(heads), len(keys)) + b"".join(keys + heads)
    draw = random.Random(1)
    with open(told.file, "wb") as file:
        file.write(head + padding(len(head)))
        for shape in tensors:
            data = weights(draw, shape)
            file.write(data + padding(len(data)))


main()
