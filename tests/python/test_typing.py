"""Types: a program that uses everything checks, mistakes are found, the stub tells the truth."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import interrex

CASES = pathlib.Path(__file__).parent / "typing_cases"
PACKAGE = pathlib.Path(interrex.__file__).parent


def mypy(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(PACKAGE.parent), "MYPY_CACHE_DIR": str(tmp_path)},
    )


STRICT = ["mypy", "--strict", "--strict-equality", "--config-file", os.devnull]


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
    assert (PACKAGE / "_interrex.pyi").exists()


def test_a_program_that_uses_everything(tmp_path):
    result = mypy(tmp_path, *STRICT, str(CASES / "consumer.py"))
    assert result.returncode == 0, result.stdout


def test_mistakes_are_found(tmp_path):
    path = CASES / "mistakes.py"
    result = mypy(tmp_path, *STRICT, str(path))
    found = {int(line) for line in re.findall(r"mistakes\.py:(\d+): error", result.stdout)}
    lines = enumerate(path.read_text().splitlines(), 1)
    assert found == {number for number, line in lines if line.endswith("# error")}


def test_the_stub_of_the_c_module_is_true(tmp_path):
    result = mypy(tmp_path, "mypy.stubtest", "interrex._interrex")
    assert result.returncode == 0, result.stdout + result.stderr


def test_asyncio_is_loaded_on_demand():
    program = "import sys, interrex; assert 'asyncio' not in sys.modules; interrex.aio.Election"
    subprocess.run([sys.executable, "-c", program], check=True)
    with pytest.raises(AttributeError, match="oia"):
        _ = interrex.oia


def test_what_is_promised_is_there():
    for module in (interrex, interrex.aio):
        for name in module.__all__:
            assert hasattr(module, name)
    for kind in (interrex.Election, interrex.aio.Election):
        public = {name for name in dir(kind) if not name.startswith("_")}
        expected = {
            *("start", "stop", "is_leader", "role", "id", "name", "term", "token", "leader"),
            *("guarantee", "members", "lead", "run", "leader_only", "events", "resign"),
            *("transfer", "metrics", "history", "meta", "set_meta", "send", "publish", "value"),
        }
        assert public - {"wait_leader"} == expected
        for name in expected:
            assert getattr(kind, name).__doc__
