/** What is too old to be believed. Ages are real seconds. */

import type { Station } from "./api";

export type Freshness = "fresh" | "stale" | "never";

/** A station's age now: what the service said when it answered, and the time passed here since. */
export const ageNowS = (ageSaidS: number, passedS: number): number => ageSaidS + Math.max(0, passedS);

export function stationFreshness(station: Station, passedS: number, staleAfterS: number): Freshness {
  if (station.last === null) return "never";
  return station.last.stale || ageNowS(station.last.age_s, passedS) > staleAfterS ? "stale" : "fresh";
}

const FRAME_INTERVALS_MAX = 3;
const FRAME_AGE_FLOOR_S = 60;

/**
 * A frame is stale when the service says so, or when nothing newer came for three of the usual intervals
 * (at least a minute): frames stop arriving exactly when nobody is left to say "stale".
 */
export function frameIsStale(saidStale: boolean, ageS: number, usualIntervalS: number | null): boolean {
  return saidStale || ageS > Math.max(FRAME_AGE_FLOOR_S, FRAME_INTERVALS_MAX * (usualIntervalS ?? 0));
}
