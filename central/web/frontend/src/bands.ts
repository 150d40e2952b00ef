/** The four WBGT bands of daily life (Ministry of the Environment, Japanese Society of Biometeorology). */

import type { Band } from "./api";

/** From mild to dangerous. */
export const BANDS: readonly Band[] = ["caution", "warning", "severe_warning", "danger"];

/** Lower bounds in degC WBGT, inclusive. */
export const BAND_FROM_DEGC: Readonly<Record<Band, number>> = {
  caution: -Infinity,
  warning: 25,
  severe_warning: 28,
  danger: 31,
};

/**
 * Flat colour of each band and the ink that reads on it. Blue, yellow, orange, red as the Ministry paints them, but
 * with lightness falling from yellow to red, so that they stay apart for colour-blind eyes and in print.
 */
export const BAND_COLOUR: Readonly<Record<Band, { readonly fill: string; readonly ink: string }>> = {
  caution: { fill: "#9cc9ee", ink: "#10222f" },
  warning: { fill: "#f5d33f", ink: "#2b2300" },
  severe_warning: { fill: "#ee8622", ink: "#241000" },
  danger: { fill: "#b3192f", ink: "#ffffff" },
};

export function bandOf(wbgtDegc: number): Band {
  if (wbgtDegc >= BAND_FROM_DEGC.danger) return "danger";
  if (wbgtDegc >= BAND_FROM_DEGC.severe_warning) return "severe_warning";
  return wbgtDegc >= BAND_FROM_DEGC.warning ? "warning" : "caution";
}
