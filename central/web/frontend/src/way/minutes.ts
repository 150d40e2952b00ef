/** The minutes of a walk in each band, as a bar and as words. */

import type { WalkNumbers } from "../api";
import { h } from "../dom";
import { segmentKey } from "../legend";
import type { Store } from "../store";
import { bandTimes } from "./numbers";

/** Both indices; UTCI is left out where it is not defined. */
export function bars(store: Store, walk: WalkNumbers): HTMLElement[] {
  return (["utci", "wbgt"] as const).flatMap((index) => {
    const times = bandTimes(walk, index);
    if (times.length === 0) return [];
    const { t } = store;
    const bar = h("div", { class: "share-bar", "aria-hidden": "true" });
    const key = h("ul", { class: "share-key", "data-testid": `way-minutes-${index}` });
    for (const { name, minutes, colour } of times) {
      const part = h("span", { class: "share-part" });
      part.style.setProperty("--band", colour);
      part.style.setProperty("flex-grow", String(minutes));
      bar.append(part);
      const swatch = h("span", { class: "swatch" });
      swatch.style.setProperty("--band", colour);
      const words = h("b", {}, t("way_minutes", { n: minutes.toFixed(1) }));
      key.append(h("li", { "data-band": name }, swatch, h("span", {}, t(segmentKey(name))), words));
    }
    return [h("h3", {}, t(`way_${index}_minutes`)), bar, key];
  });
}
