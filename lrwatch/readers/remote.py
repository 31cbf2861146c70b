"""Remote runs: what lies at a URL is copied to a folder of its own, and read there."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.readers.folders import LEDGER, OWN, Listing, find_runs, looks_like_run, runs_in
from lrwatch.readers.formats import HEAD, Head
from lrwatch.readers.opening import UnreadableError

MAX_BYTES = 16 << 30
_URL = re.compile(r"[a-z][a-z0-9+.\-]+://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run can be read.

    Attributes:
        path: A path on this machine.
        url: What the user named, if that is elsewhere.
    """

    path: Path
    url: str = ""

    def named(self, text: object) -> str:
        """The text with what the user named in place of the copy."""
        return str(text).replace(str(self.path), self.url) if self.url else str(text)


def is_remote(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a URL."""
    return _URL.match(os.fspath(path)) is not None


@contextmanager
def reachable(path: str | os.PathLike[str]) -> Iterator[Place]:
    """A run as files of this machine: the files themselves, or a copy that is removed at the end.

    Errors name the URL, not the copy.

    Raises:
        TypeError: If it is no path.
        LrwatchError: If it is empty, fsspec or what it needs for such a URL is not installed, the
            run cannot be fetched, or is over 16 GiB.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be a path or a URL, got {type(path).__name__}")
    if path == "":  # it would be the current folder
        raise UnreadableError("the path is empty")
    if not is_remote(path):
        yield Place(Path(path))
        return
    url = os.fspath(path).rstrip("/")
    fs, inner = _opened(url)
    if _is_disk(fs):
        yield Place(Path(inner), url)
        return
    with tempfile.TemporaryDirectory(prefix="lrwatch-") as folder:
        place = Place(Path(folder) / _file_name(inner), url)
        with _errors_of(url):
            _fetch(fs, inner, place.path)
        try:
            yield place
        except LrwatchError as error:
            raise type(error)(place.named(error)) from error


def runs_at(path: str | os.PathLike[str]) -> Iterator[str]:
    """Every run at or below a path or URL, as :func:`lrwatch.readers.folders.find_runs`.

    Raises:
        LrwatchError: If there is nothing, or there are too many files.
    """
    if not is_remote(path):
        yield from map(os.fspath, find_runs(path))
        return
    url = os.fspath(path).rstrip("/")
    fs, inner = _opened(url)
    if _is_disk(fs):
        yield from (url + os.fspath(run).removeprefix(inner) for run in find_runs(inner))
        return
    with _errors_of(url):
        is_folder = bool(fs.isdir(inner))
        if not is_folder and not fs.exists(inner):
            raise UnreadableError(f"{url}: no such file or folder")
    if not is_folder:
        yield url
        return
    top = PurePosixPath(inner)
    for run in runs_in(top, _RemoteTree(fs)):
        below = run.relative_to(top).as_posix()
        yield url if below == "." else f"{url}/{below}"


class _RemoteTree:
    """A storage that fsspec knows."""

    def __init__(self, fs: Any) -> None:
        self._fs = fs

    def listing(self, folder: PurePosixPath) -> Listing:
        found = Listing()
        for name, kind, _ in _entries(self._fs, str(folder)):
            found.add(name, is_folder=kind == "directory")
        return found.sort()

    def is_own(self, folder: PurePosixPath) -> bool:
        if OWN not in self.listing(folder).folders:
            return False
        inside = self.listing(folder / OWN)
        return LEDGER in inside.logs or bool(inside.events)

    def is_run(self, path: PurePosixPath) -> bool:
        with _errors_of(str(path)), self._fs.open(str(path), "rb") as file:
            data = file.read(HEAD)
        return looks_like_run(Head(data, len(data) < HEAD))


def _entries(fs: Any, folder: str) -> Iterator[tuple[str, str, int]]:
    """Name, kind and size of what a folder holds; links and names of more than a name left out."""
    with _errors_of(folder):
        found = fs.ls(folder, detail=True)
    for entry in found:
        name = str(entry["name"]).rstrip("/").rpartition("/")[2]
        is_plain = name not in ("", ".", "..") and "\0" not in name and "\\" not in name
        if is_plain and entry["type"] in ("file", "directory") and not entry.get("islink"):
            yield name, str(entry["type"]), int(entry.get("size") or 0)


def _fetch(fs: Any, inner: str, to: Path) -> None:
    """Copy a log; of a folder, the files in it that may be read, and lrwatch's own."""
    if not fs.isdir(inner):
        _check_size(int(fs.info(inner).get("size") or 0))
        fs.get_file(inner, str(to))
        return
    wanted = dict(_wanted(fs, inner))
    _check_size(sum(wanted.values()))
    to.mkdir()
    for name in wanted:
        (to / name).parent.mkdir(exist_ok=True)
        fs.get_file(f"{inner}/{name}", str(to / name))


def _wanted(fs: Any, folder: str) -> Iterator[tuple[str, int]]:
    """Names and sizes of the files of a run."""
    for name, kind, size in list(_entries(fs, folder)):
        if kind == "directory" and name == OWN:
            for inner, inner_kind, inner_size in _entries(fs, f"{folder}/{OWN}"):
                if inner_kind == "file":
                    yield f"{OWN}/{inner}", inner_size
        elif kind == "file":
            listing = Listing()
            listing.add(name, is_folder=False)
            if listing.logs or listing.events:
                yield name, size


def _check_size(n_bytes: int) -> None:
    if n_bytes > MAX_BYTES:
        raise UnreadableError(f"expected at most {MAX_BYTES >> 30} GiB, got {n_bytes:,} bytes")


def _is_disk(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _file_name(inner: str) -> str:
    name = PurePosixPath(inner).name
    return name if name not in ("", ".", "..") and "\0" not in name else "run"


def _opened(url: str) -> tuple[Any, str]:
    """The storage of a URL, and the path in it."""
    if "::" in url:
        raise UnreadableError(f"{url}: expected one URL; archives in it are not opened")
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        words = f"{url}: a URL needs fsspec: pip install 'lrwatch[remote]'"
        raise UnreadableError(words) from error
    with _errors_of(url):
        fs, inner = url_to_fs(url)
    return fs, str(inner)


@contextmanager
def _errors_of(place: str) -> Iterator[None]:
    """Errors as ours; a storage raises what it likes, of which only the words are of use."""
    try:
        yield
    except LrwatchError as error:
        words = str(error)
        raise type(error)(words if words.startswith(place) else f"{place}: {words}") from error
    except Exception as error:
        words = str(error) or type(error).__name__
        raise UnreadableError(f"{place}: cannot be fetched: {words}") from error
