import { describe, expect, it } from "vitest";
import type { LonLat } from "../src/api";
import { mercator, sample, toUv, type Grid } from "../src/grid";

// Two kilometres round Kumagaya Station, turned a little, as a local metre grid is.
const CORNERS: Grid["corners"] = [
  [139.3779, 36.14803],
  [139.4001, 36.14797],
  [139.4, 36.12996],
  [139.3778, 36.13003],
];

const grid = (data: number[], width: number, height: number): Grid => ({
  image: { width, height, data: Uint8Array.from(data) },
  offset: -20,
  step: 0.25,
  corners: CORNERS,
});

describe("a place in the frame", () => {
  it.each([
    [0, [0, 0]],
    [1, [1, 0]],
    [2, [1, 1]],
    [3, [0, 1]],
  ] as const)("corner %i lies at %o", (corner, [u, v]) => {
    const found = toUv(CORNERS, CORNERS[corner]);
    expect(found[0]).toBeCloseTo(u, 9);
    expect(found[1]).toBeCloseTo(v, 9);
  });

  it("is found again from the point the map draws", () => {
    const [u, v] = [0.37, 0.81];
    const [nw, ne, se, sw] = CORNERS.map(mercator) as [P, P, P, P];
    const at = (i: 0 | 1): number =>
      nw[i] * (1 - u) * (1 - v) + ne[i] * u * (1 - v) + se[i] * u * v + sw[i] * (1 - u) * v;
    const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * at(1)))) * 180) / Math.PI;
    const found = toUv(CORNERS, [at(0) * 360 - 180, lat]);
    expect(found[0]).toBeCloseTo(u, 8);
    expect(found[1]).toBeCloseTo(v, 8);
  });
});

type P = readonly [number, number];

describe("the value at a place", () => {
  const inside: LonLat = [139.38, 36.147];

  it("is offset + step x gray of the cell, rows from the north", () => {
    expect(sample(grid([204, 1, 1, 1], 2, 2), inside)).toEqual({ kind: "value", value: 31 });
    expect(sample(grid([1, 1, 204, 1], 2, 2), [139.38, 36.131])).toEqual({ kind: "value", value: 31 });
  });

  it("is none under a building and outside beyond the edge", () => {
    expect(sample(grid([0, 1, 1, 1], 2, 2), inside)).toEqual({ kind: "none" });
    expect(sample(grid([1, 1, 1, 1], 2, 2), [139.41, 36.14])).toEqual({ kind: "outside" });
    expect(sample(grid([1, 1, 1, 1], 2, 2), [139.39, 36.12])).toEqual({ kind: "outside" });
  });
});
