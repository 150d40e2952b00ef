/** A station's day as a few small charts that share one time axis. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { h, setText } from "./dom";
import { quantityName, quantityValue } from "./format";
import type { Lang } from "./i18n";
import { hasValues, type Series } from "./series";
import { jstTime } from "./time";

interface Plan {
  readonly quantities: readonly string[];
  /** Scales that start at nought, and span at least this much. */
  readonly fromZero: boolean;
  readonly spanMin: number;
}

const PLANS: readonly Plan[] = [
  { quantities: ["air_temperature_degc", "wbgt_degc"], fromZero: false, spanMin: 4 },
  { quantities: ["relative_humidity_pct"], fromZero: false, spanMin: 20 },
  { quantities: ["wind_speed_ms"], fromZero: true, spanMin: 3 },
  { quantities: ["global_radiation_wm2"], fromZero: true, spanMin: 200 },
];

// Between grid lines: whole numbers, so that a label is never rounded.
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const HEIGHT_PX = 118;
const HOURS_MIN_S = 3600;

/** "14:16" under the cursor, hours along the axis. */
const tick = (_: uPlot, splits: number[]): string[] => splits.map((s) => jstTime(s * 1000));

export class StationChart {
  readonly element = h("div", { class: "charts", "data-testid": "station-chart" });
  private plots: { plot: uPlot; plan: Plan; shown: string[] }[] = [];
  private series: Series | null = null;
  private readonly resize = new ResizeObserver(() => this.fit());

  constructor(private lang: Lang) {
    this.resize.observe(this.element);
  }

  /** Draws anew: needed when the words or the colours change. */
  redraw(lang: Lang): void {
    this.lang = lang;
    const { series } = this;
    this.clear();
    if (series !== null) this.show(series);
  }

  show(series: Series): void {
    this.series = series;
    const wanted = PLANS.map((plan) => ({
      plan,
      shown: plan.quantities.filter((q) => hasValues(series, q)),
    })).filter(({ shown }) => shown.length > 0);
    const same =
      wanted.length === this.plots.length &&
      wanted.every(({ shown }, i) => shown.join() === this.plots[i]!.shown.join());
    if (!same) {
      this.clear();
      this.series = series;
      this.plots = wanted.map(({ plan, shown }) => ({ plan, shown, plot: this.make(plan, shown) }));
    }
    for (const { plot, shown } of this.plots) plot.setData(columns(series, shown));
  }

  destroy(): void {
    this.resize.disconnect();
    this.clear();
  }

  private clear(): void {
    for (const { plot } of this.plots) plot.destroy();
    this.plots = [];
    this.series = null;
    this.element.replaceChildren();
  }

  private fit(): void {
    const width = this.width();
    for (const { plot } of this.plots) if (plot.width !== width) plot.setSize({ width, height: HEIGHT_PX });
  }

  private width(): number {
    return Math.max(220, this.element.clientWidth);
  }

  private make(plan: Plan, shown: readonly string[]): uPlot {
    const css = getComputedStyle(document.documentElement);
    const colour = (name: string): string => css.getPropertyValue(name).trim();
    const strokes = [colour("--chart-1"), colour("--chart-2")];
    const figures = shown.map(() => h("b", {}));
    const caption = h(
      "figcaption",
      {},
      ...shown.map((quantity, i) => {
        const swatch = h("i", {});
        swatch.style.setProperty("background", strokes[i]!);
        return h("span", {}, swatch, quantityName(this.lang, quantity), " ", figures[i]!);
      }),
    );
    const place = h("div", {});
    this.element.append(h("figure", {}, caption, place));
    const say = (plot: uPlot): void => {
      shown.forEach((quantity, i) => {
        const column = plot.data[i + 1] ?? [];
        const index = plot.cursor.idx ?? lastValue(column);
        const at = plot.data[0][index];
        const value = column[index];
        const when = plot.cursor.idx == null || at === undefined ? "" : `${jstTime(at * 1000)}  `;
        setText(figures[i]!, value == null ? `${when}–` : when + quantityValue(this.lang, quantity, value));
      });
    };
    const axis = { stroke: colour("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
    const grid = { stroke: colour("--line"), width: 1 };
    return new uPlot(
      {
        width: this.width(),
        height: HEIGHT_PX,
        padding: [8, 20, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "station" }, drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          x: { time: true, range: (_, from, to) => [Math.min(from, to - HOURS_MIN_S), to] },
          y: { range: (_, from, to) => spread(plan, from, to) },
        },
        axes: [
          { ...axis, grid, size: 26, space: 56, values: tick },
          {
            ...axis,
            grid,
            size: 40,
            space: 22,
            incrs: STEPS,
            values: (_, splits) => splits.map(String),
          },
        ],
        series: [
          {},
          ...shown.map((_, i) => ({
            stroke: strokes[i]!,
            width: 2,
            points: { show: false },
            spanGaps: false,
          })),
        ],
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Asia/Tokyo"),
        hooks: { setCursor: [say], setData: [say] },
      },
      columns(this.series ?? { at: [], values: {} }, shown),
      place,
    );
  }
}

function lastValue(column: ArrayLike<number | null | undefined>): number {
  let index = column.length - 1;
  while (index > 0 && column[index] == null) index--;
  return index;
}

function spread(plan: Plan, from: number, to: number): [number, number] {
  if (!Number.isFinite(from) || !Number.isFinite(to)) return [0, plan.spanMin];
  if (plan.fromZero) return [0, Math.max(plan.spanMin, to * 1.1)];
  const margin = Math.max((to - from) * 0.12, (plan.spanMin - (to - from)) / 2);
  return [from - margin, to + margin];
}

const columns = (series: Series, shown: readonly string[]): uPlot.AlignedData =>
  [series.at, ...shown.map((name) => series.values[name] ?? [])] as uPlot.AlignedData;
