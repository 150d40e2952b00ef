/** A read-only look at the page's state, for end-to-end tests that have to wait for something. */

import type { State, Store } from "./store";

export interface TestHook {
  readonly lastFrameId: string | null;
  readonly shownFrameId: string | null;
  readonly shownLayer: string | null;
  readonly stationsShown: number;
  readonly connection: State["connection"];
  readonly lang: State["lang"];
  readonly selected: string | null;
  readonly way: {
    readonly walks: number;
    readonly chosen: string;
    readonly frameId: string | null;
    readonly busy: boolean;
  };
}

declare global {
  interface Window {
    readonly kumagaya: TestHook;
  }
}

export function installTestHook(store: Store): void {
  const hook: TestHook = {
    get lastFrameId() {
      return store.state.frame?.id ?? null;
    },
    get shownFrameId() {
      return store.state.shown?.frame.id ?? null;
    },
    get shownLayer() {
      return store.state.shown?.layer ?? null;
    },
    get stationsShown() {
      return document.querySelectorAll(".marker").length;
    },
    get connection() {
      return store.state.connection;
    },
    get lang() {
      return store.state.lang;
    },
    get selected() {
      return store.state.selected;
    },
    get way() {
      const { answer, walk, busy } = store.state.way;
      return { walks: answer?.features.length ?? 0, chosen: walk, frameId: answer?.frame ?? null, busy };
    },
  };
  Object.defineProperty(window, "kumagaya", { value: Object.freeze(hook), writable: false });
}
