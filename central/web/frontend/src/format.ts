/** Numbers and instants as people read them. */

import { isKey, translate, type Key, type Lang } from "./i18n";
import { jstDate } from "./time";

/** "8秒", "3 min": the largest unit that fits. */
export function age(lang: Lang, seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return translate(lang, "seconds", { n: s });
  if (s < 3600) return translate(lang, "minutes", { n: Math.floor(s / 60) });
  if (s < 172_800) return translate(lang, "hours", { n: Math.floor(s / 3600) });
  return translate(lang, "days", { n: Math.floor(s / 86_400) });
}

export function date(lang: Lang, ms: number): string {
  const { month, day, weekday } = jstDate(ms);
  const name = translate(lang, "weekdays").split(" ")[weekday] ?? "";
  return translate(lang, "date", { month, day, weekday: name });
}

export const compassPoint = (lang: Lang, degrees: number): string =>
  translate(lang, "compass").split(" ")[Math.round((((degrees % 360) + 360) % 360) / 22.5) % 16] ?? "";

const UNITS: readonly (readonly [suffix: string, unit: string, decimals: number])[] = [
  ["_degc", "°C", 1],
  ["_pct", "%", 0],
  ["_ms", "m/s", 1],
  ["_deg", "°", 0],
  ["_wm2", "W/m²", 0],
  ["_hpa", "hPa", 1],
  ["_mm", "mm", 1],
  ["_mmh", "mm/h", 1],
  ["_lx", "lx", 0],
  ["_db", "dB", 0],
  ["_ugm3", "µg/m³", 0],
  ["_v", "V", 1],
];

export interface QuantityStyle {
  readonly unit: string;
  readonly decimals: number;
}

/** Unit and digits of a quantity, told by the unit at the end of its name. */
export function quantityStyle(quantity: string): QuantityStyle {
  const found = UNITS.find(([suffix]) => quantity.endsWith(suffix));
  return found ? { unit: found[1], decimals: found[2] } : { unit: "", decimals: 1 };
}

/** The quantity's name; one the page does not know is shown by its own name, made readable. */
export function quantityName(lang: Lang, quantity: string): string {
  const key = `q_${quantity}`;
  if (isKey(key)) return translate(lang, key);
  const suffix = UNITS.find(([end]) => quantity.endsWith(end))?.[0] ?? "";
  return quantity.slice(0, quantity.length - suffix.length).replaceAll("_", " ");
}

export function quantityValue(lang: Lang, quantity: string, value: number): string {
  const { unit, decimals } = quantityStyle(quantity);
  if (quantity === "wind_direction_deg") return `${compassPoint(lang, value)} ${value.toFixed(0)}°`;
  const digits: Intl.NumberFormatOptions = {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    // 1006.0 hPa, but 89,623 lx.
    useGrouping: "min2",
  };
  // A hair below nought is nought, not "-0.0".
  const number = (Math.abs(value) < 0.5 * 10 ** -decimals ? 0 : value).toLocaleString(lang, digits);
  return unit === "" || unit === "°" ? `${number}${unit}` : `${number} ${unit}`;
}

/** What a quality flag means; null when the value is fine. */
export function flagText(lang: Lang, flag: string): string | null {
  if (flag === "ok") return null;
  const key: string = `flag_${flag}`;
  return isKey(key) ? translate(lang, key) : translate(lang, "flag_unknown", { flag });
}

/** Whole percentages that still add up to 100 (largest remainders). */
export function percentages(shares: readonly number[]): number[] {
  const total = shares.reduce((a, b) => a + b, 0);
  if (total <= 0) return shares.map(() => 0);
  const exact = shares.map((s) => (s / total) * 100);
  const whole = exact.map(Math.floor);
  const missing = 100 - whole.reduce((a, b) => a + b, 0);
  const order = exact.map((e, i) => [e - whole[i]!, i] as const).sort((a, b) => b[0] - a[0]);
  for (const [, i] of order.slice(0, missing)) whole[i]! += 1;
  return whole;
}

export type { Key };
