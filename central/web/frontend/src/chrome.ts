/** The page's frame: title, language and theme, connection notice, map tools, attribution, the phone's sheet. */

import { h, icon, iconButton, setIcon, setLabel, setText } from "./dom";
import type { Key } from "./i18n";
import { canLocate, locate } from "./locate";
import type { CityMap } from "./map";
import { remember } from "./preferences";
import type { Store } from "./store";

export function makeHeader(store: Store): HTMLElement {
  const title = h("h1", {});
  const simulated = h("span", { class: "simulated", "data-testid": "simulated" });
  const lang = h("button", { type: "button", class: "head-button", "data-testid": "lang-toggle" });
  lang.addEventListener("click", () => {
    const next = store.state.lang === "ja" ? "en" : "ja";
    remember("lang", next);
    // An address that asks for a language would undo the choice at the next visit.
    const address = new URL(location.href);
    if (address.searchParams.has("lang")) {
      address.searchParams.set("lang", next);
      history.replaceState(null, "", address);
    }
    store.set({ lang: next });
  });
  const theme = h("button", { type: "button", class: "head-button is-icon", "data-testid": "theme-toggle" });
  theme.addEventListener("click", () => {
    const next = store.state.theme === "dark" ? "light" : "dark";
    remember("theme", next);
    store.set({ theme: next });
  });
  const connection = h(
    "span",
    { class: "live", "data-testid": "connection" },
    h("i", { "aria-hidden": "true" }),
    h("span", {}),
  );
  store.watch(
    ["lang", "theme", "city", "connection"],
    ({ lang: now, theme: paint, city, connection: link }) => {
      const { t } = store;
      document.documentElement.lang = now;
      document.documentElement.dataset.theme = paint;
      document.title = t("title");
      setText(title, t("title"));
      setText(lang, t("lang_toggle"));
      lang.lang = now === "ja" ? "en" : "ja";
      lang.setAttribute("aria-label", t("lang_toggle_long"));
      setIcon(theme, paint === "dark" ? "sun" : "moon");
      setLabel(theme, t(paint === "dark" ? "theme_to_light" : "theme_to_dark"));
      const isSimulated = city?.simulated_weather ?? false;
      const speed = Number((city?.clock.speed ?? 1).toFixed(1));
      simulated.hidden = !isSimulated;
      setText(simulated, t("simulated", { speed }));
      simulated.title = t("simulated_long", { speed });
      connection.dataset.state = link;
      setText(connection.lastElementChild!, t(`short_${link}`));
    },
  );
  return h(
    "header",
    { class: "head" },
    h("div", { class: "head-words" }, title, h("div", { class: "head-notes" }, connection, simulated)),
    lang,
    theme,
  );
}

/** A line across the map while data does not flow, or when something asked for did not work. */
export function makeBanner(store: Store): HTMLElement {
  const text = h("span", {});
  const reload = h("button", { type: "button", class: "plain", onclick: () => location.reload() });
  const banner = h("div", { class: "banner", role: "status", "data-testid": "banner" }, text, reload);
  store.watch(["connection", "notice", "lang"], ({ connection, notice }) => {
    const quiet = connection === "live" || connection === "connecting";
    const key: Key | null = quiet ? notice : `connection_${connection}`;
    banner.hidden = key === null;
    banner.dataset.state = quiet ? "notice" : connection;
    setText(text, key === null ? "" : store.t(key));
    setText(reload, store.t("reload"));
    reload.hidden = connection !== "offline";
  });
  return banner;
}

const NOTICE_MS = 5_000;

export function notify(store: Store, notice: Key): void {
  store.set({ notice });
  setTimeout(() => store.state.notice === notice && store.set({ notice: null }), NOTICE_MS);
}

export function makeTools(store: Store, city: CityMap): HTMLElement {
  const here = iconButton("locate", "locate", () => {
    void locate(store.state.city).then((place) => {
      if (typeof place === "string") return notify(store, place);
      store.set({ probe: { place, isHere: true } });
      city.map.easeTo({ center: [...place], zoom: Math.max(16, city.map.getZoom()) });
    });
  });
  here.hidden = !canLocate();
  const tilt = iconButton("cube", "toggle-3d", () => store.set({ tilted: !store.state.tilted }));
  const streets = iconButton("streets", "toggle-base-map", () =>
    store.set({ baseMap: !store.state.baseMap }),
  );
  const zoomIn = iconButton("plus", "zoom-in", () => city.zoom(1));
  const zoomOut = iconButton("minus", "zoom-out", () => city.zoom(-1));
  const home = iconButton("home", "home", () => {
    store.set({ tilted: false });
    city.goHome();
  });
  store.watch(["lang", "tilted", "baseMap", "city"], (state) => {
    setLabel(zoomIn, store.t("zoom_in"));
    setLabel(zoomOut, store.t("zoom_out"));
    setLabel(home, store.t("whole_city"));
    setLabel(tilt, store.t("buildings_3d"));
    setLabel(streets, store.t("base_map"));
    setLabel(here, store.t("locate"));
    tilt.setAttribute("aria-pressed", String(state.tilted));
    streets.setAttribute("aria-pressed", String(state.baseMap));
    // Real streets under an invented city would mislead.
    streets.hidden = state.city === null || state.city.source === "synthetic";
  });
  return h(
    "div",
    { class: "tools" },
    h("div", { class: "tool-group is-zoom" }, zoomIn, zoomOut),
    h("div", { class: "tool-group" }, here, home, tilt, streets),
  );
}

export function makeAttribution(store: Store): HTMLElement {
  const list = h("ul", { class: "attribution", "data-testid": "attribution" });
  store.watch(["city", "lang", "baseMap"], ({ city, lang, baseMap }) => {
    if (city === null) return;
    const source = lang === "ja" ? city.attribution_ja : city.attribution_en;
    const parts = [
      lang === "ja" ? city.name_ja : city.name_en,
      ...(city.source === "synthetic" ? [store.t("city_synthetic")] : []),
      ...(source === "" ? [] : [source]),
      store.t("heights_estimated", {
        total: city.building_count.toLocaleString(lang),
        estimated: city.building_height_estimated_count.toLocaleString(lang),
      }),
      ...(city.simulated_weather
        ? [store.t("simulated_long", { speed: Number(city.clock.speed.toFixed(1)) })]
        : []),
      ...(baseMap ? [store.t("gsi_attribution")] : []),
    ];
    list.replaceChildren(...parts.map((part) => h("li", {}, part)));
  });
  return list;
}

/** Whose map this is, always in sight as the licences ask; an invented city owes nobody. */
export function makeCredit(store: Store, stage: HTMLElement): HTMLElement {
  const credit = h("p", { class: "credit", "data-testid": "credit" });
  store.watch(["city", "lang", "baseMap", "way"], ({ city, lang, baseMap, way: { answer } }) => {
    const source = (lang === "ja" ? city?.attribution_ja : city?.attribution_en) ?? "";
    const parts = [
      ...(source === "" ? [] : [source]),
      // Walks on the city's own roads or ground are credited with the city. The card has the licence's address as a link.
      ...(answer?.network === "lines" ? [answer.attribution.replace(/,?\s*https?:\S+/, "")] : []),
      ...(baseMap ? [store.t("gsi_attribution")] : []),
    ];
    setText(credit, parts.join(" | "));
    credit.title = credit.textContent;
    stage.classList.toggle("has-credit", parts.length > 0);
  });
  return credit;
}

/** On a phone the words lie in a sheet over the map: a peek, or most of the screen. */
export function makeSheet(store: Store, ...content: HTMLElement[]): HTMLElement {
  const body = h("div", { class: "sheet-body" }, ...content);
  const words = h("span", { class: "visually-hidden" });
  const handle = h(
    "button",
    { type: "button", class: "sheet-handle", "data-testid": "sheet-handle" },
    icon("chevron"),
    words,
  );
  const sheet = h("aside", { class: "sheet" }, handle, body);
  const set = (open: boolean): void => {
    sheet.classList.toggle("is-open", open);
    handle.setAttribute("aria-expanded", String(open));
    setText(words, store.t(open ? "sheet_close" : "sheet_open"));
    if (!open) body.scrollTop = 0;
  };
  let pressedAtY: number | null = null;
  handle.addEventListener("pointerdown", (event) => (pressedAtY = event.clientY));
  handle.addEventListener("pointerup", (event) => {
    const moved = event.clientY - (pressedAtY ?? event.clientY);
    pressedAtY = null;
    if (Math.abs(moved) > 24) set(moved < 0);
  });
  handle.addEventListener("click", () => set(!sheet.classList.contains("is-open")));
  set(false);
  store.watch(["lang"], () => set(sheet.classList.contains("is-open")));
  store.watch(["selected"], ({ selected }) => {
    sheet.classList.toggle("has-station", selected !== null);
    body.scrollTop = 0;
    if (selected !== null) set(true);
  });
  let wanted = "";
  store.watch(["way", "selected"], ({ way, selected }) => {
    sheet.classList.toggle("has-way", way.open && selected === null);
    // What is to be tapped lies on the map, and so do the walks that were found.
    const next = `${way.open} ${way.picking} ${way.answer !== null}`;
    if (next !== wanted && selected === null && wanted !== "") set(false);
    wanted = next;
  });
  return sheet;
}
