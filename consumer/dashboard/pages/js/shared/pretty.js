// JSON as people read it: indented, but a list of numbers or words in one line.

export function pretty(value) {
  const text = JSON.stringify(value, null, 2);
  return text.replace(/\[\n\s+([^[\]{}]*?)\n\s+\]/g, (_, inside) => `[${inside.replace(/\s*\n\s*/g, " ")}]`);
}
