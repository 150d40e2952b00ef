/** One station: its last values with what is wrong with them, and its day. */

import { fetchReadings, type Station } from "./api";
import { StationChart } from "./chart";
import { h, setIcon, setText } from "./dom";
import { flagText, quantityName, quantityValue } from "./format";
import { bandKey, paintBand } from "./headline";
import { isKey } from "./i18n";
import { gapOf, toSeries, withLive, type Series } from "./series";
import { freshness, placeOf, stationAge, stationName } from "./stations";
import type { State, Store } from "./store";
import { jstTime } from "./time";
import type { End } from "./way/state";

const DAY_S = 86_400;
// Live points stand in for minute means only until the means themselves are fetched.
const RELOAD_MS = 120_000;

/** The order people look for things in; whatever else a station measures comes after. */
const ORDER = [
  "air_temperature_degc",
  "wbgt_degc",
  "relative_humidity_pct",
  "wind_speed_ms",
  "wind_direction_deg",
  "wind_gust_ms",
  "global_radiation_wm2",
  "illuminance_lx",
  "rain_intensity_mmh",
  "rain_accumulated_mm",
  "air_pressure_hpa",
  "dew_point_degc",
  "pm2_5_ugm3",
  "pm10_ugm3",
  "noise_level_db",
  "supply_voltage_v",
];

export function makeStationPanel(store: Store, onWay: (end: End, station: Station) => void): HTMLElement {
  const back = h("button", { type: "button", class: "back", "data-testid": "station-close" });
  setIcon(back, "back");
  const backText = h("span", {});
  back.append(backText);
  back.addEventListener("click", () => store.set({ selected: null }));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") store.set({ selected: null });
  });
  const name = h("h2", { tabindex: "-1" });
  const note = h("p", { class: "panel-note" });
  const chip = h("span", { class: "chip" });
  const walk = (end: End): HTMLButtonElement =>
    h("button", {
      type: "button",
      class: "plain",
      "data-testid": `way-${end}-station`,
      onclick: () => {
        const station = store.state.stations.find(({ id }) => id === shownId);
        if (station !== undefined) onWay(end, station);
      },
    });
  const [fromHere, toHere] = [walk("from"), walk("to")];
  const walks = h("div", { class: "panel-walks" }, toHere, fromHere);
  const valuesTitle = h("h3", {});
  const values = h("dl", { class: "values" });
  const chartTitle = h("h3", {});
  const chartNote = h("p", { class: "chart-note", role: "status" });
  const retry = h("button", { type: "button", class: "plain" });
  const chart = new StationChart(store.state.lang);
  const panel = h(
    "section",
    { class: "station-panel", "data-testid": "station-panel" },
    back,
    h("div", { class: "panel-head" }, name, note, chip),
    walks,
    valuesTitle,
    values,
    chartTitle,
    chartNote,
    retry,
    chart.element,
  );

  let shownId: string | null = null;
  let series: Series | null = null;
  let reload: ReturnType<typeof setTimeout> | undefined;
  let drawn = "";
  let filled = "";
  let openedFrom: Element | null = null;

  const gapS = (): number => gapOf(store.state.city?.clock.speed ?? 1);

  const load = async (id: string): Promise<void> => {
    clearTimeout(reload);
    const nowMs = store.state.clock?.nowMs() ?? Date.now();
    try {
      const readings = await fetchReadings(id, nowMs - DAY_S * 1000, nowMs);
      if (id !== shownId) return;
      series = toSeries(readings, gapS());
      retry.hidden = true;
      setText(chartNote, series.at.length === 0 ? store.t("chart_empty") : "");
      addLive();
      chart.show(series);
      reload = setTimeout(() => void load(id), RELOAD_MS);
    } catch (error) {
      if (id !== shownId) return;
      console.warn(`readings of ${id}:`, error);
      if (series === null) setText(chartNote, store.t("chart_failed"));
      retry.hidden = series !== null;
      reload = setTimeout(() => void load(id), RELOAD_MS / 4);
    }
  };
  retry.addEventListener("click", () => shownId !== null && void load(shownId));

  const addLive = (): void => {
    const station = store.state.stations.find(({ id }) => id === shownId);
    if (series !== null && station?.last != null)
      series = withLive(series, station.last, station.wbgt_degc, DAY_S, gapS());
  };

  store.watch(["selected", "stations", "lang", "theme", "tick"], (state) => {
    const station = state.stations.find(({ id }) => id === state.selected) ?? null;
    panel.hidden = station === null;
    if (station === null) {
      const from = openedFrom;
      // Once the list it came from is on the page again.
      if (shownId !== null && from instanceof HTMLElement)
        queueMicrotask(() => from.focus({ preventScroll: true }));
      shownId = null;
      clearTimeout(reload);
      return;
    }
    fill(state, station);
    const style = `${state.lang} ${state.theme}`;
    if (station.id !== shownId) {
      if (shownId === null) openedFrom = document.activeElement;
      shownId = station.id;
      series = null;
      chart.redraw(state.lang);
      chart.show({ at: [], values: {} });
      retry.hidden = true;
      setText(chartNote, store.t("chart_loading"));
      void load(station.id);
      name.focus({ preventScroll: true });
    } else if (series !== null) {
      const before = series;
      addLive();
      if (series !== before) {
        chart.show(series);
        setText(chartNote, "");
      }
    }
    if (style !== drawn) chart.redraw(state.lang);
    drawn = style;
  });

  function fill(state: State, station: Station): void {
    const { t } = store;
    setText(backText, t("back"));
    setText(retry, t("chart_retry"));
    setText(name, stationName(state, station));
    setText(fromHere, t("way_station_from"));
    setText(toHere, t("way_station_to"));
    walks.hidden = placeOf(station) === null;
    const surfaceKey = `surface_${station.surface}`;
    const surface = isKey(surfaceKey) ? `${t("surface", { surface: t(surfaceKey) })} ・ ` : "";
    setText(note, surface + stationAge(store, state, station));
    const fresh = freshness(state, station) === "fresh";
    panel.classList.toggle("is-stale", !fresh);
    paintBand(chip, fresh ? station.wbgt_band : null);
    chip.hidden = station.wbgt_band === null || !fresh;
    if (station.wbgt_band !== null) {
      setText(chip, `WBGT ${station.wbgt_degc?.toFixed(1) ?? ""} ${t(bandKey(station.wbgt_band))}`);
    }
    const at = station.last === null ? "" : jstTime(Date.parse(station.last.at));
    setText(valuesTitle, fresh ? t("last_values") : t("last_values_at", { time: at }));
    setText(chartTitle, t("chart_title"));
    const signature = JSON.stringify([state.lang, station.last?.values]);
    if (signature === filled) return;
    filled = signature;
    const measured = Object.entries(station.last?.values ?? {}).sort(([a], [b]) => rank(a) - rank(b));
    values.replaceChildren(
      ...measured.map(([quantity, { value, flag }]) => {
        const problem = flagText(state.lang, flag);
        const text =
          value === null
            ? problem === null
              ? t("not_measured")
              : "–"
            : quantityValue(state.lang, quantity, value);
        return h(
          "div",
          { class: problem === null && value !== null ? "" : "is-doubtful" },
          h("dt", {}, quantityName(state.lang, quantity)),
          h("dd", {}, text),
          problem === null ? null : h("dd", { class: "flag" }, problem),
        );
      }),
    );
  }

  return panel;
}

const rank = (quantity: string): number => {
  const at = ORDER.indexOf(quantity);
  return at === -1 ? ORDER.length : at;
};
