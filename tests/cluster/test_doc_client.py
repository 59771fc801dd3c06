"""test_doc_client.py - the client in docs/protocol.md, as it stands there, against a real node."""
import os
import re
import subprocess
import sys
import unittest

import harness

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "protocol.md")
SECONDS = 30


def client_text():
    with open(SOURCE, encoding="utf-8") as file:
        blocks = re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1, "docs/protocol.md has %d blocks of Python, not one" % len(blocks)
    return blocks[0]


class DocumentedClient(harness.Case):
    def run_client(self, endpoint):
        return subprocess.run([sys.executable, "-c", client_text()], capture_output=True, timeout=SECONDS, text=True,
                              env={**os.environ, "CARTWHEEL_NODE": endpoint})

    def test_it_is_about_20_lines(self):
        lines = [line for line in client_text().splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 24)

    def test_it_does_what_its_comments_say(self):
        for _ in range(2):  # the second time the key has a tombstone
            done = self.run_client(self.node.client_endpoint)
            self.assertEqual((done.returncode, done.stderr, done.stdout), (0, "", "ok [b'milk']\nok\n"))
            self.assertEqual(self.client.op("get", key=b"cart")["status"], "not_found")

    def test_its_context_covers_what_it_read(self):
        self.assertEqual(self.client.op("put", key=b"cart", value=b"eggs")["status"], "ok")
        done = self.run_client(self.node.client_endpoint)
        self.assertEqual(done.stdout, "ok [b'milk']\nok\n", done.stderr)


if __name__ == "__main__":
    harness.main()
