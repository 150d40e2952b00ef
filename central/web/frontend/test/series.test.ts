import { describe, expect, it } from "vitest";
import type { LastReading, Readings, ReadingItem } from "../src/api";
import { gapOf, hasValues, toSeries, withLive } from "../src/series";

const minute = (n: number): string => new Date(Date.UTC(2018, 6, 23, 5, n)).toISOString();
const seconds = (n: number): number => Date.UTC(2018, 6, 23, 5, n) / 1000;

const readings = (...items: ReadingItem[]): Readings => ({
  station: "kmg-01",
  quantities: { air_temperature_degc: { unit: "degC" } },
  items,
  next_cursor: null,
});

const last = (at: string, value: number, flag = "ok"): LastReading => ({
  at,
  age_s: 0,
  stale: false,
  values: { air_temperature_degc: { value, flag } },
});

describe("a day of readings", () => {
  it("is put in order, and said once a minute", () => {
    const series = toSeries(
      readings(
        { at: minute(2), air_temperature_degc: 36 },
        { at: minute(1), air_temperature_degc: 35 },
        { at: minute(2), air_temperature_degc: 99 },
      ),
    );
    expect(series.at).toEqual([seconds(1), seconds(2)]);
    expect(series.values["air_temperature_degc"]).toEqual([35, 36]);
  });

  it("draws through where the city's clock runs fast", () => {
    const readingsTenMinutesApart = readings(
      { at: minute(0), air_temperature_degc: 30 },
      { at: minute(10), air_temperature_degc: 31 },
    );
    expect(toSeries(readingsTenMinutesApart, gapOf(600)).at).toHaveLength(2);
    expect(toSeries(readingsTenMinutesApart, gapOf(60)).at).toHaveLength(3);
  });

  it("keeps a hole as a hole", () => {
    const series = toSeries(
      readings({ at: minute(0), air_temperature_degc: 35 }, { at: minute(30), air_temperature_degc: 37 }),
    );
    expect(series.at).toEqual([seconds(0), seconds(1), seconds(30)]);
    expect(series.values["air_temperature_degc"]).toEqual([35, null, 37]);
  });

  it("knows which quantities were never measured", () => {
    const series = toSeries(readings({ at: minute(0), air_temperature_degc: null }));
    expect(hasValues(series, "air_temperature_degc")).toBe(false);
    expect(hasValues(series, "wind_speed_ms")).toBe(false);
  });
});

describe("a live reading", () => {
  const day = toSeries(
    readings({ at: minute(0), air_temperature_degc: 35 }, { at: minute(1), air_temperature_degc: 36 }),
  );

  it("adds its minute, or takes the place of an earlier one in it", () => {
    const one = withLive(day, last("2018-07-23T05:02:10.000Z", 37), null, 86_400);
    const two = withLive(one, last("2018-07-23T05:02:50.000Z", 38), null, 86_400);
    expect(two.at).toEqual([seconds(0), seconds(1), seconds(2)]);
    expect(two.values["air_temperature_degc"]).toEqual([35, 36, 38]);
  });

  it("that is late changes nothing", () => {
    expect(withLive(day, last(minute(0), 99), null, 86_400)).toBe(day);
  });

  it("that is doubtful leaves a hole", () => {
    const series = withLive(day, last(minute(2), 60, "jump"), null, 86_400);
    expect(series.values["air_temperature_degc"]).toEqual([35, 36, null]);
  });

  it("after a silence leaves the silence to be seen", () => {
    const series = withLive(day, last(minute(40), 37), null, 86_400);
    expect(series.at).toEqual([seconds(0), seconds(1), seconds(2), seconds(40)]);
    expect(series.values["air_temperature_degc"]).toEqual([35, 36, null, 37]);
  });

  it("pushes out what is older than the window", () => {
    const series = withLive(day, last(minute(2), 37), null, 60);
    expect(series.at).toEqual([seconds(1), seconds(2)]);
    expect(series.values["air_temperature_degc"]).toEqual([36, 37]);
  });

  it("brings its WBGT only where the record has one", () => {
    expect(withLive(day, last(minute(2), 37), 31.2, 86_400).values["wbgt_degc"]).toBeUndefined();
    const known = { at: day.at, values: { ...day.values, wbgt_degc: [30, 31] } };
    expect(withLive(known, last(minute(2), 37), 31.2, 86_400).values["wbgt_degc"]).toEqual([30, 31, 31.2]);
  });
});
