#!/usr/bin/env python3
"""Measures a model on held-out clips of a world, through the installed command, as a user would run it.

    python3 training/evaluate.py --prevue build/release/host/cli/prevue --model models/nano.safetensors \\
        --clips 64 --sheet out/nano-sheet.png

Per clip: 12 observed frames, 16 predicted ones, compared with what really came. Prints a Markdown table (the one in
the model card). Needs numpy and the ffmpeg command, no PyTorch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HELD_OUT = 1 << 32
HORIZONS = (1, 4, 8, 16)
CONTEXT, AHEAD = 12, 16


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed ({done.returncode}): {done.stderr.decode().strip()}")
    return done.stdout


def frames_of(path, width, height):
    raw = run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def psnr(a, b):
    error = ((a.astype(np.float64) - b) ** 2).mean()
    return 10 * np.log10(255**2 / max(error, 1e-3))


def mask(frame, hue):
    """Pixels of an object: its hue within 15 degrees, clearly coloured (backgrounds are not)."""
    rgb = frame.astype(np.float64)
    top, low = rgb.max(-1), rgb.min(-1)
    spread = np.maximum(top - low, 1e-9)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    angle = np.where(top == r, (g - b) / spread % 6, np.where(top == g, (b - r) / spread + 2, (r - g) / spread + 4))
    distance = np.abs((60 * angle - hue + 180) % 360 - 180)
    return (distance < 15) & (spread > 50) & (spread > 0.35 * top)


def centre(m):
    """Centre of a mask in pixels, or None when there is almost nothing."""
    if m.sum() < 12:
        return None
    y, x = np.nonzero(m)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])


def measure(args, seed, folder):
    """One clip -> dict of lists, and its frames for the contact sheet."""
    # The seam falls at different moments of the fall: 12 to 35 frames are simulated before it.
    before = CONTEXT + seed % 24
    size = f"{args.size}x{args.size}"
    seen, whole = os.path.join(folder, "seen.mkv"), os.path.join(folder, "whole.mkv")
    truth_file, out = os.path.join(folder, "truth.json"), os.path.join(folder, "out.mkv")
    world = [args.prevue, "world", args.world, "--seed", str(seed), "--size", size, "--preset", "master", "-y", "--quiet"]
    run(world + ["--frames", str(before), "-o", seen])
    run(world + ["--frames", str(before + AHEAD), "-o", whole, "--truth", truth_file])
    predict = [args.prevue, "predict", seen, "-o", out, "--model", args.model, "--context", str(CONTEXT), "--quiet"]
    predict += ["--frames", str(AHEAD), "--mode", args.mode, "--size", "model", "--preset", "master", "-y"]
    run(predict + ["--seed", "1"])
    truth = frames_of(whole, args.size, args.size)
    predicted = frames_of(out, args.size, args.size)
    assert len(truth) == before + AHEAD and len(predicted) == AHEAD
    objects = json.load(open(truth_file))["objects"]
    last = truth[before - 1]
    result = {"psnr": [], "copy": [], "error": [], "linear": [], "lost": []}
    for h in HORIZONS:
        target = truth[before + h - 1]
        result["psnr"].append(psnr(predicted[h - 1], target))
        result["copy"].append(psnr(last, target))
        errors, linears, lost = [], [], []
        for o in objects:
            true_mask, mine = mask(target, o["hue"]), mask(predicted[h - 1], o["hue"])
            true_centre, my_centre = centre(true_mask), centre(mine)
            now, then = (centre(mask(truth[before - k], o["hue"])) for k in (1, 2))
            if true_centre is None or now is None or then is None:
                continue
            lost.append(bool(mine.sum() < 0.4 * true_mask.sum()))
            linears.append(np.linalg.norm(now + h * (now - then) - true_centre))
            # A vanished object is scored where it was last seen.
            errors.append(np.linalg.norm((my_centre if my_centre is not None else now) - true_centre))
        result["error"].append(errors)
        result["linear"].append(linears)
        result["lost"].append(lost)
    return result, truth[before - 1 :], np.concatenate([last[None], predicted])


def sheet(path, clips):
    """Truth above prediction, clip by clip; columns are the last observed frame and 2, 4, 6 ... frames later."""
    rows = []
    for truth, predicted in clips:
        for frames in (truth, predicted):
            rows.append(np.concatenate([frames[t] for t in range(0, AHEAD + 1, 2)], 1))
        rows.append(np.full((6, rows[-1].shape[1], 3), 255, np.uint8))
    picture = np.concatenate(rows[:-1])
    height, width = picture.shape[:2]
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    subprocess.run(command + ["-i", "-", path], input=picture.tobytes(), check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--prevue", default="prevue", help="the command to measure")
    parser.add_argument("--model", required=True)
    parser.add_argument("--world", default="drop")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--mode", choices=("mean", "sample"), default="mean")
    parser.add_argument("--sheet", help="write a contact sheet (PNG) of the first clips")
    args = parser.parse_args()
    results, shown = [], []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.clips):
            result, truth, predicted = measure(args, HELD_OUT + 1000 + i, folder)
            results.append(result)
            if i < 6:
                shown.append((truth, predicted))
    if args.sheet:
        sheet(args.sheet, shown)
    flat = lambda key, h: np.array([v for r in results for v in r[key][h]])
    print(f"{args.clips} held-out clips of {args.world}, {CONTEXT} frames observed, mode {args.mode}\n")
    print("| frames ahead | PSNR, dB | copy last frame, dB | centre error, px | linear extrapolation, px | lost objects, % |")
    print("|---|---|---|---|---|---|")
    for h, horizon in enumerate(HORIZONS):
        mine, copy = (np.mean([r[key][h] for r in results]) for key in ("psnr", "copy"))
        error, linear, lost = (flat(key, h).mean() for key in ("error", "linear", "lost"))
        print(f"| {horizon} | {mine:.1f} | {copy:.1f} | {error:.2f} | {linear:.2f} | {100 * lost:.1f} |")
    print("\nA lost object has, in its own hue, under 40 % of its true area: it vanished or changed colour.")


if __name__ == "__main__":
    main()
