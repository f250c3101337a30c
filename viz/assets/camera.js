// A camera that orbits a target; z is up. The same numbers as the Python class Camera.

const radians = degrees => degrees * Math.PI / 180;
const camera = { ...scene.camera, target: [...scene.camera.target] };

/** Right, down and forward of the camera in the world, and where it stands. */
function cameraAxes() {
  const a = radians(camera.azimuth_deg), e = radians(camera.elevation_deg);
  const outward = [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)];
  const right = [-Math.sin(a), Math.cos(a), 0];
  const forward = outward.map(v => -v);
  const down = cross(forward, right);
  const eye = camera.target.map((v, i) => v + camera.distance * outward[i]);
  return { right, down, forward, eye };
}

/** Column-major matrix from the world to clip space, and what shaders need besides. */
function projection(width, height) {
  const { right, down, forward, eye } = cameraAxes();
  const near = camera.distance * 0.02, far = 12 * camera.distance + 15 * scene.camera.distance;
  const parallel = camera.fov_deg === 0;
  const f = parallel ? 0 : 1 / Math.tan(radians(camera.fov_deg) / 2);
  const half = camera.distance * 0.5 * Math.max(1, height / width);
  const sx = parallel ? height / width / half : f * height / width, sy = parallel ? 1 / half : f;
  const rows = [
    [...right.map(v => v * sx), -sx * dot(right, eye)],
    [...down.map(v => -v * sy), sy * dot(down, eye)],
  ];
  const depth = [...forward, -dot(forward, eye)];
  const start = parallel ? -far : near;
  const z = parallel
    ? depth.map((v, i) => v * 2 / (far - start) - (i === 3 ? (far + start) / (far - start) : 0))
    : depth.map((v, i) => v * (far + near) / (far - near) - (i === 3 ? 2 * far * near / (far - near) : 0));
  const w = parallel ? [0, 0, 0, 1] : depth;
  const matrix = new Float32Array(16);
  [rows[0], rows[1], z, w].forEach((row, r) => row.forEach((v, c) => { matrix[4 * c + r] = v; }));
  // Pixels of a metre at depth 1 (perspective) or at any depth (parallel).
  return { matrix, near, far, parallel, pixels: 0.5 * height * sy };
}

/** Where a point of the world is on the screen, or null behind the camera. */
function toScreen(point, width, height) {
  const { matrix } = projection(width, height);
  const clip = [0, 1, 3].map(r => [...point, 1].reduce((sum, v, c) => sum + v * matrix[4 * c + r], 0));
  if (clip[2] <= 0) return null;
  return [(clip[0] / clip[2] + 1) * width / 2, (1 - clip[1] / clip[2]) * height / 2];
}

function turn(dx, dy) {
  camera.azimuth_deg -= 0.3 * dx;
  camera.elevation_deg = Math.min(90, Math.max(-89, camera.elevation_deg + 0.3 * dy));
  if (camera.fov_deg === 0 && dy) camera.fov_deg = scene.camera.fov_deg || 40;  // leaving the plan
}

/** Move sideways by pixels, so that the target follows the finger. */
function pan(dx, dy, height) {
  const { right, down } = cameraAxes();
  const size = camera.fov_deg === 0 ? camera.distance : 2 * camera.distance * Math.tan(radians(camera.fov_deg) / 2);
  const metres = size / height;
  camera.target = camera.target.map((v, i) => v - metres * (dx * right[i] + dy * down[i]));
}

function zoom(factor) {
  const usual = scene.camera.distance;
  camera.distance = Math.min(100 * usual, Math.max(0.001 * usual, camera.distance * factor));
}

function lookFrom(place) {
  Object.assign(camera, place, { target: [...place.target] });
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
