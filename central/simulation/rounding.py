"""Numbers for tables."""


def rounded(value: float, digits: int) -> float:
    """`value` with so many decimals; never the zero with a minus, which says nothing and looks like a fault."""
    return round(value, digits) + 0.0
