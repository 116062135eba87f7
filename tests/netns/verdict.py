"""How a namespace test says that it could not be run here."""


class Skip(Exception):
    """Raised with the reason; counted and printed, never silent."""
