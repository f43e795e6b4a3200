// The newest frame of each camera, with its zones and boxes drawn over it. The browser asks for a picture about once
// a second, only for those in view and only while the page is; a picture the browser has already is not sent again.

const EVERY_MS = 1000;
const OLD_MS = 30000;
const SVG = "http://www.w3.org/2000/svg";
const busy = new WeakSet();
const tags = new WeakMap();

function inView(figure) {
  const place = figure.getBoundingClientRect();
  return place.bottom > 0 && place.top < window.innerHeight && place.width > 0;
}

function draw(parent, name, attributes, text) {
  const node = parent.appendChild(document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text) node.textContent = text;
  return node;
}

function overlay(figure, facts) {
  const svg = figure.querySelector("svg");
  const { width, height } = facts;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren();
  JSON.parse(figure.dataset.zones).forEach((zone, number) => {
    const moving = (facts.zones[number] ?? 0) >= zone.share;
    const corners = zone.polygon.map(([x, y]) => `${x * width},${y * height}`).join(" ");
    const shape = draw(svg, "polygon", { points: corners, class: moving ? "zone moving" : "zone" });
    draw(shape, "title", {}, zone.name);
  });
  for (const { x, y, w, h, label } of facts.boxes) {
    draw(draw(svg, "rect", { x, y, width: w, height: h, class: "box" }), "title", {}, label);
  }
}

function clock(figure, captured) {
  const format = { timeZone: figure.dataset.zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
  figure.querySelector("time").textContent = new Date(captured).toLocaleTimeString("en-GB", format);
}

async function refresh(figure) {
  const { site, camera } = figure.dataset;
  const address = `/api/v1/cameras/${encodeURIComponent(site)}/${encodeURIComponent(camera)}/frame.jpg`;
  const known = tags.get(figure);
  const answer = await fetch(address, { cache: "no-store", headers: known ? { "If-None-Match": known } : {} });
  if (answer.status === 200) {
    const facts = JSON.parse(answer.headers.get("Gateway-Frame"));
    const picture = figure.querySelector("img");
    const before = picture.src;
    picture.src = URL.createObjectURL(await answer.blob());
    await picture.decode();
    if (before) URL.revokeObjectURL(before);
    tags.set(figure, answer.headers.get("ETag"));
    figure.dataset.captured = facts.captured;
    figure.classList.add("live");
    overlay(figure, facts);
    clock(figure, facts.captured);
  }
  const age = Date.now() - Date.parse(figure.dataset.captured ?? "");
  figure.classList.toggle("old", age > OLD_MS);
}

setInterval(() => {
  if (document.hidden) return;
  for (const figure of document.querySelectorAll("figure.camera")) {
    if (busy.has(figure) || !inView(figure)) continue;
    busy.add(figure);
    refresh(figure)
      .catch(() => figure.classList.add("old"))
      .finally(() => busy.delete(figure));
  }
}, EVERY_MS);

// The chosen channel stands in the address, so that it can be kept and passed on, and survives a change of language.
window.setChannel = (channel) => {
  const address = new URL(location.href);
  address.searchParams.set("channel", channel);
  history.replaceState(null, "", address);
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-language]");
  if (!link) return;
  event.preventDefault();
  const address = new URL(link.href);
  const channel = new URL(location.href).searchParams.get("channel");
  if (channel) address.searchParams.set("channel", channel);
  location.assign(address);
});
