/** Which layer the map shows. */

import { hoursLayer } from "./ahead";
import type { LayerName } from "./api";
import { h, setText } from "./dom";
import type { Store } from "./store";

export const LAYERS: readonly LayerName[] = ["wbgt", "utci", "tmrt", "shadow", "hours"];

export const isLayer = (name: string | null): name is LayerName => LAYERS.some((layer) => layer === name);

export function makeLayerSwitch(store: Store): HTMLElement {
  const group = h("div", { class: "layer-switch", role: "group" });
  for (const layer of LAYERS) {
    const button = h("button", {
      type: "button",
      "data-testid": `layer-${layer}`,
      onclick: () => store.set({ layer }),
    });
    store.watch(["layer", "lang", "frame", "exceedance"], (state) => {
      setText(button, store.t(`layer_${layer}`));
      button.title = store.t(`layer_${layer}_long`);
      button.setAttribute("aria-pressed", String(state.layer === layer));
      button.disabled =
        layer === "hours"
          ? hoursLayer(state.exceedance) === undefined
          : state.frame !== null && state.frame.layers[layer] === undefined;
    });
    group.append(button);
  }
  store.watch(["lang"], () => group.setAttribute("aria-label", store.t("layer_group")));
  return group;
}
