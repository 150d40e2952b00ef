/** The value at one place: under the mouse, where the map was tapped, or where the visitor stands. */

import { Marker, type MapMouseEvent } from "maplibre-gl";
import type { LonLat } from "./api";
import { bandOf } from "./bands";
import { toCss } from "./colour";
import { h, icon, setLabel, setText } from "./dom";
import { sample } from "./grid";
import { paintBand, bandKey } from "./headline";
import { segmentKey } from "./legend";
import type { CityMap } from "./map";
import { colourAt, RAMPS, segmentNameAt } from "./ramp";
import type { State, Store } from "./store";

interface Words {
  readonly value: string;
  readonly name: string;
  readonly colour: string | null;
}

/** What to say about a place; null before the first picture. */
function describe(store: Store, state: State, place: LonLat): Words | null {
  const { shown } = state;
  if (shown === null) return null;
  const found = sample(shown.grid, place);
  if (found.kind !== "value") {
    return { value: "", name: store.t(found.kind === "none" ? "building" : "outside"), colour: null };
  }
  const ramp = RAMPS[shown.layer];
  const name =
    shown.layer === "wbgt"
      ? store.t(bandKey(bandOf(found.value)))
      : nameOf(store, segmentNameAt(ramp, found.value));
  const value = ramp.unit === "" ? "" : `${found.value.toFixed(ramp.decimals)} ${ramp.unit}`;
  return { value, name, colour: toCss(colourAt(ramp, found.value)) };
}

const nameOf = (store: Store, name: ReturnType<typeof segmentNameAt>): string =>
  name === null ? "" : store.t(segmentKey(name));

class Readout {
  private readonly dot = h("span", { class: "readout-dot" });
  private readonly value = h("b", {});
  private readonly name = h("span", {});
  readonly element = h("div", { class: "readout" }, this.dot, this.value, this.name);

  show(words: Words | null): void {
    this.element.hidden = words === null;
    if (words === null) return;
    setText(this.value, words.value);
    setText(this.name, words.name);
    this.dot.hidden = words.colour === null;
    if (words.colour !== null) this.dot.style.setProperty("background", words.colour);
  }
}

/** Follows the mouse; touch screens tap instead. */
export function addHover(store: Store, city: CityMap): void {
  const readout = new Readout();
  readout.element.classList.add("readout-hover");
  readout.element.setAttribute("aria-hidden", "true");
  readout.element.hidden = true;
  city.map.getContainer().append(readout.element);
  let last: MapMouseEvent | null = null;
  const update = (): void => {
    if (last === null || nearPin(last)) return readout.show(null);
    readout.show(describe(store, store.state, last.lngLat.toArray()));
    const flip = last.point.x > city.map.getContainer().clientWidth - 180;
    const x = last.point.x + (flip ? -14 : 14);
    readout.element.style.setProperty(
      "transform",
      `translate(${x}px, ${last.point.y - 14}px) translate(${flip ? "-100%" : "0"}, -100%)`,
    );
  };
  // Beside the pin there would be two of the same.
  const nearPin = (event: MapMouseEvent): boolean => {
    const { probe } = store.state;
    return probe !== null && city.map.project([...probe.place]).dist(event.point) < 40;
  };
  if (!matchMedia("(hover: hover)").matches) return;
  city.map.on("mousemove", (event) => {
    // Over a marker the marker speaks.
    const over = event.originalEvent.target;
    last = over instanceof Element && over.closest(".maplibregl-marker") !== null ? null : event;
    update();
  });
  city.map.on("mouseout", () => {
    last = null;
    update();
  });
  store.watch(["shown", "lang", "probe"], update);
}

/** The pin: set by a tap, by Enter, or by the visitor's position; its value moves on with every frame. */
export function addPin(store: Store, city: CityMap, onWay: (place: LonLat) => void): void {
  const readout = new Readout();
  readout.element.setAttribute("role", "status");
  const close = h("button", { type: "button", class: "pin-close" }, icon("close"));
  const pin = h(
    "div",
    { class: "pin", "data-testid": "probe" },
    readout.element,
    h("span", { class: "pin-point" }),
  );
  const way = h("button", { type: "button", class: "pin-way", "data-testid": "way-to-pin" }, icon("walk"));
  way.addEventListener("click", (event) => {
    event.stopPropagation();
    const { probe } = store.state;
    store.set({ probe: null });
    if (probe !== null) onWay(probe.place);
  });
  readout.element.append(way, close);
  const marker = new Marker({ element: pin, anchor: "bottom" });
  close.addEventListener("click", (event) => {
    event.stopPropagation();
    store.set({ probe: null });
  });
  store.watch(["probe", "shown", "lang"], (state) => {
    setLabel(close, store.t("close"));
    setLabel(way, store.t("way_to_here"));
    if (state.probe === null) {
      marker.remove();
      return;
    }
    pin.classList.toggle("is-here", state.probe.isHere);
    readout.show(describe(store, state, state.probe.place));
    marker.setLngLat(state.probe.place as [number, number]).addTo(city.map);
    pin.removeAttribute("aria-label");
    pin.removeAttribute("tabindex");
  });
  const put = (place: LonLat): void => store.set({ probe: { place, isHere: false } });
  city.map.on("click", (event) => {
    const over = event.originalEvent.target;
    if (event.defaultPrevented) return;
    if (over instanceof Element && over.closest(".maplibregl-marker") !== null) return;
    put(event.lngLat.toArray());
  });
  city.map.getCanvas().addEventListener("keydown", (event) => {
    // Somebody else may have taken the key or the tap before: an end of a cool way is being chosen.
    if (event.defaultPrevented) return;
    if (event.key === "Enter") put(city.map.getCenter().toArray());
    if (event.key === "Escape") store.set({ probe: null });
  });
}

/** Dot of a band for places that are not on the map. */
export function bandDot(band: Parameters<typeof paintBand>[1]): HTMLElement {
  const dot = h("span", { class: "band-dot" });
  paintBand(dot, band);
  return dot;
}
