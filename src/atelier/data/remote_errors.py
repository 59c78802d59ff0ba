"""What an error of a store's library means: that it may pass, that the store refuses, or neither."""

import errno

_LASTING = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError)

_LASTING_NUMBERS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.ENAMETOOLONG),
    *(errno.EFBIG, errno.EMSGSIZE, errno.ENOTEMPTY),
}
"""A full disk, a bucket's name that cannot be: asked for again, they are what they were."""

_PASSING = {
    *("botocore.ConnectionError", "botocore.HTTPClientError", "botocore.IncompleteReadError"),
    *("botocore.ResponseParserError", "aiohttp.ClientConnectionError", "aiohttp.ClientPayloadError"),
    *("azure.ServiceRequestError", "azure.ServiceResponseError"),
}
"""Errors of a connection, and yet no OSError. By name, for none of these libraries need be installed."""

_REFUSING = {"botocore.NoCredentialsError", "botocore.PartialCredentialsError"}


def may_pass(error: Exception) -> bool:
    """Whether the same request may be answered later: the line or the store is at fault, not what was asked."""
    if isinstance(error, OSError):
        return not isinstance(error, _LASTING) and error.errno not in _LASTING_NUMBERS
    status = getattr(error, "status", getattr(error, "code", None))
    overloaded = isinstance(status, int) and (status >= 500 or status == 429)
    return overloaded or bool(_kinds(error) & _PASSING)


def is_refusal(error: Exception) -> bool:
    """Whether the user's keys are missing, or do not open this."""
    return isinstance(error, PermissionError) or bool(_kinds(error) & _REFUSING)


def _kinds(error: Exception) -> set[str]:
    return {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
