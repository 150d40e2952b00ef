/** How hot it is downtown now: the band in large, what to do, and how much of the outdoor area lies in each band. */

import type { Band, Frame } from "./api";
import { BAND_COLOUR, BANDS, bandOf } from "./bands";
import { h, setText } from "./dom";
import { compassPoint, date, percentages } from "./format";
import type { Key } from "./i18n";
import { frameIsStale } from "./stale";
import type { Store } from "./store";
import type { Connection } from "./stream";
import { jstTime } from "./time";

export const bandKey = (band: Band): Key => `band_${band}`;

export function paintBand(element: HTMLElement, band: Band | null): void {
  const colour = band === null ? null : BAND_COLOUR[band];
  element.style.setProperty("--band", colour?.fill ?? "var(--line)");
  element.style.setProperty("--band-ink", colour?.ink ?? "var(--ink)");
}

/** Band of the downtown average, null while no frame tells it. */
export function cityBand(frame: Frame | null): Band | null {
  const mean = frame?.layers.wbgt?.mean;
  return mean === null || mean === undefined ? null : bandOf(mean);
}

export function makeHeadline(store: Store): HTMLElement {
  const label = h("h2", { class: "headline-label" });
  const when = h("span", { class: "headline-when" });
  const band = h("strong", { class: "headline-band", "data-testid": "city-band" });
  const value = h("span", { class: "headline-value" });
  const valueNote = h("span", { class: "headline-note" });
  const advice = h("p", { class: "headline-advice", "data-testid": "advice" });
  const shareTitle = h("h3", { class: "share-title" });
  const bar = h("div", { class: "share-bar", role: "img", "data-testid": "band-share" });
  const key = h("ul", { class: "share-key" });
  const weather = h("dl", { class: "weather" });
  const spoken = h("div", {
    class: "visually-hidden",
    "aria-live": "polite",
    "data-testid": "band-announcement",
  });
  const card = h(
    "div",
    { class: "headline-card" },
    band,
    h("div", { class: "headline-figure" }, value, valueNote),
  );
  let spokenBand: Band | null = null;

  store.watch(["frame", "lang", "connection"], ({ frame, lang, connection }) => {
    const { t } = store;
    setText(shareTitle, t("share_title"));
    const now = cityBand(frame);
    paintBand(card, now);
    const wbgt = frame?.layers.wbgt;
    setText(band, now === null ? "–" : t(bandKey(now)));
    setText(value, wbgt?.mean == null ? "–" : `${wbgt.mean.toFixed(1)}`);
    setText(
      valueNote,
      wbgt?.max == null ? t("wbgt_average") : t("wbgt_average_highest", { max: wbgt.max.toFixed(1) }),
    );
    value.dataset.unit = wbgt?.mean == null ? "" : "°C";
    value.dataset.name = "WBGT";
    setText(advice, now === null ? t(missingFrame(connection)) : t(`advice_${now}`));
    const at = frame === null ? null : Date.parse(frame.at);
    setText(when, at === null ? "" : `${date(lang, at)} ${jstTime(at)}`);
    const percents = percentages(BANDS.map((name) => frame?.band_share[name] ?? 0));
    bar.replaceChildren(
      ...BANDS.flatMap((name, i) => {
        if (percents[i] === 0) return [];
        const part = h("span", { class: "share-part" });
        paintBand(part, name);
        part.style.setProperty("flex-grow", String(percents[i]));
        return [part];
      }),
    );
    const words = BANDS.map((name, i) =>
      t("share_item", { band: t(bandKey(name)), percent: percents[i] ?? 0 }),
    );
    bar.setAttribute("aria-label", `${t("share_title")}: ${words.join(", ")}`);
    key.replaceChildren(
      ...BANDS.map((name, i) => {
        const item = h(
          "li",
          { class: percents[i] === 0 ? "is-none" : "" },
          h("span", { class: "swatch" }),
          h("span", {}, t(bandKey(name))),
          h("b", {}, `${percents[i] ?? 0}%`),
        );
        paintBand(item, name);
        return item;
      }),
    );
    weather.replaceChildren(...(frame === null ? [] : weatherItems(store, frame)));
    if (now !== null && now !== spokenBand) {
      // The first band is on the page already; only a change is news.
      if (spokenBand !== null)
        setText(spoken, t("band_changed", { band: t(bandKey(now)), advice: t(`advice_${now}`) }));
      spokenBand = now;
    }
  });

  const section = h(
    "section",
    { class: "headline" },
    h("div", { class: "headline-top" }, label, when),
    card,
    advice,
    h("div", { class: "share" }, shareTitle, bar, key),
    weather,
    spoken,
  );
  store.watch(["frame", "lang", "tick", "clock"], ({ frame, clock, frameIntervalS }) => {
    const stale =
      frame !== null && clock !== null && frameIsStale(frame.stale, clock.realAgeS(frame.at), frameIntervalS);
    section.classList.toggle("is-stale", stale);
    setText(label, store.t(stale ? "last_outdoors" : "now_outdoors"));
  });
  return section;
}

/** Why there is no frame: none was made yet, or nobody can tell. */
export const missingFrame = (connection: Connection): Key =>
  connection === "live" || connection === "polling" ? "frame_none" : "frame_unknown";

function weatherItems(store: Store, frame: Frame): HTMLElement[] {
  const { t } = store;
  const number = (name: string): number | null => {
    const value = frame.weather[name];
    return typeof value === "number" ? value : null;
  };
  const item = (key: Key, text: string | null): HTMLElement[] =>
    text === null ? [] : [h("div", {}, h("dt", {}, t(key)), h("dd", {}, text))];
  const temperature = number("air_temperature_degc");
  const humidity = number("relative_humidity_pct");
  const wind = number("wind_speed_ms");
  const direction = number("wind_direction_deg");
  const sun = number("global_radiation_wm2");
  const from = direction === null ? "" : `${compassPoint(store.state.lang, direction)} `;
  return [
    ...item("q_air_temperature_degc", temperature === null ? null : `${temperature.toFixed(1)} °C`),
    ...item("q_relative_humidity_pct", humidity === null ? null : `${humidity.toFixed(0)} %`),
    ...item("q_wind_speed_ms", wind === null ? null : `${from}${wind.toFixed(1)} m/s`),
    ...item("q_global_radiation_wm2", sun === null ? null : `${sun.toFixed(0)} W/m²`),
  ];
}
