import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Frame, StationsAnswer } from "../src/api";
import { SILENCE_MAX_MS, Stream, type EventSourceLike } from "../src/stream";

class FakeSource implements EventSourceLike {
  readyState = 0;
  onopen: ((event: Event) => void) | null = null;
  onerror: ((event: Event) => void) | null = null;
  closed = false;
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.closed = true;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.(new Event("open"));
  }

  says(type: string, data: unknown): void {
    this.listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }

  breaks(forGood: boolean): void {
    this.readyState = forGood ? 2 : 0;
    this.onerror?.(new Event("error"));
  }
}

const answer: StationsAnswer = { now: "2018-07-23T05:16:00.000Z", stations: [] };

function begin(serviceAnswers = true) {
  const sources: FakeSource[] = [];
  const heard: string[] = [];
  const service = { answers: serviceAnswers };
  const stream = new Stream(
    {
      open: () => {
        const source = new FakeSource();
        sources.push(source);
        return source;
      },
      fetchStations: () => (service.answers ? Promise.resolve(answer) : Promise.reject(new Error("down"))),
      fetchFrame: () =>
        service.answers ? Promise.resolve({ id: "polled" } as Frame) : Promise.reject(new Error("down")),
    },
    {
      connection: (state) => heard.push(state),
      stations: () => heard.push("stations"),
      frame: (frame) => heard.push(frame.id),
    },
  );
  stream.start();
  return { sources, heard, stream, service };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the stream", () => {
  it("is live once open, and hands on what it hears", () => {
    const { sources, heard, stream } = begin();
    sources[0]!.opens();
    sources[0]!.says("frame", { id: "f1" });
    sources[0]!.says("readings", answer);
    expect(heard).toEqual(["connecting", "live", "f1", "stations"]);
    stream.stop();
  });

  it("says so when it breaks, and is live again when the browser gets through", () => {
    const { sources, heard, stream } = begin();
    sources[0]!.opens();
    sources[0]!.breaks(false);
    sources[0]!.opens();
    expect(heard).toEqual(["connecting", "live", "reconnecting", "live"]);
    stream.stop();
  });

  it("is opened anew when the browser gave up, later each time", async () => {
    const { sources, stream } = begin();
    sources[0]!.breaks(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sources).toHaveLength(2);
    sources[1]!.breaks(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sources).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sources).toHaveLength(3);
    stream.stop();
  });

  it("is replaced by polling while it fails, until it is back", async () => {
    const { sources, heard, stream } = begin();
    sources[0]!.breaks(false);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(heard).toEqual(["connecting", "reconnecting", "polling", "stations", "polled"]);
    sources[0]!.opens();
    const before = heard.length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(heard.slice(before)).toEqual([]);
    expect(heard.at(-1)).toBe("live");
    stream.stop();
  });

  it("tells that nothing answers, and recovers", async () => {
    const { sources, heard, stream, service } = begin(false);
    sources[0]!.breaks(false);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(heard.at(-1)).toBe("offline");
    service.answers = true;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(heard.slice(-3)).toEqual(["polling", "stations", "polled"]);
    stream.stop();
  });

  it("takes a long silence for a dead connection", async () => {
    const { sources, stream } = begin();
    sources[0]!.opens();
    await vi.advanceTimersByTimeAsync(SILENCE_MAX_MS - 1);
    expect(sources).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sources).toHaveLength(2);
    expect(sources[0]!.closed).toBe(true);
    stream.stop();
  });

  it("does nothing more after it was stopped", async () => {
    const { sources, heard, stream } = begin();
    stream.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sources).toHaveLength(1);
    expect(heard).toEqual(["connecting"]);
  });
});
