"""The timelines of `prevue preview`, read by OpenTimelineIO's own package and its CMX3600 reader.

usage: check_timeline.py PREVUE MODEL. Exit 77 when the package is not installed: scripts/test installs it.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import opentimelineio as otio
except ImportError:
    print("opentimelineio is not installed; scripts/test does that (tests/preview/requirements.txt)")
    sys.exit(77)

PREVUE, MODEL = sys.argv[1:3]
SOURCE, AHEAD, HANDLES, TAKES = 30, 12, 5, 3


def run(*command):
    subprocess.run(command, check=True, env={**os.environ, "PREVUE_MODEL": MODEL, "OMP_THREAD_LIMIT": "1"},
                   stderr=subprocess.DEVNULL)


def make(rate, timecode, sound):
    clip = "my clip #1.mov"
    run("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=size=96x64:rate={rate}", *
        (["-f", "lavfi", "-i", "sine=duration=1"] if sound else []), "-frames:v", str(SOURCE), "-c:v", "libx264",
        "-preset", "ultrafast", "-pix_fmt", "yuv420p", *(["-timecode", timecode] if timecode else []), clip)
    run(PREVUE, "preview", clip, "-o", "out", "--shot", "s", "--takes", str(TAKES), "--frames", str(AHEAD), "--steps", "1",
        "--context", "4", "--handles", str(HANDLES), "--burn-in", "off", "-y")


def frames(time_range):
    return time_range.start_time.to_frames(), time_range.duration.to_frames()


def check_otio(rate, start):
    timeline = otio.adapters.read_from_file("out/s_timeline_v001.otio")
    fps = eval(rate)
    assert timeline.name == "s_v001", timeline.name
    if start is None:
        assert timeline.global_start_time is None
    else:
        assert timeline.global_start_time.to_frames() == start, timeline.global_start_time
    assert timeline.duration().to_frames() == SOURCE + AHEAD
    (track,) = timeline.tracks
    assert track.kind == otio.schema.TrackKind.Video
    source, future = track
    assert frames(source.source_range) == (start or 0, SOURCE)
    assert frames(source.available_range()) == (start or 0, SOURCE)
    assert source.media_reference.target_url.endswith("/my%20clip%20%231.mov"), source.media_reference.target_url
    assert abs(source.source_range.duration.rate - fps) < 1e-12
    first_new = HANDLES if start is None else start + SOURCE
    assert frames(future.source_range) == (first_new, AHEAD), future.source_range
    references = future.media_references()
    assert sorted(references) == [f"s{i}" for i in range(TAKES)], list(references)
    assert future.active_media_reference_key == "s0"
    for key, reference in references.items():
        assert reference.target_url == f"s_new_v001_{key}.mp4" and os.path.exists("out/" + reference.target_url)
        assert frames(reference.available_range) == (first_new - HANDLES, HANDLES + AHEAD)
        assert reference.metadata["prevue"]["seed"] == int(key[1:])
        future.active_media_reference_key = key  # any take may be put in the first one's place
        assert frames(future.available_range()) == (first_new - HANDLES, HANDLES + AHEAD)
    (marker,) = timeline.tracks.markers
    assert frames(marker.marked_range) == (SOURCE, 1) and marker.name == "seam", marker
    assert track.range_of_child(future).start_time == marker.marked_range.start_time
    (marker,) = future.markers
    assert frames(marker.marked_range) == (first_new, 1)


def check_edl(rate, timecode, seam, sound):
    rate = eval(rate) if ";" in seam else round(eval(rate))  # timecode counts whole frames, drop frame only at its rate
    for seed in range(TAKES):
        path = f"out/s_cut_v001_s{seed}.edl"
        timeline = otio.adapters.read_from_file(path, rate=rate)
        assert timeline.name == f"s_v001_s{seed}", timeline.name
        video = [t for t in timeline.tracks if t.kind == otio.schema.TrackKind.Video]
        sounds = [t for t in timeline.tracks if t.kind == otio.schema.TrackKind.Audio]
        assert len(video) == 1 and bool(sounds) == sound, timeline
        source, future = video[0]
        assert source.name == "my clip #1.mov" and future.name == f"s_new_v001_s{seed}.mp4", (source.name, future.name)
        assert source.duration().to_frames() == SOURCE and future.duration().to_frames() == AHEAD
        lines = open(path).read().splitlines()
        events = [line.split() for line in lines if line[:3].isdigit()]
        assert events[0][4] == (timecode or "00:00:00:00") and events[0][5] == (seam if timecode else events[0][5])
        assert events[1][4] == seam, events[1]
        assert events[0][7] == events[1][6], "the events do not meet in the programme"
        assert ("FCM: DROP FRAME" in lines) == (";" in seam)
        assert lines[-1].startswith("* LOC: 01:00:01") and lines[-1].endswith("SEAM"), lines[-1]
        if ";" not in seam:  # the reader's locators know no drop frame
            (marker,) = future.markers
            assert marker.name == "SEAM", marker


def check(rate, timecode, start, seam, sound=False):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make(rate, timecode, sound)
        check_otio(rate, start)
        check_edl(rate, timecode, seam, sound)
        entry = json.load(open("out/takes.json"))["versions"][0]
        assert entry["takes"][2]["edl"] == "s_cut_v001_s2.edl" and entry["sheets"]["timeline"] == "s_timeline_v001.otio"
        os.chdir("/")


check("24000/1001", "01:00:00:00", 86400, "01:00:01:06", sound=True)
check("30000/1001", "00:00:59;20", 1790, "00:01:00;22")
check("25", None, None, "00:00:00:05")
