"""Runs a command in a terminal of 90 x 30 cells that says how many pixels a cell has, and prints what it was sent.

usage: pixel_terminal.py TERM COMMAND...
"""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 90 * 10, 30 * 20))
environment = {name: value for name, value in os.environ.items() if name not in ("TMUX", "COLORTERM")}
child = subprocess.Popen(sys.argv[2:], stdin=theirs, stdout=theirs, stderr=theirs, env={
    **environment, "TERM": sys.argv[1], "LC_ALL": "C.UTF-8"})
os.close(theirs)
while True:
    try:
        sent = os.read(ours, 1 << 16)
    except OSError:  # the terminal is gone
        break
    if not sent:
        break
    sys.stdout.buffer.write(sent)
sys.exit(child.wait())
