"""Requests with the generated functions in `chinwag_client.http.api`."""

from typing import TypeVar

import httpx

from .http import AuthenticatedClient
from .http.models import Detail, EnvelopeErrorBody, ImtypesRefusal, MessengerErrorBody, WebchatErrorBody
from .refused import Refused

_T = TypeVar("_T")

# The codes of documents whose errors have none.
_CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_type",
    429: "rate_limited",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
    507: "storage_full",
}


def http_client(url: str, token: str | None = None) -> AuthenticatedClient:
    """Returns a client for the `asyncio` functions in `chinwag_client.http.api`, which then raise `Refused`."""
    return AuthenticatedClient(
        base_url=url.rstrip("/"),
        token=token or "",
        prefix="Bearer" if token else "",
        timeout=httpx.Timeout(30),
        # With `ext=1` all errors of document 000 have a code.
        httpx_args={"params": {"ext": "1"}, "event_hooks": {"response": [_raise_refusal]}},
    )


def ok(
    answer: _T | WebchatErrorBody | EnvelopeErrorBody | MessengerErrorBody | ImtypesRefusal | Detail | None,
) -> _T:
    """Returns the answer without the types of refusals, which a client of `http_client` raises."""
    if isinstance(answer, WebchatErrorBody | EnvelopeErrorBody | MessengerErrorBody | ImtypesRefusal | Detail):
        raise Refused("invalid", str(answer))
    if answer is None:
        raise Refused("internal", "an answer that the document does not have")
    return answer


async def _raise_refusal(response: httpx.Response) -> None:
    if response.status_code < 400:
        return
    await response.aread()
    try:
        body = response.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    status = response.status_code
    code = body.get("code")
    text = next((body[key] for key in ("error", "detail", "message") if isinstance(body.get(key), str)), None)
    raise Refused(
        code if isinstance(code, str) else _CODES.get(status, "internal" if status >= 500 else "invalid"),
        text,
        status=status,
        field=body.get("field"),
        retry_after_ms=retry_after_ms(response.headers.get("Retry-After")),
    )


def retry_after_ms(secs: str | None) -> float | None:
    """The waiting time of a `Retry-After` header."""
    return int(secs) * 1000 if secs and secs.isdecimal() else None
