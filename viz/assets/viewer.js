// What the user does: choose frames and layers, play, turn, ask for points.

const MILLISECONDS_A_FRAME = 100;
const SKIES = {
  dark: [[34, 41, 54], [13, 16, 22]],
  light: [[222, 229, 238], [250, 251, 253]],
};
const state = { frame: null, layer: scene.layer, theme: scene.theme, size: 1, cut: Infinity, playing: false, held: null };
let drawingAsked = false, wanted = scene.frame;

const layerOf = frame => frame.layers.find(layer => layer.name === state.layer) || frame.layers[0];
const look = () => ({
  size: state.size,
  cut: state.cut,
  sky: SKIES[state.theme].map(color => color.map(v => v / 255)),
});

async function goTo(number) {
  wanted = Math.min(scene.frames - 1, Math.max(0, number));
  const frame = await loadFrame(wanted);
  if (frame.number !== wanted) return;  // the user has moved on while it was unpacked
  state.frame = frame;
  forgetOldFrames(releaseFrame);
  letGo();
  showFacts(frame);
  chooseLayer(state.layer);
}

function chooseLayer(name) {
  state.layer = name;
  const layer = layerOf(state.frame);
  showLayers(state.frame, layer, chooseLayer);
  const recolor = () => { setPalette(colorsOf(layer), hiddenOf(layer)); redraw(); };
  showLegend(layer, recolor);
  recolor();
}

/** Draw once, however often it is asked for before the next picture. */
function redraw() {
  if (drawingAsked || !state.frame) return;
  drawingAsked = true;
  requestAnimationFrame(() => {
    drawingAsked = false;
    drawFrame(state.frame, layerOf(state.frame), look());
    placeMarker();
    document.documentElement.dataset.ready = 'true';  // for whoever waits for the first picture
  });
}

async function play() {
  state.playing = !state.playing;
  at('play').textContent = state.playing ? '❚❚' : '▶';
  while (state.playing) {
    const start = performance.now();
    await goTo((state.frame.number + 1) % scene.frames);
    const rest = MILLISECONDS_A_FRAME - (performance.now() - start);
    await new Promise(resume => setTimeout(resume, Math.max(rest, 10)));
  }
}

function setTheme(theme) {
  state.theme = theme;
  document.documentElement.classList.toggle('light', theme === 'light');
  redraw();
}

function reset(place) {
  lookFrom(place);
  if (place.cut_above !== null) setCut(place.cut_above);
  redraw();
}

function setCut(height) {
  const slider = at('cut');
  slider.value = height;
  state.cut = Number(slider.value) >= Number(slider.max) ? Infinity : Number(slider.value);
  redraw();
}

function setSize(size) {
  state.size = Math.min(4, Math.max(0.25, size));
  at('size').value = state.size;
  redraw();
}

function ask(x, y) {
  return pick(state.frame, layerOf(state.frame), look(), x, y);
}

function hold(index, x, y) {
  state.held = index < 0 ? null : index;
  if (index >= 0) showTip(state.frame, index, x, y);
  else at('tip').hidden = true;
  placeMarker();
}

function letGo() {
  hold(-1);
}

function placeMarker() {
  const place = state.held === null ? null : toScreen(pointAt(state.frame, state.held), canvas.clientWidth, canvas.clientHeight);
  at('marker').hidden = place === null;
  if (place) Object.assign(at('marker').style, { left: `${place[0]}px`, top: `${place[1]}px` });
}

// Pointers: one turns, or moves with shift or the right button; two move and zoom.
const fingers = new Map();
let travelled = 0;

function pressed(event) {
  canvas.setPointerCapture(event.pointerId);
  canvas.classList.add('moving');
  fingers.set(event.pointerId, event);
  travelled = 0;
}

function moved(event) {
  const before = fingers.get(event.pointerId);
  if (!before) {
    if (state.frame && state.held === null && event.pointerType === 'mouse') hover(event);
    return;
  }
  const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
  travelled += Math.abs(dx) + Math.abs(dy);
  if (fingers.size === 2) {
    const other = [...fingers.values()].find(finger => finger.pointerId !== event.pointerId);
    const gap = finger => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
    zoom(gap(before) / Math.max(1, gap(event)));
    pan(dx / 2, dy / 2, canvas.clientHeight);
  } else if (event.shiftKey || before.buttons === 2 || before.buttons === 4) pan(dx, dy, canvas.clientHeight);
  else turn(dx, dy);
  fingers.set(event.pointerId, event);
  if (state.held === null) at('tip').hidden = true;
  redraw();
}

function released(event) {
  const wasClick = fingers.size === 1 && travelled < 4 && event.type === 'pointerup' && event.button === 0;
  fingers.delete(event.pointerId);
  canvas.classList.remove('moving');
  if (!wasClick || !state.frame) return;
  const index = ask(event.clientX, event.clientY);
  hold(index === state.held ? -1 : index, event.clientX, event.clientY);
}

let hovering = false;
function hover(event) {
  if (hovering) return;  // at most one question per picture
  hovering = true;
  requestAnimationFrame(() => {
    hovering = false;
    if (state.held !== null || fingers.size) return;
    const index = ask(event.clientX, event.clientY);
    if (index >= 0) showTip(state.frame, index, event.clientX, event.clientY);
    else at('tip').hidden = true;
  });
}

function turnAround(event) {
  const index = ask(event.clientX, event.clientY);
  if (index >= 0) camera.target = pointAt(state.frame, index);
  redraw();
}

const KEYS = {
  ' ': () => scene.frames > 1 && play(),
  t: () => reset(scene.top),
  r: () => reset(scene.camera),
  l: () => { at('legend').hidden = !at('legend').hidden; },
  b: () => setTheme(state.theme === 'dark' ? 'light' : 'dark'),
  h: () => { at('help').hidden = !at('help').hidden; },
  '?': () => KEYS.h(),
  '+': () => setSize(state.size * 1.2),
  '=': () => setSize(state.size * 1.2),
  '-': () => setSize(state.size / 1.2),
  escape: () => { at('help').hidden = true; letGo(); },
};

function keyed(event) {
  if (!state.frame || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches('input') || (event.target.matches('button') && event.key === ' ')) return;
  const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  const layer = state.frame.layers[Number(event.key) - 1];
  const action = KEYS[event.key.toLowerCase()];
  if (arrow && event.shiftKey) { turn(20 * arrow[0], 20 * arrow[1]); redraw(); }
  else if (arrow && arrow[0]) goTo(wanted + arrow[0]);
  else if (layer && event.key !== ' ') chooseLayer(layer.name);
  else if (action) action();
  else return;
  event.preventDefault();
}

function prepareControls() {
  at('title').textContent = scene.title;
  at('simulated').hidden = !scene.simulated;
  at('timeline').hidden = scene.frames < 2;
  at('slider').max = scene.frames - 1;
  const controls = {
    play, top: KEYS.t, reset: KEYS.r, theme: KEYS.b, 'help-button': KEYS.h,
  };
  for (const [id, action] of Object.entries(controls)) at(id).addEventListener('click', () => action());
  at('slider').addEventListener('input', event => goTo(Number(event.target.value)));
  at('size').addEventListener('input', event => setSize(Number(event.target.value)));
  at('cut').addEventListener('input', event => setCut(Number(event.target.value)));
  canvas.addEventListener('pointerdown', pressed);
  canvas.addEventListener('pointermove', moved);
  for (const kind of ['pointerup', 'pointercancel']) canvas.addEventListener(kind, released);
  canvas.addEventListener('pointerleave', () => { if (state.held === null) at('tip').hidden = true; });
  canvas.addEventListener('dblclick', turnAround);
  canvas.addEventListener('contextmenu', event => event.preventDefault());
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    zoom(Math.exp(0.0012 * event.deltaY * (event.deltaMode ? 30 : 1)));
    redraw();
  }, { passive: false });
  window.addEventListener('keydown', keyed);
  window.addEventListener('resize', redraw);
  canvas.addEventListener('webglcontextlost', () => trouble('The graphics card has forgotten the picture. Reload the page.'));
}

/** Heights between which the view can be cut, from the first frame shown. */
function prepareCut(frame) {
  const { low, step } = frame.header, slider = at('cut');
  slider.min = low[2];
  slider.max = low[2] + 65535 * step[2];
  setCut(scene.camera.cut_above === null ? slider.max : scene.camera.cut_above);
}

/** `#frame=3&layer=error&theme=light&view=top` after the file name opens the page there. */
function followAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.has('layer')) state.layer = asked.get('layer');
  if (asked.has('frame')) wanted = Number(asked.get('frame')) || 0;
  if (asked.get('view') === 'top') lookFrom(scene.top);
  setTheme(asked.get('theme') in SKIES ? asked.get('theme') : state.theme);
}

function trouble(text) {
  at('trouble').textContent = text;
  at('trouble').hidden = false;
}

async function start() {
  prepareControls();
  if (!startDrawing()) return trouble('This browser has no WebGL 2, which the picture needs. Try a recent Firefox, Chrome or Safari.');
  if (typeof DecompressionStream === 'undefined') return trouble('This browser is too old to unpack the points. Try a recent Firefox, Chrome or Safari.');
  followAddress();
  await goTo(wanted);
  prepareCut(state.frame);
}

start().catch(error => trouble(`The page cannot be shown: ${error.message}`));
