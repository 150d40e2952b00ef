/**
 * A cool way in the page's address, so that it can be shared: `#from=36.13900,139.38900&to=36.14100,139.39400&walk=shortest`.
 * Behind the number sign, because that part of an address is sent to nobody.
 */

import type { LonLat, WalkKind } from "../api";
import type { Way } from "./state";

// A metre.
const DECIMALS = 5;

export interface Asked {
  readonly from: LonLat | null;
  readonly to: LonLat | null;
  readonly walk: WalkKind;
}

const written = ([lon, lat]: LonLat): string => `${lat.toFixed(DECIMALS)},${lon.toFixed(DECIMALS)}`;

/** Empty when there is nothing to share. */
export function toHash({ open, from, to, walk }: Pick<Way, "open" | "from" | "to" | "walk">): string {
  if (!open) return "";
  const parts = [
    ...(from === null ? [] : [`from=${written(from.place)}`]),
    ...(to === null ? [] : [`to=${written(to.place)}`]),
  ];
  if (parts.length === 0) return "";
  return `#${[...parts, ...(walk === "coolest" ? [] : [`walk=${walk}`])].join("&")}`;
}

/** What an address asks for; null when it asks for no way. A place that is none is left out. */
export function fromHash(hash: string): Asked | null {
  const asked = new URLSearchParams(hash.replace(/^#/, ""));
  if (!asked.has("from") && !asked.has("to")) return null;
  const walk = asked.get("walk");
  return {
    from: placeOf(asked.get("from")),
    to: placeOf(asked.get("to")),
    walk: walk === "shortest" || walk === "balanced" ? walk : "coolest",
  };
}

function placeOf(text: string | null): LonLat | null {
  const found = /^(-?\d{1,2}(?:\.\d{1,12})?),(-?\d{1,3}(?:\.\d{1,12})?)$/.exec(text ?? "");
  if (found === null) return null;
  const [lat, lon] = [Number(found[1]), Number(found[2])];
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}
