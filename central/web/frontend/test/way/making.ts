/** Answers as the service gives them, and a store to put them in. */

import type { LonLat, WalkKind, WalkNumbers, WalksAnswer } from "../../src/api";
import { Store, type State } from "../../src/store";
import { NO_WAY } from "../../src/way/state";

export function walk(kinds: WalkKind[], numbers: Partial<WalkNumbers> = {}, line: LonLat[] = [[139, 36]]) {
  const properties: WalkNumbers = {
    kinds,
    length_m: 800,
    duration_s: 727,
    shade_pct: 30,
    mean_utci_degc: 45,
    mean_wbgt_degc: 33,
    utci_minutes: {
      no_heat_stress: 0,
      moderate_heat_stress: 0,
      strong_heat_stress: 0,
      very_strong_heat_stress: 9.1,
      extreme_heat_stress: 3.02,
    },
    wbgt_minutes: { caution: 0, warning: 0, severe_warning: 2, danger: 10.12 },
    ...numbers,
  };
  return {
    type: "Feature" as const,
    geometry: { type: "LineString" as const, coordinates: line.map((place) => [...place]) },
    properties,
  };
}

export const answerOf = (walks: WalksAnswer["features"], more: Partial<WalksAnswer> = {}): WalksAnswer => ({
  frame: "20180723T050000000Z",
  at: "2018-07-23T05:00:00.000Z",
  index: "utci",
  walking_speed_ms: 1.1,
  network: "ground",
  attribution: "",
  features: walks,
  ...more,
});

/** A store that knows of nothing but its way. */
export const storeOf = (more: Partial<State> = {}): Store =>
  new Store({
    lang: "en",
    way: NO_WAY,
    frame: null,
    ahead: null,
    connection: "live",
    tick: 0,
    ...more,
  } as State);
