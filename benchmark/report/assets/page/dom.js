// @ts-check
/* Creation of elements. Texts become text nodes, so that no name can become markup. */

/** @typedef {string | Node | null} Child */
/** @typedef {Child | Child[]} Words The content of one element. */
/** @typedef {Child | Words[]} Children */
/**
 * The type of the element that `make` returns for a kind: a tag, with classes after dots.
 *
 * @template {string} Kind
 * @typedef {Kind extends `${infer Tag}.${string}` ? ElementOf<Tag>
 *   : Kind extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Kind] : HTMLElement} ElementOf
 */

const SVG = "http://www.w3.org/2000/svg";

/* make("p.quiet", {title: "…"}, [children or texts]) */
/** @template {string} Kind @param {Kind} kind @param {Record<string, unknown>} [properties] @param {Children} [children] @returns {ElementOf<Kind>} */
export function make(kind, properties = {}, children = []) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.includes("-")) Object.assign(element, { [name]: value });
    else element.setAttribute(name, String(value));
  }
  element.append(...[children].flat(2).filter((child) => child !== null));
  return /** @type {ElementOf<Kind>} */ (element);
}

/** @template {keyof SVGElementTagNameMap} Tag @param {Tag} tag @param {Record<string, string | number>} [attributes] @param {Children} [children] @returns {SVGElementTagNameMap[Tag]} */
export function draw(tag, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...[children].flat(2).filter((child) => child !== null));
  return element;
}

/* Give elements the attributes of others, and touch only what differs. */
/** @type {(elements: Element[], others: Element[]) => void} */
export function become(elements, others) {
  elements.forEach((element, i) => {
    for (const { name, value } of others[i].attributes)
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  });
}

/** @type {(id: string) => HTMLElement} */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @type {(words: string) => void} */
export function say(words) {
  byId("said").textContent = words;
}

/* Scroll to a section. A link would overwrite the address, which holds the state. */
/** @type {(id: string) => void} */
export function goTo(id) {
  const section = byId(id);
  section.scrollIntoView({
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
  });
  const title = /** @type {HTMLElement} */ (section.querySelector("h2"));
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}
