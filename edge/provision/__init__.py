"""The device's identity: a key that never leaves, a certificate claimed once and renewed by itself."""
