import { describe, expect, it } from "vitest";
import type { Station } from "../src/api";
import { frameIsStale, stationFreshness } from "../src/stale";
import { CityClock, jstTime } from "../src/time";

const station = (last: Station["last"]): Station => ({
  id: "kmg-01",
  name_ja: "駅前",
  name_en: "Station",
  lat: 36.139,
  lon: 139.389,
  surface: null,
  last,
  wbgt_degc: null,
  wbgt_band: null,
});

const reading = (age_s: number, stale = false): Station["last"] => ({
  at: "2018-07-23T05:16:00.000Z",
  age_s,
  stale,
  values: {},
});

describe("a station", () => {
  it("grows stale while nothing is heard, without anybody saying so", () => {
    expect(stationFreshness(station(reading(1)), 20, 30)).toBe("fresh");
    expect(stationFreshness(station(reading(1)), 29.5, 30)).toBe("stale");
  });

  it("is stale when the service says so, however young it looks", () => {
    expect(stationFreshness(station(reading(1, true)), 0, 30)).toBe("stale");
  });

  it("that never reported is neither fresh nor stale", () => {
    expect(stationFreshness(station(null), 0, 30)).toBe("never");
  });
});

describe("a frame", () => {
  it("is stale after three usual intervals, but not within a minute", () => {
    expect(frameIsStale(false, 59, 5)).toBe(false);
    expect(frameIsStale(false, 61, 5)).toBe(true);
    expect(frameIsStale(false, 170, 60)).toBe(false);
    expect(frameIsStale(false, 181, 60)).toBe(true);
    expect(frameIsStale(false, 61, null)).toBe(true);
  });

  it("is stale when the service says so", () => expect(frameIsStale(true, 0, 60)).toBe(true));
});

describe("the city's clock", () => {
  it("runs at its speed, and ages are real seconds", () => {
    let real = 1000;
    const clock = new CityClock("2018-07-23T05:16:00.000Z", 60, () => real);
    real += 2000;
    expect(jstTime(clock.nowMs())).toBe("14:18");
    expect(clock.realAgeS("2018-07-23T05:16:00.000Z")).toBeCloseTo(2, 9);
    expect(clock.realAgeS("2018-07-23T09:00:00.000Z")).toBe(0);
  });

  it("is put right by the service, and ignores what is no time", () => {
    let real = 0;
    const clock = new CityClock("2018-07-23T05:00:00.000Z", 60, () => real);
    real += 1000;
    clock.set("2018-07-23T05:00:30.000Z");
    clock.set("soon");
    expect(clock.nowMs()).toBe(Date.parse("2018-07-23T05:00:30.000Z"));
  });
});
