/** Asks for walks when the ends change, and again, calmly, when the heat they were computed with has grown old. */

import { ApiError, fetchWalks, type LonLat, type WalkKind, type WalksAnswer } from "../api";
import type { State, Store } from "../store";
import { fromHash, toHash } from "./address";
import {
  answered,
  cleared,
  NO_WAY,
  opened,
  picking,
  refused,
  swapped,
  withEnd,
  type End,
  type Place,
  type Refusal,
  type Way,
} from "./state";

/** Walks are computed again when the newest frame is this much later, in minutes of the city's clock ... */
const OUTDATED_MIN = 5;
/** ... but, where that clock runs fast, not more often than this. */
const CALM_MS = 20_000;
/** After "no heat map yet" or "no server". */
const RETRY_MS = 3_000;

export type Ask = (from: LonLat, to: LonLat) => Promise<WalksAnswer>;

export class WayPlanner {
  private question = 0;
  private askedAtMs = -Infinity;
  private waiting = false;

  constructor(
    private readonly store: Store,
    private readonly ask: Ask = fetchWalks,
    private readonly nowMs: () => number = () => performance.now(),
    private readonly isSeen: () => boolean = () => !document.hidden,
  ) {
    store.watch(["frame", "tick", "connection"], (state) => this.look(state));
  }

  open(): void {
    this.change(opened(this.way));
  }

  /** Everything about the way is forgotten. */
  close(): void {
    this.question++;
    this.change(NO_WAY);
  }

  clear(): void {
    this.question++;
    this.change(cleared());
  }

  set(end: End, place: Place): void {
    this.change(withEnd(this.way, end, place));
    void this.find();
  }

  /** The next tap on the map sets this end; null: none. */
  pick(end: End | null): void {
    this.change(picking(this.way, end));
  }

  swap(): void {
    this.change(swapped(this.way));
    void this.find();
  }

  choose(walk: WalkKind): void {
    this.change({ ...this.way, walk });
  }

  /** Computes again with the newest heat. */
  refresh(): void {
    void this.find();
  }

  /** Takes a way over from a shared address; what that says already changes nothing. */
  restore(hash: string): void {
    const asked = fromHash(hash);
    if (asked === null || hash === toHash(this.way)) return;
    const place = (at: LonLat | null): Place | null => (at === null ? null : { place: at, source: "map" });
    this.change(opened({ ...NO_WAY, from: place(asked.from), to: place(asked.to), walk: asked.walk }));
    void this.find();
  }

  private get way(): Way {
    return this.store.state.way;
  }

  private change(way: Way): void {
    // Walks are those of now: an hour to come under them would mislead.
    this.store.set(way.open && !this.way.open ? { way, ahead: null } : { way });
  }

  /** `quietly`: nobody asked, so that nothing moves until there is something new to show. */
  private async find(quietly = false): Promise<void> {
    const { from, to } = this.way;
    const question = ++this.question;
    this.waiting = false;
    if (from === null || to === null) return;
    this.askedAtMs = this.nowMs();
    this.waiting = true;
    if (!quietly) this.change({ ...this.way, busy: true, refusal: null });
    try {
      const answer = await this.ask(from.place, to.place);
      if (question !== this.question) return;
      this.change(answered(this.way, answer));
    } catch (error) {
      if (question !== this.question) return;
      console.warn("cool way:", error);
      // Walks of some minutes ago are better than none.
      const refusal = refusalOf(error);
      if (this.way.answer === null || !refusal.passing) this.change(refused(this.way, refusal));
      else this.change({ ...this.way, busy: false });
    } finally {
      if (question === this.question) this.waiting = false;
    }
  }

  private look(state: State): void {
    const { way, frame } = state;
    if (!way.open || this.waiting || !this.isSeen()) return;
    const agoMs = this.nowMs() - this.askedAtMs;
    if (way.answer !== null) {
      if (agoMs >= CALM_MS && frame !== null && isOutdated(way.answer.at, frame.at)) void this.find(true);
    } else if (way.refusal?.passing === true && agoMs >= RETRY_MS) void this.find(true);
  }
}

/** Whether walks of one moment should give way to those of another. */
export const isOutdated = (answerAt: string, frameAt: string): boolean =>
  Math.abs(Date.parse(frameAt) - Date.parse(answerAt)) >= OUTDATED_MIN * 60_000;

const PASSING = new Set(["no-frame-yet", "city-preparing", "unknown-frame", "store-unavailable"]);

/** The one line for what the service refused. */
export function refusalOf(error: unknown): Refusal {
  const { status, problem, field } = error instanceof ApiError ? error : new ApiError(-1, "", "");
  const end = field === "from" || field === "to" ? field : null;
  if (problem === "outside-the-map") return { key: "way_outside", end: end ?? "to", passing: false };
  if (problem === "no-walk-near") return { key: "way_no_walk_near", end: end ?? "to", passing: false };
  if (problem === "unreachable") return { key: "way_unreachable", end: null, passing: false };
  if (PASSING.has(problem)) return { key: "way_no_frame", end: null, passing: true };
  if (status === 0 || status === 502 || status === 504)
    return { key: "way_offline", end: null, passing: true };
  return { key: "way_failed", end: null, passing: false };
}
