// What the wasm wants done, noted while it works and carried out by the loader when it has returned.

export const noted = [];

// The module's memory, once there is one.
export const inside = {};

export function note(letter, text, bytes) {
  noted.push([
    String.fromCharCode(letter),
    new TextDecoder().decode(new Uint8Array(inside.memory.buffer, text, bytes)),
  ]);
}
