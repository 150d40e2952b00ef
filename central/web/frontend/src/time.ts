/** The city's clock (which may run faster than ours), Japan Standard Time, and ages. */

/** The city's time, carried on from the last time the service told it. */
export class CityClock {
  private cityMs: number;
  private atRealMs: number;

  constructor(
    nowIso: string,
    readonly speed: number,
    private readonly realMs: () => number = () => performance.now(),
  ) {
    this.cityMs = Date.parse(nowIso);
    this.atRealMs = realMs();
  }

  nowMs(): number {
    return this.cityMs + (this.realMs() - this.atRealMs) * this.speed;
  }

  /** Sets the clock by a newer message of the service. */
  set(nowIso: string): void {
    const cityMs = Date.parse(nowIso);
    if (Number.isNaN(cityMs)) return;
    this.cityMs = cityMs;
    this.atRealMs = this.realMs();
  }

  /** Real seconds since an instant of the city's time. */
  realAgeS(atIso: string): number {
    return Math.max(0, (this.nowMs() - Date.parse(atIso)) / 1000 / this.speed);
  }
}

const JST_MS = 9 * 3_600_000;
const two = (n: number): string => String(n).padStart(2, "0");

/** "14:16" in Japan. */
export function jstTime(ms: number): string {
  const d = new Date(ms + JST_MS);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
}

/** "18:00" in Japan of a full hour to come; the midnight that ends today is "24:00". */
export function jstHour(iso: string): string {
  const text = jstTime(Date.parse(iso));
  return text === "00:00" ? "24:00" : text;
}

export interface JstDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
}

export function jstDate(ms: number): JstDate {
  const d = new Date(ms + JST_MS);
  return {
    year: d.getUTCFullYear(),
    month: d.getUTCMonth() + 1,
    day: d.getUTCDate(),
    weekday: d.getUTCDay(),
  };
}
