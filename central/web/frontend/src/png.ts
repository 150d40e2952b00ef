/**
 * Decodes the service's 8-bit gray PNG to its bytes.
 *
 * Not through a canvas: browsers may apply colour profiles there, and privacy modes add noise to what is read back;
 * these bytes are measurements. Format: W3C PNG Specification (third edition), chapters 5, 9 and 11.
 */

export interface GrayImage {
  readonly width: number;
  readonly height: number;
  /** Row by row from the north-west corner, one byte a cell. */
  readonly data: Uint8Array<ArrayBuffer>;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CELLS_MAX = 64_000_000;

/** Throws an Error naming what is wrong when the bytes are not an 8-bit, non-interlaced gray PNG. */
export async function decodeGrayPng(bytes: Uint8Array<ArrayBuffer>): Promise<GrayImage> {
  if (bytes.length < 33 || SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error("not a PNG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let width = 0;
  let height = 0;
  const compressed: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const start = at + 8;
    if (start + length + 4 > bytes.length) throw new Error(`PNG ends inside its ${type} chunk`);
    if (type === "IHDR") {
      width = view.getUint32(start);
      height = view.getUint32(start + 4);
      const [depth, colour, , , interlace] = bytes.subarray(start + 8, start + 13);
      if (depth !== 8 || colour !== 0 || interlace !== 0) {
        throw new Error(
          `PNG is not 8-bit gray: depth ${depth}, colour type ${colour}, interlace ${interlace}`,
        );
      }
    } else if (type === "IDAT") {
      compressed.push(bytes.subarray(start, start + length));
    } else if (type === "IEND") {
      break;
    }
    at = start + length + 4;
  }
  if (width === 0 || height === 0 || width * height > CELLS_MAX) {
    throw new Error(`PNG of ${width} x ${height} cells`);
  }
  const filtered = await inflate(compressed);
  if (filtered.length !== (width + 1) * height) {
    throw new Error(`PNG holds ${filtered.length} bytes, expected ${(width + 1) * height}`);
  }
  return { width, height, data: unfilter(filtered, width, height) };
}

async function inflate(parts: readonly Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  const stream = new Blob([...parts]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unfilter(filtered: Uint8Array, width: number, height: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const filter = filtered[row * (width + 1)]!;
    const from = row * (width + 1) + 1;
    const to = row * width;
    for (let x = 0; x < width; x++) {
      const left = x > 0 ? out[to + x - 1]! : 0;
      const up = row > 0 ? out[to + x - width]! : 0;
      const upLeft = x > 0 && row > 0 ? out[to + x - width - 1]! : 0;
      out[to + x] = filtered[from + x]! + predict(filter, left, up, upLeft);
    }
  }
  return out;
}

function predict(filter: number, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 0:
      return 0;
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const p = left + up - upLeft;
      const toLeft = Math.abs(p - left);
      const toUp = Math.abs(p - up);
      const toUpLeft = Math.abs(p - upLeft);
      if (toLeft <= toUp && toLeft <= toUpLeft) return left;
      return toUp <= toUpLeft ? up : upLeft;
    }
    default:
      throw new Error(`PNG row filter ${filter} is unknown`);
  }
}
