/** The service's answers as types, and the few calls the page makes. Times are ISO 8601 in UTC. */

export type Band = "caution" | "warning" | "severe_warning" | "danger";
export type LayerName = "wbgt" | "utci" | "tmrt" | "shadow" | "hours";
export type LonLat = readonly [lon: number, lat: number];

export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export interface City {
  readonly name_ja: string;
  readonly name_en: string;
  readonly center: { readonly lat: number; readonly lon: number };
  readonly bounds: Bounds;
  readonly source: "synthetic" | "plateau" | "osm";
  readonly attribution_ja: string;
  readonly attribution_en: string;
  readonly buildings: string;
  readonly building_count: number;
  readonly building_height_estimated_count: number;
  readonly simulated_weather: boolean;
  readonly clock: { readonly now: string; readonly speed: number };
}

export interface Measured {
  readonly value: number | null;
  readonly flag: string;
}

export interface LastReading {
  readonly at: string;
  /** Real seconds since the reading was taken, when the answer was written. */
  readonly age_s: number;
  readonly stale: boolean;
  readonly values: Readonly<Record<string, Measured>>;
}

export interface Station {
  readonly id: string;
  readonly name_ja: string;
  readonly name_en: string;
  /** Null for a station that nobody has placed on the map yet. */
  readonly lat: number | null;
  readonly lon: number | null;
  readonly surface: string | null;
  readonly last: LastReading | null;
  readonly wbgt_degc: number | null;
  readonly wbgt_band: Band | null;
}

export interface StationsAnswer {
  readonly now: string;
  readonly stale_after_s?: number;
  readonly stations: readonly Station[];
}

export interface FrameLayer {
  readonly title_ja: string;
  readonly title_en: string;
  readonly unit: string;
  readonly png: string;
  readonly offset: number;
  readonly step: number;
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
}

export interface Frame {
  readonly id: string;
  readonly at: string;
  readonly stale: boolean;
  readonly weather: Readonly<Record<string, number | string | null>>;
  readonly stations_used: readonly string[];
  /** North-west, north-east, south-east, south-west. */
  readonly corners: readonly [LonLat, LonLat, LonLat, LonLat];
  readonly width: number;
  readonly height: number;
  readonly pixel_size_m: number;
  readonly layers: Readonly<Partial<Record<LayerName, FrameLayer>>>;
  readonly band_share: Readonly<Record<Band, number>>;
}

/** One hour to come: a frame in all but its place. */
export interface ForecastHour {
  readonly id: string;
  readonly at: string;
  readonly weather: Frame["weather"];
  readonly layers: Frame["layers"];
  readonly band_share: Frame["band_share"];
}

export interface Forecast {
  readonly issued_at: string | null;
  readonly stale: boolean;
  readonly hours: readonly ForecastHour[];
}

export interface Readings {
  readonly station: string;
  readonly quantities: Readonly<Record<string, { readonly unit: string }>>;
  readonly items: readonly ReadingItem[];
  readonly next_cursor: string | null;
}

export type WalkKind = "shortest" | "balanced" | "coolest";

export interface WalkNumbers {
  readonly kinds: readonly WalkKind[];
  readonly length_m: number;
  readonly duration_s: number;
  readonly shade_pct: number;
  /** UTCI is null where the air holds too much vapour for it to be defined. */
  readonly mean_utci_degc: number | null;
  readonly mean_wbgt_degc: number;
  /** By band, from mild to dangerous. */
  readonly utci_minutes: Readonly<Record<string, number>> | null;
  readonly wbgt_minutes: Readonly<Record<string, number>>;
}

export type Walk = GeoJSON.Feature<GeoJSON.LineString, WalkNumbers>;

/** Up to three walks, shortest first. */
export interface WalksAnswer {
  readonly frame: string;
  readonly at: string;
  readonly index: "utci" | "wbgt";
  readonly walking_speed_ms: number;
  readonly network: "ground" | "roads" | "lines";
  readonly attribution: string;
  readonly features: readonly Walk[];
}

export type ReadingItem = { readonly at: string } & Readonly<Record<string, number | string | null>>;

/** A refusal or failure of the service, with its HTTP status (0: no answer at all). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** Last part of the problem's type (RFC 9457), such as "city-preparing"; empty when none was told. */
    readonly problem: string,
    message: string,
    /** The parameter it is about; empty when none was told. */
    readonly field = "",
  ) {
    super(message);
    this.name = "ApiError";
  }
}

const PATIENCE_MS = 15_000;

async function get(address: string, accept: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, {
      headers: { Accept: accept },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (cause) {
    throw new ApiError(0, "", `${address}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (!response.ok) throw await refusal(address, response);
  return response;
}

async function refusal(address: string, response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as Readonly<Record<string, unknown>> | null;
  const type = typeof problem?.type === "string" ? problem.type.slice(problem.type.lastIndexOf("/") + 1) : "";
  const detail = typeof problem?.detail === "string" ? problem.detail : "";
  const field = typeof problem?.field === "string" ? problem.field : "";
  return new ApiError(response.status, type, `${address}: HTTP ${response.status} ${type} ${detail}`, field);
}

async function getJson<T>(address: string): Promise<T> {
  return (await (await get(address, "application/json")).json()) as T;
}

export const fetchCity = (): Promise<City> => getJson("/v1/city");
export const fetchStations = (): Promise<StationsAnswer> => getJson("/v1/stations");
export const fetchBuildings = (address: string): Promise<GeoJSON.FeatureCollection> => getJson(address);

/** The newest frame, or null while the service has not computed one yet. */
export async function fetchLatestFrame(): Promise<Frame | null> {
  try {
    return await getJson<Frame>("/v1/heat/frames/latest");
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export interface HoursLayer extends FrameLayer {
  readonly part: "so_far" | "day";
  readonly min_wbgt_degc: number;
}

/** How long each place is hot today. */
export interface Exceedance {
  readonly counted_until: string | null;
  readonly forecast_issued_at: string | null;
  readonly layers: readonly HoursLayer[];
}

/** Today's hours of heat; no layers before the first frame. */
export const fetchExceedance = (): Promise<Exceedance> => getJson("/v1/heat/exceedance");

/** The hours to come; none before they were first forecast. */
export const fetchForecast = (): Promise<Forecast> => getJson("/v1/heat/forecast");

export async function fetchPng(address: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await get(address, "image/png")).arrayBuffer());
}

/** Walks in the heat of the newest frame. */
export function fetchWalks(from: LonLat, to: LonLat): Promise<WalksAnswer> {
  const place = ([lon, lat]: LonLat): string => `${lat.toFixed(5)},${lon.toFixed(5)}`;
  return getJson(`/v1/paths/cool?from=${place(from)}&to=${place(to)}`);
}

/** Minute means of one station between two instants, page after page. */
export async function fetchReadings(station: string, fromMs: number, toMs: number): Promise<Readings> {
  const query = new URLSearchParams({
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    resolution: "minute",
    limit: "2000",
  });
  const path = `/v1/stations/${encodeURIComponent(station)}/readings`;
  let page = await getJson<Readings>(`${path}?${query}`);
  const items = [...page.items];
  while (page.next_cursor !== null && page.next_cursor !== undefined) {
    query.set("cursor", page.next_cursor);
    page = await getJson<Readings>(`${path}?${query}`);
    if (page.items.length === 0) break;
    items.push(...page.items);
  }
  return { ...page, items };
}
