"""Check what `python -m build` made: python tools/check_distributions.py DIST

The wheel has the packages, their data, the compiled kernels for every Python from 3.11 on, and nothing else; the source
distribution has every file of the repository. Prints what is wrong, and exits with 1 if anything is.
"""

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("optc", "passes", "backends")
SOURCE_ONLY = {".c", ".h", ".proto"}
KERNELS = "optc/numerics/native/_kernels.abi3.so"


def tracked() -> set[str]:
    """The files of the repository; none where this is no clone of it."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=False)
    return {name for name in listed.stdout.split("\0") if name}


def held_by(path: Path, version: str) -> set[str]:
    """The files of a source distribution."""
    with tarfile.open(path) as archive:
        return {member.name.removeprefix(f"optc-{version}/") for member in archive if member.isfile()}


def problems_of_wheel(path: Path, files: set[str], version: str) -> Iterator[str]:
    """What is wrong with a wheel."""
    if not path.name.startswith(f"optc-{version}-cp311-abi3-"):
        yield f"{path.name}: it must be of version {version}, for every Python from 3.11 on"
    with zipfile.ZipFile(path) as wheel:
        held = set(wheel.namelist())
        points = wheel.read(f"optc-{version}.dist-info/entry_points.txt").decode()
    if "optc = optc.driver.main:main" not in points:
        yield f"{path.name}: it must have the command optc"
    own = {name for name in held if not name.startswith(f"optc-{version}.dist-info/")}
    wanted = {f for f in files if f.split("/")[0] in PACKAGES and PurePosixPath(f).suffix not in SOURCE_ONLY}
    yield from (f"{path.name}: {name} is missing" for name in sorted((wanted | {KERNELS}) - own))
    yield from (f"{path.name}: {name} does not belong there" for name in sorted(own - wanted - {KERNELS}))


def problems_of_sources(path: Path, files: set[str], version: str) -> Iterator[str]:
    """What is wrong with a source distribution."""
    held = held_by(path, version)
    yield from (f"{path.name}: {name} is missing" for name in sorted(files - held))
    made = {"PKG-INFO", "setup.cfg"}
    extra = (name for name in held - files - made if ".egg-info/" not in name)
    yield from (f"{path.name}: {name} does not belong there" for name in sorted(extra))


def main(folder: Path) -> int:
    """Check all that is in a folder; the exit code."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    wheels, sources = sorted(folder.glob("*.whl")), sorted(folder.glob("*.tar.gz"))
    if not len(wheels) == len(sources) == 1:
        print(f"{folder}: there must be one wheel and one source distribution")
        return 1
    files = tracked() or held_by(sources[0], version)
    found = [problem for path in wheels for problem in problems_of_wheel(path, files, version)]
    found += [problem for path in sources for problem in problems_of_sources(path, files, version)]
    print("\n".join(found) or f"{wheels[0].name} and {sources[0].name} have what they must")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
