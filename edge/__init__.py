"""The agent on a Raspberry Pi: stations over Modbus RTU -> outbox on disk -> MQTT. The modules are its block diagram."""
