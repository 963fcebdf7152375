"""Names of files and errors of libraries as text on one line, for logs, messages, JSON and Parquet."""


def is_text(name: str) -> bool:
    """Whether the bytes of a name are UTF-8."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def first_line(error: Exception) -> str:
    """The first line of an error's text, or its kind where it has none; torch's go on for pages."""
    return (str(error) or type(error).__name__).splitlines()[0]
