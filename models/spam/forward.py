"""The forward pass of a stock BERT classifier, written out: the same numbers as transformers in less than half the time.

What is left out is work that cannot reach the answer. In the last layer only the first position is read, so only its query,
feed-forward and norms are computed; query, key and value share one product; there are no dropout, hooks or output objects. It needs
torch only, which saves the seconds that importing transformers takes at every start. A test holds it to the stock class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as nn
from torch import Tensor

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": nn.relu, "gelu": nn.gelu}
_MASKED = -1e9


@dataclass(frozen=True, slots=True)
class _Affine:
    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class _Layer:
    query_key_value: _Affine
    attended: _Affine
    attended_norm: _Affine
    wide: _Affine
    narrow: _Affine
    norm: _Affine


def supports(config: Mapping[str, Any]) -> bool:
    """Whether ``BertClassifier`` computes what the stock class of this ``config.json`` would."""
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") in _ACTIVATIONS
        and config.get("position_embedding_type", "absolute") == "absolute"
    )


class BertClassifier:
    """``BertForSequenceClassification`` in evaluation mode, from its weights by name.

    Args:
        config: its ``config.json``.
        weights: its state, as stored (names starting with ``bert.`` and ``classifier.``).
    """

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        self._activate = _ACTIVATIONS[config["hidden_act"]]
        base = "bert.embeddings."
        self._words = weights[base + "word_embeddings.weight"]
        # Every position has token type 0: its row is added once here, not at every call.
        self._positions = (
            weights[base + "position_embeddings.weight"] + weights[base + "token_type_embeddings.weight"][0]
        )
        self._norm = _affine(weights, base + "LayerNorm")
        self._layers = [_layer(weights, f"bert.encoder.layer.{i}.") for i in range(config["num_hidden_layers"])]
        self._pooler = _affine(weights, "bert.pooler.dense")
        self._classifier = _affine(weights, "classifier")

    def __call__(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        """Logits, (batch, labels), of ``ids``, (batch, tokens); ``mask`` is true at tokens, or None where all are."""
        hidden = nn.embedding(ids, self._words) + self._positions[: ids.shape[1]]
        hidden = self._normed(hidden, self._norm)
        bias = None if mask is None else (~mask).to(hidden.dtype)[:, None, None, :] * _MASKED
        for layer in self._layers[:-1]:
            hidden = self._attend(layer, hidden, hidden, bias)
        first = self._attend(self._layers[-1], hidden[:, :1], hidden, bias)[:, 0]
        return _times(torch.tanh(_times(first, self._pooler)), self._classifier)

    def _attend(self, layer: _Layer, asking: Tensor, hidden: Tensor, bias: Tensor | None) -> Tensor:
        batch, count, width = asking.shape
        query, key, value = self._query_key_value(layer.query_key_value, asking, hidden)
        mixed = nn.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        mixed = mixed.transpose(1, 2).reshape(batch, count, width)
        asking = self._normed(asking + _times(mixed, layer.attended), layer.attended_norm)
        wide = self._activate(_times(asking, layer.wide))
        return self._normed(asking + _times(wide, layer.narrow), layer.norm)

    def _query_key_value(self, affine: _Affine, asking: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each (batch, heads, tokens, width of a head)."""
        batch, tokens, width = hidden.shape
        shape = (self._heads, width // self._heads)
        if asking is hidden:
            query, key, value = _times(hidden, affine).view(batch, tokens, 3, *shape).permute(2, 0, 3, 1, 4)
            return query, key, value
        query = nn.linear(asking, affine.weight[:width], affine.bias[:width]).view(batch, -1, *shape).transpose(1, 2)
        rest = nn.linear(hidden, affine.weight[width:], affine.bias[width:])
        key, value = rest.view(batch, tokens, 2, *shape).permute(2, 0, 3, 1, 4)
        return query, key, value

    def _normed(self, values: Tensor, norm: _Affine) -> Tensor:
        return nn.layer_norm(values, (values.shape[-1],), norm.weight, norm.bias, self._epsilon)


def _times(values: Tensor, affine: _Affine) -> Tensor:
    return nn.linear(values, affine.weight, affine.bias)


def _affine(weights: Mapping[str, Tensor], name: str) -> _Affine:
    return _Affine(weights[name + ".weight"], weights[name + ".bias"])


def _layer(weights: Mapping[str, Tensor], base: str) -> _Layer:
    three = [_affine(weights, f"{base}attention.self.{name}") for name in ("query", "key", "value")]
    return _Layer(
        _Affine(torch.cat([part.weight for part in three]), torch.cat([part.bias for part in three])),
        _affine(weights, base + "attention.output.dense"),
        _affine(weights, base + "attention.output.LayerNorm"),
        _affine(weights, base + "intermediate.dense"),
        _affine(weights, base + "output.dense"),
        _affine(weights, base + "output.LayerNorm"),
    )
