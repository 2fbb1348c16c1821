// Writes the intervals of every set of a generated lexer from the last to the first. The runtime keeps a set sorted and looks for the
// place of a new interval from its beginning: in ascending order the letters of Unicode cost the square of their number at every start.
import { readFileSync, writeFileSync } from "node:fs";

const [, , path] = process.argv;
const text = readFileSync(path, "utf8");
const [whole, head, body] = /(_serializedATN = \{\n)([^}]*)/.exec(text);
const numbers = body.split(",").map(n => parseInt(n, 10));
let at = 0;
const next = () => numbers[at++];

function expect(condition, what) {
  if (!condition) throw new Error(`${path}: not an automaton as expected: ${what}`);
}

expect(next() === 4, "version 4");
expect(next() === 0, "a lexer");
next(); // the largest token
const invalid = 0, blockStarts = [3, 4, 5], loopEnd = 12;
for (let states = next(); states > 0; states--) {
  const type = next();
  if (type === invalid) continue;
  next(); // its rule
  if (type === loopEnd || blockStarts.includes(type)) next();
}
function skip(numbersEach) {
  const count = next();
  at += numbersEach * count;
}

skip(1); // states that are not greedy
skip(1); // rules with precedence
skip(2); // rules: start and token
skip(1); // modes
for (let sets = next(); sets > 0; sets--) {
  const count = next();
  expect(next() === 0, "sets without the end of the text");
  const intervals = [];
  for (let i = 0; i < count; i++) intervals.push([next(), next()]);
  expect(intervals.every(([a, b], i) => a <= b && (i === 0 || intervals[i - 1][1] < a)), "ascending intervals");
  numbers.splice(at - 2 * count, 2 * count, ...intervals.reverse().flat());
}

const lines = [""];
for (const n of numbers) {
  if (lines.at(-1).length + `${n},`.length > 71) lines.push("");
  lines[lines.length - 1] += `${n},`;
}
writeFileSync(path, text.replace(whole, head + lines.map(l => "\t\t" + l).join("\n").replace(/,$/, "") + "\n\t"));
