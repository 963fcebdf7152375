"""Names and messages of others, as a terminal may show them."""


def printable(text: str) -> str:
    """Text with a ? for what is not printable: names come from other machines, and nothing in them may steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
