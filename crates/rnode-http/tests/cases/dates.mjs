// Writes dates.json: what V8's Date.parse says about well-formed, odd and broken dates, for finish/http_date.rs.
// Run it with `node crates/rnode-http/tests/cases/dates.mjs` (`--check` only compares). It reads nothing but V8's answers:
// no case is written by hand. The seed is fixed, so that a second run gives the same file.

import { put } from '../../../../js/scripts/generated.mjs'

process.env.TZ = 'UTC'

const COUNT = 1500
const file = new URL('dates.json', import.meta.url)

const whole = [
  'Sun, 06 Nov 1994 08:49:37 GMT',
  'Sunday, 06-Nov-94 08:49:37 GMT',
  'Sun Nov  6 08:49:37 1994',
  'Sat, 1 Jan 2000 00:00:00 GMT',
  'Tue, 31 Feb 2020 00:00:00 GMT',
  '2020-01-01T00:00:00.000Z',
  '2020-01-01T00:00:00+01:00',
  '2020-02-30',
  '6 Nov 1994 08:49 PM',
  '11/6/1994 1:02:03.4',
  '1994-11-6',
]
const pieces = [
  ...['Sun, ', 'Sunday, ', 'Mon ', 'Nov', 'November', 'Jan ', 'foo', 'T', 't', 'é', '[', '@'],
  ...['06', '6', '0', '1', '12', '31', '32', '59', '60', '94', '1994', '2020', '99999', '00000000012'],
  ...['-', '+', '/', ':', '::', '.', ',', ')', ' ', ' ', ' ', '\t', '\xa0', '(c)', '(a(b)c)', '.5', '.123', '.1234567891'],
  ...['08:49:37', '8:49', '24:00:00', '24:00', '23:59:60', 'T12:30', 'T12:30:15.250Z', 'AM', ' pm'],
  ...['GMT', 'Z', 'UTC', 'UT', 'EST', 'pdt', 'z ', 'gmt', '+0100', '-08', '+1:30', '-0730', '-000001', '+002020', '2020-01'],
]

let state = 7
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}
const pick = (list) => list[below(list.length)]

const mutate = (text) => {
  for (let times = 1 + below(2); times > 0; times--) {
    const at = below(text.length + 1)
    text = text.slice(0, at) + pick(pieces) + text.slice(at + below(3))
  }
  return text
}
const invent = () => Array.from({ length: 1 + below(7) }, () => pick(pieces)).join('')

const texts = new Set(whole)
while (texts.size < COUNT) texts.add(below(3) === 0 ? invent() : mutate(pick(whole)))
const lines = [...texts].map((text) => {
  const ms = Date.parse(text)
  return JSON.stringify([text, Number.isNaN(ms) ? null : ms])
})
const made = `[\n${lines.join(',\n')}\n]\n`

put(file, made)
