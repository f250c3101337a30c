// The panels around the picture: layers, legend, what is said of a point.

const MOST_ENTRIES = 200;  // more, as of instances, would make stepping slow
const at = id => document.getElementById(id);
const hiddenRows = new Map();  // table number -> rows of it that are not drawn

/** The buttons that choose a layer. */
function showLayers(frame, current, choose) {
  at('layers').replaceChildren(...frame.layers.map((layer, place) => {
    const button = element('button', layer.name);
    button.setAttribute('aria-pressed', layer.name === current.name);
    button.title = place < 9 ? `key ${place + 1}` : '';
    button.addEventListener('click', () => choose(layer.name));
    return button;
  }));
}

/** The legend of a layer: classes that can be hidden, or a bar of colours. */
function showLegend(layer, changed) {
  const isClass = layer.kind === 'class';
  at('legend-title').textContent = layer.name;
  for (const id of ['all', 'none']) at(id).hidden = !isClass;
  if (!isClass) {
    at('entries').replaceChildren(layer.kind === 'scalar' ? bar(layer) : element('div', 'the points\u2019 own colours'));
    return;
  }
  const table = scene.tables[layer.table], counts = countsOf(layer), hidden = hiddenOf(layer);
  const scored = [...counts].reduce((sum, n, row) => sum + (table.names[row] === 'ignored' ? 0 : n), 0);
  const rows = [...counts.keys()].filter(row => counts[row]).sort((a, b) => counts[b] - counts[a]);
  const update = () => { showLegend(layer, changed); changed(); };
  at('all').onclick = () => { hidden.clear(); update(); };
  at('none').onclick = () => { rows.forEach(row => hidden.add(row)); update(); };
  const more = rows.length - MOST_ENTRIES;
  at('entries').replaceChildren(...rows.slice(0, MOST_ENTRIES).map(row => {
    const button = element('button');
    button.setAttribute('aria-pressed', !hidden.has(row));
    const swatch = element('i');
    swatch.style.background = `rgb(${table.colors[row].join(' ')})`;
    const share = layer.name === 'error' && table.names[row] !== 'ignored' ? ` · ${percent(counts[row], scored)}` : '';
    button.append(swatch, element('span', table.names[row]), element('small', counts[row].toLocaleString('en') + share));
    button.addEventListener('click', event => {
      if (event.altKey) rows.forEach(other => (other === row ? hidden.delete(other) : hidden.add(other)));
      else if (!hidden.delete(row)) hidden.add(row);
      update();
    });
    return button;
  }));
  if (more > 0) at('entries').append(element('small', `and ${more} more`));
}

/** Rows of a class layer that the user has hidden; layers with one table share them. */
function hiddenOf(layer) {
  if (layer.kind !== 'class') return new Set();
  if (!hiddenRows.has(layer.table)) hiddenRows.set(layer.table, new Set());
  return hiddenRows.get(layer.table);
}

/** The colours that the rows of a layer stand for. */
function colorsOf(layer) {
  if (layer.kind === 'class') return scene.tables[layer.table].colors;
  return layer.kind === 'scalar' ? scene.colormaps[layer.colormap] : [];
}

/** Say everything known of a point beside a place of the page. */
function showTip(frame, index, x, y) {
  const tip = at('tip'), list = element('dl');
  const say = (name, value) => list.append(element('dt', name), element('dd', value));
  for (const layer of frame.layers) say(layer.name, describe(frame, layer, index));
  say('x, y, z', pointAt(frame, index).map(v => v.toFixed(2)).join(', ') + ' m');
  // In a thinned-out frame the place in the page is not the place in the file.
  if (frame.header.count === frame.header.total) say('point', index.toLocaleString('en'));
  tip.replaceChildren(list);
  tip.hidden = false;
  const left = x + 18 + tip.offsetWidth > window.innerWidth ? x - 18 - tip.offsetWidth : x + 18;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 12, window.innerHeight - tip.offsetHeight - 8))}px`;
}

/** What is said of the frame in the head of the page. */
function showFacts(frame) {
  const facts = [`${frame.header.count.toLocaleString('en')} points`, ...scene.notes, ...frame.header.notes];
  if (frame.header.name !== scene.title) facts.unshift(frame.header.name);
  at('facts').textContent = facts.join(' · ');
  at('slider').value = frame.number;
  at('where').textContent = `${frame.number + 1} / ${scene.frames}`;
}

function bar(layer) {
  const box = element('div'), strip = document.createElement('canvas'), ends = element('div');
  box.className = 'bar';
  strip.width = 256;
  strip.height = 1;
  const pixels = new Uint8ClampedArray(scene.colormaps[layer.colormap].flatMap(color => [...color, 255]));
  strip.getContext('2d').putImageData(new ImageData(pixels, 256, 1), 0, 0);
  for (const value of [layer.low, layer.high]) ends.append(element('span', `${value.toFixed(2)} ${layer.unit}`));
  box.append(strip, ends);
  return box;
}

/** An element with text: always as text, for names are the user's and may look like markup. */
function element(kind, text = '') {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

const percent = (part, whole) => `${(100 * part / Math.max(whole, 1)).toFixed(1)} %`;
