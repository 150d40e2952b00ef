/** Walks on the map: lines told apart by dashes as well as by colour, their labels, both ends, and the taps that choose them. */

import { Marker, type GeoJSONSource, type LineLayerSpecification } from "maplibre-gl";
import type { Bounds, LonLat, WalkKind, WalksAnswer } from "../api";
import { h, setText } from "../dom";
import type { CityMap } from "../map";
import { placeOf } from "../stations";
import type { State, Store } from "../store";
import { labelPlaces } from "./labels";
import { figuresOf, roleOf, timeText, walkOf } from "./numbers";
import type { WayPlanner } from "./planner";
import type { End, Way } from "./state";

const SOURCE = "way";
const JOIN = "join";
/** Painted in this order; the chosen one comes last. */
const KINDS: readonly WalkKind[] = ["shortest", "balanced", "coolest"];
/** Dark lines on white stand out from every colour of the heat, by day and by night. `dash` in widths of the line. */
const STYLE: Readonly<Record<WalkKind, { colour: string; dash?: [number, number, ...number[]] }>> = {
  coolest: { colour: "#0a3fa8" },
  balanced: { colour: "#6b1f8a", dash: [2.4, 0.9, 0.5, 0.9] },
  shortest: { colour: "#22262b", dash: [1.1, 0.9] },
};
const CHOSEN = { line: 6, casing: 11 };
const OTHER = { line: 4, casing: 8 };
/** A finger is this wide, in pixels to each side. */
const FINGER_PX = 12;
const LABEL_GAP_PX = 10;

const lineId = (kind: WalkKind): string => `way-${kind}`;
const casingId = (kind: WalkKind): string => `way-${kind}-casing`;

/** Returns once the map is ready to be drawn on. */
export function addWay(store: Store, city: CityMap, planner: WayPlanner): void {
  addTaps(store, city, planner);
  addEnds(store, city, planner);
  addLabels(store, city, planner);
  void city.loaded.then(() => {
    city.map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    city.map.addLayer({
      id: "way-join",
      type: "line",
      source: SOURCE,
      filter: ["==", ["get", "role"], JOIN],
      layout: { "line-cap": "round" },
      paint: { "line-color": "#ffffff", "line-width": 5, "line-dasharray": [0, 1.6] },
    });
    for (const kind of KINDS) for (const layer of layersOf(kind)) city.map.addLayer(layer);
    let drawn: WalksAnswer | null = null;
    let chosen: WalkKind | null = null;
    let framed = "";
    store.watch(["way"], ({ way }) => {
      if (way.answer !== drawn) {
        drawn = way.answer;
        (city.map.getSource(SOURCE) as GeoJSONSource).setData(linesOf(way));
      }
      const next = shownKind(way);
      if (next !== chosen) emphasise(city, (chosen = next));
      // The camera moves for new ends, not when the same walks are computed again.
      const ends = way.answer === null ? "" : JSON.stringify([way.from?.place, way.to?.place]);
      if (way.answer !== null && ends !== framed) city.ensureSeen(boundsOf(way.answer));
      framed = ends;
    });
  });
}

function layersOf(kind: WalkKind): LineLayerSpecification[] {
  const { colour, dash } = STYLE[kind];
  const shared: Omit<LineLayerSpecification, "id"> = {
    type: "line",
    source: SOURCE,
    filter: ["==", ["get", "role"], kind],
    layout: { "line-join": "round", "line-cap": "round" },
  };
  return [
    { ...shared, id: casingId(kind), paint: { "line-color": "#ffffff", "line-width": OTHER.casing } },
    {
      ...shared,
      id: lineId(kind),
      layout: { "line-join": "round", "line-cap": dash === undefined ? "round" : "butt" },
      paint: {
        "line-color": colour,
        "line-width": OTHER.line,
        ...(dash === undefined ? {} : { "line-dasharray": dash }),
      },
    },
  ];
}

function emphasise({ map }: CityMap, chosen: WalkKind | null): void {
  for (const kind of KINDS) {
    const width = kind === chosen ? CHOSEN : OTHER;
    map.setPaintProperty(casingId(kind), "line-width", width.casing);
    map.setPaintProperty(lineId(kind), "line-width", width.line);
  }
  if (chosen === null) return;
  map.moveLayer(casingId(chosen));
  map.moveLayer(lineId(chosen));
}

/** What the chosen walk is drawn as. */
function shownKind({ answer, walk }: Way): WalkKind | null {
  const found = answer === null ? undefined : walkOf(answer, walk);
  return found === undefined ? null : roleOf(found.properties);
}

/** The walks, and how each end is joined to them: a place inside a block lies off the street. */
function linesOf({ answer, from, to }: Way): GeoJSON.FeatureCollection {
  const walks = answer?.features ?? [];
  const line = walks[0]?.geometry.coordinates;
  const joins: GeoJSON.Position[][] =
    line === undefined || from === null || to === null
      ? []
      : [
          [[...from.place], line[0]!],
          [line.at(-1)!, [...to.place]],
        ];
  return {
    type: "FeatureCollection",
    features: [
      ...walks.map(({ geometry, properties }) => feature(geometry.coordinates, roleOf(properties))),
      ...joins.map((coordinates) => feature(coordinates, JOIN)),
    ],
  };
}

const feature = (coordinates: GeoJSON.Position[], role: string): GeoJSON.Feature => ({
  type: "Feature",
  geometry: { type: "LineString", coordinates },
  properties: { role },
});

function boundsOf({ features }: WalksAnswer): Bounds {
  const places = features.flatMap(({ geometry }) => geometry.coordinates);
  const lons = places.map(([lon]) => lon!);
  const lats = places.map(([, lat]) => lat!);
  return {
    west: Math.min(...lons),
    east: Math.max(...lons),
    south: Math.min(...lats),
    north: Math.max(...lats),
  };
}

/** A tap sets the end that is being chosen, or chooses the walk that was hit; else it is somebody else's. */
function addTaps(store: Store, city: CityMap, planner: WayPlanner): void {
  const { map } = city;
  map.on("click", (event) => {
    const over = event.originalEvent.target;
    if (over instanceof Element && over.closest(".maplibregl-marker") !== null) return;
    const end = store.state.way.picking;
    if (end !== null) {
      event.preventDefault();
      planner.set(end, { place: event.lngLat.toArray(), source: "map" });
      return;
    }
    if (store.state.way.answer === null || map.getLayer(lineId("coolest")) === undefined) return;
    const { x, y } = event.point;
    const [hit] = map.queryRenderedFeatures(
      [
        [x - FINGER_PX, y - FINGER_PX],
        [x + FINGER_PX, y + FINGER_PX],
      ],
      { layers: KINDS.map(lineId) },
    );
    const kind = KINDS.find((name) => name === hit?.properties["role"]);
    if (kind === undefined) return;
    event.preventDefault();
    planner.choose(kind);
  });
  map.getCanvas().addEventListener("keydown", (event) => {
    const end = store.state.way.picking;
    if (event.key !== "Enter" || end === null) return;
    event.preventDefault();
    planner.set(end, { place: map.getCenter().toArray(), source: "map" });
  });
  // While an end is being chosen, a station's marker is a place like any other.
  map.getContainer().addEventListener(
    "click",
    (event) => {
      const end = store.state.way.picking;
      const marker = event.target instanceof Element ? event.target.closest("[data-testid^=station-]") : null;
      if (end === null || marker === null) return;
      const id = marker.getAttribute("data-testid")!.slice("station-".length);
      const station = store.state.stations.find((each) => each.id === id);
      const place = station === undefined ? null : placeOf(station);
      if (place === null) return;
      event.stopPropagation();
      planner.set(end, { place, source: "station", station: id });
    },
    { capture: true },
  );
  store.watch(["way"], ({ way }) => map.getContainer().classList.toggle("is-picking", way.picking !== null));
}

/** Both ends as markers that can be dragged; with the keyboard the panel's buttons set them. */
function addEnds(store: Store, city: CityMap, planner: WayPlanner): void {
  for (const end of ["from", "to"] as const) {
    const letter = h("span", {});
    const element = h(
      "div",
      { class: "way-end", "data-end": end, "data-testid": `way-marker-${end}`, role: "img" },
      letter,
    );
    const marker = new Marker({ element, anchor: end === "from" ? "center" : "bottom", draggable: true });
    marker.on("dragend", () => planner.set(end, { place: marker.getLngLat().toArray(), source: "map" }));
    let shown: LonLat | null = null;
    store.watch(["way", "lang"], ({ way }) => {
      setText(letter, store.t(badgeKey(end)));
      const label = store.t(`way_${end}`);
      if (element.getAttribute("aria-label") !== label) element.setAttribute("aria-label", label);
      const place = way[end]?.place ?? null;
      if (place === shown) return;
      shown = place;
      if (place === null) marker.remove();
      else marker.setLngLat([...place]).addTo(city.map);
    });
  }
}

const badgeKey = (end: End): "way_from_badge" | "way_to_badge" => `way_${end}_badge`;

/** A label on each walk; the panel has the same choice for keyboards and screen readers. */
function addLabels(store: Store, city: CityMap, planner: WayPlanner): void {
  let markers: Marker[] = [];
  let shown = "";
  let drawn: WalksAnswer | null = null;
  store.watch(["way", "lang"], (state: State) => {
    const { answer } = state.way;
    const signature = `${state.lang} ${shownKind(state.way)}`;
    if (answer === drawn && signature === shown) return;
    [drawn, shown] = [answer, signature];
    for (const marker of markers) marker.remove();
    markers = [];
    if (answer === null) return;
    const labels = labelPlaces(
      answer.features.map(({ geometry }) => geometry.coordinates as [number, number][]),
    );
    markers = answer.features.map(({ properties }, i) => {
      const role = roleOf(properties);
      const time = timeText(store.t, figuresOf(properties).minutes);
      const element = h(
        "button",
        {
          type: "button",
          class: `way-label${role === shownKind(state.way) ? " is-chosen" : ""}`,
          tabindex: "-1",
          "aria-hidden": "true",
          "data-role": role,
          onclick: (event) => {
            event.stopPropagation();
            planner.choose(role);
          },
        },
        h("i", {}),
        h("span", { class: "way-label-name" }, store.t(`way_${role}`)),
        h("span", {}, time),
      );
      const { place, side } = labels[i]!;
      const isLeft = side === "left";
      return new Marker({
        element,
        anchor: isLeft ? "right" : "left",
        offset: [isLeft ? -LABEL_GAP_PX : LABEL_GAP_PX, 0],
      })
        .setLngLat([...place])
        .addTo(city.map);
    });
  });
}
