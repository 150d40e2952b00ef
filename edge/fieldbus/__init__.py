"""Modbus RTU: frames (pure), port (bytes on a line that tells lies), device (one station's record), bus (the polling thread)."""
