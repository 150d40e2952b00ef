"""`kumagaya edge check`: what answers on a line, what it is, how well it is heard, and what to do where it is not as configured."""
