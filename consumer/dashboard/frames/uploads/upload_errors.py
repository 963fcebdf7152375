"""Why an upload is not answered."""

from ferstream.streams.errors import FerstreamError


class UploadError(FerstreamError):
    """The upload ends here; `status` is HTTP's, `retry_after_s` says when trying again may help."""

    def __init__(self, status: int, why: str, retry_after_s: int | None = None) -> None:
        super().__init__(why)
        self.status, self.retry_after_s = status, retry_after_s


def too_large(why: str) -> UploadError:
    return UploadError(413, why)


def unreadable(why: str) -> UploadError:
    return UploadError(415, why)
