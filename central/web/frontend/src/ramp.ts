/** Value to colour for each heat layer. Fixed ranges: a colour means the same at noon and at midnight. */

import type { LayerName } from "./api";
import { mix, parseHex, type Rgb } from "./colour";

/** One stretch of the scale; colours run smoothly inside it and jump where the next begins. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly start: string;
  readonly end: string;
  /** Key of the stretch's name, when it has one. */
  readonly name?: SegmentName;
}

export type SegmentName =
  | "caution"
  | "warning"
  | "severe_warning"
  | "danger"
  | "utci_none"
  | "utci_moderate"
  | "utci_strong"
  | "utci_very_strong"
  | "utci_extreme"
  | "shade"
  | "sun";

export interface Ramp {
  readonly segments: readonly Segment[];
  /** Named segments are drawn equally wide in the legend; unnamed ones to scale. */
  readonly equalWidths: boolean;
  readonly decimals: number;
  readonly unit: string;
}

export const RAMPS: Readonly<Record<LayerName, Ramp>> = {
  wbgt: {
    equalWidths: true,
    decimals: 1,
    unit: "°C",
    segments: [
      { from: 19, to: 25, start: "#d3e8f8", end: "#86bbe6", name: "caution" },
      { from: 25, to: 28, start: "#fbeea0", end: "#f1c92c", name: "warning" },
      { from: 28, to: 31, start: "#f8b25c", end: "#e2701a", name: "severe_warning" },
      { from: 31, to: 36, start: "#d9443f", end: "#6d0a2b", name: "danger" },
    ],
  },
  // Categories of the UTCI assessment scale (Bröde et al. 2012).
  utci: {
    equalWidths: true,
    decimals: 1,
    unit: "°C",
    segments: [
      { from: 9, to: 26, start: "#d4ece6", end: "#8cc7bb", name: "utci_none" },
      { from: 26, to: 32, start: "#faecab", end: "#f0cb50", name: "utci_moderate" },
      { from: 32, to: 38, start: "#f6b266", end: "#e37c2d", name: "utci_strong" },
      { from: 38, to: 46, start: "#d9503f", end: "#a51f3d", name: "utci_very_strong" },
      { from: 46, to: 54, start: "#84174a", end: "#430a3c", name: "utci_extreme" },
    ],
  },
  // Shade lies near the air's temperature and sun some 25 K above: cool colours turn to warm ones between the two.
  tmrt: {
    equalWidths: false,
    decimals: 0,
    unit: "°C",
    segments: [
      { from: 15, to: 30, start: "#27508f", end: "#5a99cf" },
      { from: 30, to: 45, start: "#5a99cf", end: "#a9d8c4" },
      { from: 45, to: 52, start: "#a9d8c4", end: "#f6dd6b" },
      { from: 52, to: 62, start: "#f6dd6b", end: "#e77e2c" },
      { from: 62, to: 75, start: "#e77e2c", end: "#8a1134" },
    ],
  },
  // Hours of today at a WBGT and above.
  hours: {
    equalWidths: false,
    decimals: 1,
    unit: "h",
    segments: [
      { from: 0, to: 2, start: "#f4f1e6", end: "#fbe6a0" },
      { from: 2, to: 4, start: "#fbe6a0", end: "#f5b95a" },
      { from: 4, to: 8, start: "#f5b95a", end: "#d2572c" },
      { from: 8, to: 14, start: "#d2572c", end: "#5f0f2e" },
    ],
  },
  shadow: {
    equalWidths: true,
    decimals: 2,
    unit: "",
    segments: [
      { from: 0, to: 0.5, start: "#3a5a8c", end: "#93a9bf", name: "shade" },
      { from: 0.5, to: 1, start: "#93a9bf", end: "#ffe08a", name: "sun" },
    ],
  },
};

function segmentOf(ramp: Ramp, value: number): { index: number; segment: Segment; t: number } {
  const last = ramp.segments.length - 1;
  let index = 0;
  while (index < last && value >= ramp.segments[index + 1]!.from) index++;
  const segment = ramp.segments[index]!;
  const t = Math.min(Math.max((value - segment.from) / (segment.to - segment.from), 0), 1);
  return { index, segment, t };
}

/** Values beyond the ends take the colour of the end. */
export function colourAt(ramp: Ramp, value: number): Rgb {
  const { segment, t } = segmentOf(ramp, value);
  return mix(parseHex(segment.start), parseHex(segment.end), t);
}

export function segmentNameAt(ramp: Ramp, value: number): SegmentName | null {
  return segmentOf(ramp, value).segment.name ?? null;
}

/** Where a value stands along the legend's bar, 0..1. */
export function positionOf(ramp: Ramp, value: number): number {
  const { index, segment, t } = segmentOf(ramp, value);
  if (ramp.equalWidths) return (index + t) / ramp.segments.length;
  const first = ramp.segments[0]!.from;
  const span = ramp.segments.at(-1)!.to - first;
  return (segment.from + t * (segment.to - segment.from) - first) / span;
}

/** RGBA for each of the 256 gray levels of a frame; level 0 means "no value" and is transparent. */
export function lookupTable(ramp: Ramp, offset: number, step: number): Uint8Array<ArrayBuffer> {
  const table = new Uint8Array(256 * 4);
  for (let gray = 1; gray < 256; gray++) {
    table.set([...colourAt(ramp, offset + step * gray), 255], gray * 4);
  }
  return table;
}
