#!/usr/bin/env python3
"""Records what training/model.py computes, for the engine to reproduce: tests/model/test_golden.c.

    python3 tests/golden/make_golden.py        rewrites the .safetensors files beside this script

Per case: <model>.safetensors, a tiny model with every parameter random, and <case>.expected.safetensors with inputs and
results. The noise is drawn by a Philox written here, so that the engine's has to agree with a second one.
"""

import json
import pathlib
import sys

import numpy as np
import torch

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent.parent / "training"))
from model import Model, next_latent  # noqa: E402

SEED, TAKE = 0x123456789ABCDEF0, 7
SAMPLE, COMMIT = 0, 1  # what noise is for


# ---- configs: every value of every field stands in at least one of them ----


def config(name, codec, dynamics, sampler=None, width=32, height=32):
    c = {
        "schema": 1,
        "family": "native",
        "name": name,
        "width": width,
        "height": height,
        "fps": [24, 1],
        "codec": {
            "type": "tae",
            "shuffle": 2,
            "latent_channels": 4,
            "encoder_widths": [8, 12],
            "encoder_blocks": [0, 2],
            "decoder_widths": [12, 8],
            "decoder_blocks": [2, 1],
        },
        "dynamics": {
            "type": "dit",
            "hidden": 32,
            "layers": 4,
            "pattern": ["space", "time"],
            "heads": 2,
            "kv_heads": 2,
            "head_dim": 16,
            "mlp": 64,
            "patch": 2,
            "window": 5,
            "norm": "rms",
            "qk_norm": "rms",
            "eps": 1e-6,
            "modulation": "shared",
            "level_embedding": 32,
            "rope_space_max_freq": 8.0,
            "rope_time_theta": 100.0,
            "action_size": 3,
            "action_scale": [0.1, 0.1, 1.0],
            "motion_input": True,
            "predict": "change",
        },
        "sampler": {"type": "rectified_flow", "steps": 4, "context_level": 0.97},
        "licence": "Apache-2.0",
        "trained_on": "nothing: random weights",
    }
    c["codec"].update(codec)
    c["dynamics"].update(dynamics)
    c["sampler"].update(sampler or {})
    channels = c["codec"]["latent_channels"]
    c["codec"]["latent_mean"] = [round(0.1 * i - 0.2, 3) for i in range(channels)]
    c["codec"]["latent_std"] = [round(0.8 + 0.15 * i, 3) for i in range(channels)]
    return c


STILL = 0.17  # among the changes that random weights predict: some tokens stay, most move in part, a few wholly

MODELS = {
    "plain": (config("plain", {}, dict(still=STILL)), "F32"),
    "layer_norm": (
        config(
            "layer_norm",
            {},
            dict(norm="layer", qk_norm=None, modulation="per_layer", predict="latent", motion_input=False)
            | dict(action_size=0, action_scale=[], heads=4, kv_heads=4, head_dim=8, layers=3, eps=1e-5),
            dict(steps=3, context_level=1.0),
        ),
        "F16",
    ),
    "grouped": (
        config(
            "grouped",
            dict(encoder_blocks=[1, 1], decoder_widths=[10, 6], decoder_blocks=[1, 0]),
            dict(pattern=["space", "space", "time"], layers=3, heads=4, kv_heads=1, head_dim=8, action_size=2)
            | dict(action_scale=[0.5, -1.0], motion_input=False, modulation="per_layer"),
            width=48,
        ),
        "BF16",
    ),
    "deep_codec": (
        config(
            "deep_codec",
            dict(shuffle=1, latent_channels=3, encoder_widths=[4, 6, 8], encoder_blocks=[1, 0, 1])
            | dict(decoder_widths=[8, 6, 4], decoder_blocks=[0, 1, 1]),
            dict(pattern=["time"], layers=2, head_dim=6, heads=3, kv_heads=3, patch=1, hidden=24, norm="layer")
            | dict(predict="latent", level_embedding=10, action_size=1, action_scale=[1.0]),
            dict(steps=2),
        ),
        "F32",
    ),
    "space_only": (
        config(
            "space_only",
            dict(shuffle=4, encoder_widths=[9], encoder_blocks=[0], decoder_widths=[7], decoder_blocks=[0]),
            dict(pattern=["space"], layers=1, qk_norm=None, window=1, head_dim=4, heads=2, kv_heads=2, mlp=20),
            dict(steps=1),
        ),
        "F32",
    ),
}

# name: (model, width, height, frames sent, frames predicted, frames of the cache test)
CASES = {
    "plain": ("plain", 32, 32, 7, 34, 40),
    "plain_wide": ("plain", 48, 24, 3, 6, 8),
    "layer_norm": ("layer_norm", 32, 32, 2, 12, 14),
    "grouped": ("grouped", 48, 32, 6, 10, 14),
    "deep_codec": ("deep_codec", 32, 32, 1, 14, 14),
    "space_only": ("space_only", 32, 32, 2, 4, 4),
}


def randomise(model, generator):
    """Every parameter: what starts at zero or one must count too. Scales keep a rollout from growing or dying."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            fan_in = p[0].numel() if p.dim() > 1 else 1
            values = torch.randn(p.shape, generator=generator)
            if name.endswith(("q_norm", "k_norm")):
                values = 1 + 0.2 * values
            elif name.endswith("table") or p.dim() == 1:
                values = 0.1 * values
            elif name.startswith(("dynamics.final.", "codec.decoder.head")) or "modulation" in name:
                values = values * 0.2 / fan_in**0.5
            else:
                values = values * (2.0 if "conv" in name or "encoder" in name else 1.0) ** 0.5 / fan_in**0.5
            p.copy_(values)
        model.codec.decoder.head.bias.fill_(0.5)


# ---- noise: base/random.h and the op `noise`, written a second time ----


def philox(counter, key):
    """counter: (n, 4), key: (2,), uint64 arrays that hold 32-bit numbers -> (n, 4). Salmon et al. 2011."""
    mask = np.uint64(0xFFFFFFFF)
    c, k = [counter[:, i].copy() for i in range(4)], [np.uint64(key[0]), np.uint64(key[1])]
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> np.uint64(32)) ^ c[1] ^ k[0], b & mask, (a >> np.uint64(32)) ^ c[3] ^ k[1], a & mask]
        k = [np.uint64((int(k[0]) + 0x9E3779B9) & 0xFFFFFFFF), np.uint64((int(k[1]) + 0xBB67AE85) & 0xFFFFFFFF)]
    return np.stack(c, 1)


def noise(shape, frame, purpose):
    """(C, h, w), drawn in the engine's order: h, w, C."""
    C, h, w = shape
    n = (C * h * w + 3) // 4
    counter = np.zeros((n, 4), np.uint64)
    counter[:, 0], counter[:, 1], counter[:, 2], counter[:, 3] = np.arange(n), frame, purpose, TAKE
    words = philox(counter, (SEED & 0xFFFFFFFF, SEED >> 32)).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(((words[:, 0] >> np.uint64(8)) + np.uint64(1)).astype(np.float64) * 2.0**-24))
    angle = 2 * np.pi * (words[:, 1] >> np.uint64(8)).astype(np.float64) * 2.0**-24
    values = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[: C * h * w]
    return torch.from_numpy(values.astype(np.float32)).reshape(h, w, C).permute(2, 0, 1)


# ---- what is recorded ----


def picture(count, width, height):
    """Frames with edges, motion and every channel busy: (T, 3, H, W) bytes."""
    t, y, x = np.meshgrid(np.arange(count), np.arange(height), np.arange(width), indexing="ij")
    waves = [np.sin(0.5 * x + 0.8 * t) * np.cos(0.3 * y), np.sin(0.4 * y - 0.6 * t), np.cos(0.2 * (x + y) + t)]
    frames = np.stack([0.5 + 0.4 * w for w in waves], 1)
    disc = (x - 6 - 1.5 * t) ** 2 + (y - 10 - t) ** 2 < 30
    frames[:, 0][disc] = 0.95
    return torch.from_numpy((255 * frames).astype(np.uint8))


def to_bytes(frames):
    return (255 * frames.clamp(0, 1) + 0.5).to(torch.uint8)


@torch.no_grad()
def rollout(model, frames, predicted, steps, actions):
    """Observed frames (S, 3, H, W) bytes, then `predicted` sampled ones -> latents (S + P, ...), frames (P, ...)."""
    level = model.config["sampler"]["context_level"]
    latents = model.codec.encode(frames[None].float() / 255)[0]
    committed = torch.empty_like(latents[:0])

    def commit(i):
        mixed = level * latents[i] + (1 - level) * noise(latents.shape[1:], i, COMMIT)
        return torch.cat([committed, mixed[None]])

    for i in range(len(frames)):
        committed = commit(i)
    for i in range(len(frames), len(frames) + predicted):
        action = None if actions is None else actions[None, : i + 1]
        new = next_latent(
            model.dynamics,
            committed[None],
            torch.full((1, i), level),
            latents[None],
            noise(latents.shape[1:], i, SAMPLE)[None],
            steps,
            action,
        )
        latents = torch.cat([latents, new])
        committed = commit(i)
    return latents, to_bytes(model.codec.decode(latents[None])[0, len(frames) :])


@torch.no_grad()
def record(model, width, height, sent, predicted, cached, generator):
    c = model.config
    out = {}
    frames = picture(sent, width, height)
    latents = model.codec.encode(frames[None].float() / 255)[0]
    shape = latents.shape[1:]
    size = c["dynamics"]["action_size"]
    actions = None
    if size:
        # As the user sends them: unknown at first, then one that stays for a while, then another.
        actions = torch.randn(sent + predicted, size, generator=generator)
        actions[:1] = 0
        actions[2:5] = actions[2]
        out["actions"] = actions
    out["frames"] = frames.permute(0, 2, 3, 1)
    out["codec.latents"] = latents.permute(0, 2, 3, 1)
    out["codec.frames"] = to_bytes(model.codec.decode(latents[None])[0]).permute(0, 2, 3, 1)
    out["noise"] = noise(shape, 3, COMMIT).permute(1, 2, 0)

    # The dynamics alone: frames at random levels, any history.
    levels = torch.tensor([0.0, 0.25, 0.6, 0.97])[torch.randint(4, (cached,), generator=generator)]
    noisy, history = (torch.randn(cached, *shape, generator=generator) for _ in range(2))
    cached_actions = torch.randn(cached, size, generator=generator) if size else None
    clean = model.dynamics(
        noisy[None], levels[None], history[None], None if cached_actions is None else cached_actions[None]
    )[0]
    clean = model.dynamics.settle(torch.cat([torch.zeros_like(history[:1]), history[:-1]]), clean)
    for name, value in ("noisy", noisy), ("history", history), ("clean", clean):
        out[f"dynamics.{name}"] = value.permute(0, 2, 3, 1)
    out["dynamics.levels"] = levels
    if size:
        out["dynamics.actions"] = cached_actions

    for mode, steps, count in ("sample", c["sampler"]["steps"], predicted), ("mean", 1, min(predicted, 8)):
        part = None if actions is None else actions[: sent + count]
        latents, futures = rollout(model, frames, count, steps, part)
        out[f"{mode}.latents"] = latents.permute(0, 2, 3, 1)
        out[f"{mode}.frames"] = futures.permute(0, 2, 3, 1)
        print(f"  {mode}: latents {latents[0].std():.2f} -> {latents[-1].std():.2f}, bytes std {futures[-1].float().std():.0f}")
    return out


TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8}


def write(path, tensors, metadata):
    """tensors: name -> tensor; those of wide elements first, so that all are aligned."""
    names = {t: n for n, t in TYPES.items()}
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, t in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        blob = t.contiguous().view(torch.uint8).numpy().tobytes() if t.dim() else t.numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(20)
    models = {}
    for name, (c, dtype) in MODELS.items():
        model = Model(c).eval()
        randomise(model, generator)
        state = {n: p.to(TYPES[dtype]) for n, p in model.state_dict().items()}
        model.load_state_dict({n: p.float() for n, p in state.items()})  # as the file has them
        write(here / f"{name}.safetensors", state, {"prevue": json.dumps(c)})
        models[name] = model
    for name, (model, *sizes) in CASES.items():
        print(name)
        expected = record(models[model], *sizes, generator)
        write(here / f"{name}.expected.safetensors", expected, {"seed": f"{SEED:016x}", "take": str(TAKE)})


if __name__ == "__main__":
    main()
