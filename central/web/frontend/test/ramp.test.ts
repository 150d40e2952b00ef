import { describe, expect, it } from "vitest";
import type { LayerName } from "../src/api";
import { BAND_COLOUR, BANDS, bandOf } from "../src/bands";
import { contrast, fromOklab, mix, parseHex, toOklab } from "../src/colour";
import { colourAt, lookupTable, positionOf, RAMPS, segmentNameAt } from "../src/ramp";

const LAYERS = Object.keys(RAMPS) as LayerName[];

describe("the bands", () => {
  it("begin at 25, 28 and 31, the bound belonging to the hotter one", () => {
    expect([24.99, 25, 27.99, 28, 30.99, 31].map(bandOf)).toEqual([
      "caution",
      "warning",
      "warning",
      "severe_warning",
      "severe_warning",
      "danger",
    ]);
  });

  it.each(BANDS)("%s is readable on its own colour (WCAG AA)", (band) => {
    const { fill, ink } = BAND_COLOUR[band];
    expect(contrast(parseHex(fill), parseHex(ink))).toBeGreaterThanOrEqual(4.5);
  });

  it("grow darker from warning to danger, so that they differ without hue", () => {
    const light = (["warning", "severe_warning", "danger"] as const).map(
      (b) => toOklab(parseHex(BAND_COLOUR[b].fill))[0],
    );
    expect(light[0]! - light[1]!).toBeGreaterThan(0.1);
    expect(light[1]! - light[2]!).toBeGreaterThan(0.1);
  });
});

// Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
const VISION: Readonly<Record<string, readonly (readonly [number, number, number])[]>> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

describe.each(Object.entries(VISION))("to eyes with %s", (_, matrix) => {
  const linear = (b: number): number => (b <= 10.31475 ? b / 3294.6 : ((b / 255 + 0.055) / 1.055) ** 2.4);
  const encoded = (x: number): number =>
    255 * (x <= 0.0031308 ? 12.92 * Math.max(x, 0) : 1.055 * Math.min(x, 1) ** (1 / 2.4) - 0.055);
  const seen = (hex: string) => {
    const rgb = parseHex(hex).map(linear);
    const [r, g, b] = matrix.map((row) => encoded(row[0] * rgb[0]! + row[1] * rgb[1]! + row[2] * rgb[2]!));
    return toOklab([r!, g!, b!]);
  };

  it("no two bands look alike", () => {
    const colours = BANDS.map((band) => seen(BAND_COLOUR[band].fill));
    colours.forEach((a, i) =>
      colours.slice(i + 1).forEach((b) => {
        // In OKLab 0.02 is about the least difference that is noticed; ask for six times that.
        expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(0.12);
      }),
    );
  });
});

describe("colours", () => {
  it("survive the way to OKLab and back", () => {
    for (const hex of ["#000000", "#ffffff", "#b3192f", "#9cc9ee", "#f5d33f"]) {
      expect(fromOklab(toOklab(parseHex(hex)))).toEqual(parseHex(hex));
    }
  });

  it("mix from one end to the other", () => {
    const [a, b] = [parseHex("#102030"), parseHex("#f0e0d0")];
    expect(mix(a, b, 0)).toEqual(a);
    expect(mix(a, b, 1)).toEqual(b);
  });

  it("have the contrast WCAG gives", () => {
    expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 6);
    expect(contrast(parseHex("#777777"), [255, 255, 255])).toBeCloseTo(4.48, 2);
  });
});

describe.each(LAYERS)("the ramp of %s", (layer) => {
  const ramp = RAMPS[layer];

  it("has segments that touch", () => {
    for (let i = 1; i < ramp.segments.length; i++) {
      expect(ramp.segments[i]!.from).toBe(ramp.segments[i - 1]!.to);
    }
  });

  it("keeps the end colours beyond its ends", () => {
    const [first, last] = [ramp.segments[0]!, ramp.segments.at(-1)!];
    expect(colourAt(ramp, first.from - 100)).toEqual(parseHex(first.start));
    expect(colourAt(ramp, last.to + 100)).toEqual(parseHex(last.end));
  });

  it("places values along the legend in order, from 0 to 1", () => {
    const [from, to] = [ramp.segments[0]!.from, ramp.segments.at(-1)!.to];
    const places = Array.from({ length: 41 }, (_, i) => positionOf(ramp, from + ((to - from) * i) / 40));
    expect(places[0]).toBe(0);
    expect(places[40]).toBe(1);
    for (let i = 1; i < places.length; i++) expect(places[i]!).toBeGreaterThan(places[i - 1]!);
  });
});

describe("the table for the shader", () => {
  it("leaves gray 0 clear and colours every other level by its value", () => {
    const table = lookupTable(RAMPS.wbgt, -20, 0.25);
    expect([...table.slice(0, 4)]).toEqual([0, 0, 0, 0]);
    // 31.0 degC is gray 204: the first level of "danger".
    expect([...table.slice(204 * 4, 204 * 4 + 4)]).toEqual([...parseHex(RAMPS.wbgt.segments[3]!.start), 255]);
    expect(segmentNameAt(RAMPS.wbgt, -20 + 0.25 * 203)).toBe("severe_warning");
  });
});
