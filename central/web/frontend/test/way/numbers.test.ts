import { describe, expect, it } from "vitest";
import { translate, type Lang, type Translate } from "../../src/i18n";
import {
  bandTimes,
  differenceText,
  figuresOf,
  lengthText,
  roleOf,
  timeText,
  walkOf,
  walksOf,
} from "../../src/way/numbers";
import { answerOf, walk } from "./making";

const words =
  (lang: Lang): Translate =>
  (key, vars) =>
    translate(lang, key, vars);
const shortest = walk(["shortest"], { duration_s: 720, shade_pct: 29.4, mean_utci_degc: 45.04 });
const coolest = walk(["coolest"], {
  length_m: 924.6,
  duration_s: 849,
  shade_pct: 64.4,
  mean_utci_degc: 43.61,
});
const both = answerOf([shortest, coolest]);

describe("the numbers of a walk", () => {
  it("are whole minutes, metres and per cent", () => {
    expect(figuresOf(coolest.properties)).toEqual({
      minutes: 14,
      metres: 925,
      shadePct: 64,
      meanUtciDegc: 43.6,
      meanWbgtDegc: 33,
    });
    expect(lengthText(1316)).toBe("1,316 m");
    expect(timeText(words("ja"), 14)).toBe("14分");
    expect(timeText(words("en"), 0)).toBe("under 1 min");
  });

  it("differ by what the shown numbers differ by", () => {
    expect(differenceText(words("en"), both, coolest)).toBe(
      "2 min longer than the shortest, 35% more shade, feels 1.4 °C cooler on average",
    );
    expect(differenceText(words("ja"), both, coolest)).toBe(
      "最短より2分長い、日かげが35%ぶん多い、体感は平均1.4°C低い",
    );
  });

  it("say so where there is no difference, or less shade", () => {
    const near = walk(["coolest"], { duration_s: 725, shade_pct: 29.1, mean_utci_degc: 45.01 });
    expect(differenceText(words("en"), answerOf([shortest, near]), near)).toBe(
      "About as quick as the shortest, about the same shade",
    );
    const windy = walk(["coolest"], { duration_s: 780, shade_pct: 20, mean_utci_degc: 44 });
    expect(differenceText(words("en"), answerOf([shortest, windy]), windy)).toContain("9% less shade");
  });

  it("of the shortest are compared with nothing", () => {
    expect(differenceText(words("en"), both, shortest)).toBe("This is the shortest way.");
    const only = walk(["shortest", "coolest"]);
    expect(differenceText(words("en"), answerOf([only]), only)).toBe("The shortest way is also the coolest.");
  });

  it("do without UTCI where the air is too humid for it", () => {
    const humid = walk(["coolest"], { mean_utci_degc: null, utci_minutes: null });
    expect(figuresOf(humid.properties).meanUtciDegc).toBeNull();
    expect(bandTimes(humid.properties, "utci")).toEqual([]);
    const plain = walk(["shortest"], { mean_utci_degc: null, utci_minutes: null });
    expect(differenceText(words("en"), answerOf([plain, humid]), humid)).not.toContain("cooler");
    const lower = walk(["coolest"], { mean_utci_degc: null, mean_wbgt_degc: 32.5, duration_s: 780 });
    expect(differenceText(words("en"), answerOf([plain, lower]), lower)).toContain("WBGT 0.5 °C lower");
  });
});

describe("minutes in bands", () => {
  it("name the bands that are met, in the legend's words and order", () => {
    expect(bandTimes(coolest.properties, "utci").map(({ name, minutes }) => [name, minutes])).toEqual([
      ["utci_very_strong", 9.1],
      ["utci_extreme", 3.02],
    ]);
    expect(bandTimes(coolest.properties, "wbgt").map(({ name }) => name)).toEqual([
      "severe_warning",
      "danger",
    ]);
  });

  it("are coloured as the map is", () => {
    const [very, extreme] = bandTimes(coolest.properties, "utci");
    expect(very!.colour).toMatch(/^rgb\(/);
    expect(very!.colour).not.toBe(extreme!.colour);
  });
});

describe("which walk is which", () => {
  it("coolest before shortest before the one in between", () => {
    expect(roleOf({ kinds: ["shortest", "coolest"] })).toBe("coolest");
    expect(roleOf({ kinds: ["shortest", "balanced"] })).toBe("shortest");
    expect(roleOf({ kinds: ["balanced"] })).toBe("balanced");
  });

  it("is found by what it is, or by the coolest in its place", () => {
    expect(walkOf(both, "shortest")).toBe(shortest);
    expect(walkOf(both, "balanced")).toBe(coolest);
    expect(walksOf(both)).toEqual([coolest, shortest]);
  });
});
