/** A station's readings as columns for the chart: gaps stay gaps, and live values join at the end. */

import type { LastReading, Readings } from "./api";

export interface Series {
  /** Unix seconds, rising. */
  readonly at: readonly number[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

// Minute means: a step longer than this is a hole in the record, and no line is drawn across it.
const GAP_S = 180;

/** The longest step that is no hole, in seconds of the city's clock: where that runs fast, one reading is minutes after the other. */
export const gapOf = (speed: number): number => Math.max(GAP_S, 5 * speed);

export function toSeries(readings: Readings, gapS = GAP_S): Series {
  const names = Object.keys(readings.quantities);
  const at: number[] = [];
  const values: Record<string, (number | null)[]> = Object.fromEntries(names.map((name) => [name, []]));
  const items = [...readings.items].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  for (const item of items) {
    const t = Date.parse(item.at) / 1000;
    const last = at.at(-1);
    if (last !== undefined && t === last) continue;
    if (last !== undefined && t - last > gapS) {
      at.push(last + 60);
      for (const name of names) values[name]!.push(null);
    }
    at.push(t);
    for (const name of names) {
      const value = item[name];
      values[name]!.push(typeof value === "number" ? value : null);
    }
  }
  return { at, values };
}

/**
 * The series with one live reading added in its minute: a second reading of the same minute takes the place of the
 * first, an older one changes nothing, and what is older than `keepS` before it leaves. Doubtful values stay out.
 */
export function withLive(
  series: Series,
  last: LastReading,
  wbgtDegc: number | null,
  keepS: number,
  gapS = GAP_S,
): Series {
  const t = Math.floor(Date.parse(last.at) / 60_000) * 60;
  const end = series.at.at(-1);
  if (Number.isNaN(t) || (end !== undefined && t < end)) return series;
  const replaces = end === t;
  const hole = end !== undefined && t - end > gapS;
  const head = replaces ? series.at.slice(0, -1) : hole ? [...series.at, end + 60] : series.at;
  const from = head.findIndex((at) => at >= t - keepS);
  const start = from === -1 ? head.length : from;
  const live: Record<string, number | null> = {};
  for (const [name, { value, flag }] of Object.entries(last.values))
    live[name] = flag === "ok" ? value : null;
  // Drawn only where the record has it too: a lone dot at the end of a day says nothing.
  if (wbgtDegc !== null && "wbgt_degc" in series.values) live["wbgt_degc"] ??= wbgtDegc;
  const names = new Set([...Object.keys(series.values), ...Object.keys(live)]);
  const values: Record<string, (number | null)[]> = {};
  for (const name of names) {
    const old = series.values[name] ?? series.at.map(() => null);
    const kept = replaces ? old.slice(0, -1) : hole ? [...old, null] : old;
    values[name] = [...kept.slice(start), live[name] ?? null];
  }
  return { at: [...head.slice(start), t], values };
}

export const hasValues = (series: Series, name: string): boolean =>
  series.values[name]?.some((value) => value !== null) ?? false;
