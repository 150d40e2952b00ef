"""The `[fleet]` section of central's configuration."""

from typing import Annotated

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class FleetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Gateways, their certificates and the broker that checks them.

    Attributes:
        dir: keys, registry and the broker's files; relative to `data_dir`, readable by its owner alone.
        claim_url: where devices reach the claim service, as printed on tickets: `https://host[:port]`.
        listen_host, listen_port: where the claim service listens.
        broker_host, broker_port: where devices and central reach the broker's TLS port.
        certificate_days: life of a gateway's certificate; renewed after two thirds of it.
        code_hours: how long a claim code can be used.
        grace_days: how long after its end a certificate may still be renewed (over HTTPS): a gateway that was in store.
        reload_command: makes the broker read its lists again, such as ["systemctl", "reload", "mosquitto"].
        broker_pid_file: instead of a command: the broker's pid file, to signal it directly.
        broker_dir: where the broker's files are written; left out, `broker` in `dir`. A broker of another user needs a folder that
            it can reach, such as /etc/mosquitto/kumagaya.
        broker_group: group that may read the broker's key file, such as "mosquitto".
    """

    dir: str = "fleet"
    claim_url: str = "https://127.0.0.1:8443"
    listen_host: str = "127.0.0.1"
    listen_port: Port = 8443
    broker_host: str = "127.0.0.1"
    broker_port: Port = 8883
    certificate_days: Annotated[float, msgspec.Meta(gt=0, le=398)] = 30.0
    code_hours: Annotated[float, msgspec.Meta(gt=0, le=8760)] = 72.0
    grace_days: Annotated[float, msgspec.Meta(ge=0, le=3650)] = 180.0
    reload_command: tuple[str, ...] = ()
    broker_pid_file: str | None = None
    broker_dir: str | None = None
    broker_group: str | None = None
