import { describe, expect, it } from "vitest";
import { labelOffset, placeLabels, type Point } from "../src/placement";

const SIZE = { width: 60, height: 30 };
const GAP = 8;

const boxes = (points: readonly Point[]): Point[] =>
  placeLabels(points, SIZE, GAP).map((side, i) => {
    const { x, y } = labelOffset(side, SIZE, GAP);
    return { x: points[i]!.x + x, y: points[i]!.y + y };
  });

describe("labels", () => {
  it("stand above their points where there is room", () => {
    expect(
      placeLabels(
        [
          { x: 0, y: 0 },
          { x: 200, y: 0 },
        ],
        SIZE,
        GAP,
      ),
    ).toEqual(["above", "above"]);
  });

  it("make room for those placed before", () => {
    expect(
      placeLabels(
        [
          { x: 0, y: 0 },
          { x: 10, y: 2 },
        ],
        SIZE,
        GAP,
      ),
    ).toEqual(["above", "below"]);
  });

  it("hide next to nothing of one another when three stand close together", () => {
    const placed = boxes([
      { x: 100, y: 100 },
      { x: 112, y: 104 },
      { x: 118, y: 98 },
    ]);
    placed.forEach((a, i) =>
      placed.slice(i + 1).forEach((b) => {
        const width = Math.max(0, SIZE.width - Math.abs(a.x - b.x));
        const height = Math.max(0, SIZE.height - Math.abs(a.y - b.y));
        expect((width * height) / (SIZE.width * SIZE.height)).toBeLessThan(0.1);
      }),
    );
  });
});
