"""A central of a few lines: keeps every item once, receipts the contiguous prefix, can be told to lie or to be silent."""

import threading

import paho.mqtt.client as mqtt

from contract import topics
from contract.messages import Batch, Health, Hello, Presence, Receipt, Rejected, Shed, decode, encode
from contract.topics import Down, Stream


class Central:
    """Attributes fill as messages arrive; `wait` waits until a condition on them holds."""

    def __init__(self, port, gateway="gw", *, receipts=True):
        self.gateway = gateway
        self.receipts = receipts
        self.items = {}
        self.arrival = []
        self.hellos, self.healths, self.presences, self.rejected = [], [], [], []
        self.duplicates = 0
        self.epochs = []
        self.floors = {}
        self.events = []
        self._changed = threading.Condition()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"central-{id(self)}")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe([(topics.ALL_UP, 1), (topics.ALL_PRESENCE, 1)])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def wait(self, condition, timeout_s=10.0):
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), timeout_s), vars(self)

    @property
    def prefix(self):
        """Everything of the newest epoch up to here is there, or under a tombstone."""
        return self.prefix_of(self.epochs[-1]) if self.epochs else 0

    def prefix_of(self, epoch):
        """The same for any epoch; what its gateway no longer answers for is not waited for."""
        seq = self.floors.get(epoch, 0)
        while (epoch, seq + 1) in self.items:
            seq += 1
        return seq

    def say(self, payload):
        """Publishes raw bytes as a receipt."""
        self._client.publish(topics.down(self.gateway, Down.RECEIPT), payload, qos=1).wait_for_publish(5.0)

    def receipt(self, epoch, up_to_seq, stream=Stream.TELEMETRY):
        self.say(encode(Receipt(1, stream, epoch, up_to_seq, 1_000)))

    def _on_message(self, client, userdata, message):
        parsed = topics.parse(message.topic)
        assert parsed is not None
        _, rest = parsed
        with self._changed:
            if rest in {"up/telemetry", "up/events"}:
                self._take(decode(Batch, message.payload), Stream(rest.removeprefix("up/")))
            elif rest == "up/hello":
                self.hellos.append(decode(Hello, message.payload))
            elif rest == "up/health":
                self.healths.append(decode(Health, message.payload))
            elif rest == "presence":
                self.presences.append((decode(Presence, message.payload), message.retain))
            self._changed.notify_all()

    def _take(self, batch, stream):
        if isinstance(batch, Rejected):
            self.rejected.append(batch)
            return
        if stream is Stream.TELEMETRY and batch.epoch not in self.epochs:
            self.epochs.append(batch.epoch)
        self.floors[batch.epoch] = max(self.floors.get(batch.epoch, 0), batch.oldest_seq - 1)
        for item in batch.items:
            if stream is Stream.EVENTS:
                self.events.append((len(self.arrival), item))
            else:
                self.arrival.append(item.seq)
            for seq in range(item.first_seq if isinstance(item, Shed) else item.seq, item.seq + 1):
                self.duplicates += (batch.epoch, seq) in self.items
                self.items[batch.epoch, seq] = item
        if self.receipts:
            receipt = Receipt(1, stream, batch.epoch, self.prefix_of(batch.epoch), 1_000)
            self._client.publish(topics.down(self.gateway, Down.RECEIPT), encode(receipt), qos=1)
