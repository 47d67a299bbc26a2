"""The checkout that is deployed from: where it is, and which image its sources make."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from magisystem.cli.deployment.wanted import NotReady

# What the Dockerfile copies (.dockerignore lets nothing else through), and the Dockerfile itself.
_SOURCES = ("deploy/Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml", "uv.lock", "src", "web")
_LEFT_OUT = frozenset({"node_modules", "__pycache__"})
_BUNDLE = Path("src/magisystem/http/web")
_DIGITS = 20


def find_checkout(start: Path | None = None) -> Path:
    """Give the folder with `deploy/app.py`, from the working folder upwards.

    Raises:
        NotReady: there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "deploy" / "app.py").is_file() and (folder / "uv.lock").is_file():
            return folder
    raise NotReady(
        f"A deployment is made from a checkout of the repository, and {here} is in none. "
        "Clone it, run `make setup` there, then this command again."
    )


def image_tag(checkout: Path) -> str:
    """Give a tag made of everything the image is built from: the same sources are the same image, built once."""
    digest = hashlib.sha256()
    for path in sorted(_files(checkout)):
        digest.update(path.relative_to(checkout).as_posix().encode())
        digest.update(b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:_DIGITS]


def _files(checkout: Path) -> Iterator[Path]:
    for source in _SOURCES:
        root = checkout / source
        if root.is_file():
            yield root
            continue
        for path in root.rglob("*"):
            parts = path.relative_to(checkout).parts
            if (
                path.is_file()
                and not _LEFT_OUT.intersection(parts)
                and path.suffix not in {".pyc", ".pyo"}
                and not path.name.startswith(".env")
                and not path.is_relative_to(checkout / _BUNDLE)
            ):
                yield path
