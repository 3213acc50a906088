// What only the loader can do for the wasm, noted while it works and carried out when it has returned.

export const noted = [];

export function note(letter, text) {
  noted.push([String.fromCharCode(letter), text]);
}
