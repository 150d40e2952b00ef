/** Loads pictures of frames one at a time; when several are asked for meanwhile, only the last is loaded next. */

import { fetchPng, type Frame, type LayerName } from "./api";
import { makeGrid } from "./grid";
import { decodeGrayPng } from "./png";
import type { Shown } from "./store";

interface Wanted {
  readonly frame: Frame;
  readonly layer: LayerName;
}

export class FrameLoader {
  private loading = false;
  private wanted: Wanted | null = null;

  constructor(
    private readonly onShown: (shown: Shown) => void,
    private readonly onBusy: (busy: boolean) => void,
    /** Resolves when the next picture may be loaded: at once, or later to spare a phone's data. */
    private readonly mayLoad: () => Promise<void> = () => Promise.resolve(),
    private readonly fetchBytes: (address: string) => Promise<Uint8Array<ArrayBuffer>> = fetchPng,
  ) {}

  want(frame: Frame, layer: LayerName): void {
    this.wanted = { frame, layer };
    if (!this.loading) void this.work();
  }

  private async work(): Promise<void> {
    this.loading = true;
    this.onBusy(true);
    while (this.wanted !== null) {
      await this.mayLoad();
      const { frame, layer } = this.wanted;
      this.wanted = null;
      const about = frame.layers[layer];
      if (about === undefined) continue;
      try {
        const image = await decodeGrayPng(await this.fetchBytes(about.png));
        this.onShown({ frame, layer, grid: makeGrid(image, about, frame.corners) });
      } catch (error) {
        // The old picture stays, with its own time on it; the next frame tries again.
        console.warn(`frame ${frame.id}, layer ${layer}:`, error);
      }
    }
    this.loading = false;
    this.onBusy(false);
  }
}
