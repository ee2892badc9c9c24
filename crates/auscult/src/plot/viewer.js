// Draws `figure` (see figure.rs) and lets a person zoom, pan and read it.
'use strict';
const root = document.getElementById('figure');
const make = (tag, attributes = {}, text) => {
  const element = Object.assign(document.createElement(tag), attributes);
  if (text !== undefined) element.textContent = text;
  return element;
};
const LEFT = 66, RIGHT = 10, TOP = 8, BOTTOM = 22;
const full = (() => {
  let low = Infinity, high = -Infinity;
  for (const panel of figure.panels) for (const point of panel.line) {
    low = Math.min(low, point.x);
    high = Math.max(high, point.x);
  }
  return low < high ? [low, high] : [low - 1, low + 1];
})();
let view = [...full];
const panels = [];
const tip = make('div', { className: 'tip' });

function number(value) {
  if (value === 0 || (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e9)) {
    return String(Number(value.toPrecision(6)));
  }
  return value.toExponential(3);
}
const moment = (x) => figure.is_time
  ? new Date(x * 1000).toISOString().replace('T', ' ').replace('.000Z', 'Z')
  : 'row ' + x;

// Index of the first item at or after x; items are in order of x.
function first(items, x) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].x < x) low = middle + 1; else high = middle;
  }
  return low;
}
// The items in view, and one more on each side so that lines reach the edge.
const seen = (items) =>
  items.slice(Math.max(0, first(items, view[0]) - 1), first(items, view[1]) + 1);

function steps(low, high, wanted) {
  const least = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((s) => s >= least);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}
const CLOCK = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000];
function moments(low, high, wanted) {
  const step = CLOCK.find((s) => s >= (high - low) / wanted) || CLOCK.at(-1);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
    const text = new Date(tick * 1000).toISOString();
    const label = step < 60 ? text.slice(11, 19)
      : step < 86400 && tick % 86400 ? text.slice(11, 16)
      : step < 2592000 ? text.slice(5, 10) : text.slice(0, 7);
    ticks.push([tick, label]);
  }
  return ticks;
}

// The range of what is in view, not so wide that a wild reading flattens the rest.
function heights(line, band) {
  const all = line.map((p) => p.y).concat(band.map((b) => b.middle)).sort((a, b) => a - b);
  if (!all.length) return [0, 1];
  const at = (share) => all[Math.round((all.length - 1) * share)];
  let low = at(0), high = at(1);
  const usual = at(0.99) - at(0.01);
  if (usual > 0) {
    low = Math.max(low, at(0.01) - 50 * usual);
    high = Math.min(high, at(0.99) + 50 * usual);
  }
  if (low === high) {
    const reach = low === 0 ? 1 : Math.abs(low) * 0.1;
    return [low - reach, high + reach];
  }
  return [low - 0.06 * (high - low), high + 0.06 * (high - low)];
}

function draw({ panel, canvas }) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext('2d');
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, width, height);
  const line = seen(panel.line), band = seen(panel.band);
  const [low, high] = heights(line, band);
  const x = (value) => LEFT + (value - view[0]) / (view[1] - view[0]) * (width - LEFT - RIGHT);
  const y = (value) => TOP + Math.min(1, Math.max(0, (high - value) / (high - low))) * (height - TOP - BOTTOM);
  pen.font = '11px system-ui, sans-serif';
  pen.fillStyle = '#64748b';
  pen.strokeStyle = '#e2e8f0';
  pen.textAlign = 'right';
  for (const tick of steps(low, high, 4)) {
    pen.beginPath();
    pen.moveTo(LEFT, y(tick));
    pen.lineTo(width - RIGHT, y(tick));
    pen.stroke();
    pen.fillText(number(tick), LEFT - 6, y(tick) + 4);
  }
  pen.textAlign = 'center';
  const wanted = Math.max(2, width / 130);
  const ticks = figure.is_time ? moments(view[0], view[1], wanted) : steps(view[0], view[1], wanted).map((t) => [t, number(t)]);
  for (const [tick, label] of ticks) pen.fillText(label, x(tick), height - 6);
  pen.save();
  pen.beginPath();
  pen.rect(LEFT, 0, width - LEFT - RIGHT, height - BOTTOM + 4);
  pen.clip();
  const bounded = band.filter((b) => b.low !== null && b.high !== null);
  if (bounded.length > 1) {
    pen.fillStyle = 'rgba(147, 197, 253, 0.4)';
    pen.beginPath();
    for (const b of bounded) pen.lineTo(x(b.x), y(b.high));
    for (const b of bounded.toReversed()) pen.lineTo(x(b.x), y(b.low));
    pen.fill();
  }
  const path = (items, of) => {
    pen.beginPath();
    for (const item of items) pen.lineTo(x(item.x), y(of(item)));
    pen.stroke();
  };
  pen.strokeStyle = '#94a3b8';
  pen.setLineDash([4, 3]);
  path(band, (b) => b.middle);
  pen.setLineDash([]);
  pen.strokeStyle = '#2563eb';
  path(line, (p) => p.y);
  pen.fillStyle = '#dc2626';
  for (const mark of panel.marks) {
    if (mark.x < view[0] || mark.x > view[1]) continue;
    pen.beginPath();
    pen.arc(x(mark.x), y(mark.y), 4, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.restore();
}
const redraw = () => panels.forEach(draw);

function show(low, high) {
  const least = (full[1] - full[0]) / 1e5;
  const span = Math.min(full[1] - full[0], Math.max(least, high - low));
  const start = Math.min(Math.max(low, full[0]), full[1] - span);
  view = [start, start + span];
  redraw();
}

function attach(canvas, panel) {
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const part = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    return view[0] + part * (view[1] - view[0]);
  };
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    const x = at(event), zoom = event.deltaY > 0 ? 1.25 : 0.8;
    show(x - (x - view[0]) * zoom, x + (view[1] - x) * zoom);
  }, { passive: false });
  let grip = null;
  canvas.addEventListener('pointerdown', (event) => {
    grip = { x: at(event) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointerup', () => { grip = null; });
  canvas.addEventListener('dblclick', () => show(...full));
  canvas.addEventListener('pointerleave', () => { tip.style.display = 'none'; });
  canvas.addEventListener('pointermove', (event) => {
    const x = at(event);
    if (grip) {
      show(view[0] + grip.x - x, view[1] + grip.x - x);
      return;
    }
    const nearest = (items) => {
      const next = first(items, x);
      const pair = [items[next - 1], items[next]].filter(Boolean);
      return pair.sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0];
    };
    const reach = (view[1] - view[0]) * 6 / canvas.clientWidth;
    const mark = nearest(panel.marks), point = nearest(panel.line), expected = nearest(panel.band);
    if (!point) return;
    const lines = [];
    if (mark && Math.abs(mark.x - x) < reach) {
      lines.push(moment(mark.x), mark.text);
    } else {
      lines.push(moment(point.x), number(point.y));
      if (expected && expected.low !== null) {
        lines.push('expected ' + number(expected.middle) + ', ' + number(expected.low) + ' to ' + number(expected.high));
      } else if (expected) {
        lines.push('expected ' + number(expected.middle));
      }
    }
    tip.textContent = lines.join('\n');
    tip.style.display = 'block';
    tip.style.left = Math.min(event.clientX + 14, window.innerWidth - 370) + 'px';
    tip.style.top = event.clientY + 14 + 'px';
  });
}

root.append(make('h1', {}, figure.title));
root.append(make('p', { className: 'note' }, figure.subtitle + '. Wheel to zoom, drag to move, double click to see all.'));
for (const panel of figure.panels) {
  panel.marks.sort((a, b) => a.x - b.x);
  const box = make('section', { className: 'panel' });
  const canvas = make('canvas');
  box.append(make('h2', {}, panel.title), canvas);
  root.append(box);
  panels.push({ panel, canvas });
  attach(canvas, panel);
}
const marks = figure.panels.flatMap((panel) => panel.marks.map((mark) => ({ panel, mark })));
if (marks.length) {
  const head = make('tr');
  for (const title of [figure.is_time ? 'time' : 'row', 'column', 'value', 'why']) head.append(make('th', {}, title));
  const table = make('table'), body = make('tbody'), top = make('thead');
  top.append(head);
  table.append(top, body);
  for (const { panel, mark } of marks.slice(0, 500)) {
    const row = make('tr');
    for (const cell of [moment(mark.x), panel.title, number(mark.y), mark.text]) row.append(make('td', {}, cell));
    row.addEventListener('click', () => {
      const span = (full[1] - full[0]) / 20;
      show(mark.x - span / 2, mark.x + span / 2);
      window.scrollTo({ top: 0, behavior: 'smooth' });
    });
    body.append(row);
  }
  root.append(table);
  if (marks.length > 500) root.append(make('p', { className: 'note' }, 'The first 500 of ' + marks.length + ' are listed.'));
}
document.body.append(tip);
window.addEventListener('resize', redraw);
redraw();
