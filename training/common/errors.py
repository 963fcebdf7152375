"""What is said of errors of the libraries."""


def first_line(error: Exception) -> str:
    """What an error says first; torch's go on for pages, and some say nothing but their kind."""
    return (str(error) or type(error).__name__).splitlines()[0]
