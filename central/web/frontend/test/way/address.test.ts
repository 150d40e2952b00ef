import { describe, expect, it } from "vitest";
import { fromHash, toHash } from "../../src/way/address";
import { NO_WAY, type Place } from "../../src/way/state";

const at = (lon: number, lat: number): Place => ({ place: [lon, lat], source: "map" });
const whole = {
  open: true,
  from: at(139.389, 36.139),
  to: at(139.394123456, 36.141),
  walk: "coolest" as const,
};

describe("the address of a way", () => {
  it("holds latitude before longitude, to the metre", () => {
    expect(toHash(whole)).toBe("#from=36.13900,139.38900&to=36.14100,139.39412");
    expect(toHash({ ...whole, walk: "shortest" })).toBe(
      "#from=36.13900,139.38900&to=36.14100,139.39412&walk=shortest",
    );
  });

  it("says nothing while there is nothing to share", () => {
    expect(toHash(NO_WAY)).toBe("");
    expect(toHash({ ...whole, open: false })).toBe("");
    expect(toHash({ ...whole, to: null })).toBe("#from=36.13900,139.38900");
  });

  it("comes back as it went", () => {
    const back = fromHash(toHash({ ...whole, walk: "balanced" }));
    expect(back).toEqual({ from: [139.389, 36.139], to: [139.39412, 36.141], walk: "balanced" });
  });

  it.each(["", "#", "#lang=en", "#walk=shortest"])("%s asks for no way", (hash) => {
    expect(fromHash(hash)).toBeNull();
  });

  it.each(["here", "36.139", "36.139,139.389,1", "NaN,NaN", "91,139", "36,181", "1e2,5", "36.1,", "<b>,1"])(
    "leaves out the place %s, which is none",
    (text) => {
      const asked = fromHash(`#from=${text}&to=36.141,139.394&walk=fastest`);
      expect(asked).toEqual({ from: null, to: [139.394, 36.141], walk: "coolest" });
    },
  );

  it("takes a comma that a mail program has encoded", () => {
    expect(fromHash("#from=36.139%2C139.389&to=36.141%2C139.394")?.from).toEqual([139.389, 36.139]);
  });
});
