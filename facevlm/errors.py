"""The errors a user may meet. Each message names the thing at fault, with its value, and says what to do next."""


class FaceVLMError(Exception):
    """Any failure FaceVLM explains to its user; `exit_status` is what the command line ends with."""

    exit_status = 1


class InputError(FaceVLMError):
    """The picture, the file or the arguments are at fault."""

    exit_status = 2


class PrerequisiteError(FaceVLMError):
    """Something that must be installed or present is not."""

    exit_status = 3


class ModelError(FaceVLMError):
    """The model or its server failed; `retry` says whether the same may succeed when it is asked again."""

    exit_status = 4

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


class OutputError(FaceVLMError):
    """The model answered, and the answer cannot be used."""

    exit_status = 4


def quoted(text: str, longest: int = 160) -> str:
    """Foreign text as a message may quote it: printable, on one line, cut to a length."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
