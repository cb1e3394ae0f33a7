'use strict'
// Random programs whose clients leave: behind the request, in the middle of its body, with the first bytes of the answer. Handlers
// stream, wait, read and pipe, and note what they are told. Plain JSON as of generate.js, with the steps of interpret.js and
// recipes.js. It must not note what depends on how much had been sent by then.

const { Random } = require('./random')

const EVENTS = {
  req: ['close', 'aborted', 'error', 'end'],
  res: ['close', 'finish', 'error', 'prefinish']
}

const STATES = {
  req: [
    'aborted',
    'destroyed',
    'complete',
    'readableEnded',
    'readableAborted',
    'closed',
    'errored'
  ],
  res: [
    'writableEnded',
    'writableFinished',
    'destroyed',
    'headersSent',
    'closed',
    'errored',
    'socket'
  ]
}

function listening(r) {
  const on = r.pick(['req', 'res'])
  return r.weighted([
    [3, () => ['listen', on, [r.pick(EVENTS[on])]]],
    [
      3,
      () => [
        'witness',
        on,
        r.pick(['close', 'error']),
        r.times(1 + r.int(3), () => r.pick(STATES[on]))
      ]
    ],
    [1, () => ['witness', 'req', 'aborted', [r.pick(STATES.req)]]],
    [1, () => ['witness', 'socket', 'close', [r.pick(['destroyed', 'readable', 'writable'])]]]
  ])()
}

const FLOWS = ['ticks', 'pulled', 'failing', 'broken', 'missing', 'endless']
const MODES = ['data', 'readable', 'iterate', 'pipe', 'pause', 'text', 'resume']

/** Steps that have not answered before a body has come. */
const WAITING = new Set(['read', 'echo'])

/** What the handler does with the request while its client leaves. */
function doing(r) {
  return r.weighted([
    [6, () => [['flow', r.pick(FLOWS), ['part', 'more']]]],
    [
      2,
      () => [
        ['wait', 'while'],
        ['call', 'res', r.pick(['send', 'json']), ['late'], true]
      ]
    ],
    [
      1,
      () => [
        ['wait', 'while'],
        ['call', 'res', 'write', ['late']],
        ['call', 'res', 'end', []]
      ]
    ],
    [
      2,
      () => [
        ['call', 'res', 'write', ['begun'], true],
        ['wait', 'while'],
        ['call', 'res', 'end', ['late']]
      ]
    ],
    [1, () => [['call', 'res', 'flushHeaders', [], true]]],
    [1, () => []],
    [
      3,
      () => [
        ['read', r.pick(MODES)],
        ['call', 'res', 'send', ['read'], true]
      ]
    ],
    [2, () => [['echo', r.pick(['pipe', 'pipeline', 'iterate'])]]],
    [
      1,
      () => [
        ['wait', r.pick(['immediate', 'timer'])],
        ['throw', { $error: { message: 'while it left' } }]
      ]
    ],
    [
      1,
      () => [
        [
          'call',
          'res',
          'sendFile',
          ['large.txt', { root: { $fixture: 'public' } }, { $callback: 'file' }],
          true
        ]
      ]
    ],
    [1, () => [['call', 'res', 'send', ['at once'], true]]]
  ])()
}

function handler(r, id) {
  return {
    id,
    arity: 3,
    async: r.chance(0.4),
    steps: [...r.times(1 + r.int(3), listening), ...doing(r)]
  }
}

function request(r, path) {
  const hasBody = r.chance(0.5)
  const headers = [['Host', 'a.test']]
  let body = ''
  if (hasBody) {
    body = '{"a":1}'.padEnd(r.pick([7, 2000, 9000]))
    headers.push(['Content-Type', 'application/json'], ['Content-Length', String(body.length)])
  }
  if (r.chance(0.1)) headers.push(['Connection', 'close'])
  return {
    method: hasBody ? 'POST' : r.pick(['GET', 'GET', 'HEAD']),
    path,
    headers,
    body,
    version: r.chance(0.05) ? '1.0' : '1.1'
  }
}

/**
 * @param {number} seed
 * @returns {{ app: object, groups: object[] }}
 */
function leaver(seed) {
  const r = new Random(seed ^ 0x1ea7)
  const layers = []
  if (r.chance(0.4))
    layers.push({
      type: 'use',
      handlers: [{ id: 'front', arity: 3, async: false, steps: [listening(r), ['next']] }]
    })
  if (r.chance(0.2))
    layers.push({ type: 'use', handlers: [{ body: r.pick(['json', 'raw']), options: {} }] })
  if (r.chance(0.2))
    layers.push({
      type: 'middleware',
      name: r.pick(['on-finished', 'compression', 'morgan']),
      options: { format: ':method :url :status', threshold: 0 }
    })
  const paths = r.times(1 + r.int(3), () => `/${r.pick(['a', 'b', 'c'])}`)
  const handlers = paths.map((_, i) => handler(r, `h${i}`))
  paths.forEach((path, i) => {
    layers.push({ type: 'all', path, handlers: [handlers[i]] })
  })
  if (r.chance(0.3))
    layers.push({
      type: 'use',
      handlers: [
        {
          id: 'e',
          arity: 4,
          async: false,
          steps: [
            ['call', 'res', 'status', [500]],
            ['call', 'res', 'send', ['error']]
          ]
        }
      ]
    })
  const isWaiting = handlers.every(({ steps }) => steps.some(([kind]) => WAITING.has(kind)))
  const groups = r.times(3, () => {
    const one = request(r, r.pick(paths))
    // of who leaves in the middle of a body that has been answered, Node tells nobody
    const isCut = one.body !== '' && isWaiting && r.chance(0.5)
    const cut = isCut ? 1 + r.int(Math.min(one.body.length, 100)) : 0
    return {
      requests: [...(r.chance(0.2) ? [{ ...request(r, '/none'), version: '1.1' }] : []), one],
      pipelined: false,
      pieces: 0,
      close: false,
      leave: {
        how: r.pick(['destroy', 'reset', 'end']),
        when: r.pick(['sent', 'sent', 'data']),
        cut
      }
    }
  })
  return { app: { kind: 'app', options: {}, settings: [['env', 'production']], layers }, groups }
}

module.exports = { leaver }
