/** Start and goal of a cool way in words: chosen from a list, where the visitor stands, or on the map. */

import { h, icon, setLabel, setText } from "../dom";
import { placeOf, stationName } from "../stations";
import type { State, Store } from "../store";
import type { WayPlanner } from "./planner";
import type { End } from "./state";

/** Sets an end to where the visitor stands; null where the browser does not tell. */
export type GoHere = ((end: End, button: HTMLElement) => void) | null;

export function makeEnds(store: Store, planner: WayPlanner, goHere: GoHere): HTMLElement {
  return h(
    "div",
    { class: "way-ends" },
    ...(["from", "to"] as const).map((end) => makeEnd(store, planner, end, goHere)),
  );
}

function makeEnd(store: Store, planner: WayPlanner, end: End, goHere: GoHere): HTMLElement {
  const badge = h("span", { class: "way-badge", "data-end": end, "aria-hidden": "true" });
  const select = h("select", { "data-testid": `way-${end}` });
  const here = h(
    "button",
    { type: "button", class: "way-tool", "data-testid": `way-${end}-here` },
    icon("locate"),
  );
  const map = h(
    "button",
    { type: "button", class: "way-tool", "data-testid": `way-${end}-map` },
    icon("pin"),
  );
  here.hidden = goHere === null;
  here.addEventListener("click", () => goHere?.(end, here));
  map.addEventListener("click", () => planner.pick(store.state.way.picking === end ? null : end));
  select.addEventListener("change", () => {
    const station = store.state.stations.find(({ id }) => `station ${id}` === select.value);
    const place = station === undefined ? null : placeOf(station);
    if (station !== undefined && place !== null)
      planner.set(end, { place, source: "station", station: station.id });
  });

  let listed = "";
  const fill = (state: State): void => {
    const { t } = store;
    const { way } = state;
    const places = state.stations.filter((station) => placeOf(station) !== null);
    const set = way[end];
    const other = set === null ? "way_choose" : set.source === "here" ? "way_here" : "way_on_map";
    const isStation = set?.source === "station";
    const signature = JSON.stringify([state.lang, isStation, other, places.map(({ id }) => id)]);
    if (signature !== listed) {
      listed = signature;
      const stations = h("optgroup", { label: t("way_stations") });
      stations.append(
        ...places.map((each) => h("option", { value: `station ${each.id}` }, stationName(state, each))),
      );
      select.replaceChildren(...(isStation ? [] : [h("option", { value: "other" }, t(other))]), stations);
    }
    select.value = isStation ? `station ${set.station}` : "other";
    select.setAttribute("aria-label", t(`way_${end}`));
    setText(badge, t(`way_${end}_badge`));
    setLabel(map, t(`way_pick_${end}`));
    setLabel(here, `${t(`way_${end}`)}: ${t("way_here")}`);
    map.setAttribute("aria-pressed", String(way.picking === end));
  };
  store.watch(["way", "lang", "stations"], fill);
  return h("div", { class: "way-row" }, badge, select, here, map);
}
