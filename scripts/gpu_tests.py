"""From ctest's description of tests to lines of NAME, PROGRAM, ENVIRONMENT, separated by tabs: what `run` of the
archive that gpu-test packs starts. Of the environment only what chooses a backend travels; paths are of this machine."""

import json
import os
import sys

for test in json.load(sys.stdin)["tests"]:
    environment = next((p["value"] for p in test["properties"] if p["name"] == "ENVIRONMENT"), [])
    kept = [e for e in environment if e.startswith("PV_TEST_")]
    print(test["name"], os.path.basename(test["command"][-1]), " ".join(kept), sep="\t")
