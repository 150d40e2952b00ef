import { expect, it, vi } from "vitest";

vi.mock("maplibre-gl", () => ({ Map: class {}, setWorkerUrl: () => undefined }));
vi.mock("maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url", () => ({ default: "" }));
const { paddingWithin } = await import("../src/map");

it("keeps what the panels cover, but at least half of a small map", () => {
  const panels = { top: 116, right: 44, bottom: 180, left: 44 };
  expect(paddingWithin(panels, 390, 700)).toEqual(panels);
  const short = paddingWithin(panels, 360, 320);
  expect(short.top + short.bottom).toBeCloseTo(160);
  expect(short.top / short.bottom).toBeCloseTo(116 / 180);
  expect(short.left).toBe(44);
});
