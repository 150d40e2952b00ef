/** What the visitor has asked for and been told about a cool way. Every change makes a new value: pure. */

import type { LonLat, WalkKind, WalksAnswer } from "../api";
import type { WayKey } from "./words";

export type End = "from" | "to";

export interface Place {
  readonly place: LonLat;
  /** A tap on the map, where the visitor stands, or a weather station. */
  readonly source: "map" | "here" | "station";
  readonly station?: string;
}

/** Why there is no way, and about which end that is said. */
export interface Refusal {
  readonly key: WayKey;
  readonly end: End | null;
  /** It may be different in a moment, without the visitor doing anything. */
  readonly passing: boolean;
}

export interface Way {
  readonly open: boolean;
  readonly from: Place | null;
  readonly to: Place | null;
  /** The end that the next tap on the map sets. */
  readonly picking: End | null;
  readonly answer: WalksAnswer | null;
  readonly walk: WalkKind;
  readonly refusal: Refusal | null;
  readonly busy: boolean;
}

export const NO_WAY: Way = {
  open: false,
  from: null,
  to: null,
  picking: null,
  answer: null,
  walk: "coolest",
  refusal: null,
  busy: false,
};

const missing = ({ from, to }: Pick<Way, "from" | "to">): End | null =>
  from === null ? "from" : to === null ? "to" : null;

export const opened = (way: Way): Way => ({ ...way, open: true, picking: missing(way) });

/** With one end set; the walks of other ends are gone, and what is still missing is asked for next. */
export function withEnd(way: Way, end: End, place: Place): Way {
  const next = { ...way, [end]: place, answer: null, refusal: null, busy: false };
  return opened(next);
}

export const picking = (way: Way, end: End | null): Way => ({ ...way, open: true, picking: end });

export const swapped = (way: Way): Way =>
  opened({ ...way, from: way.to, to: way.from, answer: null, refusal: null, busy: false });

export const cleared = (): Way => opened(NO_WAY);

export const answered = (way: Way, answer: WalksAnswer): Way => ({
  ...way,
  answer,
  walk: has(answer, way.walk) ? way.walk : "coolest",
  refusal: null,
  busy: false,
});

/** A refusal about one end asks for that end again. */
export const refused = (way: Way, refusal: Refusal): Way => ({
  ...way,
  answer: null,
  refusal,
  busy: false,
  picking: refusal.end ?? way.picking,
});

const has = (answer: WalksAnswer, kind: WalkKind): boolean =>
  answer.features.some(({ properties }) => properties.kinds.includes(kind));
