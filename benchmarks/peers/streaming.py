"""The native model in PyTorch, streamed as the engine streams it: one frame at a time, a ring of keys and values,
modulations computed once. The fair rival: the reference in training/model.py recomputes whole sequences."""

import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "training"))
from model import level_embedding, normalise, rope_table, rotate, space_angles, time_angles


class Streaming:
    def __init__(self, model, height, width, steps):
        self.model, self.steps = model.eval(), steps
        self.dyn, self.c = model.dynamics, model.dynamics.config
        codec = model.config["codec"]
        factor = codec["shuffle"] * 2 ** (len(codec["encoder_widths"]) - 1)
        self.h, self.w = height // factor, width // factor
        p, c = self.c["patch"], self.c
        self.tokens = (self.h // p) * (self.w // p)
        self.space = rope_table(space_angles(self.h // p, self.w // p, c["head_dim"], c["rope_space_max_freq"]))
        shape = (c["window"], self.tokens, c["kv_heads"], c["head_dim"])
        self.k = [torch.zeros(shape) for _ in self.dyn.block]
        self.v = [torch.zeros(shape) for _ in self.dyn.block]
        self.memory = {}
        self.index = 0
        zero = torch.zeros(1, model.config["codec"]["latent_channels"], self.h, self.w)
        self.previous, self.change = zero, zero
        levels = [k / steps for k in range(steps)] + [model.config["sampler"]["context_level"]]
        self.conditions = [self.condition(v) for v in levels]

    @torch.no_grad()
    def condition(self, level):
        d, c = self.dyn, self.c
        x = d.level[1](F.silu(d.level[0](level_embedding(torch.tensor(level), c["level_embedding"]))))
        x = F.silu(x)
        shared = d.modulation(x) if c["modulation"] == "shared" else None
        blocks = [((shared + b.table) if shared is not None else b.modulation(x)).chunk(6) for b in d.block]
        return blocks, d.final_modulation(x).chunk(2)

    def attention(self, i, block, x, time_rope):
        a, c = block.attention, self.c
        q, k, v = a.qkv(x).split([n * a.head_dim for n in (a.heads, a.kv_heads, a.kv_heads)], -1)
        q, k, v = (t.unflatten(-1, (-1, a.head_dim)) for t in (q, k, v))
        if c["qk_norm"]:
            q, k = normalise(q, "rms", a.eps) * a.q_norm, normalise(k, "rms", a.eps) * a.k_norm
        rope = self.space[:, None] if block.kind == "space" else time_rope[:, None]
        q, k = rotate(q, rope), rotate(k, rope)
        if block.kind == "space":
            y = F.scaled_dot_product_attention(*(t.transpose(0, 1)[None] for t in (q, k, v)))[0].transpose(0, 1)
        else:
            slot, seen = self.index % c["window"], min(self.index + 1, c["window"])
            self.k[i][slot], self.v[i][slot] = k, v
            keys, values = (t[:seen].permute(1, 2, 0, 3) for t in (self.k[i], self.v[i]))
            y = F.scaled_dot_product_attention(q[:, :, None], keys, values)[:, :, 0]
        return a.out(y.flatten(1))

    def forward(self, noisy, condition, commit=False):
        d, c = self.dyn, self.c
        blocks, final = condition
        time_rope = rope_table(time_angles(self.index, 1, c["head_dim"], c["rope_time_theta"]))
        pictures = [noisy, self.previous, self.change]
        x = d.embed(torch.cat([d.patches(z[None])[0, 0] for z in pictures], -1))
        last = max(i for i, b in enumerate(d.block) if b.kind == "time")
        for i, (block, (shift1, scale1, gate1, shift2, scale2, gate2)) in enumerate(zip(d.block, blocks)):
            y = normalise(x, c["norm"], c["eps"]) * (1 + scale1) + shift1
            x = x + gate1 * self.attention(i, block, y, time_rope)
            if commit and i == last:
                return None
            y = normalise(x, c["norm"], c["eps"]) * (1 + scale2) + shift2
            x = x + gate2 * block.mlp[1](F.gelu(block.mlp[0](y), approximate="tanh"))
        x = normalise(x, c["norm"], c["eps"]) * (1 + final[1]) + final[0]
        return d.unpatches(d.final(x)[None, None], self.h, self.w)[0] + self.previous

    def commit(self, latent, noise):
        level = self.model.config["sampler"]["context_level"]
        self.forward(level * latent + (1 - level) * noise, self.conditions[-1], commit=True)
        self.change = latent - self.previous if self.index else torch.zeros_like(latent)
        self.previous = latent
        self.index += 1

    def memory_block(self, block, x):
        previous = self.memory.get(block)
        self.memory[block] = x
        y = F.relu(block.conv[0](torch.cat([x, torch.zeros_like(x) if previous is None else previous], 1)))
        return F.relu(block.conv[2](F.relu(block.conv[1](y))) + x)

    def decode(self, latent):
        d = self.model.codec.decoder
        z = latent * self.model.codec.latent_std + self.model.codec.latent_mean
        x = F.relu(d.stem((3 * torch.tanh(z / 3)).contiguous(memory_format=torch.channels_last)))
        for stage in d.stage:
            for block in stage.block:
                x = self.memory_block(block, x)
            if hasattr(stage, "up"):
                x = stage.up(F.interpolate(x, scale_factor=2, mode="nearest"))
        return F.pixel_shuffle(d.head(F.relu(x)), d.shuffle)

    @torch.no_grad()
    def predict(self, noises, commit_noise):
        """noises: the starting noise (1, C, h, w). -> uint8 picture (H, W, 3)"""
        x = noises
        for k in range(self.steps):
            clean = self.forward(x, self.conditions[k])
            s = 1 / (self.steps - k)
            x = (1 - s) * x + s * clean
        self.commit(x, commit_noise)
        picture = self.decode(x)
        return (picture[0].permute(1, 2, 0).clamp(0, 1) * 255 + 0.5).to(torch.uint8)
