// SPDX-License-Identifier: BSD-3-Clause
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const canvas = document.getElementById("map");
  const tip = document.getElementById("tip");
  const context = canvas.getContext("2d");
  const hasImages = getComputedStyle(tip.querySelector(".thumb")).backgroundImage !== "none";
  const count = data.x.length;
  const px = new Float64Array(count), py = new Float64Array(count);
  const view = { zoom: 1, x: 0.5, y: 0.5 };
  let shown = null, pinned = null, hovered = null, mode = "label", drag = null;

  if (!hasImages) tip.querySelector(".thumb").remove();

  // ---- the tip: an image and what is known of it

  function showTip(text, sheet, x, y, left, top) {
    tip.querySelector("p").textContent = text;
    if (hasImages) {
      tip.classList.toggle("of-map", sheet === "of-map");
      tip.classList.toggle("members", sheet === "members");
      const thumb = tip.querySelector(".thumb");
      thumb.style.setProperty("--x", x);
      thumb.style.setProperty("--y", y);
    }
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const beside = left + 16 + width < innerWidth ? left + 16 : left - 16 - width;
    tip.style.left = Math.max(4, Math.min(beside, innerWidth - width - 4)) + "px";
    tip.style.top = Math.max(4, Math.min(top - height / 2, innerHeight - height - 4)) + "px";
  }

  function hideTip() {
    tip.hidden = true;
    if (shown !== null) {
      shown = null;
      draw();
    }
  }

  function describe(i) {
    const lines = data.name ? [data.name[i]] : [];
    lines.push(`row ${data.row[i].toLocaleString("en")}`);
    lines.push(`cluster ${data.label[i]}, certainty ${(data.certainty[i] / 100).toFixed(2)}`);
    if (data.truth) lines.push(`class ${data.classes[data.truth[i]]}`);
    return lines.join("\n");
  }

  function showPoint(i) {
    shown = i;
    draw();
    const box = canvas.getBoundingClientRect();
    const columns = hasImages ? Number(getComputedStyle(tip.querySelector(".thumb")).getPropertyValue("--map-columns")) : 1;
    showTip(describe(i), "of-map", i % columns, Math.floor(i / columns), box.left + px[i], box.top + py[i]);
  }

  // ---- the map

  const span = (values) => {
    const low = Math.min(...values), high = Math.max(...values);
    return { middle: (low + high) / 2, size: Math.max(high - low, 1) };
  };
  const spanX = span(data.x), spanY = span(data.y);

  function place() {
    const width = canvas.clientWidth, height = canvas.clientHeight;
    const scale = view.zoom * Math.min((width - 32) / spanX.size, (height - 32) / spanY.size);
    for (let i = 0; i < count; i++) {
      px[i] = width / 2 + (data.x[i] - spanX.middle - (view.x - 0.5) * spanX.size) * scale;
      py[i] = height / 2 + (data.y[i] - spanY.middle - (view.y - 0.5) * spanY.size) * scale;
    }
    return scale;
  }

  function mix(a, b, t) {
    const part = (color, at) => parseInt(color.slice(at, at + 2), 16);
    return `rgb(${[1, 3, 5].map((at) => Math.round(part(a, at) * (1 - t) + part(b, at) * t)).join()})`;
  }

  function draw() {
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    place();
    const style = getComputedStyle(document.documentElement);
    const variable = (name) => style.getPropertyValue(name).trim();
    const low = variable("--low"), high = variable("--high");
    const steps = mode === "certainty" ? Array.from({ length: 101 }, (_, t) => mix(low, high, t / 100)) : null;
    const only = hovered ?? pinned;
    const size = Math.min(4.5, 2.6 + 40 / Math.sqrt(count)) * Math.min(2, Math.sqrt(view.zoom));
    for (const dimmed of only === null ? [false] : [true, false]) {
      for (let i = 0; i < count; i++) {
        if (only !== null && (data.label[i] !== only) !== dimmed) continue;
        const sure = data.certainty[i] / 100;
        const key = mode === "truth" ? data.truth[i] : data.label[i];
        context.fillStyle = steps ? steps[data.certainty[i]] : data.colors[key % data.colors.length];
        context.globalAlpha = dimmed ? 0.08 : 0.4 + 0.55 * sure;
        context.beginPath();
        context.arc(px[i], py[i], size * (0.6 + 0.4 * sure), 0, 2 * Math.PI);
        context.fill();
      }
    }
    context.globalAlpha = 1;
    context.font = "700 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.lineJoin = "round";
    for (const [label, i] of mode === "truth" ? [] : data.middle) {
      if (only !== null && label !== only) continue;
      context.strokeStyle = variable("--panel");
      context.strokeText(label, px[i], py[i]);
      context.fillStyle = variable("--text");
      context.fillText(label, px[i], py[i]);
    }
    if (shown !== null) {
      context.strokeStyle = variable("--text");
      context.lineWidth = 2;
      context.beginPath();
      context.arc(px[shown], py[shown], size + 3, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  function nearest(x, y, reach) {
    let best = null, least = reach * reach;
    const only = hovered ?? pinned;
    for (let i = 0; i < count; i++) {
      if (only !== null && data.label[i] !== only) continue;
      const distance = (px[i] - x) ** 2 + (py[i] - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  function point(event, reach) {
    const box = canvas.getBoundingClientRect();
    const found = nearest(event.clientX - box.left, event.clientY - box.top, reach);
    if (found === null) hideTip();
    else if (found !== shown || tip.hidden) showPoint(found);
  }

  function zoomBy(factor) {
    view.zoom = Math.max(1, Math.min(20, view.zoom * factor));
    if (shown !== null && factor > 1) {
      view.x = 0.5 + (data.x[shown] - spanX.middle) / spanX.size;
      view.y = 0.5 + (data.y[shown] - spanY.middle) / spanY.size;
    }
    if (view.zoom === 1) view.x = view.y = 0.5;
    canvas.style.touchAction = view.zoom > 1 ? "none" : "pan-y";
    tip.hidden = true;
    draw();
  }

  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      const scale = place();
      view.x = drag.x - (event.clientX - drag.left) / scale / spanX.size;
      view.y = drag.y - (event.clientY - drag.top) / scale / spanY.size;
      tip.hidden = true;
      draw();
    } else if (event.pointerType === "mouse") point(event, 14);
  });
  canvas.addEventListener("pointerdown", (event) => {
    point(event, event.pointerType === "mouse" ? 14 : 26);
    if (view.zoom > 1) drag = { x: view.x, y: view.y, left: event.clientX, top: event.clientY };
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    canvas.addEventListener(name, (event) => {
      drag = null;
      if (name === "pointerleave" && event.pointerType === "mouse") hideTip();
    });
  }

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
    else if (event.key === "+") zoomBy(1.6);
    else if (event.key === "-") zoomBy(1 / 1.6);
    else if (event.key in arrows) {
      event.preventDefault();
      const [dx, dy] = arrows[event.key];
      let best = null, least = Infinity;
      for (let i = 0; shown !== null && i < count; i++) {
        const x = px[i] - px[shown], y = py[i] - py[shown];
        const along = x * dx + y * dy, across = Math.abs(x * dy + y * dx);
        if (along > 1 && along + 3 * across < least) [best, least] = [i, along + 3 * across];
      }
      if (shown === null) best = nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, Infinity);
      if (best !== null) showPoint(best);
    }
  });
  canvas.addEventListener("blur", hideTip);
  document.getElementById("zoom-in").addEventListener("click", () => zoomBy(1.6));
  document.getElementById("zoom-out").addEventListener("click", () => zoomBy(1 / 1.6));
  document.getElementById("color").addEventListener("change", (event) => {
    mode = event.target.value;
    draw();
  });

  // ---- the legend

  const legend = document.getElementById("legend");
  const labelOf = (event) => {
    const button = event.target.closest("button");
    return button ? Number(button.dataset.label) : null;
  };
  legend.addEventListener("click", (event) => {
    const label = labelOf(event);
    if (label === null) return;
    pinned = pinned === label ? null : label;
    hovered = null;
    for (const button of legend.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.label) === pinned));
    }
    hideTip();
    draw();
  });
  const preview = (label) => {
    if (hovered === label) return;
    hovered = label;
    draw();
  };
  legend.addEventListener("pointerover", (event) => event.pointerType === "mouse" && preview(labelOf(event)));
  legend.addEventListener("pointerleave", () => preview(null));

  // ---- the members of the clusters: one stop of the tab key for each strip, arrows go on inside

  function showMember(thumb) {
    const box = thumb.getBoundingClientRect();
    const of = (name) => thumb.style.getPropertyValue(name);
    showTip(thumb.getAttribute("aria-label"), "members", of("--x"), of("--y"), box.right, box.top + box.height / 2);
  }
  for (const strip of document.querySelectorAll(".thumbs")) {
    const thumbs = [...strip.children];
    strip.addEventListener("pointerover", (event) => event.target !== strip && showMember(event.target));
    strip.addEventListener("pointerleave", hideTip);
    strip.addEventListener("focusin", (event) => showMember(event.target));
    strip.addEventListener("click", (event) => event.target !== strip && showMember(event.target));
    strip.addEventListener("focusout", hideTip);
    strip.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hideTip();
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      const next = thumbs[thumbs.indexOf(event.target) + step];
      if (!next) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }

  addEventListener("scroll", () => (tip.hidden = true), { passive: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(draw).observe(canvas);
  draw();
})();
