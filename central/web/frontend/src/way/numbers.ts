/** The numbers of walks as people read them: pure. Differences are those of the numbers shown, so that nobody finds a wrong sum. */

import type { Walk, WalkKind, WalkNumbers, WalksAnswer } from "../api";
import type { Translate } from "../i18n";
import { colourAt, RAMPS, type SegmentName } from "../ramp";
import { toCss } from "../colour";

/** What one walk is shown as: one that is two things at once is the coolest first. */
export function roleOf({ kinds }: Pick<WalkNumbers, "kinds">): WalkKind {
  if (kinds.includes("coolest")) return "coolest";
  return kinds.includes("shortest") ? "shortest" : "balanced";
}

/** The walks of an answer, coolest first. */
export const walksOf = (answer: WalksAnswer): readonly Walk[] => [...answer.features].reverse();

/** The walk of a kind; the coolest where there is none of it. */
export function walkOf(answer: WalksAnswer, kind: WalkKind): Walk | undefined {
  const of = (wanted: WalkKind): Walk | undefined =>
    answer.features.find(({ properties }) => properties.kinds.includes(wanted));
  return of(kind) ?? of("coolest") ?? answer.features[0];
}

export interface Figures {
  readonly minutes: number;
  readonly metres: number;
  readonly shadePct: number;
  readonly meanUtciDegc: number | null;
  readonly meanWbgtDegc: number;
}

const tenth = (value: number): number => Math.round(value * 10) / 10;

/** The walk's numbers with the digits that are shown. */
export const figuresOf = (walk: WalkNumbers): Figures => ({
  minutes: Math.round(walk.duration_s / 60),
  metres: Math.round(walk.length_m),
  shadePct: Math.round(walk.shade_pct),
  meanUtciDegc: walk.mean_utci_degc === null ? null : tenth(walk.mean_utci_degc),
  meanWbgtDegc: tenth(walk.mean_wbgt_degc),
});

export const timeText = (t: Translate, minutes: number): string =>
  minutes < 1 ? t("way_under_a_minute") : t("way_minutes", { n: minutes });

export const lengthText = (metres: number): string => `${metres.toLocaleString("en")} m`;

/** "2 min longer than the shortest, 35% more shade, feels 1.4 °C cooler on average". */
export function differenceText(t: Translate, answer: WalksAnswer, walk: Walk): string {
  if (answer.features.length === 1) return t("way_only");
  const shortest = walkOf(answer, "shortest");
  if (shortest === undefined || walk.properties.kinds.includes("shortest")) return t("way_is_shortest");
  const [here, there] = [figuresOf(walk.properties), figuresOf(shortest.properties)];
  const minutes = here.minutes - there.minutes;
  const shade = here.shadePct - there.shadePct;
  const isUtci = here.meanUtciDegc !== null && there.meanUtciDegc !== null;
  const cooler = isUtci ? there.meanUtciDegc - here.meanUtciDegc : there.meanWbgtDegc - here.meanWbgtDegc;
  const words = [
    minutes > 0 ? t("way_longer", { n: minutes }) : t("way_same_time"),
    shade === 0
      ? t("way_same_shade")
      : t(shade > 0 ? "way_more_shade" : "way_less_shade", { n: Math.abs(shade) }),
    ...(cooler >= 0.05 ? [t(isUtci ? "way_cooler" : "way_cooler_wbgt", { n: cooler.toFixed(1) })] : []),
  ];
  const said = words.join(t("way_and"));
  return said.charAt(0).toUpperCase() + said.slice(1);
}

export interface BandTime {
  readonly name: SegmentName;
  readonly minutes: number;
  readonly colour: string;
}

/** Minutes in each band that is met at all, from mild to dangerous; empty where the index is not defined. */
export function bandTimes(walk: WalkNumbers, index: "utci" | "wbgt"): readonly BandTime[] {
  const minutes = index === "utci" ? walk.utci_minutes : walk.wbgt_minutes;
  if (minutes === null) return [];
  const ramp = RAMPS[index];
  // The service names the bands in the order of the scale, as the legend does.
  return Object.values(minutes).flatMap((spent, i) => {
    const segment = ramp.segments[i];
    if (segment?.name === undefined || !(spent >= 0.05)) return [];
    const colour = toCss(colourAt(ramp, (segment.from + segment.to) / 2));
    return [{ name: segment.name, minutes: spent, colour }];
  });
}
