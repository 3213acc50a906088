// What the last call of the wasm answered, empty for nothing. The wasm writes it; the loader reads it.
export let answered;

export function answer(text) {
  answered = text;
}
