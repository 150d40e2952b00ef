/** The card of the cool ways: what to tap next, the walks to choose from with their numbers, and both ends. */

import type { WalkKind, WalksAnswer } from "../api";
import { h, icon, setLabel, setText, type Icon } from "../dom";
import type { Key } from "../i18n";
import { canLocate, locate } from "../locate";
import { frameIsStale } from "../stale";
import type { State, Store } from "../store";
import { jstTime } from "../time";
import { makeEnds, type GoHere } from "./ends";
import { bars } from "./minutes";
import { differenceText, figuresOf, lengthText, roleOf, timeText, walkOf, walksOf } from "./numbers";
import type { WayPlanner } from "./planner";

export function makeWayPanel(store: Store, planner: WayPlanner, notify: (key: Key) => void): HTMLElement {
  const { t } = store;
  const title = h("h2", { tabindex: "-1" });
  const swap = tool("swap", "way-swap", () => planner.swap());
  const share = tool("share", "way-share", () => void shareAddress(() => notify("way_copied")));
  const clear = tool("trash", "way-clear", () => planner.clear());
  const close = tool("close", "way-close", () => planner.close());
  share.hidden = !canShare();
  const message = h("p", { class: "way-message", "data-testid": "way-message" });
  const spoken = h("p", { class: "visually-hidden", role: "status", "data-testid": "way-spoken" });
  const choices = h("div", { class: "way-choices", role: "group" });
  const figures = h("dl", { class: "way-figures" });
  const difference = h("p", { class: "way-difference", "data-testid": "way-difference" });
  const goHere: GoHere = canLocate()
    ? (end, button) => {
        button.setAttribute("aria-busy", "true");
        void locate(store.state.city).then((found) => {
          button.removeAttribute("aria-busy");
          if (typeof found === "string") notify(found);
          else planner.set(end, { place: found, source: "here" });
        });
      }
    : null;
  const startHere = h(
    "button",
    { type: "button", class: "plain way-start-here", "data-testid": "way-start-here" },
    icon("locate"),
    h("span", {}),
  );
  startHere.addEventListener("click", () => goHere?.("from", startHere));
  const ends = makeEnds(store, planner, goHere);
  const minutes = h("div", { class: "way-minutes" });
  const when = h("span", { "data-testid": "way-when" });
  const refresh = tool("refresh", "way-refresh", () => planner.refresh());
  const notes = h("ul", { class: "way-notes" });
  const panel = h(
    "section",
    { class: "way-panel", "data-testid": "way-panel" },
    h("div", { class: "way-head" }, title, swap, share, clear, close),
    h("div", { class: "way-ask" }, message, startHere),
    choices,
    figures,
    difference,
    ends,
    minutes,
    h("p", { class: "way-when" }, when, refresh),
    notes,
    spoken,
  );

  let openedFrom: Element | null = null;
  let wasOpen = false;
  store.watch(["way", "selected"], ({ way, selected }) => {
    panel.hidden = !way.open || selected !== null;
    if (way.open === wasOpen) return;
    wasOpen = way.open;
    if (way.open) {
      openedFrom = document.activeElement;
      title.focus({ preventScroll: true });
    } else if (openedFrom instanceof HTMLElement) {
      const from = openedFrom;
      queueMicrotask(() => from.focus({ preventScroll: true }));
    }
  });
  document.addEventListener("keydown", (event) => {
    const { way, selected } = store.state;
    if (event.key !== "Escape" || !way.open || selected !== null || event.target instanceof HTMLSelectElement)
      return;
    if (way.picking !== null && way.from !== null && way.to !== null) planner.pick(null);
    else if (way.answer === null) planner.close();
  });

  let wasBusy = false;
  let told = "";
  store.watch(["way", "lang"], (state) => {
    const { way } = state;
    setText(title, t("way_title"));
    panel.setAttribute("aria-label", t("way_title"));
    panel.setAttribute("aria-busy", String(way.busy));
    setLabel(swap, t("way_swap"));
    setLabel(share, t("way_share"));
    setLabel(clear, t("way_clear"));
    setLabel(close, t("way_close"));
    setLabel(refresh, t("way_refresh"));
    swap.disabled = way.from === null && way.to === null;
    clear.disabled = swap.disabled;
    share.disabled = way.from === null || way.to === null;
    const said = messageOf(store, state);
    setText(message, said);
    message.parentElement!.hidden = said === "";
    startHere.hidden = goHere === null || way.picking !== "from" || way.from !== null;
    setText(startHere.lastElementChild!, t("way_start_here"));
    message.classList.toggle("is-refusal", way.refusal !== null);
    const walk = way.answer === null ? undefined : walkOf(way.answer, way.walk);
    for (const part of [choices, figures, difference, minutes, when.parentElement!, notes]) {
      part.hidden = walk === undefined;
    }
    // What was computed again without being asked for is not read out again.
    const isNews = wasBusy || way.picking !== null || `${way.walk} ${state.lang}` !== told;
    [wasBusy, told] = [way.busy, `${way.walk} ${state.lang}`];
    if (way.answer === null || walk === undefined) {
      setText(spoken, said);
      return;
    }
    choices.hidden = way.answer.features.length === 1;
    choices.setAttribute("aria-label", t("way_walks"));
    fillChoices(choices, store, planner, way.answer, roleOf(walk.properties));
    const shown = figuresOf(walk.properties);
    const isUtci = shown.meanUtciDegc !== null;
    const mean = isUtci ? shown.meanUtciDegc! : shown.meanWbgtDegc;
    figures.replaceChildren(
      figure(t("way_time"), timeText(t, shown.minutes), "way-time"),
      figure(t("way_length"), lengthText(shown.metres), "way-length"),
      figure(t("way_shade"), `${shown.shadePct}%`, "way-shade"),
      figure(t(isUtci ? "way_mean_utci" : "way_mean_wbgt"), `${mean.toFixed(1)} °C`, "way-mean"),
    );
    const compared = differenceText(t, way.answer, walk);
    setText(difference, compared);
    minutes.replaceChildren(...bars(store, walk.properties));
    notes.replaceChildren(...notesOf(store, way.answer));
    const words = {
      walk: t(`way_${roleOf(walk.properties)}`),
      time: timeText(t, shown.minutes),
      length: lengthText(shown.metres),
      shade: shown.shadePct,
      difference: compared,
    };
    if (way.picking !== null) setText(spoken, said);
    else if (isNews) setText(spoken, t("way_chosen", words));
  });

  store.watch(["way", "lang", "tick"], ({ way, clock, frame, frameIntervalS }) => {
    if (way.answer === null || clock === null) return;
    const stale = frame !== null && frameIsStale(frame.stale, clock.realAgeS(frame.at), frameIntervalS);
    when.classList.toggle("is-stale", stale);
    const time = jstTime(Date.parse(way.answer.at));
    setText(when, t(stale ? "way_at_stale" : "way_at", { time }));
  });
  return panel;
}

/** Opens the cool ways; gone while they are open. */
export function makeWayButton(store: Store, planner: WayPlanner): HTMLElement {
  const words = h("span", {});
  const button = h(
    "button",
    { type: "button", class: "way-open", "data-testid": "way-open", onclick: () => planner.open() },
    icon("walk"),
    words,
  );
  store.watch(["way", "lang"], ({ way }) => {
    setText(words, store.t("way_open"));
    button.hidden = way.open;
  });
  return button;
}

/** The one line above the numbers: a refusal, what is being done, or what to tap next. */
function messageOf(store: Store, { way }: State): string {
  const { t } = store;
  if (way.refusal !== null) {
    const end = way.refusal.end === null ? "" : t(`way_${way.refusal.end}`);
    return t(way.refusal.key, { end: store.state.lang === "en" ? end.toLowerCase() : end });
  }
  if (way.picking !== null) {
    const isChange = way[way.picking] !== null || (way.from !== null && way.to !== null);
    if (isChange) return t(`way_tap_change_${way.picking}`);
    const isSecond = (way.picking === "from" ? way.to : way.from) !== null;
    return t(way.picking === "to" && !isSecond ? "way_tap_change_to" : `way_tap_${way.picking}`);
  }
  if (way.busy) return t("way_busy");
  return way.answer?.index === "wbgt" ? t("way_by_wbgt") : "";
}

function fillChoices(
  group: HTMLElement,
  store: Store,
  planner: WayPlanner,
  answer: WalksAnswer,
  chosen: WalkKind,
): void {
  const { t } = store;
  const walks = walksOf(answer);
  // Kept while they are the same walks, so that the focus stays on the button that was pressed.
  const roles = walks.map(({ properties }) => roleOf(properties));
  if (group.dataset.roles !== roles.join()) {
    group.dataset.roles = roles.join();
    group.replaceChildren(
      ...roles.map((role) =>
        h(
          "button",
          {
            type: "button",
            "data-role": role,
            "data-testid": `way-${role}`,
            onclick: () => planner.choose(role),
          },
          h("span", { class: "way-name" }, h("i", {}), h("span", {})),
          h("b", { class: "way-brief" }),
          h("span", { class: "way-shade" }),
        ),
      ),
    );
  }
  walks.forEach(({ properties }, i) => {
    const button = group.children[i] as HTMLElement;
    const { minutes, shadePct } = figuresOf(properties);
    button.setAttribute("aria-pressed", String(roles[i] === chosen));
    setText(button.querySelector(".way-name span")!, t(`way_${roles[i]!}`));
    setText(button.querySelector(".way-brief")!, timeText(t, minutes));
    setText(button.querySelector(".way-shade")!, t("way_choice", { shade: shadePct }));
  });
}

const figure = (name: string, value: string, testId: string): HTMLElement =>
  h("div", {}, h("dt", {}, name), h("dd", { "data-testid": testId }, value));

const NETWORK = { lines: "way_on_lines", roads: "way_on_roads", ground: "way_on_ground" } as const;

function notesOf({ t }: Store, answer: WalksAnswer): HTMLElement[] {
  const credit = h("li", { "data-testid": "way-credit" });
  // The licence asks for a link to its page.
  for (const part of t("way_credit", { source: answer.attribution }).split(/(https:\/\/[^\s,]+)/)) {
    const isLink = part.startsWith("https://");
    credit.append(isLink ? h("a", { href: part, target: "_blank", rel: "noreferrer" }, part) : part);
  }
  return [
    h("li", {}, t(NETWORK[answer.network])),
    h("li", {}, t("way_speed", { speed: answer.walking_speed_ms })),
    ...(answer.attribution === "" ? [] : [credit]),
  ];
}

function tool(name: Icon, testId: string, onclick: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: "way-tool", "data-testid": testId, onclick }, icon(name));
}

const canShare = (): boolean => isSecureContext && ("share" in navigator || "clipboard" in navigator);

/** The phone's own sheet to share with, else the clipboard. */
async function shareAddress(onCopied: () => void): Promise<void> {
  try {
    // On a desk the system's sheet is more in the way than a copied link.
    if ("share" in navigator && matchMedia("(pointer: coarse)").matches)
      await navigator.share({ title: document.title, url: location.href });
    else {
      await navigator.clipboard.writeText(location.href);
      onCopied();
    }
  } catch (error) {
    // The visitor changed their mind.
    console.warn("share:", error);
  }
}
