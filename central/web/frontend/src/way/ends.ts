/** Start and goal of a cool way in words: chosen from a list, or on the map. */

import type { LonLat } from "../api";
import { h, icon, setLabel, setText } from "../dom";
import type { Key } from "../i18n";
import { placeOf, stationName } from "../stations";
import type { State, Store } from "../store";
import type { WayPlanner } from "./planner";
import type { End } from "./state";

export type Locate = (() => Promise<LonLat | Key>) | null;

export function makeEnds(
  store: Store,
  planner: WayPlanner,
  locate: Locate,
  notify: (key: "locate_outside" | "locate_failed") => void,
): HTMLElement {
  return h(
    "div",
    { class: "way-ends" },
    ...(["from", "to"] as const).map((end) => makeEnd(store, planner, end, locate, notify)),
  );
}

function makeEnd(
  store: Store,
  planner: WayPlanner,
  end: End,
  locate: Locate,
  notify: (key: "locate_outside" | "locate_failed") => void,
): HTMLElement {
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
  const goHere = async (): Promise<void> => {
    here.setAttribute("aria-busy", "true");
    const found = (await locate?.()) ?? "locate_failed";
    here.removeAttribute("aria-busy");
    if (typeof found !== "string") planner.set(end, { place: found, source: "here" });
    else {
      notify(found === "locate_outside" ? found : "locate_failed");
      fill(store.state);
    }
  };
  here.hidden = locate === null;
  here.addEventListener("click", () => void goHere());
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
