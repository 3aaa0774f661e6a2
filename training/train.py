#!/usr/bin/env python3
"""From nothing to an exported model: clips -> codec -> latents -> dynamics -> decoder again -> model file.

    python3 training/train.py training/recipes/nano.json --bulk build/release/host/world/prevue-world-bulk

One call works until the recipe is done or --minutes are over, then saves; the same call again goes on where it
stopped. Everything lies in the --work folder. A recipe with "start" goes on from an exported model of
the same shape; a stage it does not name is left out. Runs on a GPU when there is one, on the CPU otherwise; needs PyTorch
and numpy, no network.
"""

import argparse
import json
import math
import os
import shutil
import sys
import time

import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import codec as codec_stage
import data
import decoder as decoder_stage
import dynamics as dynamics_stage
import export
import record
from model import Model
from optim import Average, Optimisers, schedule

HELD_OUT = 1 << 32  # seeds from here on are never trained on


class Run:
    """One recipe in one work folder: what is done, how long it took, and the log that becomes the record."""

    def __init__(self, args):
        self.recipe = json.load(open(args.recipe))
        if args.budget:
            stages = [self.recipe[name] for name in ("codec", "dynamics", "decoder") if name in self.recipe]
            total = sum(stage["minutes"] for stage in stages)
            for stage in stages:
                stage["minutes"] = round(stage["minutes"] * args.budget / total, 2)
        here = os.path.dirname(os.path.abspath(args.recipe))
        self.config = json.load(open(os.path.join(here, self.recipe["config"])))
        self.args, self.work = args, args.work
        os.makedirs(self.work, exist_ok=True)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.deadline = time.monotonic() + 60 * args.minutes if args.minutes else math.inf
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
        torch.manual_seed(self.recipe.get("seed", 0))
        self.model = Model(self.config).to(self.device)
        if "start" in self.recipe:
            began, weights = export.load(os.path.join(here, self.recipe["start"]))
            for key in ("latent_mean", "latent_std"):
                self.config["codec"][key] = began["codec"][key]
            self.model.load_state_dict(weights)
            self.model.codec.set_statistics(self.config["codec"]["latent_mean"], self.config["codec"]["latent_std"])
        else:
            self.model.codec.initialise()
            self.model.dynamics.initialise()

    def path(self, name):
        return os.path.join(self.work, name)

    def say(self, text):
        line = f"[{time.strftime('%H:%M:%S')}] {text}"
        print(line, flush=True)
        with open(self.path("log.txt"), "a") as file:
            file.write(line + "\n")

    def out_of_time(self):
        return time.monotonic() > self.deadline

    def autocast(self):
        """bfloat16 where the processor has it: elsewhere PyTorch's CPU loops for it are many times slower than float."""
        fast = self.device == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return torch.autocast(self.device, torch.bfloat16, enabled=fast)

    def hot(self, recipe, *parts, cpu=False):
        """What of these is worth compiling: on a CPU only what says so, in a stage long enough to pay for the minute it
        takes, and where there is a compiler."""
        worth = self.device == "cuda" or (cpu and recipe["minutes"] >= 5 and shutil.which("g++"))
        return parts if worth else ()

    def done_steps(self, stage):
        """(steps taken so far, whether the stage is done)"""
        if not os.path.exists(self.path(stage + ".pt")):
            return 0, False
        state = torch.load(self.path(stage + ".pt"), weights_only=True, map_location="cpu", mmap=True)["state"]
        return state["step"], state["done"]

    def generator(self, stage):
        """Which clips a batch takes: the same in every run of a recipe, and others after every pause."""
        return torch.Generator().manual_seed(1_000_003 * self.recipe.get("seed", 0) + self.done_steps(stage)[0])

    def worlds(self):
        r = self.recipe["data"]
        return r["worlds"] if "worlds" in r else {r["world"]: 1}

    def clips(self, seed, count):
        r, c = self.recipe["data"], self.config
        return data.clips(self.args.bulk, self.worlds(), seed, count, r["frames"], c["width"], c["height"], c["fps"],
                          r.get("gravity_turns", False))

    def pixels(self, seed, count):
        """All pixels of some clips: uint8 (count, frames, height, width, 4), written once into their final place."""
        r, c = self.recipe["data"], self.config
        out = torch.empty(count, r["frames"], c["height"], c["width"], 4, dtype=torch.uint8, device=self.device)
        for i, (_, _, pixels) in enumerate(self.clips(seed, count)):
            out[i].copy_(torch.from_numpy(pixels.copy()))
        return out

    def write(self, name, value):
        torch.save(value, self.path(name + ".new"))
        os.replace(self.path(name + ".new"), self.path(name))

    def train(self, name, module, hot, optimisers, recipe, step_function, check):
        """Steps until the stage's minutes are used up; checkpoints as it goes. True when the stage is done.
        hot: the parts of the module to compile."""
        average = Average(module, recipe["average"])
        for part in hot:
            part.compile(dynamic=False)
        state = {"step": 0, "seconds": 0.0, "done": False}
        if os.path.exists(self.path(name + ".pt")):
            saved = torch.load(self.path(name + ".pt"), map_location=self.device, weights_only=True)
            state = saved["state"]
            module.load_state_dict(saved["module"])
            average.model.load_state_dict(saved["average"])
            if not state["done"]:
                optimisers.load_state_dict(saved["optimisers"])
        budget, saved_at, mark, total, count = 60 * recipe["minutes"], time.monotonic(), time.monotonic(), 0.0, 0

        def save():
            self.write(
                name + ".pt",
                {"state": state, "module": module.state_dict(), "average": average.model.state_dict()}
                | {"optimisers": optimisers.state_dict()},
            )

        while not state["done"]:
            progress = state["seconds"] / budget
            with self.autocast():
                value = step_function(module, state["step"], progress)
            value.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), recipe.get("clip", 1.0))
            with self.autocast():
                optimisers.step(schedule(state["step"], progress))
            average.update(module, state["step"])
            total, count = total + value.detach(), count + 1
            now = time.monotonic()
            state["step"], state["seconds"], mark = state["step"] + 1, state["seconds"] + now - mark, now
            state["done"] = state["seconds"] >= budget
            if state["step"] % recipe["report"] == 0 or state["done"]:
                self.say(
                    f"{name} step {state['step']} minute {state['seconds'] / 60:.1f} loss {float(total) / count:.5f} "
                    + check(average.model)
                )
                total, count, mark = 0.0, 0, time.monotonic()
            if time.monotonic() - saved_at > 120 or state["done"] or self.out_of_time():
                save()
                saved_at = mark = time.monotonic()
                if self.out_of_time():
                    break
        module.load_state_dict(average.model.state_dict())
        return state["done"]


def train_codec(run):
    recipe, generator = run.recipe["codec"], run.generator("codec")
    codec = run.model.codec.to(memory_format=torch.channels_last)
    if not run.done_steps("codec")[1]:
        pixels = run.pixels(recipe.get("first_seed", 1), recipe["clips"])
        held = run.pixels(HELD_OUT, 8)[:, 8:16]
        run.say(f"codec: {len(pixels)} clips of {pixels.shape[1]} frames; held out {len(held)}")
    else:
        pixels = held = None

    def step(module, index, progress):
        x, coverage = codec_stage.batch(pixels, generator, recipe["batch"], recipe["frames"])
        return codec_stage.train_step(module, recipe, x.to(run.device), coverage.to(run.device))

    def check(module):
        return f"held-out {codec_stage.psnr(module, held):.2f} dB"

    inside = lambda name, p: p.ndim == 4 and "stage." in name
    optimisers = Optimisers(codec, recipe["muon_lr"], recipe["lr"], inside)
    return run.train("codec", codec, run.hot(recipe, codec.encoder, codec.decoder), optimisers, recipe, step, check)


def encode(run):
    """Latents of all training clips, and a few held-out ones, once."""
    if os.path.exists(run.path("latents.pt")):
        return True
    began = time.monotonic()
    codec, recipe = run.model.codec, run.recipe["dynamics"]
    if "start" in run.recipe:  # the dynamics knows latents by these
        mean, std = run.config["codec"]["latent_mean"], run.config["codec"]["latent_std"]
    else:
        with run.autocast():
            mean, std = codec_stage.statistics(codec, run.pixels(2, 24))
    codec.set_statistics(mean, std)
    clips = lambda seed, count: dynamics_stage.encode_clips(codec, run.clips(seed, count), run.device, run.autocast())
    held, store = clips(HELD_OUT, 32), clips(recipe.get("first_seed", 100_000), recipe["clips"])
    run.write("latents.pt", {"store": store, "held": held, "mean": mean, "std": std})
    run.say(f"encoded {len(store[0])} clips in {(time.monotonic() - began) / 60:.1f} minutes")
    return True


def train_dynamics(run):
    recipe, generator = run.recipe["dynamics"], run.generator("dynamics")
    saved = torch.load(run.path("latents.pt"), weights_only=True)
    store, held, config = [t.to(run.device) for t in saved["store"]], saved["held"], run.config
    run.model.codec.set_statistics(saved["mean"], saved["std"])
    config["codec"]["latent_mean"] = [round(v, 6) for v in saved["mean"]]
    config["codec"]["latent_std"] = [round(v, 6) for v in saved["std"]]
    level = config["sampler"]["context_level"]
    truth = held[0][::4].float().to(run.device)  # every fourth: they lie world after world
    unknown = torch.zeros(len(truth), 1, config["dynamics"]["action_size"], device=run.device)

    def step(module, index, progress):
        z, cells, gravity = dynamics_stage.batch(store, generator, recipe["batch"], recipe["frames"])
        return dynamics_stage.train_step(module, recipe, z, cells, gravity, progress, level)

    def check(module):
        """Error of 1, 4, 8, 16 predicted latents over that of keeping the last one; below 1 is better than that."""
        with run.autocast():
            z = dynamics_stage.rollout(module, truth[:, 4:12], 16, unknown, level).float()
        target, last = truth[:, 12:28], truth[:, 11:12]
        ratio = [((z[:, t] - target[:, t]).square().mean() / (last[:, 0] - target[:, t]).square().mean()).item()
                 for t in (0, 3, 7, 15)]
        return "held-out error over copy-last at 1/4/8/16: " + " ".join(f"{v:.3f}" for v in ratio)

    inside = lambda name, p: p.ndim == 2 and "block." in name
    dynamics = run.model.dynamics
    optimisers = Optimisers(dynamics, recipe["muon_lr"], recipe["lr"], inside)
    return run.train("dynamics", dynamics, run.hot(recipe, dynamics, cpu=True), optimisers, recipe, step, check)


def train_decoder(run):
    recipe, generator = run.recipe["decoder"], run.generator("decoder")
    codec, dynamics = run.model.codec, run.model.dynamics.eval()
    pixels = run.pixels(recipe.get("first_seed", 2000), recipe["clips"])
    held = run.pixels(HELD_OUT, 8)[:, 8:16]
    codec.encoder.requires_grad_(False)

    def step(module, index, progress):
        x, coverage = codec_stage.batch(pixels, generator, recipe["batch"], recipe["frames"])
        return decoder_stage.train_step(module, dynamics, recipe, x.to(run.device), coverage.to(run.device))

    def check(module):
        return f"held-out {codec_stage.psnr(module, held):.2f} dB"

    inside = lambda name, p: p.ndim == 4 and "stage." in name
    optimisers = Optimisers(codec, recipe["muon_lr"], recipe["lr"], inside)
    return run.train("decoder", codec, run.hot(recipe, codec.decoder), optimisers, recipe, step, check)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe", help="training/recipes/NAME.json")
    parser.add_argument("--bulk", required=True, help="the program prevue-world-bulk")
    parser.add_argument("--work", help="folder for everything in between (default training/work/NAME)")
    parser.add_argument("--out", help="model file (default models/NAME.safetensors)")
    parser.add_argument("--prevue", help="the command: the finished model is evaluated with it, for the record")
    parser.add_argument("--records", help="folder of the record (default training/runs)")
    parser.add_argument("--minutes", type=float, default=0, help="stop and save after so long; 0 = when done")
    parser.add_argument("--budget", type=float, default=0,
                        help="minutes of training in all, shared among the stages as in the recipe (default: the recipe's)")
    args = parser.parse_args()
    name = os.path.splitext(os.path.basename(args.recipe))[0]
    here = os.path.dirname(os.path.abspath(__file__))
    args.work = args.work or os.path.join(here, "work", name)
    args.records = args.records or os.path.join(here, "runs")
    args.out = args.out or os.path.join(here, "..", "models", name + ".safetensors")
    run = Run(args)
    began = time.time()
    stages = {"codec": train_codec, "encode": encode, "dynamics": train_dynamics, "decoder": train_decoder}
    for stage_name, stage in stages.items():
        if ("dynamics" if stage_name == "encode" else stage_name) not in run.recipe:
            continue
        if not stage(run):
            run.say("out of time: the same command goes on from here")
            return 4
    model = export.save(run.model, run.config, args.out, short=True)
    run.say(f"exported {model}; this call took {(time.time() - began) / 60:.1f} minutes")
    print(f"the record of this run: {record.write(run, name, model, args.prevue, args.records)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
