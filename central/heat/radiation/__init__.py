"""From the weather to what each patch of sky, wall and tree sends to a person."""
