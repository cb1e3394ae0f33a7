// Patterns from the seeded generator, each with paths that have a chance to match.

import { runPattern } from '../run.js'
import { EVERY, ROUTE } from './options.mjs'
import { below, chance, pick, random } from './random.mjs'

const TEXTS = [
  'a',
  'b',
  'A',
  '-',
  '.',
  'foo',
  '/',
  '/',
  '/x',
  '/foo',
  '--',
  'é',
  '😀',
  '%20',
  '_',
  'a/b',
  'ſ',
  '\\:',
  '\\*',
  '~'
]
const NAMES = ['x', 'y', 'id', '"a b"', 'z', 'é']
const JUNK = ['+', '(', ')', '?', '!', '[', ']', '{', '}', ':', '*', '\\', '"']

function randomPattern(depth = 0) {
  let text = depth === 0 && chance(0.9) ? '/' : ''
  const length = 1 + below(depth === 0 ? 6 : 3)
  for (let i = 0; i < length; i++) {
    const r = random()
    if (r < 0.42) text += pick(TEXTS)
    else if (r < 0.68) text += `:${pick(NAMES)}${pick(['', '-', '.', '/', '/', '😀', '--'])}`
    else if (r < 0.82) text += `*${pick(NAMES)}${pick(['', '-', '.', '/', '/', '-a'])}`
    else if (r < 0.98 && depth < 2) text += `{${randomPattern(depth + 1)}}`
    else if (chance(0.3)) text += pick(JUNK)
  }
  return text
}

const VALUES = [
  'a',
  'x1',
  'foo',
  '-',
  '.',
  'a-b',
  'a/b',
  'é',
  '%2F',
  'A',
  'foo-bar',
  '/',
  '--',
  '😀',
  'b.c',
  'b',
  'f',
  'É',
  'a.b-c'
]

/** A path that has a chance to match. */
function fill(pattern) {
  return pattern
    .replace(/\\(.)/g, '$1')
    .replace(/[:*]("[^"]*"|[\p{ID_Start}$_][\p{ID_Continue}$]*)/gu, () => pick(VALUES))
    .replace(/\{[^{}]*\}/g, (group) => (chance(0.5) ? group : ''))
    .replace(/[{}]/g, '')
}

function mutate(path) {
  const at = below(path.length + 1)
  switch (below(9)) {
    case 0:
      return `${path}/`
    case 1:
      return path.toUpperCase()
    case 2:
      return `${path}/x`
    case 3:
      return path.slice(0, -1).toWellFormed?.().replaceAll('\ufffd', '') ?? path
    case 4:
      return `${path}-a`
    case 5:
      return (
        (path.slice(0, at) + pick(['-', '/', '.', 'a', 'é']))
          .toWellFormed?.()
          .replaceAll('\ufffd', '') ?? path
      )
    case 6:
      return `/${path}`
    default:
      return path
  }
}

/** The cases, with what path-to-regexp makes of them. */
export function randomPatterns() {
  const patterns = []
  const seen = new Set()
  while (patterns.length < 700) {
    const path = randomPattern()
    if (path.length > 60 || seen.has(path)) continue
    seen.add(path)
    const options = chance(0.4) ? ROUTE : pick(EVERY)
    const paths = [...new Set(Array.from({ length: 7 }, () => mutate(fill(path))))]
    patterns.push({ path, ...options, ...runPattern({ path, ...options }, paths) })
  }
  return patterns
}
