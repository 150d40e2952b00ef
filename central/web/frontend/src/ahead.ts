/** The coming hours: a slider from now to midnight under the legend. */

import type { Exceedance, Forecast, ForecastHour, Frame, HoursLayer } from "./api";
import { h, setText } from "./dom";
import type { State, Store } from "./store";
import { jstHour } from "./time";

/** Frames of the past and present are named by one moment, hours to come by two: theirs, and when they were forecast. */
export const isAhead = (frame: Frame): boolean => frame.id.includes("_");

/** Hours that have not come yet. */
export function hoursAhead(forecast: Forecast | null, nowMs: number): readonly ForecastHour[] {
  return forecast?.hours.filter(({ at }) => Date.parse(at) > nowMs) ?? [];
}

/** What the map is to show: the newest frame, or the chosen hour in the newest frame's place. */
export function aheadFrame({
  frame,
  forecast,
  ahead,
}: Pick<State, "frame" | "forecast" | "ahead">): Frame | null {
  if (frame === null || ahead === null) return frame;
  const hour = hoursAhead(forecast, Date.parse(frame.at)).find(({ at }) => at === ahead);
  if (hour === undefined) return frame;
  const { id, at, weather, layers, band_share } = hour;
  return { ...frame, id, at, weather, layers, band_share, stale: false };
}

/**
 * The map of today's hours of heat that is told: of the whole day when there is a forecast, else of the day so far; above the
 * limit that tells places apart. On a day of 40 degrees WBGT 28 is everywhere.
 */
export function hoursLayer(exceedance: Exceedance | null): HoursLayer | undefined {
  const layers = exceedance?.layers ?? [];
  const ofDay = layers.filter(({ part }) => part === "day");
  const spread = ({ min, max }: HoursLayer): number => (max ?? 0) - (min ?? 0);
  const told = ofDay.length > 0 ? ofDay : layers;
  return told.reduce<HoursLayer | undefined>(
    (best, layer) => (best === undefined || spread(layer) > spread(best) ? layer : best),
    undefined,
  );
}

/** The map of hours in the newest frame's place. */
export function hoursFrame(frame: Frame | null, exceedance: Exceedance | null): Frame | null {
  const layer = hoursLayer(exceedance);
  const at = exceedance?.counted_until ?? null;
  if (frame === null || at === null || layer === undefined) return null;
  return {
    ...frame,
    id: `hours-${layer.part}-${layer.min_wbgt_degc}-${at}`,
    at,
    stale: false,
    layers: { hours: layer },
  };
}

export function makeAhead(store: Store): HTMLElement {
  const words = h("span", {});
  const slider = h("input", { type: "range", min: "0", max: "0", step: "1", "data-testid": "ahead" });
  const end = h("span", { class: "legend-ahead-end" });
  const root = h("label", { class: "legend-ahead" }, words, slider, end);
  let hours: readonly ForecastHour[] = [];
  slider.addEventListener("input", () => store.set({ ahead: hours[Number(slider.value) - 1]?.at ?? null }));
  store.watch(["forecast", "ahead", "lang", "frame", "layer", "way"], (state) => {
    const { forecast, ahead, frame, layer, way } = state;
    hours = hoursAhead(forecast, frame === null ? 0 : Date.parse(frame.at));
    // Cool ways are those of now.
    root.hidden = frame === null || hours.length === 0 || layer === "hours" || way.open;
    if (root.hidden) return;
    slider.max = String(hours.length);
    const place = hours.findIndex(({ at }) => at === ahead) + 1;
    const hour = hours[place - 1];
    slider.value = String(place);
    const now = store.t("ahead_now");
    const chosen = hour === undefined ? now : store.t("frame_ahead", { time: jstHour(hour.at) });
    slider.setAttribute("aria-label", store.t("ahead"));
    slider.setAttribute("aria-valuetext", chosen);
    setText(words, store.t("ahead"));
    setText(end, hour === undefined ? now : jstHour(hour.at));
  });
  return root;
}
