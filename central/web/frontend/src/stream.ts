/**
 * Live data: server-sent events, and polling while they fail.
 *
 * States: connecting -> live -> reconnecting -> live, or -> polling (no stream, but the service answers)
 * or -> offline (nothing answers). A stream that says nothing for a while is taken for dead and opened anew,
 * because a half-open connection looks like a quiet one.
 */

import type { Frame, StationsAnswer } from "./api";

export type Connection = "connecting" | "live" | "reconnecting" | "polling" | "offline";

export interface EventSourceLike {
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onerror: ((event: Event) => void) | null;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface StreamDoors {
  readonly open: () => EventSourceLike;
  readonly fetchStations: () => Promise<StationsAnswer>;
  readonly fetchFrame: () => Promise<Frame | null>;
}

export interface StreamListener {
  connection(state: Connection): void;
  stations(answer: StationsAnswer): void;
  frame(frame: Frame): void;
}

export const SILENCE_MAX_MS = 45_000;
const POLL_AFTER_MS = 6_000;
const POLL_EVERY_MS = 5_000;
const RETRY_MS = [1_000, 2_000, 5_000, 10_000, 20_000] as const;
const CLOSED = 2;

export class Stream {
  private source: EventSourceLike | null = null;
  private state: Connection = "connecting";
  private failures = 0;
  private retryTimer: Timer | undefined;
  private silenceTimer: Timer | undefined;
  private pollTimer: Timer | undefined;

  constructor(
    private readonly doors: StreamDoors,
    private readonly listener: StreamListener,
  ) {}

  start(): void {
    this.listener.connection(this.state);
    this.connect();
    this.pollTimer = setTimeout(() => void this.poll(), POLL_AFTER_MS);
  }

  stop(): void {
    this.source?.close();
    this.source = null;
    clearTimeout(this.retryTimer);
    clearTimeout(this.silenceTimer);
    clearTimeout(this.pollTimer);
  }

  /** Opens the stream again at once, for instance when a phone wakes up. */
  refresh(): void {
    this.connect();
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.source?.close();
    const source = this.doors.open();
    this.source = source;
    source.onopen = () => this.alive();
    source.onerror = () => this.failed(source);
    source.addEventListener("readings", (event) => {
      this.alive();
      this.listener.stations(JSON.parse(event.data) as StationsAnswer);
    });
    source.addEventListener("frame", (event) => {
      this.alive();
      this.listener.frame(JSON.parse(event.data) as Frame);
    });
    this.watch();
  }

  private alive(): void {
    this.failures = 0;
    clearTimeout(this.pollTimer);
    this.pollTimer = undefined;
    this.enter("live");
    this.watch();
  }

  private watch(): void {
    clearTimeout(this.silenceTimer);
    this.silenceTimer = setTimeout(() => this.connect(), SILENCE_MAX_MS);
  }

  private failed(source: EventSourceLike): void {
    if (source !== this.source) return;
    if (this.state === "live" || this.state === "connecting") this.enter("reconnecting");
    this.pollTimer ??= setTimeout(() => void this.poll(), POLL_AFTER_MS);
    // The browser itself retries a broken connection, but gives up for good on a refusal such as 502.
    if (source.readyState === CLOSED) {
      const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]!;
      this.failures += 1;
      clearTimeout(this.retryTimer);
      this.retryTimer = setTimeout(() => this.connect(), wait);
    }
  }

  private async poll(): Promise<void> {
    try {
      const [stations, frame] = await Promise.all([this.doors.fetchStations(), this.doors.fetchFrame()]);
      if (this.state === "live") return;
      this.enter("polling");
      this.listener.stations(stations);
      if (frame !== null) this.listener.frame(frame);
    } catch {
      if (this.state !== "live") this.enter("offline");
    }
    if (this.state !== "live" && this.source !== null) {
      this.pollTimer = setTimeout(() => void this.poll(), POLL_EVERY_MS);
    }
  }

  private enter(state: Connection): void {
    if (state === this.state) return;
    this.state = state;
    this.listener.connection(state);
  }
}

type Timer = ReturnType<typeof setTimeout>;
