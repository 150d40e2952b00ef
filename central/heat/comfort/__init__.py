"""What heat does to people: the indices for single points and arrays, and the city's four bands."""
