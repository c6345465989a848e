// @ts-check
/* Terms whose definitions appear on hover, tap or focus. */

import { payload } from "./data.js";
import { byId, make } from "./dom.js";

/** @import { Words } from "./dom.js" */

/* A term whose definition appears on hover, tap or focus; or several, each definition with its name. */
/** @type {(name: string | string[], words?: string | string[]) => HTMLElement} */
export function term(name, words = name) {
  const text = [name]
    .flat()
    .map((each) => (each === name ? "" : `${each}: `) + definition(each))
    .join("\n");
  return told("", words, text);
}

/** @type {(name: string) => string} */
export function definition(name) {
  if (!Object.hasOwn(payload.glossary, name)) throw new Error(`${name} is not in the glossary`);
  return payload.glossary[name];
}

/* `words` for which `more` appears on hover, tap or focus, unless it is empty. */
/** @type {(kind: string, words: Words, more: string) => HTMLElement} */
export function told(kind, words, more) {
  if (!more) return make(`span${kind}`, {}, [words]);
  return make(`button.term${kind}`, { type: "button", "data-definition": more }, [words]);
}

export const tip = (() => {
  /** @type {HTMLElement | null} */
  let owner = null;
  /** @type {(element: HTMLElement) => void} */
  function show(element) {
    owner = element;
    const box = byId("tip");
    box.textContent = element.dataset.definition ?? "";
    box.hidden = false;
    element.setAttribute("aria-describedby", "tip");
    const place = element.getBoundingClientRect();
    const left = Math.min(Math.max(8, place.left), innerWidth - box.offsetWidth - 8);
    const below = place.bottom + 6 + box.offsetHeight < innerHeight;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(below ? place.bottom + 6 : place.top - box.offsetHeight - 6) + scrollY}px`;
  }
  function hide() {
    if (owner) owner.removeAttribute("aria-describedby");
    owner = null;
    byId("tip").hidden = true;
  }
  function listen() {
    /** @type {(event: Event) => HTMLElement | null} */
    const defined = ({ target }) =>
      target instanceof Element ? target.closest("[data-definition]") : null;
    /** @type {(event: Event) => void} */
    const reveal = (event) => {
      const element = defined(event);
      if (element) show(element);
    };
    for (const kind of ["pointerover", "focusin", "click"]) addEventListener(kind, reveal);
    addEventListener("pointerout", (event) => {
      if (defined(event) && document.activeElement !== owner) hide();
    });
    addEventListener("focusout", hide);
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
    addEventListener("pointerdown", (event) => !defined(event) && hide());
  }
  return { listen };
})();
