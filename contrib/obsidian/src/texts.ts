/** Return text with marks for what can't be seen, or changes the direction of what follows. */
export function showText(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu, (char) => {
    if (char === "\u200c" || char === "\u200d") return char; // scripts and emoji need joiners
    return `\\u{${char.codePointAt(0)?.toString(16) ?? ""}}`;
  });
}

/** Return a number and its noun: “1 mistake”, “2 mistakes”. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Return what a run says of itself, in one line: first what it did, then what it left out. */
export function summarize(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const skipped = lines.filter((line) => line.includes(": skipped: "));
  const first = lines.find((line) => !skipped.includes(line)) ?? "";
  if (!skipped[0]) return first;
  return `${first} Skipped ${count(skipped.length, "note")}: ${skipped[0].replace(": skipped: ", ": ")}${skipped[1] ? " …" : ""}`.trim();
}

/** Return the index in UTF-16 of a column, which counts code points from 1. */
export function findIndex(line: string, column: number): number {
  return Array.from(line).slice(0, column - 1).join("").length;
}
