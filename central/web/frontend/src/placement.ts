/** Where each station's label goes round its point, so that labels that stand close do not cover one another. */

export type Side = "above" | "below" | "right" | "left";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const SIDES: readonly Side[] = ["above", "below", "right", "left"];

/** Centre of a label at one side of its point, in pixels from the point. */
export function labelOffset(side: Side, size: Size, gap: number): Point {
  switch (side) {
    case "above":
      return { x: 0, y: -(size.height / 2 + gap) };
    case "below":
      return { x: 0, y: size.height / 2 + gap };
    case "right":
      return { x: size.width / 2 + gap, y: 0 };
    case "left":
      return { x: -(size.width / 2 + gap), y: 0 };
  }
}

/**
 * A side for each point, in the points' order: the first that covers the least of the labels placed before.
 * Greedy, which is plenty for a handful of stations.
 */
export function placeLabels(points: readonly Point[], size: Size, gap: number): Side[] {
  const placed: Point[] = [];
  return points.map((point) => {
    let best: { side: Side; centre: Point; covered: number } | null = null;
    for (const side of SIDES) {
      const offset = labelOffset(side, size, gap);
      const centre = { x: point.x + offset.x, y: point.y + offset.y };
      const covered = placed.reduce((sum, other) => sum + overlap(centre, other, size), 0);
      if (best === null || covered < best.covered) best = { side, centre, covered };
    }
    placed.push(best!.centre);
    return best!.side;
  });
}

/** Shared area of two labels of one size, in square pixels. */
function overlap(a: Point, b: Point, size: Size): number {
  const width = size.width - Math.abs(a.x - b.x);
  const height = size.height - Math.abs(a.y - b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
