"""The reference model in PyTorch: what the engine's model code must reproduce, number for number.

Built from the same config as the engine: the JSON object under the key `prevue` of a model file
(docs/model-format.md). Tensor names are those of the file. Layouts here are PyTorch's (channels first for pictures).
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


# ---- codec `tae`: 2-D convolutions with one frame of memory ----


class MemoryBlock(nn.Module):
    """relu(conv(relu(conv(relu(conv([x, previous x]))))) + x)"""

    def __init__(self, width):
        super().__init__()
        self.conv = nn.ModuleList(
            [nn.Conv2d(2 * width, width, 3, padding=1)] + [nn.Conv2d(width, width, 3, padding=1) for _ in range(2)]
        )

    def forward(self, x, frames):
        """x: (B * frames, C, H, W), frames of a clip next to each other; before the first one there is zero."""
        clips = x.unflatten(0, (-1, frames))
        previous = torch.cat([torch.zeros_like(clips[:, :1]), clips[:, :-1]], 1).flatten(0, 1)
        y = F.relu(self.conv[0](torch.cat([x, previous], 1)))
        y = F.relu(self.conv[1](y))
        return F.relu(self.conv[2](y) + x)


class Stage(nn.Module):
    """Blocks at one resolution, with the convolution that leads into it (encoder) or out of it (decoder)."""

    def __init__(self, width, blocks, down_from=None, up_to=None):
        super().__init__()
        if down_from:
            self.down = nn.Conv2d(down_from, width, 3, stride=2, padding=1)
        self.block = nn.ModuleList([MemoryBlock(width) for _ in range(blocks)])
        if up_to:
            self.up = nn.Conv2d(width, up_to, 3, padding=1)

    def forward(self, x, frames):
        if hasattr(self, "down"):
            x = self.down(x)
        for block in self.block:
            x = block(x, frames)
        if hasattr(self, "up"):
            x = self.up(F.interpolate(x, scale_factor=2, mode="nearest"))
        return x


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, blocks = config["encoder_widths"], config["encoder_blocks"]
        self.shuffle = config["shuffle"]
        self.stem = nn.Conv2d(3 * self.shuffle**2, widths[0], 3, padding=1)
        self.stage = nn.ModuleList(
            [Stage(w, n, down_from=widths[i - 1] if i else None) for i, (w, n) in enumerate(zip(widths, blocks))]
        )
        self.head = nn.Conv2d(widths[-1], config["latent_channels"], 3, padding=1)

    def forward(self, x, frames):
        x = F.relu(self.stem(F.pixel_unshuffle(x, self.shuffle)))
        for stage in self.stage:
            x = stage(x, frames)
        return self.head(x)


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths, blocks = config["decoder_widths"], config["decoder_blocks"]
        self.shuffle = config["shuffle"]
        self.stem = nn.Conv2d(config["latent_channels"], widths[0], 3, padding=1)
        self.stage = nn.ModuleList(
            [
                Stage(w, n, up_to=widths[i + 1] if i + 1 < len(widths) else None)
                for i, (w, n) in enumerate(zip(widths, blocks))
            ]
        )
        self.head = nn.Conv2d(widths[-1], 3 * self.shuffle**2, 3, padding=1)

    def forward(self, z, frames):
        x = F.relu(self.stem(3 * torch.tanh(z / 3)))
        for stage in self.stage:
            x = stage(x, frames)
        return F.pixel_shuffle(self.head(F.relu(x)), self.shuffle)


class Codec(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        channels = config["latent_channels"]
        mean, std = config.get("latent_mean", [0.0] * channels), config.get("latent_std", [1.0] * channels)
        self.register_buffer("latent_mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("latent_std", torch.tensor(std).view(-1, 1, 1), persistent=False)

    def set_statistics(self, mean, std):
        """Per-channel mean and deviation of raw latents: what makes the dynamics' latents about standard."""
        self.latent_mean.copy_(torch.tensor(mean).view(-1, 1, 1))
        self.latent_std.copy_(torch.tensor(std).view(-1, 1, 1))

    def initialise(self):
        """Weights before training: signals keep their size through the stack; blocks start near the identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
            if isinstance(module, Stage):
                for name in ("down", "up"):
                    if hasattr(module, name):
                        nn.init.kaiming_normal_(getattr(module, name).weight, nonlinearity="linear")
        for block in (m for m in self.modules() if isinstance(m, MemoryBlock)):
            with torch.no_grad():
                block.conv[2].weight.mul_(0.2)
        nn.init.kaiming_normal_(self.encoder.head.weight, nonlinearity="linear")
        nn.init.kaiming_normal_(self.decoder.head.weight, nonlinearity="linear")

    def encode(self, frames):
        """(B, T, 3, H, W) in [0, 1] -> latents (B, T, C, h, w), about zero mean and unit variance."""
        z = self.encoder(frames.flatten(0, 1), frames.shape[1])
        return ((z - self.latent_mean) / self.latent_std).unflatten(0, frames.shape[:2])

    def decode(self, latents):
        """The way back; values may leave [0, 1] by a little."""
        z = latents.flatten(0, 1) * self.latent_std + self.latent_mean
        return self.decoder(z, latents.shape[1]).unflatten(0, latents.shape[:2])


# ---- dynamics `dit`: a transformer over tokens of space and time ----


def rope_table(angles):
    """(n, head_dim / 2) angles in float64 -> (n, head_dim / 2, 2): cosine, sine."""
    return torch.stack([angles.cos(), angles.sin()], -1).float()


def space_angles(height, width, head_dim, max_freq, device=None):
    """Axial: the first half of the pairs turn with y, the others with x; both coordinates run over [-1, 1]."""
    n = head_dim // 4
    like = {"dtype": torch.float64, "device": device}
    freqs = torch.linspace(1, max_freq / 2, n, **like) * math.pi
    y = (2 * torch.arange(height, **like) + 1) / height - 1
    x = (2 * torch.arange(width, **like) + 1) / width - 1
    ay = (y[:, None, None] * freqs).expand(height, width, n)
    ax = (x[None, :, None] * freqs).expand(height, width, n)
    return torch.cat([ay, ax], -1).reshape(height * width, 2 * n)


def time_angles(first, count, head_dim, theta, device=None):
    like = {"dtype": torch.float64, "device": device}
    position = torch.arange(first, first + count, **like)
    freqs = theta ** (-torch.arange(0, head_dim, 2, **like) / head_dim)
    return position[:, None] * freqs


def rotate(x, table):
    """x: (..., head_dim), neighbouring channels are a pair; table: broadcastable (..., head_dim / 2, 2)."""
    a, b = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    c, s = table.unbind(-1)
    return torch.stack([a * c - b * s, a * s + b * c], -1).flatten(-2).to(x.dtype)


def normalise(x, kind, eps):
    x = x.float()
    if kind == "layer":
        x = x - x.mean(-1, keepdim=True)
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)


def level_embedding(level, dim):
    """level: (...) in [0, 1] -> (..., dim)"""
    half = dim // 2
    freqs = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64, device=level.device) / half)
    angles = 1000 * level.double()[..., None] * freqs
    return torch.cat([angles.cos(), angles.sin()], -1).float()


def attend(q, k, v, mask=None):
    """Softmax attention, (..., n, head_dim) each. On a CPU two plain products: PyTorch's fused attention spends several
    times as long on its way back through sequences this short."""
    if q.is_cuda:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = ((q * q.shape[-1] ** -0.5) @ k.mT).float()
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(-1).to(v.dtype) @ v


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim, self.eps = c["heads"], c["kv_heads"], c["head_dim"], c["eps"]
        self.qkv = nn.Linear(c["hidden"], (self.heads + 2 * self.kv_heads) * self.head_dim)
        self.out = nn.Linear(self.heads * self.head_dim, c["hidden"])
        if c["qk_norm"]:
            self.q_norm = nn.Parameter(torch.ones(self.head_dim))
            self.k_norm = nn.Parameter(torch.ones(self.head_dim))

    def forward(self, x, rope, kind, mask):
        """x: (B, T, N, D)"""
        B, T, N, _ = x.shape
        q, k, v = self.qkv(x).split([n * self.head_dim for n in (self.heads, self.kv_heads, self.kv_heads)], -1)
        q, k, v = (t.unflatten(-1, (-1, self.head_dim)) for t in (q, k, v))  # (B, T, N, heads, head_dim)
        if hasattr(self, "q_norm"):
            q = (normalise(q, "rms", self.eps) * self.q_norm).to(v.dtype)
            k = (normalise(k, "rms", self.eps) * self.k_norm).to(v.dtype)
        rope = rope[None, None, :, None] if kind == "space" else rope[None, :, None, None]
        q, k = rotate(q, rope), rotate(k, rope)
        group = self.heads // self.kv_heads
        if group > 1:
            k, v = k.repeat_interleave(group, -2), v.repeat_interleave(group, -2)
        if kind == "space":
            q, k, v = (t.flatten(0, 1).transpose(1, 2) for t in (q, k, v))  # (B T, heads, N, head_dim)
            y = attend(q, k, v).transpose(1, 2).reshape(B, T, N, -1)
        else:
            q, k, v = (t.permute(0, 2, 3, 1, 4).flatten(0, 1) for t in (q, k, v))  # (B N, heads, T, head_dim)
            y = attend(q, k, v, mask)
            y = y.unflatten(0, (B, N)).permute(0, 3, 1, 2, 4).reshape(B, T, N, -1)
        return self.out(y)


class Block(nn.Module):
    def __init__(self, c, kind):
        super().__init__()
        self.kind, self.norm, self.eps = kind, c["norm"], c["eps"]
        self.attention = Attention(c)
        self.mlp = nn.ModuleList([nn.Linear(c["hidden"], c["mlp"]), nn.Linear(c["mlp"], c["hidden"])])
        if c["modulation"] == "shared":
            self.table = nn.Parameter(torch.zeros(6 * c["hidden"]))
        else:
            self.modulation = nn.Linear(c["hidden"], 6 * c["hidden"])

    def forward(self, x, condition, shared, rope, mask):
        m = shared + self.table if shared is not None else self.modulation(condition)
        shift1, scale1, gate1, shift2, scale2, gate2 = m[:, :, None].chunk(6, -1)  # (B, T, 1, D)
        y = normalise(x, self.norm, self.eps) * (1 + scale1) + shift1
        x = x + gate1 * self.attention(y.to(x.dtype), rope[self.kind], self.kind, mask)
        y = normalise(x, self.norm, self.eps) * (1 + scale2) + shift2
        return x + gate2 * self.mlp[1](F.gelu(self.mlp[0](y.to(x.dtype)), approximate="tanh"))


class Dynamics(nn.Module):
    """Predicts the clean latent of every frame from its noisy version and the frames before it."""

    def __init__(self, config, channels):
        super().__init__()
        self.config = c = config
        hidden, patch = c["hidden"], c["patch"]
        sources = 3 if c["motion_input"] else 1
        self.embed = nn.Linear(sources * channels * patch**2, hidden)
        self.level = nn.ModuleList([nn.Linear(c["level_embedding"], hidden), nn.Linear(hidden, hidden)])
        if c["action_size"]:
            self.action = nn.Linear(c["action_size"], hidden, bias=False)
            self.register_buffer("action_scale", torch.tensor(c["action_scale"]), persistent=False)
        if c["modulation"] == "shared":
            self.modulation = nn.Linear(hidden, 6 * hidden)
        kinds = [c["pattern"][i % len(c["pattern"])] for i in range(c["layers"])]
        self.block = nn.ModuleList([Block(c, kind) for kind in kinds])
        self.final_modulation = nn.Linear(hidden, 2 * hidden)
        self.final = nn.Linear(hidden, channels * patch**2)

    def initialise(self):
        """Weights before training: every block starts as the identity, the prediction as `no change`."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        silent = [self.final, self.final_modulation] + [b.modulation for b in self.block if hasattr(b, "modulation")]
        if hasattr(self, "modulation"):
            silent.append(self.modulation)
        for module in silent:
            nn.init.zeros_(module.weight)

    def patches(self, z):
        """(B, T, C, h, w) -> (B, T, tokens, p * p * C), channels fastest."""
        p = self.config["patch"]
        B, T, C, h, w = z.shape
        z = z.reshape(B, T, C, h // p, p, w // p, p).permute(0, 1, 3, 5, 4, 6, 2)
        return z.reshape(B, T, (h // p) * (w // p), p * p * C)

    def unpatches(self, tokens, h, w):
        p = self.config["patch"]
        B, T = tokens.shape[:2]
        z = tokens.reshape(B, T, h // p, w // p, p, p, -1).permute(0, 1, 6, 2, 4, 3, 5)
        return z.reshape(B, T, -1, h, w)

    def settle(self, previous, clean):
        """What hardly changes stays: with r the largest root mean square of a token's change and its neighbours', nothing
        of the change is taken up to r = still, all from twice that on. (B, C, h, w)"""
        patch, still = self.config["patch"], self.config.get("still", 0)
        if not still:
            return clean
        change = clean - previous
        moved = F.avg_pool2d(change.square().mean(1, keepdim=True), patch).sqrt()
        share = (F.max_pool2d(moved, 3, 1, 1) / still - 1).clamp(0, 1)
        return previous + F.interpolate(share, scale_factor=patch) * change

    def forward(self, noisy, level, history, action=None, first=0):
        """noisy: (B, T, C, h, w) frames at their own noise levels (B, T): level * latent + (1 - level) * noise.
        history: (B, T, C, h, w) what each frame is believed to be; frame i reads history i-1 and i-2 only.
        action: (B, T, n). first: index of the first frame, for the rotation over time. -> clean latents."""
        c = self.config
        B, T, C, h, w = noisy.shape
        previous = torch.cat([torch.zeros_like(history[:, :1]), history[:, :-1]], 1)
        # Before frame 0 there is nothing (zero); a frame with one frame of past has no change yet (zero).
        change = torch.cat([torch.zeros_like(history[:, :2]), history[:, 1:-1] - history[:, :-2]], 1)[:, :T]
        pictures = [noisy, previous, change] if c["motion_input"] else [noisy]
        x = self.embed(torch.cat([self.patches(z) for z in pictures], -1))
        condition = self.level[1](F.silu(self.level[0](level_embedding(level, c["level_embedding"]))))
        if c["action_size"]:
            if action is None:
                action = torch.zeros(B, T, c["action_size"], device=noisy.device)
            condition = condition + self.action(action * self.action_scale)
        condition = F.silu(condition)
        shared = self.modulation(condition) if c["modulation"] == "shared" else None
        grid, device = (h // c["patch"], w // c["patch"]), noisy.device
        space = space_angles(*grid, c["head_dim"], c["rope_space_max_freq"], device)
        rope = {
            "space": rope_table(space),
            "time": rope_table(time_angles(first, T, c["head_dim"], c["rope_time_theta"], device)),
        }
        i = torch.arange(T, device=noisy.device)
        mask = (i[None] <= i[:, None]) & (i[None] > i[:, None] - c["window"])
        for block in self.block:
            x = block(x, condition, shared, rope, mask)
        shift, scale = self.final_modulation(condition)[:, :, None].chunk(2, -1)
        x = normalise(x, c["norm"], c["eps"]) * (1 + scale) + shift
        out = self.unpatches(self.final(x.to(noisy.dtype)), h, w)
        return out + previous if c["predict"] == "change" else out


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.codec = Codec(config["codec"])
        self.dynamics = Dynamics(config["dynamics"], config["codec"]["latent_channels"])


# ---- sampling: the whole rollout, recomputed from the full sequence (slow and plain: the engine's cache must match) ----


@torch.no_grad()
def next_latent(dynamics, committed, levels, history, noise, steps, action=None):
    """One new latent (B, C, h, w) after `history` (B, T, ...).
    committed: the noisy latents the past was committed with, at `levels` (B, T). noise: (B, C, h, w)."""
    x = noise
    for k in range(steps):
        level = torch.full_like(levels[:, :1], k / steps)
        clean = dynamics(
            torch.cat([committed, x[:, None]], 1),
            torch.cat([levels, level], 1),
            torch.cat([history, torch.zeros_like(x[:, None])], 1),
            action,
        )[:, -1]
        clean = dynamics.settle(history[:, -1], clean)
        s = 1 / (steps - k)  # the share of the way left that one Euler step goes
        x = (1 - s) * x + s * clean
    return x
