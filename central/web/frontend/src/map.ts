/** The map itself: ground, heat, buildings, and (on request, online only) the GSI street map. */

import {
  Map as MapLibreMap,
  setWorkerUrl,
  type GeoJSONSource,
  type LngLatBoundsLike,
  type PaddingOptions,
  type StyleSpecification,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Bounds, City, Station } from "./api";
import { HeatLayer } from "./heatLayer";
import type { Theme } from "./store";

setWorkerUrl(workerUrl);

const GSI_TILES = "https://cyberjapandata.gsi.go.jp/xyz/pale/{z}/{x}/{y}.png";
const GSI_PATIENCE_MS = 5_000;
// The world is one tile of this size at zoom 0.
const TILE_PX = 512;
const TILT_DEG = 52;
const ZOOM_OF_A_WALK = 17;
// Of the free map: smaller things are looked at from nearer.
const TINY_SHARE = 0.35;
// Around the area: enough to move it out from under the panels, not enough to get lost.
const MARGIN_SHARE = 0.6;

const PAINT = {
  light: { ground: "#e9e5dc", flat: "#c9c3b6", outline: "#aaa394", solid: "#d8d2c6" },
  dark: { ground: "#14181d", flat: "#2c343d", outline: "#48535f", solid: "#3a444f" },
} as const;

const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

function makeStyle(theme: Theme): StyleSpecification {
  const paint = PAINT[theme];
  // No glyphs and no sprite: the page needs no server but its own.
  return {
    version: 8,
    sources: { buildings: { type: "geojson", data: EMPTY, tolerance: 0.2 } },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": paint.ground } },
      {
        id: "buildings-flat",
        type: "fill",
        source: "buildings",
        paint: { "fill-color": paint.flat, "fill-outline-color": paint.outline },
      },
      {
        id: "buildings-solid",
        type: "fill-extrusion",
        source: "buildings",
        layout: { visibility: "none" },
        paint: {
          "fill-extrusion-color": paint.solid,
          "fill-extrusion-height": ["coalesce", ["get", "height_m"], 6],
          "fill-extrusion-opacity": 0.94,
          "fill-extrusion-vertical-gradient": true,
        },
      },
    ],
    light: { anchor: "map", position: [1.4, 160, 40], intensity: 0.28 },
  };
}

export class CityMap {
  readonly map: MapLibreMap;
  readonly heat = new HeatLayer();
  readonly loaded: Promise<void>;
  private home: LngLatBoundsLike | null = null;
  /** Width of the area as a share of the world's. */
  private areaShare = 1;

  /** Throws when the browser has no WebGL2. */
  constructor(
    container: HTMLElement,
    theme: Theme,
    private readonly reducedMotion: boolean,
    private readonly panels: PaddingOptions,
  ) {
    this.map = new MapLibreMap({
      container,
      style: makeStyle(theme),
      center: [139.389, 36.139],
      zoom: 14.5,
      minZoom: 11,
      maxZoom: 19.5,
      maxPitch: 65,
      attributionControl: false,
      dragRotate: true,
      fadeDuration: 0,
    });
    this.map.touchPitch.enable();
    this.loaded = new Promise((resolve) => {
      this.map.once("load", () => {
        this.map.addLayer(this.heat, "buildings-flat");
        resolve();
      });
    });
  }

  /** Bounds of the area become the fence; the first view shows all the stations. */
  setHome(city: City, stations: readonly Station[]): void {
    this.areaShare = (city.bounds.east - city.bounds.west) / 360;
    this.map.setMaxBounds(widened(city.bounds));
    this.home = around(stations) ?? toBounds(city.bounds);
    this.goHome(false);
  }

  goHome(animate = true): void {
    if (this.home === null) return;
    const camera = this.map.cameraForBounds(this.home, { padding: this.panels, bearing: 0 });
    if (camera?.zoom === undefined || camera.center === undefined) return;
    const zoom = Math.max(camera.zoom, this.zoomThatFillsWidth());
    this.map.easeTo({ ...camera, center: camera.center, zoom, bearing: 0, animate: this.moves(animate) });
  }

  /** Shows a whole rectangle, but only when some of it is out of sight or under the panels, or when it is tiny. */
  ensureSeen(bounds: Bounds): void {
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    const { top, right, bottom, left } = paddingWithin(this.panels, width, height);
    const corners = [
      [bounds.west, bounds.south],
      [bounds.east, bounds.north],
    ].map((corner) => this.map.project(corner as [number, number]));
    const isSeen = corners.every(
      ({ x, y }) => x >= left && x <= width - right && y >= top && y <= height - bottom,
    );
    const [a, b] = [corners[0]!, corners[1]!];
    const share = Math.max(
      Math.abs(a.x - b.x) / (width - left - right),
      Math.abs(a.y - b.y) / (height - top - bottom),
    );
    if (isSeen && share >= TINY_SHARE) return;
    this.map.fitBounds(toBounds(bounds), {
      padding: { top, right, bottom, left },
      maxZoom: ZOOM_OF_A_WALK,
      animate: this.moves(true),
      duration: 600,
    });
  }

  setBuildings(buildings: GeoJSON.FeatureCollection): void {
    (this.map.getSource("buildings") as GeoJSONSource).setData(buildings);
  }

  setTilted(tilted: boolean): void {
    this.map.setLayoutProperty("buildings-solid", "visibility", tilted ? "visible" : "none");
    this.map.setLayoutProperty("buildings-flat", "visibility", tilted ? "none" : "visible");
    this.map.easeTo({
      pitch: tilted ? TILT_DEG : 0,
      bearing: tilted ? -18 : 0,
      animate: this.moves(true),
      duration: 700,
    });
  }

  setTheme(theme: Theme): void {
    const paint = PAINT[theme];
    this.map.setPaintProperty("ground", "background-color", paint.ground);
    this.map.setPaintProperty("buildings-flat", "fill-color", paint.flat);
    this.map.setPaintProperty("buildings-flat", "fill-outline-color", paint.outline);
    this.map.setPaintProperty("buildings-solid", "fill-extrusion-color", paint.solid);
  }

  /** Brings a place into the part of the map that the phone's open sheet leaves free. */
  reveal(place: readonly [number, number]): void {
    const height = this.map.getContainer().clientHeight;
    this.map.easeTo({ center: [...place], offset: [0, -height * 0.16], animate: this.moves(true) });
  }

  /** On a short screen the panels leave little height: rather let stations lie under them than show a postage stamp. */
  private zoomThatFillsWidth(): number {
    const width = this.map.getContainer().clientWidth;
    return Math.log2(width / (TILE_PX * this.areaShare));
  }

  zoom(steps: 1 | -1): void {
    this.map.zoomTo(this.map.getZoom() + steps, { animate: this.moves(true) });
  }

  /** Adds the street map, if its server answers. Nothing is asked of it before. */
  async showBaseMap(): Promise<boolean> {
    if (this.map.getLayer("gsi") !== undefined) {
      this.map.setLayoutProperty("gsi", "visibility", "visible");
      return true;
    }
    if (!(await answers(GSI_TILES.replace("{z}/{x}/{y}", "14/14536/6424")))) return false;
    this.map.addSource("gsi", { type: "raster", tiles: [GSI_TILES], tileSize: 256, minzoom: 5, maxzoom: 18 });
    this.map.addLayer(
      { id: "gsi", type: "raster", source: "gsi", paint: { "raster-fade-duration": 0 } },
      "heat",
    );
    return true;
  }

  hideBaseMap(): void {
    if (this.map.getLayer("gsi") !== undefined) this.map.setLayoutProperty("gsi", "visibility", "none");
  }

  private moves(wanted: boolean): boolean {
    return wanted && !this.reducedMotion;
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(address, { signal: AbortSignal.timeout(GSI_PATIENCE_MS) })).ok;
  } catch {
    return false;
  }
}

/** What the panels cover, but never more than half of a short or narrow map. */
export function paddingWithin(
  { top = 0, right = 0, bottom = 0, left = 0 }: PaddingOptions,
  width: number,
  height: number,
): Required<PaddingOptions> {
  const across = Math.min(1, (0.5 * width) / (left + right));
  const down = Math.min(1, (0.5 * height) / (top + bottom));
  return { top: top * down, right: right * across, bottom: bottom * down, left: left * across };
}

const toBounds = (b: Bounds): LngLatBoundsLike => [b.west, b.south, b.east, b.north];

function widened(b: Bounds): LngLatBoundsLike {
  const dx = (b.east - b.west) * MARGIN_SHARE;
  const dy = (b.north - b.south) * MARGIN_SHARE;
  return [b.west - dx, b.south - dy, b.east + dx, b.north + dy];
}

/** The rectangle round all stations that have a place. */
function around(stations: readonly Station[]): LngLatBoundsLike | null {
  const lons = stations.flatMap(({ lon }) => lon ?? []);
  const lats = stations.flatMap(({ lat }) => lat ?? []);
  if (lons.length === 0 || lats.length === 0) return null;
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
}
