/** The weather stations as markers on the map and as a list. */

import { Marker } from "maplibre-gl";
import type { Station } from "./api";
import { h, setText } from "./dom";
import { age } from "./format";
import { bandKey, paintBand } from "./headline";
import type { CityMap } from "./map";
import { labelOffset, placeLabels } from "./placement";
import { ageNowS, stationFreshness, type Freshness } from "./stale";
import { passedS, type State, type Store } from "./store";
import { jstTime } from "./time";

export const stationName = (state: State, station: Station): string =>
  state.lang === "ja" ? station.name_ja : station.name_en;

export const placeOf = ({ lon, lat }: Station): [number, number] | null =>
  lon === null || lat === null ? null : [lon, lat];

export const freshness = (state: State, station: Station): Freshness =>
  stationFreshness(station, passedS(state, station.id), state.staleAfterS);

/** "12秒前" or "14:02 から観測なし（3分）". */
export function stationAge(store: Store, state: State, station: Station): string {
  if (station.last === null) return store.t("never_any");
  const seconds = ageNowS(station.last.age_s, passedS(state, station.id));
  const words = age(state.lang, seconds);
  if (freshness(state, station) === "stale") {
    return store.t("no_data_since", { time: jstTime(Date.parse(station.last.at)), age: words });
  }
  return seconds < 2 ? store.t("just_now") : store.t("updated", { age: words });
}

const temperature = (station: Station): string => {
  const value = station.last?.values["air_temperature_degc"]?.value;
  return value === null || value === undefined ? "–" : value.toFixed(1);
};

/** One sentence that says all a sighted visitor sees on the marker. */
function spoken(store: Store, state: State, station: Station): string {
  const band =
    station.wbgt_band === null ? "" : `, ${store.t("wbgt")} ${store.t(bandKey(station.wbgt_band))}`;
  const value = freshness(state, station) === "fresh" ? `, ${temperature(station)} °C${band}` : "";
  return `${stationName(state, station)}${value}, ${stationAge(store, state, station)}`;
}

export function addMarkers(store: Store, city: CityMap): void {
  let arranged = 0;
  const markers = new Map<string, { marker: Marker; button: HTMLButtonElement; value: HTMLElement }>();
  store.watch(["stations", "selected", "lang", "tick", "heardAtMs"], (state) => {
    for (const station of state.stations) {
      const { lon, lat } = station;
      if (lon === null || lat === null) continue;
      let entry = markers.get(station.id);
      if (entry === undefined) {
        const value = h("span", { class: "marker-value" });
        const button = h(
          "button",
          {
            type: "button",
            class: "marker",
            "data-testid": `station-${station.id}`,
            onclick: (event) => {
              event.stopPropagation();
              store.set({ selected: station.id });
            },
          },
          value,
        );
        const marker = new Marker({ element: button, anchor: "center" })
          .setLngLat([lon, lat])
          .addTo(city.map);
        entry = { marker, button, value };
        markers.set(station.id, entry);
      }
      const fresh = freshness(state, station) === "fresh";
      paintBand(entry.button, fresh ? station.wbgt_band : null);
      entry.button.classList.toggle("is-stale", !fresh);
      entry.button.classList.toggle("is-selected", state.selected === station.id);
      entry.button.setAttribute("aria-pressed", String(state.selected === station.id));
      const label = spoken(store, state, station);
      if (entry.button.getAttribute("aria-label") !== label) entry.button.setAttribute("aria-label", label);
      entry.button.title = fresh ? stationName(state, station) : label;
      setText(entry.value, fresh ? `${temperature(station)}°` : "–");
    }
    if (markers.size !== arranged) arrange();
  });

  // Anew whenever the view rests.
  function arrange(): void {
    arranged = markers.size;
    const entries = [...markers.values()];
    if (store.state.way.answer !== null) {
      for (const { marker } of entries) marker.setOffset([0, 0]);
      return;
    }
    const points = entries.map(({ marker }) => city.map.project(marker.getLngLat()));
    placeLabels(points, LABEL, LABEL_GAP).forEach((side, i) => {
      const { marker, button } = entries[i]!;
      const { x, y } = labelOffset(side, LABEL, LABEL_GAP);
      button.dataset.side = side;
      marker.setOffset([x, y]);
    });
  }
  for (const event of ["moveend", "resize"] as const) city.map.on(event, arrange);

  // While walks are on the map, stations are dots: their labels would lie on the lines.
  let compact: boolean | null = null;
  store.watch(["way"], ({ way }) => {
    if (compact === (way.answer !== null)) return;
    compact = way.answer !== null;
    city.map.getContainer().classList.toggle("has-walks", compact);
    arrange();
  });
}

// The visible pill and the length of its pointer, in CSS pixels (styles/overlay.css).
const LABEL = { width: 68, height: 32 };
const LABEL_GAP = 7;

export function makeStationList(store: Store): HTMLElement {
  const title = h("h2", {});
  const count = h("span", { class: "list-count" });
  const list = h("ul", { class: "station-list" });
  const rows = new Map<
    string,
    { button: HTMLButtonElement; name: HTMLElement; note: HTMLElement; value: HTMLElement; band: HTMLElement }
  >();
  store.watch(["stations", "lang", "tick", "heardAtMs"], (state) => {
    setText(title, store.t("stations"));
    const fresh = state.stations.filter((station) => freshness(state, station) === "fresh").length;
    setText(count, store.t("stations_count", { fresh, total: state.stations.length }));
    for (const station of state.stations) {
      let row = rows.get(station.id);
      if (row === undefined) {
        const [name, note] = [h("span", { class: "row-name" }), h("span", { class: "row-note" })];
        const [value, band] = [h("span", { class: "row-value" }), h("span", { class: "row-band" })];
        const button = h(
          "button",
          {
            type: "button",
            class: "row",
            "data-testid": `station-row-${station.id}`,
            onclick: () => store.set({ selected: station.id }),
          },
          h("span", { class: "row-words" }, name, note),
          value,
          band,
        );
        row = { button, name, note, value, band };
        rows.set(station.id, row);
        list.append(h("li", {}, button));
      }
      const isFresh = freshness(state, station) === "fresh";
      row.button.classList.toggle("is-stale", !isFresh);
      paintBand(row.band, isFresh ? station.wbgt_band : null);
      setText(row.name, stationName(state, station));
      setText(row.note, stationAge(store, state, station));
      setText(row.value, isFresh ? `${temperature(station)} °C` : "–");
      setText(row.band, isFresh && station.wbgt_band !== null ? store.t(bandKey(station.wbgt_band)) : "–");
    }
  });
  return h("section", { class: "stations" }, h("div", { class: "list-head" }, title, count), list);
}
