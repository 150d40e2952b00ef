import { describe, expect, it } from "vitest";
import type { LonLat } from "../../src/api";
import { along, labelPlaces } from "../../src/way/labels";

const start: LonLat = [139.38, 36.13];
const goal: LonLat = [139.38, 36.15];
const by = (lon: number): LonLat[] => [start, [lon, 36.135], [lon, 36.145], goal];

describe("places along a line", () => {
  it("lie at equal steps, without the ends", () => {
    const places = along([start, [139.38, 36.131], goal], 3);
    expect(places.map(([, lat]) => lat.toFixed(4))).toEqual(["36.1350", "36.1400", "36.1450"]);
  });

  it("of a walk to where one stands are that place", () => {
    expect(along([start, start], 2)).toEqual([start, start]);
  });
});

describe("labels", () => {
  it("stand where a walk is far from the others, and point away from them", () => {
    const [west, east] = labelPlaces([by(139.375), by(139.385)]);
    expect(west!.place[0]).toBeCloseTo(139.375, 3);
    expect(west!.side).toBe("left");
    expect(east!.place[0]).toBeCloseTo(139.385, 3);
    expect(east!.side).toBe("right");
  });

  it("of walks that run together keep apart and leave the ends free", () => {
    const labels = labelPlaces([by(139.375), by(139.375), by(139.375)]);
    const lats = labels.map(({ place: [, lat] }) => lat).sort();
    expect(lats[1]! - lats[0]!).toBeGreaterThan(0.003);
    expect(lats[2]! - lats[1]!).toBeGreaterThan(0.003);
    for (const lat of lats) expect(Math.min(lat - 36.13, 36.15 - lat)).toBeGreaterThan(0.001);
  });

  it("do not lie on each other where a walk passes above another", () => {
    const steps: LonLat[] = [start, [139.38, 36.14], [139.385, 36.14], [139.385, 36.15], [139.39, 36.15]];
    const above: LonLat[] = [start, [139.38, 36.15], [139.39, 36.15]];
    const across: LonLat[] = [start, [139.38, 36.145], [139.387, 36.145], [139.387, 36.15], [139.39, 36.15]];
    const labels = labelPlaces([above, across, steps]);
    const spans = labels.map(
      ({ place: [lon, lat], side }) => [side === "left" ? lon - 0.007 : lon, lat] as const,
    );
    for (const [i, [west, lat]] of spans.entries())
      for (const [otherWest, otherLat] of spans.slice(i + 1))
        expect(Math.abs(west - otherWest) > 0.007 || Math.abs(lat - otherLat) > 0.0015).toBe(true);
  });

  it("of a single walk stands in its middle", () => {
    expect(labelPlaces([[start, goal]])[0]!.place[1]).toBeCloseTo(36.14, 3);
    expect(labelPlaces([])).toEqual([]);
  });
});
