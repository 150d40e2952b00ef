import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, type Frame, type LonLat, type WalksAnswer } from "../../src/api";
import type { Store } from "../../src/store";
import { refusalOf, WayPlanner } from "../../src/way/planner";
import type { Place } from "../../src/way/state";
import { answerOf, storeOf, walk } from "./making";

const A: Place = { place: [139.389, 36.139], source: "map" };
const B: Place = { place: [139.394, 36.141], source: "station", station: "kmg-02" };
const C: Place = { place: [139.39, 36.142], source: "here" };
const two = answerOf([walk(["shortest"]), walk(["coolest"])]);
const frameAt = (at: string): Frame => ({ id: at, at, stale: false }) as Frame;

interface Asked {
  readonly ends: readonly [LonLat, LonLat];
  readonly answer: (answer: WalksAnswer) => Promise<void>;
  readonly refuse: (error: Error) => Promise<void>;
}

let store: Store;
let planner: WayPlanner;
let asked: Asked[];
let nowMs: number;
let isSeen: boolean;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const way = () => store.state.way;

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  store = storeOf();
  asked = [];
  nowMs = 1_000;
  isSeen = true;
  const ask = (from: LonLat, to: LonLat): Promise<WalksAnswer> =>
    new Promise((resolve, reject) =>
      asked.push({
        ends: [from, to],
        answer: (answer) => (resolve(answer), settled()),
        refuse: (error) => (reject(error), settled()),
      }),
    );
  planner = new WayPlanner(
    store,
    ask,
    () => nowMs,
    () => isSeen,
  );
});

async function found(answer = two): Promise<void> {
  planner.set("from", A);
  planner.set("to", B);
  await asked.at(-1)!.answer(answer);
}

/** A newer frame comes, so much later in the city and so long after here. */
function later(cityMinutes: number, realS: number): void {
  nowMs += realS * 1000;
  store.set({ frame: frameAt(new Date(Date.parse(two.at) + cityMinutes * 60_000).toISOString()) });
}

describe("choosing both ends", () => {
  it("asks for the start, then for the goal, then for walks", async () => {
    planner.open();
    expect(way()).toMatchObject({ open: true, picking: "from" });
    planner.set("from", A);
    expect(way()).toMatchObject({ picking: "to", busy: false });
    expect(asked).toHaveLength(0);
    planner.set("to", B);
    expect(way()).toMatchObject({ picking: null, busy: true });
    expect(asked[0]!.ends).toEqual([A.place, B.place]);
    await asked[0]!.answer(two);
    expect(way()).toMatchObject({ busy: false, answer: two, walk: "coolest" });
  });

  it("from a place that was looked at asks where to start", () => {
    planner.set("to", B);
    expect(way()).toMatchObject({ open: true, picking: "from" });
  });

  it("forgets the old walks at once when an end moves", async () => {
    await found();
    planner.set("to", C);
    expect(way()).toMatchObject({ answer: null, busy: true });
    expect(asked[1]!.ends).toEqual([A.place, C.place]);
  });

  it("takes no answer to a question that is no longer asked", async () => {
    planner.set("from", A);
    planner.set("to", B);
    planner.set("to", C);
    const late = answerOf([walk(["coolest"])]);
    await asked[0]!.answer(late);
    expect(way().answer).toBeNull();
    await asked[1]!.answer(two);
    expect(way().answer).toBe(two);
  });

  it("swaps, clears and closes", async () => {
    await found();
    planner.swap();
    expect(way()).toMatchObject({ from: B, to: A, answer: null });
    expect(asked[1]!.ends).toEqual([B.place, A.place]);
    planner.clear();
    expect(way()).toMatchObject({ open: true, from: null, to: null, picking: "from" });
    await asked[1]!.answer(two);
    expect(way().answer).toBeNull();
    planner.close();
    expect(way().open).toBe(false);
  });

  it("shows the walks of now, not those of an hour to come", () => {
    store.set({ ahead: "2018-07-23T09:00:00.000Z" });
    planner.open();
    expect(store.state.ahead).toBeNull();
  });
});

describe("the chosen walk", () => {
  it("stays chosen when it is computed again, and gives way to the coolest when it is gone", async () => {
    await found();
    planner.choose("shortest");
    planner.refresh();
    await asked[1]!.answer(answerOf([walk(["shortest"]), walk(["coolest"])]));
    expect(way().walk).toBe("shortest");
    planner.choose("balanced");
    planner.refresh();
    await asked[2]!.answer(two);
    expect(way().walk).toBe("coolest");
  });
});

describe("walks that grow old", () => {
  it("are computed again, unseen, when the heat has moved on by five minutes", async () => {
    await found();
    later(4, 60);
    expect(asked).toHaveLength(1);
    later(5, 1);
    expect(asked).toHaveLength(2);
    expect(way()).toMatchObject({ busy: false, answer: two });
    const next = answerOf(two.features, { at: "2018-07-23T05:05:00.000Z" });
    await asked[1]!.answer(next);
    expect(way().answer).toBe(next);
  });

  it("are left in peace for twenty seconds where the city's clock runs fast", async () => {
    await found();
    later(10, 10);
    later(20, 5);
    expect(asked).toHaveLength(1);
    later(30, 5);
    expect(asked).toHaveLength(2);
  });

  it("are not asked for twice at a time, nor in a tab that nobody sees", async () => {
    await found();
    isSeen = false;
    later(60, 60);
    expect(asked).toHaveLength(1);
    isSeen = true;
    later(61, 60);
    later(62, 60);
    expect(asked).toHaveLength(2);
  });

  it("stay while the service is away", async () => {
    await found();
    later(6, 30);
    await asked[1]!.refuse(new ApiError(0, "", "gone"));
    expect(way()).toMatchObject({ answer: two, refusal: null });
  });
});

describe("what cannot be answered", () => {
  it("about one end asks for that end again", async () => {
    planner.set("from", A);
    planner.set("to", B);
    await asked[0]!.refuse(new ApiError(422, "no-walk-near", "", "from"));
    expect(way()).toMatchObject({ picking: "from", busy: false });
    expect(way().refusal).toEqual({ key: "way_no_walk_near", end: "from", passing: false });
    planner.set("from", C);
    expect(way().refusal).toBeNull();
  });

  it("before the first frame is asked again by itself", async () => {
    planner.set("from", A);
    planner.set("to", B);
    await asked[0]!.refuse(new ApiError(404, "no-frame-yet", ""));
    expect(way().refusal?.key).toBe("way_no_frame");
    nowMs += 1_000;
    store.set({ tick: 1 });
    expect(asked).toHaveLength(1);
    nowMs += 2_500;
    store.set({ tick: 2 });
    expect(asked).toHaveLength(2);
    await asked[1]!.answer(two);
    expect(way()).toMatchObject({ refusal: null, answer: two });
  });

  it.each([
    [422, "outside-the-map", "to", "way_outside", "to", false],
    [422, "unreachable", "to", "way_unreachable", null, false],
    [503, "city-preparing", "", "way_no_frame", null, true],
    [404, "unknown-frame", "frame", "way_no_frame", null, true],
    [0, "", "", "way_offline", null, true],
    [502, "", "", "way_offline", null, true],
    [500, "internal-error", "", "way_failed", null, false],
    [422, "invalid-input", "max_detour", "way_failed", null, false],
  ])("%d %s (%s) is %s", (status, problem, field, key, end, passing) => {
    expect(refusalOf(new ApiError(status, problem, "", field))).toEqual({ key, end, passing });
  });

  it("is told even when it is a fault of the page's own", () => {
    expect(refusalOf(new TypeError("x")).key).toBe("way_failed");
  });
});

describe("a shared address", () => {
  it("is restored with its walk", async () => {
    planner.restore("#from=36.13900,139.38900&to=36.14100,139.39400&walk=shortest");
    expect(way()).toMatchObject({ open: true, walk: "shortest", busy: true });
    await asked[0]!.answer(two);
    expect(way().walk).toBe("shortest");
    // What the page writes itself is no news.
    planner.restore("#from=36.13900,139.38900&to=36.14100,139.39400&walk=shortest");
    expect(asked).toHaveLength(1);
  });

  it("with half a way asks for the other half; without one changes nothing", () => {
    planner.restore("#nothing");
    expect(way().open).toBe(false);
    planner.restore("#to=36.14100,139.39400&from=rubbish");
    expect(way()).toMatchObject({ open: true, from: null, picking: "from" });
    expect(asked).toHaveLength(0);
  });
});
