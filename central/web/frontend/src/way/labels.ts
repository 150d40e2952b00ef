/** Where on the map a walk's label stands: where it is furthest from all other walks, so that it is clear whose label it is. */

import type { LonLat } from "../api";

type Point = readonly [x: number, y: number];

const SAMPLES = 32;
/** Of walks that run together labels stand this share of the walks' reach apart, where there is room. */
const ROOM_SHARE = 0.2;
/** A place nearly as far from the others is as good. */
const NEARLY = 0.8;
/** Where all walks run together, and the markers of both ends stand. */
const ENDS_SHARE = 0.15;
/** About what a label covers, in shares of the walks' reach. */
const WIDTH_SHARE = 0.3;
const HEIGHT_SHARE = 0.08;

/** Places at equal steps along a line, both ends left out: there all walks meet. */
export function along(line: readonly LonLat[], count = SAMPLES): LonLat[] {
  const flat = line.map((place) => flatten(place, line[0]!));
  const reach = [0];
  for (let i = 1; i < flat.length; i++) reach.push(reach[i - 1]! + distance(flat[i - 1]!, flat[i]!));
  const total = reach.at(-1)!;
  const places: LonLat[] = [];
  let i = 1;
  for (let step = 1; step <= count; step++) {
    const wanted = (total * step) / (count + 1);
    while (i < reach.length - 1 && reach[i]! < wanted) i++;
    const [a, b] = [line[i - 1]!, line[i]!];
    const span = reach[i]! - reach[i - 1]!;
    const t = span === 0 ? 0 : (wanted - reach[i - 1]!) / span;
    places.push([a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]);
  }
  return places;
}

export interface Label {
  readonly place: LonLat;
  /** The side it extends to: away from the other walks. */
  readonly side: "left" | "right";
}

/** One label for each line, where it covers as little of the other walks and labels as can be. */
export function labelPlaces(lines: readonly (readonly LonLat[])[]): Label[] {
  const origin = lines[0]?.[0];
  if (origin === undefined) return [];
  const samples = lines.map((line) => along(line));
  const flat = samples.map((places) => places.map((place) => flatten(place, origin)));
  const reach = Math.max(...flat.flat().map((point) => distance(point, [0, 0])));
  const placed: { readonly point: Point; readonly box: Box }[] = [];
  return samples.map((places, mine) => {
    const others = flat.flatMap((points, i) => (i === mine ? [] : points));
    const middle = (places.length - 1) / 2;
    const otherX = others.reduce((sum, [x]) => sum + x, 0) / Math.max(others.length, 1);
    const free = flat[mine]!.flatMap((point, i) => {
      const share = (i + 0.5) / places.length;
      if (share < ENDS_SHARE || share > 1 - ENDS_SHARE) return [];
      const hasRoom = placed.every((label) => distance(point, label.point) >= ROOM_SHARE * reach);
      return [{ i, point, away: nearest(point, others), hasRoom }];
    });
    const roomy = free.some(({ hasRoom }) => hasRoom) ? free.filter(({ hasRoom }) => hasRoom) : free;
    const best = Math.max(...roomy.map(({ away }) => away));
    const options = roomy
      .filter(({ away }) => away === best || away >= NEARLY * best)
      .flatMap(({ i, point }) =>
        (["right", "left"] as const).map((side) => {
          const box = boxOf(point, side, reach);
          const labels = placed.filter((label) => overlap(box, label.box)).length;
          const covered = others.filter((other) => contains(box, other)).length;
          const isInward = side === "right" ? point[0] < otherX : point[0] > otherX;
          // Labels on labels are worst; of equally good places the one nearest the middle is taken, pointing outwards.
          const cost = labels * 100 + covered + (isInward ? 0.5 : 0) + Math.abs(i - middle) / 100;
          return { i, point, side, box, cost };
        }),
      );
    const chosen = options.reduce((a, b) => (b.cost < a.cost ? b : a));
    placed.push(chosen);
    return { place: places[chosen.i]!, side: chosen.side };
  });
}

interface Box {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

function boxOf([x, y]: Point, side: Label["side"], reach: number): Box {
  const [width, half] = [WIDTH_SHARE * reach, (HEIGHT_SHARE * reach) / 2];
  const west = side === "right" ? x : x - width;
  return { west, east: west + width, south: y - half, north: y + half };
}

const overlap = (a: Box, b: Box): boolean =>
  a.west < b.east && b.west < a.east && a.south < b.north && b.south < a.north;

const contains = ({ west, east, south, north }: Box, [x, y]: Point): boolean =>
  x >= west && x <= east && y >= south && y <= north;

const nearest = (point: Point, others: readonly Point[]): number =>
  Math.min(...others.map((other) => distance(point, other)));

const distance = ([ax, ay]: Point, [bx, by]: Point): number => Math.hypot(ax - bx, ay - by);

/** Degrees to a plane of equal units round a place. */
const flatten = ([lon, lat]: LonLat, [lon0, lat0]: LonLat): Point => [
  (lon - lon0) * Math.cos((lat0 * Math.PI) / 180),
  lat - lat0,
];
