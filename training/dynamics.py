"""Stage 2: the dynamics, on latents of simulated clips, kept in memory.

Every frame of a sequence has its own noise level (diffusion forcing): half of them are pure noise, so that one step
gives the mean; the target is the clean latent; the loss counts cells with moving things more. The motion inputs read
a slightly noisy history. In the second part of the budget some sequences read a history that the model itself
predicted (a few frames deep), with the truth as target: this is what stops drift.
"""

import torch
import torch.nn.functional as F


def encode_clips(codec, source, device, autocast, dtype=torch.float16):
    """source: data.clips(...) -> latents (N, T, C, h, w), moving cells (N, T, h, w) uint8, gravity (N, T, 2)."""
    latents, cells, gravity = [], [], []
    factor = None
    with torch.no_grad(), autocast:
        for _, g, pixels in source:
            x = torch.from_numpy(pixels.copy()).to(device)
            z = codec.encode(x[None, ..., :3].movedim(-1, -3).float().div_(255))[0]
            factor = factor or x.shape[1] // z.shape[-2]
            cover = F.max_pool2d(x[..., 3].float()[:, None], factor)[:, 0]
            latents.append(z.to(dtype).cpu())
            cells.append((cover > 8).to(torch.uint8).cpu())
            gravity.append(torch.from_numpy(g.copy()))
    return torch.stack(latents), torch.stack(cells), torch.stack(gravity)


def batch(store, generator, sequences, frames):
    """Random stretches of the stored clips; the store stays where it lies (on a GPU it is a gather there)."""
    latents, cells, gravity = store
    n = torch.randint(len(latents), (sequences, 1), generator=generator).to(latents.device)
    t = torch.randint(latents.shape[1] - frames + 1, (sequences, 1), generator=generator).to(latents.device)
    t = t + torch.arange(frames, device=latents.device)
    return latents[n, t].float(), cells[n, t].float(), gravity[n, t].float()


def noise_levels(shape, device):
    """Half pure noise, a quarter logit-normal, a quarter nearly clean."""
    u = torch.rand(shape, device=device)
    level = torch.sigmoid(torch.randn(shape, device=device))
    near = 0.9 + 0.1 * torch.rand(shape, device=device)
    return torch.where(u < 0.5, torch.zeros_like(u), torch.where(u < 0.75, level, near))


def mix(z, level, noise):
    level = level[:, :, None, None, None]
    return level * z + (1 - level) * noise


@torch.no_grad()
def own_history(model, z, action, depth, latest, context_level):
    """History in which the frames after a random one are the model's own predictions, `depth` passes deep. latest: the
    last frame they may begin at, or None: for protocols that observe little."""
    B, T = z.shape[:2]
    last = max(2, T - depth - 1)
    start = torch.randint(2, min(last, latest or last) + 1, (B, 1), device=z.device)
    ours = (torch.arange(T, device=z.device)[None] >= start)[:, :, None, None, None]
    history = z
    for _ in range(depth):
        level = torch.where(torch.rand(B, T, device=z.device) < 0.4, context_level, 0.0)
        predicted = model(mix(history, level, torch.randn_like(z)), level, history, action).float()
        history = torch.where(ours, predicted, z)
    return history, ours[:, :, 0, 0, 0]


def gravity_action(gravity):
    """(B, T, 2) -> the action (B, T, 3): in half of the sequences gravity is unknown, in a quarter it is known, in the
    others from a random frame on, as when only the future is told."""
    B, T = gravity.shape[:2]
    kind = torch.rand(B, 1, device=gravity.device)
    start = torch.where(kind < 0.75, 0, torch.randint(T, (B, 1), device=gravity.device))
    known = ((kind >= 0.5) & (torch.arange(T, device=gravity.device) >= start)).float()[:, :, None]
    return torch.cat([gravity * known, known], -1)


def train_step(model, recipe, z, cells, gravity, progress, context_level):
    B, T = z.shape[:2]
    action = gravity_action(gravity)
    level = noise_levels((B, T), z.device)
    history, counted = z, torch.ones(B, T, device=z.device)
    if progress > recipe["own_history_from"]:
        part = max(1, int(B * recipe["own_history_share"]))
        depth = int(torch.randint(1, recipe["own_history_depth"] + 1, (1,)))
        latest = recipe.get("own_history_latest")
        own, ours = own_history(model, z[:part], action[:part], depth, latest, context_level)
        history = torch.cat([own, z[part:]])
        # In these sequences a frame is either to be predicted, or committed context that is not scored.
        committed = torch.rand(part, T, device=z.device) < 0.4
        level = torch.cat([torch.where(committed, context_level, 0.0), level[part:]])
        counted = torch.cat([(~committed).float(), counted[part:]])
    noisy = mix(history, level, torch.randn_like(z))
    # A near-clean frame that is scored must be scored against what it shows: the truth (own-history ones are not).
    seen = history + recipe["history_noise"] * torch.randn_like(z)
    predicted = model(noisy, level, seen, action).float()
    moving = cells.clone()
    moving[:, 1:] = torch.maximum(cells[:, 1:], cells[:, :-1])
    weight = (1 + recipe["foreground"] * moving)[:, :, None] * counted[:, :, None, None, None]
    weight[:, 0] *= 0.1  # the first frame has no past: nothing to learn but the average picture
    return (weight * (predicted - z).square()).sum() / (weight.sum() * z.shape[2])


@torch.no_grad()
def rollout(model, z, count, action, context_level, steps=1):
    """Continues z (B, T, ...) by `count` latents the slow way (full recomputation over the last window)."""
    from model import next_latent

    window = model.config["window"] * 2  # more than one window so that several layers see what the cache would hold
    history = z
    noise = torch.randn_like(z)
    committed = context_level * z + (1 - context_level) * noise
    for _ in range(count):
        h, c = history[:, -window:], committed[:, -window:]
        levels = torch.full(h.shape[:2], context_level, device=z.device)
        a = action[:, :1].expand(-1, h.shape[1] + 1, -1) if action is not None else None
        new = next_latent(model, c, levels, h, torch.randn_like(z[:, 0]), steps, a)
        history = torch.cat([history, new[:, None]], 1)
        committed = torch.cat(
            [committed, (context_level * new + (1 - context_level) * torch.randn_like(new))[:, None]], 1
        )
    return history[:, z.shape[1] :]
