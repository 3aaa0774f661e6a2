"""Writes a model file: one safetensors file, the config as JSON under the metadata key `prevue`."""

import json

import torch


def tensors(model):
    """Names and float32 tensors as the engine reads them (docs/model-format.md)."""
    return {name: p.detach().float().cpu().contiguous() for name, p in model.state_dict().items()}


def save(model, config, path, half=False):
    """The parts of safetensors this needs are 20 lines; the package is not on every training machine."""
    entries, blobs, offset = {}, [], 0
    for name, tensor in sorted(tensors(model).items()):
        blob = (tensor.half() if half else tensor).numpy().tobytes()
        entries[name] = {
            "dtype": "F16" if half else "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    header = json.dumps({"__metadata__": {"prevue": json.dumps(config)}, **entries}).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header + b"".join(blobs))


def load(path):
    """-> config, {name: float32 tensor}: training can go on from exported weights."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        body = file.read()
    config = json.loads(header.pop("__metadata__")["prevue"])
    types = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    out = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(body[begin:end]), dtype=types[entry["dtype"]])
        out[name] = flat.reshape(entry["shape"]).float()
    return config, out
