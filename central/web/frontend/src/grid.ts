/** One decoded layer of a frame: which cell lies under a place, and what value it holds. */

import type { FrameLayer, LonLat } from "./api";
import type { GrayImage } from "./png";

export interface Grid {
  readonly image: GrayImage;
  readonly offset: number;
  readonly step: number;
  readonly corners: readonly [LonLat, LonLat, LonLat, LonLat];
}

export const makeGrid = (image: GrayImage, layer: FrameLayer, corners: Grid["corners"]): Grid => ({
  image,
  offset: layer.offset,
  step: layer.step,
  corners,
});

/** Web Mercator of a place, world 0..1, y to the south (what the map draws in). */
export function mercator([lon, lat]: LonLat): readonly [x: number, y: number] {
  const phi = (lat * Math.PI) / 180;
  return [(lon + 180) / 360, 0.5 - Math.log(Math.tan(Math.PI / 4 + phi / 2)) / (2 * Math.PI)];
}

/**
 * Place to (u, v), both 0..1 inside the frame, u to the east and v to the south: the inverse of the bilinear patch
 * through the four corners, by Newton's method (the patch is nearly a rectangle, so three rounds are exact).
 */
export function toUv(corners: Grid["corners"], place: LonLat): readonly [u: number, v: number] {
  const [nw, ne, se, sw] = corners.map(mercator) as [P, P, P, P];
  const [px, py] = mercator(place);
  let u = 0.5;
  let v = 0.5;
  for (let round = 0; round < 3; round++) {
    const at = (i: 0 | 1): number =>
      nw[i] * (1 - u) * (1 - v) + ne[i] * u * (1 - v) + se[i] * u * v + sw[i] * (1 - u) * v;
    const du = (i: 0 | 1): number => (ne[i] - nw[i]) * (1 - v) + (se[i] - sw[i]) * v;
    const dv = (i: 0 | 1): number => (sw[i] - nw[i]) * (1 - u) + (se[i] - ne[i]) * u;
    const [a, b, c, d] = [du(0), dv(0), du(1), dv(1)];
    const [ex, ey] = [px - at(0), py - at(1)];
    const det = a * d - b * c;
    u += (d * ex - b * ey) / det;
    v += (a * ey - c * ex) / det;
  }
  return [u, v];
}

type P = readonly [number, number];

export type Sample =
  { readonly kind: "value"; readonly value: number } | { readonly kind: "none" | "outside" };

/** The value of the cell under a place; "none" under a building, "outside" beyond the frame. */
export function sample(grid: Grid, place: LonLat): Sample {
  const [u, v] = toUv(grid.corners, place);
  if (!(u >= 0 && u < 1 && v >= 0 && v < 1)) return { kind: "outside" };
  const { width, height, data } = grid.image;
  const gray = data[Math.floor(v * height) * width + Math.floor(u * width)] ?? 0;
  return gray === 0 ? { kind: "none" } : { kind: "value", value: grid.offset + grid.step * gray };
}
