/** Where on the map a walk's label stands: where it is furthest from all other walks, so that it is clear whose label it is. */

import type { LonLat } from "../api";

type Point = readonly [x: number, y: number];

const SAMPLES = 32;
const ROOM_SHARE = 0.2;
const NEARLY = 0.9;
/** Where all walks run together, and the markers of both ends stand. */
const ENDS_SHARE = 0.15;

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

/** One label for each line; labels keep a fifth of the walks' reach between them where there is room. */
export function labelPlaces(lines: readonly (readonly LonLat[])[]): Label[] {
  const origin = lines[0]?.[0];
  if (origin === undefined) return [];
  const samples = lines.map((line) => along(line));
  const flat = samples.map((places) => places.map((place) => flatten(place, origin)));
  const gap = ROOM_SHARE * Math.max(...flat.flat().map((point) => distance(point, [0, 0])));
  const placed: Point[] = [];
  return samples.map((places, mine) => {
    const others = flat.flatMap((points, i) => (i === mine ? [] : points));
    const middle = (places.length - 1) / 2;
    const candidates = flat[mine]!.flatMap((point, i) => {
      const share = (i + 0.5) / places.length;
      if (share < ENDS_SHARE || share > 1 - ENDS_SHARE) return [];
      return [{ i, point, away: nearest(point, others), hasRoom: nearest(point, placed) >= gap }];
    });
    const free = candidates.some(({ hasRoom }) => hasRoom)
      ? candidates.filter(({ hasRoom }) => hasRoom)
      : candidates;
    const best = Math.max(...free.map(({ away }) => away));
    // Of nearly equally good ones the one nearest the middle.
    const good = free.filter(({ away }) => away === best || away >= NEARLY * best);
    const chosen = good.reduce((a, b) => (Math.abs(b.i - middle) < Math.abs(a.i - middle) ? b : a));
    placed.push(chosen.point);
    const [x] = others.reduce<Point>(
      (a, b) => (distance(b, chosen.point) < distance(a, chosen.point) ? b : a),
      others[0] ?? chosen.point,
    );
    return { place: places[chosen.i]!, side: chosen.point[0] < x ? "left" : "right" };
  });
}

const nearest = (point: Point, others: readonly Point[]): number =>
  Math.min(...others.map((other) => distance(point, other)));

const distance = ([ax, ay]: Point, [bx, by]: Point): number => Math.hypot(ax - bx, ay - by);

/** Degrees to a plane of equal units round a place. */
const flatten = ([lon, lat]: LonLat, [lon0, lat0]: LonLat): Point => [
  (lon - lon0) * Math.cos((lat0 * Math.PI) / 180),
  lat - lat0,
];
