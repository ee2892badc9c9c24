"""A small language model: a transformer over bytes."""

import torch
from torch import nn

VOCABULARY = 256
# Longest sequence, in parts of the usual one.
LONGEST = 4


class Model(nn.Module):
    def __init__(self, width, layers, length):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.places = nn.Embedding(LONGEST * length, width)
        layer = dict(d_model=width, nhead=4, dim_feedforward=4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(**layer) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        for embedding in (self.tokens, self.places):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, rows, spoil=None):
        """Mean loss of telling each next token; `spoil` may harm the first layer's output."""
        length = rows.shape[1] - 1
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=rows.device)
        hidden = self.tokens(rows[:, :-1]) + self.places(torch.arange(length, device=rows.device))
        for number, layer in enumerate(self.layers):
            hidden = layer(hidden, src_mask=mask, is_causal=True)
            if spoil and number == 0:
                hidden = spoil(hidden)
        logits = self.head(self.norm(hidden))
        return nn.functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
