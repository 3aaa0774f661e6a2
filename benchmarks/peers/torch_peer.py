#!/usr/bin/env python3
"""prevue beside PyTorch on the same machine: same weights, same steps, same threads, runs taken in turn.

    python3 benchmarks/peers/torch_peer.py --prevue build/release/host/cli/prevue --model models/nano.safetensors

--config training/configs/physics.json instead of --model measures random weights of that shape. --modes eager,compiled:
torch.compile with mode max-autotune takes a minute to begin. --device cuda compares with the engine's cuda backend, PyTorch
in bfloat16 where it is safe (autocast).

Before any time is taken, the streamed PyTorch model is compared with the reference (training/model.py), which the engine's
own tests compare with the engine; the compiled one is compared with the eager one. Prints Markdown rows, or --json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch

from streaming import Streaming
from model import Model, next_latent  # found through streaming's path
import export


def error_of(got, want):
    return ((got - want).norm() / want.norm()).item()


def random_latents(s, count):
    return torch.randn(1, count, s.previous.shape[1], s.h, s.w, device=s.device)


def compare(model, steps, device):
    """Relative error of a short rollout, streamed against recomputed, past nothing but the same noise."""
    s = Streaming(model, *((64, 64) if model.config["width"] < 512 else (96, 64)), steps, device)
    level = model.config["sampler"]["context_level"]
    history, noise = random_latents(s, 5), random_latents(s, 5)
    start = random_latents(s, 1)[:, 0]
    with torch.no_grad():
        for t in range(5):
            s.commit(history[:, t], noise[:, t])
        committed = level * history + (1 - level) * noise
        levels = torch.full((1, 5), level, device=device)
        want = next_latent(model.dynamics, committed, levels, history, start, steps)
        got = s.predict(start, torch.zeros_like(start))[1]
    return error_of(got, want)


class Peer:
    """One mode of PyTorch with a full cache."""

    def __init__(self, model, steps, device, mode):
        torch.manual_seed(3)
        self.mode = mode
        self.s = Streaming(model, model.config["height"], model.config["width"], steps, device)
        for latents in random_latents(self.s, self.s.c["window"])[0].split(1):
            self.s.commit(latents, torch.randn_like(latents))
        if mode == "compiled":
            self.s.compile()
        self.start = random_latents(self.s, 1)[:, 0]
        began = time.perf_counter()
        self.first = self.s.predict(self.start, self.start)[1].clone()
        self.first_seconds = time.perf_counter() - began

    def median_ms(self, frames):
        times = []
        for _ in range(frames):
            start, noise = torch.randn_like(self.start), torch.randn_like(self.start)
            self.wait()
            began = time.perf_counter()
            self.s.predict(start, noise)[0].cpu()  # the picture is wanted on the host, as the engine's is
            times.append(1e3 * (time.perf_counter() - began))
        return statistics.median(times)

    def wait(self):
        if self.s.device == "cuda":
            torch.cuda.synchronize()


def engine_ms(args, path, frames):
    command = [args.prevue, "bench", "--model", path, "--test", "model", "--backend", args.device, "-o", "json", "-q"]
    command += ["-r", "1", "-n", str(frames), "--threads", str(args.threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    document = json.loads(done.stdout)
    return document["rows"][0]["ms_median"], document["machine"]


def load(args, folder):
    """The model, and the path of the file with the same weights."""
    if args.model:
        config, tensors = export.load(args.model)
        model = Model(config)
        model.load_state_dict(tensors)
        return model, args.model
    config = json.load(open(args.config))
    model = Model(config)
    torch.manual_seed(1)
    model.codec.initialise()
    model.dynamics.initialise()
    with torch.no_grad():  # the initialisation silences the output: give every parameter something to do
        for p in model.dynamics.parameters():
            p.add_(0.01 * torch.randn_like(p))
    channels = config["codec"]["latent_channels"]
    config["codec"] |= {"latent_mean": [0.0] * channels, "latent_std": [1.0] * channels}
    return model, export.save(model, config, os.path.join(folder, "random.safetensors"))


def measure(args, model, path, steps, tolerance):
    rows = []
    for mode in args.modes.split(","):
        peer = Peer(model, steps, args.device, mode)
        eager = peer if mode == "eager" else Peer(model, steps, args.device, "eager")
        error = error_of(peer.first, eager.first)
        if error > tolerance:
            raise SystemExit(f"{mode} PyTorch differs from eager PyTorch by {error:.2e}: times mean nothing")
        ours, theirs = [], []
        peer.median_ms(3)
        for _ in range(args.rounds):
            ms, machine = engine_ms(args, path, args.frames)
            ours.append(ms)
            theirs.append(peer.median_ms(args.frames))
        ratios = sorted(b / a for a, b in zip(ours, theirs))
        rows.append(
            {
                "model": model.config["name"],
                "size": f"{model.config['width']}x{model.config['height']}",
                "mode": mode,
                "device": args.device,
                "threads": args.threads,
                "steps": steps,
                "prevue_ms": ours,
                "torch_ms": theirs,
                "ratio": [ratios[0], statistics.median(ratios), ratios[-1]],
                "torch_first_frame_s": peer.first_seconds,
                "difference_from_eager": error,
                "machine": machine,
                "torch": torch.__version__,
            }
        )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--prevue", required=True, help="the command, of a Release build")
    parser.add_argument("--model")
    parser.add_argument("--config")
    parser.add_argument("--modes", default="eager,compiled")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if bool(args.model) == bool(args.config):
        parser.error("give --model or --config")
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        model, path = load(args, folder)
        model = model.to(args.device, memory_format=torch.channels_last)
        steps = model.config["sampler"]["steps"]
        tolerance = 1e-4 if args.device == "cpu" else 3e-2  # bfloat16 has 8 bits
        error = compare(model, steps, args.device)
        if error > tolerance:
            raise SystemExit(f"the streamed PyTorch model differs from the reference by {error:.2e}: times mean nothing")
        rows = measure(args, model, path, steps, tolerance)
    if args.json:
        json.dump({"command": " ".join(sys.argv), "difference_from_reference": error, "rows": rows}, sys.stdout, indent=1)
        print()
        return
    print(f"PyTorch {torch.__version__}, {args.device}, {args.threads} threads, {steps} steps; differs by {error:.1e}")
    print("| model | size | PyTorch | prevue ms | PyTorch ms | PyTorch / prevue (min, median, max) | PyTorch's first frame, s |")
    print("|---|---|---|--:|--:|--:|--:|")
    for r in rows:
        low, middle, high = r["ratio"]
        print(
            f"| {r['model']} | {r['size']} | {r['mode']} | {statistics.median(r['prevue_ms']):.2f} "
            f"| {statistics.median(r['torch_ms']):.2f} | {low:.2f}, {middle:.2f}, {high:.2f} | {r['torch_first_frame_s']:.1f} |"
        )


if __name__ == "__main__":
    main()
