"""What ingest counts, in a registry that is handed in."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contract.messages import RejectReason


class IngestMetrics:
    """Names follow Prometheus: base units, `_total` for counters."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter("kumagaya_ingest_messages", "Messages taken from the broker", registry=registry)
        self.readings = Counter("kumagaya_ingest_readings", "New readings committed", registry=registry)
        self.duplicates = Counter("kumagaya_ingest_duplicates", "Items that were stored before", registry=registry)
        self.shed = Counter("kumagaya_ingest_shed", "Items given up by gateways, by tombstone", registry=registry)
        self.missing = Counter(
            "kumagaya_ingest_missing", "Items no gateway answers for and that never came", registry=registry
        )
        self.rejected = Counter(
            "kumagaya_ingest_rejected", "Payloads refused, by reason", ["reason"], registry=registry
        )
        self.receipts = Counter("kumagaya_ingest_receipts", "Receipts published", registry=registry)
        self.store_failures = Counter(
            "kumagaya_ingest_store_failures", "Commits that failed and were tried again", registry=registry
        )
        self.connected = Gauge("kumagaya_ingest_broker_connected", "1 while the broker is there", registry=registry)
        self.waiting = Gauge(
            "kumagaya_ingest_waiting_messages", "Messages read and not yet committed", registry=registry
        )
        self.commit_s = Histogram(
            "kumagaya_ingest_commit_seconds",
            "From handing a group to the store until it is on disk",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
            registry=registry,
        )
        for reason in RejectReason:
            # A reason that never happened shows as 0, so that an alarm on it can be written today.
            self.rejected.labels(reason.value)
