/** What the visitor chose before. Storage may be forbidden: then nothing is remembered, and nothing breaks. */

export type Preference = "lang" | "theme" | "layer" | "opacity";

const keyOf = (name: Preference): string => `kumagaya.heat-map.${name}`;

export function recall(name: Preference): string | null {
  try {
    return localStorage.getItem(keyOf(name));
  } catch {
    return null;
  }
}

export function remember(name: Preference, value: string): void {
  try {
    localStorage.setItem(keyOf(name), value);
  } catch {
    // Private windows: the choice lasts for this visit.
  }
}
