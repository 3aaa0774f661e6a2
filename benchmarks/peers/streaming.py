"""The native model in PyTorch, streamed as the engine streams it: one frame at a time, a ring of keys and values,
modulations computed once. The fair rival: the reference in training/model.py recomputes whole sequences.

All state lies in buffers that a frame writes in place, and what changes from frame to frame (the slot, the rotation of
its time) comes in as tensors: so one compiled graph serves every frame."""

import os
import sys

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "training"))
from model import level_embedding, normalise, rope_table, rotate, space_angles, time_angles


class Streaming:
    def __init__(self, model, height, width, steps, device="cpu"):
        self.model, self.steps, self.device = model.eval(), steps, device
        self.dyn, self.c = model.dynamics, model.dynamics.config
        codec = model.config["codec"]
        factor = codec["shuffle"] * 2 ** (len(codec["encoder_widths"]) - 1)
        self.h, self.w = height // factor, width // factor
        p, c = self.c["patch"], self.c
        self.tokens = (self.h // p) * (self.w // p)
        self.space = rope_table(space_angles(self.h // p, self.w // p, c["head_dim"], c["rope_space_max_freq"])).to(device)
        self.last_time = max(i for i, b in enumerate(self.dyn.block) if b.kind == "time")
        shape = (c["window"], self.tokens, c["kv_heads"], c["head_dim"])
        self.k = [torch.zeros(shape, device=device) for _ in self.dyn.block]
        self.v = [torch.zeros(shape, device=device) for _ in self.dyn.block]
        latent = (1, codec["latent_channels"], self.h, self.w)
        self.previous, self.change = torch.zeros(latent, device=device), torch.zeros(latent, device=device)
        self.memory, h, w = [], self.h, self.w
        for stage in model.codec.decoder.stage:
            for block in stage.block:
                x = torch.zeros((1, block.conv[2].out_channels, h, w), device=device)
                self.memory.append(x.to(memory_format=torch.channels_last))
            h, w = 2 * h, 2 * w
        self.index = 0
        self.level = model.config["sampler"]["context_level"]
        levels = [k / steps for k in range(steps)] + [self.level]
        self.conditions = [self.condition(v) for v in levels]
        self.run = self.frame

    def compile(self):
        """Chosen kernels, and CUDA graphs where there is CUDA."""
        self.run = torch.compile(self.frame, mode="max-autotune", dynamic=False)

    @torch.no_grad()
    def condition(self, level):
        d, c = self.dyn, self.c
        embedding = level_embedding(torch.tensor(level), c["level_embedding"]).to(self.device)
        x = F.silu(d.level[1](F.silu(d.level[0](embedding))))
        shared = d.modulation(x) if c["modulation"] == "shared" else None
        blocks = [((shared + b.table) if shared is not None else b.modulation(x)).chunk(6) for b in d.block]
        return blocks, d.final_modulation(x).chunk(2)

    def attention(self, i, block, x, slot, time_rope, seen):
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
            self.k[i].index_copy_(0, slot, k[None].to(self.k[i].dtype))
            self.v[i].index_copy_(0, slot, v[None].to(self.v[i].dtype))
            keys, values = (t[:seen].to(q.dtype).permute(1, 2, 0, 3) for t in (self.k[i], self.v[i]))
            y = F.scaled_dot_product_attention(q[:, :, None], keys, values)[:, :, 0]
        return a.out(y.flatten(1))

    def forward(self, noisy, condition, slot, time_rope, seen, commit=False):
        d, c = self.dyn, self.c
        blocks, final = condition
        x = d.embed(torch.cat([d.patches(z[None])[0, 0] for z in (noisy, self.previous, self.change)], -1))
        for i, (block, (shift1, scale1, gate1, shift2, scale2, gate2)) in enumerate(zip(d.block, blocks)):
            y = normalise(x, c["norm"], c["eps"]) * (1 + scale1) + shift1
            x = x + gate1 * self.attention(i, block, y, slot, time_rope, seen)
            if commit and i == self.last_time:
                return None
            y = normalise(x, c["norm"], c["eps"]) * (1 + scale2) + shift2
            x = x + gate2 * block.mlp[1](F.gelu(block.mlp[0](y), approximate="tanh"))
        x = normalise(x, c["norm"], c["eps"]) * (1 + final[1]) + final[0]
        clean = d.unpatches(d.final(x)[None, None], self.h, self.w)[0] + self.previous
        return d.settle(self.previous, clean)

    def decode(self, latent):
        d, place = self.model.codec.decoder, 0
        z = latent * self.model.codec.latent_std + self.model.codec.latent_mean
        x = F.relu(d.stem((3 * torch.tanh(z / 3)).contiguous(memory_format=torch.channels_last)))
        for stage in d.stage:
            for block in stage.block:
                y = F.relu(block.conv[0](torch.cat([x, self.memory[place].to(x.dtype)], 1)))
                self.memory[place].copy_(x)
                x = F.relu(block.conv[2](F.relu(block.conv[1](y))) + x)
                place += 1
            if hasattr(stage, "up"):
                x = stage.up(F.interpolate(x, scale_factor=2, mode="nearest"))
        return F.pixel_shuffle(d.head(F.relu(x)), d.shuffle)

    def frame(self, x, commit_noise, slot, time_rope, seen):
        """x: the starting noise (1, C, h, w). -> uint8 picture (H, W, 3), the latent"""
        for k in range(self.steps):
            clean = self.forward(x, self.conditions[k], slot, time_rope, seen)
            s = 1 / (self.steps - k)
            x = (1 - s) * x + s * clean
        self.keep(x, commit_noise, slot, time_rope, seen)
        picture = self.decode(x)
        return (picture[0].permute(1, 2, 0).clamp(0, 1) * 255 + 0.5).to(torch.uint8), x

    def keep(self, latent, noise, slot, time_rope, seen):
        noisy = self.level * latent + (1 - self.level) * noise
        self.forward(noisy, self.conditions[-1], slot, time_rope, seen, commit=True)
        self.change.copy_(latent - self.previous if seen > 1 else torch.zeros_like(latent))
        self.previous.copy_(latent)

    def place(self):
        """slot, rotation and number of frames seen of the next frame"""
        c = self.c
        rope = rope_table(time_angles(self.index, 1, c["head_dim"], c["rope_time_theta"])).to(self.device)
        slot = torch.tensor([self.index % c["window"]], device=self.device)
        self.index += 1
        return slot, rope, min(self.index, c["window"])

    @torch.no_grad()
    def commit(self, latent, noise):
        self.keep(latent, noise, *self.place())

    @torch.no_grad()
    def predict(self, start, commit_noise):
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            return self.run(start, commit_noise, *self.place())
