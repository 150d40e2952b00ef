/** All that the page shows, in one place; components read it and are told when it changes. */

import type { City, Exceedance, Forecast, Frame, LayerName, LonLat, Station } from "./api";
import type { Grid } from "./grid";
import { translate, type Key, type Lang, type Vars } from "./i18n";
import type { Connection } from "./stream";
import type { CityClock } from "./time";
import type { Way } from "./way/state";

export type Theme = "light" | "dark";

/** The picture on the map: it changes only once its bytes are here, so words and colours always agree. */
export interface Shown {
  readonly frame: Frame;
  readonly layer: LayerName;
  readonly grid: Grid;
}

export interface Probe {
  readonly place: LonLat;
  readonly isHere: boolean;
}

export interface State {
  readonly lang: Lang;
  readonly theme: Theme;
  readonly layer: LayerName;
  readonly opacity: number;
  readonly tilted: boolean;
  readonly baseMap: boolean;
  readonly city: City | null;
  readonly clock: CityClock | null;
  readonly stations: readonly Station[];
  /** performance.now() when each station's values arrived. */
  readonly heardAtMs: Readonly<Record<string, number>>;
  readonly staleAfterS: number;
  readonly frame: Frame | null;
  readonly frameIntervalS: number | null;
  readonly forecast: Forecast | null;
  readonly exceedance: Exceedance | null;
  /** The hour to come that the map shows, as the forecast names its time; null for now. */
  readonly ahead: string | null;
  readonly shown: Shown | null;
  readonly selected: string | null;
  readonly probe: Probe | null;
  readonly way: Way;
  readonly connection: Connection;
  /** A short notice about something that did not work. */
  readonly notice: Key | null;
  /** Counts seconds, so that ages move on. */
  readonly tick: number;
}

type Listener = (state: State, changed: ReadonlySet<keyof State>) => void;

export class Store {
  private readonly listeners = new Set<Listener>();

  constructor(private current: State) {}

  get state(): State {
    return this.current;
  }

  set(patch: Partial<State>): void {
    const changed = new Set<keyof State>();
    for (const key of Object.keys(patch) as (keyof State)[]) {
      if (patch[key] !== this.current[key]) changed.add(key);
    }
    if (changed.size === 0) return;
    this.current = { ...this.current, ...patch };
    for (const listener of this.listeners) listener(this.current, changed);
  }

  /** Calls at once, and again whenever one of the keys changes. Returns the way out. */
  watch(keys: readonly (keyof State)[], listener: (state: State) => void): () => void {
    const filtered: Listener = (state, changed) => {
      if (keys.some((key) => changed.has(key))) listener(state);
    };
    this.listeners.add(filtered);
    listener(this.current);
    return () => this.listeners.delete(filtered);
  }

  t = (key: Key, vars?: Vars): string => translate(this.current.lang, key, vars);
}

/** Real seconds since this station's values arrived here. */
export const passedS = (state: State, station: string): number =>
  (performance.now() - (state.heardAtMs[station] ?? performance.now())) / 1000;
