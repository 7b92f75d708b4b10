"""The Python extension: the core, hiredis and libev compiled with bindings/python/interrex.

Everything declarative is in pyproject.toml; here is only what has to be computed. The extension
uses the limited API, so that one wheel serves CPython 3.11 and newer.
"""

import pathlib
import runpy

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_clib import build_clib

ROOT = pathlib.Path(__file__).resolve().parent
GENERATED = "build/python/generated"
LIBEV = [("EV_STANDALONE", "1"), ("EV_USE_IOURING", "0"), ("EV_USE_LINUXAIO", "0")]
THIRD_PARTY_INCLUDES = ["third_party", "third_party/libev"]


def listed(name: str) -> list[str]:
    return (ROOT / name).read_text().split()


def found(*patterns: str) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for pattern in patterns for p in ROOT.glob(pattern))


class BuildThirdParty(build_clib):
    """Compiles hiredis and libev apart, so that our macros and warnings stay out of them."""

    def run(self) -> None:
        embed = runpy.run_path(str(ROOT / "scripts/embed.py"))
        embed["write"](ROOT / GENERATED / "interrex_embedded.h", embed["sources"]())
        super().run()


class StableWheel(bdist_wheel):
    def finalize_options(self) -> None:
        self.py_limited_api = "cp311"
        super().finalize_options()


setup(
    cmdclass={"build_clib": BuildThirdParty, "bdist_wheel": StableWheel},
    libraries=[
        (
            "interrex_third_party",
            {
                "sources": listed("core/third_party.txt"),
                "include_dirs": THIRD_PARTY_INCLUDES,
                "macros": LIBEV,
                "cflags": ["-w", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing"],
                "obj_deps": {"": found("third_party/hiredis/*.h", "third_party/libev/*.[ch]")},
            },
        )
    ],
    ext_modules=[
        Extension(
            "interrex._interrex",
            sources=found("bindings/python/interrex/*.c") + listed("core/sources.txt"),
            depends=found(
                "core/**/*.h", "core/**/*.lua", "core/**/*.sql", "bindings/python/interrex/*.h"
            )
            + ["third_party/.pins"],
            include_dirs=["core/include", "core", GENERATED],
            define_macros=[("_GNU_SOURCE", None), ("Py_LIMITED_API", "0x030B0000"), *LIBEV],
            undef_macros=["NDEBUG"],  # assertions about our own state stay on
            extra_compile_args=[
                *("-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"),
                *("-fno-strict-aliasing", "-pthread"),  # libev's watchers rely on the former
                *(f"-isystem{path}" for path in THIRD_PARTY_INCLUDES),
            ],
            extra_link_args=["-pthread"],
            libraries=["m", "dl"],
            py_limited_api=True,
        )
    ],
)
