import { describe, expect, it } from "vitest";
import { aheadFrame, hoursAhead, hoursFrame, hoursLayer, isAhead } from "../src/ahead";
import type { Exceedance, Forecast, Frame } from "../src/api";
import { jstHour } from "../src/time";

const frame = {
  id: "20180723T051600000Z",
  at: "2018-07-23T05:16:00.000Z",
  stale: true,
  width: 9,
  layers: {},
};
const hour = (at: string) => ({ id: `${at}_x`, at, weather: {}, layers: { wbgt: at }, band_share: {} });
const forecast = {
  issued_at: "2018-07-23T05:00:00.000Z",
  stale: false,
  hours: ["05", "06", "15"].map((hh) => hour(`2018-07-23T${hh}:00:00.000Z`)),
} as unknown as Forecast;
const state = (ahead: string | null) => ({ frame: frame as unknown as Frame, forecast, ahead });

describe("what the map shows", () => {
  it("is the newest frame while no hour is chosen", () => {
    expect(aheadFrame(state(null))).toBe(state(null).frame);
    expect(isAhead(state(null).frame)).toBe(false);
  });

  it("is the chosen hour in the newest frame's place", () => {
    const shown = aheadFrame(state("2018-07-23T06:00:00.000Z"))!;
    expect(shown).toMatchObject({ at: "2018-07-23T06:00:00.000Z", width: 9, stale: false });
    expect(isAhead(shown)).toBe(true);
  });

  it("is the newest frame again once the hour has come, or the forecast knows it no longer", () => {
    expect(aheadFrame(state("2018-07-23T05:00:00.000Z"))!.id).toBe(frame.id);
    expect(aheadFrame(state("2018-07-24T06:00:00.000Z"))!.id).toBe(frame.id);
    expect(aheadFrame({ ...state("2018-07-23T06:00:00.000Z"), forecast: null })!.id).toBe(frame.id);
  });

  it("is nothing before the first frame", () => {
    expect(aheadFrame({ ...state(null), frame: null })).toBeNull();
  });
});

describe("hours", () => {
  it("that have passed are not offered", () => {
    expect(hoursAhead(forecast, Date.parse(frame.at)).map(({ at }) => at.slice(11, 13))).toEqual([
      "06",
      "15",
    ]);
    expect(hoursAhead(null, 0)).toEqual([]);
  });

  it("end with 24:00, not with the next day's 00:00", () => {
    expect(jstHour("2018-07-23T15:00:00.000Z")).toBe("24:00");
    expect(jstHour("2018-07-23T09:00:00.000Z")).toBe("18:00");
  });
});

describe("hours of heat", () => {
  const layer = (part: string, min_wbgt_degc: number) => ({
    part,
    min_wbgt_degc,
    png: `${part}/${min_wbgt_degc}`,
  });
  const counted = (...layers: object[]) =>
    ({ counted_until: frame.at, forecast_issued_at: null, layers }) as unknown as Exceedance;

  it("are those of the whole day as soon as it is forecast", () => {
    expect(hoursLayer(counted(layer("so_far", 28), layer("so_far", 31)))!.png).toBe("so_far/28");
    expect(hoursLayer(counted(layer("so_far", 28), layer("day", 28), layer("day", 31)))!.png).toBe("day/28");
    expect(hoursLayer(null)).toBeUndefined();
  });

  it("are told for the limit that tells places apart", () => {
    const hot = counted({ ...layer("day", 28), min: 11, max: 11 }, { ...layer("day", 31), min: 0.1, max: 8 });
    expect(hoursLayer(hot)!.png).toBe("day/31");
  });

  it("stand in the newest frame's place", () => {
    const shown = hoursFrame(state(null).frame, counted(layer("day", 28)))!;
    expect(shown).toMatchObject({ id: `hours-day-28-${frame.at}`, width: 9, stale: false });
    expect(Object.keys(shown.layers)).toEqual(["hours"]);
    expect(hoursFrame(null, counted(layer("day", 28)))).toBeNull();
    expect(hoursFrame(state(null).frame, null)).toBeNull();
  });
});
