"""Answers as bytes: JSON encoded once, compressed when it pays and the caller can read it."""

import gzip
import hashlib
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from fastapi import Request
from fastapi.responses import Response

GZIP_FROM_BYTES: Final = 1400
"""Smaller answers fit one packet anyway."""
NO_CACHE: Final = "no-cache"
GEO_JSON: Final = "application/geo+json"
IMMUTABLE: Final = "public, max-age=31536000, immutable"


def accepts_gzip(request: Request) -> bool:
    """Whether the caller reads gzip (RFC 9110, 12.5.3): named, or any coding, and not with weight 0."""
    weights: dict[str, float] = {}
    for part in request.headers.get("accept-encoding", "").split(","):
        name, _, parameters = part.partition(";")
        weight = 1.0
        if parameters.strip().startswith("q="):
            try:
                weight = float(parameters.strip()[2:])
            except ValueError:
                weight = 0.0
        weights[name.strip().lower()] = weight
    return weights.get("gzip", weights.get("*", 0.0)) > 0.0


def json_reply(
    request: Request,
    content: Any,
    *,
    cache: str = NO_CACHE,
    media_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> Response:
    """`content` (or its bytes when it is encoded already) as an answer."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    head = {"Cache-Control": cache, "Vary": "Accept-Encoding", **(headers or {})}
    if len(body) >= GZIP_FROM_BYTES and accepts_gzip(request):
        body = gzip.compress(body, 5)
        head["Content-Encoding"] = "gzip"
    return Response(body, media_type=media_type, headers=head)


def not_modified(request: Request, etag: str) -> bool:
    """Whether the caller already holds this version (If-None-Match, weak comparison)."""
    held = request.headers.get("if-none-match", "")
    return held.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in held.split(",")}


@dataclass(frozen=True, slots=True)
class Document:
    """A large answer that many ask for: packed and named once."""

    plain: bytes
    packed: bytes
    etag: str

    @classmethod
    def of(cls, plain: bytes) -> "Document":
        etag = '"' + hashlib.blake2b(plain, digest_size=12).hexdigest() + '"'
        return cls(plain, gzip.compress(plain, 5, mtime=0), etag)


def document_reply(request: Request, document: Document, *, media_type: str) -> Response:
    """The document, or 304 when the caller holds it."""
    headers = {"ETag": document.etag, "Cache-Control": NO_CACHE, "Vary": "Accept-Encoding"}
    if not_modified(request, document.etag):
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request):
        return Response(document.packed, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(document.plain, media_type=media_type, headers=headers)
