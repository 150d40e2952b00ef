/** Where the visitor stands, asked of the browser only on a tap. */

import type { City, LonLat } from "./api";
import type { Key } from "./i18n";

/** Browsers tell places to pages from secure addresses only. */
export const canLocate = (): boolean => "geolocation" in navigator && isSecureContext;

/** The visitor's place, or what to say when it is not known or not on the map. */
export function locate(city: City | null): Promise<LonLat | Key> {
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords: { longitude, latitude } }) => {
        const bounds = city?.bounds;
        const inside =
          bounds !== undefined &&
          longitude >= bounds.west &&
          longitude <= bounds.east &&
          latitude >= bounds.south &&
          latitude <= bounds.north;
        resolve(inside ? [longitude, latitude] : "locate_outside");
      },
      () => resolve("locate_failed"),
      { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 },
    );
  });
}
