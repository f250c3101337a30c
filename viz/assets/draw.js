// Drawing with WebGL 2: points into a texture, then shading by depth; and which point is under the cursor.

const POINTS_VERTEX = `#version 300 es
layout(location = 0) in vec3 position;   // 0..1 between the corners of the frame
layout(location = 1) in uint row;        // of the palette
layout(location = 2) in vec3 rgb;
uniform vec3 low, span;
uniform mat4 matrix;
uniform float size, cut;
uniform bool parallel, useRgb, picking;
uniform sampler2D palette;
flat out vec3 color;
void main() {
  vec3 world = low + span * position;
  vec4 entry = texelFetch(palette, ivec2(int(row) & 255, int(row) >> 8), 0);
  gl_Position = matrix * vec4(world, 1.0);
  if ((!useRgb && entry.a == 0.0) || world.z > cut) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = clamp(size / (parallel ? 1.0 : gl_Position.w), 1.6, 40.0);
  int id = gl_VertexID + 1;
  color = picking ? vec3(id & 255, (id >> 8) & 255, id >> 16) / 255.0 : useRgb ? rgb : entry.rgb;
}`;

const POINTS_FRAGMENT = `#version 300 es
precision highp float;
flat in vec3 color;
out vec4 result;
void main() {
  vec2 place = 2.0 * gl_PointCoord - 1.0;
  if (dot(place, place) > 1.0) discard;
  result = vec4(color, 1.0);
}`;

const SCREEN_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}`;

// Eye-dome lighting: a pixel is dark as far as it lies behind its neighbours.
const SCREEN_FRAGMENT = `#version 300 es
precision highp float;
uniform highp sampler2D colors, depths;
uniform vec3 skyTop, skyBottom;
uniform float near, far, reach;
uniform bool parallel;
out vec4 result;
float logDepth(ivec2 place) {
  float z = 2.0 * texelFetch(depths, place, 0).r - 1.0;
  if (z >= 1.0) return 1e9;
  return log2(max(parallel ? z * far : 2.0 * far * near / (far + near - z * (far - near)), 0.01));
}
void main() {
  ivec2 place = ivec2(gl_FragCoord.xy), size = textureSize(depths, 0);
  float here = logDepth(place), behind = 0.0;
  if (here > 1e8) {
    result = vec4(mix(skyBottom, skyTop, gl_FragCoord.y / float(size.y)), 1.0);
    return;
  }
  for (int x = -1; x <= 1; x++) for (int y = -1; y <= 1; y++) {
    ivec2 other = clamp(place + ivec2(vec2(x, y) * reach), ivec2(0), size - 1);
    behind += clamp(here - logDepth(other), 0.0, 0.25);
  }
  result = vec4(texelFetch(colors, place, 0).rgb * (0.3 + 0.7 * exp(-4.0 * behind)), 1.0);
}`;

const PICK_REACH = 9;  // pixels around the cursor within which a point is found
const canvas = document.getElementById('canvas');
const gl = canvas.getContext('webgl2', { antialias: false, preserveDrawingBuffer: true });
let pointsProgram, screenProgram, shown, found, paletteTexture;

/** Make programs and textures; false where there is no WebGL 2. */
function startDrawing() {
  if (!gl) return false;
  pointsProgram = program(POINTS_VERTEX, POINTS_FRAGMENT);
  screenProgram = program(SCREEN_VERTEX, SCREEN_FRAGMENT);
  shown = target();
  found = target();
  paletteTexture = texture();
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  return true;
}

/** Fit the drawing to the window; true if the size changed. */
function resize() {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width === width && canvas.height === height && shown.width === width) return false;
  canvas.width = width;
  canvas.height = height;
  for (const one of [shown, found]) allocate(one, width, height);
  return true;
}

/** Set the 256 by k colours that rows of a layer stand for; hidden rows are not drawn. */
function setPalette(colors, hidden) {
  const height = Math.max(1, Math.ceil(colors.length / 256));
  const pixels = new Uint8Array(4 * 256 * height);
  colors.forEach((color, row) => pixels.set([...color, hidden.has(row) ? 0 : 255], 4 * row));
  gl.bindTexture(gl.TEXTURE_2D, paletteTexture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
}

/** Draw a frame by a layer. `look` has size (factor), cut (metres) and sky (two colours). */
function drawFrame(frame, layer, look) {
  resize();
  const view = projection(canvas.width, canvas.height);
  drawPoints(shown, frame, layer, look, view, false);
  gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  gl.disable(gl.DEPTH_TEST);
  gl.useProgram(screenProgram.name);
  const u = screenProgram.uniforms;
  bind(0, shown.color, u.colors);
  bind(1, shown.depth, u.depths);
  gl.uniform3fv(u.skyTop, look.sky[0]);
  gl.uniform3fv(u.skyBottom, look.sky[1]);
  gl.uniform1f(u.near, view.near);
  gl.uniform1f(u.far, view.far);
  gl.uniform1f(u.reach, Math.max(1, canvas.width / Math.max(1, canvas.clientWidth)));
  gl.uniform1i(u.parallel, view.parallel);
  gl.drawArrays(gl.TRIANGLES, 0, 3);
}

/** Index of the point nearest to a place of the page, or -1. */
function pick(frame, layer, look, x, y) {
  const scale = canvas.width / canvas.clientWidth;
  const column = Math.round(x * scale), row = canvas.height - 1 - Math.round(y * scale);
  const side = 2 * PICK_REACH + 1, left = column - PICK_REACH, bottom = row - PICK_REACH;
  gl.enable(gl.SCISSOR_TEST);
  gl.scissor(left, bottom, side, side);
  drawPoints(found, frame, layer, look, projection(canvas.width, canvas.height), true);
  gl.disable(gl.SCISSOR_TEST);
  const pixels = new Uint8Array(4 * side * side);
  gl.readPixels(left, bottom, side, side, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  let best = -1, nearest = Infinity;
  for (let i = 0; i < side * side; i++) {
    const id = pixels[4 * i] + 256 * pixels[4 * i + 1] + 65536 * pixels[4 * i + 2];
    const distance = (i % side - PICK_REACH) ** 2 + (Math.floor(i / side) - PICK_REACH) ** 2;
    if (id && distance < nearest) [best, nearest] = [id - 1, distance];
  }
  return best;
}

/** Free what the graphics card holds of a frame. */
function releaseFrame(frame) {
  if (!frame.gpu) return;
  for (const { array, buffer } of frame.gpu.arrays.values()) {
    gl.deleteVertexArray(array);
    gl.deleteBuffer(buffer);
  }
  gl.deleteBuffer(frame.gpu.positions);
  frame.gpu = null;
}

function drawPoints(where, frame, layer, look, view, picking) {
  gl.bindFramebuffer(gl.FRAMEBUFFER, where.buffer);
  gl.viewport(0, 0, canvas.width, canvas.height);
  gl.clearColor(0, 0, 0, 0);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.enable(gl.DEPTH_TEST);
  gl.useProgram(pointsProgram.name);
  const u = pointsProgram.uniforms, { low, step } = frame.header;
  gl.uniform3fv(u.low, low);
  gl.uniform3fv(u.span, step.map(v => v * 65535));
  gl.uniformMatrix4fv(u.matrix, false, view.matrix);
  gl.uniform1f(u.size, scene.point_size * look.size * view.pixels);
  gl.uniform1f(u.cut, look.cut);
  gl.uniform1i(u.parallel, view.parallel);
  gl.uniform1i(u.useRgb, layer.kind === 'rgb');
  gl.uniform1i(u.picking, picking);
  bind(0, paletteTexture, u.palette);
  gl.bindVertexArray(vertices(frame, layer));
  gl.drawArrays(gl.POINTS, 0, frame.header.count);
  gl.bindVertexArray(null);
}

function vertices(frame, layer) {
  if (!frame.gpu) frame.gpu = { positions: upload(frame.counts), arrays: new Map() };
  const kept = frame.gpu.arrays.get(layer.name);
  if (kept) return kept.array;
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, frame.gpu.positions);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 3, gl.UNSIGNED_SHORT, true, 8, 0);
  const buffer = upload(layer.values);
  if (layer.kind === 'rgb') {
    gl.enableVertexAttribArray(2);
    gl.vertexAttribPointer(2, 3, gl.UNSIGNED_BYTE, true, 3, 0);
    gl.vertexAttribI4ui(1, 0, 0, 0, 0);  // an integer attribute needs a value of its own type
  } else {
    gl.enableVertexAttribArray(1);
    gl.vertexAttribIPointer(1, 1, layer.bytes === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, 0, 0);
  }
  frame.gpu.arrays.set(layer.name, { array, buffer });
  return array;
}

function upload(values) {
  const buffer = gl.createBuffer();
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  return buffer;
}

function program(vertex, fragment) {
  const name = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(name, shader);
  }
  gl.linkProgram(name);
  if (!gl.getProgramParameter(name, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(name));
  const uniforms = {};
  for (let i = 0; i < gl.getProgramParameter(name, gl.ACTIVE_UNIFORMS); i++) {
    const uniform = gl.getActiveUniform(name, i).name;
    uniforms[uniform] = gl.getUniformLocation(name, uniform);
  }
  return { name, uniforms };
}

function target() {
  return { buffer: gl.createFramebuffer(), color: texture(), depth: texture(), width: 0 };
}

function allocate(where, width, height) {
  where.width = width;
  gl.bindTexture(gl.TEXTURE_2D, where.color);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
  gl.bindTexture(gl.TEXTURE_2D, where.depth);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.DEPTH_COMPONENT24, width, height, 0, gl.DEPTH_COMPONENT, gl.UNSIGNED_INT, null);
  gl.bindFramebuffer(gl.FRAMEBUFFER, where.buffer);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, where.color, 0);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.TEXTURE_2D, where.depth, 0);
}

function texture() {
  const made = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, made);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, axis, gl.CLAMP_TO_EDGE);
  return made;
}

function bind(unit, what, uniform) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, what);
  gl.uniform1i(uniform, unit);
}
