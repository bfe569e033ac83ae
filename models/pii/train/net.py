"""The tagger in torch, on the weights of base.py."""
import torch
import torch.nn.functional as F

HEADS = 12


class Net(torch.nn.Module):
    """Embeddings and the lowest `frozen` layers stay as they are."""

    def __init__(self, weights, frozen=0):
        super().__init__()
        self.layers = sum(k.endswith("qkv_w") for k in weights)
        self.frozen = frozen
        self.names = list(weights)
        for name, value in weights.items():
            layer = name.split(".")[0]
            fixed = name in ("word", "pos", "emb_g", "emb_b") or (layer.isdigit() and int(layer) < frozen)
            # nn.Linear order, [out, in]: the backward pass is quicker on it
            t = torch.tensor(value.T.copy() if name.endswith("_w") else value)
            self.register_parameter(name.replace(".", "_"), torch.nn.Parameter(t, requires_grad=not fixed))

    def w(self, name):
        return getattr(self, name.replace(".", "_"))

    def weights(self):
        return {n: (self.w(n).detach().T if n.endswith("_w") else self.w(n).detach()).float().contiguous().numpy().copy() for n in self.names}

    def dense(self, x, name):
        return F.linear(x, self.w(name + "_w"), self.w(name + "_b"))

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.w(name + "_g"), self.w(name + "_b"), 1e-12)

    def layer(self, x, i, drop):
        b, s, d = x.shape
        q, k, v = self.dense(x, f"{i}.qkv").view(b, s, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, scale=1.0).transpose(1, 2).reshape(b, s, d)
        x = self.norm(x + F.dropout(self.dense(a, f"{i}.out"), drop, self.training), f"{i}.ln1")
        y = self.dense(F.gelu(self.dense(x, f"{i}.up")), f"{i}.down")
        return self.norm(x + F.dropout(y, drop, self.training), f"{i}.ln2")

    def hidden(self, ids, drop=0.0):
        with torch.no_grad():
            x = self.norm(self.w("word")[ids] + self.w("pos")[: ids.shape[1]], "emb")
            for i in range(self.frozen):
                x = self.layer(x, i, drop)
        for i in range(self.frozen, self.layers):
            x = self.layer(x, i, drop)
        return x

    def forward(self, ids, drop=0.0):
        return self.dense(self.hidden(ids, drop), "head")
