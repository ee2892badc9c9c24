"""Writes a model with random weights that vLLM can serve, of 0.8 MB: every byte is a token.

usage: python3 model.py FOLDER

Its answers are noise, but each token is computed, batched and cached as any model's. The files are those of
Hugging Face (config.json, tokenizer.json, model.safetensors), as the documentation of transformers, tokenizers
and safetensors has them; nothing but Python's own library is needed. The same call writes the same bytes.
"""

import json
import os
import random
import struct
import sys

WIDTH, HEADS, HIDDEN, LAYERS, CONTEXT = 128, 4, 256, 2, 4096
# Beside the 256 bytes: a beginning and an end; some more, so that the number divides well.
WORDS = 320


def byte_letters():
    """The letter by which byte-level tokenizers write each byte: itself if it can be seen, else one beyond 255."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in seen]
    letters = {byte: chr(byte) for byte in seen}
    return letters | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


def tokenizer():
    letters = byte_letters()
    words = {letters[byte]: byte for byte in range(256)} | {"<s>": 256, "</s>": 257}
    words |= {f"<unused{place}>": place for place in range(258, WORDS)}
    special = [
        {"id": place, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for text, place in words.items() if place in (256, 257)
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    model = {"type": "BPE", "vocab": words, "merges": [], "dropout": None, "unk_token": None,
             "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
             "byte_fallback": False, "ignore_merges": False}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": special, "normalizer": None,
            "pre_tokenizer": level, "post_processor": None, "decoder": level, "model": model}


CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_act": "silu",
    "hidden_size": WIDTH, "intermediate_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS, "head_dim": WIDTH // HEADS, "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "vocab_size": WORDS, "bos_token_id": 256, "eos_token_id": 257,
    "tie_word_embeddings": False, "attention_bias": False, "mlp_bias": False,
}


def shapes():
    yield "model.embed_tokens.weight", (WORDS, WIDTH)
    for layer in range(LAYERS):
        name = f"model.layers.{layer}"
        for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
            yield f"{name}.self_attn.{part}.weight", (WIDTH, WIDTH)
        yield f"{name}.mlp.gate_proj.weight", (HIDDEN, WIDTH)
        yield f"{name}.mlp.up_proj.weight", (HIDDEN, WIDTH)
        yield f"{name}.mlp.down_proj.weight", (WIDTH, HIDDEN)
        yield f"{name}.input_layernorm.weight", (WIDTH,)
        yield f"{name}.post_attention_layernorm.weight", (WIDTH,)
    yield "model.norm.weight", (WIDTH,)
    yield "lm_head.weight", (WORDS, WIDTH)


def brain_floats(values):
    """The upper halves of single-precision numbers."""
    single = struct.pack(f"<{len(values)}f", *values)
    return b"".join(single[place + 2:place + 4] for place in range(0, len(single), 4))


def weights():
    draw = random.Random(1)
    heads, data = {"__metadata__": {"format": "pt"}}, b""
    for name, shape in shapes():
        if len(shape) == 1:
            values = [1.0] * shape[0]
        else:
            values = [draw.gauss(0, shape[1] ** -0.5) for _ in range(shape[0] * shape[1])]
        part = brain_floats(values)
        heads[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    head = json.dumps(heads).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def main():
    [folder] = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    texts = {
        "config.json": CONFIG,
        "tokenizer.json": tokenizer(),
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>",
                                  "eos_token": "</s>", "model_max_length": CONTEXT},
        "generation_config.json": {"bos_token_id": 256, "eos_token_id": 257},
    }
    for name, value in texts.items():
        with open(f"{folder}/{name}", "w") as file:
            json.dump(value, file)
    with open(f"{folder}/model.safetensors", "wb") as file:
        file.write(weights())


main()
