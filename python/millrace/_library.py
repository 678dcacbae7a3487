"""The engine's library, opened once: the functions of <millrace/engine.h>."""

import ctypes
import functools
import json
import os
import pathlib
import shutil

from millrace._error import MillraceError

_SIGNATURES = {
    "millrace_version": (ctypes.c_char_p, []),
    "millrace_free": (None, ["p"]),
    "millrace_open": ("p", ["s", "out"]),
    "millrace_close": (None, ["p"]),
    "millrace_execute": ("p", ["p", "s", "out"]),
    "millrace_query": ("p", ["p", "s", "out"]),
    "millrace_explain": ("p", ["p", "s", "out"]),
    "millrace_names": ("p", ["p", "s", "out"]),
    "millrace_describe": ("p", ["p", "s", "s", "out", "struct", "struct"]),
    "millrace_results_next": ("p", ["p", "out"]),
    "millrace_results_close": (None, ["p"]),
    "millrace_result_about": ("p", ["p", "out"]),
    "millrace_result_schema": ("p", ["p", "struct"]),
    "millrace_result_next": ("p", ["p", "ms", "struct", "int"]),
    "millrace_result_job": ("p", ["p"]),
    "millrace_result_close": (None, ["p"]),
    "millrace_job_about": ("p", ["p", "out"]),
    "millrace_job_wait": ("p", ["p", "ms", "int"]),
    "millrace_job_cancel": (None, ["p"]),
    "millrace_job_savepoint": ("p", ["p", "s", ctypes.c_int, "out"]),
    "millrace_job_close": (None, ["p"]),
}
_TYPES = {
    "p": ctypes.c_void_p,
    "s": ctypes.c_char_p,
    "out": ctypes.POINTER(ctypes.c_void_p),
    "struct": ctypes.c_void_p,
    "ms": ctypes.c_int64,
    "int": ctypes.POINTER(ctypes.c_int),
}


def _places():
    """Where the library may be, the first that exists counts."""
    if named := os.environ.get("MILLRACE_LIBRARY"):
        yield pathlib.Path(named)
        return
    package = pathlib.Path(__file__).resolve().parent
    yield package / "libmillrace.so"
    if program := shutil.which("millrace"):
        folder = pathlib.Path(program).resolve().parent
        yield folder / "libmillrace.so"
        yield folder.parent / "lib" / "libmillrace.so"
    yield package.parents[1] / "build" / "release" / "libmillrace.so"


@functools.cache
def library():
    places = list(_places())
    path = next((place for place in places if place.exists()), None)
    if path is None:
        raise ImportError(
            "the engine's library is not at "
            + ", ".join(map(str, places))
            + "; build it (./dev build), then put `millrace` into PATH or name libmillrace.so in $MILLRACE_LIBRARY"
        )
    engine = ctypes.CDLL(str(path), mode=os.RTLD_NOW | os.RTLD_LOCAL)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(engine, name)
        function.restype = _TYPES.get(result, result)
        function.argtypes = [_TYPES.get(argument, argument) for argument in arguments]
    return engine


def text_of(pointer):
    """A text that the engine gave away, which is freed; None for NULL."""
    if not pointer:
        return None
    text = ctypes.string_at(pointer).decode()
    library().millrace_free(pointer)
    return text


def check(failure):
    """Raises what a function of the engine returned."""
    if text := text_of(failure):
        raise MillraceError(**json.loads(text))


def text_from(function, *arguments):
    """Calls a function of the engine that gives a text as its last argument."""
    out = ctypes.c_void_p()
    check(function(*arguments, ctypes.byref(out)))
    return text_of(out.value)


class Handle:
    """Something of the engine's, which is closed with the object if not before."""

    def __init__(self, pointer, close):
        self._pointer = pointer
        self._close = close

    @property
    def pointer(self):
        if not self._pointer:
            raise MillraceError(kind="user", message="this is closed already")
        return self._pointer

    def close(self):
        pointer, self._pointer = self._pointer, None
        if pointer:
            self._close(pointer)

    def __del__(self):
        self.close()


def handle_from(function, close, *arguments):
    """Calls a function of the engine that gives a handle as its last argument; None for NULL."""
    out = ctypes.c_void_p()
    check(function(*arguments, ctypes.byref(out)))
    return Handle(out.value, close) if out.value else None
