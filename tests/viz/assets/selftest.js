// Appended to the page's own script by test_browser.py: does what a user does and tells what it saw.

window.selftest = (async () => {
  const seen = {};
  const until = async condition => { while (!condition()) await new Promise(done => setTimeout(done, 10)); };
  const settled = async () => { await until(() => !drawingAsked && !hovering); };
  const press = async key => { document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })); await settled(); };
  const mouse = async (kind, x, y, buttons) => {
    const at = { clientX: x, clientY: y, pointerId: 1, pointerType: 'mouse', bubbles: true, buttons };
    canvas.dispatchEvent(new PointerEvent(kind, at));
    await settled();
  };
  const drawn = () => {
    const pixels = new Uint8Array(4 * canvas.width * canvas.height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, shown.buffer);
    gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    let count = 0;
    for (let i = 3; i < pixels.length; i += 4) count += pixels[i] > 0;
    return count;
  };
  const screen = index => toScreen(pointAt(state.frame, index), canvas.clientWidth, canvas.clientHeight);
  canvas.setPointerCapture = () => {};  // pointers made by a script cannot be captured

  try {
    await until(() => document.documentElement.dataset.ready);
    seen.layers = [...document.querySelectorAll('#layers button')].map(button => button.innerText);
    seen.layer = state.layer;
    seen.drawn = drawn();

    const count = state.frame.header.count;
    const index = [...Array(count).keys()].find(i => screen(i) && ask(...screen(i)) === i);
    seen.index = index;
    seen.xyz = pointAt(state.frame, index);
    await mouse('pointermove', ...screen(index), 0);
    seen.tip = at('tip').hidden ? null : at('tip').innerText;
    await mouse('pointerdown', ...screen(index), 1);
    await mouse('pointerup', ...screen(index), 0);
    seen.held = state.held;
    seen.marker = !at('marker').hidden;

    const azimuth = camera.azimuth_deg;
    await mouse('pointerdown', 300, 300, 1);
    await mouse('pointermove', 400, 300, 1);
    await mouse('pointerup', 400, 300, 0);
    seen.turned = azimuth - camera.azimuth_deg;
    await press('r');

    seen.entries = [...document.querySelectorAll('#entries button')].map(button => button.innerText);
    const all = drawn();
    document.querySelector('#entries button').click();
    await settled();
    seen.withoutOne = drawn() < all;
    at('none').click();
    await settled();
    seen.withoutAll = drawn();
    at('all').click();
    await settled();
    seen.allAgain = drawn() === all;

    await press('2');
    seen.second = state.layer;
    await press('ArrowRight');
    await until(() => state.frame.number === 1);
    seen.where = at('where').textContent;
    await press('t');
    seen.parallel = camera.fov_deg === 0 && drawn() > 0;
    await press('b');
    seen.light = document.documentElement.classList.contains('light');
    await press('h');
    seen.help = !at('help').hidden;
    seen.simulated = !at('simulated').hidden;
    seen.heading = at('title').textContent;
    seen.trouble = at('trouble').textContent;
    seen.images = document.images.length;
  } catch (error) {
    seen.error = String(error.stack || error);
  }
  return seen;
})();
