/** What the colours mean, when the picture was made, and how strongly it is painted. */

import { hoursLayer, isAhead } from "./ahead";
import { sample } from "./grid";
import { h, setIcon, setLabel, setText } from "./dom";
import { age } from "./format";
import { missingFrame } from "./headline";
import type { Key } from "./i18n";
import { toCss } from "./colour";
import { colourAt, positionOf, RAMPS, type Ramp, type SegmentName } from "./ramp";
import { frameIsStale } from "./stale";
import type { State, Store } from "./store";
import { jstHour, jstTime } from "./time";

const SAMPLES_PER_SEGMENT = 12;

export const segmentKey = (name: SegmentName): Key =>
  name === "caution" || name === "warning" || name === "severe_warning" || name === "danger"
    ? `band_${name}`
    : name;

export function makeLegend(store: Store, ahead: HTMLElement): HTMLElement {
  const title = h("h2", { class: "legend-title" });
  const time = h("time", { class: "legend-time", "data-testid": "frame-time" });
  const ageText = h("span", { class: "legend-age", "data-testid": "frame-age" });
  const bar = h("div", { class: "legend-bar" });
  const pointer = h("span", { class: "legend-pointer" });
  const ticks = h("div", { class: "legend-ticks", "aria-hidden": "true" });
  const names = h("ol", { class: "legend-names" });
  const opacityText = h("span", {});
  const opacity = h("input", { type: "range", min: "0", max: "100", step: "5", "data-testid": "opacity" });
  opacity.value = String(Math.round(store.state.opacity * 100));
  opacity.addEventListener("input", () => store.set({ opacity: Number(opacity.value) / 100 }));

  // On a phone the slider is folded away.
  const more = h("button", { type: "button", class: "legend-more", "aria-expanded": "false" });
  setIcon(more, "sliders");
  more.addEventListener("click", () => {
    more.setAttribute("aria-expanded", String(root.classList.toggle("is-open")));
  });

  store.watch(["shown", "layer", "lang"], (state) => {
    const layer = state.shown?.layer ?? state.layer;
    const ramp = RAMPS[layer];
    const hours = state.shown?.frame.layers.hours === undefined ? null : hoursLayer(state.exceedance);
    const name =
      hours === null || hours === undefined
        ? store.t(`layer_${layer}_long`)
        : store.t("hours_above", { min: hours.min_wbgt_degc });
    setText(title, name + (ramp.unit === "" ? "" : ` (${ramp.unit})`));
    bar.style.setProperty("background", gradient(ramp));
    bar.dataset.layer = layer;
    ticks.replaceChildren(...ticksOf(ramp));
    names.replaceChildren(
      ...ramp.segments.flatMap(({ name }) =>
        name === undefined ? [] : [h("li", {}, store.t(segmentKey(name)))],
      ),
    );
    setText(opacityText, store.t("opacity"));
    setLabel(more, store.t("opacity"));
  });

  store.watch(["shown", "probe", "layer"], (state) => {
    const value = probeValue(state);
    pointer.hidden = value === null;
    if (state.shown !== null && value !== null) {
      pointer.style.setProperty("left", `${positionOf(RAMPS[state.shown.layer], value) * 100}%`);
    }
  });

  const root = h(
    "section",
    { class: "legend", "data-testid": "legend" },
    h("div", { class: "legend-head" }, title, h("div", { class: "legend-when" }, time, ageText)),
    more,
    h("div", { class: "legend-scale" }, bar, pointer, ticks, names),
    ahead,
    h("label", { class: "legend-opacity" }, opacityText, opacity),
  );
  store.watch(["shown", "tick", "lang", "clock", "connection"], (state) => {
    root.setAttribute("aria-label", store.t("legend"));
    const { shown, clock } = state;
    if (shown === null || clock === null) {
      setText(time, store.t(missingFrame(state.connection)));
      setText(ageText, "");
      return;
    }
    time.dateTime = shown.frame.at;
    if (shown.layer === "hours") {
      root.classList.remove("is-stale");
      const isDay = shown.frame.id.includes("-day-");
      setText(
        time,
        store.t(isDay ? "hours_day" : "hours_so_far", { time: jstTime(Date.parse(shown.frame.at)) }),
      );
      setText(ageText, "");
      return;
    }
    if (isAhead(shown.frame)) {
      root.classList.remove("is-stale");
      setText(time, store.t("frame_ahead", { time: jstHour(shown.frame.at) }));
      setText(ageText, "");
      return;
    }
    const ageS = clock.realAgeS(shown.frame.at);
    const stale = frameIsStale(shown.frame.stale, ageS, state.frameIntervalS);
    root.classList.toggle("is-stale", stale);
    setText(time, store.t("frame_time", { time: jstTime(Date.parse(shown.frame.at)) }));
    const key = stale ? "frame_stale" : ageS < 2 ? "just_now" : "frame_age";
    setText(ageText, store.t(key, { age: age(state.lang, ageS) }));
  });
  return root;
}

function probeValue({ shown, probe }: State): number | null {
  if (shown === null || probe === null) return null;
  const found = sample(shown.grid, probe.place);
  return found.kind === "value" ? found.value : null;
}

function gradient(ramp: Ramp): string {
  const stops: string[] = [];
  ramp.segments.forEach((segment, index) => {
    for (let i = 0; i <= SAMPLES_PER_SEGMENT; i++) {
      // A hair inside the segment, so that its last colour is its own and not its neighbour's.
      const t = Math.min(i / SAMPLES_PER_SEGMENT, 0.9999);
      const value = segment.from + (segment.to - segment.from) * t;
      const place = ramp.equalWidths ? (index + t) / ramp.segments.length : positionOf(ramp, value);
      stops.push(`${toCss(colourAt(ramp, value))} ${(place * 100).toFixed(2)}%`);
    }
  });
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** Numbers where segments meet; a scale without units needs none. */
function ticksOf(ramp: Ramp): HTMLElement[] {
  if (ramp.unit === "") return [];
  const inner = ramp.segments.slice(1).map((segment) => segment.from);
  const ends = ramp.equalWidths ? [] : [ramp.segments[0]!.from, ramp.segments.at(-1)!.to];
  return [...inner, ...ends].map((value) => {
    const tick = h("span", {}, String(value));
    const place = value === ramp.segments.at(-1)!.to ? 1 : positionOf(ramp, value);
    tick.style.setProperty("left", `${place * 100}%`);
    tick.classList.toggle("is-first", place === 0);
    tick.classList.toggle("is-last", place === 1);
    return tick;
  });
}
