// What the wasm asks of the page beyond web-sys: the few things that are shorter here than through it.
// `post` needs to know where the collector is and what to do with its answer: the loader says so in `link`.

export const link = {};

export function post(body, isGranted) {
  link.post(body, isGranted);
}

export function random(bytes) {
  crypto.getRandomValues(bytes);
}

export function now() {
  return Date.now();
}

export function gpc() {
  return !!navigator.globalPrivacyControl || navigator.doNotTrack == 1;
}
