import { describe, expect, it } from "vitest";
import { age, compassPoint, date, flagText, percentages, quantityName, quantityValue } from "../src/format";
import { chooseLang, translate } from "../src/i18n";

describe("ages", () => {
  it.each([
    [0, "0 s", "0秒"],
    [59.4, "59 s", "59秒"],
    [60, "1 min", "1分"],
    [185, "3 min", "3分"],
    [7_300, "2 h", "2時間"],
    [200_000, "2 d", "2日"],
  ])("%d s reads %s / %s", (seconds, english, japanese) => {
    expect(age("en", seconds)).toBe(english);
    expect(age("ja", seconds)).toBe(japanese);
  });
});

describe("measured values", () => {
  it("carry their unit and no more digits than they are worth", () => {
    expect(quantityValue("en", "air_temperature_degc", 36.14)).toBe("36.1 °C");
    expect(quantityValue("en", "relative_humidity_pct", 38.6)).toBe("39 %");
    expect(quantityValue("ja", "wind_direction_deg", 293)).toBe("西北西 293°");
    expect(quantityValue("en", "rain_intensity_mmh", 2)).toBe("2.0 mm/h");
    expect(quantityValue("ja", "illuminance_lx", 107_400)).toBe("107,400 lx");
    expect(quantityValue("en", "air_pressure_hpa", 1006.04)).toBe("1006.0 hPa");
    expect(quantityValue("en", "air_temperature_degc", -0.04)).toBe("0.0 °C");
  });

  it("have a name even when the page does not know them", () => {
    expect(quantityName("ja", "air_temperature_degc")).toBe("気温");
    expect(quantityName("en", "soil_temperature_degc")).toBe("soil temperature");
  });

  it("say in words what is wrong with them", () => {
    expect(flagText("en", "ok")).toBeNull();
    expect(flagText("ja", "stuck")).toBe("値が動かない（確認中）");
    expect(flagText("en", "new_flag")).toBe("to be checked (new_flag)");
  });
});

describe("directions", () => {
  it.each([
    [0, "N"],
    [11.3, "NNE"],
    [292.5, "WNW"],
    [359, "N"],
    [-90, "W"],
  ])("%d degrees is %s", (degrees, point) => expect(compassPoint("en", degrees)).toBe(point));
});

describe("shares of the bands", () => {
  it("always add up to 100", () => {
    expect(percentages([1, 1, 1])).toEqual([34, 33, 33]);
    expect(percentages([0, 0.105, 0.495, 0.4])).toEqual([0, 11, 49, 40]);
    expect(percentages([0, 0, 0, 0])).toEqual([0, 0, 0, 0]);
  });
});

describe("the language", () => {
  it("follows the address, then the visitor's choice, then the browser", () => {
    expect(chooseLang("?lang=en", "ja", ["ja-JP"])).toBe("en");
    expect(chooseLang("", "en", ["ja-JP"])).toBe("en");
    expect(chooseLang("", null, ["ja-JP", "en"])).toBe("ja");
    expect(chooseLang("?lang=fr", null, ["fr-FR"])).toBe("en");
    expect(chooseLang("", null, [])).toBe("ja");
  });

  it("fills values into sentences", () => {
    expect(translate("ja", "no_data_since", { time: "14:02", age: "3分" })).toBe("14:02 から観測なし（3分）");
    expect(translate("en", "no_data_since", { time: "14:02", age: "3 min" })).toBe(
      "No data since 14:02 (3 min)",
    );
  });

  it("writes dates of Japan, whatever the browser's zone", () => {
    expect(date("ja", Date.parse("2018-07-22T15:00:00Z"))).toBe("7月23日（月）");
    expect(date("en", Date.parse("2018-07-22T14:59:00Z"))).toBe("Sun 7/22");
  });
});
