import { deflateSync } from "node:zlib";
import { expect, it, vi } from "vitest";
import type { Frame } from "../src/api";
import { FrameLoader } from "../src/frames";

function onePixel(gray: number): Uint8Array<ArrayBuffer> {
  const packed = deflateSync(Uint8Array.from([0, gray]));
  const ihdr = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
  const chunk = (type: string, data: readonly number[]): number[] => [
    ...[0, 0, 0, data.length],
    ...[...type].map((c) => c.charCodeAt(0)),
    ...data,
    ...[0, 0, 0, 0],
  ];
  const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  return Uint8Array.from([
    ...signature,
    ...chunk("IHDR", ihdr),
    ...chunk("IDAT", [...packed]),
    ...chunk("IEND", []),
  ]);
}

const frame = (id: string): Frame =>
  ({ id, corners: [], layers: { wbgt: { png: id, offset: -20, step: 0.25 } } }) as unknown as Frame;

it("loads one picture at a time and skips to the newest", async () => {
  const asked: string[] = [];
  const shown: string[] = [];
  const doors: (() => void)[] = [];
  const loader = new FrameLoader(
    ({ frame: { id } }) => shown.push(id),
    () => undefined,
    () => Promise.resolve(),
    (address) => {
      asked.push(address);
      return new Promise((resolve) => doors.push(() => resolve(onePixel(204))));
    },
  );
  loader.want(frame("a"), "wbgt");
  await vi.waitFor(() => expect(doors).toHaveLength(1));
  loader.want(frame("b"), "wbgt");
  loader.want(frame("c"), "wbgt");
  doors[0]!();
  await vi.waitFor(() => expect(doors).toHaveLength(2));
  doors[1]!();
  await vi.waitFor(() => expect(shown).toEqual(["a", "c"]));
  expect(asked).toEqual(["a", "c"]);
});

it("keeps the old picture when one cannot be loaded, and goes on", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const shown: string[] = [];
  const busy: boolean[] = [];
  const loader = new FrameLoader(
    ({ frame: { id } }) => shown.push(id),
    (state) => busy.push(state),
    () => Promise.resolve(),
    (address) => (address === "bad" ? Promise.reject(new Error("gone")) : Promise.resolve(onePixel(1))),
  );
  loader.want(frame("bad"), "wbgt");
  await vi.waitFor(() => expect(busy).toEqual([true, false]));
  loader.want(frame("good"), "wbgt");
  await vi.waitFor(() => expect(shown).toEqual(["good"]));
  expect(warn).toHaveBeenCalledOnce();
  warn.mockRestore();
});

it("loads nothing until it may, and then only the newest", async () => {
  let open = (): void => undefined;
  const asked: string[] = [];
  const loader = new FrameLoader(
    () => undefined,
    () => undefined,
    () => new Promise((resolve) => (open = resolve)),
    (address) => {
      asked.push(address);
      return Promise.resolve(onePixel(1));
    },
  );
  loader.want(frame("a"), "wbgt");
  loader.want(frame("b"), "wbgt");
  await Promise.resolve();
  expect(asked).toEqual([]);
  open();
  await vi.waitFor(() => expect(asked).toEqual(["b"]));
});
