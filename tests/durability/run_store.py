#!/usr/bin/python3
"""run_store.py - kills the store at random moments and looks whether each acknowledged key is there.

    run_store.py PROGRAM LIBRARY [ROUNDS [SEED]]

PROGRAM is kill_store, LIBRARY powercut.so. For each durability, ROUNDS kills with SIGKILL on one folder that goes on;
for `batch`, ROUNDS power cuts whose folder holds only what was synced, and ROUNDS with chance blocks of what was written
besides; for the others, power cuts after which the store must open and hold a run of commits without a gap.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import powercut


class Lost(Exception):
    pass


def write_until_killed(program, folder, durability, first, rng, extra=None):
    """Runs a writer, kills it at a random moment, and returns how many keys it acknowledged."""
    writer = subprocess.Popen(
        [program, "write", folder, durability, str(first)],
        stdout=subprocess.PIPE, env=dict(os.environ, **(extra or {})))
    # Some kills hit the open, most the writing; a few come after so much that logs have been removed.
    timer = threading.Timer(rng.choice([0.02, 0.1, 0.3, 1.0]) * rng.random(), writer.kill)
    timer.start()
    lines = writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    timer.cancel()
    if writer.returncode != -signal.SIGKILL:
        raise Lost(f"the writer ended by itself with {writer.returncode}")
    # What it printed before it died, it acknowledged.
    acked = [int(line.split()[1]) for line in lines if line[:6] == b"acked " and line[-1:] == b"\n"]
    return acked[-1] if acked else first


def read(program, folder, acked):
    """Returns how many keys are there; Lost when one below `acked` is not, or anything is wrong."""
    result = subprocess.run([program, "read", folder, str(acked)], capture_output=True, text=True)
    if result.returncode != 0:
        raise Lost(result.stderr.strip())
    return int(result.stdout.split()[-1])


def kills(program, work, durability, rounds, rng):
    folder = os.path.join(work, "killed")
    os.makedirs(folder)
    found = 0
    for _ in range(rounds):
        acked = write_until_killed(program, folder, durability, found, rng)
        found = read(program, folder, acked)
    shutil.rmtree(folder)
    return found


def cuts(program, library, work, durability, rounds, rng, chance):
    """Power cuts, one after the other: each life begins with what the cut before has left."""
    live, shadow, image = (os.path.join(work, name) for name in ("live", "shadow", "image"))
    found = 0
    for _ in range(rounds):
        extra = powercut.environment(library, live, shadow)
        acked = write_until_killed(program, live, durability, found, rng, extra)
        powercut.make_image(live, shadow, image, rng if chance else None)
        shutil.rmtree(live)
        shutil.rmtree(shadow)
        os.rename(image, live)
        # The reader recovers a copy, so that the next writer recovers the cut folder itself.
        shutil.copytree(live, image)
        found = read(program, image, acked if durability == "batch" else 0)
        shutil.rmtree(image)
    shutil.rmtree(live)
    return found


def main():
    program, library = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.SystemRandom().randrange(1 << 32)
    rng = random.Random(seed)
    work = tempfile.mkdtemp(prefix="cartwheel.")
    what = ""
    try:
        for durability in ("batch", "periodic", "none"):
            what = f"{durability}, {rounds} kills"
            print(f"{what}: {kills(program, work, durability, rounds, rng)} keys", flush=True)
            for chance in (False, True):
                what = f"{durability}, {rounds} power cuts, {'chance blocks' if chance else 'synced only'}"
                found = cuts(program, library, work, durability, rounds, rng, chance)
                print(f"{what}: {found} keys", flush=True)
    except Lost as error:
        print(f"FAILED (seed {seed}): {what}: {error}; the folders are kept in {work}")
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
