/* Making elements: texts are always text, so that no name can become markup. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";

/* make("p.quiet", {title: "…"}, [children or texts]) */
function make(kind, properties = {}, children = []) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...[children].flat().filter((child) => child !== null));
  return element;
}

function draw(tag, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...[children].flat().filter((child) => child !== null));
  return element;
}

function byId(id) {
  return document.getElementById(id);
}

function say(words) {
  byId("said").textContent = words;
}

/* A word whose definition is one hover, tap or focus away; or several, each with its name. */
function term(name, words = name) {
  const text = [name].flat().map((each) => (each === name ? "" : `${each}: `) + definition(each)).join("\n");
  return told("", words, text);
}

function definition(name) {
  if (!Object.hasOwn(payload.glossary, name)) throw new Error(`${name} is not in the glossary`);
  return payload.glossary[name];
}

/* `words` of which `more` is one hover, tap or focus away, if there is any. */
function told(kind, words, more) {
  if (!more) return make(`span${kind}`, {}, [words]);
  return make(`button.term${kind}`, { type: "button", "data-definition": more }, [words]);
}

const tip = (() => {
  let owner = null;
  function show(element) {
    owner = element;
    const box = byId("tip");
    box.textContent = element.dataset.definition;
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
    const defined = (event) => event.target.closest?.("[data-definition]");
    const reveal = (event) => (defined(event) ? show(defined(event)) : undefined);
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
