// What the page carries: the scene, and frames that are unpacked when they are looked at.

const scene = JSON.parse(document.getElementById('scene').textContent);
const MOST_POINTS_KEPT = 6e6;  // unpacked frames beyond this are forgotten, oldest first
const unpacked = new Map();

/** Unpack a frame: header, positions (Uint16Array, 4 per point) and one array per layer. */
async function loadFrame(number) {
  let frame = unpacked.get(number);
  if (!frame) {
    const header = JSON.parse(document.getElementById(`frame-${number}`).textContent);
    const bytes = await inflate(header.data);
    delete header.data;
    frame = { number, header, counts: positions(bytes, header.count), layers: layers(bytes, header), gpu: null };
  }
  unpacked.delete(number);
  unpacked.set(number, frame);
  return frame;
}

/** Forget frames not looked at lately; `release` frees what the graphics card holds of them. */
function forgetOldFrames(release) {
  let kept = 0;
  for (const [number, frame] of [...unpacked].reverse()) {
    kept += frame.header.count;
    if (kept > MOST_POINTS_KEPT && number !== [...unpacked.keys()].pop()) {
      release(frame);
      unpacked.delete(number);
    }
  }
}

/** Metres of a point: [x, y, z]. */
function pointAt(frame, index) {
  const { low, step } = frame.header;
  return [0, 1, 2].map(axis => low[axis] + frame.counts[4 * index + axis] * step[axis]);
}

/** What a layer says of a point, in words. */
function describe(frame, layer, index) {
  if (layer.kind === 'class') return scene.tables[layer.table].names[layer.values[index]];
  if (layer.kind === 'scalar') {
    const value = layer.low + (layer.high - layer.low) * layer.values[index] / 255;
    const edge = layer.values[index] === 0 ? '≤ ' : layer.values[index] === 255 ? '≥ ' : '';
    return `${edge}${value.toFixed(2)}${layer.unit ? ' ' + layer.unit : ''}`;
  }
  return [...layer.values.subarray(3 * index, 3 * index + 3)].join(' ');
}

/** How many points of a frame have each row of a class layer's table. */
function countsOf(layer) {
  if (!layer.counts) {
    layer.counts = new Uint32Array(scene.tables[layer.table].names.length);
    for (const row of layer.values) layer.counts[row]++;
  }
  return layer.counts;
}

async function inflate(base64) {
  const text = atob(base64);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function positions(bytes, count) {
  const counts = new Uint16Array(4 * count);  // four, because graphics cards want aligned points
  for (let axis = 0; axis < 3; axis++) {
    const low = 2 * axis * count, high = low + count;
    let value = 0;
    for (let i = 0; i < count; i++) {
      value = (value + bytes[low + i] + 256 * bytes[high + i]) & 0xffff;
      counts[4 * i + axis] = value;
    }
  }
  return counts;
}

function layers(bytes, header) {
  let start = 6 * header.count;
  return header.layers.map(entry => {
    const width = entry.kind === 'rgb' ? 3 : entry.bytes || 1;
    const end = start + width * header.count;
    const part = bytes.slice(start, end);  // a copy starts at 0, as a Uint16Array must
    start = end;
    return { ...entry, values: entry.bytes === 2 ? new Uint16Array(part.buffer) : part };
  });
}
