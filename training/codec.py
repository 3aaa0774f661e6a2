"""Stage 1: the codec, on frames of simulated clips.

Loss: L1 + half of the L1 between neighbouring-pixel differences, the foreground counted more; a little noise on the
latents before the decoder, so that the decoder forgives what the dynamics gets slightly wrong.
"""

import torch
import torch.nn.functional as F

from data import to_float


def loss(predicted, target, weight):
    """(B, T, 3, H, W) twice; weight (B, T, 1, H, W) >= 1."""
    error = predicted - target
    total = (weight * error.abs()).mean()
    dy = (error[..., 1:, :] - error[..., :-1, :]).abs() * weight[..., 1:, :]
    dx = (error[..., :, 1:] - error[..., :, :-1]).abs() * weight[..., :, 1:]
    return total + 0.5 * (dy.mean() + dx.mean())


def batch(pixels, generator, clips, frames):
    """pixels: uint8 (N, T, H, W, 4) -> float pictures (clips, frames, 3, H, W) and weights."""
    n = torch.randint(len(pixels), (clips, 1), generator=generator).to(pixels.device)
    t = torch.randint(pixels.shape[1] - frames + 1, (clips, 1), generator=generator).to(pixels.device)
    x = to_float(pixels[n, t + torch.arange(frames, device=pixels.device)])
    return x[:, :, :3], x[:, :, 3:]


def foreground(coverage, factor):
    """1 in the background, 1 + factor on objects and two pixels around them."""
    return 1 + factor * F.max_pool2d(coverage.flatten(0, 1), 5, 1, 2).unflatten(0, coverage.shape[:2])


def train_step(codec, recipe, x, coverage):
    z = codec.encode(x)
    y = codec.decode(z + recipe["latent_noise"] * torch.randn_like(z))
    return loss(y.float(), x, foreground(coverage, recipe["foreground"]))


@torch.no_grad()
def psnr(codec, pixels):
    """Held-out reconstruction: mean over clips of the PSNR of all their frames."""
    x = to_float(pixels[..., :3])
    values = []
    for clip in x.split(4):
        y = codec.decode(codec.encode(clip)).float().clamp(0, 1)
        values.append(-10 * torch.log10((y - clip).square().flatten(1).mean(1)))
    return torch.cat(values).mean().item()


@torch.no_grad()
def statistics(codec, pixels):
    """Per-channel mean and standard deviation of raw latents, for the config."""
    z = torch.cat([codec.encode(to_float(c[None, ..., :3])).float() for c in pixels])
    z = z.movedim(2, 0).flatten(1)
    return z.mean(1).tolist(), z.std(1).tolist()
