"""The claim service's three addresses. Bodies are messages of `contract.provisioning`, refusals also problem details (RFC 9457)."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import msgspec
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from central.fleet.limits import source_of
from central.fleet.service import Service
from contract.provisioning import (
    AUTHORITY_PATH,
    CLAIM_PATH,
    MESSAGE_BYTES_MAX,
    RENEW_PATH,
    Answer,
    Issued,
    RefusalReason,
    encode,
)

_STATUS: Final = {
    RefusalReason.MALFORMED: HTTPStatus.BAD_REQUEST,
    RefusalReason.UNSUPPORTED_VERSION: HTTPStatus.BAD_REQUEST,
    RefusalReason.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    RefusalReason.TOO_MANY_ATTEMPTS: HTTPStatus.TOO_MANY_REQUESTS,
    RefusalReason.AUTHORITY_UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}


def fleet_router(service: Service) -> APIRouter:
    """Serve it over HTTPS only, with a certificate of the fleet's own authority: that is what a ticket's pin vouches for."""
    router = APIRouter(tags=["fleet"])

    @router.get(AUTHORITY_PATH, summary="The fleet's root certificate")
    def authority() -> Response:
        """PEM. Anyone may have it; a device compares its key with the pin on its ticket before it believes it."""
        return Response(service.office.authority.root_pem, media_type="application/pem-certificate-chain")

    @router.post(CLAIM_PATH, summary="Claim a place with a one-time code")
    async def claim(request: Request) -> Response:
        return await _answered(request, service.claim)

    @router.post(RENEW_PATH, summary="Renew a certificate by proof of its key")
    async def renew(request: Request) -> Response:
        return await _answered(request, service.renew)

    return router


async def _answered(request: Request, decide: Callable[[bytes, str], Answer]) -> Response:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MESSAGE_BYTES_MAX:
            break
    source = source_of(request.client.host if request.client is not None else "")
    # In a thread: the registry waits for the disk.
    return _response(await run_in_threadpool(decide, body, source), request.url.path)


def _response(answer: Answer, path: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(answer, Issued):
        return Response(encode(answer), media_type="application/json", headers=headers)
    status = _STATUS.get(answer.reason, HTTPStatus.FORBIDDEN)
    if answer.retry_after_s:
        headers["Retry-After"] = str(answer.retry_after_s)
    title = answer.reason.value.replace("_", " ")
    problem = {
        "type": f"/problems/{answer.reason.value.replace('_', '-')}",
        "title": title[0].upper() + title[1:],
        "status": status.value,
        "instance": path,
        **msgspec.to_builtins(answer),
    }
    return Response(
        msgspec.json.encode(problem), status_code=status, media_type="application/problem+json", headers=headers
    )
