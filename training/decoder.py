"""Stage 3: the decoder once more, on what it will really be given: latents the dynamics predicted.

The encoder and the dynamics stay as they are, so the latents keep their meaning. In each sequence the frames after a
random one come from the model's own predictions, a few passes deep; the target is the true picture. Where the
dynamics is unsure its latents are blurred: the decoder learns the best picture for those too.
"""

import torch

import codec as codec_stage
from dynamics import mix


@torch.no_grad()
def predicted(dynamics, z, depth):
    """Latents whose frames from a random one on are own predictions, `depth` passes deep (0 = all true)."""
    B, T = z.shape[:2]
    start = torch.randint(3, max(4, T - depth), (B, 1), device=z.device)
    ours = (torch.arange(T, device=z.device)[None] >= start)[:, :, None, None, None]
    out, level = z, torch.zeros(B, T, device=z.device)
    for _ in range(depth):
        out = torch.where(ours, dynamics(mix(out, level, torch.randn_like(z)), level, out).float(), z)
    return out


def train_step(codec, dynamics, recipe, x, coverage):
    with torch.no_grad():
        z = codec.encode(x).float()
    depth = int(torch.randint(0, recipe["own_history_depth"] + 1, (1,)))
    z = predicted(dynamics, z, depth)
    y = codec.decode(z + recipe["latent_noise"] * torch.randn_like(z)).float()
    weight = codec_stage.foreground(coverage, recipe["foreground"])
    return codec_stage.loss(y, x, weight) + recipe["square"] * (weight * (y - x).square()).mean()
