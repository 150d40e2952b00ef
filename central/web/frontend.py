"""The built page: files of `central/web/dist`, or one clear page that says how to build it."""

import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from central.web.problems import NOT_FOUND, ProblemError
from central.web.replies import IMMUTABLE, NO_CACHE, accepts_gzip, not_modified

DIST: Final = Path(__file__).parent / "dist"
HASHED_FOLDER: Final = "assets"
"""Vite puts files here whose names change with their content."""

# MapLibre starts its worker from a blob when it must, sets styles on elements, and may fetch the base map's tiles.
GSI: Final = "https://cyberjapandata.gsi.go.jp"
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        f"img-src 'self' data: blob: {GSI}",
        f"connect-src 'self' {GSI}",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>kumagaya</title></head>
<body><h1>The page is not built yet</h1>
<p>The service itself runs: see <a href="/v1/stations">/v1/stations</a>, <a href="/healthz">/healthz</a> and
<a href="/openapi.json">/openapi.json</a>.</p>
<p>Build the page with <code>make web</code> in the repository, then load this address again.</p></body></html>
"""
COMPRESSED_TYPES: Final = (
    "text/",
    "application/javascript",
    "application/json",
    "image/svg+xml",
    "application/manifest+json",
)

mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")
mimetypes.add_type("application/manifest+json", ".webmanifest")


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file in memory, and its gzip where that is smaller."""

    changed_ns: int
    plain: bytes
    packed: bytes | None
    media_type: str
    etag: str


class Files:
    """Reads each file once and again when it changed; never leaves its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._held: dict[str, _Asset] = {}

    def get(self, relative: str) -> _Asset | None:
        """The file, None when there is none of this name inside the folder."""
        try:
            path = (self._folder / relative).resolve()
            if not path.is_relative_to(self._folder) or not path.is_file():
                return None
            changed_ns = path.stat().st_mtime_ns
            held = self._held.get(relative)
            if held is None or held.changed_ns != changed_ns:
                held = self._held[relative] = _asset(path, changed_ns)
        except (OSError, ValueError):
            # Vanished just now, or a name that no file system takes (a zero byte, too long).
            return None
        return held


def _asset(path: Path, changed_ns: int) -> _Asset:
    plain = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(plain, 9, mtime=0) if media_type.startswith(COMPRESSED_TYPES) else None
    if packed is not None and len(packed) >= len(plain):
        packed = None
    return _Asset(changed_ns, plain, packed, media_type, f'"{changed_ns:x}-{len(plain):x}"')


def router(folder: Path = DIST) -> APIRouter:
    """Serves the page at / and its files below; to be included last, since it answers any other address."""
    routes = APIRouter(include_in_schema=False)
    files = Files(folder)

    @routes.get("/")
    def index(request: Request) -> Response:
        page = files.get("index.html")
        if page is None:
            return HTMLResponse(NOT_BUILT, status_code=503, headers=_page_headers())
        return _reply(request, page, NO_CACHE)

    @routes.get("/{path:path}")
    def file(request: Request, path: str) -> Response:
        asset = files.get(path)
        if asset is None:
            raise ProblemError(NOT_FOUND, f"{request.url.path[:200]} is not an address of this service")
        return _reply(request, asset, IMMUTABLE if path.startswith(HASHED_FOLDER + "/") else NO_CACHE)

    return routes


def _page_headers() -> dict[str, str]:
    return {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Referrer-Policy": "same-origin"}


def _reply(request: Request, asset: _Asset, cache: str) -> Response:
    headers = {**_page_headers(), "Cache-Control": cache, "ETag": asset.etag, "Vary": "Accept-Encoding"}
    if not_modified(request, asset.etag):
        return Response(status_code=304, headers=headers)
    if asset.packed is not None and accepts_gzip(request):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.plain, media_type=asset.media_type, headers=headers)
