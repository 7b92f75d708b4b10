"""The examples run as they stand, in development mode with warnings as errors."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples/python").glob("*.py"))
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python.md").read_text(), re.DOTALL)


def run(arguments, url):
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "INTERREX_URL": url},
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example(path, shared_url):
    assert run([str(path)], shared_url)


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_the_documentation_compiles(block):
    if "async with" in block:
        block = "async def f():\n" + re.sub(r"(?m)^", "    ", block)
    compile(block, "docs/python.md", "exec")
