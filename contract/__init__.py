"""What crosses the wire between the edge and central: quantities, topics, messages, device profiles, the clock.

Imports nothing of ours, so that both sides can depend on it and neither on the other.
"""
