import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodeGrayPng } from "../src/png";

const bytes = (...parts: readonly (readonly number[])[]): number[] => parts.flat();
const uint32 = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const chunk = (type: string, data: readonly number[]): number[] =>
  bytes(
    uint32(data.length),
    [...type].map((c) => c.charCodeAt(0)),
    data,
    [0, 0, 0, 0],
  );

/** A PNG of rows that are filtered already, each with its filter type in front. */
function png(
  width: number,
  rows: readonly (readonly number[])[],
  change: { depth?: number; parts?: number } = {},
) {
  const packed = [...deflateSync(Uint8Array.from(rows.flat()))];
  const cut = Math.ceil(packed.length / (change.parts ?? 1));
  const data: number[][] = [];
  for (let i = 0; i < packed.length; i += cut) data.push(chunk("IDAT", packed.slice(i, i + cut)));
  return Uint8Array.from(
    bytes(
      [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
      chunk("IHDR", bytes(uint32(width), uint32(rows.length), [change.depth ?? 8, 0, 0, 0, 0])),
      chunk("tEXt", [65, 0, 66]),
      ...data,
      chunk("IEND", []),
    ),
  );
}

describe("a gray PNG", () => {
  it("gives back every cell, whatever filter each row uses", async () => {
    // Worked by hand: each row decodes to 10 20 30 shifted by its number.
    const image = await decodeGrayPng(
      png(3, [
        [0, 10, 20, 30],
        [1, 11, 10, 10],
        [2, 1, 1, 1],
        [3, 7, 6, 6],
        [4, 1, 1, 1],
      ]),
    );
    expect([image.width, image.height]).toEqual([3, 5]);
    expect([...image.data]).toEqual([10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33, 14, 24, 34]);
  });

  it("wraps round at 256, as the filters do", async () => {
    const image = await decodeGrayPng(
      png(2, [
        [0, 250, 5],
        [2, 10, 252],
      ]),
    );
    expect([...image.data]).toEqual([250, 5, 4, 1]);
  });

  it("may come in several data chunks", async () => {
    const image = await decodeGrayPng(png(2, [[0, 7, 9]], { parts: 4 }));
    expect([...image.data]).toEqual([7, 9]);
  });

  it.each([
    ["something else", Uint8Array.from(Array<number>(40).fill(1)), /not a PNG/],
    ["sixteen bits", png(1, [[0, 0]], { depth: 16 }), /not 8-bit gray/],
    ["a file cut short", png(2, [[0, 7, 9]]).slice(0, 45), /ends inside/],
    ["too few rows", png(3, [[0, 1, 2]]), /holds 3 bytes, expected 4/],
    ["an unknown filter", png(1, [[9, 1]]), /filter 9/],
  ])("is refused when it is %s", async (_, file, message) => {
    await expect(decodeGrayPng(file)).rejects.toThrow(message);
  });
});
