"""The fleet's own process: claims over HTTPS, renewals over MQTT, and every minute what has to be tended."""

import errno
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from central.fleet import broker_files
from central.fleet.config import FleetConfig
from central.fleet.renewals import Renewals
from central.fleet.routes import fleet_router
from central.fleet.service import Service, folders, open_service
from contract.errors import UserError
from contract.provisioning import check_url

TEND_S: Final = 60.0
CONNECTIONS_MAX: Final = 200
GRACE_S: Final = 2
LISTS_EVERY_MS: Final = 86_400_000

log = structlog.get_logger("central.fleet")


def create_app(service: Service) -> FastAPI:
    """Three addresses and nothing else: no documents, no word about the rest of central."""
    app = FastAPI(title="kumagaya fleet", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(fleet_router(service))
    return app


class FleetServer:
    """Everything of the process, wired. `run` blocks until `stop` (or a signal, when run in the main thread)."""

    def __init__(self, fleet: Path, config: FleetConfig) -> None:
        """Raises UserError: no fleet here, a certificate cannot be made."""
        self._fleet = fleet
        self._config = config
        self.service = open_service(fleet, config, _now_ms, time.monotonic)
        self._web = fleet / "web"
        self._web.mkdir(mode=0o700, exist_ok=True)
        self._claim_host, _ = check_url(config.claim_url, "fleet.claim_url")
        self._renew_own()
        authority, role_folder = self.service.office.authority, folders(fleet, config)[2]
        identity = broker_files.role_identity(role_folder, broker_files.FLEET, authority, _now_ms())
        self.renewals = Renewals(self.service, identity, config)
        self._settings = uvicorn.Config(
            create_app(self.service),
            ssl_certfile=self._web / "server.pem",
            ssl_keyfile=str(self._web / "server.key"),
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = uvicorn.Server(self._settings)
        self._stopping = threading.Event()
        self._lists_at_ms = _now_ms()

    def run(self) -> None:
        """Raises UserError when the port cannot be had."""
        with self._listener() as listener:
            self._settings.load()
            tending = threading.Thread(target=self._tend_until_stopped, name="fleet-tend", daemon=True)
            tending.start()
            self.renewals.start()
            log.info("claims are taken", url=self._config.claim_url)
            try:
                self._server.run(sockets=[listener])
            finally:
                self._stopping.set()
                self.renewals.stop()
                tending.join(5.0)
                self.service.tend()
        log.info("stopped")

    def stop(self) -> None:
        """From any thread."""
        self._server.should_exit = True

    def _tend_until_stopped(self) -> None:
        while not self._stopping.wait(TEND_S):
            try:
                self.service.tend()
                self._renew_own()
                if _now_ms() - self._lists_at_ms > LISTS_EVERY_MS:
                    self._lists_at_ms = _now_ms()
                    self.service.apply()
            except (UserError, OSError) as error:
                log.error("something has to be tended by hand", problem=str(error))

    def _renew_own(self) -> None:
        """The certificates of this service and of the broker, long before they end."""
        authority, config = self.service.office.authority, self._config
        if broker_files.renew_server(self._web, authority, [self._claim_host], _now_ms()) and self._running():
            assert self._settings.ssl is not None
            self._settings.ssl.load_cert_chain(self._web / "server.pem", self._web / "server.key")
        _, broker, role_folder = folders(self._fleet, config)
        broker_files.role_identity(role_folder, broker_files.INGEST, authority, _now_ms())
        mine = broker_files.role_identity(role_folder, broker_files.FLEET, authority, _now_ms())
        if self._running():
            self.renewals.take_certificate(mine)
        if (broker / "mosquitto.conf").exists() and broker_files.renew_server(
            broker, authority, [config.broker_host], _now_ms(), config.broker_group
        ):
            self.service.apply()

    def _running(self) -> bool:
        settings = getattr(self, "_settings", None)
        return settings is not None and settings.loaded

    def _listener(self) -> socket.socket:
        host, port = self._config.listen_host, self._config.listen_port
        where = f"fleet.listen_host {host}, fleet.listen_port {port}"
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            return socket.create_server((host, port), family=family, backlog=CONNECTIONS_MAX)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UserError(f"port {port} is in use", where=where, hint="choose another listen_port") from None
            raise UserError(f"cannot listen: {error.strerror or error}", where=where) from None


def serve(fleet: Path, config: FleetConfig) -> int:
    """Until SIGTERM or SIGINT; returns 0. Raises UserError when it cannot start."""
    server = FleetServer(fleet, config)

    def leave(_number: int, _frame: object) -> None:
        server.stop()

    # uvicorn handles both signals while it runs and raises them again when it has ended: that is when we leave.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    server.run()
    return 0


def _now_ms() -> int:
    """Real time: certificates know no simulated one."""
    return time.time_ns() // 1_000_000
