"""powercut.py - the folder as a power cut leaves it, from what powercut.so kept beside it.

The program ran with environment (folder, shadow) and was killed. `make_image` then writes to `out` what a disk could
hold: without `rng` just what was synced; with it, each block that differs is the synced or the last written one by
chance, each file is as long as either says, and each directory has its synced or its last names: a disk may have
written more than it was told to, in any order.
"""

import os
import shutil

BLOCK = 4096


def environment(library, folder, shadow):
    """What to add to the environment of a program that shall run on a disk that keeps only what was synced."""
    os.makedirs(folder, exist_ok=True)
    os.makedirs(shadow, exist_ok=True)
    return {
        "LD_PRELOAD": os.path.abspath(library),
        "CARTWHEEL_POWERCUT_FOLDER": os.path.abspath(folder),
        "CARTWHEEL_POWERCUT_SHADOW": os.path.abspath(shadow),
    }


def _numbers(shadow):
    numbers = {}
    with open(os.path.join(shadow, "numbers")) as lines:
        for line in lines:
            inode, number = line.split()
            numbers[int(inode)] = int(number)
    return numbers


def _synced_names(shadow, directory):
    """{name: (kind, number)} of a directory, "" or "/x/y"; empty when it was never synced."""
    path = os.path.join(shadow, "names" + directory.replace("/", "%"))
    names = {}
    if os.path.exists(path):
        with open(path) as lines:
            for line in lines:
                kind, number, name = line.rstrip("\n").split(" ", 2)
                names[name] = (kind, int(number))
    return names


def _live_names(live, directory, numbers):
    names = {}
    for entry in os.scandir(live + directory):
        if entry.is_dir(follow_symlinks=False):
            names[entry.name] = ("d", 0)
        elif entry.is_file(follow_symlinks=False):
            names[entry.name] = ("f", numbers.get(entry.inode(), 0))
    return names


def _read(path):
    if path is None or not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()


def _mix(synced, written, rng):
    """Block by block one of the two; the length is that of either. A gap is zeros."""
    size = rng.choice([len(synced), len(written)])
    mixed = bytearray()
    for at in range(0, size, BLOCK):
        least = min(BLOCK, size - at)
        mixed += rng.choice([synced, written])[at:at + least].ljust(least, b"\0")
    return bytes(mixed)


class _Image:
    def __init__(self, live, shadow, out, rng):
        self.live, self.shadow, self.out, self.rng = live, shadow, out, rng
        self.numbers = _numbers(shadow)
        self.paths = {}  # number: path of the file as it was last written
        for folder, _, names in os.walk(live):
            for name in names:
                path = os.path.join(folder, name)
                number = self.numbers.get(os.stat(path).st_ino)
                if number:
                    self.paths[number] = path

    def directory(self, directory):
        os.makedirs(self.out + directory)
        names = _synced_names(self.shadow, directory)
        if self.rng and os.path.isdir(self.live + directory) and self.rng.random() < 0.5:
            names = _live_names(self.live, directory, self.numbers)
        for name in sorted(names):
            kind, number = names[name]
            if kind == "d":
                self.directory(directory + "/" + name)
            else:
                self.file(directory + "/" + name, number)

    def file(self, name, number):
        content = _read(os.path.join(self.shadow, str(number)))
        if self.rng and number in self.paths:
            content = _mix(content, _read(self.paths[number]), self.rng)
        with open(self.out + name, "wb") as file:
            file.write(content)


def make_image(live, shadow, out, rng=None):
    """Writes to `out`, which is replaced, what the disk holds after the power cut."""
    shutil.rmtree(out, ignore_errors=True)
    if not os.path.exists(os.path.join(shadow, "names")):
        # The cut came before the program began; all that was there was on disk.
        shutil.copytree(live, out)
        return
    _Image(live, shadow, out, rng).directory("")
