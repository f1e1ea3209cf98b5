// Draws figure.contour from the JSON that its data-source names: axes, bands, lines and signal points as SVG, with a
// tooltip for each point and a legend that shows and hides layers. Texts are only ever set as text.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 860, HEIGHT = 600, LEFT = 86, RIGHT = 16, TOP = 12, BOTTOM = 66;
  const REACH = 14; // distance in pixels of the drawing at which a point is meant

  const make = (name, attributes = {}, ...children) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const html = (name, className = "", text = "") => {
    const node = document.createElement(name);
    if (className) node.className = className;
    if (text) node.textContent = text;
    return node;
  };
  // Six digits, as a fixed number where that is short; the data attribute has them all.
  const digits = (value) => String(Number(value.toPrecision(6)));

  const scaleOf = (axis, from, to) => {
    const map = axis.scale === "log" ? Math.log10 : (value) => value;
    const low = map(axis.low), high = map(axis.high);
    return (value) => from + ((map(value) - low) / (high - low)) * (to - from);
  };

  const linearTicks = (low, high) => {
    const rough = (high - low) / 7, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
    const ticks = [];
    for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-12); k += 1) ticks.push(k * step);
    return ticks;
  };
  const logTicks = (low, high) => {
    const ticks = [], factors = Math.log10(high / low) > 3 ? [1] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      ticks.push(...factors.map((factor) => factor * 10 ** power).filter((tick) => tick >= low && tick <= high));
    }
    return ticks.length > 1 ? ticks : linearTicks(low, high);
  };
  const ticksOf = (axis) => (axis.scale === "log" ? logTicks : linearTicks)(axis.low, axis.high);

  // Texts with subscripts, given as a list of [text, is a subscript].
  const label = (parts, attributes) => {
    const text = make("text", { class: "name", "text-anchor": "end", ...attributes });
    let lowered = false;
    for (const [content, below] of parts) {
      const span = make("tspan", below === lowered ? {} : { dy: below ? "0.3em" : "-0.21em" });
      if (below) span.setAttribute("font-size", "70%");
      span.textContent = content;
      text.append(span);
      lowered = below;
    }
    return text;
  };

  const drawAxes = (svg, data, x, y) => {
    const axes = make("g", { class: "axes", "aria-hidden": "true" });
    for (const tick of ticksOf(data.x)) {
      const at = x(tick), text = make("text", { x: at, y: HEIGHT - BOTTOM + 22, "text-anchor": "middle" });
      text.textContent = digits(tick);
      const end = HEIGHT - BOTTOM;
      axes.append(make("line", { class: "tick", x1: at, x2: at, y1: end, y2: end - 6 }), text);
      axes.append(make("line", { class: "tick", x1: at, x2: at, y1: TOP, y2: TOP + 6 }));
    }
    for (const tick of ticksOf(data.y)) {
      const at = y(tick), text = make("text", { x: LEFT - 8, y: at + 5, "text-anchor": "end" });
      text.textContent = digits(tick);
      axes.append(make("line", { class: "tick", x1: LEFT, x2: LEFT + 6, y1: at, y2: at }), text);
      axes.append(make("line", { class: "tick", x1: WIDTH - RIGHT, x2: WIDTH - RIGHT - 6, y1: at, y2: at }));
    }
    const size = { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM };
    axes.append(make("rect", { class: "frame", ...size }));
    axes.append(label(data.x.label, { x: WIDTH - RIGHT, y: HEIGHT - 14 }));
    axes.append(label(data.y.label, { transform: `translate(20 ${TOP}) rotate(-90)` }));
    svg.append(axes);
  };

  const pathOf = (lines, x, y, closed) =>
    lines.map((line) => "M" + line.map(([a, b]) => `${x(a).toFixed(2)} ${y(b).toFixed(2)}`).join("L") + (closed ? "Z" : "")).join("");

  const MARKERS = {
    disc: () => make("circle", { class: "marker filled", r: 3.6 }),
    ring: () => make("circle", { class: "marker", r: 3.6 }),
    cross: () => make("path", { class: "marker", d: "M-4-4L4 4M-4 4L4-4" }),
    plus: () => make("path", { class: "marker", d: "M-5 0H5M0-5V5" }),
    diamond: () => make("path", { class: "marker", d: "M0-8L8 0L0 8L-8 0Z" }),
  };

  const drawShapes = (group, layer, x, y) => {
    const filled = layer.kind !== "line";
    const path = make("path", { class: filled ? "band" : "line", d: pathOf(layer.lines, x, y, filled) });
    if (filled) path.setAttribute("fill-opacity", layer.opacity);
    if (layer.dashes) path.setAttribute("stroke-dasharray", layer.dashes);
    if (layer.width) path.setAttribute("stroke-width", layer.width);
    group.append(path);
  };

  const swatch = (layer) => {
    const svg = make("svg", { width: 26, height: 14, viewBox: "-13 -7 26 14", class: `colour-${layer.colour}`, "aria-hidden": "true" });
    if (layer.kind === "points") svg.append(MARKERS[layer.marker]());
    else if (layer.kind !== "line") svg.append(make("rect", { class: "band", x: -13, y: -6, width: 26, height: 12, "fill-opacity": layer.opacity }));
    else svg.append(make("path", { class: "line", d: "M-13 0H13", "stroke-dasharray": layer.dashes || "none" }));
    return svg;
  };

  const fillTooltip = (tooltip, point) => {
    const rows = html("tbody");
    for (const [name, value] of point.facts) {
      const row = html("tr"), heading = html("th", "", name), cell = html("td");
      cell.textContent = value === null ? "\u2013" : typeof value === "number" ? digits(value) : value;
      if (typeof value === "number") cell.dataset.value = String(value);
      cell.dataset.fact = name;
      row.append(heading, cell);
      rows.append(row);
    }
    const table = html("table");
    table.append(rows);
    tooltip.replaceChildren(html("strong", "", point.name), table);
    tooltip.dataset.point = point.name;
  };

  const draw = (figure, data, number) => {
    const x = scaleOf(data.x, LEFT, WIDTH - RIGHT), y = scaleOf(data.y, HEIGHT - BOTTOM, TOP);
    const plot = figure.querySelector(".plot"), tooltip = figure.querySelector(".tooltip");
    const legend = figure.querySelector(".legend");
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": data.title });
    const clips = { frame: `frame-${number}`, hull: `hull-${number}` };
    const inner = make("rect", { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM });
    svg.append(make("defs", {},
      make("clipPath", { id: clips.frame }, inner),
      make("clipPath", { id: clips.hull }, make("path", { d: pathOf([data.hull], x, y, true) }))));
    const nodes = data.points.map((point) => make("g", {
      class: "point", role: "img", tabindex: -1, "data-name": point.name, "aria-label": point.name,
      "aria-describedby": tooltip.id, transform: `translate(${x(point.x)} ${y(point.y)})`,
    }, make("circle", { class: "target", r: 9 })));
    const holders = [];

    for (const layer of data.layers) {
      const attributes = { class: `layer colour-${layer.colour}`, "data-layer": layer.id };
      if (layer.kind === "band") attributes["clip-path"] = `url(#${clips.hull})`;
      else if (layer.kind !== "points") attributes["clip-path"] = `url(#${clips.frame})`;
      const group = make("g", attributes);
      const shown = [group];
      if (layer.kind === "points") {
        for (const index of layer.points) {
          const mark = make("g", { class: `colour-${layer.colour}`, "data-layer": layer.id }, MARKERS[layer.marker]());
          nodes[index].prepend(mark);
          shown.push(mark);
        }
      } else {
        drawShapes(group, layer, x, y);
        svg.append(group);
      }
      holders.push([layer, shown]);
    }
    drawAxes(svg, data, x, y);
    const points = make("g", { role: "group", "aria-label": "Signal points: arrow keys move from one to the next" }, ...nodes);
    svg.append(points);
    plot.prepend(svg);

    for (const [layer, shown] of holders) {
      const button = html("button"), on = !layer.hidden;
      button.type = "button";
      button.dataset.layer = layer.id;
      button.append(swatch(layer), layer.label);
      const show = (visible) => {
        button.setAttribute("aria-pressed", String(visible));
        shown.forEach((node) => node.toggleAttribute("hidden", !visible));
      };
      show(on);
      button.addEventListener("click", () => show(button.getAttribute("aria-pressed") !== "true"));
      legend.append(button);
    }

    let current = -1;
    const hide = () => {
      if (current >= 0) nodes[current].classList.remove("current");
      current = -1;
      tooltip.hidden = true;
    };
    const show = (index) => {
      if (index === current) return;
      hide();
      current = index;
      nodes[index].classList.add("current");
      fillTooltip(tooltip, data.points[index]);
      tooltip.hidden = false;
      const box = plot.getBoundingClientRect(), scale = box.width / WIDTH;
      const px = x(data.points[index].x) * scale, py = y(data.points[index].y) * scale;
      const right = px + 14 + tooltip.offsetWidth > box.width;
      tooltip.style.left = `${Math.max(0, right ? px - 14 - tooltip.offsetWidth : px + 14)}px`;
      tooltip.style.top = `${Math.max(0, Math.min(py + 10, box.height - tooltip.offsetHeight))}px`;
    };
    const nearest = (event) => {
      const box = svg.getBoundingClientRect(), scale = WIDTH / box.width;
      const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
      let best = -1, distance = REACH;
      data.points.forEach((point, k) => {
        const away = Math.hypot(x(point.x) - px, y(point.y) - py);
        if (away < distance) [best, distance] = [k, away];
      });
      return best;
    };
    svg.addEventListener("pointermove", (event) => {
      const index = nearest(event);
      if (index >= 0) show(index);
      else if (!svg.contains(document.activeElement)) hide();
    });
    svg.addEventListener("pointerleave", hide);

    // The next point in the direction of an arrow key: little off the direction, and near.
    const step = (from, dx, dy) => {
      let best = -1, least = Infinity;
      data.points.forEach((point, k) => {
        const ax = x(point.x) - x(data.points[from].x), ay = y(point.y) - y(data.points[from].y);
        const along = ax * dx + ay * dy, across = Math.abs(ax * dy) + Math.abs(ay * dx);
        if (along > 0.5 && along + 3 * across < least) [best, least] = [k, along + 3 * across];
      });
      return best;
    };
    const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (nodes.length) nodes[0].setAttribute("tabindex", 0);
    nodes.forEach((node, index) => {
      node.addEventListener("focus", () => show(index));
      node.addEventListener("blur", hide);
      node.addEventListener("keydown", (event) => {
        if (event.key === "Escape") hide();
        if (!(event.key in ARROWS)) return;
        event.preventDefault();
        const next = step(index, ...ARROWS[event.key]);
        if (next < 0) return;
        node.setAttribute("tabindex", -1);
        nodes[next].setAttribute("tabindex", 0);
        nodes[next].focus();
      });
    });
  };

  document.querySelectorAll("figure.contour").forEach((figure, number) => {
    draw(figure, JSON.parse(document.getElementById(figure.dataset.source).textContent), number);
  });
})();
