// Numbers and tables as text, for the terminal and for Markdown. Must not know what the numbers mean.

const digits = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2)

/** A number as text: three digits that count; '–' for null. */
export const format = (value) =>
  value === null || value === undefined ? '–' : value.toFixed(digits(value))

/**
 * A Markdown table with aligned columns: it reads well in a terminal too.
 * @param {string[]} head
 * @param {string[][]} rows the first column is text, the others are numbers
 */
export function table(head, rows) {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i].length))
  )
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}
