"""Refusals: why a request, a command or a message was not done."""


class Refused(Exception):
    """The server's refusal, or what happens without its answer: `lost` (no connection, or none any more), `timeout`, and `expired`
    (a message waited for so long that it could be stored twice)."""

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        status: int | None = None,
        field: str | None = None,
        retry_after_ms: float | None = None,
    ) -> None:
        super().__init__(message or code)
        self.code = code
        """The reason, for programs: one of the codes of the protocol, or of those above."""
        self.status = status
        """The HTTP status; `None` for what was refused on the socket."""
        self.field = field
        """The field that is missing, invalid or of a wrong length."""
        self.retry_after_ms = retry_after_ms
        """How long the server asks to wait before another try."""
