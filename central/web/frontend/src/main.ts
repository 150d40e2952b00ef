/** Wires the page: reads what the visitor prefers, opens the stream, hands what comes to the components. */

import "./styles/main.css";
import { aheadFrame, hoursFrame, isAhead, makeAhead } from "./ahead";
import {
  ApiError,
  fetchBuildings,
  fetchCity,
  fetchExceedance,
  fetchForecast,
  fetchLatestFrame,
  fetchStations,
  type Frame,
  type StationsAnswer,
} from "./api";
import { makeAttribution, makeBanner, makeCredit, makeHeader, makeSheet, makeTools, notify } from "./chrome";
import { h, setText } from "./dom";
import { FrameLoader } from "./frames";
import { makeHeadline } from "./headline";
import { chooseLang } from "./i18n";
import { isLayer, makeLayerSwitch } from "./layers";
import { makeLegend } from "./legend";
import { CityMap } from "./map";
import { recall, remember } from "./preferences";
import { addHover, addPin } from "./probe";
import { lookupTable, RAMPS } from "./ramp";
import { makeStationList, addMarkers, placeOf } from "./stations";
import { makeStationPanel } from "./stationPanel";
import { Store, type Theme } from "./store";
import { Stream } from "./stream";
import { installTestHook } from "./testHook";
import { CityClock } from "./time";
import { fromHash, toHash } from "./way/address";
import { addWay } from "./way/drawing";
import { makeWayButton, makeWayPanel } from "./way/panel";
import { WayPlanner } from "./way/planner";
import { NO_WAY } from "./way/state";

const STALE_AFTER_S = 30;
const CITY_RETRY_MS = 3_000;
const FORECAST_EVERY_MS = 20_000;

// What the switch, the legend and the tools cover of the map, in pixels.
const WIDE = { top: 130, right: 110, bottom: 190, left: 90 };
const NARROW = { top: 116, right: 44, bottom: 180, left: 44 };

const wide = matchMedia("(min-width: 900px), (min-width: 640px) and (max-height: 500px)");
const darkWanted = matchMedia("(prefers-color-scheme: dark)");

function chooseTheme(): Theme {
  const remembered = recall("theme");
  if (remembered === "light" || remembered === "dark") return remembered;
  return darkWanted.matches ? "dark" : "light";
}

const rememberedLayer = recall("layer");
const rememberedOpacity = Number(recall("opacity") ?? "0.8");
const store = new Store({
  lang: chooseLang(location.search, recall("lang"), navigator.languages),
  theme: chooseTheme(),
  layer: isLayer(rememberedLayer) ? rememberedLayer : "wbgt",
  opacity: rememberedOpacity >= 0 && rememberedOpacity <= 1 ? rememberedOpacity : 0.8,
  tilted: false,
  baseMap: false,
  city: null,
  clock: null,
  stations: [],
  heardAtMs: {},
  staleAfterS: STALE_AFTER_S,
  frame: null,
  frameIntervalS: null,
  forecast: null,
  exceedance: null,
  ahead: null,
  shown: null,
  selected: null,
  probe: null,
  way: NO_WAY,
  connection: "connecting",
  notice: null,
  tick: 0,
});

darkWanted.addEventListener("change", () => {
  if (recall("theme") === null) store.set({ theme: chooseTheme() });
});
store.watch(["layer"], ({ layer }) => remember("layer", layer));
store.watch(["opacity"], ({ opacity }) => remember("opacity", String(opacity)));
setInterval(() => store.set({ tick: store.state.tick + 1 }), 1000);

function heardStations(answer: StationsAnswer): void {
  const { state } = store;
  state.clock?.set(answer.now);
  const news = new Map(answer.stations.map((station) => [station.id, station]));
  const stations = state.stations.map((station) => news.get(station.id) ?? station);
  const known = new Set(stations.map(({ id }) => id));
  stations.push(...answer.stations.filter(({ id }) => !known.has(id)));
  const now = performance.now();
  const heardAtMs = { ...state.heardAtMs, ...Object.fromEntries([...news.keys()].map((id) => [id, now])) };
  store.set({ stations, heardAtMs, staleAfterS: answer.stale_after_s ?? state.staleAfterS });
}

function heardFrame(frame: Frame): void {
  const { frame: before, clock } = store.state;
  if (before?.id === frame.id && before.stale === frame.stale) return;
  const intervalS =
    before === null || clock === null || before.id === frame.id
      ? store.state.frameIntervalS
      : Math.abs(Date.parse(frame.at) - Date.parse(before.at)) / 1000 / clock.speed;
  store.set({ frame, frameIntervalS: intervalS });
}

/** Resolves once the page is looked at: a tab in the background loads no pictures. */
function visible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) =>
    document.addEventListener("visibilitychange", () => resolve(), { once: true }),
  );
}

function showMap(place: HTMLElement): CityMap | null {
  try {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return new CityMap(place, store.state.theme, still, wide.matches ? WIDE : NARROW);
  } catch (error) {
    console.warn("map:", error);
    const words = h("p", { class: "no-map" });
    store.watch(["lang"], () => setText(words, store.t("no_webgl")));
    place.append(words);
    return null;
  }
}

const app = document.querySelector("#app")!;
const mapPlace = h("div", { class: "map", "data-testid": "map" });
const stage = h("main", { class: "stage" }, mapPlace);
const planner = new WayPlanner(store);
// Before the station's: one Escape closes one thing.
const wayPanel = makeWayPanel(store, planner, (key) => notify(store, key));
const panel = makeStationPanel(store, (end, station) => {
  const place = placeOf(station);
  store.set({ selected: null });
  if (place !== null) planner.set(end, { place, source: "station", station: station.id });
});
const overview = h("div", { class: "overview" }, makeHeadline(store), makeStationList(store));
const sheet = makeSheet(store, overview, wayPanel, panel, makeAttribution(store));
app.append(makeHeader(store), stage, sheet);
store.watch(["selected", "way"], ({ selected, way }) => (overview.hidden = selected !== null || way.open));

const city = showMap(mapPlace);
stage.append(
  makeLayerSwitch(store),
  makeBanner(store),
  h("div", { class: "dock" }, makeWayButton(store, planner), makeLegend(store, makeAhead(store))),
  makeCredit(store, stage),
);
if (city !== null) wireMap(city);

function wireMap(map: CityMap): void {
  stage.append(makeTools(store, map));
  addMarkers(store, map);
  // Before the pin: a tap that chooses an end of a way, or a walk, is no question about a place.
  addWay(store, map, planner);
  addHover(store, map);
  addPin(store, map, (place) => planner.set("to", { place, source: "map" }));
  store.watch(["selected"], ({ selected, stations }) => {
    const station = stations.find(({ id }) => id === selected);
    const place = station === undefined ? null : placeOf(station);
    if (place !== null && !wide.matches) map.reveal(place);
  });
  store.watch(["lang", "way"], ({ way: { picking } }) => {
    const label = store.t(picking === null ? "map_label" : `way_map_${picking}`);
    const canvas = map.map.getCanvas();
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
  });
  const loader = new FrameLoader(
    (shown) => store.set({ shown }),
    (busy) => mapPlace.setAttribute("aria-busy", String(busy)),
    visible,
  );
  store.watch(["frame", "layer", "forecast", "ahead", "exceedance"], (state) => {
    const frame = state.layer === "hours" ? hoursFrame(state.frame, state.exceedance) : aheadFrame(state);
    if (frame === null) return;
    // An hour to come, or a map of hours, stays as it is: only the newest frame is worth loading again and again.
    const { shown, layer } = state;
    if ((isAhead(frame) || layer === "hours") && shown?.frame.id === frame.id && shown.layer === layer)
      return;
    loader.want(frame, layer);
  });
  void map.loaded.then(() => {
    store.watch(["shown"], ({ shown }) => {
      if (shown === null) return;
      map.heat.show(shown.grid, lookupTable(RAMPS[shown.layer], shown.grid.offset, shown.grid.step));
    });
    store.watch(["opacity"], ({ opacity }) => map.heat.setOpacity(opacity));
    store.watch(["theme"], ({ theme }) => map.setTheme(theme));
    let tilted = false;
    store.watch(["tilted"], (state) => {
      if (state.tilted !== tilted) map.setTilted(state.tilted);
      tilted = state.tilted;
    });
    store.watch(["baseMap"], ({ baseMap }) => {
      if (!baseMap) return map.hideBaseMap();
      void map.showBaseMap().then((shown) => {
        if (shown) return;
        store.set({ baseMap: false });
        notify(store, "base_map_failed");
      });
    });
  });
}

/** Asks until the service tells about its city: the page may be open before the service is up. */
async function begin(): Promise<void> {
  for (;;) {
    try {
      // The stations are known before the city is: they are shown while it is still being prepared.
      const [about, stations] = await Promise.allSettled([fetchCity(), fetchStations()]);
      if (stations.status === "fulfilled") heardStations(stations.value);
      if (about.status === "rejected") throw about.reason;
      const { value } = about;
      store.set({ city: value, clock: new CityClock(value.clock.now, value.clock.speed), notice: null });
      city?.setHome(value, store.state.stations);
      if (city !== null) void loadBuildings(city, value.buildings);
      return;
    } catch (error) {
      const preparing = error instanceof ApiError && error.problem === "city-preparing";
      if (!preparing) console.warn("city:", error);
      store.set({ notice: preparing ? "city_preparing" : "city_failed" });
      await new Promise((resolve) => setTimeout(resolve, CITY_RETRY_MS));
    }
  }
}

async function loadBuildings(map: CityMap, address: string): Promise<void> {
  try {
    const buildings = await fetchBuildings(address);
    await map.loaded;
    map.setBuildings(buildings);
  } catch (error) {
    console.warn("buildings:", error);
    notify(store, "buildings_failed");
  }
}

async function hearForecast(): Promise<void> {
  if (document.hidden) return;
  try {
    const [forecast, exceedance] = await Promise.all([fetchForecast(), fetchExceedance()]);
    const { ahead } = store.state;
    const known = forecast.hours.some(({ at }) => at === ahead);
    // The hour that was looked at has come, or midnight is past.
    store.set({ forecast, exceedance, ahead: known ? ahead : null });
  } catch (error) {
    console.warn("forecast:", error);
  }
}

installTestHook(store);
await begin();
planner.restore(location.hash);
addEventListener("hashchange", () => planner.restore(location.hash));
store.watch(["way"], ({ way }) => {
  const address = new URL(location.href);
  // What else somebody put behind the number sign stays.
  if (address.hash === toHash(way) || (!way.open && fromHash(address.hash) === null)) return;
  address.hash = toHash(way);
  history.replaceState(null, "", address);
});
void hearForecast();
setInterval(() => void hearForecast(), FORECAST_EVERY_MS);

const stream = new Stream(
  {
    open: () => new EventSource("/v1/heat/stream"),
    fetchStations,
    fetchFrame: fetchLatestFrame,
  },
  {
    connection: (connection) => store.set({ connection }),
    stations: heardStations,
    frame: heardFrame,
  },
);
stream.start();
// A phone that slept has a dead connection it does not know of.
let hiddenAtMs = 0;
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAtMs = performance.now();
  else if (performance.now() - hiddenAtMs > 20_000) stream.refresh();
});
