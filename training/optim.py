"""Muon for matrices, AdamW for the rest, a schedule over the share of the time budget, and an average of weights."""

import copy
import math

import torch


def orthogonalise(g, steps=5):
    """Newton-Schulz iteration towards U V^T of each matrix's singular value decomposition (Jordan et al. 2024, "Muon").
    g: (n, rows, columns), n matrices at once."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    for _ in range(steps):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Matrices of one shape are updated together: a model has dozens of small ones, and a GPU wants few large products."""

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.flatten(1).shape, []).append(p)
            for (rows, columns), params in shapes.items():
                momenta = []
                for p in params:
                    if not self.state[p]:
                        self.state[p]["momentum"] = torch.zeros_like(p)
                    momenta.append(self.state[p]["momentum"])
                grads = [p.grad for p in params]
                torch._foreach_mul_(momenta, group["momentum"])
                torch._foreach_add_(momenta, grads)
                ahead = torch.stack([(g + group["momentum"] * m).flatten(1) for g, m in zip(grads, momenta)])
                for p, update in zip(params, orthogonalise(ahead)):
                    p.add_(update.view_as(p), alpha=-group["lr"] * max(1, rows / columns) ** 0.5)


class Optimisers:
    """Muon for the matrices (and filters, flattened) inside the blocks, AdamW for the rest; one factor for both."""

    def __init__(self, model, muon_lr, adam_lr, matrices=lambda name, p: False):
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        big = [p for n, p in named if matrices(n, p)]
        rest = [p for n, p in named if not matrices(n, p)]
        self.parts = [torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.95), weight_decay=0.0)]
        if big:
            self.parts.append(Muon(big, lr=muon_lr))
        self.base = [[g["lr"] for g in part.param_groups] for part in self.parts]

    def step(self, factor):
        for part, base in zip(self.parts, self.base):
            for group, lr in zip(part.param_groups, base):
                group["lr"] = lr * factor
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self):
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states):
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)


def schedule(step, progress, warm_up=100, decay_from=0.6):
    """Linear warm-up over steps, then flat, then a cosine to zero over the rest of the time budget."""
    warm = min(1.0, (step + 1) / warm_up)
    late = max(0.0, (progress - decay_from) / (1 - decay_from))
    return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, late)))


class Average:
    """Exponential moving average of the weights: what is evaluated and exported."""

    def __init__(self, model, decay):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model, step):
        decay = min(self.decay, (1 + step) / (10 + step))
        for a, b in zip(self.model.parameters(), model.parameters()):
            a.lerp_(b, 1 - decay)
