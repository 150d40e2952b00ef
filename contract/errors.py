"""The user's mistakes, told in one line that names what, where and what to do."""


class UserError(Exception):
    """A mistake that the person at the keyboard can mend: a wrong file, field, value, port.

    The command line prints it on one line and exits with 2; nothing else stops for it.

    Args:
        what: what is wrong, with the offending value.
        where: file and field (or port, address) it was found in.
        hint: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what}{advice}"
